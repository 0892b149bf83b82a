// SPDX-License-Identifier: MIT
//
// Inner loops of the CPU layers.
//
// They read several elements before they write the first, so that a core that starts one instruction after the other
// need not wait for each result. An output may lie exactly where the input is.

#ifndef MODULES_KPU_ROWS_H
#define MODULES_KPU_ROWS_H

#include "kpu_types.h"

// Nested loops over up to three tensors, [0] is the innermost. Steps are counted in elements.
typedef struct {
    uint32_t dims;
    uint32_t n[KPU_DIMS];
    ptrdiff_t step[KPU_DIMS][3];
} kpu_loops_t;

// Where the current row of each tensor starts, and how far the outer loops have come. Starts as zeros.
typedef struct {
    ptrdiff_t at[3];
    uint32_t index[KPU_DIMS];
} kpu_row_t;

// Loops over a shape (N, C, H, W and two more) with few and long rows.
void kpu_loops_init(kpu_loops_t *l, const uint32_t shape[KPU_DIMS], const int32_t *const strides[], unsigned tensors);

// The next row; false after the last one.
static inline bool kpu_loops_next(const kpu_loops_t *l, kpu_row_t *row) {
    for (uint32_t d = 1; d < l->dims; ++d) {
        const ptrdiff_t *step = l->step[d];
        if (++row->index[d] < l->n[d]) {
            row->at[0] += step[0];
            row->at[1] += step[1];
            row->at[2] += step[2];
            return true;
        }
        ptrdiff_t back = l->n[d] - 1;
        row->at[0] -= back * step[0];
        row->at[1] -= back * step[1];
        row->at[2] -= back * step[2];
        row->index[d] = 0;
    }
    return false;
}

// n elements of `size` bytes; steps in elements.
void kpu_copy_row(uint8_t *out, ptrdiff_t out_step, const uint8_t *in, ptrdiff_t in_step, size_t n, uint32_t size);

// Elements of 1 or 4 bytes: out[i] = in[column[i]].
void kpu_gather_row(uint8_t *out, const uint8_t *in, const uint32_t *column, size_t n, uint32_t size);

// bytes of a repeated pattern of size 1, 2, 4 or 8; bytes is a multiple of size.
void kpu_fill(uint8_t *out, size_t bytes, const uint8_t *pattern, uint32_t size);

// out[i] = table[in[i]]
void kpu_lookup_f32(const uint8_t *in, float *out, size_t n, const float table[256]);
void kpu_lookup_u8(const uint8_t *in, uint8_t *out, size_t n, const uint8_t table[256]);

// out[i] = round(in[i] * scale + bias), within 0..255 and 0 for what is not a number. Ties to even.
void kpu_quantize_even(const float *in, uint8_t *out, size_t n, float scale, float bias);
// out[i] = round((in[i] - bias) * scale), ties away from zero.
void kpu_quantize_away(const float *in, uint8_t *out, size_t n, float scale, float bias);

// out[i] = fn(arg, in[i]) for a function that takes long.
void kpu_map_f32(const float *in, float *out, size_t n, float (*fn)(const void *arg, float x), const void *arg);

// out = a op b, for add, sub, mul, div, min and max of KPU_BINARY_*.
void kpu_binary_row(uint32_t op, const float *a, ptrdiff_t sa, const float *b, ptrdiff_t sb, float *out, ptrdiff_t so,
    size_t n);
void kpu_clamp_row(float *out, ptrdiff_t step, size_t n, float low, float high);

#endif // MODULES_KPU_ROWS_H
