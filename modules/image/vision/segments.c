// SPDX-License-Identifier: MIT
// Line segments: neighbours whose gradients point the same way form a region; a long and thin region
// is a segment.
#include <stdlib.h>
#include <string.h>

#include "vision_priv.h"

#define MIN_GRADIENT (60)
#define MIN_PIXELS (12)
#define MIN_LENGTH (8)
#define MIN_DENSITY (0.5)
#define BUCKETS (1024)

typedef struct {
    int32_t w, h;
    const uint8_t *gray;
    int16_t *gx, *gy;
    uint8_t *used;
    uint32_t *region;
} lsd_t;

static bool aligned(const lsd_t *s, size_t i, float ux, float uy) {
    // The angle between the gradient and the region's direction is below the tolerance.
    float gx = s->gx[i], gy = s->gy[i], dot = gx * ux + gy * uy;
    return dot > 0 && dot * dot >= 0.8536f * (gx * gx + gy * gy); // cos^2 of 22.5 degrees
}

static size_t grow(lsd_t *s, size_t start) {
    size_t n = 0;
    float sx = s->gx[start], sy = s->gy[start];
    s->used[start] = 1;
    s->region[n++] = (uint32_t)start;
    for (size_t head = 0; head < n; head++) {
        size_t p = s->region[head];
        int32_t px = (int32_t)(p % (size_t)s->w), py = (int32_t)(p / (size_t)s->w);
        for (int k = 0; k < 9; k++) {
            int32_t x = px + k % 3 - 1, y = py + k / 3 - 1;
            if (x < 0 || y < 0 || x >= s->w || y >= s->h) {
                continue;
            }
            size_t q = (size_t)y * (size_t)s->w + (size_t)x;
            float len = sqrtf(sx * sx + sy * sy);
            if (s->used[q] || len <= 0 || !aligned(s, q, sx / len, sy / len)) {
                continue;
            }
            float g = sqrtf((float)(s->gx[q] * s->gx[q] + s->gy[q] * s->gy[q]));
            sx += s->gx[q] / g;
            sy += s->gy[q] / g;
            if (head == 0 && n == 1) {
                // From here on all gradients count alike, the first one, too.
                float g0 = sqrtf((float)(s->gx[start] * s->gx[start] + s->gy[start] * s->gy[start]));
                sx += s->gx[start] / g0 - s->gx[start];
                sy += s->gy[start] / g0 - s->gy[start];
            }
            s->used[q] = 1;
            s->region[n++] = (uint32_t)q;
        }
    }
    return n;
}

static void finish(vis_line_t *l, image_rect_t roi) {
    double dx = l->x2 - l->x1, dy = l->y2 - l->y1, angle = atan2(dy, dx) + VIS_PI / 2;
    int32_t theta = (int32_t)lrint(angle * 180 / VIS_PI);
    theta = (theta % 180 + 180) % 180;
    l->theta = theta;
    l->rho = (int32_t)lrint((l->x1 - roi.x) * cos(theta * VIS_PI / 180) + (l->y1 - roi.y) * sin(theta * VIS_PI / 180));
    l->length = (int32_t)lrint(hypot(dx, dy));
}

// The segment of a region; false when it is short or no line.
static bool fit(const lsd_t *s, size_t n, image_rect_t roi, vis_line_t *l) {
    double sum = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        size_t p = s->region[i];
        double g = sqrt((double)(s->gx[p] * s->gx[p] + s->gy[p] * s->gy[p]));
        double x = (double)(p % (size_t)s->w), y = (double)(p / (size_t)s->w);
        sum += g;
        mx += g * x;
        my += g * y;
        xx += g * x * x;
        yy += g * y * y;
        xy += g * x * y;
    }
    mx /= sum;
    my /= sum;
    double a = atan2(2 * (xy / sum - mx * my), xx / sum - mx * mx - yy / sum + my * my) / 2, cs = cos(a), sn = sin(a);
    double lo = 1e9, hi = -1e9, left = 1e9, right = -1e9;
    for (size_t i = 0; i < n; i++) {
        size_t p = s->region[i];
        double x = (double)(p % (size_t)s->w) - mx, y = (double)(p / (size_t)s->w) - my;
        double along = x * cs + y * sn, across = y * cs - x * sn;
        lo = along < lo ? along : lo;
        hi = along > hi ? along : hi;
        left = across < left ? across : left;
        right = across > right ? across : right;
    }
    double length = hi - lo + 1, width = right - left + 1;
    if (length < MIN_LENGTH || (double)n < MIN_DENSITY * length * width || width * 3 > length * 2) {
        return false;
    }
    *l = (vis_line_t) {
        .x1 = roi.x + vis_clamp((int32_t)lrint(mx + lo * cs), 0, s->w - 1),
        .y1 = roi.y + vis_clamp((int32_t)lrint(my + lo * sn), 0, s->h - 1),
        .x2 = roi.x + vis_clamp((int32_t)lrint(mx + hi * cs), 0, s->w - 1),
        .y2 = roi.y + vis_clamp((int32_t)lrint(my + hi * sn), 0, s->h - 1),
        .magnitude = (int32_t)lrint(sum / (double)n),
    };
    finish(l, roi);
    return true;
}

