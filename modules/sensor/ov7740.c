// SPDX-License-Identifier: MIT
// OmniVision OV7740 (VGA). It scales the whole array to the output size; windows are cut out of that
// by the caller. Register meanings: OV7740 data sheet and K210 hardware reference 4.4.
// Not tried on a real part yet: exposure, colours and noise are as the reset values make them.
#include <errno.h>
#include <math.h>

#include "sensor_core.h"

#define GAIN_LOW (0x00)
#define ID_HIGH (0x0a)
#define ID_LOW (0x0b)
#define REG0C (0x0c)            // 7 flip, 6 mirror, 4 Y before U and V
#define EXPOSURE_HIGH (0x0f)    // in lines
#define EXPOSURE_LOW (0x10)
#define CLK (0x11)              // [5:0] divider - 1: 0 = 60 frames per second
#define REG12 (0x12)            // 7 reset, 0 raw data
#define REG13 (0x13)            // 2 auto gain, 1 auto white balance, 0 auto exposure
#define REG14 (0x14)            // [6:4] gain ceiling, 2 << n
#define GAIN_HIGH (0x15)        // [1:0]
#define WHITE_BLUE (0x01)       // gains of the colours
#define WHITE_RED (0x02)
#define WHITE_GREEN (0x03)
#define MORE_LINES (0x2b)       // lines of a frame, low byte; the next register is the high one
#define OUT_WIDTH (0x31)        // / 4
#define OUT_HEIGHT (0x32)       // / 2
#define OUT_LOW (0x34)          // lowest bits of both
#define ISP80 (0x80)            // 4 white balance, 2 its gains
#define ISP81 (0x81)            // 5 effects
#define SCALING (0x82)
#define REG84 (0x84)            // 1 colour bar
#define EFFECTS (0xda)          // 6 negative, 2 contrast and brightness, 1 saturation
#define SATURATION_U (0xdd)     // 0x40 is 1
#define SATURATION_V (0xde)
#define CONTRAST_OFFSET (0xe1)
#define CONTRAST (0xe2)         // 0x20 is 1
#define BRIGHTNESS (0xe3)
#define SIGNS (0xe4)            // 3 brightness is positive

#define REG12_RESET (0x80)
#define SCALING_FULL (0x32)
#define SCALING_DOWN (0x3f)
#define ARRAY_W (640)
#define ARRAY_H (480)
#define FRAME_CLOCKS (400000)   // of XCLK, undivided
#define FRAME_LINES (510)

static bool match(sensor_t *s, uint16_t *id) {
    uint8_t high = 0, low = 0;
    if (sensor_read(s, ID_HIGH, &high) || sensor_read(s, ID_LOW, &low)) {
        return false;
    }
    *id = (uint16_t)(high << 8 | low);
    return high == 0x77 && (low == 0x40 || low == 0x42);
}

static int init(sensor_t *s) {
    static const sensor_reg_t table[] = {
        { REG12, 0x00 }, { CLK, 0x01 }, { REG0C, 0x02 }, { REG13, 0xff }, { SCALING, SCALING_FULL },
    };
    int ret = sensor_write(s, REG12, REG12_RESET);
    s->bus->delay_ms(s->bus->ctx, 10);
    return ret ? ret : sensor_write_table(s, table, sizeof(table) / sizeof(table[0]));
}

static int set_size(sensor_t *s, int32_t w, int32_t h, image_rect_t window) {
    (void)window;
    if (w > ARRAY_W || h > ARRAY_H) {
        return -EINVAL;
    }
    const sensor_reg_t table[] = {
        { SCALING, w == ARRAY_W && h == ARRAY_H ? SCALING_FULL : SCALING_DOWN },
        { OUT_WIDTH, (uint8_t)(w / 4) }, { OUT_HEIGHT, (uint8_t)(h / 2) },
        { OUT_LOW, (uint8_t)((h & 1) << 2 | (w & 3)) },
    };
    return sensor_write_table(s, table, sizeof(table) / sizeof(table[0]));
}

static int set_hmirror(sensor_t *s, bool on) {
    return sensor_update(s, REG0C, 0x40, on ? 0x40 : 0);
}

