// SPDX-License-Identifier: MIT
// How one picture is moved (or turned and scaled) against another: phase correlation.
#include <string.h>

#include "vision_priv.h"

typedef struct {
    float re, im;
} cpx_t;

// In place, n a power of two, elements step apart; twiddle[k] = exp(-2 pi i k / max), max >= n.
static void fft(cpx_t *a, size_t n, size_t step, const cpx_t *twiddle, size_t max) {
    for (size_t i = 1, j = 0; i < n; i++) {
        size_t bit = n >> 1;
        for (; j & bit; bit >>= 1) {
            j ^= bit;
        }
        j ^= bit;
        if (i < j) {
            cpx_t t = a[i * step];
            a[i * step] = a[j * step];
            a[j * step] = t;
        }
    }
    for (size_t len = 2; len <= n; len <<= 1) {
        for (size_t i = 0; i < n; i += len) {
            for (size_t k = 0; k < len / 2; k++) {
                cpx_t f = twiddle[k * (max / len)];
                cpx_t *p = a + (i + k) * step, *q = a + (i + k + len / 2) * step;
                cpx_t v = { q->re * f.re - q->im * f.im, q->re * f.im + q->im * f.re };
                *q = (cpx_t) { p->re - v.re, p->im - v.im };
                *p = (cpx_t) { p->re + v.re, p->im + v.im };
            }
        }
    }
}

static void fft2(cpx_t *a, size_t w, size_t h, const cpx_t *twiddle, size_t max) {
    for (size_t y = 0; y < h; y++) {
        fft(a + y * w, w, 1, twiddle, max);
        image_port_poll();
    }
    for (size_t x = 0; x < w; x++) {
        fft(a + x, h, w, twiddle, max);
        image_port_poll();
    }
}

static size_t power_of_two(int32_t n) {
    size_t p = 1;
    while (p < (size_t)n) {
        p <<= 1;
    }
    return p;
}

// Two pictures of w*h gray levels: *dx, *dy is where a lies against b; *response how sure that is.
static int correlate(vis_work_t *work, const uint8_t *a, const uint8_t *b, int32_t w, int32_t h, bool window, float *dx,
    float *dy, float *response) {
    size_t fw = power_of_two(w), fh = power_of_two(h), max = fw > fh ? fw : fh, n = fw * fh;
    cpx_t *z = vis_zalloc(work, n * sizeof(*z)), *twiddle = vis_alloc(work, (max / 2 + 1) * sizeof(*twiddle));
    if (!z || !twiddle) {
        return -ENOMEM;
    }
    for (size_t k = 0; k <= max / 2; k++) {
        double t = -2 * VIS_PI * (double)k / (double)max;
        twiddle[k] = (cpx_t) { (float)cos(t), (float)sin(t) };
    }
    double ma = 0, mb = 0;
    for (size_t i = 0; i < (size_t)w * (size_t)h; i++) {
        ma += a[i];
        mb += b[i];
    }
    ma /= (double)w * h;
    mb /= (double)w * h;
    // Both pictures in one transform, as real and imaginary part; the window keeps the borders out.
    for (int32_t y = 0; y < h; y++) {
        float wy = window ? 0.5f - 0.5f * cosf((float)(2 * VIS_PI) * ((float)y + 0.5f) / (float)h) : 1;
        for (int32_t x = 0; x < w; x++) {
            float wx = window ? 0.5f - 0.5f * cosf((float)(2 * VIS_PI) * ((float)x + 0.5f) / (float)w) : 1;
            size_t i = (size_t)y * (size_t)w + (size_t)x;
            z[(size_t)y * fw + (size_t)x] = (cpx_t) { ((float)a[i] - (float)ma) * wx * wy, ((float)b[i] - (float)mb) * wx * wy };
        }
    }
    fft2(z, fw, fh, twiddle, max);
    for (size_t y = 0; y < fh; y++) {
        for (size_t x = 0; x < fw; x++) {
            size_t i = y * fw + x, j = (fh - y) % fh * fw + (fw - x) % fw;
            if (i > j) {
                continue;
            }
            cpx_t p = z[i], q = z[j];
            cpx_t fa = { (p.re + q.re) / 2, (p.im - q.im) / 2 }, fb = { (p.im + q.im) / 2, (q.re - p.re) / 2 };
            // conj(A) * B: the inverse transform as a forward one of the conjugate.
            cpx_t c = { fa.re * fb.re + fa.im * fb.im, fa.re * fb.im - fa.im * fb.re };
            float len = sqrtf(c.re * c.re + c.im * c.im);
            c = len > 1e-3f ? (cpx_t) { c.re / len, c.im / len } : (cpx_t) { 0, 0 };
            z[i] = c;
            z[j] = (cpx_t) { c.re, -c.im };
        }
    }
    fft2(z, fw, fh, twiddle, max);
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        best = z[i].re > z[best].re ? i : best;
    }
    // Between the pixels: the centre of mass of the peak.
    int32_t bx = (int32_t)(best % fw), by = (int32_t)(best / fw);
    double sum = 0, sx = 0, sy = 0;
    for (int32_t j = -2; j <= 2; j++) {
        for (int32_t i = -2; i <= 2; i++) {
            size_t px = (size_t)(bx + i + (int32_t)fw) % fw, py = (size_t)(by + j + (int32_t)fh) % fh;
            double v = (double)z[py * fw + px].re;
            if (v > (double)z[best].re / 10) {
                sum += v;
                sx += v * i;
                sy += v * j;
            }
        }
    }
    *dx = (float)(bx > (int32_t)fw / 2 ? bx - (int32_t)fw : bx);
    *dy = (float)(by > (int32_t)fh / 2 ? by - (int32_t)fh : by);
    if (sum > 0) {
        *dx += (float)(sx / sum);
        *dy += (float)(sy / sum);
    }
    float r = (float)(sum / (double)n);
    *response = r > 1 ? 1 : r;
    vis_free(work, z);
    vis_free(work, twiddle);
    return 0;
}

