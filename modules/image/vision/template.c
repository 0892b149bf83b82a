// SPDX-License-Identifier: MIT
// Template matching by normalised cross-correlation.
#include "vision_priv.h"

typedef struct {
    const uint8_t *img, *tmpl;
    int32_t w, h, tw, th;       // of the searched part and the template
    uint32_t *sum;              // integral images with a zero row and column
    uint64_t *square;
    double mean, norm;          // of the template
} match_t;

static uint64_t box(const match_t *m, int32_t x, int32_t y, bool squares) {
    size_t s = (size_t)m->w + 1, a = (size_t)y * s + (size_t)x, b = a + (size_t)m->th * s;
    size_t tw = (size_t)m->tw;
    if (squares) {
        return m->square[b + tw] - m->square[b] - m->square[a + tw] + m->square[a];
    }
    return (uint32_t)(m->sum[b + tw] - m->sum[b] - m->sum[a + tw] + m->sum[a]);
}

// -1..1; 0 where the picture or the template has no contrast.
static float correlation(const match_t *m, int32_t x, int32_t y) {
    double n = (double)m->tw * m->th, mean = (double)box(m, x, y, false) / n;
    double norm = (double)box(m, x, y, true) - n * mean * mean;
    if (!(norm > 1e-6 && m->norm > 1e-6)) {
        return 0;
    }
    uint64_t sum = 0;
    for (int32_t j = 0; j < m->th; j++) {
        const uint8_t *p = m->img + (size_t)(y + j) * (size_t)m->w + (size_t)x, *t = m->tmpl + (size_t)j * (size_t)m->tw;
        uint32_t row = 0;
        for (int32_t i = 0; i < m->tw; i++) {
            row += (uint32_t)p[i] * t[i];
        }
        sum += row;
    }
    return (float)(((double)sum - n * mean * m->mean) / sqrt(norm * m->norm));
}

static int prepare(match_t *m, vis_work_t *w) {
    size_t s = (size_t)m->w + 1;
    m->sum = vis_zalloc(w, s * ((size_t)m->h + 1) * sizeof(*m->sum));
    m->square = vis_zalloc(w, s * ((size_t)m->h + 1) * sizeof(*m->square));
    if (!m->sum || !m->square) {
        return -ENOMEM;
    }
    for (int32_t y = 0; y < m->h; y++) {
        uint32_t row = 0;
        uint64_t row2 = 0;
        for (int32_t x = 0; x < m->w; x++) {
            uint32_t v = m->img[(size_t)y * (size_t)m->w + (size_t)x];
            size_t at = ((size_t)y + 1) * s + (size_t)x + 1;
            row += v;
            row2 += v * v;
            m->sum[at] = m->sum[at - s] + row;
            m->square[at] = m->square[at - s] + row2;
        }
    }
    double sum = 0, square = 0, n = (double)m->tw * m->th;
    for (size_t i = 0; i < (size_t)m->tw * (size_t)m->th; i++) {
        sum += m->tmpl[i];
        square += (double)m->tmpl[i] * m->tmpl[i];
    }
    m->mean = sum / n;
    m->norm = square - n * m->mean * m->mean;
    return 0;
}

typedef struct {
    int32_t x, y;
    float score;
} best_t;

static bool try_at(const match_t *m, int32_t x, int32_t y, best_t *b) {
    if (x < 0 || y < 0 || x > m->w - m->tw || y > m->h - m->th) {
        return false;
    }
    float s = correlation(m, x, y);
    if (s > b->score) {
        *b = (best_t) { x, y, s };
        return true;
    }
    return false;
}

static void exhaustive(const match_t *m, int32_t step, best_t *b) {
    for (int32_t y = 0; y <= m->h - m->th; y += step) {
        image_port_poll();
        for (int32_t x = 0; x <= m->w - m->tw; x += step) {
            try_at(m, x, y, b);
        }
    }
    // What the steps passed over around the best place.
    best_t around = *b;
    for (int32_t y = around.y - step + 1; y < around.y + step; y++) {
        for (int32_t x = around.x - step + 1; x < around.x + step; x++) {
            try_at(m, x, y, b);
        }
    }
}

// Diamond search: from the middle to the best of eight places around until none is better, then
// with half the distance.
static void diamond(const match_t *m, int32_t step, best_t *b) {
    static const int8_t around[8][2] = { { 0, -2 }, { 1, -1 }, { 2, 0 }, { 1, 1 }, { 0, 2 }, { -1, 1 }, { -2, 0 }, { -1, -1 } };
    try_at(m, (m->w - m->tw) / 2, (m->h - m->th) / 2, b);
    for (int32_t size = vis_max(vis_max(m->w - m->tw, m->h - m->th) / 8, step); size >= 1; size /= 2) {
        for (bool better = true; better;) {
            better = false;
            best_t from = *b;
            image_port_poll();
            for (int i = 0; i < 8; i++) {
                better |= try_at(m, from.x + around[i][0] * size, from.y + around[i][1] * size, b);
            }
        }
    }
    best_t from = *b;
    for (int k = 0; k < 9; k++) {
        try_at(m, from.x + k % 3 - 1, from.y + k / 3 - 1, b);
    }
}

int vis_find_template(image_rect_t *at, float *score, vis_work_t *w, const image_t *img, image_rect_t roi,
    const image_t *tmpl, float threshold, int32_t step, bool use_diamond) {
    if (tmpl->w > roi.w || tmpl->h > roi.h) {
        return 0;
    }
    match_t m = { .img = vis_gray(w, img, roi), .tmpl = vis_gray(w, tmpl, (image_rect_t) { 0, 0, tmpl->w, tmpl->h }),
                  .w = roi.w, .h = roi.h, .tw = tmpl->w, .th = tmpl->h };
    int ret = m.img && m.tmpl ? prepare(&m, w) : -ENOMEM;
    if (ret) {
        return ret;
    }
    best_t best = { 0, 0, -2 };
    if (use_diamond) {
        diamond(&m, step, &best);
    } else {
        exhaustive(&m, step, &best);
    }
    *at = (image_rect_t) { roi.x + best.x, roi.y + best.y, tmpl->w, tmpl->h };
    *score = best.score;
    return best.score >= threshold;
}
