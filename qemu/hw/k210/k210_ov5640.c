/*
 * OmniVision OV5640 camera sensor
 *
 * Modelled: 16-bit register numbers, ids, soft reset and power-down, the
 * window on the array, the output size it is scaled to, RGB565 and YUV422,
 * mirror, flip, colour bar, and the frame rate from PLL and timing registers.
 * Everything else is storage.
 *
 * Data sheet: OV5640 2.03; registers that K210 software sets: k210-hardware
 * 4.4.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_camera.h"

#define TYPE_K210_OV5640 "k210-cam-ov5640"
OBJECT_DECLARE_SIMPLE_TYPE(K210Ov5640State, K210_OV5640)

#define I2C_ADDRESS 0x3c

/* Registers are here; nothing answers below and above. */
#define REG_FIRST 0x3000
#define REG_COUNT 0x4000

/* The pixels with a picture begin at (16, 8) of the array. */
#define ACTIVE_X 16
#define ACTIVE_Y 8
#define ACTIVE_W 2592
#define ACTIVE_H 1944

enum {
    SYS_CTRL0 = 0x3008, CHIP_ID_H = 0x300a, CHIP_ID_L = 0x300b,
    PLL_CTRL0 = 0x3034, PLL_CTRL1 = 0x3035, PLL_CTRL2 = 0x3036,
    PLL_CTRL3 = 0x3037, SCCB_CTRL = 0x3103, ROOT_DIVIDER = 0x3108,
    X_START = 0x3800, Y_START = 0x3802, X_END = 0x3804, Y_END = 0x3806,
    OUT_WIDTH = 0x3808, OUT_HEIGHT = 0x380a, LINE_CLOCKS = 0x380c,
    FRAME_LINES = 0x380e, FLIP = 0x3820, MIRROR = 0x3821, FORMAT = 0x4300,
    TEST_PATTERN = 0x503d,
};

#define SYS_RESET 0x80
#define SYS_POWER_DOWN 0x40
#define TURN_BITS 0x06          /* of FLIP and MIRROR: sensor and ISP */

struct K210Ov5640State {
    K210CameraState parent_obj;

    uint8_t regs[REG_COUNT];
};

static uint8_t *reg_at(K210Ov5640State *s, uint16_t reg)
{
    return &s->regs[reg - REG_FIRST];
}

static unsigned get16(K210Ov5640State *s, uint16_t reg)
{
    return lduw_be_p(reg_at(s, reg));
}

static void ov5640_reset_regs(K210CameraState *cam)
{
    static const struct {
        uint16_t reg, value;
    } wide[] = {
        { CHIP_ID_H, 0x5640 }, { X_END, 2623 }, { Y_START, 4 },
        { Y_END, 1951 }, { OUT_WIDTH, 2592 }, { OUT_HEIGHT, 1944 },
        { LINE_CLOCKS, 2844 }, { FRAME_LINES, 1968 },
    };
    static const struct {
        uint16_t reg;
        uint8_t value;
    } narrow[] = {
        { SYS_CTRL0, 0x02 }, { PLL_CTRL0, 0x1a }, { PLL_CTRL1, 0x11 },
        { PLL_CTRL2, 0x69 }, { PLL_CTRL3, 0x03 }, { ROOT_DIVIDER, 0x16 },
        { FLIP, 0x40 }, { FORMAT, 0xf8 },
    };
    K210Ov5640State *s = K210_OV5640(cam);

    memset(s->regs, 0, sizeof(s->regs));
    for (int i = 0; i < ARRAY_SIZE(wide); i++) {
        stw_be_p(reg_at(s, wide[i].reg), wide[i].value);
    }
    for (int i = 0; i < ARRAY_SIZE(narrow); i++) {
        *reg_at(s, narrow[i].reg) = narrow[i].value;
    }
}

static bool exists(uint16_t reg)
{
    return reg >= REG_FIRST && reg < REG_FIRST + REG_COUNT;
}

static uint8_t ov5640_read_reg(K210CameraState *cam, uint16_t reg)
{
    return exists(reg) ? *reg_at(K210_OV5640(cam), reg) : 0;
}

static void ov5640_write_reg(K210CameraState *cam, uint16_t reg, uint8_t value)
{
    if (!exists(reg) || reg == CHIP_ID_H || reg == CHIP_ID_L) {
        return;
    }
    if (reg == SYS_CTRL0 && value & SYS_RESET) {
        ov5640_reset_regs(cam);
        return;
    }
    *reg_at(K210_OV5640(cam), reg) = value;
}

