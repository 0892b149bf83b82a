// SPDX-License-Identifier: MIT
// Pooling and transforms that move pixels.
#include <string.h>

#include "vision_priv.h"

static uint32_t from_channels(const image_t *img, const uint32_t c[3]) {
    return img->format == IMAGE_RGB565 ? image_rgb_to_pixel(c[0], c[1], c[2]) : img->format == IMAGE_BINARY ? c[0] >= 128 : c[0];
}

void vis_mean_pool(image_t *dst, const image_t *src, int32_t xd, int32_t yd) {
    uint32_t n = (uint32_t)(xd * yd);
    for (int32_t y = 0; y < dst->h; y++) {
        for (int32_t x = 0; x < dst->w; x++) {
            uint64_t sum[3] = { 0 };
            for (int32_t j = 0; j < yd; j++) {
                for (int32_t i = 0; i < xd; i++) {
                    uint8_t r, g, b;
                    image_color_to_rgb(src->format, image_get(src, x * xd + i, y * yd + j), &r, &g, &b);
                    sum[0] += r;
                    sum[1] += g;
                    sum[2] += b;
                }
            }
            const uint32_t c[3] = { (uint32_t)(sum[0] / n), (uint32_t)(sum[1] / n), (uint32_t)(sum[2] / n) };
            image_set(dst, x, y, from_channels(dst, c));
        }
    }
}

void vis_midpoint_pool(image_t *dst, const image_t *src, int32_t xd, int32_t yd, float bias) {
    uint32_t part = bias > 0 ? bias < 1 ? (uint32_t)lrintf(bias * 256) : 256 : 0;
    for (int32_t y = 0; y < dst->h; y++) {
        for (int32_t x = 0; x < dst->w; x++) {
            uint8_t lo[3] = { 255, 255, 255 }, hi[3] = { 0 }, p[3];
            for (int32_t j = 0; j < yd; j++) {
                for (int32_t i = 0; i < xd; i++) {
                    image_color_to_rgb(src->format, image_get(src, x * xd + i, y * yd + j), &p[0], &p[1], &p[2]);
                    for (int c = 0; c < 3; c++) {
                        lo[c] = p[c] < lo[c] ? p[c] : lo[c];
                        hi[c] = p[c] > hi[c] ? p[c] : hi[c];
                    }
                }
            }
            uint32_t c[3];
            for (int k = 0; k < 3; k++) {
                c[k] = (lo[k] * (256 - part) + hi[k] * part) >> 8;
            }
            image_set(dst, x, y, from_channels(dst, c));
        }
    }
}

// Every pixel from where at() says; outside of the picture is black.
typedef struct {
    double p[12];
} map_t;

// A pixel of src, by its format's own way; the place is inside.
static inline void copy_pixel(image_t *img, const image_t *src, size_t to, int32_t x, int32_t y, int32_t sx, int32_t sy) {
    size_t from = (size_t)sy * (size_t)src->w + (size_t)sx;
    if (img->format == IMAGE_RGB565) {
        ((uint16_t *)(void *)img->pix)[to] = ((const uint16_t *)(const void *)src->pix)[from];
    } else if (img->format == IMAGE_GRAYSCALE) {
        img->pix[to] = src->pix[from];
    } else {
        image_set(img, x, y, image_get(src, sx, sy));
    }
}

// Inlined for every at().
__attribute__((always_inline)) static inline int resample(image_t *img, vis_work_t *w,
    void (*at)(const map_t *m, double x, double y, double *sx, double *sy), const map_t *map) {
    image_t src;
    map_t m = *map;
    int ret = vis_clone(&src, w, img);
    if (ret) {
        return ret;
    }
    double right = img->w - 0.5, below = img->h - 0.5;
    image_clear(img);
    for (int32_t y = 0; y < img->h; y++) {
        image_port_poll();
        size_t to = (size_t)y * (size_t)img->w;
        for (int32_t x = 0; x < img->w; x++, to++) {
            double sx, sy;
            at(&m, x, y, &sx, &sy);
            // Also false for numbers that are none.
            if (sx > -0.5 && sy > -0.5 && sx < right && sy < below) {
                copy_pixel(img, &src, to, x, y, (int32_t)(sx + 0.5), (int32_t)(sy + 0.5));
            }
        }
    }
    vis_free(w, src.pix);
    return 0;
}

