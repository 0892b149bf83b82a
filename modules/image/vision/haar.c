// SPDX-License-Identifier: MIT
// Boosted cascades of Haar features (faces, eyes), and the middle of an eye.
#include <stdlib.h>
#include <string.h>

#include "../image_priv.h"
#include "vision_priv.h"

typedef struct {
    const uint8_t *p;
    size_t left;
} bytes_t;

static const void *take(bytes_t *b, size_t n) {
    if (n > b->left) {
        return NULL;
    }
    const void *p = b->p;
    b->p += n;
    b->left -= n;
    return p;
}

static bool take_int(bytes_t *b, int32_t *v) {
    const void *p = take(b, 4);
    if (p) {
        memcpy(v, p, 4);
    }
    return p != NULL;
}

static int short_file(size_t n, char *err) {
    return image_fail(err, -EINVAL, "cascade: %lu bytes are fewer than its numbers say", (unsigned long)n);
}

int vis_cascade_parse(vis_cascade_t *c, const uint8_t *data, size_t n, int32_t stages, char err[IMAGE_ERR_LEN]) {
    bytes_t b = { data, n };
    *c = (vis_cascade_t) { 0 };
    if (!take_int(&b, &c->w) || !take_int(&b, &c->h) || !take_int(&b, &c->n_stages)) {
        return short_file(n, err);
    }
    if (c->w < 4 || c->h < 4 || c->w > 128 || c->h > 128 || c->n_stages < 1 || c->n_stages > 1000) {
        return image_fail(err, -EINVAL, "cascade: a window of %ldx%ld and %ld stages", (long)c->w, (long)c->h, (long)c->n_stages);
    }
    c->stages = take(&b, (size_t)c->n_stages);
    for (int32_t i = 0; c->stages && i < c->n_stages; i++) {
        c->n_features += c->stages[i];
    }
    size_t f = (size_t)c->n_features;
    c->stage_threshold = take(&b, (size_t)c->n_stages * 2);
    c->threshold = take(&b, f * 2);
    c->alpha1 = take(&b, f * 2);
    c->alpha2 = take(&b, f * 2);
    c->n_feature_rects = take(&b, f);
    if (!c->stages || !c->stage_threshold || !c->threshold || !c->alpha1 || !c->alpha2 || !c->n_feature_rects) {
        return short_file(n, err);
    }
    for (size_t i = 0; i < f; i++) {
        if (c->n_feature_rects[i] < 1) {
            return image_fail(err, -EINVAL, "cascade: feature %lu has %d rectangles", (unsigned long)i, c->n_feature_rects[i]);
        }
        c->n_rects += c->n_feature_rects[i];
    }
    c->weights = take(&b, (size_t)c->n_rects);
    c->rects = take(&b, (size_t)c->n_rects * 4);
    if (!c->weights || !c->rects) {
        return short_file(n, err);
    }
    for (int32_t i = 0; i < c->n_rects; i++) {
        const int8_t *r = c->rects + i * 4;
        if (r[0] < 0 || r[1] < 0 || r[2] < 1 || r[3] < 1 || r[0] + r[2] > c->w || r[1] + r[3] > c->h) {
            return image_fail(err, -EINVAL, "cascade: rectangle %d,%d %dx%d is not in the window of %ldx%ld", r[0], r[1],
                r[2], r[3], (long)c->w, (long)c->h);
        }
    }
    if (stages > 0 && stages < c->n_stages) {
        c->n_stages = stages;
    }
    return 0;
}

static int16_t word(const int16_t *p, int32_t i) {
    int16_t v;
    memcpy(&v, (const uint8_t *)p + i * 2, 2); // files are not aligned
    return v;
}

typedef struct {
    const uint32_t *sum;
    const uint64_t *square;
    size_t stride;
} integral_t;

static int64_t box(const integral_t *g, int32_t x, int32_t y, int32_t w, int32_t h) {
    size_t a = (size_t)y * g->stride + (size_t)x, b = a + (size_t)h * g->stride;
    return (int64_t)(uint32_t)(g->sum[b + (size_t)w] - g->sum[b] - g->sum[a + (size_t)w] + g->sum[a]);
}

// The numbers of a cascade were learned with the contrast of its window without the outermost pixels.
static bool is_object(const vis_cascade_t *c, const integral_t *g, int32_t x, int32_t y, float threshold) {
    int32_t w = c->w - 2, h = c->h - 2;
    size_t a = (size_t)(y + 1) * g->stride + (size_t)(x + 1), b = a + (size_t)h * g->stride, r = (size_t)w;
    int64_t n = (int64_t)w * h, sum1 = box(g, x + 1, y + 1, w, h);
    int64_t sum2 = (int64_t)(g->square[b + r] - g->square[b] - g->square[a + r] + g->square[a]);
    int64_t variance = sum2 * n - sum1 * sum1;
    int64_t std = variance > 0 ? (int64_t)sqrt((double)variance) : 1;
    const int8_t *weight = c->weights, *q = c->rects;
    int32_t feature = 0;
    for (int32_t s = 0; s < c->n_stages; s++) {
        int32_t sum = 0;
        for (int32_t k = 0; k < c->stages[s]; k++, feature++) {
            int64_t v = 0;
            for (int32_t i = c->n_feature_rects[feature]; i > 0; i--, q += 4) {
                v += box(g, x + q[0], y + q[1], q[2], q[3]) * *weight++;
            }
            sum += v * 4096 >= word(c->threshold, feature) * std ? word(c->alpha2, feature) : word(c->alpha1, feature);
        }
        if ((float)sum < threshold * (float)word(c->stage_threshold, s)) {
            return false;
        }
    }
    return true;
}

