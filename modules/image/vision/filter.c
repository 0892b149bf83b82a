// SPDX-License-Identifier: MIT
// Filters over a square window. The rows of the window are kept as they were before the filter, so
// that everything works in place.
#include <string.h>

#include "vision_priv.h"

typedef struct {
    const vis_filter_args_t *a;
    int32_t w, h, k;
    size_t row_bytes;       // of a padded row of all channels
    size_t stride;          // of a padded row of one channel: w + 2k
    uint8_t *rows;          // ring of 2k+1 padded rows
    const uint8_t **line;   // the rows of the window from top to bottom, one channel
    const image_t *img;
    uint32_t *column;       // mean: sums of columns
    float *space, *color;   // bilateral weights
} filter_t;

// Row y (clamped) with its ends repeated k times.
static void load_padded(filter_t *f, int32_t y) {
    int32_t n = 2 * f->k + 1;
    uint8_t *to = f->rows + (size_t)((y % n + n) % n) * f->row_bytes, *plain = to + f->row_bytes - (size_t)f->w * vis_channels(f->img);
    int32_t from = vis_clamp(y, 0, f->h - 1);
    // Unpadded at the end of the buffer, then moved apart from the front.
    vis_load_row(f->img, from, plain);
    for (unsigned c = 0; c < vis_channels(f->img); c++) {
        uint8_t *d = to + c * f->stride;
        const uint8_t *s = plain + c * (size_t)f->w;
        uint8_t first = s[0], last;
        memmove(d + f->k, s, (size_t)f->w);
        last = d[f->k + f->w - 1];
        memset(d, first, (size_t)f->k);
        memset(d + f->k + f->w, last, (size_t)f->k);
    }
}

static void mean_row(filter_t *f, uint8_t *out) {
    int32_t n = 2 * f->k + 1, area = n * n;
    size_t width = f->stride;
    memset(f->column, 0, width * sizeof(uint32_t));
    for (int32_t j = 0; j < n; j++) {
        const uint8_t *p = f->line[j];
        for (size_t x = 0; x < width; x++) {
            f->column[x] += p[x];
        }
    }
    uint32_t sum = 0;
    for (int32_t x = 0; x < n - 1; x++) {
        sum += f->column[x];
    }
    for (int32_t x = 0; x < f->w; x++) {
        sum += f->column[x + n - 1];
        out[x] = (uint8_t)((sum + (uint32_t)area / 2) / (uint32_t)area);
        sum -= f->column[x];
    }
}

// A histogram of the window slides right; the percentile follows it.
static void rank_row(filter_t *f, uint8_t *out) {
    int32_t n = 2 * f->k + 1, area = n * n;
    uint16_t count[256] = { 0 };
    int32_t want = (int32_t)lrintf(f->a->percentile * (float)(area - 1));
    for (int32_t j = 0; j < n; j++) {
        for (int32_t x = 0; x < n - 1; x++) {
            count[f->line[j][x]]++;
        }
    }
    int32_t value = 0, below = 0; // below: how many are less than value
    bool first = true;
    for (int32_t x = 0; x < f->w; x++) {
        for (int32_t j = 0; j < n; j++) {
            uint8_t v = f->line[j][x + n - 1];
            count[v]++;
            below += !first && v < value;
        }
        if (f->a->kind == VIS_MODE) {
            int32_t best = 0;
            for (int32_t i = 1; i < 256; i++) {
                best = count[i] > count[best] ? i : best;
            }
            value = best;
        } else {
            if (first) {
                first = false;
            }
            while (below > want) {
                below -= count[--value];
            }
            while (below + count[value] <= want) {
                below += count[value++];
            }
        }
        out[x] = (uint8_t)value;
        for (int32_t j = 0; j < n; j++) {
            uint8_t v = f->line[j][x];
            count[v]--;
            below -= !first && v < value;
        }
    }
}

static void midpoint_row(filter_t *f, uint8_t *out) {
    int32_t n = 2 * f->k + 1;
    uint8_t *lo = (uint8_t *)f->column, *hi = lo + f->stride;
    memcpy(lo, f->line[0], f->stride);
    memcpy(hi, f->line[0], f->stride);
    for (int32_t j = 1; j < n; j++) {
        const uint8_t *p = f->line[j];
        for (size_t x = 0; x < f->stride; x++) {
            lo[x] = p[x] < lo[x] ? p[x] : lo[x];
            hi[x] = p[x] > hi[x] ? p[x] : hi[x];
        }
    }
    int32_t bias = (int32_t)lrintf(f->a->bias * 256);
    for (int32_t x = 0; x < f->w; x++) {
        int32_t a = lo[x], b = hi[x];
        for (int32_t i = 1; i < n; i++) {
            a = lo[x + i] < a ? lo[x + i] : a;
            b = hi[x + i] > b ? hi[x + i] : b;
        }
        out[x] = vis_byte((a * (256 - bias) + b * bias + 128) >> 8);
    }
}

static void conv_row(filter_t *f, uint8_t *out) {
    int32_t n = 2 * f->k + 1;
    // mul as a fraction of 2^24 where that is exact enough, so that no float is needed per pixel.
    for (int32_t x = 0; x < f->w; x++) {
        int64_t sum = 0;
        const int32_t *kernel = f->a->kernel;
        for (int32_t j = 0; j < n; j++) {
            const uint8_t *p = f->line[j] + x;
            for (int32_t i = 0; i < n; i++) {
                sum += (int64_t)*kernel++ * p[i];
            }
        }
        float v = (float)sum * f->a->mul + f->a->add;
        out[x] = v > 0 ? v < 255 ? (uint8_t)(v + 0.5f) : 255 : 0;
    }
}

