// SPDX-License-Identifier: MIT
// Quadrilaterals: the picture is split into dark and bright against its surroundings; a connected
// part whose convex hull is nearly a quadrilateral with strong edges on all four sides is found.
#include <stdlib.h>
#include <string.h>

#include "vision_priv.h"

#define TILE (4)
#define MIN_CONTRAST (20)
#define MIN_SIDE (5)
#define MIN_EDGE (48)       // mean gradient that every side must have
#define MAX_HULL (256)

typedef struct {
    int32_t x0, x1, y;
    uint32_t root;
    uint8_t value;
} run_t;

typedef struct {
    int32_t x, y;
} point_t;

// 0 dark, 1 bright, 2 without contrast: against the middle of the extremes around.
static int classify(uint8_t *cls, vis_work_t *w, const uint8_t *gray, int32_t width, int32_t height) {
    int32_t tw = (width + TILE - 1) / TILE, th = (height + TILE - 1) / TILE;
    uint8_t *lo = vis_alloc(w, (size_t)tw * (size_t)th), *hi = vis_alloc(w, (size_t)tw * (size_t)th);
    if (!lo || !hi) {
        return -ENOMEM;
    }
    memset(lo, 255, (size_t)tw * (size_t)th);
    memset(hi, 0, (size_t)tw * (size_t)th);
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++) {
            size_t t = (size_t)(y / TILE) * (size_t)tw + (size_t)(x / TILE);
            uint8_t v = gray[(size_t)y * (size_t)width + (size_t)x];
            lo[t] = v < lo[t] ? v : lo[t];
            hi[t] = v > hi[t] ? v : hi[t];
        }
    }
    for (int32_t ty = 0; ty < th; ty++) {
        for (int32_t tx = 0; tx < tw; tx++) {
            int32_t a = 255, b = 0;
            for (int k = 0; k < 9; k++) {
                int32_t x = tx + k % 3 - 1, y = ty + k / 3 - 1;
                if (x >= 0 && y >= 0 && x < tw && y < th) {
                    a = vis_min(a, lo[(size_t)y * (size_t)tw + (size_t)x]);
                    b = vis_max(b, hi[(size_t)y * (size_t)tw + (size_t)x]);
                }
            }
            for (int32_t y = ty * TILE; y < vis_min(ty * TILE + TILE, height); y++) {
                for (int32_t x = tx * TILE; x < vis_min(tx * TILE + TILE, width); x++) {
                    size_t i = (size_t)y * (size_t)width + (size_t)x;
                    cls[i] = (uint8_t)(b - a < MIN_CONTRAST ? 2 : gray[i] > (a + b) / 2);
                }
            }
        }
    }
    vis_free(w, lo);
    vis_free(w, hi);
    return 0;
}

static uint32_t root_of(run_t *r, uint32_t i) {
    while (r[i].root != i) {
        r[i].root = r[r[i].root].root;
        i = r[i].root;
    }
    return i;
}

static int find_runs(vis_list_t *runs, vis_work_t *w, const uint8_t *cls, int32_t width, int32_t height) {
    size_t above = 0, above_end = 0;
    for (int32_t y = 0; y < height; y++) {
        size_t first = runs->n;
        const uint8_t *row = cls + (size_t)y * (size_t)width;
        for (int32_t x = 0; x < width; x++) {
            int32_t x0 = x;
            while (x + 1 < width && row[x + 1] == row[x0]) {
                x++;
            }
            if (row[x0] == 2) {
                continue;
            }
            run_t *r = vis_list_add(w, runs);
            if (!r) {
                return -ENOMEM;
            }
            *r = (run_t) { x0, x, y, (uint32_t)(runs->n - 1), row[x0] };
        }
        run_t *all = runs->items;
        for (size_t i = first, j = above; i < runs->n; i++) {
            while (j < above_end && all[j].x1 < all[i].x0) {
                j++;
            }
            for (size_t k = j; k < above_end && all[k].x0 <= all[i].x1; k++) {
                if (all[k].value == all[i].value) {
                    uint32_t a = root_of(all, (uint32_t)k), b = root_of(all, (uint32_t)i);
                    all[a < b ? b : a].root = a < b ? a : b;
                }
            }
        }
        above = first;
        above_end = runs->n;
    }
    return 0;
}

