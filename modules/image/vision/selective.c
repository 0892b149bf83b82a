// SPDX-License-Identifier: MIT
// Proposals for objects: the picture is cut into similar regions, then the most similar neighbours
// are joined again and again; every region on the way is a proposal.
#include <stdlib.h>
#include <string.h>

#include "vision_priv.h"

#define BINS (8)
#define MAX_REGIONS (512)
#define MAX_PROPOSALS (400)

typedef struct {
    uint32_t a, b;
    float weight;
} edge_t;

typedef struct {
    uint32_t parent, size;
    float inner;
} node_t;

typedef struct {
    int32_t x0, y0, x1, y1;
    uint32_t size;
    float color[3 * BINS];
    bool alive;
} region_t;

static uint32_t root_of(node_t *n, uint32_t i) {
    while (n[i].parent != i) {
        n[i].parent = n[n[i].parent].parent;
        i = n[i].parent;
    }
    return i;
}

static int by_weight(const void *a, const void *b) {
    float x = ((const edge_t *)a)->weight, y = ((const edge_t *)b)->weight;
    return x < y ? -1 : x > y;
}

static float difference(const uint8_t *p, size_t a, size_t b) {
    float sum = 0;
    for (int c = 0; c < 3; c++) {
        float d = (float)p[a * 3 + (size_t)c] - (float)p[b * 3 + (size_t)c];
        sum += d * d;
    }
    return sqrtf(sum);
}

static void unite(node_t *n, uint32_t a, uint32_t b, float weight) {
    n[b].parent = a;
    n[a].size += n[b].size;
    n[a].inner = weight;
}

// Joins pixels whose difference is small against what the regions already contain.
static int segment(node_t *node, vis_work_t *w, const uint8_t *rgb, int32_t width, int32_t height, float k, uint32_t min_size) {
    size_t n = (size_t)width * (size_t)height, m = 0;
    edge_t *e = vis_alloc(w, n * 2 * sizeof(*e));
    if (!e) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        node[i] = (node_t) { (uint32_t)i, 1, 0 };
        if (i % (size_t)width + 1 < (size_t)width) {
            e[m++] = (edge_t) { (uint32_t)i, (uint32_t)i + 1, difference(rgb, i, i + 1) };
        }
        if (i + (size_t)width < n) {
            e[m++] = (edge_t) { (uint32_t)i, (uint32_t)(i + (size_t)width), difference(rgb, i, i + (size_t)width) };
        }
    }
    image_port_poll();
    if (m) {
        qsort(e, m, sizeof(*e), by_weight);
    }
    for (int pass = 0; pass < 2; pass++) {
        image_port_poll();
        for (size_t i = 0; i < m; i++) {
            uint32_t a = root_of(node, e[i].a), b = root_of(node, e[i].b);
            if (a == b) {
                continue;
            }
            float la = node[a].inner + k / (float)node[a].size, lb = node[b].inner + k / (float)node[b].size;
            bool small = node[a].size < min_size || node[b].size < min_size;
            if (pass ? small : e[i].weight <= (la < lb ? la : lb)) {
                unite(node, a, b, e[i].weight);
            }
        }
    }
    vis_free(w, e);
    return 0;
}

static float similarity(const region_t *a, const region_t *b, float total, const float weight[3]) {
    float color = 0;
    for (int i = 0; i < 3 * BINS; i++) {
        color += a->color[i] < b->color[i] ? a->color[i] : b->color[i];
    }
    float w = (float)(vis_max(a->x1, b->x1) - vis_min(a->x0, b->x0) + 1), h = (float)(vis_max(a->y1, b->y1) - vis_min(a->y0, b->y0) + 1);
    float size = 1 - (float)(a->size + b->size) / total, fill = 1 - (w * h - (float)(a->size + b->size)) / total;
    return weight[0] * color / 3 + weight[1] * size + weight[2] * fill;
}

static int propose(vis_list_t *out, vis_work_t *w, const region_t *r, int32_t scale) {
    image_rect_t box = { r->x0 * scale, r->y0 * scale, (r->x1 - r->x0 + 1) * scale, (r->y1 - r->y0 + 1) * scale };
    for (size_t i = 0; i < out->n; i++) {
        if (memcmp(vis_item(out, i), &box, sizeof(box)) == 0) {
            return 0;
        }
    }
    image_rect_t *o = out->n < MAX_PROPOSALS ? vis_list_add(w, out) : NULL;
    if (o) {
        *o = box;
    }
    return o || out->n >= MAX_PROPOSALS ? 0 : -ENOMEM;
}

