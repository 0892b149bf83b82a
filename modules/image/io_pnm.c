// SPDX-License-Identifier: MIT
// PPM and PGM, the binary variants P6 and P5 of Netpbm with 8 bits per sample.
#include <errno.h>
#include <stdio.h>

#include "image_priv.h"

#define CHUNK (96) // pixels

static bool probe(const uint8_t *magic) {
    return magic[0] == 'P' && (magic[1] == '6' || magic[1] == '5');
}

static bool is_space(int c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

// A decimal number after white space and comments; the one character after it is consumed, too.
static int read_number(image_io_t *io, int32_t *value, char *err) {
    uint8_t c;
    int32_t v = 0;
    int digits = 0;
    for (;;) {
        int ret = image_read_exact(io, &c, 1, err);
        if (ret) {
            return ret;
        }
        if (c == '#' && digits == 0) {
            while (c != '\n') {
                if ((ret = image_read_exact(io, &c, 1, err))) {
                    return ret;
                }
            }
        } else if (c >= '0' && c <= '9' && v < 1000000) {
            v = v * 10 + (c - '0');
            digits++;
        } else if (is_space(c)) {
            if (digits) {
                *value = v;
                return 0;
            }
        } else {
            return image_fail(err, -EINVAL, "PNM: bad character 0x%02x in the header", c);
        }
    }
}

static int info(image_io_t *io, const uint8_t *magic, image_info_t *out, char *err) {
    int32_t number[3];
    for (int i = 0; i < 3; i++) {
        int ret = read_number(io, &number[i], err);
        if (ret) {
            return ret;
        }
    }
    if (number[2] < 1 || number[2] > 255) {
        return image_fail(err, -EINVAL, "PNM: largest sample is %ld, supported are 1 to 255", (long)number[2]);
    }
    out->w = number[0];
    out->h = number[1];
    out->format = magic[1] == '6' ? IMAGE_RGB565 : IMAGE_GRAYSCALE;
    out->planes = true;
    out->state[0] = (uint32_t)number[2];
    return 0;
}

static uint8_t rescale(uint8_t v, uint32_t max) {
    return max == 255 ? v : v >= max ? 255 : (uint8_t)((v * 255u + max / 2) / max);
}

static int decode(image_io_t *io, image_info_t *in, image_t *img, char *err) {
    uint8_t buf[CHUNK * 3];
    int32_t channels = in->format == IMAGE_RGB565 ? 3 : 1;
    uint32_t max = in->state[0];
    for (int32_t y = 0; y < in->h; y++) {
        for (int32_t x = 0; x < in->w;) {
            int32_t n = in->w - x < CHUNK ? in->w - x : CHUNK;
            int ret = image_read_exact(io, buf, (size_t)(n * channels), err);
            if (ret) {
                return ret;
            }
            for (const uint8_t *p = buf; n > 0; n--, x++, p += channels) {
                uint8_t r = rescale(p[0], max);
                if (channels == 3) {
                    image_store_rgb(img, x, y, r, rescale(p[1], max), rescale(p[2], max));
                } else {
                    image_store_rgb(img, x, y, r, r, r);
                }
            }
        }
    }
    return 0;
}

const image_codec_t image_codec_pnm = { "PNM", probe, info, decode };

int image_write_pnm(image_io_t *io, const image_t *img, image_rect_t roi, char *err) {
    uint8_t buf[CHUNK * 3];
    size_t channels = img->format == IMAGE_RGB565 ? 3 : 1;
    int len = snprintf((char *)buf, sizeof(buf), "P%c\n%ld %ld\n255\n", channels == 3 ? '6' : '5', (long)roi.w,
        (long)roi.h);
    size_t n = (size_t)len;
    for (int32_t y = roi.y; y < roi.y + roi.h; y++) {
        for (int32_t x = roi.x; x < roi.x + roi.w; x++) {
            if (n + 3 > sizeof(buf)) {
                if (io->write(io, buf, n) != n) {
                    return image_fail(err, -EIO, "cannot write the file (disk full?)");
                }
                n = 0;
            }
            uint8_t c[3];
            image_color_to_rgb(img->format, image_get(img, x, y), &c[0], &c[1], &c[2]);
            for (size_t k = 0; k < channels; k++) {
                buf[n++] = c[k];
            }
        }
    }
    if (io->write(io, buf, n) != n) {
        return image_fail(err, -EIO, "cannot write the file (disk full?)");
    }
    return 0;
}
