// SPDX-License-Identifier: MIT
// Growing regions of similar pixels: flood_fill() and cartoon().
#include <string.h>

#include "vision_priv.h"

typedef struct {
    const image_t *img;
    const image_t *mask;
    uint8_t *state;         // per pixel: 0 untouched, 1 in the region at work, 2 done
    uint32_t *queue;
    int32_t seed_limit[3], floating_limit[3];
} grow_t;

static void limits(int32_t out[3], const image_t *img, float share) {
    share = share >= 0 ? share < 1 ? share : 1 : 0; // NaN becomes 0
    for (unsigned c = 0; c < 3; c++) {
        out[c] = (int32_t)lrintf(share * 255);
    }
    (void)img;
}

static void channels_of(const image_t *img, uint32_t at, uint8_t c[3]) {
    image_color_to_rgb(img->format, image_get(img, (int32_t)(at % (uint32_t)img->w), (int32_t)(at / (uint32_t)img->w)),
        &c[0], &c[1], &c[2]);
}

static bool near(const uint8_t a[3], const uint8_t b[3], const int32_t limit[3]) {
    for (int c = 0; c < 3; c++) {
        int32_t d = a[c] - b[c];
        if ((d < 0 ? -d : d) > limit[c]) {
            return false;
        }
    }
    return true;
}

static int grow_init(grow_t *g, vis_work_t *w, const image_t *img, float seed, float floating, const image_t *mask) {
    size_t n = vis_pixels(img);
    *g = (grow_t) { img, mask, vis_zalloc(w, n), vis_alloc(w, n * sizeof(uint32_t)), { 0 }, { 0 } };
    if (!g->state || !g->queue) {
        return -ENOMEM;
    }
    limits(g->seed_limit, img, seed);
    limits(g->floating_limit, img, floating);
    if (mask) {
        for (size_t i = 0; i < n; i++) {
            g->state[i] = image_get(mask, (int32_t)(i % (size_t)img->w), (int32_t)(i / (size_t)img->w)) ? 0 : 2;
        }
    }
    return 0;
}

// Marks the region of the pixel start with 1 and lists it in the queue; returns its size.
static size_t grow(grow_t *g, uint32_t start) {
    const image_t *img = g->img;
    uint32_t w = (uint32_t)img->w, n = (uint32_t)vis_pixels(img);
    size_t head = 0, tail = 0;
    uint8_t seed[3], here[3], there[3];
    channels_of(img, start, seed);
    g->state[start] = 1;
    g->queue[tail++] = start;
    while (head < tail) {
        uint32_t p = g->queue[head++];
        if (head % 4096 == 0) {
            image_port_poll();
        }
        channels_of(img, p, here);
        const uint32_t next[4] = { p % w ? p - 1 : n, p % w + 1 < w ? p + 1 : n, p >= w ? p - w : n, p + w };
        for (int i = 0; i < 4; i++) {
            uint32_t q = next[i];
            if (q >= n || g->state[q]) {
                continue;
            }
            channels_of(img, q, there);
            if (near(there, seed, g->seed_limit) && near(there, here, g->floating_limit)) {
                g->state[q] = 1;
                g->queue[tail++] = q;
            }
        }
    }
    return tail;
}

int vis_flood_fill(image_t *img, vis_work_t *w, int32_t x, int32_t y, float seed, float floating, uint32_t color,
    bool invert, bool clear_background, const image_t *mask) {
    grow_t g;
    if (!image_inside(img, x, y)) {
        return 0;
    }
    int ret = grow_init(&g, w, img, seed, floating, mask);
    if (ret) {
        return ret;
    }
    uint32_t start = (uint32_t)y * (uint32_t)img->w + (uint32_t)x;
    if (g.state[start] == 0) {
        grow(&g, start);
    }
    for (int32_t j = 0; j < img->h; j++) {
        for (int32_t i = 0; i < img->w; i++) {
            uint8_t s = g.state[(size_t)j * (size_t)img->w + (size_t)i];
            if ((s == 1) != invert && (s != 2 || !mask)) {
                image_set(img, i, j, color);
            } else if (clear_background && !(mask && s == 2)) {
                image_set(img, i, j, 0);
            }
        }
    }
    return 0;
}

