/*
 * Sitronix ST7789V LCD controller with a 240x320 panel, and its look-alike
 * Novatek NT35310 as it is used on the KD233
 *
 * Driven over the K210's SPI0 in octal format ("8080 wired") or over plain
 * SPI: either way one SSI transfer is one byte, and the level of "dc" tells
 * commands (0) from data (1). Nothing is read back on the boards.
 *
 * The Maix boards mount the panel turned by 90 degrees: its first row is at
 * the right edge of the picture. So the console shows frame memory (row r,
 * column c) at x = 319 - r, y = c, and the software that runs there uses
 * MADCTL A0h for an upright 320x240 picture. The KD233's panel has blue and
 * red swapped and is mounted for MADCTL 28h; its glass has 320x480 pixels, of
 * which software for this board uses 240x320.
 *
 * Command set: ST7789V data sheet 1.4; uses of it: k210-hardware 4.3.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/visitor.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "hw/ssi/ssi.h"
#include "migration/vmstate.h"
#include "ui/console.h"
#include "hw/k210/k210_strict.h"
#include "trace.h"

#define TYPE_K210_ST7789 "k210-st7789"
#define TYPE_K210_NT35310 "k210-nt35310"
OBJECT_DECLARE_TYPE(K210St7789State, K210St7789Class, K210_ST7789)

struct K210St7789Class {
    SSIPeripheralClass parent_class;
    /* MADCTL with which software gets an upright picture in true colours. */
    uint8_t upright;
};

#define COLS 240
#define ROWS 320

enum {
    NOP = 0x00, SWRESET = 0x01, SLPIN = 0x10, SLPOUT = 0x11, PTLON = 0x12,
    NORON = 0x13, INVOFF = 0x20, INVON = 0x21, GAMSET = 0x26, DISPOFF = 0x28,
    DISPON = 0x29, CASET = 0x2a, RASET = 0x2b, RAMWR = 0x2c, RAMRD = 0x2e,
    PTLAR = 0x30, VSCRDEF = 0x33, TEOFF = 0x34, TEON = 0x35, MADCTL = 0x36,
    VSCRSADD = 0x37, IDMOFF = 0x38, IDMON = 0x39, COLMOD = 0x3a,
    RAMWRC = 0x3c,
};

enum {
    MADCTL_MY = 0x80, MADCTL_MX = 0x40, MADCTL_MV = 0x20, MADCTL_BGR = 0x08,
};

struct K210St7789State {
    SSIPeripheral parent_obj;

    QemuConsole *con;
    bool redraw;
    bool dc;
    bool in_reset;

    uint8_t command;
    uint8_t params[16];
    uint32_t nparams;

    bool sleeping;
    bool display_on;
    bool inverted;
    uint8_t madctl;
    uint8_t colmod;
    uint16_t xs, xe, ys, ye;        /* window, as written */
    uint16_t x, y;                  /* next pixel */
    uint8_t pixel[3];
    uint32_t npixel;
    uint64_t pixels;                /* of the burst under way */
    uint64_t pictures;
    uint32_t gram[ROWS * COLS];     /* 0x00RRGGBB */
};

static void burst_end(K210St7789State *s)
{
    if (s->pixels) {
        s->pictures++;
        trace_k210_st7789_window(s->xs, s->ys, s->xe, s->ye, s->pixels);
        s->pixels = 0;
    }
}

/* Frame memory position of a pixel; false outside the panel. */
static bool position(uint8_t madctl, unsigned x, unsigned y, unsigned *index)
{
    unsigned col = madctl & MADCTL_MV ? y : x;
    unsigned row = madctl & MADCTL_MV ? x : y;

    if (col >= COLS || row >= ROWS) {
        return false;
    }
    if (madctl & MADCTL_MX) {
        col = COLS - 1 - col;
    }
    if (madctl & MADCTL_MY) {
        row = ROWS - 1 - row;
    }
    *index = row * COLS + col;
    return true;
}

static void put_pixel(K210St7789State *s, uint32_t rgb)
{
    unsigned index;

    if (position(s->madctl, s->x, s->y, &index)) {
        s->gram[index] = rgb;
        s->redraw = true;
    }
    s->pixels++;
    if (s->x++ >= s->xe) {
        s->x = s->xs;
        if (s->y++ >= s->ye) {
            s->y = s->ys;
        }
    }
}

