/*
 * OmniVision OV2640 camera sensor
 *
 * Modelled: both register banks with their ids, soft and pin reset, the three
 * array modes, the DSP's input size, window and zoom stage, output format,
 * mirror, flip, colour bar, frame rate by CLKRC. Exposure, gain and colour
 * registers are storage: the host's picture is taken as well exposed.
 *
 * Data sheet: OV2640 2.2; registers that K210 software sets: k210-hardware 4.4.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_camera.h"

#define TYPE_K210_OV2640 "k210-cam-ov2640"
OBJECT_DECLARE_SIMPLE_TYPE(K210Ov2640State, K210_OV2640)

#define I2C_ADDRESS 0x30

enum { DSP, SENSOR };           /* banks */

enum {                          /* DSP bank */
    R_BYPASS = 0x05, CTRLI = 0x50, HSIZE = 0x51, VSIZE = 0x52, XOFFL = 0x53,
    YOFFL = 0x54, VHYX = 0x55, TEST = 0x57, ZMOW = 0x5a, ZMOH = 0x5b,
    ZMHH = 0x5c, SIZEL = 0x8c, HSIZE8 = 0xc0, VSIZE8 = 0xc1, CTRL0 = 0xc2,
    IMAGE_MODE = 0xda, BANK_SELECT = 0xff,
};

enum {                          /* sensor bank */
    REG04 = 0x04, PIDH = 0x0a, PIDL = 0x0b, CLKRC = 0x11, COM7 = 0x12,
    MIDH = 0x1c, MIDL = 0x1d,
};

#define COM7_RESET 0x80
#define COM7_COLORBAR 0x02
#define REG04_MIRROR 0x80
#define REG04_FLIP 0x40

struct K210Ov2640State {
    K210CameraState parent_obj;

    uint8_t bank;
    uint8_t regs[2][256];
};

static void ov2640_reset_regs(K210CameraState *cam)
{
    K210Ov2640State *s = K210_OV2640(cam);

    memset(s->regs, 0, sizeof(s->regs));
    s->bank = SENSOR;
    s->regs[SENSOR][PIDH] = 0x26;
    s->regs[SENSOR][PIDL] = 0x42;
    s->regs[SENSOR][MIDH] = 0x7f;
    s->regs[SENSOR][MIDL] = 0xa2;
    s->regs[DSP][R_BYPASS] = 0x01;
    s->regs[DSP][HSIZE] = 0x40;
    s->regs[DSP][VSIZE] = 0xf0;
    s->regs[DSP][VHYX] = 0x08;
    s->regs[DSP][ZMOW] = 0x58;
    s->regs[DSP][ZMOH] = 0x48;
    s->regs[DSP][HSIZE8] = 0x80;
    s->regs[DSP][VSIZE8] = 0x60;
}

static uint8_t ov2640_read_reg(K210CameraState *cam, uint16_t reg)
{
    K210Ov2640State *s = K210_OV2640(cam);

    return reg == BANK_SELECT ? s->bank : s->regs[s->bank][reg & 0xff];
}

static void ov2640_write_reg(K210CameraState *cam, uint16_t reg, uint8_t value)
{
    K210Ov2640State *s = K210_OV2640(cam);

    reg &= 0xff;
    if (reg == BANK_SELECT) {
        s->bank = value & 1;
    } else if (s->bank == SENSOR && reg == COM7 && value & COM7_RESET) {
        ov2640_reset_regs(cam);
    } else if (s->bank == SENSOR && (reg == PIDH || reg == PIDL
                                     || reg == MIDH || reg == MIDL)) {
        /* read-only */
    } else {
        s->regs[s->bank][reg] = value;
    }
}

/* Array modes: picture, and what a frame takes in pixel clocks. */
static const struct {
    uint16_t w, h, line_clocks, lines;
} array_modes[] = {
    { 1600, 1200, 1922, 1248 },     /* UXGA */
    { 800, 600, 1190, 672 },        /* SVGA */
    { 400, 296, 595, 336 },         /* CIF */
};