static void bilateral_row(filter_t *f, uint8_t *out) {
    int32_t n = 2 * f->k + 1;
    for (int32_t x = 0; x < f->w; x++) {
        float sum = 0, weight = 0;
        const float *space = f->space;
        int32_t middle = f->line[f->k][x + f->k];
        for (int32_t j = 0; j < n; j++) {
            const uint8_t *p = f->line[j] + x;
            for (int32_t i = 0; i < n; i++) {
                int32_t d = p[i] - middle;
                float g = *space++ * f->color[d < 0 ? -d : d];
                sum += g * p[i];
                weight += g;
            }
        }
        out[x] = weight > 0 ? vis_byte((int32_t)lrintf(sum / weight)) : (uint8_t)middle;
    }
}

static uint8_t luma(const uint8_t *row, size_t w, size_t x, unsigned channels) {
    return channels == 3 ? image_rgb_to_gray(row[x], row[w + x], row[2 * w + x]) : row[x];
}

int vis_filter(image_t *img, vis_work_t *w, const vis_filter_args_t *a) {
    int32_t n = 2 * a->k + 1;
    unsigned channels = vis_channels(img);
    filter_t f = { .a = a, .w = img->w, .h = img->h, .k = a->k, .img = img };
    f.stride = (size_t)img->w + 2 * (size_t)a->k;
    f.row_bytes = f.stride * channels;
    f.rows = vis_alloc(w, f.row_bytes * (size_t)n);
    f.line = vis_alloc(w, (size_t)n * sizeof(*f.line));
    f.column = vis_alloc(w, f.stride * sizeof(uint32_t));
    uint8_t *out = vis_alloc(w, (size_t)img->w * channels);
    if (!f.rows || !f.line || !f.column || !out) {
        return -ENOMEM;
    }
    if (a->kind == VIS_BILATERAL) {
        f.space = vis_alloc(w, (size_t)(n * n) * sizeof(float));
        f.color = vis_alloc(w, 256 * sizeof(float));
        if (!f.space || !f.color) {
            return -ENOMEM;
        }
        double ss = 2 * (double)a->space_sigma * (double)a->space_sigma, cs = 2 * (double)a->color_sigma * (double)a->color_sigma;
        for (int32_t i = 0; i < n * n; i++) {
            double dx = i % n - a->k, dy = i / n - a->k;
            f.space[i] = (float)exp(-(dx * dx + dy * dy) / ss);
        }
        for (int i = 0; i < 256; i++) {
            f.color[i] = (float)exp(-(i / 255.0) * (i / 255.0) / cs);
        }
    }
    for (int32_t y = -a->k; y < a->k; y++) {
        load_padded(&f, y);
    }
    for (int32_t y = 0; y < img->h; y++) {
        image_port_poll();
        load_padded(&f, y + a->k);
        for (unsigned c = 0; c < channels; c++) {
            for (int32_t j = 0; j < n; j++) {
                int32_t at = y - a->k + j;
                f.line[j] = f.rows + (size_t)((at % n + n) % n) * f.row_bytes + c * f.stride;
            }
            uint8_t *to = out + c * (size_t)img->w;
            switch (a->kind) {
                case VIS_MEAN:
                    mean_row(&f, to);
                    break;
                case VIS_MEDIAN:
                case VIS_MODE:
                    rank_row(&f, to);
                    break;
                case VIS_MIDPOINT:
                    midpoint_row(&f, to);
                    break;
                case VIS_CONV:
                    conv_row(&f, to);
                    break;
                default:
                    bilateral_row(&f, to);
                    break;
            }
        }
        if (a->threshold) {
            const uint8_t *was = f.rows + (size_t)(y % n) * f.row_bytes + (size_t)a->k;
            for (size_t x = 0; x < (size_t)img->w; x++) {
                int32_t limit = luma(out, (size_t)img->w, x, channels) - a->offset;
                uint8_t before = channels == 3 ? image_rgb_to_gray(was[x], was[f.stride + x], was[2 * f.stride + x]) : was[x];
                uint8_t v = (limit < before) != a->invert ? 255 : 0;
                for (unsigned c = 0; c < channels; c++) {
                    out[c * (size_t)img->w + x] = v;
                }
            }
        }
        vis_store_row(img, y, out, a->mask);
    }
    return 0;
}

// A row of Pascal's triangle, and the product of it with itself as kernel; returns the sum.
static int64_t pascal(int32_t k, int32_t *kernel, int sign) {
    int32_t n = 2 * k + 1;
    int64_t row[2 * VIS_MAX_KSIZE + 1], sum = 0;
    row[0] = 1;
    for (int32_t i = 0; i < 2 * k; i++) {
        row[i + 1] = row[i] * (2 * k - i) / (i + 1);
    }
    for (int32_t i = 0; i < n * n; i++) {
        kernel[i] = (int32_t)(sign * row[i / n] * row[i % n]);
        sum += kernel[i];
    }
    return sum;
}

int64_t vis_kernel_gaussian(int32_t k, bool unsharp, int32_t *kernel) {
    int64_t sum = pascal(k, kernel, 1);
    if (unsharp) {
        // Twice the picture less the blurred one.
        kernel[(2 * k + 1) * k + k] -= (int32_t)(2 * sum);
        sum = -sum;
    }
    return sum;
}

int64_t vis_kernel_laplacian(int32_t k, bool sharpen, int32_t *kernel) {
    int64_t sum = pascal(k, kernel, -1);
    int32_t *middle = kernel + (2 * k + 1) * k + k;
    *middle -= (int32_t)sum;
    sum = *middle;
    if (sharpen) {
        *middle += (int32_t)sum;
    }
    return sum;
}
