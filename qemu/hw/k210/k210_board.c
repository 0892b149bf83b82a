/*
 * Kendryte K210: the boards and what is on them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "chardev/char.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "hw/i2c/i2c.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "hw/sd/sd.h"
#include "hw/ssi/ssi.h"
#include "hw/k210/k210.h"
#include "hw/k210/k210_fpioa.h"
#include "hw/k210/k210_i2c_bits.h"
#include "hw/k210/k210_i2c_master.h"
#include "hw/k210/k210_lcd.h"
#include "hw/k210/k210_ssi_link.h"
#include "system/block-backend.h"
#include "system/blockdev.h"

/* QEMU keeps the name of its SSI bus type to itself. */
#define SSI_BUS_TYPE "SSI"

#define PAD(n) (1ull << (n))

/* What all boards with the usual wiring of Sipeed's M1 modules share. */
#define M1_LCD(type) { type, .cs = 36, .rst = 37, .dc = 38, .wr = 39 }
#define M1_CAM { .scl = 41, .sda = 40, .rst = 42, .pwdn = 44, .xclk = 46 }
#define M1_SD { .cs = 29, .sclk = 27, .mosi = 28, .miso = 26 }
#define M1W_ESP8285 { .tx = 6, .rx = 7, .en = 8 }
#define MAIX_M1 \
    .flash_part = "w25q128", \
    .sensor = "ov2640", \
    .lcd = M1_LCD("k210-st7789"), \
    .cam = M1_CAM, \
    .sd = M1_SD

