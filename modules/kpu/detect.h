// SPDX-License-Identifier: MIT
//
// From the raw numbers of a detector to boxes: YOLOv2, YOLOv3, YOLOX, detectors with priors (SSD).

#ifndef MODULES_KPU_DETECT_H
#define MODULES_KPU_DETECT_H

#include "kpu_types.h"

// Corners as fractions of the picture, not limited to it.
typedef struct {
    float x1, y1, x2, y2;
    float score;
    uint32_t class_id;
} detect_box_t;

// Boxes found so far. Zero everything but mem and threshold before the first use.
typedef struct {
    const kpu_memory_t *mem;
    float threshold;            // a box counts when its score is above this
    detect_box_t *boxes;
    uint32_t n, room;
} detect_list_t;

// The output of one scale of a YOLO: grid_w * grid_h cells, anchors, entries x, y, w, h, objectness,
// classes. entries_last = as data[anchor][cell][entry], otherwise data[anchor][entry][cell].
typedef struct {
    const float *data;
    uint32_t grid_w, grid_h, anchors, classes;
    bool entries_last;
    const float *sizes;         // a pair w, h for each anchor
    float unit_w, unit_h;       // what these count in, as fractions of the picture
    bool softmax;               // classes exclude each other (YOLOv2); else each has its own probability
} detect_yolo_t;

// All of these return KPU_OK or KPU_ERR_NO_MEM. The best class of a place makes its box.
int detect_yolo(detect_list_t *list, const detect_yolo_t *yolo, char *err);

// data[cell][5 + classes] with probabilities; the cells are those of net_w x net_h pixels in steps of
// each stride. detect_yolox_cells says how many there must be.
uint32_t detect_yolox_cells(uint32_t net_w, uint32_t net_h, const uint32_t *strides, uint32_t n_strides);
int detect_yolox(detect_list_t *list, const float *data, uint32_t classes, uint32_t net_w, uint32_t net_h,
    const uint32_t *strides, uint32_t n_strides, char *err);

// scores[n][classes], where class 0 is the background when there are several; offsets[n][4] and
// priors[n][4] as centre and size.
int detect_ssd(detect_list_t *list, const float *scores, uint32_t classes, const float *offsets, const float *priors,
    uint32_t n, float centre_variance, float size_variance, char *err);

// The priors of one scale, cell by cell, with boxes of each size (pixels of a net_w x net_h picture);
// writes grid_w * grid_h * n_sizes times four numbers.
void detect_priors(float *out, uint32_t net_w, uint32_t net_h, uint32_t stride, const float *sizes, uint32_t n_sizes);

// Sorts by falling score, drops boxes that overlap a better one of their class more than nms (IoU),
// keeps at most `most`.
void detect_finish(detect_list_t *list, float nms, uint32_t most);
void detect_free(detect_list_t *list);

#endif // MODULES_KPU_DETECT_H
