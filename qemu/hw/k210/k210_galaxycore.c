/*
 * GalaxyCore camera sensors GC0308, GC0328 and GC2145
 *
 * The three are one design with registers in different places: pages behind
 * register FE, a subsampling stage, an output window after it, an output
 * format. Modelled: those, the ids, soft reset, mirror and flip. Everything
 * else is storage; frames come 30 times a second at the nominal clock.
 *
 * Registers that K210 software sets: k210-hardware 4.4.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_camera.h"

#define TYPE_K210_GALAXYCORE "k210-cam-galaxycore"
OBJECT_DECLARE_TYPE(K210GcState, K210GcClass, K210_GALAXYCORE)

#define PAGES 4
#define PAGE_SELECT 0xfe
#define PAGE_RESET 0x80
#define CLOCKS_PER_FRAME 800000 /* at 24 MHz */

/* What differs; register numbers are of page 0 unless there is one here. */
typedef struct GcChip {
    const char *desc;
    uint8_t address;
    uint8_t id_reg, id_bytes;   /* the id reads the same on every page */
    uint16_t id;
    uint16_t array_w, array_h;
    uint8_t format;             /* [4:0] */
    uint8_t turn;               /* bit 0 mirror, bit 1 flip */
    uint8_t subsample;          /* low nibble: one pixel out of n */
    uint8_t subsample_page;
    uint8_t crop, crop_bit;
    /* Window: start y, start x, height, width. */
    uint8_t start_y, start_x, height, width;
    bool narrow_start;          /* the start has one byte each */
} GcChip;

static const GcChip chips[] = {
    {
        .desc = "GC0308 camera sensor", .address = 0x21,
        .id_reg = 0x00, .id_bytes = 1, .id = 0x9b,
        .array_w = 640, .array_h = 480,
        .format = 0x24, .turn = 0x14, .subsample = 0x54, .subsample_page = 1,
        .crop = 0x46, .crop_bit = 7,
        .start_y = 0x47, .start_x = 0x48, .height = 0x49, .width = 0x4b,
        .narrow_start = true,
    },
    {
        .desc = "GC0328 camera sensor", .address = 0x21,
        .id_reg = 0xf0, .id_bytes = 1, .id = 0x9d,
        .array_w = 640, .array_h = 480,
        .format = 0x44, .turn = 0x17, .subsample = 0x59,
        .crop = 0x50, .crop_bit = 0,
        .start_y = 0x51, .start_x = 0x53, .height = 0x55, .width = 0x57,
    },
    {
        .desc = "GC2145 camera sensor", .address = 0x3c,
        .id_reg = 0xf0, .id_bytes = 2, .id = 0x2145,
        .array_w = 1600, .array_h = 1200,
        .format = 0x84, .turn = 0x17, .subsample = 0x99,
        .crop = 0x90, .crop_bit = 0,
        .start_y = 0x91, .start_x = 0x93, .height = 0x95, .width = 0x97,
    },
};

struct K210GcState {
    K210CameraState parent_obj;

    uint8_t page;
    uint8_t regs[PAGES][256];
};

struct K210GcClass {
    K210CameraClass parent_class;

    const GcChip *chip;
};

static const GcChip *chip_of(K210GcState *s)
{
    return K210_GALAXYCORE_GET_CLASS(s)->chip;
}

static void gc_reset_regs(K210CameraState *cam)
{
    K210GcState *s = K210_GALAXYCORE(cam);
    const GcChip *chip = chip_of(s);
    uint8_t *regs = s->regs[0];

    memset(s->regs, 0, sizeof(s->regs));
    s->page = 0;
    s->regs[chip->subsample_page][chip->subsample] = 0x11;
    stw_be_p(&regs[chip->height], chip->array_h);
    stw_be_p(&regs[chip->width], chip->array_w);
}

static bool is_id(const GcChip *chip, uint8_t reg)
{
    return reg >= chip->id_reg && reg < chip->id_reg + chip->id_bytes;
}

static uint8_t gc_read_reg(K210CameraState *cam, uint16_t number)
{
    K210GcState *s = K210_GALAXYCORE(cam);
    const GcChip *chip = chip_of(s);
    uint8_t reg = number;

    if (is_id(chip, reg)) {
        return chip->id >> (8 * (chip->id_reg + chip->id_bytes - 1 - reg));
    }
    return reg == PAGE_SELECT ? s->page : s->regs[s->page][reg];
}

static void gc_write_reg(K210CameraState *cam, uint16_t number, uint8_t value)
{
    K210GcState *s = K210_GALAXYCORE(cam);
    uint8_t reg = number;

    if (is_id(chip_of(s), reg)) {
        return;
    }
    if (reg != PAGE_SELECT) {
        s->regs[s->page][reg] = value;
    } else if (value & PAGE_RESET) {
        gc_reset_regs(cam);
    } else {
        s->page = value % PAGES;
    }
}