// Rows above and below the middle at the same distance take their pixels from places that differ in the sign of y only.
static void lens_rows(image_t *img, const image_t *src, int32_t dy, double *scale, double strength, double zoom) {
    int32_t cx = img->w / 2, cy = img->h / 2;
    double right = img->w - 0.5, below = img->h - 0.5;
    for (int32_t x = 0; x <= cx; x++) {
        double dx = x, r = sqrt(dx * dx + (double)dy * dy) * strength;
        scale[x] = (r > 1e-9 ? atan(r) / r : 1) * zoom;
    }
    for (int side = dy ? -1 : 1; side <= 1; side += 2) {
        int32_t y = cy + side * dy;
        if (y < 0 || y >= img->h) {
            continue;
        }
        size_t to = (size_t)y * (size_t)img->w;
        for (int32_t x = 0; x < img->w; x++) {
            int32_t dx = x - cx;
            double s = scale[dx < 0 ? -dx : dx], sx = cx + dx * s, sy = cy + side * dy * s;
            // Also false for numbers that are none.
            if (sx > -0.5 && sy > -0.5 && sx < right && sy < below) {
                copy_pixel(img, src, to + (size_t)x, x, y, (int32_t)(sx + 0.5), (int32_t)(sy + 0.5));
            }
        }
    }
}

int vis_lens_corr(image_t *img, vis_work_t *w, float strength, float zoom) {
    double diagonal = hypot(img->w, img->h), *scale = vis_alloc(w, ((size_t)img->w / 2 + 1) * sizeof(double));
    image_t src;
    if (!scale || vis_clone(&src, w, img)) {
        return -ENOMEM;
    }
    image_clear(img);
    for (int32_t dy = 0; dy <= img->h / 2; dy++) {
        image_port_poll();
        lens_rows(img, &src, dy, scale, (double)strength / diagonal, 1 / (double)zoom);
    }
    vis_free(w, src.pix);
    vis_free(w, scale);
    return 0;
}

static inline void homography_at(const map_t *m, double x, double y, double *sx, double *sy) {
    double z = m->p[6] * x + m->p[7] * y + m->p[8];
    if (!(z > 1e-9 || z < -1e-9)) {
        *sx = *sy = -1;
        return;
    }
    *sx = (m->p[0] * x + m->p[1] * y + m->p[2]) / z;
    *sy = (m->p[3] * x + m->p[4] * y + m->p[5]) / z;
}

// Gaussian elimination of n equations with the right side in column n.
static bool solve(double *a, int n) {
    int cols = n + 1;
    for (int i = 0; i < n; i++) {
        int best = i;
        for (int r = i + 1; r < n; r++) {
            best = fabs(a[r * cols + i]) > fabs(a[best * cols + i]) ? r : best;
        }
        if (!(fabs(a[best * cols + i]) > 1e-9)) {
            return false;
        }
        for (int c = 0; c < cols; c++) {
            double t = a[i * cols + c];
            a[i * cols + c] = a[best * cols + c];
            a[best * cols + c] = t;
        }
        for (int r = 0; r < n; r++) {
            double f = a[r * cols + i] / a[i * cols + i];
            for (int c = i; r != i && c < cols; c++) {
                a[r * cols + c] -= f * a[i * cols + c];
            }
        }
    }
    for (int i = 0; i < n; i++) {
        a[i * cols + n] /= a[i * cols + i];
    }
    return true;
}

int vis_homography(const float from[4][2], const float to[4][2], float h[9]) {
    double a[8 * 9] = { 0 };
    for (int i = 0; i < 4; i++) {
        double x = (double)from[i][0], y = (double)from[i][1], u = (double)to[i][0], v = (double)to[i][1];
        const double rows[2][9] = { { x, y, 1, 0, 0, 0, -u * x, -u * y, u }, { 0, 0, 0, x, y, 1, -v * x, -v * y, v } };
        memcpy(a + i * 18, rows, sizeof(rows));
    }
    if (!solve(a, 8)) {
        return -EINVAL;
    }
    for (int i = 0; i < 8; i++) {
        h[i] = (float)a[i * 9 + 8];
    }
    h[8] = 1;
    return 0;
}

