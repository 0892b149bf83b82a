// SPDX-License-Identifier: MIT
// GalaxyCore GC0308, GC0328 (VGA) and GC2145 (UXGA): every n-th pixel of the array is taken, then a window of
// that is sent. One design with its registers in different places. Register meanings: data sheets and K210 hardware
// reference 4.4.
// Not tried on real parts yet: exposure, colours and noise are as the reset values make them.
#include <errno.h>
#include <math.h>

#include "sensor_core.h"

#define PAGE (0xfe)
#define PAGE_RESET (0x80)
#define EXPOSURE_HIGH (0x03)    // in lines
#define EXPOSURE_LOW (0x04)
#define FRAME_CLOCKS (800000)   // of XCLK
#define NEGATIVE (0x01)         // of the effect register
#define NONE (0)                // instead of a register: the chip has no such thing

typedef struct {
    uint16_t id;
    uint8_t id_reg, id_bytes;
    int32_t array_w, array_h, lines;
    uint8_t format, format_value;       // register and what gives the driver's wire format
    uint8_t turn;                       // 1 flip, 0 mirror
    uint8_t subsample, subsample_page;  // n in both halves
    uint8_t crop, crop_bit;
    uint8_t window;                     // start y, start x, height, width: two bytes each
    bool narrow_start;                  // the starts have one byte each
    uint8_t auto_exposure, auto_exposure_bit;
    uint8_t auto_white, auto_white_bit;
    uint8_t white;                      // gains of red, green, blue: 0x40 is 1
    uint8_t gain, gain_one;             // what multiplies all colours, and its value for 1
    uint8_t contrast, brightness, saturation[2], effect;
    uint8_t bar;                        // bit 0
    sensor_reg_t more[4];               // of init(), page 0 at their begin and end
} chip_t;

static const chip_t gc0308 = {
    .id = 0x9b, .id_reg = 0x00, .id_bytes = 1, .array_w = 640, .array_h = 480, .lines = 504,
    .format = 0x24, .format_value = 0x00, .turn = 0x14, .subsample = 0x54, .subsample_page = 1,
    .crop = 0x46, .crop_bit = 0x80, .window = 0x47, .narrow_start = true,
    .auto_exposure = 0xd2, .auto_exposure_bit = 0x80, .auto_white = 0x22, .auto_white_bit = 0x02, .white = 0x5a,
    .gain = 0x50, .gain_one = 0x10, .contrast = 0xb3, .brightness = 0xb5, .saturation = { 0xb1, 0xb2 }, .effect = 0x23,
    .bar = 0x2e,
    // Pads on; the subsampling is switched on, with n for both directions and the colours.
    .more = {{ 0x25, 0x0f }, { PAGE, 1 }, { 0x53, 0x82 }, { 0x55, 0x03 }},
};
static const chip_t gc0328 = {
    .id = 0x9d, .id_reg = 0xf0, .id_bytes = 1, .array_w = 640, .array_h = 480, .lines = 504,
    .format = 0x44, .format_value = 0x00, .turn = 0x17, .subsample = 0x59, .crop = 0x50, .crop_bit = 0x01,
    .window = 0x51, .auto_exposure = 0x4f, .auto_exposure_bit = 0x01, .auto_white = 0x42, .auto_white_bit = 0x02,
    .white = 0x77, .gain = 0x70, .gain_one = 0x40, .contrast = 0xd3, .brightness = 0xd5, .saturation = { 0xd1, 0xd2 },
    .effect = 0x43, .bar = NONE,
    .more = {{ 0xf1, 0x07 }, { 0xf2, 0x01 }, { 0xf1, 0x07 }, { 0xf2, 0x01 }},
};
static const chip_t gc2145 = {
    .id = 0x2145, .id_reg = 0xf0, .id_bytes = 2, .array_w = 1600, .array_h = 1200, .lines = 1248,
    .format = 0x84, .format_value = 0x00, .turn = 0x17, .subsample = 0x99, .crop = 0x90, .crop_bit = 0x01,
    .window = 0x91, .auto_exposure = 0xb6, .auto_exposure_bit = 0x01, .auto_white = 0x82, .auto_white_bit = 0x02,
    .white = 0xb3, .gain = 0xb0, .gain_one = 0x40, .contrast = 0xd3, .brightness = 0xd5, .saturation = { 0xd1, 0xd2 },
    .effect = 0x83, .bar = NONE,
    .more = {{ 0xf2, 0x0f }, { 0xf2, 0x0f }, { 0xf2, 0x0f }, { 0xf2, 0x0f }},
};

static const chip_t *chip_of(const sensor_t *s) {
    return s->driver == &sensor_gc0308 ? &gc0308 : s->driver == &sensor_gc0328 ? &gc0328 : &gc2145;
}

