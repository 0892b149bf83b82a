/*
 * OmniVision OV7740 camera sensor
 *
 * Modelled: ids, soft reset, output size, byte order, mirror, flip, colour
 * bar, frame rate by the clock divider. The whole array is scaled to the
 * output size. Everything else is storage.
 *
 * Data sheet: OV7740 1.51; registers that K210 software sets: k210-hardware
 * 4.4.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_camera.h"

#define TYPE_K210_OV7740 "k210-cam-ov7740"
OBJECT_DECLARE_SIMPLE_TYPE(K210Ov7740State, K210_OV7740)

#define I2C_ADDRESS 0x21
#define ARRAY_W 640
#define ARRAY_H 480
/* 60 frames a second at 24 MHz, undivided. */
#define CLOCKS_PER_FRAME 400000

enum {
    PIDH = 0x0a, PIDL = 0x0b, REG0C = 0x0c, CLK = 0x11, REG12 = 0x12,
    MIDH = 0x1c, MIDL = 0x1d, OUT_WIDTH = 0x31, OUT_HEIGHT = 0x32,
    OUT_LOW = 0x34, REG84 = 0x84,
};

#define REG0C_FLIP 0x80
#define REG0C_MIRROR 0x40
#define REG0C_Y_FIRST 0x10
#define REG12_RESET 0x80
#define REG12_RAW 0x01
#define REG84_COLORBAR 0x02

struct K210Ov7740State {
    K210CameraState parent_obj;

    uint8_t regs[256];
};

static void ov7740_reset_regs(K210CameraState *cam)
{
    uint8_t *regs = K210_OV7740(cam)->regs;

    memset(regs, 0, 256);
    regs[PIDH] = 0x77;
    regs[PIDL] = 0x42;
    regs[MIDH] = 0x7f;
    regs[MIDL] = 0xa2;
    regs[REG0C] = 0x02;
    regs[OUT_WIDTH] = ARRAY_W / 4;
    regs[OUT_HEIGHT] = ARRAY_H / 2;
}

static uint8_t ov7740_read_reg(K210CameraState *cam, uint16_t reg)
{
    return K210_OV7740(cam)->regs[reg & 0xff];
}

static void ov7740_write_reg(K210CameraState *cam, uint16_t reg, uint8_t value)
{
    switch (reg & 0xff) {
    case PIDH: case PIDL: case MIDH: case MIDL:
        break;
    case REG12:
        if (value & REG12_RESET) {
            ov7740_reset_regs(cam);
            break;
        }
        /* fall through */
    default:
        K210_OV7740(cam)->regs[reg & 0xff] = value;
    }
}

static bool ov7740_get_mode(K210CameraState *cam, K210CameraMode *m)
{
    const uint8_t *regs = K210_OV7740(cam)->regs;
    uint64_t clocks = CLOCKS_PER_FRAME * ((regs[CLK] & 0x3f) + 1ull);

    if (regs[REG12] & REG12_RAW) {
        return false;
    }
    m->array_w = m->w = ARRAY_W;
    m->array_h = m->h = ARRAY_H;
    m->width = regs[OUT_WIDTH] << 2 | (regs[OUT_LOW] & 3);
    m->height = regs[OUT_HEIGHT] << 1 | (regs[OUT_LOW] >> 2 & 1);
    m->format = regs[REG0C] & REG0C_Y_FIRST ? K210_CAM_YUYV : K210_CAM_UYVY;
    m->mirror = regs[REG0C] & REG0C_MIRROR;
    m->flip = regs[REG0C] & REG0C_FLIP;
    m->colorbar = regs[REG84] & REG84_COLORBAR;
    m->period_ns = clocks * NANOSECONDS_PER_SECOND / MAX(cam->xclk_hz, 1);
    return true;
}

static const VMStateDescription vmstate_k210_ov7740 = {
    .name = TYPE_K210_OV7740,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(parent_obj, K210Ov7740State, 0, vmstate_k210_camera,
                       K210CameraState),
        VMSTATE_UINT8_ARRAY(regs, K210Ov7740State, 256),
        VMSTATE_END_OF_LIST()
    },
};

static void ov7740_init(Object *obj)
{
    I2C_SLAVE(obj)->address = I2C_ADDRESS;
}

static void ov7740_class_init(ObjectClass *klass, void *data)
{
    K210CameraClass *k = K210_CAMERA_CLASS(klass);

    k->reg_bytes = 1;
    k->reset_regs = ov7740_reset_regs;
    k->read_reg = ov7740_read_reg;
    k->write_reg = ov7740_write_reg;
    k->get_mode = ov7740_get_mode;
    DEVICE_CLASS(klass)->vmsd = &vmstate_k210_ov7740;
    DEVICE_CLASS(klass)->desc = "OV7740 camera sensor";
}

static const TypeInfo k210_ov7740_types[] = {
    {
        .name = TYPE_K210_OV7740,
        .parent = TYPE_K210_CAMERA,
        .instance_size = sizeof(K210Ov7740State),
        .instance_init = ov7740_init,
        .class_init = ov7740_class_init,
    },
};
DEFINE_TYPES(k210_ov7740_types)