/* The clock that counts LINE_CLOCKS, in Hz. */
static uint64_t system_clock(K210Ov5640State *s)
{
    /* Pre-divider, in halves. */
    static const uint8_t pre[16] = { 2, 2, 4, 6, 8, 3, 12, 5, 16, 2, 2, 2, 2,
                                     2, 2, 2 };
    unsigned ctrl3 = *reg_at(s, PLL_CTRL3);
    unsigned sys_div = *reg_at(s, PLL_CTRL1) >> 4;
    /* Bits of a pixel as the PLL has them: 8 (divide by 2) or 10 (2.5). */
    unsigned bit_div = (*reg_at(s, PLL_CTRL0) & 0xf) == 0xa ? 5 : 4;
    unsigned root = *reg_at(s, ROOT_DIVIDER) & 3;
    uint64_t hz = (uint64_t)s->parent_obj.xclk_hz * *reg_at(s, PLL_CTRL2) * 2
                  / pre[ctrl3 & 0xf];

    hz /= sys_div ? sys_div : 16;
    hz /= ctrl3 & 0x10 ? 2 : 1;
    return (hz * 2 / bit_div) >> root;
}

/* The part of [start, end] that has a picture, counted from @active. */
static void clip_window(unsigned start, unsigned end, unsigned active,
                        unsigned size, uint32_t *at, uint32_t *length)
{
    unsigned first = start > active ? MIN(start - active, size - 1) : 0;
    unsigned last = end > active ? MIN(end + 1 - active, size) : size;

    *at = first;
    *length = last > first ? last - first : 1;
}

static bool ov5640_get_mode(K210CameraState *cam, K210CameraMode *m)
{
    K210Ov5640State *s = K210_OV5640(cam);
    uint64_t clocks = (uint64_t)get16(s, LINE_CLOCKS) * get16(s, FRAME_LINES);
    uint64_t hz = system_clock(s);

    if (*reg_at(s, SYS_CTRL0) & SYS_POWER_DOWN || !hz || !clocks) {
        return false;
    }
    switch (*reg_at(s, FORMAT)) {
    case 0x30:
        m->format = K210_CAM_YUYV;
        break;
    case 0x32:
        m->format = K210_CAM_UYVY;
        break;
    case 0x61:
        m->format = K210_CAM_RGB565;
        break;
    case 0x6f:
        m->format = K210_CAM_RGB565_LE;
        break;
    default:
        return false;   /* raw data and orders that no K210 program reads */
    }
    m->period_ns = clocks * NANOSECONDS_PER_SECOND / hz;
    m->array_w = ACTIVE_W;
    m->array_h = ACTIVE_H;
    clip_window(get16(s, X_START), get16(s, X_END), ACTIVE_X, ACTIVE_W, &m->x,
                &m->w);
    clip_window(get16(s, Y_START), get16(s, Y_END), ACTIVE_Y, ACTIVE_H, &m->y,
                &m->h);
    m->width = get16(s, OUT_WIDTH) & 0xfff;
    m->height = get16(s, OUT_HEIGHT) & 0x7ff;
    m->mirror = *reg_at(s, MIRROR) & TURN_BITS;
    m->flip = *reg_at(s, FLIP) & TURN_BITS;
    m->colorbar = *reg_at(s, TEST_PATTERN) & 0x80;
    return true;
}

static const VMStateDescription vmstate_k210_ov5640 = {
    .name = TYPE_K210_OV5640,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(parent_obj, K210Ov5640State, 0, vmstate_k210_camera,
                       K210CameraState),
        VMSTATE_UINT8_ARRAY(regs, K210Ov5640State, REG_COUNT),
        VMSTATE_END_OF_LIST()
    },
};

static void ov5640_init(Object *obj)
{
    I2C_SLAVE(obj)->address = I2C_ADDRESS;
}

static void ov5640_class_init(ObjectClass *klass, void *data)
{
    K210CameraClass *k = K210_CAMERA_CLASS(klass);

    k->reg_bytes = 2;
    k->reset_regs = ov5640_reset_regs;
    k->read_reg = ov5640_read_reg;
    k->write_reg = ov5640_write_reg;
    k->get_mode = ov5640_get_mode;
    DEVICE_CLASS(klass)->vmsd = &vmstate_k210_ov5640;
    DEVICE_CLASS(klass)->desc = "OV5640 camera sensor";
}

static const TypeInfo k210_ov5640_types[] = {
    {
        .name = TYPE_K210_OV5640,
        .parent = TYPE_K210_CAMERA,
        .instance_size = sizeof(K210Ov5640State),
        .instance_init = ov5640_init,
        .class_init = ov5640_class_init,
    },
};
DEFINE_TYPES(k210_ov5640_types)
