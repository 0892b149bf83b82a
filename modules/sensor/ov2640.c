// SPDX-License-Identifier: MIT
// OmniVision OV2640. The sensor array runs in SVGA mode (800x600); the DSP cuts a window out of it and
// scales it down. Register meanings: OV2640 data sheet and K210 hardware reference 4.4.
#include <errno.h>
#include <math.h>

#include "sensor_core.h"

#define ARRAY_W (800)
#define ARRAY_H (600)

#define BANK (0xff)
#define BANK_DSP (0)
#define BANK_SENSOR (1)

// DSP bank
#define R_BYPASS (0x05)         // bit 0: DSP off
#define CTRLI (0x50)            // [5:3] vertical, [2:0] horizontal pre-division by 2^n
#define HSIZE (0x51)            // window, / 4
#define VSIZE (0x52)
#define XOFFL (0x53)
#define YOFFL (0x54)
#define VHYX (0x55)             // 7 VSIZE[8], [6:4] YOFF[10:8], 3 HSIZE[8], [2:0] XOFF[10:8]
#define ZMOW (0x5a)             // output, / 4
#define ZMOH (0x5b)
#define ZMHH (0x5c)             // 2 ZMOH[8], [1:0] ZMOW[9:8]
#define BPADDR (0x7c)           // indirect access to the colour matrix
#define BPDATA (0x7d)
#define CTRL2 (0x86)            // 5 scaling, 4 special effects, 2 UV average, 0 colour matrix
#define SIZEL (0x8c)
#define HSIZE8 (0xc0)           // input, / 8
#define VSIZE8 (0xc1)
#define CTRL0 (0xc2)            // 3 YUV422, 2 YUV enable
#define CTRL1 (0xc3)            // 3 white balance, 2 its gain
#define WHITE_CTRL (0xc7)       // 6 gains of the next three instead of the automatic's
#define WHITE_RED (0xcc)        // green and blue follow
#define R_DVP_SP (0xd3)         // 7 automatic, [6:0] pixel clock divider
#define IMAGE_MODE (0xda)       // [3:2] 0 YUV422; 0 byte swap
#define RESET (0xe0)            // 2 video port

#define RESET_DVP (0x04)
#define CTRL1_AWB (0x08)
#define WHITE_MANUAL (0x40)

// Sensor bank
#define GAIN (0x00)
#define REG04 (0x04)            // 7 mirror, 6 flip, 4 first line, [1:0] exposure[1:0]
#define CLKRC (0x11)            // 7 doubler, [5:0] divider - 1
#define COM7 (0x12)             // 7 reset, [6:4] mode, 1 colour bar
#define COM8 (0x13)             // 5 banding filter, 2 auto gain, 0 auto exposure
#define COM9 (0x14)             // [7:5] gain ceiling, 2 << n
#define AEC (0x10)              // exposure[9:2]
#define HREFST (0x17)
#define HREFEND (0x18)
#define VSTRT (0x19)
#define VEND (0x1a)
#define REG32 (0x32)
#define REG45 (0x45)            // [5:0] exposure[15:10]

#define COM7_RESET (0x80)
#define COM7_SVGA (0x40)
#define COM7_COLORBAR (0x02)
#define COM8_AGC (0x04)
#define COM8_AEC (0x01)
#define REG04_MIRROR (0x80)
#define REG04_FLIP (0x40)
#define REG04_FLIP_LINE (0x10)

static int bank(sensor_t *s, uint8_t n) {
    return sensor_write(s, BANK, n);
}

static int update(sensor_t *s, uint8_t b, uint8_t reg, uint8_t mask, uint8_t value) {
    int ret = bank(s, b);
    return ret ? ret : sensor_update(s, reg, mask, value);
}

static bool match(sensor_t *s, uint16_t *id) {
    uint8_t high = 0, low = 0;
    if (bank(s, BANK_SENSOR) || sensor_read(s, 0x0a, &high) || sensor_read(s, 0x0b, &low) || high != 0x26) {
        return false;
    }
    // 0x41 and 0x42 are revisions of the same part; scripts know it as 0x2642.
    *id = 0x2642;
    return low == 0x41 || low == 0x42;
}

