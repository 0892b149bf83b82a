/*
 * Kendryte K210: the KPU's inner loops for the host's instruction sets
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>
#include "k210_kpu_internal.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* Vectors lie over arrays of other types, too. */
#define VECTOR(size)    __attribute__((vector_size(size), may_alias))

typedef uint8_t vu8 VECTOR(16);
typedef uint16_t v8u16 VECTOR(16);
typedef uint8_t v8u8 VECTOR(8);

#define CVT_DOUBLE(v)   __builtin_convertvector((v), vdouble)
#define VMAX_U8(a, b)   (((vu8)((a) > (b)) & (a)) | ((vu8)((a) <= (b)) & (b)))
#define VMAX_U16(a, b)                                                      \
    (((v8u16)((a) > (b)) & (a)) | ((v8u16)((a) <= (b)) & (b)))

#if defined(__SSE2__)
/* 16 integers, clamped to bytes. */
#define STORE_BYTES_SSE2(out, y) do {                                       \
        const __m128i *y_ = (const __m128i *)(y);                           \
        __m128i lo_ = _mm_packs_epi32(y_[0], y_[1]);                        \
        __m128i hi_ = _mm_packs_epi32(y_[2], y_[3]);                        \
        _mm_storeu_si128((__m128i *)(out), _mm_packus_epi16(lo_, hi_));     \
    } while (0)
#endif

/* Portable: also what an ARM host runs. */

#define KERNEL(x)       x##_portable
#define KERNEL_NAME     "portable"

typedef int32_t vint VECTOR(16);
typedef double vdouble VECTOR(16);
typedef int64_t vmask VECTOR(16);
/* As many integers as vdouble has lanes. */
typedef int32_t vsmall VECTOR(8);

#define SPLAT(x)        ((vdouble){ (x), (x) })
#define SPLAT_INT(x)                                                        \
    ((vint){ (int32_t)(x), (int32_t)(x), (int32_t)(x), (int32_t)(x) })
#define SELECT(m, a, b)                                                     \
    ((vdouble)(((m) & (vmask)(a)) | (~(m) & (vmask)(b))))
#define VMAX(a, b)      SELECT((a) > (b), a, b)
#define VMIN(a, b)      SELECT((a) < (b), a, b)
/* Rounds to even by the adder itself; good for |v| below 2^51. */
#define ROUNDER         6755399441055744.0
#define VRINT(v)        (((v) + ROUNDER) - ROUNDER)
#define VFLOOR(v)       vfloor_portable(v)
#define CVT_INT(v)      __builtin_convertvector((v), vsmall)

#define vfloor_portable(v) __extension__ ({                                 \
        vdouble v_ = (v), r_ = VRINT(v_);                                   \
        r_ - (vdouble)((r_ > v_) & (vmask)SPLAT(1.0)); })

#if defined(__SSE2__)
#define MADD(acc, x, w)                                                     \
    ((acc) += (vint)_mm_madd_epi16((__m128i)(x), (__m128i)(w)))
#else
#define MADD(acc, x, w)                                                     \
    ((acc) += ((x) & 0xffff) * ((w) & 0xffff) + ((x) >> 16) * ((w) >> 16))
#endif

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector) && \
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HAVE_SHUFFLE 1
#endif
#endif

/* The low half word of each 32-bit lane is the first tap, on any host. */
#ifdef HAVE_SHUFFLE
#define LOW_HALF(a, b)                                                      \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19,               \
                                  4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH_HALF(a, b)                                                     \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27,             \
                                  12, 28, 13, 29, 14, 30, 15, 31)
#define INTERLEAVE(panel, x0, x1) do {                                      \
        const vu8 zero_ = { 0 };                                            \
        vu8 a_, b_ = zero_, *p_ = (vu8 *)(panel);                           \
        memcpy(&a_, (x0), sizeof(a_));                                      \
        if (x1) {                                                           \
            memcpy(&b_, (x1), sizeof(b_));                                  \
        }                                                                   \
        vu8 low_ = LOW_HALF(a_, b_), high_ = HIGH_HALF(a_, b_);             \
        p_[0] = LOW_HALF(low_, zero_);                                      \
        p_[1] = HIGH_HALF(low_, zero_);                                     \
        p_[2] = LOW_HALF(high_, zero_);                                     \
        p_[3] = HIGH_HALF(high_, zero_);                                    \
    } while (0)
