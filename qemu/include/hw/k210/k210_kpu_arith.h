/*
 * Kendryte K210: arithmetic of the KPU, without any QEMU header
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One layer is: begin (fields checked, tables fetched, input read), compute
 * (may run on any thread, touches nothing but the context) and finish (result
 * written to KPU RAM). Results are bit exact and do not depend on the host.
 *
 * Field meanings and arithmetic follow the nncase simulator (release 0.2 and
 * later) and the register header of the vendor's SDK.
 */

#ifndef HW_K210_KPU_ARITH_H
#define HW_K210_KPU_ARITH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define K210_KPU_RAM_SIZE       (2u << 20)
#define K210_KPU_LINE           64u
#define K210_KPU_RAM_LINES      (K210_KPU_RAM_SIZE / K210_KPU_LINE)
#define K210_KPU_LAYER_WORDS    12
#define K210_KPU_ACT_SIZE       144
#define K210_KPU_ERR_SIZE       160

/* How a feature map lies in KPU RAM; all but the group in 64-byte lines. */
typedef struct K210KpuMap {
    uint32_t line;              /* first line */
    uint32_t width, height, channels;
    uint32_t group;             /* channels side by side in one line: 1, 2, 4 */
    uint32_t row_lines;         /* from one row to the next */
    uint32_t channel_lines;     /* from one group of channels to the next */
} K210KpuMap;

/* The twelve words of a layer, taken apart; "minus one" fields are undone. */
typedef struct K210KpuLayer {
    bool int_en, full_add, depthwise, first_stride, bypass_conv;
    bool load_bn, load_weights, load_act, send_data_out;
    bool eight_bit;
    uint8_t kernel;             /* 1 or 3 */
    uint8_t pool_type;
    uint8_t pad_value;
    K210KpuMap in, out;
    uint32_t stride;            /* full-size columns per output column */
    uint32_t bn_addr, weights_addr, act_addr;
    uint32_t channels_per_load, loads, bytes_per_load;
    uint32_t shr_w, shr_x;
    int32_t arg_w, arg_x;
    int64_t arg_add;
    uint32_t channel_bytes;     /* as announced for the output stream */
    uint64_t stream_bytes;      /* likewise */
} K210KpuLayer;

typedef struct K210KpuArith K210KpuArith;

/* Copies @len bytes of bus memory; false if some of it cannot be read. */
typedef bool K210KpuRead(void *opaque, uint32_t addr, void *buf, size_t len);

/*
 * Runs fn(arg, i) for all i < n, in any order, perhaps in parallel, and
 * returns when all are done.
 */
typedef void K210KpuParallel(void *opaque, unsigned n,
                             void (*fn)(void *arg, unsigned i), void *arg);

K210KpuArith *k210_kpu_arith_new(void);         /* NULL: out of memory */
void k210_kpu_arith_free(K210KpuArith *a);
/* Forgets the tables of earlier layers (a reset of the block). */
void k210_kpu_arith_reset(K210KpuArith *a);

/* False, with a sentence in @err, when a field or the geometry is illegal. */
bool k210_kpu_decode(const uint64_t words[K210_KPU_LAYER_WORDS],
                     bool eight_bit, K210KpuLayer *l,
                     char err[K210_KPU_ERR_SIZE]);

/* True when the layer's input and output share lines of KPU RAM. */
bool k210_kpu_maps_overlap(const K210KpuLayer *l);

/*
 * Decodes the words, fetches the tables that the layer wants loaded and reads
 * the input out of @ram (K210_KPU_RAM_SIZE bytes). False: @err says why, and
 * nothing may be computed.
 */
bool k210_kpu_begin(K210KpuArith *a,
                    const uint64_t words[K210_KPU_LAYER_WORDS],
                    bool eight_bit, const uint8_t *ram,
                    K210KpuRead *read, void *opaque,
                    char err[K210_KPU_ERR_SIZE]);

/* The layer of the last k210_kpu_begin(). */
const K210KpuLayer *k210_kpu_layer(const K210KpuArith *a);

/* @parallel may be NULL: everything on the calling thread, one part. */
void k210_kpu_compute(K210KpuArith *a, K210KpuParallel *parallel,
                      void *opaque, unsigned parts);

/* Bytes of KPU RAM that finish writes to (none: @length is 0). */
void k210_kpu_output_range(const K210KpuLayer *l, size_t *start,
                           size_t *length);

/* Writes the map to @ram. A full_add layer has no map. */
void k210_kpu_finish(K210KpuArith *a, uint8_t *ram);

/* Bytes of the output stream (CHW without padding), none without
 * send_data_out. Valid from compute until the next begin. */
const uint8_t *k210_kpu_stream(const K210KpuArith *a, size_t *len);

/* KPU clocks that the layer takes on the chip (estimate). */
uint64_t k210_kpu_cycles(const K210KpuLayer *l);

/* Name of the code path in use, for a benchmark's report. */
const char *k210_kpu_kernel_name(void);
/* Restrict to the portable kernels (true), for tests. */
void k210_kpu_force_portable(bool on);

#ifdef __cplusplus
}
#endif

#endif
