/*
 * Kendryte K210: the boards and what is on them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "hw/i2c/i2c.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "hw/sd/sd.h"
#include "hw/ssi/ssi.h"
#include "hw/k210/k210.h"
#include "hw/k210/k210_fpioa.h"
#include "system/block-backend.h"
#include "system/blockdev.h"

/* QEMU keeps the name of its SSI bus type to itself. */
#define SSI_BUS_TYPE "SSI"

#define PAD(n) (1ull << (n))

/* Wiring that all boards of Sipeed's M1 module family share. */
#define MAIX_M1 \
    .pull_ups = PAD(16) | PAD(40) | PAD(41) | PAD(26), \
    .flash_part = "w25q128", \
    .sensor = "ov2640", \
    .lcd = { "k210-st7789", .cs = 36, .rst = 37, .dc = 38, .wr = 39 }, \
    .cam = { .scl = 41, .sda = 40, .rst = 42, .pwdn = 44, .xclk = 46 }, \
    .sd = { .cs = 29, .sclk = 27, .mosi = 28, .miso = 26 }, \
    .boot_key = 16

static const K210Board boards[] = {
    { .name = "maix_bit", .desc = "Sipeed Maix Bit", MAIX_M1 },
    { .name = "maix_dock", .desc = "Sipeed Maix Dock (dan)", MAIX_M1 },
    { .name = "maix_go", .desc = "Sipeed Maix Go", MAIX_M1 },
    { .name = "maixduino", .desc = "Sipeed Maixduino", MAIX_M1 },
    /* Camera and LCD on the low pads, no reset line to the LCD, no TF card. */
    {
        .name = "kd233",
        .desc = "Canaan KD233",
        .pull_ups = PAD(16) | PAD(9) | PAD(10) | PAD(26),
        .flash_part = "w25q128",
        .sensor = "ov5640",
        .lcd = { "k210-nt35310", .cs = 6, .rst = -1, .dc = 8, .wr = 7 },
        .cam = { .scl = 10, .sda = 9, .rst = 11, .pwdn = 13, .xclk = 14 },
        .sd = { .cs = -1, .sclk = -1, .mosi = -1, .miso = -1 },
        .boot_key = 16,
    },
};

const K210Board *k210_board_find(const char *name)
{
    for (int i = 0; i < ARRAY_SIZE(boards); i++) {
        if (!strcmp(boards[i].name, name)) {
            return &boards[i];
        }
    }
    return NULL;
}

char *k210_board_names(void)
{
    GString *s = g_string_new(boards[0].name);

    for (int i = 1; i < ARRAY_SIZE(boards); i++) {
        g_string_append_printf(s, ", %s", boards[i].name);
    }
    return g_string_free(s, false);
}

/* A part of the given type as a child of the machine; NULL if not modelled. */
static DeviceState *part_new(K210MachineState *m, const char *name,
                             const char *type)
{
    DeviceState *dev;

    if (!module_object_class_by_name(type)) {
        return NULL;
    }
    dev = qdev_new(type);
    object_property_add_child(OBJECT(m), name, OBJECT(dev));
    return dev;
}

static BusState *first_bus(DeviceState *dev, const char *type)
{
    BusState *bus;

    if (dev) {
        QLIST_FOREACH(bus, &dev->child_bus, sibling) {
            if (object_dynamic_cast(OBJECT(bus), type)) {
                return bus;
            }
        }
    }
    return NULL;
}

static void wire_pad_out(K210MachineState *m, int pad, DeviceState *dev,
                         const char *in)
{
    if (pad >= 0) {
        k210_wire(k210_block(m, "fpioa"), "pad-out", pad, dev, in, 0);
    }
}

static void create_flash(K210MachineState *m)
{
    DeviceState *spi = k210_block(m, "spi3");
    BusState *bus = first_bus(spi, SSI_BUS_TYPE);
    DeviceState *dev = bus ? part_new(m, "flash", "k210-w25q") : NULL;
    DriveInfo *drive = drive_get(IF_MTD, 0, 0);

    if (!dev) {
        return;
    }
    if (object_property_find(OBJECT(dev), "part")) {
        qdev_prop_set_string(dev, "part", m->board->flash_part);
    }
    if (drive) {
        qdev_prop_set_drive_err(dev, "drive", blk_by_legacy_dinfo(drive),
                                &error_fatal);
    }
    qdev_realize_and_unref(dev, bus, &error_fatal);
    k210_wire(spi, "cs", 0, dev, SSI_GPIO_CS, 0);
}