// Boxes that overlap by half belong together: their mean.
static void group(vis_list_t *l) {
    image_rect_t *r = l->items;
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (r[i].w == 0) {
            continue;
        }
        int64_t s[4] = { r[i].x, r[i].y, r[i].w, r[i].h }, n = 1;
        for (size_t j = i + 1; j < l->n; j++) {
            if (r[j].w == 0) {
                continue;
            }
            image_rect_t o = r[j];
            int64_t x0 = vis_max(o.x, r[i].x), y0 = vis_max(o.y, r[i].y), x1 = vis_min(o.x + o.w, r[i].x + r[i].w);
            int64_t y1 = vis_min(o.y + o.h, r[i].y + r[i].h), both = x1 > x0 && y1 > y0 ? (x1 - x0) * (y1 - y0) : 0;
            if (both * 2 > vis_min(o.w * o.h, r[i].w * r[i].h)) {
                s[0] += o.x;
                s[1] += o.y;
                s[2] += o.w;
                s[3] += o.h;
                n++;
                r[j].w = 0;
            }
        }
        r[kept++] = (image_rect_t) { (int32_t)(s[0] / n), (int32_t)(s[1] / n), (int32_t)(s[2] / n), (int32_t)(s[3] / n) };
    }
    l->n = kept;
}

int vis_find_features(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, const vis_cascade_t *c,
    float threshold, float scale_factor) {
    *out = (vis_list_t) { .size = sizeof(image_rect_t) };
    uint8_t *gray = vis_gray(w, img, roi);
    size_t cells = ((size_t)roi.w + 1) * ((size_t)roi.h + 1);
    uint8_t *small = vis_alloc(w, (size_t)roi.w * (size_t)roi.h);
    uint32_t *sum = vis_alloc(w, cells * 4);
    uint64_t *square = vis_alloc(w, cells * 8);
    if (!gray || !small || !sum || !square) {
        return -ENOMEM;
    }
    for (float scale = 1;; scale *= scale_factor) {
        int32_t sw = (int32_t)((float)roi.w / scale), sh = (int32_t)((float)roi.h / scale);
        if (sw < c->w || sh < c->h) {
            break;
        }
        image_t from = { roi.w, roi.h, IMAGE_GRAYSCALE, gray, NULL, (size_t)roi.w * (size_t)roi.h };
        image_t to = { sw, sh, IMAGE_GRAYSCALE, small, NULL, (size_t)sw * (size_t)sh };
        image_resize(&to, &from);
        integral_t g = { sum, square, (size_t)sw + 1 };
        memset(sum, 0, g.stride * 4);
        memset(square, 0, g.stride * 8);
        for (int32_t y = 0; y < sh; y++) {
            uint32_t row = 0;
            uint64_t row2 = 0;
            size_t at = ((size_t)y + 1) * g.stride;
            sum[at] = 0;
            square[at] = 0;
            for (int32_t x = 0; x < sw; x++) {
                uint32_t v = small[(size_t)y * (size_t)sw + (size_t)x];
                row += v;
                row2 += v * v;
                at++;
                sum[at] = sum[at - g.stride] + row;
                square[at] = square[at - g.stride] + row2;
            }
        }
        int32_t step = vis_max((sw + 159) / 160, 1);
        for (int32_t y = 0; y + c->h <= sh; y += step) {
            image_port_poll();
            for (int32_t x = 0; x + c->w <= sw; x += step) {
                if (!is_object(c, &g, x, y, threshold)) {
                    continue;
                }
                image_rect_t *r = vis_list_add(w, out);
                if (!r) {
                    return -ENOMEM;
                }
                *r = (image_rect_t) { roi.x + (int32_t)((float)x * scale), roi.y + (int32_t)((float)y * scale),
                                      (int32_t)((float)c->w * scale), (int32_t)((float)c->h * scale) };
            }
        }
        if (!(scale_factor > 1.01f)) {
            break;
        }
    }
    group(out);
    return 0;
}

// The point that most gradients point away from: the middle of a dark disc.
int vis_find_eye(int32_t *ex, int32_t *ey, vis_work_t *w, const image_t *img, image_rect_t roi) {
    uint8_t *gray = vis_gray(w, img, roi);
    size_t n = (size_t)roi.w * (size_t)roi.h;
    uint32_t *votes = vis_zalloc(w, n * sizeof(*votes));
    if (!gray || !votes) {
        return -ENOMEM;
    }
    int32_t reach = vis_max(vis_min(roi.w, roi.h) / 2, 2);
    for (int32_t y = 1; y < roi.h - 1; y++) {
        image_port_poll();
        for (int32_t x = 1; x < roi.w - 1; x++) {
            int32_t gx, gy;
            vis_sobel(gray + (size_t)y * (size_t)roi.w + (size_t)x, roi.w, &gx, &gy);
            float mag = sqrtf((float)(gx * gx + gy * gy));
            if (mag < 100) {
                continue;
            }
            for (int32_t r = 2; r <= reach; r++) {
                int32_t px = x - (int32_t)lrintf((float)(gx * r) / mag), py = y - (int32_t)lrintf((float)(gy * r) / mag);
                if (px < 0 || py < 0 || px >= roi.w || py >= roi.h) {
                    break;
                }
                size_t i = (size_t)py * (size_t)roi.w + (size_t)px;
                votes[i] += 256u - gray[i]; // a pupil is dark
            }
        }
    }
    size_t best = n / 2;
    for (size_t i = 0; i < n; i++) {
        best = votes[i] > votes[best] ? i : best;
    }
    *ex = roi.x + (int32_t)(best % (size_t)roi.w);
    *ey = roi.y + (int32_t)(best / (size_t)roi.w);
    return 0;
}
