// SPDX-License-Identifier: MIT
// Lines across and down the picture for bar codes; equal texts at neighbouring places are one code.
#include <errno.h>
#include <string.h>

#include "bars.h"

#define BLOCK (16)
#define MIN_CONTRAST (24)

typedef struct {
    uint8_t *line;
    int32_t *run, *back;
    int32_t *at;            // where every run begins, 1/256 pixel
    uint8_t *limit;
} scan_t;

// The level that separates bars from paper around every block of pixels.
static void limits(scan_t *s, int32_t n) {
    int32_t blocks = (n + BLOCK - 1) / BLOCK;
    for (int32_t k = 0; k < blocks; k++) {
        int lo = 255, hi = 0;
        int32_t from = (k - 1) * BLOCK, to = (k + 2) * BLOCK;
        for (int32_t i = from < 0 ? 0 : from; i < to && i < n; i++) {
            lo = s->line[i] < lo ? s->line[i] : lo;
            hi = s->line[i] > hi ? s->line[i] : hi;
        }
        // Without contrast everything is paper.
        s->limit[k] = (uint8_t)(hi - lo < MIN_CONTRAST ? 0 : (lo + hi + 1) / 2);
    }
}

// Runs with the crossing of the limit interpolated between two pixels.
static size_t find_runs(scan_t *s, int32_t n) {
    size_t runs = 0;
    int32_t start = 0;
    bool dark = false;
    limits(s, n);
    for (int32_t i = 0; i < n; i++) {
        int32_t t = s->limit[i / BLOCK], v = s->line[i];
        if ((v < t) == dark) {
            continue;
        }
        int32_t at = i * 256, before = i ? s->line[i - 1] : v;
        if (before != v && (before - t) * (v - t) <= 0) {
            at = (i - 1) * 256 + 128 + (before - t) * 256 / (before - v);
        } else {
            at += 128;
        }
        at = at < start ? start : at;
        s->at[runs] = start;
        s->run[runs++] = at - start;
        start = at;
        dark = !dark;
    }
    s->at[runs] = start;
    s->run[runs++] = n * 256 - start;
    return runs;
}

static int add(vis_list_t *out, vis_work_t *w, const bar_text_t *t, bool down, int32_t line, int32_t from, int32_t to,
    bool backwards) {
    int32_t x0 = down ? line : from, x1 = down ? line : to, y0 = down ? from : line, y1 = down ? to : line;
    for (size_t i = 0; i < out->n; i++) {
        code_bar_t *c = (code_bar_t *)out->items + i;
        if (c->type != (int)t->type || c->len != t->len || memcmp(c->payload, t->text, t->len) || x0 > c->x1 + 40 ||
            c->x0 > x1 + 40 || y0 > c->y1 + 40 || c->y0 > y1 + 40) {
            continue;
        }
        c->x0 = x0 < c->x0 ? x0 : c->x0;
        c->y0 = y0 < c->y0 ? y0 : c->y0;
        c->x1 = x1 > c->x1 ? x1 : c->x1;
        c->y1 = y1 > c->y1 ? y1 : c->y1;
        c->quality++;
        return 0;
    }
    code_bar_t *c = vis_list_add(w, out);
    if (!c) {
        return -ENOMEM;
    }
    c->x0 = x0;
    c->y0 = y0;
    c->x1 = x1;
    c->y1 = y1;
    c->type = t->type;
    c->quality = 1;
    c->rotation = (float)(down ? 1.5707963267948966 : 0) + (float)(backwards ? 3.141592653589793 : 0);
    c->len = t->len;
    memcpy(c->payload, t->text, t->len);
    return 0;
}

static int scan_line(scan_t *s, vis_list_t *out, vis_work_t *w, int32_t n, bool down, int32_t line, image_rect_t roi) {
    size_t runs = find_runs(s, n);
    for (int backwards = 0; backwards < 2; backwards++) {
        bars_t b = { s->run, runs };
        if (backwards) {
            // The line must begin with a gap from this side, too.
            size_t k = 0;
            if (runs % 2 == 0) {
                s->back[k++] = 0;
            }
            for (size_t i = 0; i < runs; i++) {
                s->back[k++] = s->run[runs - 1 - i];
            }
            b = (bars_t) { s->back, k };
        }
        size_t from = 1;
        bar_text_t t;
        while (bars_decode(&b, &from, &t)) {
            size_t first = t.first, last = t.last;
            if (backwards) {
                size_t shift = b.n - runs;
                first = runs - 1 - (t.last - shift);
                last = runs - 1 - (t.first - shift);
            }
            int32_t start = s->at[first] / 256, end = (s->at[last] + s->run[last]) / 256;
            int32_t base = down ? roi.y : roi.x;
            int ret = add(out, w, &t, down, line + (down ? roi.x : roi.y), start + base, end + base, backwards);
            if (ret) {
                return ret;
            }
        }
    }
    return 0;
}

int code_find_bars(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi) {
    *out = (vis_list_t) { .size = sizeof(code_bar_t) };
    int32_t longest = roi.w > roi.h ? roi.w : roi.h;
    size_t room = (size_t)longest + 2;
    uint8_t *gray = vis_gray(w, img, roi);
    scan_t s = { vis_alloc(w, room), vis_alloc(w, room * 4), vis_alloc(w, room * 4), vis_alloc(w, room * 4),
                 vis_alloc(w, room / BLOCK + 2) };
    if (!gray || !s.line || !s.run || !s.back || !s.at || !s.limit) {
        return -ENOMEM;
    }
    for (int down = 0; down < 2; down++) {
        int32_t lines = down ? roi.w : roi.h, n = down ? roi.h : roi.w;
        for (int32_t k = 0; k < lines; k += 2) {
            if (k % 16 == 0) {
                image_port_poll();
            }
            for (int32_t i = 0; i < n; i++) {
                s.line[i] = down ? gray[(size_t)i * (size_t)roi.w + (size_t)k] : gray[(size_t)k * (size_t)roi.w + (size_t)i];
            }
            int ret = scan_line(&s, out, w, n, down, k, roi);
            if (ret) {
                return ret;
            }
        }
    }
    // One line alone may be chance, unless its symbology has a strong check.
    size_t kept = 0;
    code_bar_t *c = out->items;
    for (size_t i = 0; i < out->n; i++) {
        if (c[i].quality < 2 && c[i].type != CODE_CODE128 && c[i].type != CODE_CODE93) {
            continue;
        }
        const int32_t corner[4][2] = { { c[i].x0, c[i].y0 }, { c[i].x1, c[i].y0 }, { c[i].x1, c[i].y1 }, { c[i].x0, c[i].y1 } };
        memcpy(c[i].corner, corner, sizeof(corner));
        c[kept++] = c[i];
    }
    out->n = kept;
    return 0;
}