static void create_lcd(K210MachineState *m)
{
    const K210Board *b = m->board;
    BusState *bus = first_bus(k210_block(m, "spi0"), SSI_BUS_TYPE);
    DeviceState *dev;

    if (!bus || !b->lcd.type) {
        return;
    }
    dev = part_new(m, "lcd", b->lcd.type);
    if (!dev) {
        return;
    }
    qdev_realize_and_unref(dev, bus, &error_fatal);
    wire_pad_out(m, b->lcd.cs, dev, SSI_GPIO_CS);
    if (b->lcd.rst >= 0) {
        wire_pad_out(m, b->lcd.rst, dev, "reset");
    } else {
        qemu_irq_raise(qdev_get_gpio_in_named(dev, "reset", 0));
    }
    wire_pad_out(m, b->lcd.dc, dev, "dc");
}

static void create_sd(K210MachineState *m)
{
    BusState *bus = first_bus(k210_block(m, "spi1"), SSI_BUS_TYPE);
    DriveInfo *drive = drive_get(IF_SD, 0, 0);
    DeviceState *dev, *card;

    if (!bus || m->board->sd.cs < 0) {
        return;
    }
    dev = part_new(m, "sd", "ssi-sd");
    qdev_realize_and_unref(dev, bus, &error_fatal);
    wire_pad_out(m, m->board->sd.cs, dev, SSI_GPIO_CS);
    if (drive) {
        card = qdev_new(TYPE_SD_CARD_SPI);
        qdev_prop_set_drive_err(card, "drive", blk_by_legacy_dinfo(drive),
                                &error_fatal);
        qdev_realize_and_unref(card, qdev_get_child_bus(dev, "sd-bus"),
                               &error_fatal);
    }
}

void k210_board_create_camera(K210MachineState *m)
{
    const K210Board *b = m->board;
    const char *sensor = m->sensor ? m->sensor : b->sensor;
    g_autofree char *type = NULL;
    DeviceState *dev;

    if (!sensor || !strcmp(sensor, "none")) {
        sensor = NULL;
        if (m->camera) {
            error_report("camera: there is no sensor to show '%s' to",
                         m->camera);
            exit(1);
        }
    }
    /* One bus on two pads; who has mapped its clock and data there uses it. */
    m->camera_bus = i2c_init_bus(k210_block(m, "sysctl"), "camera-i2c");
    if (!sensor) {
        return;
    }
    type = g_strdup_printf("k210-cam-%s", sensor);
    dev = part_new(m, "cam", type);
    if (!dev) {
        if (m->sensor) {
            error_report("sensor: '%s' is not a sensor of this machine",
                         m->sensor);
            exit(1);
        }
        return;
    }
    if (m->camera) {
        object_property_set_str(OBJECT(dev), "source", m->camera,
                                &error_fatal);
    }
    qdev_realize_and_unref(dev, BUS(m->camera_bus), &error_fatal);
    m->camera_dev = dev;
    wire_pad_out(m, b->cam.rst, dev, "reset");
    wire_pad_out(m, b->cam.pwdn, dev, "pwdn");
}

void k210_board_set_boot_key(K210MachineState *m, bool pressed)
{
    DeviceState *fpioa = m->soc ? k210_block(m, "fpioa") : NULL;

    if (fpioa && m->board->boot_key >= 0) {
        qemu_set_irq(qdev_get_gpio_in_named(fpioa, "pad-in",
                                            m->board->boot_key),
                     pressed ? 0 : K210_PAD_Z);
    }
}

void k210_board_create(K210MachineState *m)
{
    create_flash(m);
    create_lcd(m);
    create_sd(m);
    k210_board_set_boot_key(m, m->isp);
}
