// SPDX-License-Identifier: MIT
// Printed codes: what their readers give, whichever library does the work.
#ifndef K210_CODES_H
#define K210_CODES_H

#include "../vision/vision.h"

#define CODE_MAX_PAYLOAD (8896)

typedef struct {
    int32_t corner[4][2];       // clockwise from the code's own top left
    int32_t version, ecc_level, mask, data_type, eci;
    size_t len;
    char *payload;              // in the work area
} code_qr_t;
int code_find_qr(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi);

#define CODE_TAG16H5 (1)
#define CODE_TAG25H7 (2)
#define CODE_TAG25H9 (4)
#define CODE_TAG36H10 (8)
#define CODE_TAG36H11 (16)
#define CODE_ARTOOLKIT (32)
#define CODE_TAG_ALL (63)

typedef struct {
    int32_t corner[4][2];       // clockwise from the tag's own top left
    int32_t id, family, hamming;
    float cx, cy, rotation, margin, goodness;
    double h[9];                // from the tag's -1..1 to pixels of the roi
} code_tag_t;
int code_find_tags(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, unsigned families);
// Position and rotations (radians) of a tag of side 2 seen by a camera; cx, cy in pixels of the roi.
void code_tag_pose(const code_tag_t *t, double fx, double fy, double cx, double cy, double xyz[3], double rotation[3]);

typedef struct {
    int32_t corner[4][2];
    float rotation;
    int32_t rows, columns, capacity, padding;
    size_t len;
    char *payload;
} code_matrix_t;
// effort: how many places are looked at in vain before it gives up.
int code_find_matrices(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, int32_t effort);

// Numbers of the image module's constants.
typedef enum {
    CODE_EAN8 = 2, CODE_UPCE = 3, CODE_UPCA = 5, CODE_EAN13 = 6, CODE_I25 = 8, CODE_CODABAR = 11, CODE_CODE39 = 12,
    CODE_CODE93 = 14, CODE_CODE128 = 15,
} code_bar_type_t;

#define CODE_BAR_MAX (80)

typedef struct {
    int32_t corner[4][2];
    int32_t x0, y0, x1, y1;     // its box
    int32_t type, quality;      // quality: lines that agree
    float rotation;
    size_t len;
    char payload[CODE_BAR_MAX];
} code_bar_t;
int code_find_bars(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi);

#endif