int vis_selective_search(vis_list_t *out, vis_work_t *w, const image_t *img, int32_t threshold, int32_t size, float a1,
    float a2, float a3) {
    *out = (vis_list_t) { .size = sizeof(image_rect_t) };
    // Large pictures are halved: the edges of all pixels take 24 bytes each.
    int32_t scale = 1;
    while ((int64_t)(img->w / scale) * (img->h / scale) > 20000) {
        scale++;
    }
    int32_t width = vis_max(img->w / scale, 1), height = vis_max(img->h / scale, 1);
    size_t n = (size_t)width * (size_t)height;
    uint8_t *rgb = vis_alloc(w, n * 3);
    node_t *node = vis_alloc(w, n * sizeof(*node));
    uint16_t *label = vis_alloc(w, n * 2);
    region_t *r = vis_zalloc(w, MAX_REGIONS * sizeof(*r));
    uint8_t *near = vis_zalloc(w, MAX_REGIONS * MAX_REGIONS);
    if (!rgb || !node || !label || !r || !near) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t v = image_get(img, vis_min((int32_t)(i % (size_t)width) * scale, img->w - 1), vis_min((int32_t)(i / (size_t)width) * scale, img->h - 1));
        image_color_to_rgb(img->format, v, rgb + i * 3, rgb + i * 3 + 1, rgb + i * 3 + 2);
    }
    size_t regions = MAX_REGIONS + 1;
    for (uint32_t least = (uint32_t)vis_max(size, 1); regions > MAX_REGIONS; least *= 2) {
        int ret = segment(node, w, rgb, width, height, (float)threshold, least);
        if (ret) {
            return ret;
        }
        regions = 0;
        for (size_t i = 0; i < n; i++) {
            regions += node[i].parent == i;
        }
    }
    uint32_t *number = vis_alloc(w, n * 4);
    if (!number) {
        return -ENOMEM;
    }
    memset(number, 0xff, n * 4);
    regions = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t root = root_of(node, (uint32_t)i);
        int32_t x = (int32_t)(i % (size_t)width), y = (int32_t)(i / (size_t)width);
        if (number[root] == UINT32_MAX) {
            r[regions] = (region_t) { x, y, x, y, 0, { 0 }, true };
            number[root] = (uint32_t)regions++;
        }
        region_t *q = r + number[root];
        label[i] = (uint16_t)number[root];
        q->x0 = vis_min(q->x0, x);
        q->x1 = vis_max(q->x1, x);
        q->y1 = y;
        q->size++;
        for (int c = 0; c < 3; c++) {
            q->color[c * BINS + rgb[i * 3 + (size_t)c] * BINS / 256] += 1;
        }
        if (x && label[i - 1] != label[i]) {
            near[label[i - 1] * MAX_REGIONS + label[i]] = near[label[i] * MAX_REGIONS + label[i - 1]] = 1;
        }
        if (y && label[i - (size_t)width] != label[i]) {
            near[label[i - (size_t)width] * MAX_REGIONS + label[i]] = near[label[i] * MAX_REGIONS + label[i - (size_t)width]] = 1;
        }
    }
    for (size_t i = 0; i < regions; i++) {
        for (int k = 0; k < 3 * BINS; k++) {
            r[i].color[k] /= (float)r[i].size;
        }
        int ret = propose(out, w, r + i, scale);
        if (ret) {
            return ret;
        }
    }
    const float weight[3] = { a1, a2, a3 };
    for (size_t left = regions; left > 1; left--) {
        image_port_poll();
        float best = -1e30f;
        size_t a = 0, b = 0;
        for (size_t i = 0; i < regions; i++) {
            for (size_t j = i + 1; r[i].alive && j < regions; j++) {
                if (r[j].alive && near[i * MAX_REGIONS + j]) {
                    float s = similarity(r + i, r + j, (float)n, weight);
                    if (s > best) {
                        best = s;
                        a = i;
                        b = j;
                    }
                }
            }
        }
        if (a == b) {
            break;
        }
        float sum = (float)(r[a].size + r[b].size);
        for (int k = 0; k < 3 * BINS; k++) {
            r[a].color[k] = (r[a].color[k] * (float)r[a].size + r[b].color[k] * (float)r[b].size) / sum;
        }
        r[a].x0 = vis_min(r[a].x0, r[b].x0);
        r[a].y0 = vis_min(r[a].y0, r[b].y0);
        r[a].x1 = vis_max(r[a].x1, r[b].x1);
        r[a].y1 = vis_max(r[a].y1, r[b].y1);
        r[a].size += r[b].size;
        r[b].alive = false;
        for (size_t i = 0; i < regions; i++) {
            near[a * MAX_REGIONS + i] |= near[b * MAX_REGIONS + i];
            near[i * MAX_REGIONS + a] = near[a * MAX_REGIONS + i];
        }
        near[a * MAX_REGIONS + a] = 0;
        int ret = propose(out, w, r + a, scale);
        if (ret) {
            return ret;
        }
    }
    return 0;
}
