// SPDX-License-Identifier: MIT
// Histograms and what follows from them.
#include <string.h>

#include "vision_priv.h"

vis_scale_t vis_scale(image_format_t format, unsigned channel) {
    if (format == IMAGE_RGB565) {
        return channel == 0 ? (vis_scale_t) { 0, 100 } : (vis_scale_t) { -128, 127 };
    }
    return format == IMAGE_BINARY ? (vis_scale_t) { 0, 1 } : (vis_scale_t) { 0, 255 };
}

static int wanted(vis_match_t *match, size_t n, bool invert, uint32_t pixel) {
    if (n == 0) {
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        if (vis_match(match + i, pixel)) {
            return !invert;
        }
    }
    return invert;
}

// Counts of raw pixel values first: only as many colours as there are go through L*a*b*.
int vis_histogram(vis_hist_t *h, vis_work_t *w, const image_t *img, image_rect_t roi, const vis_range_t *ranges,
    size_t n, bool invert, const unsigned bins[3]) {
    size_t values = img->format == IMAGE_RGB565 ? 65536 : 256;
    uint32_t *count = vis_zalloc(w, values * sizeof(*count));
    vis_match_t *match = vis_alloc(w, (n + 1) * sizeof(*match));
    if (!count || !match) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        if (vis_match_init(match + i, w, img->format, ranges + i)) {
            return -ENOMEM;
        }
    }
    h->channels = vis_channels(img);
    for (unsigned c = 0; c < h->channels; c++) {
        vis_scale_t s = vis_scale(img->format, c);
        h->bins[c] = bins[c] ? bins[c] : (unsigned)(s.hi - s.lo + 1);
        if (h->bins[c] > VIS_MAX_BINS) {
            return -EINVAL;
        }
        h->bin[c] = vis_zalloc(w, h->bins[c] * sizeof(float));
        if (!h->bin[c]) {
            return -ENOMEM;
        }
    }
    for (int32_t y = roi.y; y < roi.y + roi.h; y++) {
        size_t at = (size_t)y * (size_t)img->w + (size_t)roi.x, end = at + (size_t)roi.w;
        if (img->format == IMAGE_RGB565) {
            for (const uint16_t *p = (const uint16_t *)(const void *)img->pix; at < end; at++) {
                count[p[at]]++;
            }
        } else if (img->format == IMAGE_GRAYSCALE) {
            for (; at < end; at++) {
                count[img->pix[at]]++;
            }
        } else {
            for (int32_t x = roi.x; x < roi.x + roi.w; x++) {
                count[image_get(img, x, y)]++;
            }
        }
    }
    uint64_t total = 0;
    for (size_t v = 0; v < values; v++) {
        if (count[v] && !wanted(match, n, invert, (uint32_t)v)) {
            count[v] = 0;
        }
        total += count[v];
    }
    for (size_t v = 0; v < values && total; v++) {
        if (count[v] == 0) {
            continue;
        }
        int8_t lab[3];
        int value[3] = { (int)v, 0, 0 };
        if (h->channels == 3) {
            uint8_t r, g, b;
            image_pixel_to_rgb((uint16_t)v, &r, &g, &b);
            vis_rgb_to_lab(r, g, b, lab);
            value[0] = lab[0];
            value[1] = lab[1];
            value[2] = lab[2];
        }
        for (unsigned c = 0; c < h->channels; c++) {
            vis_scale_t s = vis_scale(img->format, c);
            unsigned b = (unsigned)(((value[c] - s.lo) * (int)(h->bins[c] - 1) + (s.hi - s.lo) / 2) / (s.hi - s.lo));
            // Counts are whole numbers below 2^24 in any picture that fits, so that floats add up exactly.
            h->bin[c][b] += (float)count[v];
        }
    }
    for (unsigned c = 0; c < h->channels && total; c++) {
        for (unsigned i = 0; i < h->bins[c]; i++) {
            h->bin[c][i] /= (float)total;
        }
    }
    return 0;
}

static int value_of(unsigned i, unsigned n, vis_scale_t s) {
    return n < 2 ? s.lo : s.lo + (int)((i * (unsigned)(s.hi - s.lo) + (n - 1) / 2) / (n - 1));
}

