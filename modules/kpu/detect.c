// SPDX-License-Identifier: MIT

#include <math.h>
#include <string.h>

#include "detect.h"

static float logistic(float x) {
    return 1 / (1 + expf(-x));
}

static int add(detect_list_t *list, const detect_box_t *box, char *err) {
    if (list->n == list->room) {
        uint32_t room = list->room ? 2 * list->room : 16;
        detect_box_t *more = list->mem->alloc(list->mem->ctx, room * sizeof(detect_box_t), 64, false);
        if (more == NULL) {
            return kpu_fail(err, KPU_ERR_NO_MEM, "no room for %u boxes, raise the threshold", (unsigned)room);
        }
        if (list->boxes != NULL) {
            memcpy(more, list->boxes, list->n * sizeof(detect_box_t));
            list->mem->free(list->mem->ctx, list->boxes);
        }
        list->boxes = more;
        list->room = room;
    }
    list->boxes[list->n++] = *box;
    return KPU_OK;
}

// A box from its centre and size, when its numbers are numbers.
static int add_centred(detect_list_t *list, float x, float y, float w, float h, float score, uint32_t class_id, char *err) {
    if (!isfinite(x) || !isfinite(y) || !isfinite(w) || !isfinite(h)) {
        return KPU_OK;
    }
    detect_box_t box = { x - w / 2, y - h / 2, x + w / 2, y + h / 2, score, class_id };
    return add(list, &box, err);
}

// ---- YOLO ------------------------------------------------------------------------------------

int detect_yolo(detect_list_t *list, const detect_yolo_t *yolo, char *err) {
    size_t cells = (size_t)yolo->grid_w * yolo->grid_h, entries = 5 + (size_t)yolo->classes;
    size_t step = yolo->entries_last ? 1 : cells; // from one entry to the next
    for (uint32_t a = 0; a < yolo->anchors; ++a) {
        for (size_t cell = 0; cell < cells; ++cell) {
            const float *p = yolo->data + a * entries * cells + cell * (yolo->entries_last ? entries : 1);
            float objectness = logistic(p[4 * step]);
            if (!(objectness > list->threshold)) {
                continue;       // a class cannot be more likely than its object
            }
            uint32_t best = 0;
            for (uint32_t c = 1; c < yolo->classes; ++c) {
                best = p[(5 + c) * step] > p[(5 + best) * step] ? c : best;
            }
            float top = p[(5 + best) * step], share = 0;
            if (yolo->softmax) {
                for (uint32_t c = 0; c < yolo->classes; ++c) {
                    share += expf(p[(5 + c) * step] - top);
                }
            }
            float score = objectness * (yolo->softmax ? 1 / share : logistic(top));
            if (!(score > list->threshold)) {
                continue;
            }
            float x = ((float)(cell % yolo->grid_w) + logistic(p[0])) / (float)yolo->grid_w;
            float y = ((float)(cell / yolo->grid_w) + logistic(p[step])) / (float)yolo->grid_h;
            float w = expf(p[2 * step]) * yolo->sizes[2 * a] * yolo->unit_w;
            float h = expf(p[3 * step]) * yolo->sizes[2 * a + 1] * yolo->unit_h;
            int ret = add_centred(list, x, y, w, h, score, best, err);
            if (ret != KPU_OK) {
                return ret;
            }
        }
    }
    return KPU_OK;
}

uint32_t detect_yolox_cells(uint32_t net_w, uint32_t net_h, const uint32_t *strides, uint32_t n_strides) {
    uint64_t cells = 0;
    for (uint32_t i = 0; i < n_strides; ++i) {
        cells += (uint64_t)(net_w / strides[i]) * (net_h / strides[i]);
    }
    return cells > UINT32_MAX ? UINT32_MAX : (uint32_t)cells;
}

int detect_yolox(detect_list_t *list, const float *data, uint32_t classes, uint32_t net_w, uint32_t net_h,
    const uint32_t *strides, uint32_t n_strides, char *err) {
    for (uint32_t i = 0; i < n_strides; ++i) {
        float sx = (float)strides[i] / (float)net_w, sy = (float)strides[i] / (float)net_h;
        for (uint32_t y = 0; y < net_h / strides[i]; ++y) {
            for (uint32_t x = 0; x < net_w / strides[i]; ++x, data += 5 + classes) {
                if (!(data[4] > list->threshold)) {
                    continue;
                }
                uint32_t best = 0;
                for (uint32_t c = 1; c < classes; ++c) {
                    best = data[5 + c] > data[5 + best] ? c : best;
                }
                float score = data[4] * data[5 + best];
                if (score > list->threshold) {
                    int ret = add_centred(list, (data[0] + (float)x) * sx, (data[1] + (float)y) * sy, expf(data[2]) * sx,
                        expf(data[3]) * sy, score, best, err);
                    if (ret != KPU_OK) {
                        return ret;
                    }
                }
            }
        }
    }
    return KPU_OK;
}

