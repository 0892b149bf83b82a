// SPDX-License-Identifier: MIT
// Baseline JPEG encoder: 4:2:0 for colour, one component for gray, the tables of T.81 annex K. Here are headers and codes;
// jpeg_levels.c makes the numbers, if it can on the other processor while this one writes.
#include <errno.h>
#include <string.h>

#include "image_config.h"
#include "image_priv.h"
#include "jpeg_common.h"
#include "jpeg_levels.h"

const uint8_t jpeg_zigzag[64] = {
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

// In zigzag order, for quality 50.
static const uint8_t quant_luma[64] = {
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
};
static const uint8_t quant_chroma[64] = {
    17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
};

static const uint8_t dc_symbols[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
static const uint8_t ac_luma_symbols[] = {
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
};
static const uint8_t ac_chroma_symbols[] = {
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
    0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
};

const jpeg_code_table_t jpeg_code_tables[4] = {
    {{ 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0 }, dc_symbols },
    {{ 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125 }, ac_luma_symbols },
    {{ 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0 }, dc_symbols },
    {{ 0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119 }, ac_chroma_symbols },
};

typedef struct {
    uint16_t code[256];
    uint8_t len[256];
} code_t;

typedef struct {
    image_io_t *io;
    bool failed;
    uint8_t buf[128];
    size_t n;
    uint64_t bits;
    int n_bits;
    int pred[3];
} writer_t;

static void put_byte(writer_t *w, unsigned v) {
    w->buf[w->n++] = (uint8_t)v;
    if (w->n == sizeof(w->buf)) {
        w->failed = w->failed || w->io->write(w->io, w->buf, w->n) != w->n;
        w->n = 0;
    }
}

static void put_bytes(writer_t *w, const uint8_t *p, size_t n) {
    while (n--) {
        put_byte(w, *p++);
    }
}

// Marker and length of a segment with n bytes of content.
static void put_segment(writer_t *w, unsigned marker, unsigned n) {
    const uint8_t head[] = { 0xff, (uint8_t)marker, (uint8_t)((n + 2) >> 8), (uint8_t)(n + 2) };
    put_bytes(w, head, sizeof(head));
}

// Whole bytes of the bits that wait.
static void put_waiting(writer_t *w) {
    while (w->n_bits >= 8) {
        w->n_bits -= 8;
        unsigned b = w->bits >> w->n_bits & 255;
        put_byte(w, b);
        if (b == 0xff) {
            put_byte(w, 0);
        }
    }
}

// The lower n bits of v, at most 32.
static inline void put_bits(writer_t *w, uint32_t v, int n) {
    w->bits = w->bits << n | (v & ((UINT64_C(1) << n) - 1));
    w->n_bits += n;
    if (w->n_bits >= 32) {
        uint32_t four = (uint32_t)(w->bits >> (w->n_bits - 32));
        // No byte of the four is 0xff, and there is room for them.
        if ((((~four) - 0x01010101u) & four & 0x80808080u) == 0 && w->n < sizeof(w->buf) - 4) {
            uint8_t *p = w->buf + w->n;
            p[0] = (uint8_t)(four >> 24);
            p[1] = (uint8_t)(four >> 16);
            p[2] = (uint8_t)(four >> 8);
            p[3] = (uint8_t)four;
            w->n += 4;
            w->n_bits -= 32;
        } else {
            put_waiting(w);
        }
    }
}

static void make_code(const jpeg_code_table_t *t, code_t *c) {
    unsigned code = 0, i = 0;
    for (int len = 1; len <= 16; len++, code <<= 1) {
        for (unsigned k = 0; k < t->counts[len - 1]; k++, i++, code++) {
            c->code[t->symbols[i]] = (uint16_t)code;
            c->len[t->symbols[i]] = (uint8_t)len;
        }
    }
}

// Twice the quality's distance from 50 in percent, as the IJG's software counts it.
static void make_quant(uint16_t *out, const uint8_t *base, int quality) {
    int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    for (int i = 0; i < 64; i++) {
        int v = (base[i] * scale + 50) / 100;
        out[i] = (uint16_t)(v < 1 ? 1 : v > 255 ? 255 : v);
    }
}

static void put_header(writer_t *w, const jpeg_source_t *source) {
    int32_t width = source->roi.w, height = source->roi.h;
    bool color = source->color;
    static const uint8_t jfif[] = { 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0 };
    unsigned n = color ? 3 : 1;
    put_byte(w, 0xff);
    put_byte(w, 0xd8);
    put_segment(w, 0xe0, sizeof(jfif));
    put_bytes(w, jfif, sizeof(jfif));
    for (unsigned i = 0; i < (color ? 2 : 1); i++) {
        put_segment(w, 0xdb, 65);
        put_byte(w, i);
        for (int k = 0; k < 64; k++) {
            put_byte(w, source->quant[i][k]);
        }
    }
    put_segment(w, 0xc0, 6 + 3 * n);
    const uint8_t frame[] = {
        8, (uint8_t)(height >> 8), (uint8_t)height, (uint8_t)(width >> 8), (uint8_t)width, (uint8_t)n,
        1, color ? 0x22 : 0x11, 0, 2, 0x11, 1, 3, 0x11, 1,
    };
    put_bytes(w, frame, 6 + 3 * n);
    for (unsigned i = 0; i < (color ? 4 : 2); i++) {
        const jpeg_code_table_t *t = &jpeg_code_tables[i];
        unsigned symbols = 0;
        for (int k = 0; k < 16; k++) {
            symbols += t->counts[k];
        }
        put_segment(w, 0xc4, 17 + symbols);
        put_byte(w, (i & 1) << 4 | i >> 1);
        put_bytes(w, t->counts, 16);
        put_bytes(w, t->symbols, symbols);
    }
    put_segment(w, 0xda, 4 + 2 * n);
    const uint8_t scan[] = { (uint8_t)n, 1, 0x00, 2, 0x11, 3, 0x11 }, spectral[] = { 0, 63, 0 };
    put_bytes(w, scan, 1 + 2 * n);
    put_bytes(w, spectral, sizeof(spectral));
}

static int bit_length(int v) {
    return v ? 32 - __builtin_clz((unsigned)v) : 0;
}

// A code for size, then so many bits of the number; negative ones less one.
static inline void put_number(writer_t *w, const code_t *c, int run, int v) {
    int size = bit_length(v < 0 ? -v : v), symbol = run << 4 | size;
    uint32_t bits = (uint32_t)(v < 0 ? v - 1 : v) & ((1u << size) - 1);
    put_bits(w, (uint32_t)c->code[symbol] << size | bits, c->len[symbol] + size);
}

static void put_block(writer_t *w, const jpeg_levels_t *levels, const code_t codes[2], int *pred) {
    put_number(w, &codes[0], 0, levels->v[0] - *pred);
    *pred = levels->v[0];
    int run = 0;
    for (int k = 1; k <= levels->last; k++) {
        if (levels->v[k] == 0) {
            run++;
            continue;
        }
        for (; run > 15; run -= 16) {
            put_bits(w, codes[1].code[0xf0], codes[1].len[0xf0]);
        }
        put_number(w, &codes[1], run, levels->v[k]);
        run = 0;
    }
    if (levels->last < 63) {
        put_bits(w, codes[1].code[0], codes[1].len[0]);
    }
}

// The MCUs of a part; not the last bits.
static void put_part(writer_t *w, const jpeg_part_t *part, code_t codes[2][2]) {
    const jpeg_levels_t *levels = part->levels;
    for (uint32_t i = 0; i < part->n && !w->failed; i++) {
        for (uint32_t k = 0; k < part->source->blocks; k++) {
            put_block(w, levels++, codes[k >= 4], &w->pred[k < 4 ? 0 : k - 3]);
        }
    }
}

// The part that follows part, with room for so many blocks.
static jpeg_part_t part_after(const jpeg_part_t *part, jpeg_levels_t *levels, uint32_t room) {
    const jpeg_source_t *s = part->source;
    uint32_t first = part->first + part->n, n = room / s->blocks, left = s->count - first;
    return (jpeg_part_t) { s, levels, first, n < left ? n : left, 0 };
}

// While the codes of one part are written, the other processor makes the numbers of the next one.
static bool put_picture(writer_t *w, const jpeg_source_t *source, code_t codes[2][2]) {
    jpeg_levels_t few[JPEG_LEVELS_BLOCKS];
    uint32_t room = JPEG_LEVELS_BATCH, turn = 0;
    jpeg_levels_t *memory = IMAGE_WITH_SPEED && source->count * source->blocks > room ?
        image_port_alloc(2 * JPEG_LEVELS_BATCH * sizeof(*memory)) : NULL;
    room = memory ? room : JPEG_LEVELS_BLOCKS;
    jpeg_part_t part = { .source = source }, next = part_after(&part, memory ? memory : few, room);
    bool ends = true;
    while (next.n && !w->failed && ends) {
        bool shared = memory && image_port_start(jpeg_make_levels, &next);
        put_part(w, &part, codes);
        jpeg_make_levels(&next);
        ends = !shared || image_port_join();
        part = next;
        turn ^= 1;
        next = part_after(&part, memory ? memory + turn * JPEG_LEVELS_BATCH : few, room);
    }
    if (ends) {
        put_part(w, &part, codes);
        image_port_free(memory);
    }
    return ends;
}

int image_write_jpeg(image_io_t *io, const image_t *img, image_rect_t roi, int quality, char *err) {
    bool color = img->format == IMAGE_RGB565;
    uint32_t side = color ? 16 : 8, across = ((uint32_t)roi.w + side - 1) / side, down = ((uint32_t)roi.h + side - 1) / side;
    jpeg_source_t source = { .img = img, .roi = roi, .color = color, .across = across, .count = across * down,
                             .blocks = color ? JPEG_LEVELS_BLOCKS : 1 };
    writer_t w = { .io = io };
    code_t codes[2][2];
    quality = quality < 1 ? 1 : quality > 100 ? 100 : quality;
    make_quant(source.quant[0], quant_luma, quality);
    make_quant(source.quant[1], quant_chroma, quality);
    memset(codes, 0, sizeof(codes));
    for (int i = 0; i < 4; i++) {
        make_code(&jpeg_code_tables[i], &codes[i >> 1][i & 1]);
    }
    put_header(&w, &source);
    if (!put_picture(&w, &source, codes)) {
        return image_fail(err, -EIO, "JPEG: the second processor does not come to an end");
    }
    put_bits(&w, 0x7f, 7); // the last byte is filled up with ones
    put_waiting(&w);
    put_byte(&w, 0xff);
    put_byte(&w, 0xd9);
    if (w.n) {
        w.failed = w.failed || io->write(io, w.buf, w.n) != w.n;
    }
    return w.failed ? image_fail(err, -EIO, "cannot write the file (disk full?)") : 0;
}
