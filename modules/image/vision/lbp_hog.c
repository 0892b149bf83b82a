// SPDX-License-Identifier: MIT
// Local binary patterns of 8x8 regions, and histograms of gradients drawn into the picture.
#include <string.h>

#include "vision_priv.h"

#define REGIONS (8)
#define CLASSES (59)

// Patterns with at most two changes around the circle have a class each, all others share the last.
static uint8_t class_of(uint8_t v) {
    static uint8_t table[256];
    if (table[0xaa] == 0) {
        uint8_t n = 0;
        for (unsigned i = 0; i < 256; i++) {
            unsigned turned = ((i << 1) | (i >> 7)) & 255;
            table[i] = __builtin_popcount(i ^ turned) <= 2 ? n++ : CLASSES - 1;
        }
    }
    return table[v];
}

int vis_lbp(uint8_t hist[VIS_LBP_BYTES], vis_work_t *w, const image_t *img, image_rect_t roi) {
    uint8_t *gray = vis_gray(w, img, roi);
    uint32_t *count = vis_zalloc(w, VIS_LBP_BYTES * sizeof(*count));
    if (!gray || !count) {
        return -ENOMEM;
    }
    static const int8_t around[8][2] = { { -1, -1 }, { 0, -1 }, { 1, -1 }, { 1, 0 }, { 1, 1 }, { 0, 1 }, { -1, 1 }, { -1, 0 } };
    for (int32_t y = 1; y < roi.h - 1; y++) {
        for (int32_t x = 1; x < roi.w - 1; x++) {
            const uint8_t *p = gray + (size_t)y * (size_t)roi.w + (size_t)x;
            unsigned v = 0;
            for (int i = 0; i < 8; i++) {
                v |= (unsigned)(p[around[i][1] * roi.w + around[i][0]] >= *p) << i;
            }
            int32_t region = y * REGIONS / roi.h * REGIONS + x * REGIONS / roi.w;
            count[region * CLASSES + class_of((uint8_t)v)]++;
        }
    }
    for (int r = 0; r < REGIONS * REGIONS; r++) {
        uint32_t sum = 0;
        for (int i = 0; i < CLASSES; i++) {
            sum += count[r * CLASSES + i];
        }
        for (int i = 0; i < CLASSES; i++) {
            hist[r * CLASSES + i] = (uint8_t)(sum ? count[r * CLASSES + i] * 255 / sum : 0);
        }
    }
    return 0;
}

// Chi-square distance; the middle of a face counts more than its border.
uint32_t vis_lbp_distance(const uint8_t *a, const uint8_t *b) {
    uint32_t sum = 0;
    for (int r = 0; r < REGIONS * REGIONS; r++) {
        int x = r % REGIONS, y = r / REGIONS;
        uint32_t weight = x == 0 || y == 0 || x == REGIONS - 1 || y == REGIONS - 1 ? 1 : 2, part = 0;
        for (int i = 0; i < CLASSES; i++) {
            int32_t p = a[r * CLASSES + i], q = b[r * CLASSES + i];
            part += (uint32_t)(p + q ? (p - q) * (p - q) / (p + q) : 0);
        }
        sum += part * weight;
    }
    return sum;
}

#define DIRECTIONS (9)

int vis_hog(image_t *img, vis_work_t *w, image_rect_t roi, int32_t size) {
    uint8_t *gray = vis_gray(w, img, roi);
    if (!gray) {
        return -ENOMEM;
    }
    for (int32_t y = roi.y; y < roi.y + roi.h; y++) {
        for (int32_t x = roi.x; x < roi.x + roi.w; x++) {
            image_set(img, x, y, 0);
        }
    }
    for (int32_t cy = 0; cy + size <= roi.h; cy += size) {
        image_port_poll();
        for (int32_t cx = 0; cx + size <= roi.w; cx += size) {
            float sum[DIRECTIONS] = { 0 }, norm = 1e-3f;
            for (int32_t y = vis_max(cy, 1); y < vis_min(cy + size, roi.h - 1); y++) {
                for (int32_t x = vis_max(cx, 1); x < vis_min(cx + size, roi.w - 1); x++) {
                    int32_t gx, gy;
                    vis_sobel(gray + (size_t)y * (size_t)roi.w + (size_t)x, roi.w, &gx, &gy);
                    float a = atan2f((float)gy, (float)gx);
                    int d = (int)lrintf((a < 0 ? a + (float)VIS_PI : a) * (float)(DIRECTIONS / VIS_PI)) % DIRECTIONS;
                    sum[d] += sqrtf((float)(gx * gx + gy * gy));
                }
            }
            for (int d = 0; d < DIRECTIONS; d++) {
                norm += sum[d] * sum[d];
            }
            norm = sqrtf(norm);
            for (int d = 0; d < DIRECTIONS; d++) {
                // The edge runs across its gradient.
                float a = (float)d * (float)(VIS_PI / DIRECTIONS) + (float)(VIS_PI / 2), half = (float)(size - 1) / 2;
                float mx = (float)(roi.x + cx) + half, my = (float)(roi.y + cy) + half;
                uint32_t v = vis_byte((int32_t)(sum[d] / norm * 255));
                if (v < 16) {
                    continue;
                }
                image_draw_line(img, (int32_t)lrintf(mx - half * cosf(a)), (int32_t)lrintf(my - half * sinf(a)),
                    (int32_t)lrintf(mx + half * cosf(a)), (int32_t)lrintf(my + half * sinf(a)),
                    image_color(img->format, v, v, v), 1);
            }
        }
    }
    return 0;
}
