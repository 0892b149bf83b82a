// SPDX-License-Identifier: MIT
// PNG: all colour types and depths, not interlaced. Written with 8 bits per component.
#include <errno.h>
#include <string.h>

#include "image_priv.h"
#include "inflate.h"
#include "vision/vision.h"

typedef struct {
    uint32_t depth, type, channels;
    uint32_t row_bytes, pixel_bytes;
    uint8_t palette[256][3];
} png_state_t;

_Static_assert(sizeof(png_state_t) <= IMAGE_INFO_STATE * sizeof(uint32_t), "state");

enum { GRAY = 0, RGB = 2, PALETTE = 3, GRAY_ALPHA = 4, RGB_ALPHA = 6 };

static uint32_t be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}

static uint32_t crc_of(uint32_t crc, const uint8_t *p, size_t n) {
    // Four bits at a time: the table is small.
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

static bool png_probe(const uint8_t *magic) {
    return magic[0] == 0x89 && magic[1] == 'P';
}

static int png_info(image_io_t *io, const uint8_t *magic, image_info_t *info, char *err) {
    (void)magic;
    static const uint8_t rest[14] = { 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R' };
    uint8_t head[14 + 13 + 4];
    int ret = image_read_exact(io, head, sizeof(head), err);
    if (ret) {
        return ret;
    }
    const uint8_t *p = head + 14;
    if (memcmp(head, rest, sizeof(rest)) || (crc_of(~0u, head + 10, 17) ^ ~0u) != be32(p + 13)) {
        return image_fail(err, -EINVAL, "png: damaged header");
    }
    png_state_t *s = (png_state_t *)(void *)info->state;
    uint32_t w = be32(p), h = be32(p + 4);
    s->depth = p[8];
    s->type = p[9];
    s->channels = s->type == RGB ? 3 : s->type == RGB_ALPHA ? 4 : s->type == GRAY_ALPHA ? 2 : 1;
    bool known = s->type == GRAY || s->type == RGB || s->type == PALETTE || s->type == GRAY_ALPHA || s->type == RGB_ALPHA;
    bool depth = s->depth == 8 || (s->depth == 16 && s->type != PALETTE) ||
        ((s->depth == 1 || s->depth == 2 || s->depth == 4) && s->channels == 1 && s->type != GRAY_ALPHA);
    if (!known || !depth || p[10] || p[11] || w > IMAGE_MAX_SIDE || h > IMAGE_MAX_SIDE) {
        return image_fail(err, -EINVAL, "png: %lux%lu, type %u, %u bits", (unsigned long)w, (unsigned long)h, (unsigned)s->type,
            (unsigned)s->depth);
    }
    if (p[12]) {
        return image_fail(err, -EINVAL, "png: interlaced pictures are not supported");
    }
    s->row_bytes = (w * s->channels * s->depth + 7) / 8;
    s->pixel_bytes = s->channels * s->depth >= 8 ? s->channels * s->depth / 8 : 1;
    info->w = (int32_t)w;
    info->h = (int32_t)h;
    info->format = s->type == GRAY || s->type == GRAY_ALPHA ? IMAGE_GRAYSCALE : IMAGE_RGB565;
    info->planes = false;
    return 0;
}

// The data of the IDAT chunks as one stream of bytes, and from them rows of pixels.
typedef struct {
    image_io_t *io;
    png_state_t *s;
    image_t *img;
    uint32_t left, crc;     // of the current chunk
    bool in_data;
    uint8_t *row, *above;   // with the filter's byte in front
    uint32_t fill;          // bytes of row so far
    int32_t y;
    bool bad_filter;
} png_t;

static int next_chunk(png_t *p, uint8_t type[4]) {
    uint8_t head[8];
    if (p->io->read(p->io, head, 8) != 8) {
        return -EIO;
    }
    p->left = be32(head);
    memcpy(type, head + 4, 4);
    p->crc = crc_of(~0u, type, 4);
    return p->left > INT32_MAX ? -EINVAL : 0;
}

static int take(png_t *p, uint8_t *to, uint32_t n) {
    if (p->io->read(p->io, to, n) != n) {
        return -EIO;
    }
    p->crc = crc_of(p->crc, to, n);
    p->left -= n;
    return 0;
}

// Reads over the rest of the chunk and compares its check sum.
static int end_chunk(png_t *p) {
    uint8_t buf[64];
    while (p->left) {
        int ret = take(p, buf, p->left < sizeof(buf) ? p->left : sizeof(buf));
        if (ret) {
            return ret;
        }
    }
    if (p->io->read(p->io, buf, 4) != 4) {
        return -EIO;
    }
    return be32(buf) == (p->crc ^ ~0u) ? 0 : -EINVAL;
}

static int data_byte(void *ctx) {
    png_t *p = ctx;
    uint8_t b, type[4];
    while (p->left == 0) {
        int ret = end_chunk(p);
        ret = ret ? ret : next_chunk(p, type);
        if (ret || memcmp(type, "IDAT", 4)) {
            return ret ? ret : -EINVAL;
        }
    }
    int ret = take(p, &b, 1);
    return ret ? ret : b;
}

static int nearest(int a, int b, int c) {
    int pa = b - c, pb = a - c, pc = pa + pb;
    pa = pa < 0 ? -pa : pa;
    pb = pb < 0 ? -pb : pb;
    pc = pc < 0 ? -pc : pc;
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

static void unfilter(png_t *p) {
    uint8_t *row = p->row + 1;
    const uint8_t *above = p->above + 1;
    uint32_t bpp = p->s->pixel_bytes;
    for (uint32_t i = 0; i < p->s->row_bytes; i++) {
        int a = i >= bpp ? row[i - bpp] : 0, b = above[i], c = i >= bpp ? above[i - bpp] : 0, add = 0;
        switch (p->row[0]) {
            case 1:
                add = a;
                break;
            case 2:
                add = b;
                break;
            case 3:
                add = (a + b) / 2;
                break;
            case 4:
                add = nearest(a, b, c);
                break;
            default:
                p->bad_filter |= p->row[0] > 4;
                break;
        }
        row[i] = (uint8_t)(row[i] + add);
    }
}

static void store_row(png_t *p) {
    const png_state_t *s = p->s;
    const uint8_t *row = p->row + 1;
    uint32_t step = s->depth == 16 ? 2 : 1;
    for (int32_t x = 0; x < p->img->w; x++) {
        uint32_t c[4] = { 0, 0, 0, 255 };
        if (s->depth < 8) {
            uint32_t bit = (uint32_t)x * s->depth, v = row[bit / 8] >> (8 - s->depth - bit % 8) & ((1u << s->depth) - 1);
            c[0] = s->type == PALETTE ? v : v * 255 / ((1u << s->depth) - 1);
        } else {
            for (uint32_t k = 0; k < s->channels; k++) {
                c[k] = row[((uint32_t)x * s->channels + k) * step];
            }
        }
        if (s->type == PALETTE) {
            const uint8_t *q = s->palette[c[0]];
            c[0] = q[0];
            c[1] = q[1];
            c[2] = q[2];
        } else if (s->channels < 3) {
            c[3] = s->channels == 2 ? c[1] : 255;
            c[1] = c[2] = c[0];
        }
        // What is transparent lets black through.
        for (int k = 0; k < 3 && c[3] != 255; k++) {
            c[k] = c[k] * c[3] / 255;
        }
        image_store_rgb(p->img, x, p->y, (uint8_t)c[0], (uint8_t)c[1], (uint8_t)c[2]);
    }
}

static bool row_byte(void *ctx, uint8_t b) {
    png_t *p = ctx;
    if (p->y >= p->img->h) {
        return false;
    }
    p->row[p->fill++] = b;
    if (p->fill == p->s->row_bytes + 1) {
        unfilter(p);
        store_row(p);
        uint8_t *t = p->row;
        p->row = p->above;
        p->above = t;
        p->fill = 0;
        p->y++;
    }
    return true;
}

static int read_chunks(png_t *p, inflate_t *z) {
    bool palette = p->s->type != PALETTE;
    for (;;) {
        uint8_t type[4];
        int ret = next_chunk(p, type);
        if (ret) {
            return ret;
        }
        if (memcmp(type, "PLTE", 4) == 0 && p->left <= 768) {
            ret = take(p, &p->s->palette[0][0], p->left);
            palette = true;
        } else if (memcmp(type, "IDAT", 4) == 0) {
            if (!palette) {
                return -EINVAL;
            }
            z->read = data_byte;
            z->write = row_byte;
            z->ctx = p;
            ret = inflate_zlib(z);
            // All rows are there: what follows does not matter.
            return p->bad_filter || (ret && p->y < p->img->h) ? (ret == -EIO ? -EIO : -EINVAL) : p->y < p->img->h ? -EINVAL : 0;
        } else if (memcmp(type, "IEND", 4) == 0) {
            return -EINVAL;
        }
        ret = ret ? ret : end_chunk(p);
        if (ret) {
            return ret;
        }
    }
}

static int png_decode(image_io_t *io, image_info_t *info, image_t *img, char *err) {
    png_state_t *s = (png_state_t *)(void *)info->state;
    size_t row = (size_t)s->row_bytes + 1;
    uint8_t *memory = image_port_alloc(sizeof(inflate_t) + 2 * row);
    if (memory == NULL) {
        return image_fail(err, -ENOMEM, "png: no memory for %u bytes", (unsigned)(sizeof(inflate_t) + 2 * row));
    }
    memset(memory, 0, sizeof(inflate_t) + 2 * row);
    image_clear(img);
    png_t p = { .io = io, .s = s, .img = img, .row = memory + sizeof(inflate_t), .above = memory + sizeof(inflate_t) + row };
    int ret = read_chunks(&p, (inflate_t *)(void *)memory);
    image_port_free(memory);
    if (ret) {
        return image_fail(err, ret, ret == -EIO ? "image file ends too early" : "png: damaged data");
    }
    return 0;
}

const image_codec_t image_codec_png = { "png", png_probe, png_info, png_decode };

// ---- writing ------------------------------------------------------------------------------------

static bool write_chunk(image_io_t *io, const char *type, const uint8_t *data, size_t n) {
    uint8_t head[8], tail[4];
    put32(head, (uint32_t)n);
    memcpy(head + 4, type, 4);
    put32(tail, crc_of(crc_of(~0u, head + 4, 4), data, n) ^ ~0u);
    return io->write(io, head, 8) == 8 && (n == 0 || io->write(io, data, n) == n) && io->write(io, tail, 4) == 4;
}

static bool data_chunk(void *ctx, const uint8_t *data, size_t n) {
    return write_chunk(ctx, "IDAT", data, n);
}

int image_write_png(image_io_t *io, const image_t *img, image_rect_t roi, char *err) {
    bool color = img->format == IMAGE_RGB565;
    size_t row = (size_t)roi.w * (color ? 3 : 1) + 1, n = row * (size_t)roi.h;
    uint8_t *data = image_port_alloc(n + sizeof(deflate_t));
    if (data == NULL) {
        return image_fail(err, -ENOMEM, "png: no memory for %u bytes", (unsigned)(n + sizeof(deflate_t)));
    }
    uint8_t *to = data + sizeof(deflate_t);
    for (int32_t y = roi.y; y < roi.y + roi.h; y++) {
        // Every component less that of the pixel to the left: flat parts become zeros.
        uint8_t last[3] = { 0 }, c[3];
        *to++ = 1;
        for (int32_t x = roi.x; x < roi.x + roi.w; x++) {
            image_color_to_rgb(img->format, image_get(img, x, y), &c[0], &c[1], &c[2]);
            for (int k = 0; k < (color ? 3 : 1); k++) {
                *to++ = (uint8_t)(c[k] - last[k]);
                last[k] = c[k];
            }
        }
    }
    uint8_t head[13] = { [8] = 8, [9] = color ? RGB : GRAY };
    put32(head, (uint32_t)roi.w);
    put32(head + 4, (uint32_t)roi.h);
    bool ok = io->write(io, "\x89PNG\r\n\x1a\n", 8) == 8 && write_chunk(io, "IHDR", head, sizeof(head)) &&
        deflate_zlib((deflate_t *)(void *)data, data + sizeof(deflate_t), n, data_chunk, io) && write_chunk(io, "IEND", NULL, 0);
    image_port_free(data);
    return ok ? 0 : image_fail(err, -EIO, "cannot write the file (disk full?)");
}