static bool match(sensor_t *s, uint16_t *id) {
    const chip_t *c = chip_of(s);
    uint16_t value = 0;
    if (sensor_write(s, PAGE, 0)) {
        return false;
    }
    for (unsigned i = 0; i < c->id_bytes; i++) {
        uint8_t b = 0;
        if (sensor_read(s, (uint16_t)(c->id_reg + i), &b)) {
            return false;
        }
        value = (uint16_t)(value << 8 | b);
    }
    *id = value;
    return value == c->id;
}

static int put(sensor_t *s, uint8_t reg, uint8_t value) {
    int ret = sensor_write(s, PAGE, 0);
    return ret ? ret : sensor_write(s, reg, value);
}

static int get(sensor_t *s, uint8_t reg, uint8_t *value) {
    int ret = sensor_write(s, PAGE, 0);
    return ret ? ret : sensor_read(s, reg, value);
}

static int update(sensor_t *s, uint8_t reg, uint8_t mask, bool on) {
    int ret = sensor_write(s, PAGE, 0);
    return ret ? ret : sensor_update(s, reg, mask, on ? mask : 0);
}

static int init(sensor_t *s) {
    const chip_t *c = chip_of(s);
    int ret = sensor_write(s, PAGE, PAGE_RESET);
    s->bus->delay_ms(s->bus->ctx, 10);
    const sensor_reg_t table[] = {
        { PAGE, 0 }, { c->format, c->format_value }, c->more[0], c->more[1], c->more[2], c->more[3], { PAGE, 0 },
        // The neutral values; some parts come up with others.
        { c->contrast, 0x40 }, { c->brightness, 0 }, { c->saturation[0], 0x40 }, { c->saturation[1], 0x40 },
        { c->white, 0x40 }, { (uint8_t)(c->white + 1), 0x40 }, { (uint8_t)(c->white + 2), 0x40 },
        { c->gain, c->gain_one },
    };
    if (ret == 0) {
        ret = sensor_write_table(s, table, sizeof(table) / sizeof(table[0]));
    }
    if (ret == 0) {
        ret = update(s, c->crop, c->crop_bit, true);
    }
    if (ret == 0) {
        ret = update(s, c->auto_exposure, c->auto_exposure_bit, true);
    }
    return ret ? ret : update(s, c->auto_white, c->auto_white_bit, true);
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
    if (!s->driver->can_window) {
        window = (image_rect_t) { 0, 0, w, h };
    }
    // A frame that is smaller than the subsampled array is its middle.
    int32_t x = (c->array_w / n - w) / 2 + window.x, y = (c->array_h / n - h) / 2 + window.y;
    const int32_t values[4] = { y, x, window.h, window.w };
    sensor_reg_t table[12] = {{ PAGE, c->subsample_page }, { c->subsample, (uint8_t)(n << 4 | n) }, { PAGE, 0 }};
    unsigned used = 3;
    uint8_t reg = c->window;
    for (unsigned i = 0; i < 4; i++) {
        if (i >= 2 || !c->narrow_start) {
            table[used++] = (sensor_reg_t) { reg++, (uint8_t)(values[i] >> 8) };
        }
        table[used++] = (sensor_reg_t) { reg++, (uint8_t)values[i] };
    }
    return sensor_write_table(s, table, used);
}

static int set_hmirror(sensor_t *s, bool on) {
    return update(s, chip_of(s)->turn, 0x01, on);
}

static int set_vflip(sensor_t *s, bool on) {
    return update(s, chip_of(s)->turn, 0x02, on);
}

static int set_colorbar(sensor_t *s, bool on) {
    uint8_t reg = chip_of(s)->bar;
    return reg == NONE ? -ENOSYS : update(s, reg, 0x01, on);
}

static bool bad_level(int level) {
    return level < -2 || level > 2;
}

static int set_contrast(sensor_t *s, int level) {
    return bad_level(level) ? -EINVAL : put(s, chip_of(s)->contrast, (uint8_t)(0x40 + 0x10 * level));
}

static int set_brightness(sensor_t *s, int level) {
    return bad_level(level) ? -EINVAL : put(s, chip_of(s)->brightness, (uint8_t)(0x10 * level));
}

static int set_saturation(sensor_t *s, int level) {
    if (bad_level(level)) {
        return -EINVAL;
    }
    uint8_t gain = (uint8_t)(0x40 + 0x10 * level);
    int ret = put(s, chip_of(s)->saturation[0], gain);
    return ret ? ret : put(s, chip_of(s)->saturation[1], gain);
}

static int set_special_effect(sensor_t *s, int effect) {
    return effect != 0 && effect != 1 ? -EINVAL : update(s, chip_of(s)->effect, NEGATIVE, effect == 1);
}

