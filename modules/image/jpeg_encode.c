// SPDX-License-Identifier: MIT
// Baseline JPEG encoder: 4:2:0 for colour, one component for gray, the tables of T.81 annex K.
#include <errno.h>
#include <string.h>

#include "image_priv.h"
#include "jpeg_common.h"

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

// The transform's factors are cos(i * pi / 16) / 2 in 1/8192, and sqrt(1/8) for the first row.
#define C_BITS (13)

typedef struct {
    uint16_t code[256];
    uint8_t len[256];
} code_t;

typedef struct {
    image_io_t *io;
    bool failed;
    uint8_t buf[128];
    size_t n;
    uint32_t bits;
    int n_bits;
    uint16_t quant[2][64];
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

static void put_bits(writer_t *w, uint32_t v, int n) {
    w->bits = w->bits << n | (v & ((1u << n) - 1));
    w->n_bits += n;
    while (w->n_bits >= 8) {
        w->n_bits -= 8;
        unsigned b = w->bits >> w->n_bits & 255;
        put_byte(w, b);
        if (b == 0xff) {
            put_byte(w, 0);
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

static void put_header(writer_t *w, int32_t width, int32_t height, bool color) {
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
            put_byte(w, w->quant[i][k]);
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
static void put_number(writer_t *w, const code_t *c, int run, int v) {
    int size = bit_length(v < 0 ? -v : v), symbol = run << 4 | size;
    put_bits(w, c->code[symbol], c->len[symbol]);
    if (size) {
        put_bits(w, (uint32_t)(v < 0 ? v - 1 : v), size);
    }
}

// out[u] = sum of in[x] * dct_matrix[u][x], as sums and differences of mirrored places.
static inline void dct_1d(const int64_t in[8], int64_t out[8]) {
    int64_t s[4], d[4];
    for (int i = 0; i < 4; i++) {
        s[i] = in[i] + in[7 - i];
        d[i] = in[i] - in[7 - i];
    }
    int64_t a = s[0] + s[3], b = s[1] + s[2], c = s[0] - s[3], e = s[1] - s[2];
    out[0] = (a + b) * 2896;
    out[4] = (a - b) * 2896;
    out[2] = c * 3784 + e * 1567;
    out[6] = c * 1567 - e * 3784;
    out[1] = d[0] * 4017 + d[1] * 3406 + d[2] * 2276 + d[3] * 799;
    out[3] = d[0] * 3406 - d[1] * 799 - d[2] * 4017 - d[3] * 2276;
    out[5] = d[0] * 2276 - d[1] * 4017 + d[2] * 799 + d[3] * 3406;
    out[7] = d[0] * 799 - d[1] * 2276 + d[2] * 3406 - d[3] * 4017;
}

static void put_block(writer_t *w, const int16_t samples[64], const uint16_t *quant, const code_t codes[2], int *pred) {
    int64_t rows[64], in[8], line[8], sums[64];
    int levels[64];
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 8; x++) {
            in[x] = samples[8 * y + x];
        }
        dct_1d(in, rows + 8 * y);
    }
    for (int u = 0; u < 8; u++) {
        for (int y = 0; y < 8; y++) {
            in[y] = rows[8 * y + u];
        }
        dct_1d(in, line);
        for (int v = 0; v < 8; v++) {
            sums[8 * v + u] = line[v];
        }
    }
    for (int k = 0; k < 64; k++) {
        int64_t sum = sums[jpeg_zigzag[k]], q = (int64_t)quant[k] << (2 * C_BITS), half = q / 2;
        // Most are 0: no division for those.
        levels[k] = sum < half && sum > -half ? 0 : (int)((sum < 0 ? sum - half : sum + half) / q);
    }
    put_number(w, &codes[0], 0, levels[0] - *pred);
    *pred = levels[0];
    int run = 0;
    for (int k = 1; k < 64; k++) {
        if (levels[k] == 0) {
            run++;
            continue;
        }
        for (; run > 15; run -= 16) {
            put_bits(w, codes[1].code[0xf0], codes[1].len[0xf0]);
        }
        put_number(w, &codes[1], run, levels[k]);
        run = 0;
    }
    if (run) {
        put_bits(w, codes[1].code[0], codes[1].len[0]);
    }
}

// Pixels of a square as Y, Cb and Cr around 0; the picture's edge is repeated beyond it.
static void read_square(const image_t *img, image_rect_t roi, int32_t x0, int32_t y0, int side, int16_t out[3][256]) {
    bool color = img->format == IMAGE_RGB565;
    for (int dy = 0; dy < side; dy++) {
        int32_t y = y0 + dy < roi.h ? y0 + dy : roi.h - 1;
        const uint8_t *row = img->pix + 2 * ((size_t)(roi.y + y) * (size_t)img->w + (size_t)roi.x);
        for (int dx = 0; dx < side; dx++) {
            int32_t x = x0 + dx < roi.w ? x0 + dx : roi.w - 1;
            uint8_t r, g, b;
            int i = dy * side + dx;
            if (!color) {
                image_color_to_rgb(img->format, image_get(img, roi.x + x, roi.y + y), &r, &g, &b);
                out[0][i] = (int16_t)(r - 128);
                continue;
            }
            image_pixel_to_rgb((uint16_t)(row[2 * x] | row[2 * x + 1] << 8), &r, &g, &b);
            out[0][i] = (int16_t)(((19595 * r + 38470 * g + 7471 * b + 32768) >> 16) - 128);
            out[1][i] = (int16_t)((-11059 * r - 21709 * g + 32768 * b + 32768) >> 16);
            out[2][i] = (int16_t)((32768 * r - 27439 * g - 5329 * b + 32768) >> 16);
        }
    }
}

int image_write_jpeg(image_io_t *io, const image_t *img, image_rect_t roi, int quality, char *err) {
    bool color = img->format == IMAGE_RGB565;
    int side = color ? 16 : 8;
    writer_t w = { .io = io };
    code_t codes[2][2];
    int16_t square[3][256], block[64];
    quality = quality < 1 ? 1 : quality > 100 ? 100 : quality;
    make_quant(w.quant[0], quant_luma, quality);
    make_quant(w.quant[1], quant_chroma, quality);
    memset(codes, 0, sizeof(codes));
    for (int i = 0; i < 4; i++) {
        make_code(&jpeg_code_tables[i], &codes[i >> 1][i & 1]);
    }
    put_header(&w, roi.w, roi.h, color);
    for (int32_t y = 0; y < roi.h && !w.failed; y += side) {
        for (int32_t x = 0; x < roi.w && !w.failed; x += side) {
            read_square(img, roi, x, y, side, square);
            for (int k = 0; k < side * side / 64; k++) {
                for (int i = 0; i < 64; i++) {
                    block[i] = square[0][(k / 2 * 8 + i / 8) * side + k % 2 * 8 + i % 8];
                }
                put_block(&w, block, w.quant[0], codes[0], &w.pred[0]);
            }
            for (int c = 1; c < (color ? 3 : 1); c++) {
                for (int i = 0; i < 64; i++) {
                    const int16_t *p = &square[c][i / 8 * 32 + i % 8 * 2];
                    block[i] = (int16_t)((p[0] + p[1] + p[16] + p[17] + 2) >> 2);
                }
                put_block(&w, block, w.quant[1], codes[1], &w.pred[c]);
            }
        }
    }
    put_bits(&w, 0x7f, 7); // the last byte is filled up with ones
    put_byte(&w, 0xff);
    put_byte(&w, 0xd9);
    if (w.n) {
        w.failed = w.failed || io->write(io, w.buf, w.n) != w.n;
    }
    return w.failed ? image_fail(err, -EIO, "cannot write the file (disk full?)") : 0;
}
