// SPDX-License-Identifier: MIT

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kpu_classifier.h"

static float square_distance(const float *a, const float *b, uint32_t length) {
    float sum = 0;
    for (uint32_t i = 0; i < length; ++i) {
        float d = a[i] - b[i];
        sum += d * d;
    }
    return sum;
}

uint32_t kpu_classifier_nearest(const float *centres, uint32_t n_classes, const float *x, uint32_t length, float *distance) {
    uint32_t best = 0;
    float least = INFINITY;
    for (uint32_t i = 0; i < n_classes; ++i) {
        float d = square_distance(centres + (size_t)i * length, x, length);
        if (d < least) {
            least = d;
            best = i;
        }
    }
    if (distance != NULL) {
        *distance = sqrtf(least);
    }
    return best;
}

// The labelled vector stays in its class whatever the samples say, so no class is ever empty or renamed.
static void move_centres(const float *labelled, uint32_t n_classes, const float *samples, uint32_t n_samples,
    uint32_t length, float *centres, const uint32_t *belongs) {
    memcpy(centres, labelled, (size_t)n_classes * length * sizeof(float));
    for (uint32_t c = 0; c < n_classes; ++c) {
        float *centre = centres + (size_t)c * length;
        uint32_t n = 1;
        for (uint32_t s = 0; s < n_samples; ++s) {
            if (belongs[s] == c) {
                n += 1;
                for (uint32_t i = 0; i < length; ++i) {
                    // A running mean: sums of large numbers would lose digits.
                    centre[i] += (samples[(size_t)s * length + i] - centre[i]) / (float)n;
                }
            }
        }
    }
}

void kpu_classifier_train(const float *labelled, uint32_t n_classes, const float *samples, uint32_t n_samples,
    uint32_t length, float *centres, uint32_t *belongs) {
    memcpy(centres, labelled, (size_t)n_classes * length * sizeof(float));
    for (uint32_t s = 0; s < n_samples; ++s) {
        belongs[s] = n_classes;
    }
    for (unsigned round = 0; round < KPU_CLASSIFIER_ROUNDS; ++round) {
        bool changed = false;
        for (uint32_t s = 0; s < n_samples; ++s) {
            uint32_t c = kpu_classifier_nearest(centres, n_classes, samples + (size_t)s * length, length, NULL);
            changed |= c != belongs[s];
            belongs[s] = c;
        }
        if (!changed) {
            return;
        }
        move_centres(labelled, n_classes, samples, n_samples, length, centres, belongs);
    }
}
