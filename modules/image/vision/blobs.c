// SPDX-License-Identifier: MIT
// Connected pixels inside colour ranges, by runs: one pass over the picture and no stack, whatever the
// shapes.
#include <string.h>

#include "vision_priv.h"

typedef struct {
    vis_blob_t blob;
    uint32_t parent;
    uint32_t first;     // number of the first pixel that the strides look at; NONE: not looked at
} node_t;

typedef struct {
    int32_t x0, x1;
    uint32_t node;
} run_t;

#define NONE (UINT32_MAX)

static uint32_t find_root(node_t *nodes, uint32_t i) {
    while (nodes[i].parent != i) {
        nodes[i].parent = nodes[nodes[i].parent].parent;
        i = nodes[i].parent;
    }
    return i;
}

static void add_blob(vis_blob_t *to, const vis_blob_t *b) {
    to->x0 = vis_min(to->x0, b->x0);
    to->y0 = vis_min(to->y0, b->y0);
    to->x1 = vis_max(to->x1, b->x1);
    to->y1 = vis_max(to->y1, b->y1);
    to->pixels += b->pixels;
    to->code |= b->code;
    to->count += b->count;
    to->sx += b->sx;
    to->sy += b->sy;
    to->sxx += b->sxx;
    to->syy += b->syy;
    to->sxy += b->sxy;
}

static void unite(node_t *nodes, uint32_t a, uint32_t b) {
    a = find_root(nodes, a);
    b = find_root(nodes, b);
    if (a == b) {
        return;
    }
    if (a > b) {
        uint32_t t = a;
        a = b;
        b = t;
    }
    uint32_t count = nodes[a].blob.count;
    add_blob(&nodes[a].blob, &nodes[b].blob);
    nodes[a].blob.count = count;
    nodes[a].first = nodes[b].first < nodes[a].first ? nodes[b].first : nodes[a].first;
    nodes[b].parent = a;
}

static vis_blob_t run_blob(int32_t x0, int32_t x1, int32_t y, uint32_t code) {
    int64_t n = x1 - x0 + 1, sx = n * (x0 + x1) / 2;
    int64_t a = x0 - 1, sxx = (int64_t)x1 * (x1 + 1) * (2 * (int64_t)x1 + 1) / 6 - a * (a + 1) * (2 * a + 1) / 6;
    return (vis_blob_t) { x0, y, x1, y, (uint32_t)n, code, 1, sx, n * y, sxx, n * y * y, sx * y };
}

// The number of the first sampled pixel of a run, or NONE.
static uint32_t sampled(const vis_blob_options_t *o, image_rect_t roi, int32_t w, int32_t x0, int32_t x1, int32_t y) {
    if ((y - roi.y) % o->y_stride) {
        return NONE;
    }
    int32_t start = roi.x + y % o->x_stride;
    int32_t x = x0 <= start ? start : start + (x0 - start + o->x_stride - 1) / o->x_stride * o->x_stride;
    return x <= x1 ? (uint32_t)y * (uint32_t)w + (uint32_t)x : NONE;
}

// Runs of pixels that belong to range t and to no earlier one. marks: room for two rows.
static void find_runs(run_t *runs, size_t *n, const image_t *img, image_rect_t roi, int32_t y, vis_match_t *match,
    size_t t, bool invert, uint8_t *marks) {
    int32_t end = roi.x + roi.w;
    uint8_t *in = marks, *one = marks + img->w;
    vis_match_row(match + t, 1, img, roi.x, end, y, in);
    for (size_t i = 0; i < t; i++) {
        vis_match_row(match + i, 1, img, roi.x, end, y, one);
        for (int32_t x = roi.x; x < end; x++) {
            in[x] = (in[x] != invert && (bool)one[x] == invert) != invert;
        }
    }
    *n = 0;
    for (int32_t x = roi.x; x < end; x++) {
        if ((bool)in[x] == invert) {
            continue;
        }
        int32_t x0 = x;
        while (x + 1 < end && (bool)in[x + 1] != invert) {
            x++;
        }
        runs[(*n)++] = (run_t) { x0, x, 0 };
    }
}