// ---- priors ----------------------------------------------------------------------------------

void detect_priors(float *out, uint32_t net_w, uint32_t net_h, uint32_t stride, const float *sizes, uint32_t n_sizes) {
    uint32_t grid_w = (net_w + stride - 1) / stride, grid_h = (net_h + stride - 1) / stride;
    for (uint32_t y = 0; y < grid_h; ++y) {
        for (uint32_t x = 0; x < grid_w; ++x) {
            for (uint32_t i = 0; i < n_sizes; ++i, out += 4) {
                out[0] = ((float)x + 0.5f) * (float)stride / (float)net_w;
                out[1] = ((float)y + 0.5f) * (float)stride / (float)net_h;
                out[2] = sizes[i] / (float)net_w;
                out[3] = sizes[i] / (float)net_h;
            }
        }
    }
}

int detect_ssd(detect_list_t *list, const float *scores, uint32_t classes, const float *offsets, const float *priors,
    uint32_t n, float centre_variance, float size_variance, char *err) {
    uint32_t first = classes > 1 ? 1 : 0; // class 0 is the background
    for (uint32_t i = 0; i < n; ++i, scores += classes, offsets += 4, priors += 4) {
        uint32_t best = first;
        for (uint32_t c = first + 1; c < classes; ++c) {
            best = scores[c] > scores[best] ? c : best;
        }
        if (scores[best] > list->threshold) {
            int ret = add_centred(list, priors[0] + centre_variance * offsets[0] * priors[2],
                priors[1] + centre_variance * offsets[1] * priors[3], priors[2] * expf(size_variance * offsets[2]),
                priors[3] * expf(size_variance * offsets[3]), scores[best], best - first, err);
            if (ret != KPU_OK) {
                return ret;
            }
        }
    }
    return KPU_OK;
}

// ---- the best boxes --------------------------------------------------------------------------

static void sift_down(detect_box_t *heap, uint32_t root, uint32_t n) {
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= n) {
            return;
        }
        child += child + 1 < n && heap[child + 1].score < heap[child].score;
        if (heap[root].score <= heap[child].score) {
            return;
        }
        detect_box_t t = heap[root];
        heap[root] = heap[child];
        heap[child] = t;
        root = child;
    }
}

// Heap sort with the lowest score on top, so that it ends with the best in front.
static void sort_by_score(detect_box_t *boxes, uint32_t n) {
    for (uint32_t i = n / 2; i-- > 0;) {
        sift_down(boxes, i, n);
    }
    for (uint32_t end = n; end-- > 1;) {
        detect_box_t t = boxes[0];
        boxes[0] = boxes[end];
        boxes[end] = t;
        sift_down(boxes, 0, end);
    }
}

static float area(const detect_box_t *b) {
    return (b->x2 - b->x1) * (b->y2 - b->y1);
}

static float iou(const detect_box_t *a, const detect_box_t *b) {
    float w = fminf(a->x2, b->x2) - fmaxf(a->x1, b->x1), h = fminf(a->y2, b->y2) - fmaxf(a->y1, b->y1);
    if (!(w > 0) || !(h > 0)) {
        return 0;
    }
    return w * h / (area(a) + area(b) - w * h);
}

void detect_finish(detect_list_t *list, float nms, uint32_t most) {
    uint32_t kept = 0;
    sort_by_score(list->boxes, list->n);
    for (uint32_t i = 0; i < list->n && kept < most; ++i) {
        bool good = true;
        for (uint32_t k = 0; k < kept && good; ++k) {
            good = list->boxes[k].class_id != list->boxes[i].class_id || !(iou(&list->boxes[k], &list->boxes[i]) > nms);
        }
        if (good) {
            list->boxes[kept++] = list->boxes[i];
        }
    }
    list->n = kept;
}

void detect_free(detect_list_t *list) {
    if (list->boxes != NULL) {
        list->mem->free(list->mem->ctx, list->boxes);
    }
    list->boxes = NULL;
    list->n = list->room = 0;
}
