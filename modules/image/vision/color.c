// SPDX-License-Identifier: MIT
// L*a*b* and thresholds.
#include <string.h>

#include "vision_priv.h"

// Cube root of L*a*b* at i / STEPS, times FSCALE; filled at first use. Between the steps it is
// interpolated, which is exact below the bend at 0.008856 and good to 0.05 of a and b above.
#define STEPS (1024)
#define FSCALE (32768)
static uint16_t root[STEPS + 2];
static uint16_t linear[256]; // of an sRGB component, times 65535

static double lab_f(double t) {
    return t > 216.0 / 24389 ? cbrt(t) : t * (24389.0 / 27 / 116) + 16.0 / 116;
}

static double expand(double c) {
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static void make_tables(void) {
    for (int i = 0; i < 256; i++) {
        linear[i] = (uint16_t)(expand(i / 255.0) * 65535 + 0.5);
    }
    for (int i = 0; i <= STEPS + 1; i++) {
        root[i] = (uint16_t)(lab_f(i / (double)STEPS) * FSCALE + 0.5);
    }
}

// v is times 2^16 (65536 = white).
static int32_t f_of(uint32_t v) {
    if (v > 65536) {
        v = 65536;
    }
    uint32_t i = v >> 6, part = v & 63;
    return (int32_t)((root[i] * (64 - part) + root[i + 1] * part + 32) >> 6);
}

static int32_t scaled(int32_t v, int32_t factor) {
    int64_t p = (int64_t)v * factor;
    return (int32_t)((p + (p < 0 ? -FSCALE / 2 : FSCALE / 2)) / FSCALE);
}

void vis_rgb_to_lab(unsigned r, unsigned g, unsigned b, int8_t lab[3]) {
    if (root[0] == 0) {
        make_tables();
    }
    uint64_t lr = linear[r], lg = linear[g], lb = linear[b];
    // sRGB to XYZ, divided by the white point, times 2^16.
    uint32_t x = (uint32_t)((lr * 28440 + lg * 24663 + lb * 12434 + 32767) / 65535);
    uint32_t y = (uint32_t)((lr * 13933 + lg * 46871 + lb * 4732 + 32767) / 65535);
    uint32_t z = (uint32_t)((lr * 1163 + lg * 7173 + lb * 57200 + 32767) / 65535);
    int32_t fx = f_of(x), fy = f_of(y), fz = f_of(z);
    lab[0] = (int8_t)(scaled(fy * 4, 29) - 16); // 116 = 4 * 29
    lab[1] = (int8_t)vis_clamp(scaled(fx - fy, 500), -128, 127);
    lab[2] = (int8_t)vis_clamp(scaled(fy - fz, 200), -128, 127);
}

static double lab_inverse(double f) {
    return f > 6.0 / 29 ? f * f * f : (f - 16.0 / 116) * (116 * 27 / 24389.0);
}

static uint8_t compress(double c) {
    c = c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055;
    return vis_byte((int32_t)floor(c * 255 + 0.5));
}

void vis_lab_to_rgb(const int lab[3], uint8_t rgb[3]) {
    double fy = (lab[0] + 16) / 116.0;
    double x = 0.95047 * lab_inverse(fy + lab[1] / 500.0), y = lab_inverse(fy);
    double z = 1.08883 * lab_inverse(fy - lab[2] / 200.0);
    rgb[0] = compress(3.2404542 * x - 1.5371385 * y - 0.4985314 * z);
    rgb[1] = compress(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z);
    rgb[2] = compress(0.0556434 * x - 0.2040259 * y + 1.0572252 * z);
}

int vis_match_init(vis_match_t *m, vis_work_t *w, image_format_t format, const vis_range_t *range) {
    *m = (vis_match_t) { *range, format, NULL };
    if (format == IMAGE_RGB565) {
        m->known = vis_zalloc(w, 65536 / 4);
        return m->known ? 0 : -ENOMEM;
    }
    return 0;
}

static bool in_range(const vis_range_t *r, unsigned c, int v) {
    return v >= r->lo[c] && v <= r->hi[c];
}

bool vis_match_color(vis_match_t *m, uint32_t pixel) {
    uint8_t r, g, b;
    int8_t lab[3];
    image_pixel_to_rgb((uint16_t)pixel, &r, &g, &b);
    vis_rgb_to_lab(r, g, b, lab);
    bool in = in_range(&m->range, 0, lab[0]) && in_range(&m->range, 1, lab[1]) && in_range(&m->range, 2, lab[2]);
    m->known[pixel / 4] |= (uint8_t)((2 + in) << (pixel % 4 * 2));
    return in;
}

void vis_match_row(vis_match_t *m, size_t n, const image_t *img, int32_t x0, int32_t x1, int32_t y, uint8_t *inside) {
    size_t first = (size_t)y * (size_t)img->w;
    memset(inside + x0, 0, (size_t)(x1 - x0));
    for (size_t i = 0; i < n; i++) {
        if (img->format == IMAGE_RGB565) {
            const uint16_t *p = (const uint16_t *)(const void *)img->pix + first;
            const uint8_t *known = m[i].known;
            for (int32_t x = x0; x < x1; x++) {
                unsigned pixel = p[x], state = known[pixel / 4] >> (pixel % 4 * 2) & 3;
                inside[x] |= (uint8_t)(state ? state & 1 : vis_match_color(m + i, pixel));
            }
        } else if (img->format == IMAGE_GRAYSCALE) {
            int32_t lo = m[i].range.lo[0], hi = m[i].range.hi[0];
            for (int32_t x = x0; x < x1; x++) {
                int32_t v = img->pix[first + (size_t)x];
                inside[x] |= (uint8_t)(v >= lo && v <= hi);
            }
        } else {
            for (int32_t x = x0; x < x1; x++) {
                inside[x] |= vis_match(m + i, image_get(img, x, y));
            }
        }
    }
}