static void put_byte(K210St7789State *s, uint8_t byte)
{
    bool wide = (s->colmod & 7) == 6;
    uint32_t v;

    s->pixel[s->npixel++] = byte;
    if (s->npixel < (wide ? 3 : 2)) {
        return;
    }
    s->npixel = 0;
    if (wide) {
        v = (s->pixel[0] & 0xfc) << 16 | (s->pixel[1] & 0xfc) << 8
            | (s->pixel[2] & 0xfc);
        v |= v >> 6 & 0x030303;
    } else {
        unsigned p = s->pixel[0] << 8 | s->pixel[1];
        unsigned r = p >> 11, g = p >> 5 & 0x3f, b = p & 0x1f;

        v = (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8
            | (b << 3 | b >> 2);
    }
    put_pixel(s, v);
}

static void reset_registers(K210St7789State *s)
{
    burst_end(s);
    s->command = NOP;
    s->nparams = 0;
    s->npixel = 0;
    s->sleeping = true;
    s->display_on = false;
    s->inverted = false;
    s->madctl = 0;
    s->colmod = 0x66;
    s->xs = s->ys = s->x = s->y = 0;
    s->xe = COLS - 1;
    s->ye = ROWS - 1;
    s->redraw = true;
}

static void start_command(K210St7789State *s, uint8_t command)
{
    if (command != RAMWRC) {
        burst_end(s);
    }
    s->command = command;
    s->nparams = 0;
    s->npixel = 0;
    s->redraw = true;
    switch (command) {
    case SWRESET:
        reset_registers(s);
        break;
    case SLPIN:
    case SLPOUT:
        s->sleeping = command == SLPIN;
        break;
    case INVOFF:
    case INVON:
        s->inverted = command == INVON;
        break;
    case DISPOFF:
    case DISPON:
        s->display_on = command == DISPON;
        break;
    case RAMWR:
        s->x = s->xs;
        s->y = s->ys;
        break;
    default:
        break;
    }
}

static void parameter(K210St7789State *s, uint8_t byte)
{
    if (s->command == RAMWR || s->command == RAMWRC) {
        put_byte(s, byte);
        return;
    }
    trace_k210_st7789_parameter(s->command, byte);
    if (s->nparams < ARRAY_SIZE(s->params)) {
        s->params[s->nparams] = byte;
    }
    s->nparams++;
    switch (s->command) {
    case CASET:
        if (s->nparams == 4) {
            s->xs = lduw_be_p(s->params);
            s->xe = lduw_be_p(s->params + 2);
        }
        break;
    case RASET:
        if (s->nparams == 4) {
            s->ys = lduw_be_p(s->params);
            s->ye = lduw_be_p(s->params + 2);
        }
        break;
    case MADCTL:
        s->madctl = byte;
        break;
    case COLMOD:
        s->colmod = byte;
        break;
    default:
        break;
    }
}

static uint32_t st7789_transfer(SSIPeripheral *dev, uint32_t value)
{
    K210St7789State *s = K210_ST7789(dev);

    if (s->in_reset) {
        return 0xff;
    }
    if (s->dc) {
        parameter(s, value);
    } else {
        start_command(s, value);
    }
    return 0xff;
}

static void st7789_dc(void *opaque, int n, int level)
{
    K210_ST7789(opaque)->dc = level;
}

static void st7789_reset_pin(void *opaque, int n, int level)
{
    K210St7789State *s = K210_ST7789(opaque);

    s->in_reset = !level;
    if (!level) {
        reset_registers(s);
    }
}

static unsigned window_area(K210St7789State *s)
{
    return (s->xe - s->xs + 1) * (s->ye - s->ys + 1);
}

/* A burst has ended for the viewer when the chip is deselected. */
static int st7789_set_cs(SSIPeripheral *dev, bool high)
{
    if (high) {
        K210St7789State *s = K210_ST7789(dev);

        /* Drivers release the select within a picture; count whole windows. */
        if (s->pixels >= window_area(s)) {
            burst_end(s);
        }
    }
    return 0;
}

static void st7789_update(void *opaque)
{
    K210St7789State *s = opaque;
    uint8_t upright = K210_ST7789_GET_CLASS(s)->upright;
    DisplaySurface *surface = qemu_console_surface(s->con);
    uint32_t flip = s->inverted ? 0xffffff : 0;
    bool swap = (s->madctl ^ upright) & MADCTL_BGR;
    bool lit = s->display_on && !s->sleeping;

    if (!s->redraw || surface_bits_per_pixel(surface) != 32) {
        return;
    }
    s->redraw = false;
    for (int y = 0; y < COLS; y++) {
        uint32_t *line = (uint32_t *)(surface_data(surface)
                                      + y * surface_stride(surface));
        for (int x = 0; x < ROWS; x++) {
            unsigned index;
            uint32_t rgb = 0;

            if (lit && position(upright, x, y, &index)) {
                rgb = s->gram[index] ^ flip;
            }
            line[x] = swap ? bswap32(rgb) >> 8 : rgb;
        }
    }
    dpy_gfx_update_full(s->con);
}

static void st7789_invalidate(void *opaque)
{
    K210_ST7789(opaque)->redraw = true;
}

static const GraphicHwOps st7789_ops = {
    .invalidate = st7789_invalidate,
    .gfx_update = st7789_update,
};

static void st7789_get_pictures(Object *obj, Visitor *v, const char *name,
                                void *opaque, Error **errp)
{
    K210St7789State *s = K210_ST7789(obj);
    uint64_t n = s->pictures + !!s->pixels;

    visit_type_uint64(v, name, &n, errp);
}

/* A window is partly written: who wants a whole picture waits a little. */
static bool st7789_get_painting(Object *obj, Error **errp)
{
    K210St7789State *s = K210_ST7789(obj);

    return s->pixels && s->pixels < window_area(s);
}

static void st7789_realize(SSIPeripheral *dev, Error **errp)
{
    K210St7789State *s = K210_ST7789(dev);

    s->con = graphic_console_init(DEVICE(dev), 0, &st7789_ops, s);
    qemu_console_resize(s->con, ROWS, COLS);
}

static void st7789_reset(DeviceState *dev)
{
    K210St7789State *s = K210_ST7789(dev);

    s->in_reset = false;
    s->pictures = 0;
    memset(s->gram, 0, sizeof(s->gram));
    reset_registers(s);
}

static const VMStateDescription vmstate_st7789 = {
    .name = TYPE_K210_ST7789,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_SSI_PERIPHERAL(parent_obj, K210St7789State),
        VMSTATE_BOOL(dc, K210St7789State),
        VMSTATE_BOOL(in_reset, K210St7789State),
        VMSTATE_UINT8(command, K210St7789State),
        VMSTATE_UINT8_ARRAY(params, K210St7789State, 16),
        VMSTATE_UINT32(nparams, K210St7789State),
        VMSTATE_BOOL(sleeping, K210St7789State),
        VMSTATE_BOOL(display_on, K210St7789State),
        VMSTATE_BOOL(inverted, K210St7789State),
        VMSTATE_UINT8(madctl, K210St7789State),
        VMSTATE_UINT8(colmod, K210St7789State),
        VMSTATE_UINT16(xs, K210St7789State),
        VMSTATE_UINT16(xe, K210St7789State),
        VMSTATE_UINT16(ys, K210St7789State),
        VMSTATE_UINT16(ye, K210St7789State),
        VMSTATE_UINT16(x, K210St7789State),
        VMSTATE_UINT16(y, K210St7789State),
        VMSTATE_UINT8_ARRAY(pixel, K210St7789State, 3),
        VMSTATE_UINT32(npixel, K210St7789State),
        VMSTATE_UINT64(pixels, K210St7789State),
        VMSTATE_UINT64(pictures, K210St7789State),
        VMSTATE_UINT32_ARRAY(gram, K210St7789State, ROWS * COLS),
        VMSTATE_END_OF_LIST()
    },
};