int vis_percentile(const float *bin, unsigned n, vis_scale_t s, float p) {
    double sum = 0, want = p - 1e-6;
    unsigned i;
    for (i = 0; i + 1 < n; i++) {
        sum += (double)bin[i];
        if (sum >= want && sum > 0) {
            break;
        }
    }
    return value_of(i, n, s);
}

vis_stats_t vis_statistics(const float *bin, unsigned n, vis_scale_t s) {
    vis_stats_t out = { 0 };
    double mean = 0, square = 0, sum = 0;
    unsigned best = 0, first = n, last = 0;
    for (unsigned i = 0; i < n; i++) {
        double v = value_of(i, n, s), p = (double)bin[i];
        sum += p;
        mean += v * p;
        square += v * v * p;
        best = bin[i] > bin[best] ? i : best;
        if (bin[i] > 0) {
            first = first == n ? i : first;
            last = i;
        }
    }
    if (!(sum > 0)) {
        return out;
    }
    double variance = square - mean * mean;
    out.mean = (int)floor(mean + 0.5);
    out.stdev = (int)floor(sqrt(variance > 0 ? variance : 0) + 0.5);
    out.median = vis_percentile(bin, n, s, 0.5f);
    out.lq = vis_percentile(bin, n, s, 0.25f);
    out.uq = vis_percentile(bin, n, s, 0.75f);
    out.mode = value_of(best, n, s);
    out.min = value_of(first, n, s);
    out.max = value_of(last, n, s);
    return out;
}

// Otsu: the split that leaves the classes farthest apart.
int vis_otsu(const float *bin, unsigned n, vis_scale_t s) {
    double all = 0, mean = 0, below = 0, part = 0, best = -1;
    unsigned at = 0;
    for (unsigned i = 0; i < n; i++) {
        all += (double)bin[i];
        mean += i * (double)bin[i];
    }
    for (unsigned i = 0; i + 1 < n; i++) {
        below += (double)bin[i];
        part += i * (double)bin[i];
        double above = all - below;
        if (below <= 1e-9 || above <= 1e-9) {
            continue;
        }
        double d = part / below - (mean - part) / above, between = below * above * d * d;
        if (between > best * (1 + 1e-9)) {
            best = between;
            at = i;
        }
    }
    return value_of(at, n, s);
}

// Structural similarity of 8x8 windows: mean, spread and extremes over the windows.
int vis_similarity(vis_similarity_t *out, vis_work_t *w, const image_t *a, const image_t *b) {
    image_rect_t all = { 0, 0, a->w, a->h };
    uint8_t *ga = vis_gray(w, a, all), *gb = vis_gray(w, b, all);
    if (!ga || !gb) {
        return -ENOMEM;
    }
    double sum = 0, square = 0, lo = 1, hi = -1;
    unsigned count = 0;
    for (int32_t y = 0; y < a->h; y += 8) {
        for (int32_t x = 0; x < a->w; x += 8) {
            int32_t w8 = vis_min(8, a->w - x), h8 = vis_min(8, a->h - y), n = w8 * h8;
            int64_t sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
            for (int32_t j = 0; j < h8; j++) {
                size_t at = (size_t)(y + j) * (size_t)a->w + (size_t)x;
                for (int32_t i = 0; i < w8; i++) {
                    int32_t p = ga[at + (size_t)i], q = gb[at + (size_t)i];
                    sa += p;
                    sb += q;
                    saa += p * p;
                    sbb += q * q;
                    sab += p * q;
                }
            }
            double ma = (double)sa / n, mb = (double)sb / n, c1 = 6.5025, c2 = 58.5225;
            double va = (double)saa / n - ma * ma, vb = (double)sbb / n - mb * mb, cov = (double)sab / n - ma * mb;
            double s = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
            sum += s;
            square += s * s;
            lo = s < lo ? s : lo;
            hi = s > hi ? s : hi;
            count++;
        }
    }
    double mean = sum / count, variance = square / count - mean * mean;
    *out = (vis_similarity_t) { (float)mean, (float)sqrt(variance > 0 ? variance : 0), (float)lo, (float)hi };
    return 0;
}
