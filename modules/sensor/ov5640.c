// SPDX-License-Identifier: MIT
// OmniVision OV5640 (5 megapixels). The array is read out in pairs (1296x972) and scaled to the output size; windows
// are cut out of that by the caller. Register meanings: OV5640 data sheet 2.03 and K210 hardware reference 4.4.
// Not tried on a real part yet: colours and noise are as the reset values make them. No autofocus.
#include <errno.h>
#include <math.h>

#include "sensor_core.h"

#define SYS_CTRL0 (0x3008)      // 7 reset, 6 power-down
#define ID_HIGH (0x300a)
#define ID_LOW (0x300b)
#define CLOCK_SELECT (0x3103)   // 1: the PLL's clock
#define WHITE (0x3400)          // gains of red, green, blue: two bytes each, 0x400 is 1
#define WHITE_MANUAL (0x3406)   // bit 0
#define EXPOSURE (0x3500)       // [19:16], [15:8], [7:0] in sixteenths of a line
#define MANUAL (0x3503)         // 1 gain, 0 exposure
#define GAIN (0x350a)           // [9:8], [7:0]; 16 is 1
#define OUT_WIDTH (0x3808)
#define OUT_HEIGHT (0x380a)
#define LINE_CLOCKS (1896)
#define FRAME_LINES (984)
#define FLIP (0x3820)           // both of the bits
#define MIRROR (0x3821)
#define TURN_BITS (0x06)
#define GAIN_CEILING (0x3a18)
#define BAR (0x503d)            // 7
#define EFFECTS (0x5580)        // 6 negative, 2 contrast and brightness, 1 saturation
#define SATURATION_U (0x5583)
#define SATURATION_V (0x5584)
#define CONTRAST (0x5586)       // 0x20 is 1
#define BRIGHTNESS (0x5587)
#define SIGNS (0x5588)          // 3 brightness is negative

#define RESET (0x82)
#define RUN (0x02)
#define SLEEP (0x42)

typedef struct {
    uint16_t reg;
    uint8_t value;
} wide_reg_t;

static int write_wide(sensor_t *s, const wide_reg_t *table, size_t n) {
    int ret = 0;
    for (size_t i = 0; i < n && ret == 0; i++) {
        ret = sensor_write(s, table[i].reg, table[i].value);
    }
    return ret;
}

static int write16(sensor_t *s, uint16_t reg, unsigned value) {
    int ret = sensor_write(s, reg, (uint8_t)(value >> 8));
    return ret ? ret : sensor_write(s, (uint16_t)(reg + 1), (uint8_t)value);
}

static bool match(sensor_t *s, uint16_t *id) {
    uint8_t high = 0, low = 0;
    if (sensor_read(s, ID_HIGH, &high) || sensor_read(s, ID_LOW, &low)) {
        return false;
    }
    *id = (uint16_t)(high << 8 | low);
    return *id == 0x5640;
}

static int init(sensor_t *s) {
    static const wide_reg_t table[] = {
        { CLOCK_SELECT, 0x03 },
        { 0x3017, 0xff }, { 0x3018, 0xff },     // pads of the parallel port are outputs
        // PLL: XCLK / 3 * 70 / 2 = 280 MHz at 24 MHz; a fifth of it counts lines, 30 frames per second
        { 0x3034, 0x1a }, { 0x3035, 0x11 }, { 0x3036, 0x46 }, { 0x3037, 0x13 }, { 0x3108, 0x01 },
        // All of the array, every second pair of pixels and lines
        { 0x3814, 0x31 }, { 0x3815, 0x31 }, { 0x3800, 0x00 }, { 0x3801, 0x00 }, { 0x3802, 0x00 }, { 0x3803, 0x04 },
        { 0x3804, 0x0a }, { 0x3805, 0x3f }, { 0x3806, 0x07 }, { 0x3807, 0x9b },
        { 0x380c, LINE_CLOCKS >> 8 }, { 0x380d, LINE_CLOCKS & 0xff },
        { 0x380e, FRAME_LINES >> 8 }, { 0x380f, FRAME_LINES & 0xff },
        { 0x3810, 0x00 }, { 0x3811, 0x10 }, { 0x3812, 0x00 }, { 0x3813, 0x06 },
        { FLIP, 0x41 }, { MIRROR, 0x01 },       // binning in both directions
        { 0x4300, 0x32 }, { 0x501f, 0x00 },     // YUV422, UYVY
        { 0x4713, 0x02 }, { 0x4740, 0x21 },     // no JPEG; polarity of the clock and of VSYNC
        { 0x5000, 0xa7 }, { 0x5001, 0xa3 },     // lens, gamma, pixel correction; effects, scaling, colour, white balance
        { SATURATION_U, 0x40 }, { SATURATION_V, 0x40 }, { CONTRAST, 0x20 }, { BRIGHTNESS, 0x00 },
        { MANUAL, 0x00 }, { WHITE_MANUAL, 0x00 },
    };
    int ret = sensor_write(s, CLOCK_SELECT, 0x11);
    if (ret == 0) {
        ret = sensor_write(s, SYS_CTRL0, RESET);
    }
    s->bus->delay_ms(s->bus->ctx, 10);
    if (ret == 0) {
        ret = sensor_write(s, SYS_CTRL0, SLEEP);
    }
    if (ret == 0) {
        ret = write_wide(s, table, sizeof(table) / sizeof(table[0]));
    }
    return ret ? ret : sensor_write(s, SYS_CTRL0, RUN);
}

