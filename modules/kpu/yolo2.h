// SPDX-License-Identifier: MIT
//
// YOLOv2 "region" layer: from the network's raw numbers to boxes.

#ifndef MODULES_KPU_YOLO2_H
#define MODULES_KPU_YOLO2_H

#include "kpu_types.h"

typedef struct {
    float threshold;            // a class counts when its probability is above this
    float nms;                  // of two boxes of a class that overlap more (IoU), the weaker goes
    uint32_t n_anchors;
    const float *anchors;       // n_anchors pairs w, h in grid cells
} yolo2_params_t;

// Corners in pixels of the network's input, truncated to integers. Negative values became 0; right
// and bottom may lie outside the picture.
typedef struct {
    uint32_t x1, y1, x2, y2;
    uint32_t class_id;
    float prob;
} yolo2_box_t;

// Decodes data[anchor][entry][row][col], entry = x, y, w, h, objectness, classes. channels must be
// n_anchors * (5 + classes) with at least one class. The boxes come anchor by anchor, row by row
// (not sorted by score), in an array from mem that the caller frees; *boxes is NULL when there are
// none. KPU_ERR_SIZE when channels do not fit, KPU_ERR_NO_MEM.
int yolo2_decode(const float *data, uint32_t grid_w, uint32_t grid_h, uint32_t channels,
    uint32_t net_w, uint32_t net_h, const yolo2_params_t *params, const kpu_memory_t *mem,
    yolo2_box_t **boxes, uint32_t *n_boxes, char *err);

#endif // MODULES_KPU_YOLO2_H
