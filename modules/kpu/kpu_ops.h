// SPDX-License-Identifier: MIT
//
// Layers that the CPU computes.

#ifndef MODULES_KPU_OPS_H
#define MODULES_KPU_OPS_H

#include "kpu_types.h"

// Runs one node that touches only the working buffer and the file. The node was checked when it
// was loaded, so the only failure on data is KPU_ERR_INDEX: an index that the model computed leaves
// its tensor. KPU_ERR_NOT_IMPLEMENTED for a node of another kind.
int kpu_op_run(const kpu_net_t *net, const kpu_node_t *node);

#endif // MODULES_KPU_OPS_H
