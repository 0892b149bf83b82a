// SPDX-License-Identifier: MIT
// Windows bitmaps: reads 1, 4, 8, 16, 24 and 32 bits per pixel without compression (or with bit
// fields), writes 24 bits, or 8 with a gray palette.
#include <errno.h>
#include <string.h>

#include "image_priv.h"

#define CHUNK (64)          // pixels, a multiple of 8
#define FILE_HEADER (14)
#define INFO_HEADER (40)
#define COMPRESSION_NONE (0)
#define COMPRESSION_BITFIELDS (3)

// Use of image_info_t.state: these, then 256 colours as red, green and blue bytes.
enum { S_BPP, S_TOP_DOWN, S_RED, S_GREEN, S_BLUE, S_PALETTE };

static uint8_t *palette(const image_info_t *info, uint32_t i) {
    return (uint8_t *)(uintptr_t)&info->state[S_PALETTE] + 3 * i;
}

static bool probe(const uint8_t *magic) {
    return magic[0] == 'B' && magic[1] == 'M';
}

static uint32_t get16(const uint8_t *p) {
    return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p) {
    return get16(p) | get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v) {
    put16(p, v);
    put16(p + 2, v >> 16);
}

static int skip(image_io_t *io, uint32_t n, char *err) {
    uint8_t buf[64];
    while (n) {
        uint32_t step = n < sizeof(buf) ? n : (uint32_t)sizeof(buf);
        int ret = image_read_exact(io, buf, step, err);
        if (ret) {
            return ret;
        }
        n -= step;
    }
    return 0;
}

// Palette colours of up to 256 entries, blue green red and a spare byte each.
static int read_palette(image_io_t *io, uint32_t colors, image_info_t *out, char *err) {
    bool gray = true;
    for (uint32_t i = 0; i < colors; i++) {
        uint8_t c[4];
        int ret = image_read_exact(io, c, 4, err);
        if (ret) {
            return ret;
        }
        uint8_t *color = palette(out, i);
        color[0] = c[2];
        color[1] = c[1];
        color[2] = c[0];
        gray = gray && c[0] == c[1] && c[1] == c[2];
    }
    out->format = gray ? IMAGE_GRAYSCALE : IMAGE_RGB565;
    return 0;
}

static int info(image_io_t *io, const uint8_t *magic, image_info_t *out, char *err) {
    (void)magic;
    uint8_t head[FILE_HEADER - IMAGE_MAGIC_LEN + INFO_HEADER];
    int ret = image_read_exact(io, head, sizeof(head), err);
    if (ret) {
        return ret;
    }
    const uint8_t *dib = head + FILE_HEADER - IMAGE_MAGIC_LEN;
    uint32_t offset = get32(head + 8), dib_size = get32(dib), bpp = get16(dib + 14);
    uint32_t compression = get32(dib + 16), colors = get32(dib + 32);
    int32_t h = (int32_t)get32(dib + 8);
    uint32_t used = FILE_HEADER + INFO_HEADER;
    if (dib_size < INFO_HEADER || dib_size > 256) {
        return image_fail(err, -EINVAL, "BMP: header of %lu bytes is not supported", (unsigned long)dib_size);
    }
    out->w = (int32_t)get32(dib + 4);
    out->h = h < 0 ? (h == INT32_MIN ? 0 : -h) : h;
    out->format = IMAGE_RGB565;
    out->state[S_BPP] = bpp;
    out->state[S_TOP_DOWN] = h < 0;
    out->state[S_RED] = bpp == 16 ? 0x7c00 : 0xff0000;
    out->state[S_GREEN] = bpp == 16 ? 0x03e0 : 0x00ff00;
    out->state[S_BLUE] = bpp == 16 ? 0x001f : 0x0000ff;
    bool fields = compression == COMPRESSION_BITFIELDS && (bpp == 16 || bpp == 32);
    if (get16(dib + 12) != 1 || (compression != COMPRESSION_NONE && !fields) ||
        (bpp != 1 && bpp != 4 && bpp != 8 && bpp != 16 && bpp != 24 && bpp != 32)) {
        return image_fail(err, -EINVAL, "BMP: %lu bits per pixel with compression %lu is not supported",
            (unsigned long)bpp, (unsigned long)compression);
    }
    // The masks are part of longer headers or follow the short one: the same place.
    if (fields) {
        uint8_t masks[12];
        if ((ret = image_read_exact(io, masks, sizeof(masks), err))) {
            return ret;
        }
        used += sizeof(masks);
        for (int i = 0; i < 3; i++) {
            out->state[S_RED + i] = get32(masks + 4 * i);
        }
    }
    if (used < FILE_HEADER + dib_size) {
        if ((ret = skip(io, FILE_HEADER + dib_size - used, err))) {
            return ret;
        }
        used = FILE_HEADER + dib_size;
    }
    if (bpp <= 8) {
        uint32_t most = 1u << bpp;
        colors = colors == 0 || colors > most ? most : colors;
        if ((ret = read_palette(io, colors, out, err))) {
            return ret;
        }
        used += 4 * colors;
    }
    if (offset < used) {
        return image_fail(err, -EINVAL, "BMP: pixels at %lu lie inside the header", (unsigned long)offset);
    }
    if (offset - used > 65536) {
        return image_fail(err, -EINVAL, "BMP: pixels at %lu lie too far from the header", (unsigned long)offset);
    }
    return skip(io, offset - used, err);
}

