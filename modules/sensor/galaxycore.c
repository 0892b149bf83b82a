// SPDX-License-Identifier: MIT
// GalaxyCore GC0328 (VGA) and GC2145 (UXGA): every n-th pixel of the array is taken, then a window of
// that is sent. Register meanings: data sheets and K210 hardware reference 4.4.
// Not tried on real parts yet: exposure, colours and noise are as the reset values make them.
#include <errno.h>

#include "sensor_core.h"

#define PAGE (0xfe)
#define PAGE_RESET (0x80)
#define ID (0xf0)

typedef struct {
    uint16_t id;
    uint8_t id_bytes;
    int32_t array_w, array_h;
    uint8_t format, format_value;   // register and what gives the driver's wire format
    uint8_t turn;                   // 1 flip, 0 mirror
    uint8_t subsample;              // n in both halves
    uint8_t crop_enable;
    uint8_t window;                 // start y, start x, height, width: two bytes each
    uint8_t exposure, exposure_bit;
    uint8_t white_balance, white_balance_bit;
    sensor_reg_t outputs[2];        // pads on
} chip_t;

static const chip_t gc0328 = {
    0x9d, 1, 640, 480, 0x44, 0x00, 0x17, 0x59, 0x50, 0x51, 0x4f, 0x01, 0x42, 0x02, {{ 0xf1, 0x07 }, { 0xf2, 0x01 }},
};
static const chip_t gc2145 = {
    0x2145, 2, 1600, 1200, 0x84, 0x00, 0x17, 0x99, 0x90, 0x91, 0xb6, 0x01, 0x82, 0x02, {{ 0xf2, 0x0f }, { 0xf2, 0x0f }},
};

static const chip_t *chip_of(const sensor_t *s) {
    return s->driver == &sensor_gc0328 ? &gc0328 : &gc2145;
}

static bool match(sensor_t *s, uint16_t *id) {
    const chip_t *c = chip_of(s);
    uint16_t value = 0;
    if (sensor_write(s, PAGE, 0)) {
        return false;
    }
    for (unsigned i = 0; i < c->id_bytes; i++) {
        uint8_t b = 0;
        if (sensor_read(s, (uint16_t)(ID + i), &b)) {
            return false;
        }
        value = (uint16_t)(value << 8 | b);
    }
    *id = value;
    return value == c->id;
}

static int init(sensor_t *s) {
    const chip_t *c = chip_of(s);
    int ret = sensor_write(s, PAGE, PAGE_RESET);
    s->bus->delay_ms(s->bus->ctx, 10);
    const sensor_reg_t table[] = {
        { PAGE, 0 }, { c->format, c->format_value }, { c->crop_enable, 0x01 }, c->outputs[0], c->outputs[1],
    };
    if (ret == 0) {
        ret = sensor_write_table(s, table, sizeof(table) / sizeof(table[0]));
    }
    if (ret == 0) {
        ret = sensor_update(s, c->exposure, c->exposure_bit, c->exposure_bit);
    }
    return ret ? ret : sensor_update(s, c->white_balance, c->white_balance_bit, c->white_balance_bit);
}

static int set_size(sensor_t *s, int32_t w, int32_t h, image_rect_t window) {
    const chip_t *c = chip_of(s);
    int32_t n = 4;
    while (n > 1 && (c->array_w / n < w || c->array_h / n < h)) {
        n /= 2;
    }
    if (c->array_w < w || c->array_h < h) {
        return -EINVAL;
    }
    // A frame that is smaller than the subsampled array is its middle.
    int32_t x = (c->array_w / n - w) / 2 + window.x, y = (c->array_h / n - h) / 2 + window.y;
    const int32_t values[4] = { y, x, window.h, window.w };
    sensor_reg_t table[10] = {{ PAGE, 0 }, { c->subsample, (uint8_t)(n << 4 | n) }};
    for (unsigned i = 0; i < 4; i++) {
        table[2 + 2 * i] = (sensor_reg_t) { (uint8_t)(c->window + 2 * i), (uint8_t)(values[i] >> 8) };
        table[3 + 2 * i] = (sensor_reg_t) { (uint8_t)(c->window + 2 * i + 1), (uint8_t)values[i] };
    }
    return sensor_write_table(s, table, sizeof(table) / sizeof(table[0]));
}

static int update(sensor_t *s, uint8_t reg, uint8_t mask, bool on) {
    int ret = sensor_write(s, PAGE, 0);
    return ret ? ret : sensor_update(s, reg, mask, on ? mask : 0);
}

static int set_hmirror(sensor_t *s, bool on) {
    return update(s, chip_of(s)->turn, 0x01, on);
}

static int set_vflip(sensor_t *s, bool on) {
    return update(s, chip_of(s)->turn, 0x02, on);
}

static int set_auto_exposure(sensor_t *s, bool on, int32_t us) {
    return us >= 0 ? -ENOSYS : update(s, chip_of(s)->exposure, chip_of(s)->exposure_bit, on);
}

static int set_auto_whitebal(sensor_t *s, bool on, const float rgb_db[3]) {
    (void)rgb_db;
    return update(s, chip_of(s)->white_balance, chip_of(s)->white_balance_bit, on);
}

const sensor_driver_t sensor_gc0328 = {
    .name = "gc0328", .addr = 0x21, .family = SENSOR_FAMILY_GC, .wire = SENSOR_WIRE_YUV422,
    .match = match, .init = init, .set_size = set_size, .can_window = true,
    .set_hmirror = set_hmirror, .set_vflip = set_vflip, .set_auto_exposure = set_auto_exposure,
    .set_auto_whitebal = set_auto_whitebal,
};

// MaixPy reads it as RGB565; luma for grayscale pictures needs YUV.
const sensor_driver_t sensor_gc2145 = {
    .name = "gc2145", .addr = 0x3c, .family = SENSOR_FAMILY_GC, .wire = SENSOR_WIRE_YUV422,
    .match = match, .init = init, .set_size = set_size, .can_window = true,
    .set_hmirror = set_hmirror, .set_vflip = set_vflip, .set_auto_exposure = set_auto_exposure,
    .set_auto_whitebal = set_auto_whitebal,
};
