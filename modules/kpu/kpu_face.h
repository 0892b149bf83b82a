// SPDX-License-Identifier: MIT
//
// Comparing feature vectors, e.g. of faces.

#ifndef MODULES_KPU_FACE_H
#define MODULES_KPU_FACE_H

#include <stddef.h>
#include <stdint.h>

// One signed byte per feature; the largest one becomes 127. Only directions are compared, so nothing is
// lost but fractions.
void kpu_face_encode(const float *features, size_t n, int8_t *out);

// 0 to 100: 100 for the same direction, 50 for vectors that have nothing in common, 0 for opposites. That
// is (1 + cosine) * 50. 0 when one of them is all zeros.
float kpu_face_compare(const int8_t *a, const int8_t *b, size_t n);

#endif // MODULES_KPU_FACE_H
