// SPDX-License-Identifier: MIT
// AprilTags by the library of that name. It is compiled as part of this file; its memory comes from
// the work area, its threads and debug pictures are left out.
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef NDEBUG
#define NDEBUG
#include <assert.h>

#include "codes.h"
#include "lib_heap.h"

#define malloc lib_malloc
#define calloc lib_calloc
#define realloc lib_realloc
#define free lib_free
#define strdup lib_strdup
#undef printf
#define printf(...) ((void)0)
#define fprintf(...) ((void)0)
#define fopen(...) NULL
#define fclose(...) ((void)0)
#define fflush(...) ((void)0)
#define random() 0
#define srandom(x) ((void)(x))
#define rand() 0
#define srand(x) ((void)(x))
#undef stderr
#define stderr NULL

#include "common/zarray.c"
#include "common/unionfind.c"
#include "common/zmaxheap.c"
#include "common/svd22.c"
#include "common/matd.c"
#include "common/homography.c"
#include "common/g2d.c"

// Where the library asks for threads, the tasks run at once.
#include "common/workerpool.h"

struct workerpool {
    int none;
};

workerpool_t *workerpool_create(int nthreads) {
    static struct workerpool only;
    (void)nthreads;
    return &only;
}

void workerpool_destroy(workerpool_t *wp) {
    (void)wp;
}

int workerpool_get_nthreads(workerpool_t *wp) {
    (void)wp;
    return 1;
}

void workerpool_add_task(workerpool_t *wp, void (*f)(void *p), void *p) {
    (void)wp;
    f(p);
}

void workerpool_run(workerpool_t *wp) {
    (void)wp;
    image_port_poll();
}

#include "common/time_util.h"

int64_t utime_now(void) {
    return 0;
}

// Pictures: only what the detector needs.
#include "common/image_u8.h"
#include "common/image_u8x3.h"

image_u8_t *image_u8_create_stride(unsigned int width, unsigned int height, unsigned int stride) {
    uint8_t *buf = calloc(height * stride, 1);
    image_u8_t *im = malloc(sizeof(*im));
    image_u8_t tmp = { .width = (int32_t)width, .height = (int32_t)height, .stride = (int32_t)stride, .buf = buf };
    memcpy(im, &tmp, sizeof(tmp));
    return im;
}

image_u8_t *image_u8_create(unsigned int width, unsigned int height) {
    return image_u8_create_stride(width, height, width);
}

image_u8_t *image_u8_create_alignment(unsigned int width, unsigned int height, unsigned int alignment) {
    return image_u8_create_stride(width, height, (width + alignment - 1) / alignment * alignment);
}

image_u8_t *image_u8_copy(const image_u8_t *in) {
    image_u8_t *out = image_u8_create_stride((unsigned)in->width, (unsigned)in->height, (unsigned)in->stride);
    memcpy(out->buf, in->buf, (size_t)in->height * (size_t)in->stride);
    return out;
}

void image_u8_destroy(image_u8_t *im) {
    if (im) {
        free(im->buf);
        free(im);
    }
}

// quad_decimate is 1 and quad_sigma 0 here, and debug off: these are never called.
image_u8_t *image_u8_decimate(image_u8_t *im, float factor) {
    (void)factor;
    return image_u8_copy(im);
}
void image_u8_gaussian_blur(image_u8_t *im, double sigma, int k) {
    (void)im, (void)sigma, (void)k;
}
void image_u8_darken(image_u8_t *im) {
    (void)im;
}
int image_u8_write_pnm(const image_u8_t *im, const char *path) {
    (void)im, (void)path;
    return -1;
}
void image_u8_draw_line(image_u8_t *im, float x0, float y0, float x1, float y1, int v, int width) {
    (void)im, (void)x0, (void)y0, (void)x1, (void)y1, (void)v, (void)width;
}
image_u8x3_t *image_u8x3_create(unsigned int width, unsigned int height) {
    (void)width, (void)height;
    return NULL;
}
void image_u8x3_destroy(image_u8x3_t *im) {
    (void)im;
}
int image_u8x3_write_pnm(const image_u8x3_t *im, const char *path) {
    (void)im, (void)path;
    return -1;
}
void image_u8x3_draw_line(image_u8x3_t *im, float x0, float y0, float x1, float y1, uint8_t rgb[3]) {
    (void)im, (void)x0, (void)y0, (void)x1, (void)y1, (void)rgb;
}

#include "apriltag_quad_thresh.c"
#include "apriltag.c"

#define codedata codedata_16h5
#include "tag16h5.c"
#undef codedata
#define codedata codedata_25h9
#include "tag25h9.c"
#undef codedata
#define codedata codedata_36h10
#include "tag36h10.c"
#undef codedata
#define codedata codedata_36h11
#include "tag36h11.c"
#undef codedata

