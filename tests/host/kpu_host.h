// SPDX-License-Identifier: MIT

#ifndef TESTS_HOST_KPU_HOST_H
#define TESTS_HOST_KPU_HOST_H

#include "kpu_types.h"

typedef struct {
    uint32_t code, is_conv, c, h, w, result_size, dtype;
    const char *name;
} host_node_t;

typedef struct {
    uint32_t dtype, size, c, h, w;
} host_tensor_t;

// Memory for the core that counts blocks and can be told to run out.
extern const kpu_memory_t host_memory;
uint32_t host_live_blocks(void);
void host_limits(size_t bytes, int fail_at);

bool host_fuzz_streamed(const uint8_t *file, uint32_t size, char *err);

#endif // TESTS_HOST_KPU_HOST_H