static void keep(vis_list_t *out, size_t from, const vis_list_t *nodes, const vis_blob_options_t *o, vis_work_t *w,
    int *ret) {
    node_t *node = nodes->items;
    // In the order in which the strides come to them; insertion sort, they are nearly in order.
    vis_list_t order = { .size = sizeof(uint32_t) };
    for (uint32_t i = 0; i < nodes->n; i++) {
        const vis_blob_t *b = &node[i].blob;
        int64_t area = (int64_t)(b->x1 - b->x0 + 1) * (b->y1 - b->y0 + 1);
        if (node[i].parent != i || node[i].first == NONE || area < o->area_threshold ||
            (int64_t)b->pixels < o->pixels_threshold) {
            continue;
        }
        uint32_t *at = vis_list_add(w, &order);
        if (!at) {
            *ret = -ENOMEM;
            return;
        }
        for (; at > (uint32_t *)order.items && node[at[-1]].first > node[i].first; at--) {
            *at = at[-1];
        }
        *at = i;
    }
    (void)from;
    for (size_t i = 0; i < order.n; i++) {
        vis_blob_t *b = vis_list_add(w, out);
        if (!b) {
            *ret = -ENOMEM;
            return;
        }
        *b = node[((uint32_t *)order.items)[i]].blob;
    }
    vis_free(w, order.items);
}

int vis_find_blobs(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, const vis_range_t *ranges,
    size_t n, const vis_blob_options_t *o) {
    *out = (vis_list_t) { .size = sizeof(vis_blob_t) };
    size_t most = (size_t)roi.w / 2 + 1;
    vis_match_t *match = vis_alloc(w, (n + 1) * sizeof(*match));
    run_t *above = vis_alloc(w, most * sizeof(run_t)), *here = vis_alloc(w, most * sizeof(run_t));
    uint8_t *marks = vis_alloc(w, 2 * (size_t)img->w);
    if (!match || !above || !here || !marks) {
        return -ENOMEM;
    }
    for (size_t t = 0; t < n; t++) {
        vis_list_t nodes = { .size = sizeof(node_t) };
        size_t n_above = 0, n_here;
        if (vis_match_init(match + t, w, img->format, ranges + t)) {
            return -ENOMEM;
        }
        for (int32_t y = roi.y; y < roi.y + roi.h; y++) {
            image_port_poll();
            find_runs(here, &n_here, img, roi, y, match, t, o->invert, marks);
            size_t j = 0;
            for (size_t i = 0; i < n_here; i++) {
                run_t *r = here + i;
                node_t *node = vis_list_add(w, &nodes);
                if (!node) {
                    return -ENOMEM;
                }
                r->node = (uint32_t)nodes.n - 1;
                *node = (node_t) { run_blob(r->x0, r->x1, y, 1u << (t & 31)), r->node,
                                   sampled(o, roi, img->w, r->x0, r->x1, y) };
                while (j < n_above && above[j].x1 < r->x0) {
                    j++;
                }
                for (size_t k = j; k < n_above && above[k].x0 <= r->x1; k++) {
                    unite(nodes.items, above[k].node, r->node);
                }
            }
            run_t *swap = above;
            above = here;
            here = swap;
            n_above = n_here;
        }
        int ret = 0;
        keep(out, out->n, &nodes, o, w, &ret);
        vis_free(w, nodes.items);
        if (ret) {
            return ret;
        }
    }
    return 0;
}

static bool overlap(const vis_blob_t *a, const vis_blob_t *b, int64_t margin) {
    return a->x0 - margin <= b->x1 + margin && b->x0 - margin <= a->x1 + margin &&
           a->y0 - margin <= b->y1 + margin && b->y0 - margin <= a->y1 + margin;
}

void vis_merge_blobs(vis_list_t *blobs, int32_t margin, bool (*allow)(void *ctx, const vis_blob_t *a, const vis_blob_t *b),
    void *ctx) {
    vis_blob_t *b = blobs->items;
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < blobs->n; i++) {
            for (size_t j = i + 1; j < blobs->n;) {
                if (!overlap(b + i, b + j, margin) || (allow && !allow(ctx, b + i, b + j))) {
                    j++;
                    continue;
                }
                add_blob(b + i, b + j);
                memmove(b + j, b + j + 1, (blobs->n - j - 1) * sizeof(*b));
                blobs->n--;
                again = true;
            }
        }
    }
}