// The automatic exposure also sets the analog gain. This one multiplies its result.
static int set_auto_gain(sensor_t *s, bool on, float gain_db, float ceiling_db) {
    (void)ceiling_db;
    const chip_t *c = chip_of(s);
    if (on) {
        return put(s, c->gain, c->gain_one);
    }
    if (isnan(gain_db)) {
        return 0;
    }
    float v = powf(10, gain_db / 20) * (float)c->gain_one;
    return put(s, c->gain, v < 1 ? 1 : v > 255 ? 255 : (uint8_t)(v + 0.5f));
}

static int get_gain_db(sensor_t *s, float *db) {
    const chip_t *c = chip_of(s);
    uint8_t v = 0;
    int ret = get(s, c->gain, &v);
    *db = v ? 20 * log10f((float)v / (float)c->gain_one) : 0;
    return ret;
}

// Accepted, as there: the automatic has limits of its own.
static int set_gainceiling(sensor_t *s, unsigned gain_log2) {
    (void)s;
    (void)gain_log2;
    return 0;
}

static int64_t line_ns(const sensor_t *s) {
    return s->xclk_hz < 1000 ? 0 : (int64_t)FRAME_CLOCKS * 1000000 / (s->xclk_hz / 1000) / chip_of(s)->lines;
}

static int set_auto_exposure(sensor_t *s, bool on, int32_t us) {
    int ret = update(s, chip_of(s)->auto_exposure, chip_of(s)->auto_exposure_bit, on);
    int64_t ns = line_ns(s);
    if (ret || on || us < 0 || ns == 0) {
        return ret;
    }
    int64_t lines = (int64_t)us * 1000 / ns;
    lines = lines > 0xfff ? 0xfff : lines;
    ret = put(s, EXPOSURE_HIGH, (uint8_t)(lines >> 8));
    return ret ? ret : put(s, EXPOSURE_LOW, (uint8_t)lines);
}

static int get_exposure_us(sensor_t *s, int32_t *us) {
    uint8_t high = 0, low = 0;
    int ret = get(s, EXPOSURE_HIGH, &high);
    if (ret == 0) {
        ret = get(s, EXPOSURE_LOW, &low);
    }
    *us = (int32_t)(((high & 0xf) << 8 | low) * line_ns(s) / 1000);
    return ret;
}

static int set_auto_whitebal(sensor_t *s, bool on, const float rgb_db[3]) {
    const chip_t *c = chip_of(s);
    int ret = update(s, c->auto_white, c->auto_white_bit, on);
    for (unsigned i = 0; i < 3 && ret == 0 && !on; i++) {
        if (!isnan(rgb_db[i])) {
            ret = put(s, (uint8_t)(c->white + i), sensor_gain_register(rgb_db[i]));
        }
    }
    return ret;
}

static int get_rgb_gain_db(sensor_t *s, float rgb_db[3]) {
    int ret = 0;
    for (unsigned i = 0; i < 3 && ret == 0; i++) {
        uint8_t v = 0;
        ret = get(s, (uint8_t)(chip_of(s)->white + i), &v);
        rgb_db[i] = v;
    }
    return ret;
}

#define HANDLERS \
    .match = match, .init = init, .set_size = set_size, \
    .set_hmirror = set_hmirror, .set_vflip = set_vflip, .set_colorbar = set_colorbar, .set_contrast = set_contrast, \
    .set_brightness = set_brightness, .set_saturation = set_saturation, .set_gainceiling = set_gainceiling, \
    .set_auto_gain = set_auto_gain, .get_gain_db = get_gain_db, .set_auto_exposure = set_auto_exposure, \
    .get_exposure_us = get_exposure_us, .set_auto_whitebal = set_auto_whitebal, .get_rgb_gain_db = get_rgb_gain_db, \
    .set_special_effect = set_special_effect

// Its window's start has eight bits only.
const sensor_driver_t sensor_gc0308 = {
    .name = "gc0308", .addr = 0x21, .family = SENSOR_FAMILY_GC, .wire = SENSOR_WIRE_YUV422, .can_window = false,
    HANDLERS,
};

const sensor_driver_t sensor_gc0328 = {
    .name = "gc0328", .addr = 0x21, .family = SENSOR_FAMILY_GC, .wire = SENSOR_WIRE_YUV422, .can_window = true,
    HANDLERS,
};

// MaixPy reads it as RGB565; luma for grayscale pictures needs YUV.
const sensor_driver_t sensor_gc2145 = {
    .name = "gc2145", .addr = 0x3c, .family = SENSOR_FAMILY_GC, .wire = SENSOR_WIRE_YUV422, .can_window = true,
    HANDLERS,
};
