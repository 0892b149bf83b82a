// SPDX-License-Identifier: MIT
//
// kmodel files: recognising them, measuring them, loading them.

#ifndef MODULES_KPU_KMODEL_H
#define MODULES_KPU_KMODEL_H

#include "kpu_types.h"

// Reads n bytes at off of the source (flash, file, memory). Returns 0 or a negative number.
typedef int (*kmodel_read_t)(void *ctx, uint32_t off, void *dst, uint32_t n);

// Finds the length of a model by its headers only, so that a model on flash, followed by
// anything, can be loaded without knowing its size. limit = bytes that can be read at most.
// Fails with KPU_ERR_VERSION (names what it is), KPU_ERR_FORMAT (headers disagree or pass the
// limit) or KPU_ERR_READ.
int kmodel_measure(kmodel_read_t read, void *ctx, uint32_t limit, uint32_t *size, char *err);

// Builds the node list for a model that lies in memory. data must be KPU_MODEL_ALIGN aligned and
// stay until kmodel_close; it is not written to. Everything that the file says is checked.
// On failure nothing stays allocated.
int kmodel_open(kpu_net_t *net, const uint8_t *data, uint32_t size, const kpu_memory_t *mem, char *err);

// The same for a file with gaps (kmodel_plan.h): image holds the rest of the size bytes.
int kmodel_open_image(kpu_net_t *net, const uint8_t *image, uint32_t size, const kpu_gap_t *gaps, uint32_t n_gaps,
    const kpu_memory_t *mem, char *err);

// Frees what kmodel_open allocated (not data). Safe on a zeroed net and when called twice.
void kmodel_close(kpu_net_t *net);

#endif // MODULES_KPU_KMODEL_H