static bool gc_get_mode(K210CameraState *cam, K210CameraMode *m)
{
    K210GcState *s = K210_GALAXYCORE(cam);
    const GcChip *chip = chip_of(s);
    const uint8_t *regs = s->regs[0];
    unsigned n = MAX(s->regs[chip->subsample_page][chip->subsample] & 0xf, 1);

    switch (regs[chip->format] & 0x1f) {
    case 0x00:
        m->format = K210_CAM_UYVY;
        break;
    case 0x02:
        m->format = K210_CAM_YUYV;
        break;
    case 0x06:
        m->format = K210_CAM_RGB565;
        break;
    default:
        return false;   /* raw data and orders that no K210 program reads */
    }
    m->array_w = chip->array_w;
    m->array_h = chip->array_h;
    m->width = m->array_w / n;
    m->height = m->array_h / n;
    if (regs[chip->crop] >> chip->crop_bit & 1) {
        unsigned x = chip->narrow_start ? regs[chip->start_x]
                                        : lduw_be_p(&regs[chip->start_x]);
        unsigned y = chip->narrow_start ? regs[chip->start_y]
                                        : lduw_be_p(&regs[chip->start_y]);
        unsigned width = lduw_be_p(&regs[chip->width]);
        unsigned height = lduw_be_p(&regs[chip->height]);

        /* The window lies in the subsampled picture. */
        x = MIN(x, m->width - 1);
        y = MIN(y, m->height - 1);
        m->width = MIN(width, m->width - x);
        m->height = MIN(height, m->height - y);
        m->x = x * n;
        m->y = y * n;
    }
    m->w = m->width * n;
    m->h = m->height * n;
    m->mirror = regs[chip->turn] & 1;
    m->flip = regs[chip->turn] & 2;
    m->period_ns = (uint64_t)CLOCKS_PER_FRAME * NANOSECONDS_PER_SECOND
                   / MAX(cam->xclk_hz, 1);
    return true;
}

static int gc_post_load(void *opaque, int version_id)
{
    return K210_GALAXYCORE(opaque)->page < PAGES ? 0 : -EINVAL;
}

static const VMStateDescription vmstate_k210_galaxycore = {
    .name = TYPE_K210_GALAXYCORE,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = gc_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(parent_obj, K210GcState, 0, vmstate_k210_camera,
                       K210CameraState),
        VMSTATE_UINT8(page, K210GcState),
        VMSTATE_UINT8_2DARRAY(regs, K210GcState, PAGES, 256),
        VMSTATE_END_OF_LIST()
    },
};

static void gc_init(Object *obj)
{
    I2C_SLAVE(obj)->address = chip_of(K210_GALAXYCORE(obj))->address;
}

static void gc_class_init(ObjectClass *klass, void *data)
{
    K210CameraClass *k = K210_CAMERA_CLASS(klass);

    k->reg_bytes = 1;
    k->reset_regs = gc_reset_regs;
    k->read_reg = gc_read_reg;
    k->write_reg = gc_write_reg;
    k->get_mode = gc_get_mode;
    DEVICE_CLASS(klass)->vmsd = &vmstate_k210_galaxycore;
}

static void gc_chip_class_init(ObjectClass *klass, void *data)
{
    const GcChip *chip = data;

    K210_GALAXYCORE_CLASS(klass)->chip = chip;
    DEVICE_CLASS(klass)->desc = chip->desc;
}

static const TypeInfo k210_galaxycore_types[] = {
    {
        .name = TYPE_K210_GALAXYCORE,
        .parent = TYPE_K210_CAMERA,
        .abstract = true,
        .instance_size = sizeof(K210GcState),
        .instance_init = gc_init,
        .class_size = sizeof(K210GcClass),
        .class_init = gc_class_init,
    },
    {
        .name = "k210-cam-gc0308",
        .parent = TYPE_K210_GALAXYCORE,
        .class_init = gc_chip_class_init,
        .class_data = (void *)&chips[0],
    },
    {
        .name = "k210-cam-gc0328",
        .parent = TYPE_K210_GALAXYCORE,
        .class_init = gc_chip_class_init,
        .class_data = (void *)&chips[1],
    },
    {
        .name = "k210-cam-gc2145",
        .parent = TYPE_K210_GALAXYCORE,
        .class_init = gc_chip_class_init,
        .class_data = (void *)&chips[2],
    },
};
DEFINE_TYPES(k210_galaxycore_types)