float vis_blob_rotation(const vis_blob_t *b) {
    double n = b->pixels, mx = (double)b->sx / n, my = (double)b->sy / n;
    double a = (double)b->sxx / n - mx * mx, c = (double)b->syy / n - my * my, m = (double)b->sxy / n - mx * my;
    double r = fabs(a - c) < 1e-9 && fabs(m) < 1e-9 ? 0 : atan2(2 * m, a - c) / 2;
    r = r < -1e-9 ? r + VIS_PI : r < 0 ? 0 : r;
    return (float)r;
}

// ---- regression ---------------------------------------------------------------------------------

bool vis_line_ends(vis_line_t *l, image_rect_t roi) {
    double cs = cos(l->theta * VIS_PI / 180), sn = sin(l->theta * VIS_PI / 180);
    int32_t xe = roi.x + roi.w - 1, ye = roi.y + roi.h - 1;
    if (l->theta < 45 || l->theta > 135) {
        // Steep: x from y.
        l->y1 = roi.y;
        l->y2 = ye;
        l->x1 = (int32_t)lrint((l->rho - 0 * sn) / cs) + roi.x;
        l->x2 = (int32_t)lrint((l->rho - (ye - roi.y) * sn) / cs) + roi.x;
        int32_t *x[2] = { &l->x1, &l->x2 }, *y[2] = { &l->y1, &l->y2 };
        for (int i = 0; i < 2; i++) {
            if (*x[i] < roi.x || *x[i] > xe) {
                *x[i] = vis_clamp(*x[i], roi.x, xe);
                if (fabs(sn) < 1e-6) {
                    return false;
                }
                *y[i] = (int32_t)lrint((l->rho - (*x[i] - roi.x) * cs) / sn) + roi.y;
            }
        }
    } else {
        l->x1 = roi.x;
        l->x2 = xe;
        l->y1 = (int32_t)lrint(l->rho / sn) + roi.y;
        l->y2 = (int32_t)lrint((l->rho - (xe - roi.x) * cs) / sn) + roi.y;
        int32_t *x[2] = { &l->x1, &l->x2 }, *y[2] = { &l->y1, &l->y2 };
        for (int i = 0; i < 2; i++) {
            if (*y[i] < roi.y || *y[i] > ye) {
                *y[i] = vis_clamp(*y[i], roi.y, ye);
                if (fabs(cs) < 1e-6) {
                    return false;
                }
                *x[i] = (int32_t)lrint((l->rho - (*y[i] - roi.y) * sn) / cs) + roi.x;
            }
        }
    }
    if (l->x1 < roi.x || l->x1 > xe || l->x2 < roi.x || l->x2 > xe || l->y1 < roi.y || l->y1 > ye || l->y2 < roi.y ||
        l->y2 > ye) {
        return false;
    }
    l->length = (int32_t)lrint(hypot(l->x2 - l->x1, l->y2 - l->y1));
    return true;
}

// theta 0..179 and rho of the line through mx, my (from the corner of roi) whose normal has this angle.
static void normal_form(vis_line_t *l, double angle, double mx, double my) {
    int32_t theta = (int32_t)lrint(angle * 180 / VIS_PI) % 360;
    theta += theta < 0 ? 360 : 0;
    theta %= 180;
    l->theta = theta;
    l->rho = (int32_t)lrint(mx * cos(theta * VIS_PI / 180) + my * sin(theta * VIS_PI / 180));
}

// Median angle and offset of the lines through pairs of points far apart (Theil-Sen on a sample).
#define MAX_POINTS (200)

static int by_value(double *v, size_t n, size_t k) {
    // Quickselect with the middle as pivot.
    size_t lo = 0, hi = n - 1;
    while (lo < hi) {
        double pivot = v[(lo + hi) / 2];
        size_t i = lo, j = hi;
        while (i <= j) {
            while (v[i] < pivot) {
                i++;
            }
            while (v[j] > pivot) {
                j--;
            }
            if (i <= j) {
                double t = v[i];
                v[i++] = v[j];
                v[j] = t;
                if (j == 0) {
                    break;
                }
                j--;
            }
        }
        if (k <= j) {
            hi = j;
        } else if (k >= i) {
            lo = i;
        } else {
            break;
        }
    }
    return 0;
}

static double median(double *v, size_t n) {
    by_value(v, n, n / 2);
    return v[n / 2];
}