static const K210Board boards[] = {
    {
        .name = "maix_bit",
        .desc = "Sipeed Maix Bit",
        MAIX_M1,
        .esp8285 = M1W_ESP8285,
        .keys = { { "boot", 16 } },
        .leds = { { "red", 13 }, { "green", 12 }, { "blue", 14 } },
    },
    {
        .name = "maix_dock",
        .desc = "Sipeed Maix Dock (dan)",
        MAIX_M1,
        .i2c = { .scl = 9, .sda = 10 },
        .esp8285 = M1W_ESP8285,
        .keys = { { "boot", 16 } },
        .leds = { { "red", 14 }, { "green", 13 }, { "blue", 12 } },
    },
    /* The sources disagree on the colours of the Go; scripts see these. */
    {
        .name = "maix_go",
        .desc = "Sipeed Maix Go",
        MAIX_M1,
        .i2c = { .scl = 30, .sda = 31 },
        .parts = { { "accelerometer", "k210-msa301", 0x26 } },
        .esp8285 = M1W_ESP8285,
        .keys = { { "boot", 16 }, { "up", 15 }, { "press", 16 },
                  { "down", 17 } },
        .leds = { { "red", 14 }, { "green", 12 }, { "blue", 13 } },
    },
    {
        .name = "maixduino",
        .desc = "Sipeed Maixduino",
        MAIX_M1,
        .i2c = { .scl = 30, .sda = 31 },
        .esp32 = { .cs = 25, .rst = 8, .rdy = 9, .mosi = 28, .miso = 26,
                   .sclk = 27 },
        .keys = { { "boot", 16 } },
        .leds = { { "red", 13 }, { "green", 12 }, { "blue", 14 } },
    },
    {
        .name = "maix_cube",
        .desc = "Sipeed Maix Cube",
        .flash_part = "w25q128",
        .sensor = "ov7740",
        .lcd = M1_LCD("k210-st7789-cube"),
        .cam = M1_CAM,
        .sd = M1_SD,
        .i2c = { .scl = 30, .sda = 31 },
        .parts = { { "pmu", "k210-axp173", 0x34 },
                   { "accelerometer", "k210-msa301", 0x26 },
                   { "codec", "k210-es8374", 0x10 } },
        .esp8285 = M1W_ESP8285,
        .keys = { { "boot", 16 }, { "back", 11 }, { "enter", 10 },
                  { "next", 16 } },
        .leds = { { "red", 13 }, { "green", 12 }, { "blue", 14 },
                  { "white", 32 } },
    },
    /* With the TFT panel. ENTER is "BOOT_KEY" to scripts; the ROM reads 16. */
    {
        .name = "maix_amigo",
        .desc = "Sipeed Maix Amigo (TFT)",
        .flash_part = "w25q128",
        .sensor = "ov7740",
        .lcd = M1_LCD("k210-ili9486"),
        .cam = M1_CAM,
        .sd = { .cs = 26, .sclk = 11, .mosi = 10, .miso = 6 },
        .i2c = { .scl = 24, .sda = 27 },
        .parts = { { "pmu", "k210-axp173", 0x34 },
                   { "touch", "k210-ft6x36", 0x38, .int_pad = 33 },
                   { "codec", "k210-es8374", 0x10 } },
        .keys = { { "boot", 16 }, { "back", 31 }, { "enter", 23 },
                  { "next", 20 } },
        .leds = { { "red", 14 }, { "green", 15 }, { "blue", 17 },
                  { "white", 32 } },
    },
    /* The LCD has one data line, so it takes SPI0 in standard format. */
    {
        .name = "m5stickv",
        .desc = "M5StickV",
        .flash_part = "w25q128",
        .sensor = "ov7740",
        .lcd = { "k210-st7789-m5stickv", .cs = 22, .rst = 21, .dc = 20,
                 .wr = 19 },
        .cam = M1_CAM,
        .sd = { .cs = 32, .sclk = 30, .mosi = 33, .miso = 31 },
        .i2c = { .scl = 28, .sda = 29 },
        .parts = { { "pmu", "k210-axp192", 0x34 },
                   { "imu", "k210-mpu6886", 0x68 } },
        .keys = { { "boot", 16 }, { "a", 36 }, { "b", 37 } },
        .leds = { { "red", 6 }, { "green", 9 }, { "blue", 8 },
                  { "white", 7 } },
    },
    /* Camera and LCD on the low pads, no reset line to the LCD, no TF card. */
    {
        .name = "kd233",
        .desc = "Canaan KD233",
        .pull_ups = PAD(26),
        .flash_part = "w25q128",
        .sensor = "ov5640",
        .lcd = { "k210-nt35310", .cs = 6, .rst = -1, .dc = 8, .wr = 7 },
        .cam = { .scl = 10, .sda = 9, .rst = 11, .pwdn = 13, .xclk = 14 },
        .sd = { .cs = -1, .sclk = -1, .mosi = -1, .miso = -1 },
        .keys = { { "boot", 16 } },
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

uint64_t k210_board_pull_ups(const K210Board *b)
{
    uint64_t pads = b->pull_ups | PAD(b->cam.scl) | PAD(b->cam.sda);

    /* A card has a resistor at its select line (DAT3). */
    if (b->sd.miso >= 0) {
        pads |= PAD(b->sd.miso) | PAD(b->sd.cs);
    }
    if (b->i2c.scl) {
        pads |= PAD(b->i2c.scl) | PAD(b->i2c.sda);
    }
    if (b->esp8285.en) {
        pads |= PAD(b->esp8285.en);
    }
    if (b->esp32.cs) {
        pads |= PAD(b->esp32.cs) | PAD(b->esp32.rst);
    }
    for (int i = 0; i < ARRAY_SIZE(b->keys) && b->keys[i].name; i++) {
        pads |= PAD(b->keys[i].pad);
    }
    for (int i = 0; i < ARRAY_SIZE(b->leds) && b->leds[i].name; i++) {
        pads |= PAD(b->leds[i].pad);
    }
    return pads;
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
    g_autofree char *type = m->panel ? g_strdup_printf("k210-%s", m->panel)
                                   : g_strdup(b->lcd.type);
    DeviceState *dev;

    if (!bus || !type || !g_strcmp0(m->panel, "none")) {
        return;
    }
    dev = part_new(m, "lcd", type);
    if (!dev || !object_dynamic_cast(OBJECT(dev), TYPE_K210_LCD)) {
        error_report("there is no LCD '%s' (st7789, st7789-cube, "
                     "st7789-m5stickv, nt35310, ili9341, ili9486, none)",
                     m->panel);
        exit(1);
    }
    object_property_set_link(OBJECT(dev), "fpioa",
                             OBJECT(k210_block(m, "fpioa")), &error_fatal);
    qdev_prop_set_uint32(dev, "wr", b->lcd.wr);
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
    BusState *other = first_bus(k210_block(m, "spi0"), SSI_BUS_TYPE);
    DeviceState *dev, *card, *link;

    if (!bus || m->board->sd.cs < 0) {
        return;
    }
    dev = part_new(m, "sd", "k210-sd-spi");
    qdev_realize_and_unref(dev, bus, &error_fatal);
    wire_pad_out(m, m->board->sd.cs, dev, SSI_GPIO_CS);
    link = other ? part_new(m, "sd-on-spi0", TYPE_K210_SSI_LINK) : NULL;
    if (link) {
        object_property_set_link(OBJECT(link), "part", OBJECT(dev),
                                 &error_fatal);
        object_property_set_link(OBJECT(link), "fpioa",
                                 OBJECT(k210_block(m, "fpioa")), &error_fatal);
        qdev_prop_set_uint32(link, "pad", m->board->sd.mosi);
        qdev_prop_set_uint32(link, "function", K210_FUNC_SPI0_D0);
        qdev_prop_set_uint32(link, "lcd-wr", m->board->lcd.wr);
        qdev_prop_set_uint8(link, "cs", 1); /* bus address, the LCD has 0 */
        qdev_realize_and_unref(link, other, &error_fatal);
    }
    /* An empty slot is a card without a medium: one can be put in later. */
    if (!drive) {
        drive = drive_new(drive_add(IF_SD, 0, NULL, ""), IF_SD, &error_fatal);
    }
    card = qdev_new(TYPE_SD_CARD);
    object_property_add_child(OBJECT(dev), "card", OBJECT(card));
    qdev_prop_set_drive_err(card, "drive", blk_by_legacy_dinfo(drive),
                            &error_fatal);
    qdev_realize_and_unref(card, qdev_get_child_bus(dev, "sd-bus"),
                           &error_fatal);
}

/* The parts on the board's own I2C bus. */
static void create_parts(K210MachineState *m, I2CBus *bus)
{
    const K210BoardPart *p = m->board->parts;

    for (int i = 0; i < ARRAY_SIZE(m->board->parts) && p[i].name; i++) {
        DeviceState *dev = part_new(m, p[i].name, p[i].type);

        qdev_prop_set_uint8(dev, "address", p[i].address);
        qdev_realize_and_unref(dev, BUS(bus), &error_fatal);
        if (p[i].int_pad) {
            k210_wire(dev, "int", 0, k210_block(m, "fpioa"), "pad-in",
                      p[i].int_pad);
        }
    }
}

/*
 * The Wi-Fi module, with what it does at the other end of the character
 * device. Without one there is none on the board.
 */
static void create_wifi(K210MachineState *m)
{
    const K210Board *b = m->board;
    Chardev *chr = m->wifi ? qemu_chr_find(m->wifi) : NULL;
    BusState *bus = first_bus(k210_block(m, "spi1"), SSI_BUS_TYPE);
    DeviceState *dev, *fpioa = k210_block(m, "fpioa");

    if (!m->wifi) {
        return;
    }
    if (!chr) {
        error_report("wifi: there is no chardev '%s'", m->wifi);
        exit(1);
    }
    if (b->esp8285.tx) {
        k210_bridge_add_module(&m->bridge, chr, b->esp8285.tx, b->esp8285.rx,
                               b->esp8285.en);
        return;
    }
    if (!b->esp32.cs || !bus) {
        error_report("wifi: a %s has no Wi-Fi module", b->desc);
        exit(1);
    }
    dev = part_new(m, "wifi-module", "k210-nina");
    object_property_set_link(OBJECT(dev), "fpioa", OBJECT(fpioa),
                             &error_fatal);
    qdev_prop_set_chr(dev, "chardev", chr);
    qdev_prop_set_uint32(dev, "sclk-pad", b->esp32.sclk);
    qdev_prop_set_uint32(dev, "mosi-pad", b->esp32.mosi);
    qdev_prop_set_uint8(dev, "cs", 1);
    qdev_realize_and_unref(dev, bus, &error_fatal);
    wire_pad_out(m, b->esp32.cs, dev, SSI_GPIO_CS);
    wire_pad_out(m, b->esp32.rst, dev, "reset");
    wire_pad_out(m, b->esp32.sclk, dev, "sclk");
    wire_pad_out(m, b->esp32.mosi, dev, "mosi");
    k210_wire(dev, "ready", 0, fpioa, "pad-in", b->esp32.rdy);
    k210_wire(dev, "miso", 0, fpioa, "pad-in", b->esp32.miso);
}

static void create_controls(K210MachineState *m)
{
    const K210Board *b = m->board;
    K210Controls *keys = K210_CONTROLS(object_new(TYPE_K210_CONTROLS));
    K210Controls *leds = K210_CONTROLS(object_new(TYPE_K210_CONTROLS));
    Object *pmu = object_resolve_path_component(OBJECT(m), "pmu");

    keys->fpioa = leds->fpioa = K210_FPIOA(k210_block(m, "fpioa"));
    for (int i = 0; i < ARRAY_SIZE(b->keys) && b->keys[i].name; i++) {
        k210_controls_add_key(keys, b->keys[i].name, b->keys[i].pad);
    }
    for (int i = 0; i < ARRAY_SIZE(b->leds) && b->leds[i].name; i++) {
        k210_controls_add_led(leds, b->leds[i].name, b->leds[i].pad);
    }
    if (pmu) {
        object_property_add_alias(OBJECT(keys), "power", pmu, "power-key");
    }
    object_property_add_child(OBJECT(m), "keys", OBJECT(keys));
    object_property_add_child(OBJECT(m), "leds", OBJECT(leds));
    object_unref(keys);
    object_unref(leds);
    m->keys = keys;
}

/* For programs in which the K210 is a slave */
static void create_i2c_master(K210MachineState *m)
{
    K210I2CMaster *master = K210_I2C_MASTER(object_new(TYPE_K210_I2C_MASTER));

    master->fpioa = K210_FPIOA(k210_block(m, "fpioa"));
    for (int i = 0; i < ARRAY_SIZE(master->controller); i++) {
        g_autofree char *name = g_strdup_printf("i2c%d", i);

        master->controller[i] = K210_I2C(k210_block(m, name));
    }
    object_property_add_child(OBJECT(m), "i2c-master", OBJECT(master));
    object_unref(master);
}

static I2CBus *create_bus(K210MachineState *m, const char *name, unsigned scl,
                          unsigned sda)
{
    I2CBus *bus = i2c_init_bus(k210_block(m, "sysctl"), name);
    g_autofree char *bits_name = g_strdup_printf("%s-bits", name);
    DeviceState *bits = k210_i2c_bits_new(bus);

    k210_i2c_buses_add(m->i2c_buses, bus, scl, sda);
    object_property_add_child(OBJECT(m), bits_name, OBJECT(bits));
    qdev_realize_and_unref(bits, NULL, &error_fatal);
    wire_pad_out(m, scl, bits, "scl");
    wire_pad_out(m, sda, bits, "sda");
    k210_wire(bits, "sda-out", 0, k210_block(m, "fpioa"), "pad-in", sda);
    return bus;
}

static void create_camera(K210MachineState *m)
{
    const K210Board *b = m->board;
    const char *sensor = m->sensor ? m->sensor : b->sensor;
    g_autofree char *type = NULL;
    DeviceState *dev;
    I2CBus *bus;

    if (!sensor || !strcmp(sensor, "none")) {
        sensor = NULL;
        if (m->camera) {
            error_report("camera: there is no sensor to show '%s' to",
                         m->camera);
            exit(1);
        }
    }
    bus = create_bus(m, "camera-i2c", b->cam.scl, b->cam.sda);
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
    qdev_realize_and_unref(dev, BUS(bus), &error_fatal);
    m->camera_dev = dev;
    wire_pad_out(m, b->cam.rst, dev, "reset");
    wire_pad_out(m, b->cam.pwdn, dev, "pwdn");
}

void k210_board_create_buses(K210MachineState *m)
{
    m->i2c_buses = K210_I2C_BUSES(object_new(TYPE_K210_I2C_BUSES));
    object_property_add_child(OBJECT(m), "i2c-buses", OBJECT(m->i2c_buses));
    object_unref(m->i2c_buses);
    create_camera(m);
    if (m->board->i2c.scl) {
        create_parts(m, create_bus(m, "board-i2c", m->board->i2c.scl,
                                   m->board->i2c.sda));
    }
}

void k210_board_set_boot_key(K210MachineState *m, bool pressed)
{
    m->isp = pressed;
    if (m->keys) {
        object_property_set_bool(OBJECT(m->keys), "boot", pressed,
                                 &error_abort);
    }
}

void k210_board_create(K210MachineState *m)
{
    create_flash(m);
    create_lcd(m);
    create_sd(m);
    create_wifi(m);
    create_controls(m);
    create_i2c_master(m);
    k210_board_set_boot_key(m, m->isp);
}