static double point_segment(double px, double py, const vis_line_t *l) {
    double dx = l->x2 - l->x1, dy = l->y2 - l->y1, len = dx * dx + dy * dy;
    double t = len > 0 ? ((px - l->x1) * dx + (py - l->y1) * dy) / len : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(px - l->x1 - t * dx, py - l->y1 - t * dy);
}

static double distance(const vis_line_t *a, const vis_line_t *b) {
    double d[4] = {
        point_segment(a->x1, a->y1, b), point_segment(a->x2, a->y2, b), point_segment(b->x1, b->y1, a),
        point_segment(b->x2, b->y2, a),
    };
    for (int i = 1; i < 4; i++) {
        d[0] = d[i] < d[0] ? d[i] : d[0];
    }
    return d[0];
}

// Of the four end points of two segments the two farthest apart.
static void join(vis_line_t *a, const vis_line_t *b, image_rect_t roi) {
    const int32_t p[4][2] = { { a->x1, a->y1 }, { a->x2, a->y2 }, { b->x1, b->y1 }, { b->x2, b->y2 } };
    int64_t best = -1;
    for (int i = 0; i < 4; i++) {
        for (int j = i + 1; j < 4; j++) {
            int64_t dx = p[j][0] - p[i][0], dy = p[j][1] - p[i][1];
            if (dx * dx + dy * dy > best) {
                best = dx * dx + dy * dy;
                a->x1 = p[i][0];
                a->y1 = p[i][1];
                a->x2 = p[j][0];
                a->y2 = p[j][1];
            }
        }
    }
    a->magnitude = (a->magnitude + b->magnitude) / 2;
    finish(a, roi);
}

static void merge(vis_list_t *out, int32_t merge_distance, int32_t max_theta_diff, image_rect_t roi) {
    vis_line_t *l = out->items;
    for (bool again = merge_distance > 0; again;) {
        again = false;
        for (size_t i = 0; i < out->n; i++) {
            for (size_t j = i + 1; j < out->n; j++) {
                int32_t dt = abs(l[i].theta - l[j].theta);
                dt = dt > 90 ? 180 - dt : dt;
                if (dt >= max_theta_diff || distance(l + i, l + j) >= merge_distance) {
                    continue;
                }
                join(l + i, l + j, roi);
                memmove(l + j, l + j + 1, (out->n - j - 1) * sizeof(*l));
                out->n--;
                j--;
                again = true;
            }
        }
    }
}

int vis_find_segments(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, int32_t merge_distance,
    int32_t max_theta_diff) {
    *out = (vis_list_t) { .size = sizeof(vis_line_t) };
    size_t n = (size_t)roi.w * (size_t)roi.h, count[BUCKETS + 1] = { 0 };
    uint8_t *sharp = vis_gray(w, img, roi), *gray = vis_alloc(w, n);
    if (!sharp || !gray) {
        return -ENOMEM;
    }
    // Softened, the steps of a slanted edge do not turn its gradient.
    vis_soften(gray, sharp, roi.w, roi.h);
    vis_free(w, sharp);
    lsd_t s = { roi.w, roi.h, gray, vis_zalloc(w, n * 2), vis_zalloc(w, n * 2), vis_alloc(w, n), vis_alloc(w, n * 4) };
    uint32_t *order = vis_alloc(w, n * 4);
    if (!s.gx || !s.gy || !s.used || !s.region || !order) {
        return -ENOMEM;
    }
    memset(s.used, 1, n);
    for (int pass = 0; pass < 2; pass++) {
        // Strongest gradients first, by counting sort: how many, then where.
        for (int32_t y = 1; y < roi.h - 1; y++) {
            for (int32_t x = 1; x < roi.w - 1; x++) {
                size_t i = (size_t)y * (size_t)roi.w + (size_t)x;
                int32_t gx, gy;
                if (pass == 0) {
                    vis_sobel(gray + i, roi.w, &gx, &gy);
                    s.gx[i] = (int16_t)gx;
                    s.gy[i] = (int16_t)gy;
                }
                int32_t g = (int32_t)sqrtf((float)(s.gx[i] * s.gx[i] + s.gy[i] * s.gy[i]));
                if (g < MIN_GRADIENT) {
                    continue;
                }
                size_t bucket = (size_t)(BUCKETS - 1 - vis_min(g * BUCKETS / 1443, BUCKETS - 1));
                if (pass == 0) {
                    s.used[i] = 0;
                    count[bucket + 1]++;
                } else {
                    order[count[bucket]++] = (uint32_t)i;
                }
            }
        }
        for (size_t i = 1; pass == 0 && i <= BUCKETS; i++) {
            count[i] += count[i - 1];
        }
    }
    size_t total = count[BUCKETS];
    for (size_t k = 0; k < total; k++) {
        if (s.used[order[k]]) {
            continue;
        }
        image_port_poll();
        size_t size = grow(&s, order[k]);
        vis_line_t line;
        if (size < MIN_PIXELS || !fit(&s, size, roi, &line)) {
            continue;
        }
        vis_line_t *l = vis_list_add(w, out);
        if (!l) {
            return -ENOMEM;
        }
        *l = line;
    }
    merge(out, merge_distance, max_theta_diff, roi);
    return 0;
}