static int init(sensor_t *s) {
    static const sensor_reg_t sensor_bank[] = {
        { CLKRC, 0x00 }, { COM7, COM7_SVGA },
        // The 800x600 pixels of this mode
        { HREFST, 0x11 }, { HREFEND, 0x43 }, { VSTRT, 0x00 }, { VEND, 0x4b }, { REG32, 0x09 },
        { COM8, 0xc0 | 0x20 | COM8_AGC | COM8_AEC }, { COM9, 0x40 }, { REG04, 0x28 },
    };
    static const sensor_reg_t dsp_bank[] = {
        { BANK, BANK_DSP }, { RESET, RESET_DVP },
        { HSIZE8, ARRAY_W / 8 }, { VSIZE8, ARRAY_H / 8 }, { SIZEL, 0x00 },
        { CTRL2, 0x20 | 0x10 | 0x08 | 0x04 | 0x01 }, { CTRL1, 0xed }, { CTRL0, 0x0c },
        { IMAGE_MODE, 0x01 }, { R_DVP_SP, 0x82 }, { R_BYPASS, 0x00 }, { RESET, 0x00 },
    };
    int ret = bank(s, BANK_SENSOR);
    if (ret == 0) {
        ret = sensor_write(s, COM7, COM7_RESET);
    }
    s->bus->delay_ms(s->bus->ctx, 10);
    if (ret == 0) {
        ret = bank(s, BANK_SENSOR);
    }
    if (ret == 0) {
        ret = sensor_write_table(s, sensor_bank, sizeof(sensor_bank) / sizeof(sensor_bank[0]));
    }
    if (ret == 0) {
        ret = sensor_write_table(s, dsp_bank, sizeof(dsp_bank) / sizeof(dsp_bank[0]));
    }
    return ret;
}

// Largest n with window >> n still at least twice the output: the zoom stage does the rest.
static unsigned pre_division(int32_t window, int32_t out) {
    unsigned n = 0;
    while (n < 3 && window >> (n + 1) >= 2 * out) {
        n++;
    }
    return n;
}

static int set_size(sensor_t *s, int32_t w, int32_t h, image_rect_t window) {
    if (w > ARRAY_W || h > ARRAY_H || window.w % 4 || window.h % 4) {
        return -EINVAL;
    }
    // The whole scene as w*h pixels: the part of the array with that aspect ratio, in the middle.
    int32_t full_w = ARRAY_W, full_h = ARRAY_W * h / w;
    if (full_h > ARRAY_H) {
        full_h = ARRAY_H;
        full_w = ARRAY_H * w / h;
    }
    int32_t cut_w = full_w * window.w / w & ~3, cut_h = full_h * window.h / h & ~3;
    int32_t x = (ARRAY_W - full_w) / 2 + full_w * window.x / w;
    int32_t y = (ARRAY_H - full_h) / 2 + full_h * window.y / h;
    int32_t hs = cut_w / 4, vs = cut_h / 4, ow = window.w / 4, oh = window.h / 4;
    unsigned hd = pre_division(cut_w, window.w), vd = pre_division(cut_h, window.h);
    const sensor_reg_t table[] = {
        { BANK, BANK_DSP }, { RESET, RESET_DVP },
        { CTRLI, (uint8_t)(vd << 3 | hd) },
        { HSIZE, (uint8_t)hs }, { VSIZE, (uint8_t)vs }, { XOFFL, (uint8_t)x }, { YOFFL, (uint8_t)y },
        { VHYX, (uint8_t)((vs >> 8 & 1) << 7 | (y >> 8 & 7) << 4 | (hs >> 8 & 1) << 3 | (x >> 8 & 7)) },
        { ZMOW, (uint8_t)ow }, { ZMOH, (uint8_t)oh }, { ZMHH, (uint8_t)((oh >> 8 & 1) << 2 | (ow >> 8 & 3)) },
        { RESET, 0x00 },
    };
    return sensor_write_table(s, table, sizeof(table) / sizeof(table[0]));
}

