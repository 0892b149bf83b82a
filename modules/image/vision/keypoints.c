// SPDX-License-Identifier: MIT
// Corners (FAST, nine in a row of sixteen), their direction and a binary descriptor that turns with
// it, at several scales; and matching.
#include <stdlib.h>
#include <string.h>

#include "vision_priv.h"

#define BORDER (20)
#define PATCH (13)      // sample points of the descriptor lie within this distance
#define MIN_LEVEL (2 * BORDER + 8)

static const int8_t circle[16][2] = {
    { 0, -3 }, { 1, -3 }, { 2, -2 }, { 3, -1 }, { 3, 0 }, { 3, 1 }, { 2, 2 }, { 1, 3 },
    { 0, 3 }, { -1, 3 }, { -2, 2 }, { -3, 1 }, { -3, 0 }, { -3, -1 }, { -2, -2 }, { -1, -3 },
};

// 256 pairs of points, spread like a bell around the middle; always the same.
static int8_t pattern[VIS_KP_BYTES * 8][4];

static void make_pattern(void) {
    uint32_t seed = 0x2545f491;
    for (int i = 0; i < VIS_KP_BYTES * 8 * 4; i++) {
        int32_t sum = 0;
        for (int k = 0; k < 4; k++) {
            seed = seed * 1664525 + 1013904223;
            sum += (int32_t)(seed >> 24) - 128;
        }
        pattern[i / 4][i % 4] = (int8_t)vis_clamp(sum / 22, -PATCH + 4, PATCH - 4);
    }
    pattern[0][0] |= 1; // not all zero: made
}

// Sum of what the arc exceeds the threshold by; 0: no corner.
static int32_t corner_score(const uint8_t *p, const int32_t off[16], int32_t t) {
    int32_t v = *p, score = 0;
    for (int sign = -1; sign <= 1; sign += 2) {
        int run = 0, best = 0;
        int32_t sum = 0;
        for (int i = 0; i < 25; i++) {
            int32_t d = sign * (p[off[i & 15]] - v) - t;
            if (d > 0) {
                best = ++run > best ? run : best;
                sum += i < 16 ? d : 0;
            } else {
                run = 0;
            }
        }
        if (best >= 9) {
            score = vis_max(score, sum);
        }
    }
    return score;
}

static uint16_t direction(const uint8_t *p, int32_t w) {
    int32_t mx = 0, my = 0;
    for (int32_t y = -7; y <= 7; y++) {
        for (int32_t x = -7; x <= 7; x++) {
            if (x * x + y * y <= 56) {
                int32_t v = p[y * w + x];
                mx += x * v;
                my += y * v;
            }
        }
    }
    int32_t a = (int32_t)lrintf(atan2f((float)my, (float)mx) * (float)(180 / VIS_PI));
    return (uint16_t)((a + 360) % 360);
}

static uint32_t soft(const uint8_t *p, int32_t w) {
    uint32_t sum = 0;
    for (int32_t y = -2; y <= 2; y++) {
        for (int32_t x = -2; x <= 2; x++) {
            sum += p[y * w + x];
        }
    }
    return sum;
}

static void describe(vis_keypoint_t *k, const uint8_t *p, int32_t w) {
    float cs = cosf((float)k->angle * (float)(VIS_PI / 180)), sn = sinf((float)k->angle * (float)(VIS_PI / 180));
    for (int i = 0; i < VIS_KP_BYTES * 8; i++) {
        const int8_t *q = pattern[i];
        int32_t xa = (int32_t)lrintf((float)q[0] * cs - (float)q[1] * sn), ya = (int32_t)lrintf((float)q[0] * sn + (float)q[1] * cs);
        int32_t xb = (int32_t)lrintf((float)q[2] * cs - (float)q[3] * sn), yb = (int32_t)lrintf((float)q[2] * sn + (float)q[3] * cs);
        if (soft(p + ya * w + xa, w) < soft(p + yb * w + xb, w)) {
            k->desc[i / 8] |= (uint8_t)(1 << i % 8);
        }
    }
}

