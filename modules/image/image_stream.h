// SPDX-License-Identifier: MIT
// Files of pictures as they are in memory, one after the other: OpenMV's image streams, version 1.0. 16 bytes of magic,
// then for each picture four words (milliseconds since the one before, width, height, kind), its bytes, and zeros up to
// a multiple of 16. The kind is 0 for binary, 1 for gray, 2 for RGB565; more is the length of a JPEG picture.
#ifndef K210_IMAGE_STREAM_H
#define K210_IMAGE_STREAM_H

#include "image.h"

#define IMAGE_STREAM_MAGIC "OMV IMG STR V1.0"
#define IMAGE_STREAM_HEAD (16)

// 0, or -EINVAL with a sentence: left is how many bytes the file has behind the head. pix and ai of img become NULL.
int image_stream_parse(const uint8_t head[IMAGE_STREAM_HEAD], uint32_t left, image_t *img, uint32_t *ms,
    char err[IMAGE_ERR_LEN]);

void image_stream_head(uint8_t head[IMAGE_STREAM_HEAD], const image_t *img, uint32_t ms);

// Zeros behind size bytes.
static inline uint32_t image_stream_padding(uint32_t size) {
    return -size & 15;
}

#endif
