// SPDX-License-Identifier: MIT
//
// Learning classes from a few feature vectors: k-means that starts from one labelled vector per class.

#ifndef MODULES_KPU_KPU_CLASSIFIER_H
#define MODULES_KPU_KPU_CLASSIFIER_H

#include <stddef.h>
#include <stdint.h>

// Rounds after which training stops at the latest; it ends when no sample changes its class.
#define KPU_CLASSIFIER_ROUNDS (100)

// Computes one centre per class, the mean of its labelled vector and of the samples that are nearest to it.
// belongs: one entry per sample, where its class is noted. length floats are one vector.
void kpu_classifier_train(const float *labelled, uint32_t n_classes, const float *samples, uint32_t n_samples,
    uint32_t length, float *centres, uint32_t *belongs);

// The centre nearest to x, and how far away it is (Euclid).
uint32_t kpu_classifier_nearest(const float *centres, uint32_t n_classes, const float *x, uint32_t length, float *distance);

#endif // MODULES_KPU_KPU_CLASSIFIER_H
