// SPDX-License-Identifier: MIT
// Brightness and colour: gamma, equalisation, stretching, shadows.
#include <string.h>

#include "vision_priv.h"

// Every channel of every pixel through a table of 256.
static int through_table(image_t *img, vis_work_t *w, const uint8_t table[256]) {
    size_t n = (size_t)img->w * vis_channels(img);
    uint8_t *row = vis_alloc(w, n);
    if (!row) {
        return -ENOMEM;
    }
    for (int32_t y = 0; y < img->h; y++) {
        vis_load_row(img, y, row);
        for (size_t i = 0; i < n; i++) {
            row[i] = table[row[i]];
        }
        vis_store_row(img, y, row, NULL);
    }
    vis_free(w, row);
    return 0;
}

int vis_gamma(image_t *img, vis_work_t *w, float gamma, float contrast, float brightness) {
    uint8_t table[256];
    double power = gamma > 0 ? 1 / (double)gamma : 1;
    for (int i = 0; i < 256; i++) {
        double v = pow(i / 255.0, power) * (double)contrast + (double)brightness;
        table[i] = v > 0 ? v < 1 ? (uint8_t)lrint(v * 255) : 255 : 0;
    }
    return through_table(img, w, table);
}

int vis_stretch(image_t *img, vis_work_t *w, int32_t lo, int32_t hi) {
    // What the picture spans goes to lo..hi.
    uint8_t table[256];
    int32_t least = 255, most = 0;
    for (size_t i = 0; i < vis_pixels(img); i++) {
        least = vis_min(least, img->pix[i]);
        most = vis_max(most, img->pix[i]);
    }
    for (int32_t i = 0; i < 256; i++) {
        int32_t part = vis_clamp(i, least, most) - least;
        table[i] = vis_byte(most > least ? lo + (part * (hi - lo) + (most - least) / 2) / (most - least) : lo);
    }
    return through_table(img, w, table);
}

// For dark characters on paper: everything above a local brightness becomes white, what is darker
// keeps and stretches its contrast. de_dark moves the limit.
void vis_sharpen_chars(image_t *img, int32_t de_dark) {
    uint32_t count[256] = { 0 };
    size_t n = vis_pixels(img), sum = 0;
    for (size_t i = 0; i < n; i++) {
        count[img->pix[i]]++;
    }
    int32_t lo = 0, hi = 255;
    while (lo < 255 && (sum += count[lo]) < n / 100) {
        lo++;
    }
    sum = 0;
    while (hi > lo + 1 && (sum += count[hi]) < n / 4) {
        hi--;
    }
    if (de_dark) {
        lo = vis_min(lo + (hi - lo) / 4, hi - 1);
    }
    for (size_t i = 0; i < n; i++) {
        img->pix[i] = hi > lo ? vis_byte((img->pix[i] - lo) * 255 / (hi - lo)) : img->pix[i];
    }
}

// ---- equalisation -------------------------------------------------------------------------------

// Replaces the luma of every pixel, keeping its colour differences.
static void set_luma(image_t *img, const uint8_t *was, const uint8_t *now, const image_t *mask) {
    if (img->format == IMAGE_GRAYSCALE && !mask) {
        memcpy(img->pix, now, img->size);
        return;
    }
    for (int32_t y = 0; y < img->h; y++) {
        for (int32_t x = 0; x < img->w; x++, was++, now++) {
            if (mask && !image_get(mask, x, y)) {
                continue;
            }
            if (img->format == IMAGE_RGB565) {
                uint8_t r, g, b;
                image_pixel_to_rgb((uint16_t)image_get(img, x, y), &r, &g, &b);
                int32_t d = *now - *was;
                image_set(img, x, y, image_rgb_to_pixel(vis_byte(r + d), vis_byte(g + d), vis_byte(b + d)));
            } else {
                image_set(img, x, y, img->format == IMAGE_BINARY ? *now > 127 : *now);
            }
        }
    }
}

int vis_histeq(image_t *img, vis_work_t *w, const image_t *mask) {
    image_rect_t all = { 0, 0, img->w, img->h };
    uint8_t *was = vis_gray(w, img, all), *now = vis_alloc(w, vis_pixels(img));
    uint32_t count[256] = { 0 };
    if (!was || !now) {
        return -ENOMEM;
    }
    size_t n = vis_pixels(img);
    for (size_t i = 0; i < n; i++) {
        count[was[i]]++;
    }
    unsigned first = 0;
    while (count[first] == 0) {
        first++;
    }
    uint8_t table[256] = { 0 };
    uint64_t sum = 0, rest = n - count[first];
    table[first] = rest ? 0 : (uint8_t)first;
    for (unsigned i = first + 1; i < 256; i++) {
        sum += count[i];
        table[i] = rest ? (uint8_t)((sum * 255 + rest / 2) / rest) : (uint8_t)i;
    }
    for (size_t i = 0; i < n; i++) {
        now[i] = table[was[i]];
    }
    set_luma(img, was, now, mask);
    return 0;
}

