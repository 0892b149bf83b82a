// SPDX-License-Identifier: MIT

#include <math.h>
#include <string.h>

#include "kpu_rows.h"

// ---- loops -----------------------------------------------------------------------------------

// From here on it does not pay to look for a longer row.
#define LONG_ROW (16)

static void swap_dims(kpu_loops_t *l, uint32_t a, uint32_t b) {
    uint32_t n = l->n[a];
    l->n[a] = l->n[b];
    l->n[b] = n;
    for (unsigned i = 0; i < 3; ++i) {
        ptrdiff_t step = l->step[a][i];
        l->step[a][i] = l->step[b][i];
        l->step[b][i] = step;
    }
}

void kpu_loops_init(kpu_loops_t *l, const uint32_t shape[KPU_DIMS], const int32_t *const strides[], unsigned tensors) {
    static const uint8_t order[KPU_DIMS] = { 3, 2, 1, 0, 4, 5 };
    *l = (kpu_loops_t) { .dims = 1, .n = { shape[3] } };
    for (unsigned i = 0; i < tensors; ++i) {
        l->step[0][i] = strides[i][3];
    }
    for (unsigned k = 1; k < KPU_DIMS; ++k) {
        unsigned d = order[k];
        if (shape[d] <= 1) {
            continue;           // 0 counts as 1
        }
        // One loop with the one inside of it when the steps go on alike.
        uint32_t last = l->dims - 1;
        bool joins = true;
        for (unsigned i = 0; i < tensors; ++i) {
            joins = joins && (l->n[last] == 1 || strides[i][d] == l->step[last][i] * (ptrdiff_t)l->n[last]);
        }
        if (joins) {
            bool first = l->n[last] == 1;
            l->n[last] *= shape[d];
            for (unsigned i = 0; i < tensors && first; ++i) {
                l->step[last][i] = strides[i][d];
            }
            continue;
        }
        for (unsigned i = 0; i < tensors; ++i) {
            l->step[l->dims][i] = strides[i][d];
        }
        l->n[l->dims++] = shape[d];
    }
    if (l->n[0] != 0 && l->n[0] < LONG_ROW) {
        uint32_t longest = 0;
        for (uint32_t d = 1; d < l->dims; ++d) {
            longest = l->n[d] > 2 * l->n[longest] ? d : longest;
        }
        swap_dims(l, 0, longest);
    }
}

// ---- moving ----------------------------------------------------------------------------------

#define COPY_ROW(type) \
    do { \
        const type *from = (const type *)in; \
        type *to = (type *)out; \
        for (; n >= 4; n -= 4, from += 4 * in_step, to += 4 * out_step) { \
            type v0 = from[0], v1 = from[in_step], v2 = from[2 * in_step], v3 = from[3 * in_step]; \
            to[0] = v0; \
            to[out_step] = v1; \
            to[2 * out_step] = v2; \
            to[3 * out_step] = v3; \
        } \
        for (; n > 0; --n, from += in_step, to += out_step) { \
            *to = *from; \
        } \
    } while (0)

// Every second element is what strided convolutions of the compilers start with.
static void copy_words(uint8_t *out, ptrdiff_t out_step, const uint8_t *in, ptrdiff_t in_step, size_t n) {
    if (out_step == 1 && in_step == 2) {
        in_step = 2;
        out_step = 1;
        COPY_ROW(uint32_t);
    } else if (out_step == 1) {
        out_step = 1;
        COPY_ROW(uint32_t);
    } else {
        COPY_ROW(uint32_t);
    }
}

static void copy_bytes(uint8_t *out, ptrdiff_t out_step, const uint8_t *in, ptrdiff_t in_step, size_t n) {
    if (out_step == 1 && in_step == 2) {
        in_step = 2;
        out_step = 1;
        COPY_ROW(uint8_t);
    } else if (out_step == 1) {
        out_step = 1;
        COPY_ROW(uint8_t);
    } else {
        COPY_ROW(uint8_t);
    }
}

void kpu_copy_row(uint8_t *out, ptrdiff_t out_step, const uint8_t *in, ptrdiff_t in_step, size_t n, uint32_t size) {
    // memmove works by bytes where words of 64 bits do not fit both sides.
    bool by_bytes = ((uintptr_t)out ^ (uintptr_t)in) % 8 != 0;
    bool apart = out + n * size <= in || in + n * size <= out;
    if (out_step == 1 && in_step == 1 && !(by_bytes && apart && size == 4)) {
        memmove(out, in, n * size);
    } else if (size == 4) {
        copy_words(out, out_step, in, in_step, n);
    } else if (size == 1) {
        copy_bytes(out, out_step, in, in_step, n);
    } else if (size == 8) {
        COPY_ROW(uint64_t);
    } else {
        COPY_ROW(uint16_t);
    }
}

