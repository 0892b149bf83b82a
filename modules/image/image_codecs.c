// SPDX-License-Identifier: MIT
// The table of file formats, and what all of them need.
#include <errno.h>
#include <string.h>

#include "image_priv.h"

static const image_codec_t *const codecs[] = {
    &image_codec_pnm,
    &image_codec_bmp,
    &image_codec_jpeg,
    &image_codec_png,
};

int image_read_exact(image_io_t *io, void *buf, size_t n, char *err) {
    if (io->read(io, buf, n) != n) {
        return image_fail(err, -EIO, "image file ends too early");
    }
    return 0;
}

int image_read_info(image_io_t *io, image_info_t *info, char err[IMAGE_ERR_LEN]) {
    uint8_t magic[IMAGE_MAGIC_LEN];
    int ret = image_read_exact(io, magic, sizeof(magic), err);
    if (ret) {
        return ret;
    }
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (codecs[i]->probe(magic)) {
            memset(info, 0, sizeof(*info));
            info->codec = codecs[i];
            ret = codecs[i]->info(io, magic, info, err);
            if (ret == 0 && image_bytes(info->w, info->h, info->format) == 0) {
                ret = image_fail(err, -EINVAL, "%s: impossible size %ldx%ld", codecs[i]->name, (long)info->w,
                    (long)info->h);
            }
            return ret;
        }
    }
    return image_fail(err, -EINVAL, "format not supported (file starts with 0x%02x 0x%02x; BMP, JPEG, PNG, PPM and PGM are)",
        magic[0], magic[1]);
}

int image_read_pixels(image_io_t *io, image_info_t *info, image_t *img, char err[IMAGE_ERR_LEN]) {
    return info->codec->decode(io, info, img, err);
}

int image_write(image_io_t *io, const image_t *img, image_rect_t roi, image_file_t type, int quality,
    char err[IMAGE_ERR_LEN]) {
    if (img->format == IMAGE_JPEG || !image_clip(img->w, img->h, &roi)) {
        return image_fail(err, -EINVAL, "nothing to save");
    }
    switch (type) {
        case IMAGE_FILE_BMP:
            return image_write_bmp(io, img, roi, err);
        case IMAGE_FILE_JPEG:
            return image_write_jpeg(io, img, roi, quality, err);
        case IMAGE_FILE_PNG:
            return image_write_png(io, img, roi, err);
        default:
            return image_write_pnm(io, img, roi, err);
    }
}

void image_store_rgb(image_t *img, int32_t x, int32_t y, uint8_t r, uint8_t g, uint8_t b) {
    image_set(img, x, y, image_color(img->format, r, g, b));
    if (img->ai) {
        size_t plane = (size_t)img->w * (size_t)img->h, i = (size_t)y * (size_t)img->w + (size_t)x;
        if (img->format == IMAGE_RGB565) {
            img->ai[i] = r;
            img->ai[plane + i] = g;
            img->ai[2 * plane + i] = b;
        } else {
            img->ai[i] = image_rgb_to_gray(r, g, b);
        }
    }
}

static size_t sink_write(image_io_t *io, const void *buf, size_t n) {
    image_sink_t *s = (image_sink_t *)io;
    if (s->n + n <= s->room) {
        memcpy(s->data + s->n, buf, n);
    }
    s->n += n;
    return n;
}

void image_sink_init(image_sink_t *sink, uint8_t *data, size_t room) {
    *sink = (image_sink_t) { { NULL, sink_write }, data, room, 0 };
}
