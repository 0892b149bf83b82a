/*
 * Sitronix ST7789V LCD controller with the panels of several boards, and its
 * look-alikes Novatek NT35310 (KD233), Ilitek ILI9486 (Maix Amigo) and ILI9341
 *
 * Driven over the K210's SPI0 in octal format ("8080 wired") or over plain
 * SPI: either way one SSI transfer is one byte, and the level of "dc" tells
 * commands (0) from data (1). After a command that reads, data bytes are the
 * controller's, the first of them a dummy as on the parallel bus; the boards
 * themselves leave the read strobe open. With "fpioa" and "wr" set, bytes
 * count only while SPI0's clock is on the pad of the write strobe.
 *
 * A panel is data: the size of the frame memory, the window of it that the
 * glass shows, how the glass is mounted, and whether its crystal shows the
 * complement, as IPS glass does until INVON. The mounting is told by the
 * MADCTL with which software gets an upright picture, so for A0h (the Maix
 * boards) the console shows row r, column c at x = 319 - r, y = c. The KD233's
 * glass has 320x480 pixels, of which software for this board uses 240x320.
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
#include "hw/k210/k210_fpioa.h"
#include "hw/k210/k210_lcd.h"
#include "hw/k210/k210_strict.h"
#include "trace.h"

typedef struct K210St7789State K210St7789State;
typedef struct K210St7789Class K210St7789Class;
DECLARE_OBJ_CHECKERS(K210St7789State, K210St7789Class, K210_ST7789,
                     TYPE_K210_LCD)

typedef struct K210Panel {
    const char *desc;
    uint16_t cols, rows;                /* of the frame memory */
    uint16_t col0, row0, width, height; /* the glass, in columns and rows */
    /* MADCTL with which software gets an upright picture in true colours. */
    uint8_t upright;
    bool ips;
    uint8_t id[3];                      /* 04h, DAh..DCh */
    uint8_t id4_command;                /* D3h, D4h or 0 = there is none */
    uint8_t id4[3];
} K210Panel;

struct K210St7789Class {
    SSIPeripheralClass parent_class;
    const K210Panel *panel;
};

#define MAX_PIXELS (320 * 480)

enum {
    NOP = 0x00, SWRESET = 0x01, SLPIN = 0x10, SLPOUT = 0x11, PTLON = 0x12,
    NORON = 0x13, INVOFF = 0x20, INVON = 0x21, GAMSET = 0x26, DISPOFF = 0x28,
    DISPON = 0x29, CASET = 0x2a, RASET = 0x2b, RAMWR = 0x2c, RAMRD = 0x2e,
    PTLAR = 0x30, VSCRDEF = 0x33, TEOFF = 0x34, TEON = 0x35, MADCTL = 0x36,
    VSCRSADD = 0x37, IDMOFF = 0x38, IDMON = 0x39, COLMOD = 0x3a,
    RAMWRC = 0x3c, RAMRDC = 0x3e,
    RDDID = 0x04, RDDST = 0x09, RDDPM = 0x0a, RDDMADCTL = 0x0b,
    RDDCOLMOD = 0x0c, RDDIM = 0x0d, RDDSM = 0x0e, RDDSDR = 0x0f,
    RDID4 = 0xd3, RDID4_NT = 0xd4, RDID1 = 0xda, RDID2 = 0xdb, RDID3 = 0xdc,
};

enum {
    MADCTL_MY = 0x80, MADCTL_MX = 0x40, MADCTL_MV = 0x20, MADCTL_BGR = 0x08,
};

enum Mode { MODE_NORMAL, MODE_PARTIAL, MODE_SCROLL };

struct K210St7789State {
    SSIPeripheral parent_obj;

    const K210Panel *panel;
    QemuConsole *con;
    bool redraw;
    bool dc;
    bool in_reset;
    K210FpioaState *fpioa;
    uint32_t wr;

    uint8_t command;
    uint8_t params[16];
    uint32_t nparams;

    bool sleeping;
    bool display_on;
    bool inverted;
    bool idle;                      /* eight colours */
    bool tearing_line;
    uint8_t mode;
    uint8_t madctl;
    uint8_t colmod;
    uint16_t part_start, part_end;  /* rows */
    uint16_t scroll_top, scroll_rows, scroll_start;
    uint8_t read_pixel[3];
    uint16_t xs, xe, ys, ye;        /* window, as written */
    uint16_t x, y;                  /* next pixel */
    uint8_t pixel[3];
    uint32_t npixel;
    uint64_t pixels;                /* of the burst under way */
    uint64_t pictures;
    uint32_t gram[MAX_PIXELS];      /* 0x00RRGGBB */
};

static void burst_end(K210St7789State *s)
{
    if (s->pixels) {
        s->pictures++;
        trace_k210_st7789_window(s->xs, s->ys, s->xe, s->ye, s->pixels);
        s->pixels = 0;
    }
}