static int set_vflip(sensor_t *s, bool on) {
    return sensor_update(s, REG0C, 0x80, on ? 0x80 : 0);
}

static int set_colorbar(sensor_t *s, bool on) {
    return sensor_update(s, REG84, 0x02, on ? 0x02 : 0);
}

static bool bad_level(int level) {
    return level < -4 || level > 4;
}

static int enable_effects(sensor_t *s, uint8_t bit) {
    int ret = sensor_update(s, ISP81, 0x20, 0x20);
    return ret ? ret : sensor_update(s, EFFECTS, bit, bit);
}

static int set_contrast(sensor_t *s, int level) {
    if (bad_level(level)) {
        return -EINVAL;
    }
    int ret = enable_effects(s, 0x04);
    if (ret == 0) {
        ret = sensor_write(s, CONTRAST_OFFSET, 0x20);
    }
    return ret ? ret : sensor_write(s, CONTRAST, (uint8_t)(0x20 + 4 * level));
}

static int set_brightness(sensor_t *s, int level) {
    if (bad_level(level)) {
        return -EINVAL;
    }
    int ret = enable_effects(s, 0x04);
    if (ret == 0) {
        ret = sensor_update(s, SIGNS, 0x08, level < 0 ? 0 : 0x08);
    }
    return ret ? ret : sensor_write(s, BRIGHTNESS, (uint8_t)(0x10 * (level < 0 ? -level : level)));
}

static int set_saturation(sensor_t *s, int level) {
    if (bad_level(level)) {
        return -EINVAL;
    }
    uint8_t gain = (uint8_t)(0x40 + 0x10 * level);
    int ret = enable_effects(s, 0x02);
    if (ret == 0) {
        ret = sensor_write(s, SATURATION_U, gain);
    }
    return ret ? ret : sensor_write(s, SATURATION_V, gain);
}

static int set_special_effect(sensor_t *s, int effect) {
    if (effect != 0 && effect != 1) {
        return -EINVAL;
    }
    int ret = sensor_update(s, ISP81, 0x20, 0x20);
    return ret ? ret : sensor_update(s, EFFECTS, 0x40, effect ? 0x40 : 0);
}

static int set_gainceiling(sensor_t *s, unsigned gain_log2) {
    return gain_log2 > 4 ? -EINVAL : sensor_update(s, REG14, 0x70, (uint8_t)(gain_log2 << 4));
}

// Ten bits: the lower four add sixteenths, each of the others doubles.
static int set_auto_gain(sensor_t *s, bool on, float gain_db, float ceiling_db) {
    (void)ceiling_db;
    int ret = sensor_update(s, REG13, 0x04, on ? 0x04 : 0);
    if (ret || on || isnan(gain_db)) {
        return ret;
    }
    float gain = powf(10, gain_db / 20);
    unsigned doubles = 0;
    for (; doubles < 6 && gain >= 2; doubles++) {
        gain /= 2;
    }
    float low = (gain - 1) * 16;
    unsigned v = ((1u << doubles) - 1) << 4 | (low < 0 ? 0 : low > 15 ? 15 : (unsigned)low);
    ret = sensor_write(s, GAIN_LOW, (uint8_t)v);
    return ret ? ret : sensor_update(s, GAIN_HIGH, 0x03, (uint8_t)(v >> 8));
}

static int get_gain_db(sensor_t *s, float *db) {
    uint8_t low = 0, high = 0;
    int ret = sensor_read(s, GAIN_LOW, &low);
    if (ret == 0) {
        ret = sensor_read(s, GAIN_HIGH, &high);
    }
    unsigned v = (high & 3u) << 8 | low;
    float gain = 1 + (float)(v & 15) / 16;
    for (unsigned bit = 0x10; bit < 0x400; bit <<= 1) {
        gain *= v & bit ? 2 : 1;
    }
    *db = 20 * log10f(gain);
    return ret;
}

// Nanoseconds of a line at the present clocks.
static int64_t line_ns(sensor_t *s, int *err) {
    uint8_t clk = 0;
    *err = sensor_read(s, CLK, &clk);
    return s->xclk_hz ? (int64_t)FRAME_CLOCKS * ((clk & 0x3f) + 1) * 1000000 / (s->xclk_hz / 1000) / FRAME_LINES : 0;
}

