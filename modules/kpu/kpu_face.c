// SPDX-License-Identifier: MIT

#include <math.h>

#include "kpu_face.h"

void kpu_face_encode(const float *features, size_t n, int8_t *out) {
    float most = 0;
    for (size_t i = 0; i < n; ++i) {
        float v = fabsf(features[i]);
        most = v > most && v <= 3e38f ? v : most;
    }
    for (size_t i = 0; i < n; ++i) {
        float v = most > 0 ? roundf(features[i] / most * 127) : 0;
        out[i] = v > 127 ? 127 : v < -127 ? -127 : v == v ? (int8_t)v : 0;
    }
}

float kpu_face_compare(const int8_t *a, const int8_t *b, size_t n) {
    int64_t ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; ++i) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
    }
    if (aa == 0 || bb == 0) {
        return 0;
    }
    float cosine = (float)ab / sqrtf((float)aa * (float)bb);
    cosine = cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
    return (1 + cosine) * 50;
}