static bool ov2640_get_mode(K210CameraState *cam, K210CameraMode *m)
{
    K210Ov2640State *s = K210_OV2640(cam);
    const uint8_t *dsp = s->regs[DSP], *sen = s->regs[SENSOR];
    unsigned n = sen[COM7] & 0x40 ? 1 : sen[COM7] & 0x20 ? 2 : 0;
    uint32_t in_w, in_h, x, y, w, h;
    uint64_t clock;

    m->array_w = array_modes[n].w;
    m->array_h = array_modes[n].h;
    clock = (uint64_t)cam->xclk_hz * (sen[CLKRC] & 0x80 ? 2 : 1)
            / ((sen[CLKRC] & 0x3f) + 1);
    m->period_ns = (uint64_t)array_modes[n].line_clocks * array_modes[n].lines
                   * 1000000000ull / MAX(clock, 1);
    m->mirror = sen[REG04] & REG04_MIRROR;
    m->flip = sen[REG04] & REG04_FLIP;
    m->colorbar = sen[COM7] & COM7_COLORBAR;

    switch (dsp[IMAGE_MODE] >> 2 & 3) {
    case 0:
        m->format = dsp[IMAGE_MODE] & 1 ? K210_CAM_UYVY : K210_CAM_YUYV;
        break;
    case 2:
        /*
         * The byte order that this bit gives in RGB565 is not in the data
         * sheet; programs for the K210 use both values and see true colours.
         */
        m->format = K210_CAM_RGB565;
        break;
    default:
        return false;           /* raw data and JPEG are of no use to a DVP */
    }

    if (dsp[R_BYPASS] & 1) {
        m->width = m->w = m->array_w;
        m->height = m->h = m->array_h;
        return true;
    }
    /* Input: what the DSP takes from the array, from its top left corner. */
    in_w = dsp[HSIZE8] * 8 + (dsp[SIZEL] >> 3 & 7) + (dsp[SIZEL] & 0x40) * 32;
    in_h = dsp[VSIZE8] * 8 + (dsp[SIZEL] & 7);
    in_w = in_w && in_w < m->array_w ? in_w : m->array_w;
    in_h = in_h && in_h < m->array_h ? in_h : m->array_h;
    /* Window in the input. */
    w = (dsp[HSIZE] | (dsp[VHYX] & 0x08) << 5 | (dsp[TEST] & 0x80) << 2) * 4;
    h = (dsp[VSIZE] | (dsp[VHYX] & 0x80) << 1) * 4;
    x = dsp[XOFFL] | (dsp[VHYX] & 0x07) << 8;
    y = dsp[YOFFL] | (dsp[VHYX] & 0x70) << 4;
    m->x = MIN(x, in_w - 1);
    m->y = MIN(y, in_h - 1);
    m->w = MIN(w ? w : in_w, in_w - m->x);
    m->h = MIN(h ? h : in_h, in_h - m->y);
    /* Zoom to the output. */
    m->width = (dsp[ZMOW] | (dsp[ZMHH] & 3) << 8) * 4;
    m->height = (dsp[ZMOH] | (dsp[ZMHH] & 4) << 6) * 4;
    return true;
}

static const VMStateDescription vmstate_k210_ov2640 = {
    .name = TYPE_K210_OV2640,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(parent_obj, K210Ov2640State, 0, vmstate_k210_camera,
                       K210CameraState),
        VMSTATE_UINT8(bank, K210Ov2640State),
        VMSTATE_UINT8_2DARRAY(regs, K210Ov2640State, 2, 256),
        VMSTATE_END_OF_LIST()
    },
};

static void ov2640_init(Object *obj)
{
    I2C_SLAVE(obj)->address = I2C_ADDRESS;
}

static void ov2640_class_init(ObjectClass *klass, void *data)
{
    K210CameraClass *k = K210_CAMERA_CLASS(klass);

    k->reg_bytes = 1;
    k->reset_regs = ov2640_reset_regs;
    k->read_reg = ov2640_read_reg;
    k->write_reg = ov2640_write_reg;
    k->get_mode = ov2640_get_mode;
    DEVICE_CLASS(klass)->vmsd = &vmstate_k210_ov2640;
    DEVICE_CLASS(klass)->desc = "OV2640 camera sensor";
}

static const TypeInfo k210_ov2640_info = {
    .name = TYPE_K210_OV2640,
    .parent = TYPE_K210_CAMERA,
    .instance_size = sizeof(K210Ov2640State),
    .instance_init = ov2640_init,
    .class_init = ov2640_class_init,
};

static void k210_ov2640_register_types(void)
{
    type_register_static(&k210_ov2640_info);
}

type_init(k210_ov2640_register_types)