static int set_hmirror(sensor_t *s, bool on) {
    return update(s, BANK_SENSOR, REG04, REG04_MIRROR, on ? REG04_MIRROR : 0);
}

// Read out from the other end the colour filter's first line changes, hence the second bit.
static int set_vflip(sensor_t *s, bool on) {
    return update(s, BANK_SENSOR, REG04, REG04_FLIP | REG04_FLIP_LINE, on ? REG04_FLIP | REG04_FLIP_LINE : 0);
}

static int set_colorbar(sensor_t *s, bool on) {
    return update(s, BANK_SENSOR, COM7, COM7_COLORBAR, on ? COM7_COLORBAR : 0);
}

// Values into the colour matrix from index on; index 0 enables the stage.
static int set_matrix(sensor_t *s, uint8_t enable, uint8_t index, const uint8_t *values, size_t n) {
    const sensor_reg_t start[] = {
        { BANK, BANK_DSP }, { BPADDR, 0 }, { BPDATA, enable }, { BPADDR, index },
    };
    int ret = sensor_write_table(s, start, sizeof(start) / sizeof(start[0]));
    for (size_t i = 0; i < n && ret == 0; i++) {
        ret = sensor_write(s, BPDATA, values[i]);
    }
    return ret;
}

#define MATRIX_SATURATION (0x02)
#define MATRIX_CONTRAST (0x04)
#define MATRIX_NEGATIVE (0x40)

static bool bad_level(int level) {
    return level < -2 || level > 2;
}

static int set_contrast(sensor_t *s, int level) {
    // Gain in 1/32; the offset keeps mid grey where it is.
    uint8_t gain = (uint8_t)(0x20 + 4 * level), offset = (uint8_t)(0x20 - 10 * level);
    uint8_t values[] = { 0x20, gain, offset, 0x06 };
    return bad_level(level) ? -EINVAL : set_matrix(s, MATRIX_CONTRAST, 0x07, values, sizeof(values));
}

static int set_brightness(sensor_t *s, int level) {
    uint8_t values[] = { (uint8_t)(0x20 + 0x10 * level), 0x00 };
    return bad_level(level) ? -EINVAL : set_matrix(s, MATRIX_CONTRAST, 0x09, values, sizeof(values));
}

static int set_saturation(sensor_t *s, int level) {
    uint8_t gain = (uint8_t)(0x48 + 0x10 * level);
    uint8_t values[] = { gain, gain };
    return bad_level(level) ? -EINVAL : set_matrix(s, MATRIX_SATURATION, 0x03, values, sizeof(values));
}

static int set_gainceiling(sensor_t *s, unsigned gain_log2) {
    return gain_log2 > 6 ? -EINVAL : update(s, BANK_SENSOR, COM9, 0xe0, (uint8_t)(gain_log2 << 5));
}

// Gain register: every bit of the upper half doubles, the lower half adds sixteenths.
static int set_auto_gain(sensor_t *s, bool on, float gain_db, float ceiling_db) {
    int ret = update(s, BANK_SENSOR, COM8, COM8_AGC, on ? COM8_AGC : 0);
    if (ret == 0 && !on && !isnan(gain_db)) {
        float gain = powf(10, gain_db / 20);
        unsigned doubles = 0;
        while (doubles < 4 && gain >= 2) {
            gain /= 2;
            doubles++;
        }
        float sixteenths = (gain - 1) * 16;
        uint8_t low = sixteenths < 0 ? 0 : sixteenths > 15 ? 15 : (uint8_t)sixteenths;
        ret = sensor_write(s, GAIN, (uint8_t)(((1u << doubles) - 1) << 4 | low));
    }
    if (ret == 0 && on && !isnan(ceiling_db)) {
        unsigned n = 0;
        while (n < 6 && 6.0206f * (float)(n + 2) <= ceiling_db) {
            n++;
        }
        ret = set_gainceiling(s, n);
    }
    return ret;
}

static int get_gain_db(sensor_t *s, float *db) {
    uint8_t v;
    int ret = bank(s, BANK_SENSOR);
    if (ret == 0) {
        ret = sensor_read(s, GAIN, &v);
    }
    if (ret == 0) {
        float gain = 1 + (float)(v & 15) / 16;
        for (unsigned bit = 0x10; bit < 0x100; bit <<= 1) {
            gain *= v & bit ? 2 : 1;
        }
        *db = 20 * log10f(gain);
    }
    return ret;
}

