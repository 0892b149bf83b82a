// SPDX-License-Identifier: MIT
// Similarity transforms between sets of points, and sampling AI planes through them.
#include <errno.h>
#include <math.h>

#include "image_priv.h"

int image_similarity(const float (*src)[2], const float (*dst)[2], size_t n, float t[9], char *err) {
    double sx = 0, sy = 0, dx = 0, dy = 0, dot = 0, cross = 0, norm = 0;
    if (n < 2) {
        return image_fail(err, -EINVAL, "at least two pairs of points are needed, got %u", (unsigned)n);
    }
    for (size_t i = 0; i < n; i++) {
        sx += src[i][0] / (double)n;
        sy += src[i][1] / (double)n;
        dx += dst[i][0] / (double)n;
        dy += dst[i][1] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double px = dst[i][0] - dx, py = dst[i][1] - dy, qx = src[i][0] - sx, qy = src[i][1] - sy;
        dot += px * qx + py * qy;
        cross += px * qy - py * qx;
        norm += px * px + py * py;
    }
    if (!(norm > 0) || !isfinite(dot) || !isfinite(cross)) {
        return image_fail(err, -EINVAL, "the destination points are all the same");
    }
    double a = dot / norm, b = cross / norm;
    const double out[9] = { a, -b, sx - a * dx + b * dy, b, a, sy - b * dx - a * dy, 0, 0, 1 };
    for (int i = 0; i < 9; i++) {
        t[i] = (float)out[i];
    }
    return 0;
}

// Mean of the four neighbours, weighted in 1/256; black outside.
static uint8_t sample(const uint8_t *plane, int32_t w, int32_t h, int64_t fx, int64_t fy) {
    int64_t x = fx >> 8, y = fy >> 8, sum = 0;
    for (int k = 0; k < 4; k++) {
        int64_t px = x + (k & 1), py = y + (k >> 1);
        if (px >= 0 && px < w && py >= 0 && py < h) {
            int64_t wx = k & 1 ? fx & 255 : 256 - (fx & 255), wy = k >> 1 ? fy & 255 : 256 - (fy & 255);
            sum += plane[py * w + px] * wx * wy;
        }
    }
    return (uint8_t)((sum + 32768) >> 16);
}

void image_warp_ai(image_t *dst, const image_t *src, const float t[9]) {
    size_t src_plane = (size_t)src->w * (size_t)src->h, dst_plane = (size_t)dst->w * (size_t)dst->h;
    unsigned planes = dst->format == IMAGE_RGB565 ? 3 : 1;
    for (int32_t y = 0; y < dst->h; y++) {
        for (int32_t x = 0; x < dst->w; x++) {
            float sx = t[0] * (float)x + t[1] * (float)y + t[2], sy = t[3] * (float)x + t[4] * (float)y + t[5];
            size_t i = (size_t)y * (size_t)dst->w + (size_t)x;
            // Also false for numbers that are none.
            bool near = sx > -2 && sy > -2 && sx < (float)src->w + 1 && sy < (float)src->h + 1;
            for (unsigned p = 0; p < planes; p++) {
                dst->ai[p * dst_plane + i] = !near ? 0 : sample(src->ai + p * src_plane, src->w, src->h,
                    (int64_t)floorf(sx * 256 + 0.5f), (int64_t)floorf(sy * 256 + 0.5f));
            }
        }
    }
}
