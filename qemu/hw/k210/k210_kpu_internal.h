/*
 * Kendryte K210: data shared by the KPU's arithmetic and its kernels
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_KPU_INTERNAL_H
#define HW_K210_KPU_INTERNAL_H

#include "hw/k210/k210_kpu_arith.h"

/* Results of one tile: this many neighbouring pixels of a channel. */
#define KPU_TILE                16
/* Output channels that a kernel works on together. */
#define KPU_BLOCK               4
#define KPU_SEGMENTS            16
#define KPU_MAX_CHANNELS        1024

/*
 * BN and activation of one output channel. With u the value of the sums that
 * differ from pixel to pixel,
 *     b = floor(u * bn_scale + bn_offset)
 *     y = round(b * seg_scale[s] + seg_offset[s]) + seg_bias[s]
 * for the segment s of b. The doubles are exact as long as all products stay
 * below 2^53, which k210_kpu_begin() decides per channel from the range that
 * u can have ("exact"); other channels go through 128-bit integers.
 */
typedef struct KpuChannel {
    double bn_scale, bn_offset;
    uint8_t seg_first, seg_last;
    bool exact;
    bool negative;              /* p may be negative: the odd rounding rule */
    int64_t constant;           /* of v: what does not depend on the pixel */
    int32_t bn_mul, bn_add;
    uint8_t bn_shift;
} KpuChannel;

typedef struct KpuSegment {
    int64_t start;
    int32_t mul;
    uint8_t shift, bias;
} KpuSegment;

/* A growing buffer, kept from layer to layer. */
typedef struct KpuBuffer {
    void *data;
    size_t size;
} KpuBuffer;

struct K210KpuArith {
    K210KpuLayer layer;

    /* Tables as last loaded; a layer may keep those of the one before. */
    KpuBuffer weights;          /* u8 or u16, [out][in][row][column] */
    size_t weights_len;
    KpuBuffer bn;               /* u64 per output channel */
    size_t bn_len;
    uint8_t act[K210_KPU_ACT_SIZE];
    bool act_valid;

    /* Decoded activation; neighbours that do the same are one. */
    KpuSegment seg[KPU_SEGMENTS];
    double seg_start[KPU_SEGMENTS], seg_scale[KPU_SEGMENTS];
    double seg_offset[KPU_SEGMENTS], seg_bias[KPU_SEGMENTS];
    unsigned segs;
    KpuChannel ch[KPU_MAX_CHANNELS];

    /*
     * The input as planes of bytes with the padding around them, so that all
     * taps of pixel p of the flattened plane lie at p + a constant.
     */
    KpuBuffer planes;
    size_t plane_size;
    uint32_t row;               /* bytes from row to row, planes and results */
    uint32_t pixels;            /* of a flattened plane that matter */
    /* Tiles cover the plane, or only the rows that pooling looks at. */
    uint32_t tiles, row_tiles;  /* row_tiles 0: the whole plane */
    uint32_t row_step;          /* pixels from one such row to the next */

    /* Weights as pairs of taps (low and high half word), rows of pair_row. */
    KpuBuffer pairs;
    size_t pairs_high;          /* upper bytes of 16-bit weights start here */
    uint32_t taps, pair_row;
    KpuBuffer tap_offset;       /* u32 per tap: where it lies in the planes */

    bool sx_used;               /* arg_x != 0 */
    bool sx_small;              /* the term of arg_x fits in 31 bits */
    double sx_scale;            /* arg_x / 2^shr_x */
    KpuBuffer panels;           /* per part: one tile of every tap */
    size_t panel_size;
    KpuBuffer result;           /* u8 before pooling, planes of result_size */
    size_t result_size;
    KpuBuffer packed;           /* u8 CHW after pooling: the output stream */
    size_t packed_len;
    KpuBuffer sums;             /* u64 per channel of a full_add layer */

    unsigned parts;
};

/* First pixel of a tile. */
static inline uint32_t k210_kpu_tile_pixel(const K210KpuArith *a, uint32_t t)
{
    return a->row_tiles ? t / a->row_tiles * a->row_step +
                          t % a->row_tiles * KPU_TILE
                        : t * KPU_TILE;
}

/* y of one pixel in integers, for the channels that are not exact. */
uint8_t k210_kpu_activate_one(const K210KpuArith *a, const KpuChannel *c,
                              __int128 u);

typedef struct KpuKernels {
    const char *name;
    /* The part-th of a->parts runs of tiles, all output channels. */
    void (*convolve)(K210KpuArith *a, unsigned part);
    /* Every parts-th channel of a depthwise or bypassed layer. */
    void (*depthwise)(K210KpuArith *a, unsigned part);
    /* Maximum of 2x2 with step 2 of one channel, tightly packed. */
    void (*pool_max2)(const uint8_t *src, uint32_t row, uint8_t *dst,
                      uint32_t width, uint32_t height);
} KpuKernels;

extern const KpuKernels k210_kpu_kernels_portable;
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define K210_KPU_HAVE_AVX2 1
extern const KpuKernels k210_kpu_kernels_avx2;
#endif

#endif
