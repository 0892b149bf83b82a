// SPDX-License-Identifier: MIT
// QR codes by quirc. The library is compiled as part of this file, its memory comes from the work area.
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "lib_heap.h"

#define malloc lib_malloc
#define calloc lib_calloc
#define realloc lib_realloc
#define free lib_free

#include "decode.c"
#include "identify.c"
#include "quirc.c"
#include "version_db.c"

typedef struct {
    vis_list_t *out;
    vis_work_t *w;
    const image_t *img;
    image_rect_t roi;
} job_t;

static int add(job_t *j, const struct quirc_code *code, const struct quirc_data *data) {
    code_qr_t *q = vis_list_add(j->w, j->out);
    if (!q || !(q->payload = vis_alloc(j->w, (size_t)data->payload_len + 1))) {
        return -ENOMEM;
    }
    memcpy(q->payload, data->payload, (size_t)data->payload_len);
    q->payload[data->payload_len] = 0;
    q->len = (size_t)data->payload_len;
    for (int i = 0; i < 4; i++) {
        q->corner[i][0] = code->corners[i].x + j->roi.x;
        q->corner[i][1] = code->corners[i].y + j->roi.y;
    }
    q->version = data->version;
    q->ecc_level = data->ecc_level;
    q->mask = data->mask;
    q->data_type = data->data_type;
    q->eci = (int32_t)data->eci;
    return 0;
}

static int run(void *ctx) {
    job_t *j = ctx;
    struct quirc *q = quirc_new();
    if (quirc_resize(q, j->roi.w, j->roi.h)) {
        return -ENOMEM;
    }
    vis_gray_part(j->img, j->roi, quirc_begin(q, NULL, NULL));
    image_port_poll();
    quirc_end(q);
    // Too large for a stack.
    struct quirc_code *code = malloc(sizeof(*code));
    struct quirc_data *data = malloc(sizeof(*data));
    for (int i = 0; i < quirc_count(q); i++) {
        image_port_poll();
        quirc_extract(q, i, code);
        quirc_decode_error_t err = quirc_decode(code, data);
        if (err == QUIRC_ERROR_DATA_ECC || err == QUIRC_ERROR_FORMAT_ECC) {
            quirc_flip(code); // seen in a mirror
            err = quirc_decode(code, data);
        }
        if (err == QUIRC_SUCCESS && add(j, code, data)) {
            return -ENOMEM;
        }
    }
    return 0;
}

int code_find_qr(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi) {
    *out = (vis_list_t) { .size = sizeof(code_qr_t) };
    job_t j = { out, w, img, roi };
    return lib_heap_run(w, run, &j);
}