// One line of the SVGA mode takes 1190 clocks of XCLK.
#define LINE_CLOCKS (1190)

static int set_auto_exposure(sensor_t *s, bool on, int32_t us) {
    int ret = update(s, BANK_SENSOR, COM8, COM8_AEC, on ? COM8_AEC : 0);
    if (ret || on || us < 0) {
        return ret;
    }
    int64_t lines = (int64_t)us * (s->xclk_hz / 1000) / 1000 / LINE_CLOCKS;
    lines = lines > 0xffff ? 0xffff : lines;
    ret = sensor_update(s, REG45, 0x3f, (uint8_t)(lines >> 10));
    if (ret == 0) {
        ret = sensor_write(s, AEC, (uint8_t)(lines >> 2));
    }
    return ret ? ret : sensor_update(s, REG04, 0x03, (uint8_t)lines);
}

static int get_exposure_us(sensor_t *s, int32_t *us) {
    uint8_t high = 0, mid = 0, low = 0;
    int ret = bank(s, BANK_SENSOR);
    if (ret || (ret = sensor_read(s, REG45, &high)) || (ret = sensor_read(s, AEC, &mid)) ||
        (ret = sensor_read(s, REG04, &low))) {
        return ret;
    }
    int64_t lines = (int64_t)(high & 0x3f) << 10 | mid << 2 | (low & 3);
    *us = s->xclk_hz < 1000 ? 0 : (int32_t)(lines * LINE_CLOCKS * 1000 / (s->xclk_hz / 1000));
    return 0;
}

// Gains of red, green and blue in place of the automatic's; 0x40 is 1.
static int set_auto_whitebal(sensor_t *s, bool on, const float rgb_db[3]) {
    bool manual = false;
    int ret = update(s, BANK_DSP, CTRL1, CTRL1_AWB, on ? CTRL1_AWB : 0);
    for (unsigned i = 0; i < 3 && ret == 0 && !on; i++) {
        if (!isnan(rgb_db[i])) {
            manual = true;
            ret = sensor_write(s, (uint16_t)(WHITE_RED + i), sensor_gain_register(rgb_db[i]));
        }
    }
    return ret ? ret : sensor_update(s, WHITE_CTRL, WHITE_MANUAL, manual ? WHITE_MANUAL : 0);
}

static int get_rgb_gain_db(sensor_t *s, float rgb_db[3]) {
    int ret = bank(s, BANK_DSP);
    for (unsigned i = 0; i < 3 && ret == 0; i++) {
        uint8_t v = 0;
        ret = sensor_read(s, (uint16_t)(WHITE_RED + i), &v);
        rgb_db[i] = v;
    }
    return ret;
}

// Through the matrix stage: both colour differences are mirrored, and so is the luma.
static int set_special_effect(sensor_t *s, int effect) {
    uint8_t none = 0;
    return effect != 0 && effect != 1 ? -EINVAL : set_matrix(s, effect ? MATRIX_NEGATIVE : 0, 0x05, &none, 0);
}

const sensor_driver_t sensor_ov2640 = {
    .name = "ov2640", .addr = 0x30, .family = SENSOR_FAMILY_OV, .wire = SENSOR_WIRE_YUV422,
    .match = match, .init = init, .set_size = set_size, .can_window = true,
    .set_hmirror = set_hmirror, .set_vflip = set_vflip, .set_colorbar = set_colorbar,
    .set_contrast = set_contrast, .set_brightness = set_brightness, .set_saturation = set_saturation,
    .set_gainceiling = set_gainceiling, .set_auto_gain = set_auto_gain, .get_gain_db = get_gain_db,
    .set_auto_exposure = set_auto_exposure, .get_exposure_us = get_exposure_us,
    .set_auto_whitebal = set_auto_whitebal, .get_rgb_gain_db = get_rgb_gain_db,
    .set_special_effect = set_special_effect,
};