#else
#define INTERLEAVE(panel, x0, x1) do {                                      \
        int32_t *lanes_ = (int32_t *)(panel);                               \
        for (unsigned i_ = 0; i_ < KPU_TILE; i_++) {                        \
            lanes_[i_] = (x0)[i_] | ((x1) ? (x1)[i_] : 0) << 16;            \
        }                                                                   \
    } while (0)
#endif

#if defined(__SSE2__)
#define STORE_BYTES(out, y)     STORE_BYTES_SSE2(out, y)
#else
/* Four bytes at a time, clamped by comparing. */
typedef uint8_t v4u8 VECTOR(4);
#define STORE_BYTES(out, y) do {                                            \
        const vint *y_ = (const vint *)(y);                                 \
        for (unsigned i_ = 0; i_ < KPU_TILE / 4; i_++) {                    \
            vint v_ = y_[i_] & (y_[i_] > 0);                                \
            v_ |= v_ > 255;                                                 \
            v4u8 bytes_ = __builtin_convertvector(v_, v4u8);                \
            memcpy((out) + 4 * i_, &bytes_, sizeof(bytes_));                \
        }                                                                   \
    } while (0)
#endif

#include "k210_kpu_kernels.c.inc"

#undef KERNEL
#undef KERNEL_NAME

#ifdef K210_KPU_HAVE_AVX2

#pragma GCC push_options
#pragma GCC target("avx2,fma")

#define KERNEL(x)       x##_avx2
#define KERNEL_NAME     "avx2"
#define KPU_WIDE        1

typedef int32_t vint_avx2 VECTOR(32);
typedef double vdouble_avx2 VECTOR(32);
typedef int64_t vmask_avx2 VECTOR(32);
typedef int32_t vsmall_avx2 VECTOR(16);
#define vint            vint_avx2
#define vdouble         vdouble_avx2
#define vmask           vmask_avx2
#define vsmall          vsmall_avx2

#undef SPLAT
#undef SPLAT_INT
#undef SELECT
#undef VMAX
#undef VMIN
#undef VRINT
#undef VFLOOR
#undef CVT_INT
#undef MADD
#undef INTERLEAVE
#undef STORE_BYTES
#undef VMAX_U8
#undef VMAX_U16

#define SPLAT(x)        ((vdouble)_mm256_set1_pd(x))
#define SPLAT_INT(x)    ((vint)_mm256_set1_epi32((int32_t)(x)))
#define SELECT(m, a, b)                                                     \
    ((vdouble)_mm256_blendv_pd((__m256d)(b), (__m256d)(a), (__m256d)(m)))
#define VMAX(a, b)      ((vdouble)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
#define VMIN(a, b)      ((vdouble)_mm256_min_pd((__m256d)(a), (__m256d)(b)))
#define VRINT(v)                                                            \
    ((vdouble)_mm256_round_pd((__m256d)(v), _MM_FROUND_TO_NEAREST_INT |     \
                                            _MM_FROUND_NO_EXC))
#define VFLOOR(v)                                                           \
    ((vdouble)_mm256_round_pd((__m256d)(v), _MM_FROUND_TO_NEG_INF |         \
                                            _MM_FROUND_NO_EXC))
#define CVT_INT(v)      ((vsmall)_mm256_cvttpd_epi32((__m256d)(v)))
#define MADD(acc, x, w)                                                     \
    ((acc) += (vint)_mm256_madd_epi16((__m256i)(x), (__m256i)(w)))
#define VMAX_U8(a, b)   ((vu8)_mm_max_epu8((__m128i)(a), (__m128i)(b)))
#define VMAX_U16(a, b)  ((v8u16)_mm_max_epu16((__m128i)(a), (__m128i)(b)))

#define INTERLEAVE(panel, x0, x1) do {                                      \
        __m128i a_ = _mm_loadu_si128((const __m128i *)(x0));                \
        __m128i b_ = (x1) ? _mm_loadu_si128((const __m128i *)(x1))          \
                          : _mm_setzero_si128();                            \
        __m256i *p_ = (__m256i *)(panel);                                   \
        p_[0] = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a_, b_));            \
        p_[1] = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a_, b_));            \
    } while (0)

#define STORE_BYTES(out, y)     STORE_BYTES_SSE2(out, y)

#include "k210_kpu_kernels.c.inc"

#pragma GCC pop_options

#endif