#define TILES (8)

// One tile's table: its histogram, cut at the limit and the rest spread evenly, summed up.
static void tile_table(uint8_t table[256], const uint8_t *gray, int32_t w, int32_t h, int32_t x0, int32_t y0, int32_t tw,
    int32_t th, float clip_limit) {
    int32_t count[256] = { 0 }, n = tw * th;
    for (int32_t y = y0; y < y0 + th; y++) {
        for (int32_t x = x0; x < x0 + tw; x++) {
            // A picture that the tiles exceed is continued by its mirror image.
            int32_t sx = x < w ? x : vis_max(2 * w - 2 - x, 0), sy = y < h ? y : vis_max(2 * h - 2 - y, 0);
            count[gray[(size_t)sy * (size_t)w + (size_t)sx]]++;
        }
    }
    if (clip_limit > 0) {
        float limit_f = clip_limit * (float)n / 256;
        int32_t limit = limit_f < 1 ? 1 : limit_f > (float)n ? n : (int32_t)limit_f, over = 0;
        for (int i = 0; i < 256; i++) {
            if (count[i] > limit) {
                over += count[i] - limit;
                count[i] = limit;
            }
        }
        int32_t each = over / 256, rest = over % 256;
        for (int i = 0; i < 256; i++) {
            count[i] += each;
        }
        int32_t step = rest ? vis_max(256 / rest, 1) : 1;
        for (int32_t i = 0; i < 256 && rest > 0; i += step, rest--) {
            count[i]++;
        }
    }
    int64_t sum = 0;
    for (int i = 0; i < 256; i++) {
        sum += count[i];
        table[i] = vis_byte((int32_t)lrint((double)sum * 255 / n));
    }
}

int vis_clahe(image_t *img, vis_work_t *w, float clip_limit, const image_t *mask) {
    image_rect_t all = { 0, 0, img->w, img->h };
    uint8_t *was = vis_gray(w, img, all), *now = vis_alloc(w, vis_pixels(img)), *tables = vis_alloc(w, TILES * TILES * 256);
    if (!was || !now || !tables) {
        return -ENOMEM;
    }
    int32_t tw = (img->w + TILES - 1) / TILES, th = (img->h + TILES - 1) / TILES;
    for (int32_t t = 0; t < TILES * TILES; t++) {
        tile_table(tables + t * 256, was, img->w, img->h, t % TILES * tw, t / TILES * th, tw, th, clip_limit);
    }
    size_t at = 0;
    for (int32_t y = 0; y < img->h; y++) {
        image_port_poll();
        float fy = (float)y / (float)th - 0.5f;
        int32_t ty = (int32_t)floorf(fy);
        float py = fy - (float)ty;
        int32_t y1 = vis_clamp(ty, 0, TILES - 1), y2 = vis_clamp(ty + 1, 0, TILES - 1);
        for (int32_t x = 0; x < img->w; x++, at++) {
            float fx = (float)x / (float)tw - 0.5f;
            int32_t tx = (int32_t)floorf(fx);
            float px = fx - (float)tx;
            int32_t x1 = vis_clamp(tx, 0, TILES - 1), x2 = vis_clamp(tx + 1, 0, TILES - 1);
            unsigned v = was[at];
            float up = (float)tables[(y1 * TILES + x1) * 256 + (int32_t)v] * (1 - px) +
                (float)tables[(y1 * TILES + x2) * 256 + (int32_t)v] * px;
            float down = (float)tables[(y2 * TILES + x1) * 256 + (int32_t)v] * (1 - px) +
                (float)tables[(y2 * TILES + x2) * 256 + (int32_t)v] * px;
            now[at] = vis_byte((int32_t)lrintf(up * (1 - py) + down * py));
        }
    }
    set_luma(img, was, now, mask);
    return 0;
}

// ---- colours ------------------------------------------------------------------------------------

