// SPDX-License-Identifier: MIT
//
// CPU layers that two processors compute together.

#ifndef MODULES_KPU_SHARE_H
#define MODULES_KPU_SHARE_H

#include "kpu_types.h"

// Describes a layer as two layers that are independent of each other and give the same result. False
// when it cannot be cut, or is not worth it: when it takes less than about min_work instructions.
bool kpu_node_halves(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]);

#endif // MODULES_KPU_SHARE_H