static uint8_t sample(const uint8_t *p, int32_t w, int32_t h, float x, float y) {
    if (!(x >= 0 && y >= 0 && x <= (float)(w - 1) && y <= (float)(h - 1))) {
        return 0;
    }
    int32_t x0 = (int32_t)x, y0 = (int32_t)y, x1 = vis_min(x0 + 1, w - 1), y1 = vis_min(y0 + 1, h - 1);
    float fx = x - (float)x0, fy = y - (float)y0;
    float top = (float)p[y0 * w + x0] * (1 - fx) + (float)p[y0 * w + x1] * fx;
    float low = (float)p[y1 * w + x0] * (1 - fx) + (float)p[y1 * w + x1] * fx;
    return (uint8_t)(top * (1 - fy) + low * fy + 0.5f);
}

// Rows: logarithm of the distance from the middle; columns: the angle.
static uint8_t *log_polar(vis_work_t *work, const uint8_t *p, int32_t w, int32_t h) {
    uint8_t *out = vis_alloc(work, (size_t)w * (size_t)h);
    if (!out) {
        return NULL;
    }
    float far = logf((float)vis_max(vis_min(w, h) / 2, 2));
    for (int32_t y = 0; y < h; y++) {
        float r = expf((float)y / (float)h * far);
        for (int32_t x = 0; x < w; x++) {
            float a = (float)x / (float)w * (float)(2 * VIS_PI);
            out[(size_t)y * (size_t)w + (size_t)x] = sample(p, w, h, (float)w / 2 + r * cosf(a), (float)h / 2 + r * sinf(a));
        }
    }
    return out;
}

static int rotation_scale(vis_displacement_t *out, vis_work_t *work, const uint8_t *a, const uint8_t *b, int32_t w, int32_t h) {
    uint8_t *la = log_polar(work, a, w, h), *lb = log_polar(work, b, w, h);
    float dx, dy;
    if (!la || !lb) {
        return -ENOMEM;
    }
    int ret = correlate(work, la, lb, w, h, false, &dx, &dy, &out->response);
    float angle = dx / (float)w * (float)(2 * VIS_PI);
    out->rotation = angle > (float)VIS_PI ? angle - (float)(2 * VIS_PI) : angle < -(float)VIS_PI ? angle + (float)(2 * VIS_PI) : angle;
    out->scale = expf(dy / (float)h * logf((float)vis_max(vis_min(w, h) / 2, 2)));
    vis_free(work, la);
    vis_free(work, lb);
    return ret;
}

int vis_displacement(vis_displacement_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, const image_t *tmpl,
    image_rect_t tmpl_roi, bool logpolar, bool fix_rotation_scale) {
    *out = (vis_displacement_t) { 0, 0, 0, 1, 0 };
    roi.w = tmpl_roi.w = vis_min(roi.w, tmpl_roi.w);
    roi.h = tmpl_roi.h = vis_min(roi.h, tmpl_roi.h);
    uint8_t *a = vis_gray(w, img, roi), *b = vis_gray(w, tmpl, tmpl_roi);
    if (!a || !b) {
        return -ENOMEM;
    }
    if (logpolar || fix_rotation_scale) {
        int ret = rotation_scale(out, w, a, b, roi.w, roi.h);
        if (ret || logpolar) {
            return ret;
        }
        // Turn and scale the template as the picture is.
        uint8_t *turned = vis_alloc(w, (size_t)roi.w * (size_t)roi.h);
        if (!turned) {
            return -ENOMEM;
        }
        float cs = cosf(out->rotation) / out->scale, sn = sinf(out->rotation) / out->scale;
        for (int32_t y = 0; y < roi.h; y++) {
            for (int32_t x = 0; x < roi.w; x++) {
                float px = (float)x - (float)roi.w / 2, py = (float)y - (float)roi.h / 2;
                turned[(size_t)y * (size_t)roi.w + (size_t)x] = sample(b, roi.w, roi.h, px * cs + py * sn + (float)roi.w / 2,
                    py * cs - px * sn + (float)roi.h / 2);
            }
        }
        b = turned;
    }
    return correlate(w, a, b, roi.w, roi.h, true, &out->x, &out->y, &out->response);
}