static int by_score(const void *a, const void *b) {
    return (int)((const vis_keypoint_t *)b)->score - (int)((const vis_keypoint_t *)a)->score;
}

// The keypoints of one level, whose pixels are scale times as large as those of the picture.
static int find_level(vis_list_t *out, vis_work_t *work, const uint8_t *gray, int32_t w, int32_t h, int32_t threshold,
    float scale, uint16_t octave, image_rect_t roi) {
    int32_t off[16];
    uint16_t *score = vis_zalloc(work, (size_t)w * (size_t)h * 2);
    if (!score) {
        return -ENOMEM;
    }
    for (int i = 0; i < 16; i++) {
        off[i] = circle[i][1] * w + circle[i][0];
    }
    for (int32_t y = BORDER; y < h - BORDER; y++) {
        image_port_poll();
        for (int32_t x = BORDER; x < w - BORDER; x++) {
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            // Of two points opposite each other, one belongs to any arc of nine.
            int32_t v = gray[i], a = abs(gray[i - 3 * (size_t)w] - v), b = abs(gray[i + 3 * (size_t)w] - v);
            if (a > threshold || b > threshold) {
                score[i] = (uint16_t)vis_min(corner_score(gray + i, off, threshold), 65535);
            }
        }
    }
    for (int32_t y = BORDER; y < h - BORDER; y++) {
        for (int32_t x = BORDER; x < w - BORDER; x++) {
            const uint16_t *s = score + (size_t)y * (size_t)w + (size_t)x;
            bool peak = *s > 0;
            for (int k = 0; k < 9 && peak; k++) {
                uint16_t other = s[(k / 3 - 1) * w + k % 3 - 1];
                peak = k > 4 ? *s >= other : k == 4 || *s > other;
            }
            if (!peak) {
                continue;
            }
            vis_keypoint_t *k = vis_list_add(work, out);
            if (!k) {
                return -ENOMEM;
            }
            const uint8_t *p = gray + (size_t)y * (size_t)w + (size_t)x;
            k->x = (int16_t)(roi.x + (int32_t)((float)x * scale));
            k->y = (int16_t)(roi.y + (int32_t)((float)y * scale));
            k->score = *s;
            k->octave = octave;
            k->angle = direction(p, w);
            describe(k, p, w);
        }
    }
    vis_free(work, score);
    return 0;
}

static void shrink(uint8_t *dst, int32_t dw, int32_t dh, const uint8_t *src, int32_t sw, int32_t sh) {
    image_t d = { dw, dh, IMAGE_GRAYSCALE, dst, NULL, (size_t)dw * (size_t)dh };
    image_t s = { sw, sh, IMAGE_GRAYSCALE, (uint8_t *)src, NULL, (size_t)sw * (size_t)sh };
    image_resize(&d, &s);
}

int vis_find_keypoints(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, int32_t threshold,
    bool normalized, float scale_factor, int32_t max_keypoints) {
    *out = (vis_list_t) { .size = sizeof(vis_keypoint_t) };
    uint8_t *gray = vis_gray(w, img, roi);
    if (!gray) {
        return -ENOMEM;
    }
    if (pattern[0][0] == 0) {
        make_pattern();
    }
    float scale = 1;
    for (uint16_t octave = 0;; octave++) {
        int32_t lw = (int32_t)((float)roi.w / scale), lh = (int32_t)((float)roi.h / scale);
        if (lw < MIN_LEVEL || lh < MIN_LEVEL) {
            break;
        }
        uint8_t *level = gray;
        if (octave) {
            level = vis_alloc(w, (size_t)lw * (size_t)lh);
            if (!level) {
                return -ENOMEM;
            }
            shrink(level, lw, lh, gray, roi.w, roi.h);
        }
        int ret = find_level(out, w, level, lw, lh, threshold, scale, octave, roi);
        if (ret) {
            return ret;
        }
        if (octave) {
            vis_free(w, level);
        }
        scale *= scale_factor;
        if (normalized || !(scale_factor > 1.01f)) {
            break;
        }
    }
    if (out->n) {
        qsort(out->items, out->n, sizeof(vis_keypoint_t), by_score);
    }
    if (out->n > (size_t)vis_max(max_keypoints, 0)) {
        out->n = (size_t)vis_max(max_keypoints, 0);
    }
    return 0;
}