void kpu_gather_row(uint8_t *out, const uint8_t *in, const uint32_t *column, size_t n, uint32_t size) {
    if (size == 1) {
        for (size_t i = 0; i < n; ++i) {
            out[i] = in[column[i]];
        }
        return;
    }
    const uint32_t *from = (const uint32_t *)in;
    uint32_t *to = (uint32_t *)out;
    for (size_t i = 0; i < n; ++i) {
        to[i] = from[column[i]];
    }
}

void kpu_fill(uint8_t *out, size_t bytes, const uint8_t *pattern, uint32_t size) {
    bool same = true;
    for (uint32_t i = 1; i < size; ++i) {
        same = same && pattern[i] == pattern[0];
    }
    if (same) {
        memset(out, pattern[0], bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i += size) {
        memcpy(out + i, pattern, size);
    }
}

void kpu_lookup_f32(const uint8_t *in, float *out, size_t n, const float table[256]) {
    for (; n >= 4; n -= 4, in += 4, out += 4) {
        unsigned i0 = in[0], i1 = in[1], i2 = in[2], i3 = in[3];
        float v0 = table[i0], v1 = table[i1], v2 = table[i2], v3 = table[i3];
        out[0] = v0;
        out[1] = v1;
        out[2] = v2;
        out[3] = v3;
    }
    for (; n > 0; --n) {
        *out++ = table[*in++];
    }
}

void kpu_lookup_u8(const uint8_t *in, uint8_t *out, size_t n, const uint8_t table[256]) {
    for (; n >= 4; n -= 4, in += 4, out += 4) {
        unsigned i0 = in[0], i1 = in[1], i2 = in[2], i3 = in[3];
        uint8_t v0 = table[i0], v1 = table[i1], v2 = table[i2], v3 = table[i3];
        out[0] = v0;
        out[1] = v1;
        out[2] = v2;
        out[3] = v3;
    }
    for (; n > 0; --n) {
        *out++ = table[*in++];
    }
}

// ---- numbers ---------------------------------------------------------------------------------

// The compiler calls functions for these two, which are an instruction each.
#ifdef __riscv_flen
static inline float max_of(float a, float b) {
    float v;
    __asm__ ("fmax.s %0, %1, %2" : "=f" (v) : "f" (a), "f" (b));
    return v;
}

static inline float min_of(float a, float b) {
    float v;
    __asm__ ("fmin.s %0, %1, %2" : "=f" (v) : "f" (a), "f" (b));
    return v;
}
#else
#define max_of fmaxf
#define min_of fminf
#endif

// Clamped before the conversion, because a float out of range (or NaN, which gives 0) has no integer value.
static inline float in_byte(float v) {
    return min_of(max_of(v, 0), 255);
}

void kpu_quantize_even(const float *in, uint8_t *out, size_t n, float scale, float bias) {
    for (; n >= 4; n -= 4, in += 4, out += 4) {
        float v0 = in[0] * scale, v1 = in[1] * scale, v2 = in[2] * scale, v3 = in[3] * scale;
        v0 = in_byte(v0 + bias);
        v1 = in_byte(v1 + bias);
        v2 = in_byte(v2 + bias);
        v3 = in_byte(v3 + bias);
        long i0 = lrintf(v0), i1 = lrintf(v1), i2 = lrintf(v2), i3 = lrintf(v3);
        out[0] = (uint8_t)i0;
        out[1] = (uint8_t)i1;
        out[2] = (uint8_t)i2;
        out[3] = (uint8_t)i3;
    }
    for (; n > 0; --n) {
        *out++ = (uint8_t)lrintf(in_byte(*in++ * scale + bias));
    }
}

void kpu_quantize_away(const float *in, uint8_t *out, size_t n, float scale, float bias) {
    for (; n >= 4; n -= 4, in += 4, out += 4) {
        float v0 = in[0] - bias, v1 = in[1] - bias, v2 = in[2] - bias, v3 = in[3] - bias;
        v0 = in_byte(v0 * scale);
        v1 = in_byte(v1 * scale);
        v2 = in_byte(v2 * scale);
        v3 = in_byte(v3 * scale);
        long i0 = lroundf(v0), i1 = lroundf(v1), i2 = lroundf(v2), i3 = lroundf(v3);
        out[0] = (uint8_t)i0;
        out[1] = (uint8_t)i1;
        out[2] = (uint8_t)i2;
        out[3] = (uint8_t)i3;
    }
    for (; n > 0; --n) {
        *out++ = (uint8_t)lroundf(in_byte((*in++ - bias) * scale));
    }
}

// Most tensors of floats come from bytes, so a function sees the same few numbers again and again.
#define MEMO_BITS (8)
#define MEMO_PAYS (512)

void kpu_map_f32(const float *in, float *out, size_t n, float (*fn)(const void *arg, float x), const void *arg) {
    struct {
        uint32_t key;
        float value;
    } memo[1 << MEMO_BITS];
    if (n < MEMO_PAYS) {
        for (size_t i = 0; i < n; ++i) {
            out[i] = fn(arg, in[i]);
        }
        return;
    }
    uint32_t key;
    memcpy(&key, in, 4);
    float value = fn(arg, in[0]);
    for (size_t i = 0; i < 1 << MEMO_BITS; ++i) {
        memo[i].key = key;
        memo[i].value = value;
    }
    for (size_t i = 0; i < n; ++i) {
        float x = in[i];
        memcpy(&key, &x, 4);
        uint32_t at = key * 2654435761u >> (32 - MEMO_BITS);
        if (memo[at].key != key) {
            memo[at].key = key;
            memo[at].value = fn(arg, x);
        }
        out[i] = memo[at].value;
    }
}

// The plain loop alone is right for everything, and small.
#ifdef __OPTIMIZE_SIZE__
#define UNROLL (0)
#else
#define UNROLL (1)
#endif

#define ADD(x, y) ((x) + (y))
#define SUB(x, y) ((x) - (y))
#define MUL(x, y) ((x) * (y))
#define DIV(x, y) ((x) / (y))
#define MIN(x, y) ((x) < (y) ? (x) : (y))
#define MAX(x, y) ((x) > (y) ? (x) : (y))

// Two tensors of the same shape, a tensor and a number, anything else.
#define BINARY_ROW(OP) \
    do { \
        if (UNROLL && sa == 1 && sb == 1 && so == 1) { \
            for (; n >= 4; n -= 4, a += 4, b += 4, out += 4) { \
                float v0 = OP(a[0], b[0]), v1 = OP(a[1], b[1]), v2 = OP(a[2], b[2]), v3 = OP(a[3], b[3]); \
                out[0] = v0; \
                out[1] = v1; \
                out[2] = v2; \
                out[3] = v3; \
            } \
        } else if (UNROLL && sa == 1 && sb == 0 && so == 1 && n >= 4) { \
            float y = *b; \
            for (; n >= 4; n -= 4, a += 4, out += 4) { \
                float v0 = OP(a[0], y), v1 = OP(a[1], y), v2 = OP(a[2], y), v3 = OP(a[3], y); \
                out[0] = v0; \
                out[1] = v1; \
                out[2] = v2; \
                out[3] = v3; \
            } \
        } \
        for (; n > 0; --n, a += sa, b += sb, out += so) { \
            *out = OP(*a, *b); \
        } \
    } while (0)

void kpu_binary_row(uint32_t op, const float *a, ptrdiff_t sa, const float *b, ptrdiff_t sb, float *out, ptrdiff_t so,
    size_t n) {
    switch (op) {
        case KPU_BINARY_ADD:
            BINARY_ROW(ADD);
            break;
        case KPU_BINARY_SUB:
            BINARY_ROW(SUB);
            break;
        case KPU_BINARY_MUL:
            BINARY_ROW(MUL);
            break;
        case KPU_BINARY_DIV:
            BINARY_ROW(DIV);
            break;
        case KPU_BINARY_MIN:
            BINARY_ROW(MIN);
            break;
        default:
            BINARY_ROW(MAX);
            break;
    }
}

void kpu_clamp_row(float *out, ptrdiff_t step, size_t n, float low, float high) {
    if (low == -INFINITY && high == INFINITY) {
        return;
    }
    for (; n > 0; --n, out += step) {
        float v = *out;
        if (v < low) {
            *out = low;
        } else if (v > high) {
            *out = high;
        }
    }
}
