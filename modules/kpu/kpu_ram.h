// SPDX-License-Identifier: MIT
//
// What a model uses of the KPU's memory. Compilers choose the place; any other place does as well.

#ifndef MODULES_KPU_RAM_H
#define MODULES_KPU_RAM_H

#include "kpu_types.h"

// Bytes from the first to the last line that the model uses; 0 when it uses none. *start = where it begins.
uint32_t kpu_net_ram(const kpu_net_t *net, uint32_t *start);

// Moves everything so that the first line used is at `to` (bytes, a multiple of KPU_RAM_LINE), where
// kpu_net_ram bytes must be inside of KPU RAM.
void kpu_net_move(kpu_net_t *net, uint32_t to);

#endif // MODULES_KPU_RAM_H
