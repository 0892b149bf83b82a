// SPDX-License-Identifier: MIT
// Filters over a square window. The rows of the window are kept as they were before the filter, so
// that everything works in place.
#include <string.h>

#include "swar.h"
#include "vision_priv.h"

typedef struct {
    const vis_filter_args_t *a;
    int32_t w, h, k;
    int32_t ring;           // rows that are kept: those of the window and the one before
    size_t row_bytes;       // of a padded row of all channels
    size_t stride;          // of a padded row of one channel: lead, k, w, k and what fills up the last word
    size_t lead;            // so that the first pixel begins a word
    uint8_t *rows;
    const uint8_t **line;   // the rows of the window from top to bottom, one channel
    const image_t *img;
    int32_t *column;        // work of a row of one channel
    uint16_t *sums;         // mean: sums of the columns of every channel
    uint8_t *plain;         // a row without its padding
    uint8_t *table;         // convolution: results by sum, from table_from on; median: three rows, sorted
    int32_t table_from;
    bool separable;         // but for what middle adds
    int32_t middle;
    float *space, *color;   // bilateral weights
} filter_t;

static uint8_t *padded(const filter_t *f, int32_t y) {
    return f->rows + (size_t)((y % f->ring + f->ring) % f->ring) * f->row_bytes;
}

// Row y (clamped) with its ends repeated k times.
static void load_padded(filter_t *f, int32_t y) {
    uint8_t *to = padded(f, y);
    vis_load_row(f->img, vis_clamp(y, 0, f->h - 1), f->plain);
    for (unsigned c = 0; c < vis_channels(f->img); c++) {
        uint8_t *d = to + c * f->stride + f->lead + f->k;
        const uint8_t *s = f->plain + c * (size_t)f->w;
        memcpy(d, s, (size_t)f->w);
        memset(d - f->k, s[0], (size_t)f->k);
        memset(d + f->w, s[f->w - 1], (size_t)f->k);
    }
}

// Adds a row to the sums of columns and takes another one away, four columns at a time.
static void slide_sums(filter_t *f, const uint8_t *comes, const uint8_t *goes) {
    uint64_t *sums = (uint64_t *)(void *)f->sums;
    const uint32_t *in = (const uint32_t *)(const void *)comes, *out = (const uint32_t *)(const void *)goes;
    for (size_t i = 0; i < f->row_bytes / 4; i++) {
        sums[i] += swar_spread4(in[i]) - (out ? swar_spread4(out[i]) : 0);
    }
}

static void mean_row(filter_t *f, const uint16_t *column, uint8_t *out) {
    // Dividing is multiplying here: sums are below 2^21, so that 43 bits are exact.
    uint32_t n = 2 * (uint32_t)f->k + 1, area = n * n;
    uint64_t part = ((UINT64_C(1) << 43) + area - 1) / area;
    uint32_t sum = area / 2;
    for (uint32_t x = 0; x < n - 1; x++) {
        sum += column[x];
    }
    const uint16_t *last = column + n - 1, *end = column + f->w;
    for (; column < end; column++, last++) {
        sum += *last;
        *out++ = (uint8_t)(sum * part >> 43);
        sum -= *column;
    }
}

// The median of 3x3, eight pixels at a time: every column sorted, then the middle one of the largest of the smallest,
// the middle of the middles and the smallest of the largest.
static uint64_t median3(uint64_t a, uint64_t b, uint64_t c) {
    swar_sort8(&a, &b);
    swar_sort8(&b, &c);
    swar_sort8(&a, &b);
    return b;
}