// Every region gets its mean colour.
int vis_cartoon(image_t *img, vis_work_t *w, float seed, float floating, const image_t *mask) {
    grow_t g;
    int ret = grow_init(&g, w, img, seed, floating, mask);
    if (ret) {
        return ret;
    }
    for (uint32_t p = 0; p < vis_pixels(img); p++) {
        if (g.state[p]) {
            continue;
        }
        size_t n = grow(&g, p);
        uint64_t sum[3] = { 0 };
        uint8_t c[3];
        for (size_t i = 0; i < n; i++) {
            channels_of(img, g.queue[i], c);
            sum[0] += c[0];
            sum[1] += c[1];
            sum[2] += c[2];
        }
        uint32_t mean;
        if (img->format == IMAGE_RGB565) {
            mean = image_rgb_to_pixel((unsigned)(sum[0] / n), (unsigned)(sum[1] / n), (unsigned)(sum[2] / n));
        } else {
            mean = (uint32_t)(img->format == IMAGE_BINARY ? sum[0] / n >= 128 : sum[0] / n);
        }
        for (size_t i = 0; i < n; i++) {
            uint32_t q = g.queue[i];
            g.state[q] = 2;
            image_set(img, (int32_t)(q % (uint32_t)img->w), (int32_t)(q / (uint32_t)img->w), mean);
        }
    }
    return 0;
}

// ---- the largest connected domain ---------------------------------------------------------------

typedef struct {
    uint32_t start;
    size_t size;
} domain_t;

// How much of its extent the longest border of a domain fills: a frame or bar fills it all.
static void border_shares(const grow_t *g, size_t n, float *across, float *down) {
    uint32_t w = (uint32_t)g->img->w, x0 = w, x1 = 0, y0 = UINT32_MAX, y1 = 0, count[4] = { 0 };
    for (size_t i = 0; i < n; i++) {
        uint32_t x = g->queue[i] % w, y = g->queue[i] / w;
        x0 = x < x0 ? x : x0;
        x1 = x > x1 ? x : x1;
        y0 = y < y0 ? y : y0;
        y1 = y > y1 ? y : y1;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t x = g->queue[i] % w, y = g->queue[i] / w;
        count[0] += y == y0;
        count[1] += y == y1;
        count[2] += x == x0;
        count[3] += x == x1;
    }
    *across = (float)(count[0] > count[1] ? count[0] : count[1]) / (float)(x1 - x0 + 1);
    *down = (float)(count[2] > count[3] ? count[2] : count[3]) / (float)(y1 - y0 + 1);
}

int vis_find_domain(image_t *out, vis_work_t *w, const image_t *img, float edge_gate) {
    grow_t g;
    int ret = grow_init(&g, w, img, 1, 1, NULL);
    if (ret) {
        return ret;
    }
    size_t n = vis_pixels(img);
    domain_t best[2] = { { 0, 0 }, { 0, 0 } };
    for (size_t i = 0; i < n; i++) {
        g.state[i] = img->pix[i] ? 0 : 2;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (g.state[i]) {
            continue;
        }
        domain_t d = { i, grow(&g, i) };
        if (d.size > best[0].size) {
            best[1] = best[0];
            best[0] = d;
        } else if (d.size > best[1].size) {
            best[1] = d;
        }
    }
    if (best[0].size == 0) {
        return 0;
    }
    unsigned use = 0;
    if (best[1].size >= (size_t)(img->w + img->h)) {
        // Two large ones: the first that is no frame.
        bool open[2];
        for (unsigned k = 0; k < 2; k++) {
            for (size_t i = 0; i < n; i++) {
                g.state[i] = img->pix[i] ? 0 : 2;
            }
            float across, down;
            size_t size = grow(&g, best[k].start);
            border_shares(&g, size, &across, &down);
            open[k] = across < edge_gate || down < edge_gate;
        }
        use = !open[0] && open[1];
    }
    for (size_t i = 0; i < n; i++) {
        g.state[i] = img->pix[i] ? 0 : 2;
    }
    size_t size = grow(&g, best[use].start);
    image_clear(out);
    for (size_t i = 0; i < size; i++) {
        image_set(out, (int32_t)(g.queue[i] % (uint32_t)img->w), (int32_t)(g.queue[i] / (uint32_t)img->w), 1);
    }
    return 1;
}
