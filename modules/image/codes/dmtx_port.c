// SPDX-License-Identifier: MIT
// Data matrices by libdmtx. The library is compiled as part of this file, its memory comes from the
// work area.
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#undef NDEBUG
#define NDEBUG
#include <assert.h>

#include "codes.h"
#include "lib_heap.h"

#define malloc lib_malloc
#define calloc lib_calloc
#define realloc lib_realloc
#define free lib_free
// Nothing waits for a clock: the effort limits the search.
#undef HAVE_SYS_TIME_H
#define time(t) ((time_t)0)
#undef fprintf
#define fprintf(...) ((void)0)
#define fputc(...) ((void)0)
#define perror(...) ((void)0)

#include "dmtx.c"

typedef struct {
    vis_list_t *out;
    vis_work_t *w;
    const image_t *img;
    image_rect_t roi;
    int32_t effort;
} job_t;

static int add(job_t *j, DmtxRegion *reg, DmtxMessage *msg) {
    code_matrix_t *m = vis_list_add(j->w, j->out);
    size_t n = (size_t)msg->outputIdx;
    if (!m || !(m->payload = vis_alloc(j->w, n + 1))) {
        return -ENOMEM;
    }
    memcpy(m->payload, msg->output, n);
    m->payload[n] = 0;
    m->len = n;
    // The library counts y upwards, and its unit square begins at the bottom left.
    static const double unit[4][2] = { { 0, 1 }, { 1, 1 }, { 1, 0 }, { 0, 0 } };
    for (int i = 0; i < 4; i++) {
        DmtxVector2 p = { unit[i][0], unit[i][1] };
        dmtxMatrix3VMultiplyBy(&p, reg->fit2raw);
        m->corner[i][0] = j->roi.x + (int32_t)lrint(p.X);
        m->corner[i][1] = j->roi.y + j->roi.h - 1 - (int32_t)lrint(p.Y);
    }
    double angle = atan2(m->corner[1][1] - m->corner[0][1], m->corner[1][0] - m->corner[0][0]);
    m->rotation = (float)(angle < 0 ? angle + 2 * M_PI : angle);
    m->rows = dmtxGetSymbolAttribute(DmtxSymAttribSymbolRows, reg->sizeIdx);
    m->columns = dmtxGetSymbolAttribute(DmtxSymAttribSymbolCols, reg->sizeIdx);
    m->capacity = dmtxGetSymbolAttribute(DmtxSymAttribSymbolDataWords, reg->sizeIdx);
    m->padding = msg->padCount;
    return 0;
}

static int run(void *ctx) {
    job_t *j = ctx;
    uint8_t *gray = malloc((size_t)j->roi.w * (size_t)j->roi.h);
    vis_gray_part(j->img, j->roi, gray);
    DmtxImage *image = dmtxImageCreate(gray, j->roi.w, j->roi.h, DmtxPack8bppK);
    DmtxDecode *dec = image ? dmtxDecodeCreate(image, 1) : NULL;
    if (!dec) {
        return 0;
    }
    // As the grid gets finer there is less and less left to find.
    int32_t tries = 0;
    for (;;) {
        DmtxPixelLoc at;
        if (PopGridLocation(&dec->grid, &at) == DmtxRangeEnd || tries >= j->effort * 100) {
            return 0;
        }
        tries++;
        if (tries % 64 == 0) {
            image_port_poll();
        }
        DmtxRegion *reg = dmtxRegionScanPixel(dec, at.X, at.Y);
        if (!reg) {
            continue;
        }
        DmtxMessage *msg = dmtxDecodeMatrixRegion(dec, reg, DmtxUndefined);
        if (msg) {
            int ret = add(j, reg, msg);
            if (ret) {
                return ret;
            }
            tries = 0;
            dmtxMessageDestroy(&msg);
        }
        dmtxRegionDestroy(&reg);
    }
}

int code_find_matrices(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, int32_t effort) {
    *out = (vis_list_t) { .size = sizeof(code_matrix_t) };
    job_t j = { out, w, img, roi, effort };
    return lib_heap_run(w, run, &j);
}