static void st7789_init(Object *obj)
{
    DeviceState *dev = DEVICE(obj);

    qdev_init_gpio_in_named(dev, st7789_dc, "dc", 1);
    qdev_init_gpio_in_named(dev, st7789_reset_pin, "reset", 1);
}

static void st7789_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    SSIPeripheralClass *k = SSI_PERIPHERAL_CLASS(klass);

    k->realize = st7789_realize;
    k->transfer = st7789_transfer;
    k->set_cs = st7789_set_cs;
    k->cs_polarity = SSI_CS_LOW;
    dc->vmsd = &vmstate_st7789;
    dc->desc = "ST7789V LCD, 320x240";
    K210_ST7789_CLASS(klass)->upright = MADCTL_MY | MADCTL_MV;
    device_class_set_legacy_reset(dc, st7789_reset);
    set_bit(DEVICE_CATEGORY_DISPLAY, dc->categories);
    object_class_property_add_bool(klass, "painting", st7789_get_painting,
                                   NULL);
    object_class_property_add(klass, "pictures", "uint64", st7789_get_pictures,
                              NULL, NULL, NULL);
}

static void nt35310_class_init(ObjectClass *klass, void *data)
{
    DEVICE_CLASS(klass)->desc = "NT35310 LCD, 320x240";
    K210_ST7789_CLASS(klass)->upright = MADCTL_MV | MADCTL_BGR;
}

static const TypeInfo st7789_types[] = {
    {
        .name = TYPE_K210_ST7789,
        .parent = TYPE_SSI_PERIPHERAL,
        .instance_size = sizeof(K210St7789State),
        .instance_init = st7789_init,
        .class_size = sizeof(K210St7789Class),
        .class_init = st7789_class_init,
    },
    {
        .name = TYPE_K210_NT35310,
        .parent = TYPE_K210_ST7789,
        .class_init = nt35310_class_init,
    },
};
DEFINE_TYPES(st7789_types)