static int set_size(sensor_t *s, int32_t w, int32_t h, image_rect_t window) {
    (void)window;
    if (w > 1280 || h > 960) {
        return -EINVAL;
    }
    int ret = write16(s, OUT_WIDTH, (unsigned)w);
    return ret ? ret : write16(s, OUT_HEIGHT, (unsigned)h);
}

static int set_hmirror(sensor_t *s, bool on) {
    return sensor_update(s, MIRROR, TURN_BITS, on ? TURN_BITS : 0);
}

static int set_vflip(sensor_t *s, bool on) {
    return sensor_update(s, FLIP, TURN_BITS, on ? TURN_BITS : 0);
}

static int set_colorbar(sensor_t *s, bool on) {
    return sensor_update(s, BAR, 0x80, on ? 0x80 : 0);
}

static bool bad_level(int level) {
    return level < -3 || level > 3;
}

static int set_contrast(sensor_t *s, int level) {
    if (bad_level(level)) {
        return -EINVAL;
    }
    int ret = sensor_update(s, EFFECTS, 0x04, 0x04);
    return ret ? ret : sensor_write(s, CONTRAST, (uint8_t)(0x20 + 4 * level));
}

static int set_brightness(sensor_t *s, int level) {
    if (bad_level(level)) {
        return -EINVAL;
    }
    int ret = sensor_update(s, EFFECTS, 0x04, 0x04);
    if (ret == 0) {
        ret = sensor_update(s, SIGNS, 0x08, level < 0 ? 0x08 : 0);
    }
    return ret ? ret : sensor_write(s, BRIGHTNESS, (uint8_t)(0x10 * (level < 0 ? -level : level)));
}

static int set_saturation(sensor_t *s, int level) {
    if (bad_level(level)) {
        return -EINVAL;
    }
    uint8_t gain = (uint8_t)(0x40 + 0x10 * level);
    int ret = sensor_update(s, EFFECTS, 0x02, 0x02);
    if (ret == 0) {
        ret = sensor_write(s, SATURATION_U, gain);
    }
    return ret ? ret : sensor_write(s, SATURATION_V, gain);
}

static int set_special_effect(sensor_t *s, int effect) {
    return effect != 0 && effect != 1 ? -EINVAL : sensor_update(s, EFFECTS, 0x40, effect ? 0x40 : 0);
}

static int set_gainceiling(sensor_t *s, unsigned gain_log2) {
    unsigned v = 16u << (gain_log2 + 1);
    return write16(s, GAIN_CEILING, v > 0x3ff ? 0x3ff : v);
}

static int set_auto_gain(sensor_t *s, bool on, float gain_db, float ceiling_db) {
    int ret = sensor_update(s, MANUAL, 0x02, on ? 0 : 0x02);
    if (ret == 0 && on && !isnan(ceiling_db)) {
        float v = powf(10, ceiling_db / 20) * 16;
        ret = write16(s, GAIN_CEILING, v < 16 ? 16 : v > 0x3ff ? 0x3ff : (unsigned)v);
    }
    if (ret == 0 && !on && !isnan(gain_db)) {
        float v = powf(10, gain_db / 20) * 16 + 0.5f;
        ret = write16(s, GAIN, v < 16 ? 16 : v > 0x3ff ? 0x3ff : (unsigned)v);
    }
    return ret;
}