/* Frame memory position of a pixel; false outside of it. */
static bool position(const K210Panel *p, uint8_t madctl, unsigned x,
                     unsigned y, unsigned *index)
{
    unsigned col = madctl & MADCTL_MV ? y : x;
    unsigned row = madctl & MADCTL_MV ? x : y;

    if (col >= p->cols || row >= p->rows) {
        return false;
    }
    if (madctl & MADCTL_MX) {
        col = p->cols - 1 - col;
    }
    if (madctl & MADCTL_MY) {
        row = p->rows - 1 - row;
    }
    *index = row * p->cols + col;
    return true;
}

/* The row of the frame memory that a line of the glass shows, or -1 = none */
static int shown_row(const K210St7789State *s, unsigned line)
{
    bool inside;

    switch (s->mode) {
    case MODE_SCROLL:
        if (line < s->scroll_top ||
            line - s->scroll_top >= s->scroll_rows ||
            s->scroll_top + s->scroll_rows > s->panel->rows ||
            s->scroll_start < s->scroll_top) {
            return line;
        }
        return s->scroll_top + (line + s->scroll_start - 2 * s->scroll_top) %
                               s->scroll_rows;
    case MODE_PARTIAL:
        inside = s->part_start <= s->part_end
                 ? line >= s->part_start && line <= s->part_end
                 : line >= s->part_start || line <= s->part_end;
        return inside ? line : -1;
    default:
        return line;
    }
}

/* Frame memory position of a pixel that a viewer sees; -1 = it is dark. */
static int seen_position(const K210St7789State *s, unsigned x, unsigned y)
{
    const K210Panel *p = s->panel;
    unsigned col = p->upright & MADCTL_MV ? y : x;
    unsigned row = p->upright & MADCTL_MV ? x : y;
    int line;

    if (p->upright & MADCTL_MX) {
        col = p->width - 1 - col;
    }
    if (p->upright & MADCTL_MY) {
        row = p->height - 1 - row;
    }
    line = shown_row(s, p->row0 + row);
    return line < 0 ? -1 : line * p->cols + p->col0 + (int)col;
}

