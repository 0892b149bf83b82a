// SPDX-License-Identifier: MIT

#include <math.h>

#include "yolo2.h"

// A cell and anchor where at least one class is above the threshold. Fractions of the picture.
typedef struct {
    float x, y, w, h;
} candidate_t;

typedef struct {
    const float *data;
    uint32_t grid_w, grid_h, cells;
    uint32_t entries;           // 5 + classes
    uint32_t classes;
    float least;                // objectness that is below this cannot be above the threshold
    const yolo2_params_t *params;
} region_t;

static float logistic(float x) {
    return 1 / (1 + expf(-x));
}

static inline float entry(const region_t *r, uint32_t anchor, uint32_t e, uint32_t cell) {
    return r->data[((size_t)anchor * r->entries + e) * r->cells + cell];
}

// Probabilities of all classes of one cell, 0 where not above the threshold. With probs NULL only
// tells whether one is.
static bool class_probs(const region_t *r, uint32_t anchor, uint32_t cell, float *probs) {
    float objectness = logistic(entry(r, anchor, 4, cell));
    if (probs == NULL && !(objectness > r->params->threshold)) {
        return false;           // a class cannot be more likely than its object
    }
    float best = entry(r, anchor, 5, cell), sum = 0;
    for (uint32_t c = 1; c < r->classes; ++c) {
        float v = entry(r, anchor, 5 + c, cell);
        best = v > best ? v : best;
    }
    for (uint32_t c = 0; c < r->classes; ++c) {
        sum += expf(entry(r, anchor, 5 + c, cell) - best);
    }
    bool any = false;
    for (uint32_t c = 0; c < r->classes; ++c) {
        float p = objectness * (expf(entry(r, anchor, 5 + c, cell) - best) / sum);
        bool above = p > r->params->threshold;
        any |= above;
        if (probs != NULL) {
            probs[c] = above ? p : 0;
        }
    }
    return any;
}

// The next cell from `cell` on where a class is above the threshold; r->cells when there is none. Most
// cells drop out before any exponential.
static uint32_t next_found(const region_t *r, uint32_t anchor, uint32_t cell) {
    const float *objectness = r->data + ((size_t)anchor * r->entries + 4) * r->cells;
    for (; cell < r->cells; ++cell) {
        if (!(objectness[cell] < r->least) && class_probs(r, anchor, cell, NULL)) {
            break;
        }
    }
    return cell;
}

static candidate_t make_box(const region_t *r, uint32_t anchor, uint32_t cell) {
    const float *size = r->params->anchors + 2 * anchor;
    return (candidate_t) {
        .x = ((float)(cell % r->grid_w) + logistic(entry(r, anchor, 0, cell))) / (float)r->grid_w,
        .y = ((float)(cell / r->grid_w) + logistic(entry(r, anchor, 1, cell))) / (float)r->grid_h,
        .w = expf(entry(r, anchor, 2, cell)) * size[0] / (float)r->grid_w,
        .h = expf(entry(r, anchor, 3, cell)) * size[1] / (float)r->grid_h,
    };
}

static float overlap(float a, float a_size, float b, float b_size) {
    float left = fmaxf(a - a_size / 2, b - b_size / 2);
    float right = fminf(a + a_size / 2, b + b_size / 2);
    return right - left;
}

static float iou(const candidate_t *a, const candidate_t *b) {
    float w = overlap(a->x, a->w, b->x, b->w), h = overlap(a->y, a->h, b->y, b->h);
    if (!(w > 0) || !(h > 0)) {
        return 0;
    }
    float both = w * h;
    return both / (a->w * a->h + b->w * b->h - both);
}

// Heap sort of indices by falling probability; equal ones keep their order.
static bool sorts_before(const float *probs, uint32_t stride, uint32_t a, uint32_t b) {
    float pa = probs[(size_t)a * stride], pb = probs[(size_t)b * stride];
    return pa > pb || (pa == pb && a < b);
}

static void sift_down(uint32_t *order, uint32_t root, uint32_t n, const float *probs, uint32_t stride) {
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= n) {
            return;
        }
        if (child + 1 < n && sorts_before(probs, stride, order[child], order[child + 1])) {
            child += 1;
        }
        if (!sorts_before(probs, stride, order[root], order[child])) {
            return;
        }
        uint32_t t = order[root];
        order[root] = order[child];
        order[child] = t;
        root = child;
    }
}

static void sort_by_prob(uint32_t *order, uint32_t n, const float *probs, uint32_t stride) {
    for (uint32_t i = n / 2; i-- > 0;) {
        sift_down(order, i, n, probs, stride);
    }
    for (uint32_t end = n; end-- > 1;) {
        uint32_t t = order[0];
        order[0] = order[end];
        order[end] = t;
        sift_down(order, 0, end, probs, stride);
    }
}