// ---- matching -----------------------------------------------------------------------------------

static uint32_t hamming(const uint8_t *a, const uint8_t *b) {
    uint32_t sum = 0;
    for (int i = 0; i < VIS_KP_BYTES; i++) {
        sum += (uint32_t)__builtin_popcount(a[i] ^ b[i]);
    }
    return sum;
}

// The nearest of b to k and its distance; the second nearest's in *second.
static size_t nearest(const vis_keypoint_t *k, const vis_keypoint_t *b, size_t n, uint32_t *dist, uint32_t *second) {
    size_t best = 0;
    *dist = *second = VIS_KP_BYTES * 8 + 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t d = hamming(k->desc, b[i].desc);
        if (d < *dist) {
            *second = *dist;
            *dist = d;
            best = i;
        } else if (d < *second) {
            *second = d;
        }
    }
    return best;
}

int vis_match_keypoints(vis_kptmatch_t *out, const vis_keypoint_t *a, size_t na, const vis_keypoint_t *b, size_t nb,
    int32_t threshold, bool filter_outliers, uint16_t *pairs) {
    int32_t count = 0, turn[36] = { 0 };
    int64_t cx = 0, cy = 0;
    int32_t x0 = INT32_MAX, y0 = INT32_MAX, x1 = INT32_MIN, y1 = INT32_MIN;
    *out = (vis_kptmatch_t) { 0 };
    if (nb == 0) {
        return 0;
    }
    // threshold 0..100: the nearest must be that much nearer (in %) than the second, the other way
    // round, too.
    for (int pass = 0; pass < (filter_outliers ? 2 : 1); pass++) {
        int32_t n = count;
        int64_t mx = n ? cx / n : 0, my = n ? cy / n : 0, limit = n ? vis_max(x1 - x0, y1 - y0) / 3 + 8 : 0;
        count = 0;
        cx = cy = 0;
        x0 = y0 = INT32_MAX;
        x1 = y1 = INT32_MIN;
        memset(turn, 0, sizeof(turn));
        for (size_t i = 0; i < na; i++) {
            uint32_t d, second, back, unused;
            size_t j = nearest(a + i, b, nb, &d, &second);
            if ((int64_t)d * 100 > (int64_t)second * threshold || d > VIS_KP_BYTES * 8 / 4 ||
                nearest(b + j, a, na, &back, &unused) != i) {
                continue;
            }
            if (pass && (llabs(b[j].x - mx) > limit || llabs(b[j].y - my) > limit)) {
                continue;
            }
            if (pairs) {
                pairs[2 * count] = (uint16_t)i;
                pairs[2 * count + 1] = (uint16_t)j;
            }
            count++;
            cx += b[j].x;
            cy += b[j].y;
            x0 = vis_min(x0, b[j].x);
            y0 = vis_min(y0, b[j].y);
            x1 = vis_max(x1, b[j].x);
            y1 = vis_max(y1, b[j].y);
            turn[(b[j].angle + 360 - a[i].angle) % 360 / 10]++;
        }
    }
    if (count == 0) {
        return 0;
    }
    int best = 0;
    for (int i = 1; i < 36; i++) {
        best = turn[i] > turn[best] ? i : best;
    }
    *out = (vis_kptmatch_t) {
        (int32_t)(cx / count), (int32_t)(cy / count), x0, y0, x1 - x0 + 1, y1 - y0 + 1, count, best * 10,
    };
    return count;
}
