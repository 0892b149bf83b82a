// SPDX-License-Identifier: MIT
// Lines and circles by voting of the gradients.
#include <stdlib.h>
#include <string.h>

#include "vision_priv.h"

#define THETAS (180)
#define MIN_GRADIENT (126)

static void tables(float *cs, float *sn) {
    for (int i = 0; i < THETAS; i++) {
        cs[i] = (float)cos(i * VIS_PI / 180);
        sn[i] = (float)sin(i * VIS_PI / 180);
    }
}

// Angles wrap around: 179 and 0 are neighbours, with rho of opposite sign.
static bool same_line(const vis_line_t *a, const vis_line_t *b, int32_t theta_margin, int32_t rho_margin) {
    int32_t dt = abs(a->theta - b->theta), rho = b->rho;
    if (dt > 90) {
        dt = 180 - dt;
        rho = -rho;
    }
    return dt < theta_margin && abs(a->rho - rho) < rho_margin;
}

// The stronger of two lines that are one takes the mean, weighted by the votes.
static void merge_lines(vis_list_t *lines, int32_t theta_margin, int32_t rho_margin) {
    vis_line_t *l = lines->items;
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < lines->n; i++) {
            for (size_t j = i + 1; j < lines->n; j++) {
                if (!same_line(l + i, l + j, theta_margin, rho_margin)) {
                    continue;
                }
                int64_t a = l[i].magnitude, b = l[j].magnitude, theta = l[j].theta, rho = l[j].rho;
                if (theta - l[i].theta > 90) {
                    theta -= 180;
                    rho = -rho;
                } else if (l[i].theta - theta > 90) {
                    theta += 180;
                    rho = -rho;
                }
                theta = (l[i].theta * a + theta * b) / (a + b);
                rho = (l[i].rho * a + rho * b) / (a + b);
                if (theta < 0 || theta >= 180) {
                    theta += theta < 0 ? 180 : -180;
                    rho = -rho;
                }
                l[i].theta = (int32_t)theta;
                l[i].rho = (int32_t)rho;
                l[i].magnitude = (int32_t)((a + b) / 2);
                memmove(l + j, l + j + 1, (lines->n - j - 1) * sizeof(*l));
                lines->n--;
                j--;
                again = true;
            }
        }
    }
}

static int by_magnitude(const void *a, const void *b) {
    int32_t x = ((const vis_line_t *)a)->magnitude, y = ((const vis_line_t *)b)->magnitude;
    return x < y ? 1 : x > y ? -1 : 0;
}

#define MAX_PEAKS (1000)

int vis_find_lines(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, int32_t x_stride,
    int32_t y_stride, uint32_t threshold, int32_t theta_margin, int32_t rho_margin) {
    *out = (vis_list_t) { .size = sizeof(vis_line_t) };
    int32_t half = (int32_t)ceil(hypot(roi.w, roi.h)) + 1, rhos = 2 * half + 1;
    uint32_t *votes = vis_zalloc(w, (size_t)rhos * THETAS * sizeof(*votes));
    uint8_t *gray = vis_gray(w, img, roi);
    float cs[THETAS], sn[THETAS];
    if (!votes || !gray) {
        return -ENOMEM;
    }
    tables(cs, sn);
    for (int32_t y = 1; y < roi.h - 1; y += y_stride) {
        image_port_poll();
        for (int32_t x = 1 + y % x_stride; x < roi.w - 1; x += x_stride) {
            int32_t gx, gy;
            vis_sobel(gray + (size_t)y * (size_t)roi.w + (size_t)x, roi.w, &gx, &gy);
            if (abs(gx) + abs(gy) < MIN_GRADIENT) {
                continue;
            }
            int32_t theta = (int32_t)lrintf(atan2f((float)gy, (float)gx) * (float)(180 / VIS_PI));
            theta = (theta + 360) % 180;
            int32_t rho = (int32_t)lrintf((float)x * cs[theta] + (float)y * sn[theta]);
            votes[(size_t)(rho + half) * THETAS + (size_t)theta] += (uint32_t)sqrtf((float)(gx * gx + gy * gy));
        }
    }
    for (int32_t r = 1; r < rhos - 1; r++) {
        for (int32_t t = 0; t < THETAS; t++) {
            const uint32_t *v = votes + (size_t)r * THETAS + t;
            if (*v < threshold || *v == 0) {
                continue;
            }
            bool peak = true;
            for (int32_t i = -1; i <= 1 && peak; i++) {
                for (int32_t j = -1; j <= 1 && peak; j++) {
                    int32_t rr = r + i, tt = t + j;
                    if (tt < 0 || tt >= THETAS) {
                        tt += tt < 0 ? THETAS : -THETAS;
                        rr = rhos - 1 - rr;
                    }
                    uint32_t other = votes[(size_t)rr * THETAS + (size_t)tt];
                    peak = i > 0 || (i == 0 && j > 0) ? *v >= other : (i == 0 && j == 0) || *v > other;
                }
            }
            if (!peak) {
                continue;
            }
            vis_line_t *l = vis_list_add(w, out);
            if (!l) {
                return -ENOMEM;
            }
            l->theta = t;
            l->rho = r - half;
            l->magnitude = *v > INT32_MAX ? INT32_MAX : (int32_t)*v;
        }
    }
    vis_free(w, votes);
    if (out->n) {
        qsort(out->items, out->n, sizeof(vis_line_t), by_magnitude);
    }
    out->n = out->n > MAX_PEAKS ? MAX_PEAKS : out->n;
    merge_lines(out, theta_margin, rho_margin);
    size_t kept = 0;
    for (size_t i = 0; i < out->n; i++) {
        vis_line_t *l = vis_item(out, i);
        if (vis_line_ends(l, roi)) {
            *(vis_line_t *)vis_item(out, kept++) = *l;
        }
    }
    out->n = kept;
    return 0;
}