static int get_gain_db(sensor_t *s, float *db) {
    uint8_t high = 0, low = 0;
    int ret = sensor_read(s, GAIN, &high);
    if (ret == 0) {
        ret = sensor_read(s, GAIN + 1, &low);
    }
    unsigned v = (high & 3u) << 8 | low;
    *db = v ? 20 * log10f((float)v / 16) : 0;
    return ret;
}

// Nanoseconds of a line at the clocks of init().
static int64_t line_ns(const sensor_t *s) {
    int64_t hz = (int64_t)s->xclk_hz * 7 / 3;
    return hz < 1000 ? 0 : LINE_CLOCKS * 1000000ll / (hz / 1000);
}

static int set_auto_exposure(sensor_t *s, bool on, int32_t us) {
    int ret = sensor_update(s, MANUAL, 0x01, on ? 0 : 0x01);
    int64_t ns = line_ns(s);
    if (ret || on || us < 0 || ns == 0) {
        return ret;
    }
    int64_t v = (int64_t)us * 16000 / ns;
    v = v > 0xfffff ? 0xfffff : v;
    for (unsigned i = 0; i < 3 && ret == 0; i++) {
        ret = sensor_write(s, (uint16_t)(EXPOSURE + i), (uint8_t)(v >> (16 - 8 * i)));
    }
    return ret;
}

static int get_exposure_us(sensor_t *s, int32_t *us) {
    int64_t v = 0;
    int ret = 0;
    for (unsigned i = 0; i < 3 && ret == 0; i++) {
        uint8_t b = 0;
        ret = sensor_read(s, (uint16_t)(EXPOSURE + i), &b);
        v = v << 8 | b;
    }
    *us = (int32_t)((v & 0xfffff) * line_ns(s) / 16000);
    return ret;
}

static int set_auto_whitebal(sensor_t *s, bool on, const float rgb_db[3]) {
    int ret = sensor_update(s, WHITE_MANUAL, 0x01, on ? 0 : 0x01);
    for (unsigned i = 0; i < 3 && ret == 0 && !on; i++) {
        if (!isnan(rgb_db[i])) {
            ret = write16(s, (uint16_t)(WHITE + 2 * i), (unsigned)sensor_gain_register(rgb_db[i]) << 4);
        }
    }
    return ret;
}

static int get_rgb_gain_db(sensor_t *s, float rgb_db[3]) {
    int ret = 0;
    for (unsigned i = 0; i < 3 && ret == 0; i++) {
        uint8_t high = 0, low = 0;
        ret = sensor_read(s, (uint16_t)(WHITE + 2 * i), &high);
        if (ret == 0) {
            ret = sensor_read(s, (uint16_t)(WHITE + 2 * i + 1), &low);
        }
        rgb_db[i] = (float)(((high & 0xf) << 8 | low) >> 4);
    }
    return ret;
}

static int set_framerate(sensor_t *s, unsigned fps) {
    // The divider behind the PLL.
    return fps != 30 && fps != 15 ? -EINVAL : sensor_write(s, 0x3035, fps == 30 ? 0x11 : 0x21);
}

static int set_sleep(sensor_t *s, bool on) {
    return sensor_write(s, SYS_CTRL0, on ? SLEEP : RUN);
}

const sensor_driver_t sensor_ov5640 = {
    .name = "ov5640", .addr = 0x3c, .wide = true, .family = SENSOR_FAMILY_OV, .wire = SENSOR_WIRE_YUV422,
    .match = match, .init = init, .set_size = set_size, .can_window = false,
    .set_hmirror = set_hmirror, .set_vflip = set_vflip, .set_colorbar = set_colorbar,
    .set_contrast = set_contrast, .set_brightness = set_brightness, .set_saturation = set_saturation,
    .set_gainceiling = set_gainceiling, .set_auto_gain = set_auto_gain, .get_gain_db = get_gain_db,
    .set_auto_exposure = set_auto_exposure, .get_exposure_us = get_exposure_us,
    .set_auto_whitebal = set_auto_whitebal, .get_rgb_gain_db = get_rgb_gain_db,
    .set_special_effect = set_special_effect, .set_framerate = set_framerate, .sleep = set_sleep,
};
