// SPDX-License-Identifier: MIT
//
// A KPU in plain C for tests: slow, obvious, independent of the emulator's one.

#ifndef TESTS_HOST_KPU_SOFT_H
#define TESTS_HOST_KPU_SOFT_H

#include "kpu_types.h"

typedef struct {
    uint8_t ram[KPU_RAM_BYTES] __attribute__((aligned(8)));
    bool busy;
    bool compute;               // false: only touch what a layer would touch (for fuzzing)
    int fail_at;                // the n-th start from now fails with -5 (0 = never)
    uint32_t polls;             // answers "busy" this often before a layer is done
    uint32_t left;
    uint32_t layers;            // layers run
} kpu_soft_t;

void kpu_soft_backend(kpu_soft_t *soft, kpu_backend_t *backend);

#endif // TESTS_HOST_KPU_SOFT_H
