// SPDX-License-Identifier: MIT
//
// Which parts of a model file can stay where they are: the weights of KPU layers, which a streamed
// model reads when it needs them.

#ifndef MODULES_KPU_KMODEL_PLAN_H
#define MODULES_KPU_KMODEL_PLAN_H

#include "kmodel.h"

// Pieces smaller than this are not worth a gap.
#define KMODEL_MIN_GAP (4096)

typedef struct {
    kpu_gap_t *gaps;            // allocated from the memory given to kmodel_plan
    uint32_t n_gaps;
    uint32_t image_size;        // bytes of the file outside of the gaps
} kmodel_plan_t;

// Finds the weights of the KPU layers of a file that kmodel_measure has accepted, size bytes long,
// by reading only its headers. Without weights worth it n_gaps is 0 and gaps is NULL. Where the file
// contradicts itself it has fewer gaps; kmodel_open_image then says what is wrong.
// Fails with KPU_ERR_READ and KPU_ERR_NO_MEM.
int kmodel_plan(kmodel_read_t read, void *ctx, uint32_t size, const kpu_memory_t *mem, kmodel_plan_t *plan, char *err);

// Keeps pieces in memory after all while the image stays within `budget` bytes, large ones first:
// what need not be streamed is faster.
void kmodel_plan_fill(kmodel_plan_t *plan, uint32_t budget);

// Reads the image of the planned file into dst (plan->image_size bytes). Returns what read returns.
int kmodel_plan_load(const kmodel_plan_t *plan, kmodel_read_t read, void *ctx, uint32_t size, uint8_t *dst);

void kmodel_plan_free(kmodel_plan_t *plan, const kpu_memory_t *mem);

#endif // MODULES_KPU_KMODEL_PLAN_H