static int64_t cross(point_t o, point_t a, point_t b) {
    return (int64_t)(a.x - o.x) * (b.y - o.y) - (int64_t)(a.y - o.y) * (b.x - o.x);
}

// Convex hull (clockwise on the screen) of points that come sorted by y, then x.
static size_t hull_of(point_t *hull, const point_t *p, size_t n) {
    size_t m = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t base = m;
        for (size_t k = 0; k < n; k++) {
            point_t q = p[pass ? n - 1 - k : k];
            while (m >= base + 2 && cross(hull[m - 2], hull[m - 1], q) >= 0) {
                m--;
            }
            hull[m++] = q;
        }
        m--;
    }
    return m;
}

static double area_of(const point_t *p, size_t n) {
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        point_t a = p[i], b = p[(i + 1) % n];
        sum += (int64_t)a.x * b.y - (int64_t)b.x * a.y;
    }
    return fabs((double)sum) / 2;
}

// The four corners of the hull that span the largest area: for every diagonal the farthest corner on
// either side, which moves on in one direction as the diagonal turns.
static void reduce(point_t *p, size_t n) {
    int64_t best = -1;
    size_t take[4] = { 0, 1, 2, 3 };
    for (size_t i = 0; i + 2 < n; i++) {
        size_t k = i + 1, l = i + 3 < n ? i + 3 : i;
        for (size_t j = i + 2; j < n; j++) {
            while (k + 1 < j && llabs(cross(p[i], p[j], p[k + 1])) >= llabs(cross(p[i], p[j], p[k]))) {
                k++;
            }
            l = (l + n - i) % n <= j - i ? (j + 1) % n : l;
            while ((l + 1) % n != i && l != i && llabs(cross(p[i], p[j], p[(l + 1) % n])) >= llabs(cross(p[i], p[j], p[l]))) {
                l = (l + 1) % n;
            }
            int64_t area = llabs(cross(p[i], p[j], p[k])) + llabs(cross(p[i], p[j], p[l]));
            if (l != i && area > best) {
                best = area;
                take[0] = i;
                take[1] = k;
                take[2] = j;
                take[3] = l;
            }
        }
    }
    const point_t q[4] = { p[take[0]], p[take[1]], p[take[2]], p[take[3]] };
    for (int i = 0; i < 4; i++) {
        p[i] = q[i];
    }
}

static int32_t gradient(const uint8_t *gray, int32_t w, int32_t h, int32_t x, int32_t y) {
    if (x < 1 || y < 1 || x >= w - 1 || y >= h - 1) {
        return 0;
    }
    int32_t gx, gy;
    vis_sobel(gray + (size_t)y * (size_t)w + (size_t)x, w, &gx, &gy);
    return (int32_t)sqrtf((float)(gx * gx + gy * gy));
}

// Sum of the gradients along one side; 0 when the side is no edge.
static int64_t side(const uint8_t *gray, int32_t w, int32_t h, point_t a, point_t b) {
    int32_t steps = vis_max(vis_max(abs(b.x - a.x), abs(b.y - a.y)), 1);
    int64_t sum = 0;
    int32_t strong = 0;
    bool flat = abs(b.x - a.x) >= abs(b.y - a.y);
    for (int32_t i = 0; i <= steps; i++) {
        int32_t x = a.x + (b.x - a.x) * i / steps, y = a.y + (b.y - a.y) * i / steps, best = 0;
        for (int32_t d = -2; d <= 2; d++) {
            best = vis_max(best, gradient(gray, w, h, flat ? x : x + d, flat ? y + d : y));
        }
        sum += best;
        strong += best >= MIN_EDGE;
    }
    return strong * 5 >= (steps + 1) * 4 ? sum : 0;
}