// Blue for 0 through green to red for 255.
uint16_t vis_rainbow(unsigned level) {
    int32_t h = (int32_t)(255 - level) * 240; // hue in degrees times 255
    int32_t sector = h / (60 * 255), part = h % (60 * 255) / 60;
    switch (sector) {
        case 0:
            return image_rgb_to_pixel(255, (unsigned)part, 0);
        case 1:
            return image_rgb_to_pixel((unsigned)(255 - part), 255, 0);
        case 2:
            return image_rgb_to_pixel(0, 255, (unsigned)part);
        case 3:
            return image_rgb_to_pixel(0, (unsigned)(255 - part), 255);
        default:
            return image_rgb_to_pixel(0, 0, 255);
    }
}

// Only the share of the components remains.
int vis_chrominvar(image_t *img, vis_work_t *w) {
    size_t n = (size_t)img->w;
    uint8_t *row = vis_alloc(w, n * 3);
    if (!row) {
        return -ENOMEM;
    }
    for (int32_t y = 0; y < img->h; y++) {
        vis_load_row(img, y, row);
        for (size_t x = 0; x < n; x++) {
            int32_t r = row[x], g = row[n + x], b = row[2 * n + x], sum = r + g + b;
            row[x] = (uint8_t)(sum ? r * 255 / sum : 0);
            row[n + x] = (uint8_t)(sum ? g * 255 / sum : 0);
            row[2 * n + x] = (uint8_t)(sum ? b * 255 / sum : 0);
        }
        vis_store_row(img, y, row, NULL);
    }
    return 0;
}

// How far every component is from the geometric mean of the three, on a logarithmic scale: neither
// the brightness of the light nor shadows change it.
int vis_illuminvar(image_t *img, vis_work_t *w) {
    size_t n = (size_t)img->w;
    uint8_t *row = vis_alloc(w, n * 3);
    float logs[256];
    if (!row) {
        return -ENOMEM;
    }
    for (int i = 0; i < 256; i++) {
        logs[i] = logf((float)i + 1);
    }
    for (int32_t y = 0; y < img->h; y++) {
        vis_load_row(img, y, row);
        for (size_t x = 0; x < n; x++) {
            float r = logs[row[x]], g = logs[row[n + x]], b = logs[row[2 * n + x]], mean = (r + g + b) / 3;
            row[x] = vis_byte((int32_t)lrintf(128 + 92 * (r - mean)));
            row[n + x] = vis_byte((int32_t)lrintf(128 + 92 * (g - mean)));
            row[2 * n + x] = vis_byte((int32_t)lrintf(128 + 92 * (b - mean)));
        }
        vis_store_row(img, y, row, NULL);
    }
    return 0;
}

// With a picture of the background: where the colour is that of the background but darker, the
// background is taken. Without: dark pixels are brought to the brightness of the others.
int vis_remove_shadows(image_t *img, vis_work_t *w, const image_t *background) {
    image_rect_t all = { 0, 0, img->w, img->h };
    uint8_t *gray = vis_gray(w, img, all);
    if (!gray) {
        return -ENOMEM;
    }
    size_t n = vis_pixels(img);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += gray[i];
    }
    int32_t mean = (int32_t)(sum / n);
    uint64_t dark[4] = { 0 }, light[4] = { 0 };
    for (int pass = 0; pass < 2; pass++) {
        size_t i = 0;
        for (int32_t y = 0; y < img->h; y++) {
            for (int32_t x = 0; x < img->w; x++, i++) {
                uint8_t c[3], u[3];
                image_color_to_rgb(img->format, image_get(img, x, y), &c[0], &c[1], &c[2]);
                if (background) {
                    image_color_to_rgb(img->format, image_get(background, x, y), &u[0], &u[1], &u[2]);
                    int32_t cs = c[0] + c[1] + c[2], us = u[0] + u[1] + u[2], far = 0;
                    for (int k = 0; k < 3; k++) {
                        int32_t d = cs && us ? c[k] * 255 / cs - u[k] * 255 / us : 255;
                        far = vis_max(far, d < 0 ? -d : d);
                    }
                    if (pass && cs < us && cs * 10 > us * 3 && far < 20) {
                        image_set(img, x, y, image_get(background, x, y));
                    }
                    continue;
                }
                bool in_dark = gray[i] < mean * 2 / 3;
                if (pass == 0) {
                    uint64_t *to = in_dark ? dark : light;
                    for (int k = 0; k < 3; k++) {
                        to[k] += c[k];
                    }
                    to[3]++;
                } else if (in_dark && dark[3] && light[3]) {
                    for (int k = 0; k < 3; k++) {
                        uint64_t d = dark[k] / dark[3], l = light[k] / light[3];
                        c[k] = d ? vis_byte((int32_t)(c[k] * l / d)) : c[k];
                    }
                    image_set(img, x, y, image_color(img->format, c[0], c[1], c[2]));
                }
            }
        }
    }
    return 0;
}
