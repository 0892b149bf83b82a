// SPDX-License-Identifier: MIT
// find_edges(): the part of the picture becomes 255 at edges and 0 elsewhere.
#include <string.h>

#include "vision_priv.h"

static const int32_t gauss3[9] = { 1, 2, 1, 2, 4, 2, 1, 2, 1 };
static const int32_t high_pass3[9] = { -1, -1, -1, -1, 8, -1, -1, -1, -1 };

// 3x3 convolution of a gray picture with its border repeated, result cut to 0..255.
static void conv3(uint8_t *out, const uint8_t *in, int32_t w, int32_t h, const int32_t k[9], int32_t div) {
    for (int32_t y = 0; y < h; y++) {
        const uint8_t *row[3];
        for (int j = 0; j < 3; j++) {
            row[j] = in + (size_t)vis_clamp(y + j - 1, 0, h - 1) * (size_t)w;
        }
        for (int32_t x = 0; x < w; x++) {
            int32_t l = vis_max(x - 1, 0), r = vis_min(x + 1, w - 1), sum = 0;
            for (int j = 0; j < 3; j++) {
                sum += k[j * 3] * row[j][l] + k[j * 3 + 1] * row[j][x] + k[j * 3 + 2] * row[j][r];
            }
            *out++ = vis_byte(sum / div);
        }
    }
}

void vis_soften(uint8_t *out, const uint8_t *in, int32_t w, int32_t h) {
    if (w < 3) {
        conv3(out, in, w, h, gauss3, 16);
        return;
    }
    for (int32_t y = 0; y < h; y++, out += w) {
        const uint8_t *b = in + (size_t)y * (size_t)w, *a = y > 0 ? b - w : b, *c = y < h - 1 ? b + w : b;
        // Sums of columns: the one before, here and the next.
        uint32_t here = a[0] + 2u * b[0] + c[0], before = here, next;
        for (int32_t x = 0; x < w - 1; x++, before = here, here = next) {
            next = a[x + 1] + 2u * b[x + 1] + c[x + 1];
            out[x] = (uint8_t)((before + 2 * here + next) / 16);
        }
        out[w - 1] = (uint8_t)((before + 3 * here) / 16);
    }
}

static void put_back(image_t *img, image_rect_t roi, const uint8_t *p) {
    if (img->format == IMAGE_GRAYSCALE) {
        for (int32_t y = roi.y; y < roi.y + roi.h; y++, p += roi.w) {
            memcpy(img->pix + (size_t)y * (size_t)img->w + (size_t)roi.x, p, (size_t)roi.w);
        }
        return;
    }
    for (int32_t y = 0; y < roi.h; y++) {
        for (int32_t x = 0; x < roi.w; x++) {
            image_set(img, roi.x + x, roi.y + y, *p++);
        }
    }
}

int vis_edges_simple(image_t *img, vis_work_t *w, image_rect_t roi, int32_t low, int32_t high) {
    size_t n = (size_t)roi.w * (size_t)roi.h;
    uint8_t *gray = vis_gray(w, img, roi), *soft = vis_alloc(w, n);
    if (!gray || !soft) {
        return -ENOMEM;
    }
    vis_soften(soft, gray, roi.w, roi.h);
    conv3(gray, soft, roi.w, roi.h, high_pass3, 1);
    for (size_t i = 0; i < n; i++) {
        gray[i] = gray[i] >= low && gray[i] <= high ? 255 : 0;
    }
    put_back(img, roi, gray);
    return 0;
}

// Which of four directions a gradient has: 0 = left-right, then each 45 degrees clockwise.
static unsigned direction(int32_t gx, int32_t gy) {
    int32_t ax = gx < 0 ? -gx : gx, ay = gy < 0 ? -gy : gy;
    if (ay * 1000 < ax * 414) {
        return 0;
    }
    if (ax * 1000 < ay * 414) {
        return 2;
    }
    return (gx < 0) == (gy < 0) ? 1 : 3;
}

int vis_edges_canny(image_t *img, vis_work_t *w, image_rect_t roi, int32_t low, int32_t high) {
    size_t n = (size_t)roi.w * (size_t)roi.h, stride = (size_t)roi.w;
    uint8_t *gray = vis_gray(w, img, roi), *soft = vis_alloc(w, n);
    uint16_t *mag = vis_zalloc(w, n * sizeof(uint16_t));
    uint32_t *stack = vis_alloc(w, n * sizeof(uint32_t));
    if (!gray || !soft || !mag || !stack) {
        return -ENOMEM;
    }
    vis_soften(soft, gray, roi.w, roi.h);
    uint8_t *dir = gray;
    // No gradient is longer than 1443.
    int32_t least = low <= 0 ? 0 : low < 1500 ? low * low : 1500 * 1500;
    for (int32_t y = 1; y < roi.h - 1; y++) {
        for (int32_t x = 1; x < roi.w - 1; x++) {
            size_t i = (size_t)y * stride + (size_t)x;
            int32_t gx, gy;
            vis_sobel(soft + i, roi.w, &gx, &gy);
            int32_t square = gx * gx + gy * gy;
            if (square < least) {
                continue; // its magnitude stays 0, which is as good as any below low
            }
            mag[i] = (uint16_t)sqrtf((float)square);
            dir[i] = (uint8_t)direction(gx, gy);
        }
    }
    // Local maxima along the gradient: 1 weak, 2 strong. The strong ones pull in their neighbours.
    uint8_t *edge = soft;
    memset(edge, 0, n);
    size_t top = 0;
    const size_t ahead[4] = { 1, stride + 1, stride, stride - 1 };
    for (int32_t y = 1; y < roi.h - 1; y++) {
        image_port_poll();
        for (int32_t x = 1; x < roi.w - 1; x++) {
            size_t i = (size_t)y * stride + (size_t)x;
            if (mag[i] < low) {
                continue;
            }
            size_t step = ahead[dir[i]];
            if (mag[i] < mag[i - step] || mag[i] <= mag[i + step]) {
                continue;
            }
            edge[i] = mag[i] >= high ? 2 : 1;
            if (edge[i] == 2) {
                stack[top++] = (uint32_t)i;
            }
        }
    }
    while (top) {
        size_t i = stack[--top];
        for (int k = 0; k < 9; k++) {
            size_t q = i + (size_t)(k % 3) + (size_t)(k / 3) * stride - stride - 1;
            if (edge[q] == 1) {
                edge[q] = 2;
                stack[top++] = (uint32_t)q;
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        edge[i] = edge[i] == 2 ? 255 : 0;
    }
    put_back(img, roi, edge);
    return 0;
}