static void multiply(double out[9], const double *a, const double *b) {
    for (int i = 0; i < 9; i++) {
        out[i] = 0;
        for (int k = 0; k < 3; k++) {
            out[i] += a[i / 3 * 3 + k] * b[k * 3 + i % 3];
        }
    }
}

static bool invert3(double out[9], const double *m) {
    double det = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
    if (!(fabs(det) > 1e-12)) {
        return false;
    }
    const double c[9] = {
        m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
        m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
        m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3],
    };
    for (int i = 0; i < 9; i++) {
        out[i] = c[i] / det;
    }
    return true;
}

// The picture as a sheet in space, seen by a camera at the distance that its field of view asks for.
int vis_rotation_corr(image_t *img, vis_work_t *w, const vis_rotation_t *r) {
    double cx = img->w / 2.0, cy = img->h / 2.0, rad = VIS_PI / 180;
    double z = hypot(img->w, img->h) / 2 / tan((double)r->fov * rad / 2);
    double ax = (double)r->x_rotation * rad, ay = (double)r->y_rotation * rad, az = (double)r->z_rotation * rad;
    const double rx[9] = { 1, 0, 0, 0, cos(ax), -sin(ax), 0, sin(ax), cos(ax) };
    const double ry[9] = { cos(ay), 0, sin(ay), 0, 1, 0, -sin(ay), 0, cos(ay) };
    const double rz[9] = { cos(az), -sin(az), 0, sin(az), cos(az), 0, 0, 0, 1 };
    double a[9], rot[9], m[9], inverse[9];
    multiply(a, ry, rz);
    multiply(rot, rx, a);
    // Columns 0 and 1 move on the sheet; the middle of the picture is its origin.
    double f = z * (double)r->zoom, sheet[9];
    for (int i = 0; i < 3; i++) {
        double t = i == 0 ? (double)r->x_translation : i == 1 ? (double)r->y_translation : z;
        sheet[i * 3] = rot[i * 3];
        sheet[i * 3 + 1] = rot[i * 3 + 1];
        sheet[i * 3 + 2] = t - rot[i * 3] * cx - rot[i * 3 + 1] * cy;
    }
    const double camera[9] = { f, 0, cx, 0, f, cy, 0, 0, 1 };
    multiply(m, camera, sheet);
    if (!invert3(inverse, m)) {
        return -EINVAL;
    }
    map_t map;
    memcpy(map.p, inverse, sizeof(inverse));
    if (r->corners) {
        const float ends[4][2] = {
            { 0, 0 }, { (float)(img->w - 1), 0 }, { (float)(img->w - 1), (float)(img->h - 1) }, { 0, (float)(img->h - 1) },
        };
        float h[9];
        if (vis_homography(ends, r->corners, h)) {
            return -EINVAL;
        }
        double hd[9];
        for (int i = 0; i < 9; i++) {
            hd[i] = (double)h[i];
        }
        multiply(map.p, hd, inverse);
    }
    return resample(img, w, homography_at, &map);
}

// p: half width, half height, width, height, farthest distance, log, reverse
static inline void polar_at(const map_t *m, double x, double y, double *sx, double *sy) {
    double far = m->p[4];
    if (m->p[6] > 0) {
        double dx = x - m->p[0], dy = y - m->p[1], r = hypot(dx, dy), angle = atan2(dy, dx);
        angle += angle < 0 ? 2 * VIS_PI : 0;
        *sx = angle * m->p[2] / (2 * VIS_PI);
        *sy = (m->p[5] > 0 ? log(r < 1 ? 1 : r) / log(far) : r / far) * (m->p[3] - 1);
        *sx = *sx >= m->p[2] - 0.5 ? 0 : *sx;
    } else {
        double angle = x * 2 * VIS_PI / m->p[2], part = m->p[3] > 1 ? y / (m->p[3] - 1) : 0;
        double r = m->p[5] > 0 ? exp(part * log(far)) : part * far;
        *sx = m->p[0] + r * cos(angle);
        *sy = m->p[1] + r * sin(angle);
    }
}

int vis_polar(image_t *img, vis_work_t *w, bool log, bool reverse) {
    double far = hypot(img->w, img->h) / 2;
    map_t m = { { img->w / 2.0, img->h / 2.0, img->w, img->h, far > 1.01 ? far : 1.01, log, reverse } };
    return resample(img, w, polar_at, &m);
}