// probs[candidate][class]; suppressed entries become 0.
static void suppress(const region_t *r, const candidate_t *boxes, uint32_t n, float *probs, uint32_t *order) {
    for (uint32_t c = 0; c < r->classes; ++c) {
        uint32_t alive = 0;
        for (uint32_t i = 0; i < n; ++i) {
            if (probs[(size_t)i * r->classes + c] > 0) {
                order[alive++] = i;
            }
        }
        sort_by_prob(order, alive, probs + c, r->classes);
        for (uint32_t i = 0; i < alive; ++i) {
            if (probs[(size_t)order[i] * r->classes + c] == 0) {
                continue;
            }
            for (uint32_t k = i + 1; k < alive; ++k) {
                float *p = &probs[(size_t)order[k] * r->classes + c];
                if (*p != 0 && iou(&boxes[order[i]], &boxes[order[k]]) > r->params->nms) {
                    *p = 0;
                }
            }
        }
    }
}

// Like the chip's conversion to unsigned: towards zero, negative to 0. The upper limit keeps the
// values inside the int32_t that Python objects are made from.
static uint32_t to_pixel(float v) {
    return v > 0 ? (v < 2147483520.0f ? (uint32_t)v : 2147483520u) : 0;
}

static bool emit(const region_t *r, const candidate_t *box, const float *probs, uint32_t net_w, uint32_t net_h,
    yolo2_box_t *out) {
    uint32_t best = 0;
    for (uint32_t c = 1; c < r->classes; ++c) {
        best = probs[c] > probs[best] ? c : best;
    }
    if (!(probs[best] > r->params->threshold)) {
        return false;
    }
    if (out != NULL) {
        *out = (yolo2_box_t) {
            .x1 = to_pixel((box->x - box->w / 2) * (float)net_w),
            .y1 = to_pixel((box->y - box->h / 2) * (float)net_h),
            .x2 = to_pixel((box->x + box->w / 2) * (float)net_w),
            .y2 = to_pixel((box->y + box->h / 2) * (float)net_h),
            .class_id = best,
            .prob = probs[best],
        };
    }
    return true;
}

static int decode(const region_t *r, uint32_t net_w, uint32_t net_h, uint32_t n, const kpu_memory_t *mem,
    uint8_t *work, yolo2_box_t **boxes, uint32_t *n_boxes, char *err) {
    candidate_t *found = (candidate_t *)work;
    float *probs = (float *)(found + n);
    uint32_t *order = (uint32_t *)(probs + (size_t)n * r->classes);
    uint32_t at = 0;
    for (uint32_t anchor = 0; anchor < r->params->n_anchors; ++anchor) {
        for (uint32_t cell = 0; (cell = next_found(r, anchor, cell)) < r->cells; ++cell) {
            class_probs(r, anchor, cell, probs + (size_t)at * r->classes);
            found[at++] = make_box(r, anchor, cell);
        }
    }
    suppress(r, found, n, probs, order);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; ++i) {
        count += emit(r, &found[i], probs + (size_t)i * r->classes, net_w, net_h, NULL);
    }
    if (count == 0) {
        return KPU_OK;
    }
    *boxes = mem->alloc(mem->ctx, count * sizeof(yolo2_box_t), 64, false);
    if (*boxes == NULL) {
        return kpu_fail(err, KPU_ERR_NO_MEM, "no room for %u boxes", (unsigned)count);
    }
    for (uint32_t i = 0; i < n; ++i) {
        *n_boxes += emit(r, &found[i], probs + (size_t)i * r->classes, net_w, net_h, *boxes + *n_boxes);
    }
    return KPU_OK;
}

int yolo2_decode(const float *data, uint32_t grid_w, uint32_t grid_h, uint32_t channels,
    uint32_t net_w, uint32_t net_h, const yolo2_params_t *params, const kpu_memory_t *mem,
    yolo2_box_t **boxes, uint32_t *n_boxes, char *err) {
    *boxes = NULL;
    *n_boxes = 0;
    uint32_t n_anchors = params->n_anchors;
    if (n_anchors == 0 || channels % n_anchors != 0 || channels / n_anchors < 6) {
        return kpu_fail(err, KPU_ERR_SIZE, "output has %u channels, %u anchors need a multiple of that, at least %u",
            (unsigned)channels, (unsigned)n_anchors, (unsigned)n_anchors * 6);
    }
    region_t r = {
        .data = data, .grid_w = grid_w, .grid_h = grid_h, .cells = grid_w * grid_h,
        .entries = channels / n_anchors, .classes = channels / n_anchors - 5, .params = params,
        // The inverse of logistic(), with some room for rounding.
        .least = logf(params->threshold / (1 - params->threshold)) - 0.01f,
    };
    uint32_t n = 0;
    for (uint32_t anchor = 0; anchor < n_anchors; ++anchor) {
        for (uint32_t cell = 0; (cell = next_found(&r, anchor, cell)) < r.cells; ++cell) {
            n += 1;
        }
    }
    if (n == 0) {
        return KPU_OK;
    }
    size_t size = (size_t)n * (sizeof(candidate_t) + r.classes * sizeof(float) + sizeof(uint32_t));
    uint8_t *work = mem->alloc(mem->ctx, size, 64, false);
    if (work == NULL) {
        return kpu_fail(err, KPU_ERR_NO_MEM, "no room for %lu bytes of %u candidate boxes",
            (unsigned long)size, (unsigned)n);
    }
    int ret = decode(&r, net_w, net_h, n, mem, work, boxes, n_boxes, err);
    mem->free(mem->ctx, work);
    return ret;
}