static int set_auto_exposure(sensor_t *s, bool on, int32_t us) {
    int ret = sensor_update(s, REG13, 0x01, on ? 0x01 : 0);
    if (ret || on || us < 0) {
        return ret;
    }
    int64_t ns = line_ns(s, &ret), lines = ret || ns == 0 ? 0 : (int64_t)us * 1000 / ns;
    lines = lines > 0xffff ? 0xffff : lines;
    if (ret == 0) {
        ret = sensor_write(s, EXPOSURE_HIGH, (uint8_t)(lines >> 8));
    }
    return ret ? ret : sensor_write(s, EXPOSURE_LOW, (uint8_t)lines);
}

static int get_exposure_us(sensor_t *s, int32_t *us) {
    uint8_t high = 0, low = 0;
    int ret;
    int64_t ns = line_ns(s, &ret);
    if (ret == 0) {
        ret = sensor_read(s, EXPOSURE_HIGH, &high);
    }
    if (ret == 0) {
        ret = sensor_read(s, EXPOSURE_LOW, &low);
    }
    *us = (int32_t)((high << 8 | low) * ns / 1000);
    return ret;
}

static const uint8_t white_regs[3] = { WHITE_RED, WHITE_GREEN, WHITE_BLUE };

// The gains stay in use without the automatic, as long as there are some.
static int set_auto_whitebal(sensor_t *s, bool on, const float rgb_db[3]) {
    bool gains = on;
    int ret = sensor_update(s, REG13, 0x02, on ? 0x02 : 0);
    for (unsigned i = 0; i < 3 && ret == 0 && !on; i++) {
        if (!isnan(rgb_db[i])) {
            gains = true;
            ret = sensor_write(s, white_regs[i], sensor_gain_register(rgb_db[i]));
        }
    }
    return ret ? ret : sensor_update(s, ISP80, 0x14, (uint8_t)((on ? 0x10 : 0) | (gains ? 0x04 : 0)));
}

static int get_rgb_gain_db(sensor_t *s, float rgb_db[3]) {
    int ret = 0;
    for (unsigned i = 0; i < 3 && ret == 0; i++) {
        uint8_t v = 0;
        ret = sensor_read(s, white_regs[i], &v);
        rgb_db[i] = v;
    }
    return ret;
}

static int set_framerate(sensor_t *s, unsigned fps) {
    // 25: like 30, with more lines between the frames.
    unsigned divider = fps == 25 ? 2 : 60 / fps, lines = fps == 25 ? 606 : 496;
    if (fps != 60 && fps != 30 && fps != 25 && fps != 15) {
        return -EINVAL;
    }
    const sensor_reg_t table[] = {
        { CLK, (uint8_t)(divider - 1) }, { MORE_LINES, (uint8_t)lines }, { MORE_LINES + 1, (uint8_t)(lines >> 8) },
    };
    return sensor_write_table(s, table, sizeof(table) / sizeof(table[0]));
}

static int set_sleep(sensor_t *s, bool on) {
    s->bus->power_down_line(s->bus->ctx, on);
    s->bus->delay_ms(s->bus->ctx, 10);
    return 0;
}

const sensor_driver_t sensor_ov7740 = {
    .name = "ov7740", .addr = 0x21, .family = SENSOR_FAMILY_OV, .wire = SENSOR_WIRE_YUV422, .xclk_hz = 22000000,
    .match = match, .init = init, .set_size = set_size, .can_window = false,
    .set_hmirror = set_hmirror, .set_vflip = set_vflip, .set_colorbar = set_colorbar,
    .set_gainceiling = set_gainceiling, .set_auto_gain = set_auto_gain, .get_gain_db = get_gain_db,
    .set_auto_exposure = set_auto_exposure, .get_exposure_us = get_exposure_us,
    .set_auto_whitebal = set_auto_whitebal, .get_rgb_gain_db = get_rgb_gain_db, .set_framerate = set_framerate,
    .set_contrast = set_contrast, .set_brightness = set_brightness, .set_saturation = set_saturation,
    .set_special_effect = set_special_effect, .sleep = set_sleep,
};