// ---- circles ------------------------------------------------------------------------------------

typedef struct {
    int16_t x, y;
    int16_t mag;
    float ux, uy;   // unit vector of the gradient
} edge_t;

static int by_votes(const void *a, const void *b) {
    int32_t x = ((const vis_circle_t *)a)->magnitude, y = ((const vis_circle_t *)b)->magnitude;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void merge_circles(vis_list_t *circles, const vis_circle_options_t *o) {
    // Strongest first: it swallows what is near.
    vis_circle_t *c = circles->items;
    if (circles->n) {
        qsort(c, circles->n, sizeof(*c), by_votes);
    }
    for (size_t i = 0; i < circles->n; i++) {
        size_t kept = i + 1;
        for (size_t j = i + 1; j < circles->n; j++) {
            bool same = abs(c[i].x - c[j].x) < o->x_margin && abs(c[i].y - c[j].y) < o->y_margin &&
                abs(c[i].r - c[j].r) < o->r_margin;
            if (!same) {
                c[kept++] = c[j];
            }
        }
        circles->n = kept;
    }
}

int vis_find_circles(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, const vis_circle_options_t *o) {
    *out = (vis_list_t) { .size = sizeof(vis_circle_t) };
    size_t n = (size_t)roi.w * (size_t)roi.h;
    uint8_t *gray = vis_gray(w, img, roi);
    uint32_t *votes = vis_alloc(w, n * sizeof(*votes));
    vis_list_t edges = { .size = sizeof(edge_t) };
    if (!gray || !votes) {
        return -ENOMEM;
    }
    for (int32_t y = 1; y < roi.h - 1; y += o->y_stride) {
        for (int32_t x = 1 + y % o->x_stride; x < roi.w - 1; x += o->x_stride) {
            int32_t gx, gy;
            vis_sobel(gray + (size_t)y * (size_t)roi.w + (size_t)x, roi.w, &gx, &gy);
            if (abs(gx) + abs(gy) < MIN_GRADIENT) {
                continue;
            }
            edge_t *e = vis_list_add(w, &edges);
            if (!e) {
                return -ENOMEM;
            }
            float mag = sqrtf((float)(gx * gx + gy * gy));
            *e = (edge_t) { (int16_t)x, (int16_t)y, (int16_t)mag, (float)gx / mag, (float)gy / mag };
        }
    }
    const edge_t *e = edges.items;
    for (int32_t r = o->r_min; r < o->r_max; r += o->r_step) {
        image_port_poll();
        memset(votes, 0, n * sizeof(*votes));
        for (size_t i = 0; i < edges.n; i++) {
            // The middle lies along the gradient, on the dark or on the bright side.
            for (int side = -1; side <= 1; side += 2) {
                int32_t x = (int32_t)lrintf((float)e[i].x + (float)(side * r) * e[i].ux);
                int32_t y = (int32_t)lrintf((float)e[i].y + (float)(side * r) * e[i].uy);
                if (x >= 0 && x < roi.w && y >= 0 && y < roi.h) {
                    votes[(size_t)y * (size_t)roi.w + (size_t)x] += (uint32_t)e[i].mag;
                }
            }
        }
        for (int32_t y = 1; y < roi.h - 1; y++) {
            for (int32_t x = 1; x < roi.w - 1; x++) {
                const uint32_t *v = votes + (size_t)y * (size_t)roi.w + (size_t)x;
                if (*v < (uint32_t)o->threshold || *v == 0) {
                    continue;
                }
                bool peak = true;
                for (int k = 0; k < 9 && peak; k++) {
                    uint32_t other = v[(k / 3 - 1) * roi.w + k % 3 - 1];
                    peak = k > 4 ? *v >= other : k == 4 || *v > other;
                }
                // The whole circle lies in the picture.
                if (!peak || x - r < 0 || x + r >= roi.w || y - r < 0 || y + r >= roi.h) {
                    continue;
                }
                vis_circle_t *c = vis_list_add(w, out);
                if (!c) {
                    return -ENOMEM;
                }
                *c = (vis_circle_t) { roi.x + x, roi.y + y, r, *v > INT32_MAX ? INT32_MAX : (int32_t)*v };
            }
        }
    }
    merge_circles(out, o);
    return 0;
}