static void median9_row(filter_t *f, uint8_t *out) {
    // From the word that ends with the pixel before the first.
    size_t words = f->stride / 8;
    uint64_t *lo = (uint64_t *)(void *)f->table, *mid = lo + words, *hi = mid + words;
    const uint64_t *top = (const uint64_t *)(const void *)(f->line[0] - f->lead);
    const uint64_t *row = (const uint64_t *)(const void *)(f->line[1] - f->lead);
    const uint64_t *low = (const uint64_t *)(const void *)(f->line[2] - f->lead);
    for (size_t i = 0; i < words; i++) {
        uint64_t a = top[i], b = row[i], c = low[i];
        swar_sort8(&a, &b);
        swar_sort8(&b, &c);
        swar_sort8(&a, &b);
        lo[i] = a;
        mid[i] = b;
        hi[i] = c;
    }
    for (size_t x = 0, i = 1; x < (size_t)f->w; x += 8, i++) {
        uint64_t most = lo[i], least = hi[i];
        uint64_t left = lo[i] << 8 | lo[i - 1] >> 56, right = lo[i] >> 8 | lo[i + 1] << 56;
        most += swar_sub8(left, most);
        most += swar_sub8(right, most);
        left = hi[i] << 8 | hi[i - 1] >> 56;
        right = hi[i] >> 8 | hi[i + 1] << 56;
        least -= swar_sub8(least, left);
        least -= swar_sub8(least, right);
        left = mid[i] << 8 | mid[i - 1] >> 56;
        right = mid[i] >> 8 | mid[i + 1] << 56;
        uint64_t v = median3(most, median3(left, mid[i], right), least);
        if (x + 8 <= (size_t)f->w && swar_aligned(out)) {
            *(uint64_t *)(void *)(out + x) = v;
        } else {
            memcpy(out + x, &v, (size_t)f->w - x < 8 ? (size_t)f->w - x : 8);
        }
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
    size_t width = (size_t)f->w + 2 * (size_t)f->k;
    uint8_t *lo = (uint8_t *)f->column, *hi = lo + f->stride;
    memcpy(lo, f->line[0], width);
    memcpy(hi, f->line[0], width);
    for (int32_t j = 1; j < n; j++) {
        const uint8_t *p = f->line[j];
        for (size_t x = 0; x < width; x++) {
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

static uint8_t conv_result(const filter_t *f, int64_t sum) {
    float v = (float)sum * f->a->mul + f->a->add;
    return v > 0 ? v < 255 ? (uint8_t)(v + 0.5f) : 255 : 0;
}

static void conv_row(filter_t *f, uint8_t *out) {
    int32_t n = 2 * f->k + 1;
    for (int32_t x = 0; x < f->w; x++) {
        int64_t sum = 0;
        const int32_t *kernel = f->a->kernel;
        for (int32_t j = 0; j < n; j++) {
            const uint8_t *p = f->line[j] + x;
            for (int32_t i = 0; i < n; i++) {
                sum += (int64_t)*kernel++ * p[i];
            }
        }
        out[x] = conv_result(f, sum);
    }
}

// Many kernels are a column times a row, but for their middle: those of Gauss and Laplace are. Then the columns are
// summed up first. The kernel's corner is 1 or -1.
static bool is_separable(const int32_t *kernel, int32_t k, int32_t *middle) {
    int32_t n = 2 * k + 1, corner = kernel[0];
    if (corner != 1 && corner != -1) {
        return false;
    }
    for (int32_t j = 0; j < n; j++) {
        for (int32_t i = 0; i < n; i++) {
            int64_t product = (int64_t)kernel[j * n] * kernel[i] * corner, left = kernel[j * n + i] - product;
            if (j == k && i == k) {
                if (left < INT32_MIN || left > INT32_MAX) {
                    return false;
                }
                *middle = (int32_t)left;
            } else if (left != 0) {
                return false;
            }
        }
    }
    return true;
}

#define TABLE_MAX (16384)

// Results for all sums that there are, when they are few.
static int prepare_conv(filter_t *f, vis_work_t *w) {
    int32_t n = 2 * f->k + 1;
    int64_t least = 0, most = 0;
    f->separable = f->k > 0 && is_separable(f->a->kernel, f->k, &f->middle);
    for (int32_t i = 0; i < n * n; i++) {
        int32_t v = f->a->kernel[i];
        least += v < 0 ? (int64_t)v * 255 : 0;
        most += v > 0 ? (int64_t)v * 255 : 0;
    }
    // The sums of columns must fit as well: with a table they do.
    if (!f->separable || most - least >= TABLE_MAX) {
        f->separable = false;
        return 0;
    }
    f->table = vis_alloc(w, TABLE_MAX);
    if (!f->table) {
        return -ENOMEM;
    }
    f->table_from = (int32_t)least;
    for (int64_t sum = least; sum <= most; sum++) {
        f->table[sum - least] = conv_result(f, sum);
    }
    return 0;
}

static void separable_row(filter_t *f, uint8_t *out) {
    const int32_t *kernel = f->a->kernel;
    int32_t n = 2 * f->k + 1, corner = kernel[0], *column = f->column;
    const uint8_t *middle = f->line[f->k] + f->k;
    if (f->k == 1) {
        const uint8_t *p = f->line[0], *q = f->line[1], *r = f->line[2];
        const uint8_t *table = f->table - f->table_from;
        int32_t a = corner * kernel[0], b = corner * kernel[3], c = corner * kernel[6];
        int32_t before = a * p[0] + b * q[0] + c * r[0], here = a * p[1] + b * q[1] + c * r[1], next;
        // Copies, because out could be any of them as far as the compiler knows.
        int32_t k0 = kernel[0], k1 = kernel[1], k2 = kernel[2], m = f->middle, w = f->w;
        for (int32_t x = 0; x < w; x++, before = here, here = next) {
            next = a * p[x + 2] + b * q[x + 2] + c * r[x + 2];
            out[x] = table[k0 * before + k1 * here + k2 * next + m * middle[x]];
        }
        return;
    }
    for (int32_t j = 0; j < n; j++) {
        int32_t factor = kernel[j * n] * corner;
        const uint8_t *p = f->line[j];
        for (int32_t x = 0; x < f->w + n - 1; x++) {
            column[x] = (j ? column[x] : 0) + factor * p[x];
        }
    }
    for (int32_t x = 0; x < f->w; x++) {
        int32_t sum = f->middle * middle[x];
        for (int32_t i = 0; i < n; i++) {
            sum += kernel[i] * column[x + i];
        }
        out[x] = f->table[sum - f->table_from];
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
    f.lead = -(size_t)a->k & 7;
    f.stride = (f.lead + (size_t)img->w + 2 * (size_t)a->k + 15) & ~(size_t)7;
    f.row_bytes = f.stride * channels;
    f.ring = n + 1;
    f.rows = vis_zalloc(w, f.row_bytes * (size_t)f.ring);
    f.line = vis_alloc(w, (size_t)n * sizeof(*f.line));
    f.column = vis_alloc(w, f.stride * sizeof(*f.column));
    f.plain = vis_alloc(w, (size_t)img->w * channels);
    uint8_t *out = vis_alloc(w, (size_t)img->w * channels);
    if (!f.rows || !f.line || !f.column || !f.plain || !out) {
        return -ENOMEM;
    }
    bool median9 = a->kind == VIS_MEDIAN && a->k == 1 && lrintf(a->percentile * 8) == 4;
    if (a->kind == VIS_MEAN && !(f.sums = vis_zalloc(w, f.row_bytes * sizeof(*f.sums)))) {
        return -ENOMEM;
    }
    if (median9 && !(f.table = vis_alloc(w, 3 * f.stride))) {
        return -ENOMEM;
    }
    if (a->kind == VIS_CONV && prepare_conv(&f, w)) {
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
        if (f.sums) {
            slide_sums(&f, padded(&f, y), NULL);
        }
    }
    for (int32_t y = 0; y < img->h; y++) {
        image_port_poll();
        load_padded(&f, y + a->k);
        if (f.sums) {
            slide_sums(&f, padded(&f, y + a->k), y ? padded(&f, y - a->k - 1) : NULL);
        }
        for (unsigned c = 0; c < channels; c++) {
            for (int32_t j = 0; j < n; j++) {
                f.line[j] = padded(&f, y - a->k + j) + c * f.stride + f.lead;
            }
            uint8_t *to = out + c * (size_t)img->w;
            switch (a->kind) {
                case VIS_MEAN:
                    mean_row(&f, f.sums + c * f.stride + f.lead, to);
                    break;
                case VIS_MEDIAN:
                    if (median9) {
                        median9_row(&f, to);
                        break;
                    }
                    __attribute__((fallthrough));
                case VIS_MODE:
                    rank_row(&f, to);
                    break;
                case VIS_MIDPOINT:
                    midpoint_row(&f, to);
                    break;
                case VIS_CONV:
                    if (f.separable) {
                        separable_row(&f, to);
                    } else {
                        conv_row(&f, to);
                    }
                    break;
                default:
                    bilateral_row(&f, to);
                    break;
            }
        }
        if (a->threshold) {
            const uint8_t *was = padded(&f, y) + f.lead + (size_t)a->k;
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
