// SPDX-License-Identifier: MIT
// Lines, rectangles, circles, ellipses, crosses and arrows.
//
// All shapes are computed row by row as spans, so that the time depends on the picture and not on how
// far outside of it the coordinates are.
#include <math.h>

#include "image_priv.h"

#define PEN_MAX (4095)

// The pen covers offsets lo..hi around a point; its shape is a disc of that diameter.
typedef struct {
    int32_t t, lo, hi;
} pen_t;

static pen_t make_pen(int32_t thickness) {
    int32_t t = thickness > PEN_MAX ? PEN_MAX : thickness;
    return (pen_t) { t, -(t / 2), (t - 1) / 2 };
}

// Horizontal extent of the pen at row offset d.
static void pen_row(const pen_t *pen, int32_t d, int32_t *x0, int32_t *x1) {
    int32_t mid = pen->lo + pen->hi; // twice the centre
    int64_t v = 2 * (int64_t)d - mid;
    int32_t half = (int32_t)image_isqrt((uint64_t)((int64_t)pen->t * pen->t - v * v));
    // |2*x - mid| <= half
    *x0 = -((half - mid) / 2);
    *x1 = (half + mid) / 2;
    if (half + mid < 0) {
        *x1 = *x0;
    }
}

static int64_t div_ceil(int64_t a, int64_t b) {
    return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

// Columns of the one-pixel line from (0, 0) to (dx, dy) in row k, for dx >= 0, dy >= 0, 0 <= k <= dy.
static void line_row(int64_t dx, int64_t dy, int64_t k, int64_t *x0, int64_t *x1) {
    if (dy >= dx) {
        *x0 = *x1 = dy ? (2 * dx * k + dy) / (2 * dy) : 0;
        return;
    }
    if (dy == 0) {
        *x0 = 0;
        *x1 = dx;
        return;
    }
    // The pixel of column x is in row (2*dy*x + dx) / (2*dx).
    int64_t first = div_ceil(2 * dx * k - dx, 2 * dy);
    int64_t last = div_ceil(2 * dx * (k + 1) - dx, 2 * dy) - 1;
    *x0 = first < 0 ? 0 : first;
    *x1 = last > dx ? dx : last;
}

void image_draw_line(image_t *img, int32_t x0, int32_t y0, int32_t x1, int32_t y1, uint32_t color,
    int32_t thickness) {
    if (thickness < 1) {
        return;
    }
    x0 = image_clamp_coord(x0);
    y0 = image_clamp_coord(y0);
    x1 = image_clamp_coord(x1);
    y1 = image_clamp_coord(y1);
    if (y1 < y0) {
        int32_t t = y0;
        y0 = y1;
        y1 = t;
        t = x0;
        x0 = x1;
        x1 = t;
    }
    bool left = x1 < x0;
    int64_t dx = left ? (int64_t)x0 - x1 : (int64_t)x1 - x0, dy = (int64_t)y1 - y0;
    pen_t pen = make_pen(thickness);

    int64_t top = (int64_t)y0 + pen.lo, bottom = (int64_t)y1 + pen.hi;
    top = top < 0 ? 0 : top;
    bottom = bottom >= img->h ? img->h - 1 : bottom;
    for (int64_t y = top; y <= bottom; y++) {
        int64_t from = INT64_MAX, to = INT64_MIN;
        int32_t d0 = y - y1 > pen.lo ? (int32_t)(y - y1) : pen.lo;
        int32_t d1 = y - y0 < pen.hi ? (int32_t)(y - y0) : pen.hi;
        for (int32_t d = d0; d <= d1; d++) {
            int64_t a, b;
            int32_t p0, p1;
            line_row(dx, dy, y - d - y0, &a, &b);
            pen_row(&pen, d, &p0, &p1);
            int64_t xa = (left ? x0 - b : x0 + a) + p0, xb = (left ? x0 - a : x0 + b) + p1;
            from = xa < from ? xa : from;
            to = xb > to ? xb : to;
        }
        if (from <= to) {
            image_span(img, from, to, (int32_t)y, color);
        }
    }
}

void image_draw_rectangle(image_t *img, int32_t x, int32_t y, int32_t w, int32_t h, uint32_t color,
    int32_t thickness, bool fill) {
    if (w < 1 || h < 1) {
        return;
    }
    int64_t x0 = x, y0 = y, x1 = x0 + w - 1, y1 = y0 + h - 1;
    if (fill) {
        image_box(img, x0, y0, x1, y1, color);
        return;
    }
    if (thickness < 1) {
        return;
    }
    int64_t out = thickness / 2, in = (thickness - 1) / 2;
    int64_t hx0 = x0 + in + 1, hy0 = y0 + in + 1, hx1 = x1 - out - 1, hy1 = y1 - out - 1; // the hole
    int64_t ox0 = x0 - out, oy0 = y0 - out, ox1 = x1 + in, oy1 = y1 + in;
    if (hx0 > hx1 || hy0 > hy1) {
        image_box(img, ox0, oy0, ox1, oy1, color);
        return;
    }
    image_box(img, ox0, oy0, ox1, hy0 - 1, color);
    image_box(img, ox0, hy1 + 1, ox1, oy1, color);
    image_box(img, ox0, hy0, hx0 - 1, hy1, color);
    image_box(img, hx1 + 1, hy0, ox1, hy1, color);
}

// Half width of a disc of radius r at row distance d, -1 outside. r*r + r instead of r*r rounds the
// edge to the nearest pixel.
static int64_t disc_row(int64_t r, int64_t d) {
    int64_t v = r * r + r - d * d;
    return r < 0 || v < 0 ? -1 : (int64_t)image_isqrt((uint64_t)v);
}

void image_draw_circle(image_t *img, int32_t cx, int32_t cy, int32_t r, uint32_t color,
    int32_t thickness, bool fill) {
    if (r < 0 || (!fill && thickness < 1)) {
        return;
    }
    cx = image_clamp_coord(cx);
    cy = image_clamp_coord(cy);
    r = image_clamp_coord(r);
    int64_t outer = fill ? r : r + (image_clamp_coord(thickness) - 1) / 2;
    int64_t inner = fill ? -1 : (int64_t)r - image_clamp_coord(thickness) / 2 - 1;
    for (int32_t y = 0; y < img->h; y++) {
        int64_t d = (int64_t)y - cy, wo = disc_row(outer, d), wi = disc_row(inner, d);
        if (wo < 0) {
            continue;
        }
        if (wi < 0) {
            image_span(img, cx - wo, cx + wo, y, color);
        } else {
            image_span(img, cx - wo, cx - wi - 1, y, color);
            image_span(img, cx + wi + 1, cx + wo, y, color);
        }
    }
}

// An ellipse as the quadratic form a*x*x + 2*b*x*y + c*y*y <= 1; false when a radius is not positive.
typedef struct {
    double a, b, c;
} quad_t;

static bool make_quad(quad_t *q, double rx, double ry, int32_t rotation) {
    if (rx <= 0 || ry <= 0) {
        return false;
    }
    double t = (rotation % 360) * 3.14159265358979 / 180, cs = cos(t), sn = sin(t);
    double ix = 1 / (rx * rx), iy = 1 / (ry * ry);
    *q = (quad_t) { cs * cs * ix + sn * sn * iy, cs * sn * (ix - iy), sn * sn * ix + cs * cs * iy };
    return true;
}

static bool quad_row(const quad_t *q, double y, int64_t *x0, int64_t *x1) {
    double mid = -q->b * y / q->a, disc = mid * mid - (q->c * y * y - 1) / q->a;
    if (disc < 0) {
        return false;
    }
    double half = sqrt(disc);
    *x0 = (int64_t)ceil(mid - half);
    *x1 = (int64_t)floor(mid + half);
    return *x0 <= *x1;
}

void image_draw_ellipse(image_t *img, int32_t cx, int32_t cy, int32_t rx, int32_t ry, int32_t rotation,
    uint32_t color, int32_t thickness, bool fill) {
    if (rx < 0 || ry < 0 || (!fill && thickness < 1)) {
        return;
    }
    cx = image_clamp_coord(cx);
    cy = image_clamp_coord(cy);
    double t = image_clamp_coord(thickness);
    double grow = fill ? 0.5 : (t - (int32_t)t / 2) - 0.5;
    double w = image_clamp_coord(rx), h = image_clamp_coord(ry);
    quad_t outer, inner;
    make_quad(&outer, w + grow, h + grow, rotation);
    bool hole = !fill && make_quad(&inner, w + grow - t, h + grow - t, rotation);
    for (int32_t y = 0; y < img->h; y++) {
        int64_t o0, o1, i0, i1;
        double d = (double)y - cy;
        if (!quad_row(&outer, d, &o0, &o1)) {
            continue;
        }
        if (hole && quad_row(&inner, d, &i0, &i1)) {
            image_span(img, cx + o0, cx + i0 - 1, y, color);
            image_span(img, cx + i1 + 1, cx + o1, y, color);
        } else {
            image_span(img, cx + o0, cx + o1, y, color);
        }
    }
}

void image_draw_cross(image_t *img, int32_t x, int32_t y, uint32_t color, int32_t size, int32_t thickness) {
    int64_t s = size;
    image_draw_line(img, image_clamp_coord(x - s), y, image_clamp_coord(x + s), y, color, thickness);
    image_draw_line(img, x, image_clamp_coord(y - s), x, image_clamp_coord(y + s), color, thickness);
}

void image_draw_arrow(image_t *img, int32_t x0, int32_t y0, int32_t x1, int32_t y1, uint32_t color,
    int32_t size, int32_t thickness) {
    image_draw_line(img, x0, y0, x1, y1, color, thickness);
    double dx = (double)x1 - x0, dy = (double)y1 - y0, len = sqrt(dx * dx + dy * dy);
    if (len < 1 || size < 1) {
        return;
    }
    // The two strokes of the head lie size pixels back and half of that to either side.
    dx *= size / len;
    dy *= size / len;
    for (int side = -1; side <= 1; side += 2) {
        double hx = x1 - dx - side * dy / 2, hy = y1 - dy + side * dx / 2;
        image_draw_line(img, image_clamp_coord(llrint(hx)), image_clamp_coord(llrint(hy)), x1, y1, color,
            thickness);
    }
}