static void put_pixel(K210St7789State *s, uint32_t rgb)
{
    unsigned index;

    if (position(s->panel, s->madctl, s->x, s->y, &index)) {
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

/* RAMRD gives 18-bit pixels whatever COLMOD says. */
static uint8_t get_byte(K210St7789State *s)
{
    unsigned index;

    if (s->npixel == 0) {
        uint32_t rgb = position(s->panel, s->madctl, s->x, s->y, &index)
                       ? s->gram[index] : 0;

        for (int i = 0; i < 3; i++) {
            s->read_pixel[i] = rgb >> (16 - 8 * i) & 0xfc;
        }
        if (s->x++ >= s->xe) {
            s->x = s->xs;
            if (s->y++ >= s->ye) {
                s->y = s->ys;
            }
        }
    }
    index = s->npixel;
    s->npixel = (s->npixel + 1) % 3;
    return s->read_pixel[index];
}

static uint8_t power_mode(K210St7789State *s)
{
    return 0x80 | s->idle << 6 | (s->mode == MODE_PARTIAL) << 5 |
           !s->sleeping << 4 | (s->mode == MODE_NORMAL) << 3 |
           s->display_on << 2;
}

static uint32_t status(K210St7789State *s)
{
    return 1u << 31 | (s->madctl & 0xfc) << 23 | (s->colmod & 7) << 20 |
           s->idle << 19 | (s->mode == MODE_PARTIAL) << 18 |
           !s->sleeping << 17 | (s->mode == MODE_NORMAL) << 16 |
           (s->mode == MODE_SCROLL) << 15 | s->inverted << 13 |
           s->display_on << 10 | s->tearing_line << 9;
}

/* Byte @n of the answer to a command that reads; false when it does not. */
static bool read_byte(K210St7789State *s, unsigned n, uint8_t *byte)
{
    const K210Panel *p = s->panel;
    uint8_t answer[4] = { };
    unsigned len = 1;

    switch (s->command) {
    case RAMRD:
    case RAMRDC:
        *byte = n ? get_byte(s) : 0;
        return true;
    case RDDID:
        memcpy(answer, p->id, 3);
        len = 3;
        break;
    case RDDST:
        stl_be_p(answer, status(s));
        len = 4;
        break;
    case RDDPM:
        answer[0] = power_mode(s);
        break;
    case RDDMADCTL:
        answer[0] = s->madctl;
        break;
    case RDDCOLMOD:
        answer[0] = s->colmod;
        break;
    case RDDIM:
        answer[0] = (s->mode == MODE_SCROLL) << 7 | s->inverted << 5;
        break;
    case RDDSM:
        answer[0] = s->tearing_line << 7;
        break;
    case RDDSDR:
        answer[0] = s->sleeping ? 0 : 0xc0;
        break;
    case RDID1:
    case RDID2:
    case RDID3:
        answer[0] = p->id[s->command - RDID1];
        break;
    case RDID4:
    case RDID4_NT:
        if (s->command != p->id4_command) {
            return false;
        }
        memcpy(answer, p->id4, 3);
        len = 3;
        break;
    default:
        return false;
    }
    *byte = n >= 1 && n <= len ? answer[n - 1] : 0;
    return true;
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
    s->idle = false;
    s->tearing_line = false;
    s->mode = MODE_NORMAL;
    s->part_start = s->scroll_top = s->scroll_start = 0;
    s->part_end = s->panel->rows - 1;
    s->scroll_rows = s->panel->rows;
    s->madctl = 0;
    s->colmod = 0x66;
    s->xs = s->ys = s->x = s->y = 0;
    s->xe = s->panel->cols - 1;
    s->ye = s->panel->rows - 1;
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
    case PTLON:
    case NORON:
        s->mode = command == PTLON ? MODE_PARTIAL : MODE_NORMAL;
        break;
    case IDMOFF:
    case IDMON:
        s->idle = command == IDMON;
        break;
    case TEOFF:
    case TEON:
        s->tearing_line = command == TEON;
        break;
    case RAMWR:
    case RAMRD:
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
    case PTLAR:
        if (s->nparams == 4) {
            s->part_start = lduw_be_p(s->params);
            s->part_end = lduw_be_p(s->params + 2);
        }
        break;
    case VSCRDEF:
        if (s->nparams == 6) {
            s->scroll_top = lduw_be_p(s->params);
            s->scroll_rows = lduw_be_p(s->params + 2);
        }
        break;
    case VSCRSADD:
        if (s->nparams == 2) {
            s->scroll_start = lduw_be_p(s->params);
            s->mode = MODE_SCROLL;
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
    uint8_t out = 0xff;

    if (s->fpioa && s->wr < K210_NPADS &&
        k210_fpioa_func_of(s->fpioa, s->wr) != K210_FUNC_SPI0_SCLK) {
        return 0; /* the controller talks to another part */
    }
    if (s->in_reset) {
        return 0xff;
    }
    if (!s->dc) {
        start_command(s, value);
    } else if (read_byte(s, s->nparams, &out)) {
        s->nparams++;
    } else {
        parameter(s, value);
    }
    return out;
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

static int seen_width(const K210Panel *p)
{
    return p->upright & MADCTL_MV ? p->height : p->width;
}

static int seen_height(const K210Panel *p)
{
    return p->upright & MADCTL_MV ? p->width : p->height;
}

static void st7789_update(void *opaque)
{
    K210St7789State *s = opaque;
    const K210Panel *p = s->panel;
    DisplaySurface *surface = qemu_console_surface(s->con);
    uint32_t flip = s->inverted != p->ips ? 0xffffff : 0;
    bool swap = (s->madctl ^ p->upright) & MADCTL_BGR;
    bool lit = s->display_on && !s->sleeping;

    if (!s->redraw || surface_bits_per_pixel(surface) != 32) {
        return;
    }
    s->redraw = false;
    for (int y = 0; y < seen_height(p); y++) {
        uint32_t *line = (uint32_t *)(surface_data(surface)
                                      + y * surface_stride(surface));
        for (int x = 0; x < seen_width(p); x++) {
            int at = lit ? seen_position(s, x, y) : -1;
            uint32_t rgb = at >= 0 ? s->gram[at] ^ flip : 0;

            if (s->idle) {
                rgb = (rgb >> 7 & 0x010101) * 0xff;
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
    qemu_console_resize(s->con, seen_width(s->panel), seen_height(s->panel));
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
    .name = TYPE_K210_LCD,
    .version_id = 3,
    .minimum_version_id = 3,
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
        VMSTATE_BOOL(idle, K210St7789State),
        VMSTATE_BOOL(tearing_line, K210St7789State),
        VMSTATE_UINT8(mode, K210St7789State),
        VMSTATE_UINT16(part_start, K210St7789State),
        VMSTATE_UINT16(part_end, K210St7789State),
        VMSTATE_UINT16(scroll_top, K210St7789State),
        VMSTATE_UINT16(scroll_rows, K210St7789State),
        VMSTATE_UINT16(scroll_start, K210St7789State),
        VMSTATE_UINT8_ARRAY(read_pixel, K210St7789State, 3),
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
        VMSTATE_UINT32_ARRAY(gram, K210St7789State, MAX_PIXELS),
        VMSTATE_END_OF_LIST()
    },
};

static void st7789_init(Object *obj)
{
    DeviceState *dev = DEVICE(obj);

    K210_ST7789(obj)->panel = K210_ST7789_GET_CLASS(obj)->panel;
    qdev_init_gpio_in_named(dev, st7789_dc, "dc", 1);
    qdev_init_gpio_in_named(dev, st7789_reset_pin, "reset", 1);
}

static const Property st7789_properties[] = {
    DEFINE_PROP_LINK("fpioa", K210St7789State, fpioa, TYPE_K210_FPIOA,
                     K210FpioaState *),
    DEFINE_PROP_UINT32("wr", K210St7789State, wr, K210_NPADS),
};

static void st7789_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    SSIPeripheralClass *k = SSI_PERIPHERAL_CLASS(klass);

    k->realize = st7789_realize;
    k->transfer = st7789_transfer;
    k->set_cs = st7789_set_cs;
    k->cs_polarity = SSI_CS_LOW;
    dc->vmsd = &vmstate_st7789;
    device_class_set_props(dc, st7789_properties);
    device_class_set_legacy_reset(dc, st7789_reset);
    set_bit(DEVICE_CATEGORY_DISPLAY, dc->categories);
    object_class_property_add_bool(klass, "painting", st7789_get_painting,
                                   NULL);
    object_class_property_add(klass, "pictures", "uint64", st7789_get_pictures,
                              NULL, NULL, NULL);
}

static void panel_class_init(ObjectClass *klass, void *data)
{
    const K210Panel *p = data;

    assert(p->cols * p->rows <= MAX_PIXELS &&
           p->col0 + p->width <= p->cols && p->row0 + p->height <= p->rows);
    DEVICE_CLASS(klass)->desc = p->desc;
    K210_ST7789_CLASS(klass)->panel = p;
}

#define ST7789_ID .id = { 0x85, 0x85, 0x52 }

static const K210Panel maix_panel = {
    .desc = "ST7789V LCD, 320x240",
    .cols = 240, .rows = 320, .width = 240, .height = 320,
    .upright = MADCTL_MY | MADCTL_MV,
    ST7789_ID,
};

static const K210Panel kd233_panel = {
    .desc = "NT35310 LCD, 320x240",
    .cols = 240, .rows = 320, .width = 240, .height = 320,
    .upright = MADCTL_MV | MADCTL_BGR,
    .id4_command = RDID4_NT, .id4 = { 0x01, 0x53, 0x10 },
};

static const K210Panel cube_panel = {
    .desc = "ST7789V LCD, 240x240 IPS",
    .cols = 240, .rows = 320, .width = 240, .height = 240,
    .upright = MADCTL_MX | MADCTL_MV,
    .ips = true,
    ST7789_ID,
};

/* Scripts turn the picture by rotation(2), which is 60h. */
static const K210Panel m5stickv_panel = {
    .desc = "ST7789V LCD, 240x135 IPS",
    .cols = 240, .rows = 320,
    .col0 = 52, .row0 = 40, .width = 135, .height = 240,
    .upright = MADCTL_MX | MADCTL_MV,
    .ips = true,
    ST7789_ID,
};

static const K210Panel amigo_panel = {
    .desc = "ILI9486 LCD, 480x320",
    .cols = 320, .rows = 480, .width = 320, .height = 480,
    .upright = MADCTL_MV | MADCTL_BGR,
    .id = { 0x54, 0x80, 0x66 },
    .id4_command = RDID4, .id4 = { 0x00, 0x94, 0x86 },
};

static const K210Panel ili9341_panel = {
    .desc = "ILI9341 LCD, 320x240",
    .cols = 240, .rows = 320, .width = 240, .height = 320,
    .upright = MADCTL_MV | MADCTL_BGR,
    .id4_command = RDID4, .id4 = { 0x00, 0x93, 0x41 },
};

#define PANEL(_name, _panel) \
    { \
        .name = _name, \
        .parent = TYPE_K210_LCD, \
        .class_init = panel_class_init, \
        .class_data = (void *)&_panel, \
    }

static const TypeInfo st7789_types[] = {
    {
        .name = TYPE_K210_LCD,
        .parent = TYPE_SSI_PERIPHERAL,
        .abstract = true,
        .instance_size = sizeof(K210St7789State),
        .instance_init = st7789_init,
        .class_size = sizeof(K210St7789Class),
        .class_init = st7789_class_init,
    },
    PANEL("k210-st7789", maix_panel),
    PANEL("k210-nt35310", kd233_panel),
    PANEL("k210-st7789-cube", cube_panel),
    PANEL("k210-st7789-m5stickv", m5stickv_panel),
    PANEL("k210-ili9486", amigo_panel),
    PANEL("k210-ili9341", ili9341_panel),
};
DEFINE_TYPES(st7789_types)