// The bits of v under mask, scaled to 0..255.
static uint8_t field(uint32_t v, uint32_t mask) {
    if (mask == 0) {
        return 0;
    }
    unsigned shift = (unsigned)__builtin_ctz(mask);
    uint64_t max = mask >> shift;
    return (uint8_t)(((v & mask) >> shift) * (uint64_t)255 / max);
}

static void store(image_t *img, const image_info_t *in, const uint8_t *p, int32_t k, int32_t x, int32_t y) {
    uint32_t bpp = in->state[S_BPP];
    if (bpp <= 8) {
        uint32_t bit = (uint32_t)k * bpp;
        uint32_t i = (uint32_t)p[bit / 8] >> (8 - bpp - bit % 8) & ((1u << bpp) - 1);
        const uint8_t *color = palette(in, i);
        image_store_rgb(img, x, y, color[0], color[1], color[2]);
    } else if (bpp == 24) {
        p += 3 * k;
        image_store_rgb(img, x, y, p[2], p[1], p[0]);
    } else {
        uint32_t v = bpp == 16 ? get16(p + 2 * k) : get32(p + 4 * k);
        image_store_rgb(img, x, y, field(v, in->state[S_RED]), field(v, in->state[S_GREEN]),
            field(v, in->state[S_BLUE]));
    }
}

static int decode(image_io_t *io, image_info_t *in, image_t *img, char *err) {
    uint8_t buf[CHUNK * 4];
    uint32_t bpp = in->state[S_BPP];
    uint32_t row_bytes = ((uint32_t)in->w * bpp + 7) / 8, padding = (4 - row_bytes % 4) % 4;
    for (int32_t i = 0; i < in->h; i++) {
        int32_t y = in->state[S_TOP_DOWN] ? i : in->h - 1 - i;
        for (int32_t x = 0; x < in->w;) {
            int32_t n = in->w - x < CHUNK ? in->w - x : CHUNK;
            int ret = image_read_exact(io, buf, ((uint32_t)n * bpp + 7) / 8, err);
            if (ret) {
                return ret;
            }
            for (int32_t k = 0; k < n; k++) {
                store(img, in, buf, k, x + k, y);
            }
            x += n;
        }
        // Some writers leave out the padding of the last row.
        if (i + 1 < in->h) {
            int ret = skip(io, padding, err);
            if (ret) {
                return ret;
            }
        }
    }
    return 0;
}

const image_codec_t image_codec_bmp = { "BMP", probe, info, decode };

static int put(image_io_t *io, const void *buf, size_t n, char *err) {
    if (n && io->write(io, buf, n) != n) {
        return image_fail(err, -EIO, "cannot write the file (disk full?)");
    }
    return 0;
}

int image_write_bmp(image_io_t *io, const image_t *img, image_rect_t roi, char *err) {
    bool color = img->format == IMAGE_RGB565;
    uint32_t bytes = color ? 3 : 1, colors = color ? 0 : 256;
    uint32_t row = ((uint32_t)roi.w * bytes + 3) & ~3u;
    uint32_t offset = FILE_HEADER + INFO_HEADER + 4 * colors, total = row * (uint32_t)roi.h;
    uint8_t head[FILE_HEADER + INFO_HEADER] = { 'B', 'M' };
    put32(head + 2, offset + total);
    put32(head + 10, offset);
    put32(head + 14, INFO_HEADER);
    put32(head + 18, (uint32_t)roi.w);
    put32(head + 22, (uint32_t)roi.h);
    put16(head + 26, 1);
    put16(head + 28, 8 * bytes);
    put32(head + 34, total);
    put32(head + 46, colors);
    int ret = put(io, head, sizeof(head), err);
    for (uint32_t i = 0; i < colors && ret == 0; i++) {
        uint8_t c[4] = { (uint8_t)i, (uint8_t)i, (uint8_t)i, 0 };
        ret = put(io, c, 4, err);
    }
    for (int32_t y = roi.y + roi.h - 1; y >= roi.y && ret == 0; y--) {
        uint8_t buf[CHUNK * 3 + 4];
        size_t n = 0;
        for (int32_t x = roi.x; x < roi.x + roi.w && ret == 0; x++) {
            uint8_t r, g, b;
            image_color_to_rgb(img->format, image_get(img, x, y), &r, &g, &b);
            buf[n++] = b;
            if (color) {
                buf[n++] = g;
                buf[n++] = r;
            }
            if (n >= CHUNK * 3) {
                ret = put(io, buf, n, err);
                n = 0;
            }
        }
        size_t padding = row - (size_t)roi.w * bytes;
        memset(buf + n, 0, padding);
        if (ret == 0) {
            ret = put(io, buf, n + padding, err);
        }
    }
    return ret;
}
