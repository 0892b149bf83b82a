// SPDX-License-Identifier: MIT
#include <errno.h>

#include "image_priv.h"
#include "image_stream.h"

#define JPEG_KIND (3)           // and more

int image_stream_parse(const uint8_t head[IMAGE_STREAM_HEAD], uint32_t left, image_t *img, uint32_t *ms,
    char err[IMAGE_ERR_LEN]) {
    uint32_t v[4];
    for (int i = 0; i < 4; i++) {
        const uint8_t *p = head + 4 * i;
        v[i] = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    }
    *ms = v[0];
    *img = (image_t) { 0 };
    if (v[1] == 0 || v[1] > IMAGE_MAX_SIDE || v[2] == 0 || v[2] > IMAGE_MAX_SIDE) {
        return image_fail(err, -EINVAL, "image stream: a picture of %lux%lu", (unsigned long)v[1], (unsigned long)v[2]);
    }
    img->w = (int32_t)v[1];
    img->h = (int32_t)v[2];
    static const image_format_t formats[] = { IMAGE_BINARY, IMAGE_GRAYSCALE, IMAGE_RGB565 };
    img->format = v[3] < JPEG_KIND ? formats[v[3]] : IMAGE_JPEG;
    img->size = v[3] < JPEG_KIND ? image_bytes(img->w, img->h, img->format) : v[3];
    if (img->size == 0 || img->size > left) {
        return image_fail(err, -EINVAL, "image stream: a picture of %lu bytes, the file has %lu", (unsigned long)img->size,
            (unsigned long)left);
    }
    return 0;
}

void image_stream_head(uint8_t head[IMAGE_STREAM_HEAD], const image_t *img, uint32_t ms) {
    uint32_t kind = img->format == IMAGE_JPEG ? (uint32_t)img->size : img->format == IMAGE_RGB565 ? 2
                    : img->format == IMAGE_GRAYSCALE ? 1 : 0;
    const uint32_t v[4] = { ms, (uint32_t)img->w, (uint32_t)img->h, kind };
    for (int i = 0; i < 16; i++) {
        head[i] = (uint8_t)(v[i / 4] >> 8 * (i % 4));
    }
}