static int robust_line(vis_line_t *l, vis_work_t *w, const int32_t (*p)[2], size_t n) {
    double *v = vis_alloc(w, MAX_POINTS * MAX_POINTS / 2 * sizeof(double));
    if (!v) {
        return -ENOMEM;
    }
    size_t step = n > MAX_POINTS ? (n + MAX_POINTS - 1) / MAX_POINTS : 1, k = 0;
    // Angles wrap at pi: measured from that of the first good pair they cluster around zero.
    double base = 0;
    bool have = false;
    for (int pass = 0; pass < 2; pass++) {
        k = 0;
        for (size_t i = 0; i < n; i += step) {
            for (size_t j = i + step; j < n; j += step) {
                double dx = p[j][0] - p[i][0], dy = p[j][1] - p[i][1];
                if (dx * dx + dy * dy < 4) {
                    continue;
                }
                double angle = atan2(dy, dx) - base;
                angle -= floor(angle / VIS_PI + 0.5) * VIS_PI;
                v[k++] = angle;
            }
        }
        if (k == 0) {
            break;
        }
        base += median(v, k);
        have = true;
    }
    double cs = cos(base + VIS_PI / 2), sn = sin(base + VIS_PI / 2);
    k = 0;
    for (size_t i = 0; i < n; i += step) {
        v[k++] = p[i][0] * cs + p[i][1] * sn;
    }
    double rho = median(v, k);
    normal_form(l, base + VIS_PI / 2, rho * cs, rho * sn);
    vis_free(w, v);
    return have;
}

int vis_regression(vis_line_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, const vis_range_t *ranges,
    size_t n, const vis_blob_options_t *o, bool robust) {
    vis_match_t *match = vis_alloc(w, (n + 1) * sizeof(*match));
    vis_list_t points = { .size = sizeof(int32_t[2]) };
    if (!match) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        if (vis_match_init(match + i, w, img->format, ranges + i)) {
            return -ENOMEM;
        }
    }
    vis_blob_t sum = { roi.x + roi.w, roi.y + roi.h, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0 };
    for (int32_t y = roi.y; y < roi.y + roi.h; y += o->y_stride) {
        image_port_poll();
        for (int32_t x = roi.x + y % o->x_stride; x < roi.x + roi.w; x += o->x_stride) {
            bool in = false;
            for (size_t i = 0; i < n && !in; i++) {
                in = vis_match(match + i, image_get(img, x, y)) != o->invert;
            }
            if (!in) {
                continue;
            }
            vis_blob_t one = run_blob(x - roi.x, x - roi.x, y - roi.y, 0);
            add_blob(&sum, &one);
            if (robust) {
                int32_t *p = vis_list_add(w, &points);
                if (!p) {
                    return -ENOMEM;
                }
                p[0] = x - roi.x;
                p[1] = y - roi.y;
            }
        }
    }
    int64_t area = (int64_t)(sum.x1 - sum.x0 + 1) * (sum.y1 - sum.y0 + 1);
    if (sum.pixels < 2 || area < o->area_threshold || (int64_t)sum.pixels < o->pixels_threshold) {
        return 0;
    }
    double c = sum.pixels, mx = (double)sum.sx / c, my = (double)sum.sy / c;
    double vx = (double)sum.sxx / c - mx * mx, vy = (double)sum.syy / c - my * my, m = (double)sum.sxy / c - mx * my;
    *out = (vis_line_t) { 0 };
    if (robust) {
        int found = robust_line(out, w, (const int32_t (*)[2])points.items, points.n);
        if (found <= 0) {
            return found;
        }
    } else {
        // Least squares of the distances: the normal is the direction of least spread.
        normal_form(out, atan2(2 * m, vx - vy) / 2 + VIS_PI / 2, mx, my);
    }
    // How long and thin the pixels lie: 0 for a disc, larger for a line.
    double spread = sqrt((vx - vy) * (vx - vy) + 4 * m * m), big = (vx + vy + spread) / 2, small = (vx + vy - spread) / 2;
    out->magnitude = (int32_t)lrint(sqrt(big) / sqrt(small > 1.0 / 12 ? small : 1.0 / 12)) - 1;
    return vis_line_ends(out, roi) ? 1 : 0;
}