static bool make_quad(vis_quad_t *q, const uint8_t *gray, image_rect_t roi, const point_t *p) {
    int64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        point_t a = p[i], b = p[(i + 1) % 4];
        int64_t s = hypot(b.x - a.x, b.y - a.y) < MIN_SIDE ? 0 : side(gray, roi.w, roi.h, a, b);
        if (s == 0) {
            return false;
        }
        sum += s;
    }
    // Top left first: the corner with the smallest sum of coordinates.
    int first = 0, step = area_of(p, 4) > 0 && cross(p[0], p[1], p[2]) > 0 ? 1 : 3;
    for (int i = 1; i < 4; i++) {
        first = p[i].x + p[i].y < p[first].x + p[first].y ? i : first;
    }
    int32_t x0 = INT32_MAX, y0 = INT32_MAX, x1 = INT32_MIN, y1 = INT32_MIN;
    for (int i = 0; i < 4; i++) {
        point_t c = p[(first + i * step) % 4];
        q->corner[i][0] = c.x + roi.x;
        q->corner[i][1] = c.y + roi.y;
        x0 = vis_min(x0, c.x);
        y0 = vis_min(y0, c.y);
        x1 = vis_max(x1, c.x);
        y1 = vis_max(y1, c.y);
    }
    q->x = x0 + roi.x;
    q->y = y0 + roi.y;
    q->w = x1 - x0 + 1;
    q->h = y1 - y0 + 1;
    q->magnitude = sum > INT32_MAX ? INT32_MAX : (int32_t)sum;
    return true;
}

static bool same_quad(const vis_quad_t *a, const vis_quad_t *b) {
    return abs(a->x - b->x) < 6 && abs(a->y - b->y) < 6 && abs(a->w - b->w) < 10 && abs(a->h - b->h) < 10;
}

static int add_quad(vis_list_t *out, vis_work_t *w, const vis_quad_t *q) {
    for (size_t i = 0; i < out->n; i++) {
        vis_quad_t *o = vis_item(out, i);
        if (same_quad(o, q)) {
            *o = o->magnitude >= q->magnitude ? *o : *q;
            return 0;
        }
    }
    vis_quad_t *o = vis_list_add(w, out);
    if (!o) {
        return -ENOMEM;
    }
    *o = *q;
    return 0;
}

int vis_find_rects(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, uint32_t threshold) {
    *out = (vis_list_t) { .size = sizeof(vis_quad_t) };
    uint8_t *gray = vis_gray(w, img, roi), *cls = vis_alloc(w, (size_t)roi.w * (size_t)roi.h);
    vis_list_t runs = { .size = sizeof(run_t) };
    int ret = gray && cls ? classify(cls, w, gray, roi.w, roi.h) : -ENOMEM;
    ret = ret ? ret : find_runs(&runs, w, cls, roi.w, roi.h);
    if (ret || runs.n == 0) {
        return ret;
    }
    // The runs of one part chained in order: next[i], beginning at the root.
    run_t *r = runs.items;
    uint32_t *next = vis_alloc(w, runs.n * 4), *last = vis_alloc(w, runs.n * 4);
    point_t *points = vis_alloc(w, (size_t)roi.h * 2 * sizeof(point_t));
    point_t *hull = vis_alloc(w, ((size_t)roi.h * 4 + 8) * sizeof(point_t));
    if (!next || !last || !points || !hull) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < runs.n; i++) {
        uint32_t root = root_of(r, i);
        next[i] = UINT32_MAX;
        if (root == i) {
            last[i] = i;
        } else {
            next[last[root]] = i;
            last[root] = i;
        }
    }
    for (uint32_t i = 0; i < runs.n; i++) {
        if (r[i].root != i) {
            continue;
        }
        image_port_poll();
        size_t n = 0;
        int32_t y = -1;
        for (uint32_t k = i; k != UINT32_MAX; k = next[k]) {
            if (r[k].y != y) {
                y = r[k].y;
                points[n++] = (point_t) { r[k].x0, y };
                points[n++] = (point_t) { r[k].x1, y };
            } else {
                points[n - 1].x = r[k].x1;
            }
        }
        if (n < 2 * MIN_SIDE) {
            continue;
        }
        size_t m = hull_of(hull, points, n);
        double whole = area_of(hull, m);
        if (m < 4 || whole < MIN_SIDE * MIN_SIDE) {
            continue;
        }
        reduce(hull, m);
        vis_quad_t q;
        if (area_of(hull, 4) < whole * 0.85 || !make_quad(&q, gray, roi, hull) || (uint32_t)q.magnitude < threshold) {
            continue;
        }
        if ((ret = add_quad(out, w, &q))) {
            return ret;
        }
    }
    return 0;
}