typedef struct {
    vis_list_t *out;
    vis_work_t *w;
    const image_t *img;
    image_rect_t roi;
    unsigned families;
} job_t;

// ---- families that the library does not have ------------------------------------------------------

#include "tag25h7.h"

// The library wants the bits of a code in the order of bit_x and bit_y; codes come in rows.
static void set_codes(apriltag_family_t *tf, uint32_t n, uint64_t (*code)(uint32_t id)) {
    uint32_t side = (uint32_t)(tf->width_at_border - 2);
    tf->ncodes = n;
    tf->codes = calloc(n, sizeof(*tf->codes));
    for (uint32_t id = 0; id < n; id++) {
        uint64_t rows = code(id);
        for (uint32_t i = 0; i < tf->nbits; i++) {
            uint32_t at = (tf->bit_y[i] - 1) * side + tf->bit_x[i] - 1;
            tf->codes[id] = tf->codes[id] << 1 | (rows >> (tf->nbits - 1 - at) & 1);
        }
    }
}

static uint64_t code_25h7(uint32_t id) {
    return codes_25h7[id];
}

static apriltag_family_t *tag25h7_create(void) {
    apriltag_family_t *tf = tag25h9_create();
    tf->h = 7;
    set_codes(tf, sizeof(codes_25h7) / sizeof(codes_25h7[0]), code_25h7);
    return tf;
}

// Markers of ARToolKitPlus: the number in nine bits, four times, over a fixed pattern.
static uint64_t code_artoolkit(uint32_t id) {
    return UINT64_C(0x6dc269c27) ^ id * UINT64_C(0x008040201);
}

static apriltag_family_t *artoolkit_create(void) {
    apriltag_family_t *tf = tag36h11_create();
    tf->h = 4;
    set_codes(tf, 512, code_artoolkit);
    return tf;
}

// Bits that may be wrong. The library's table grows with it: 36h10 with one bit would take 4 MB.
static const struct {
    unsigned flag;
    int bits;
    apriltag_family_t *(*create)(void);
} families[] = {
    { CODE_TAG16H5, 0, tag16h5_create }, { CODE_TAG25H7, 1, tag25h7_create }, { CODE_TAG25H9, 1, tag25h9_create },
    { CODE_TAG36H10, 0, tag36h10_create }, { CODE_TAG36H11, 1, tag36h11_create }, { CODE_ARTOOLKIT, 0, artoolkit_create },
};
#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

static int add(job_t *j, const apriltag_detection_t *d, unsigned flag) {
    code_tag_t *t = vis_list_add(j->w, j->out);
    if (!t) {
        return -ENOMEM;
    }
    for (int i = 0; i < 4; i++) {
        // The library begins at the bottom left and goes the other way round.
        t->corner[i][0] = (int32_t)lrint(d->p[3 - i][0]) + j->roi.x;
        t->corner[i][1] = (int32_t)lrint(d->p[3 - i][1]) + j->roi.y;
    }
    t->id = d->id;
    t->family = (int32_t)flag;
    t->hamming = d->hamming;
    t->margin = d->decision_margin / 255;
    t->goodness = 0;
    t->cx = (float)(d->c[0] + j->roi.x);
    t->cy = (float)(d->c[1] + j->roi.y);
    double angle = atan2(d->p[1][1] - d->p[0][1], d->p[1][0] - d->p[0][0]);
    t->rotation = (float)(angle < 0 ? angle + 2 * M_PI : angle);
    for (unsigned i = 0; i < 9; i++) {
        t->h[i] = MATD_EL(d->H, i / 3, i % 3);
    }
    return 0;
}

static int run(void *ctx) {
    job_t *j = ctx;
    apriltag_detector_t *td = apriltag_detector_create();
    td->quad_decimate = 1;
    apriltag_family_t *made[N_FAMILIES] = { NULL };
    for (unsigned i = 0; i < N_FAMILIES; i++) {
        if (j->families & families[i].flag) {
            made[i] = families[i].create();
            apriltag_detector_add_family_bits(td, made[i], families[i].bits);
        }
    }
    image_u8_t *im = image_u8_create((unsigned)j->roi.w, (unsigned)j->roi.h);
    vis_gray_part(j->img, j->roi, im->buf);
    zarray_t *found = apriltag_detector_detect(td, im);
    for (int i = 0; i < zarray_size(found); i++) {
        apriltag_detection_t *d;
        zarray_get(found, i, &d);
        for (unsigned k = 0; k < N_FAMILIES; k++) {
            if (made[k] == d->family && add(j, d, families[k].flag)) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

int code_find_tags(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, unsigned flags) {
    *out = (vis_list_t) { .size = sizeof(code_tag_t) };
    if (roi.w < 8 || roi.h < 8) {
        return 0; // too small for any tag, and the library does not expect it
    }
    job_t j = { out, w, img, roi, flags };
    return lib_heap_run(w, run, &j);
}
