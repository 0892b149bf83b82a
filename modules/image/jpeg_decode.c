// SPDX-License-Identifier: MIT
// Baseline JPEG: Huffman coded, 8 bits, gray or YCbCr (JFIF), sampling factors 1 and 2, restart markers.
// One MCU at a time goes straight into the picture, so that no work memory but the tables is needed.
// Source: ITU-T T.81; JFIF 1.02 for the colours.
#include <errno.h>
#include <string.h>

#include "image_priv.h"
#include "jpeg_common.h"

#define LOOK_BITS (8)
#define MAX_FACTOR (2)
#define MCU_SIDE (8 * MAX_FACTOR)

enum { M_SOF0 = 0xc0, M_SOF1 = 0xc1, M_DHT = 0xc4, M_SOF15 = 0xcf, M_RST0 = 0xd0, M_SOI = 0xd8, M_EOI = 0xd9,
       M_SOS = 0xda, M_DQT = 0xdb, M_DRI = 0xdd };

typedef struct {
    bool present;
    uint8_t symbols[256];
    uint8_t look_len[1 << LOOK_BITS];   // 0: the code is longer
    uint8_t look_symbol[1 << LOOK_BITS];
    int32_t max_code[18];               // largest code of that length, -1 for none
    int32_t offset[17];                 // index of a symbol minus its code
} huffman_t;

typedef struct {
    uint8_t id, h, v, tq, td, ta;
    int32_t pred;
} component_t;

typedef struct {
    uint16_t quant[4][64];              // zigzag order
    uint8_t quant_present;
    huffman_t dc[2], ac[2];
    component_t comp[3];
    uint8_t n, h_max, v_max;
    bool have_frame;
    uint16_t restart;
    // bit reader
    uint64_t bits;                      // the next one on top
    int n_bits;
    int n_padding;                      // how many of them, at the end, are not in the file
    uint8_t marker;                     // met in the coded data, not consumed
    uint16_t in_pos, in_len;
    uint8_t in[256];                    // coded data from the file
} jpeg_t;

_Static_assert(sizeof(jpeg_t) <= IMAGE_INFO_STATE * 4, "image_info_t.state is too small");

static jpeg_t *state_of(image_info_t *info) {
    return (jpeg_t *)(void *)info->state;
}

static bool probe(const uint8_t *magic) {
    return magic[0] == 0xff && magic[1] == M_SOI;
}

// ---- header -------------------------------------------------------------------------------------

// A segment under way: what is left of it.
typedef struct {
    image_io_t *io;
    uint32_t left;
    char *err;
} segment_t;

static int get(segment_t *s, void *buf, size_t n) {
    if (n > s->left) {
        return image_fail(s->err, -EINVAL, "JPEG: a segment is too short");
    }
    s->left -= (uint32_t)n;
    return image_read_exact(s->io, buf, n, s->err);
}

static int skip_rest(segment_t *s) {
    uint8_t buf[64];
    int ret = 0;
    while (s->left && ret == 0) {
        ret = get(s, buf, s->left < sizeof(buf) ? s->left : sizeof(buf));
    }
    return ret;
}

static int read_quant(jpeg_t *j, segment_t *s) {
    while (s->left) {
        uint8_t head, raw[128];
        int ret = get(s, &head, 1);
        size_t wide = head >> 4 ? 2 : 1;
        if (ret || (ret = get(s, raw, 64 * wide))) {
            return ret;
        }
        if ((head & 15) > 3 || head >> 4 > 1) {
            return image_fail(s->err, -EINVAL, "JPEG: bad quantisation table 0x%02x", head);
        }
        for (size_t i = 0; i < 64; i++) {
            j->quant[head & 3][i] = wide == 2 ? (uint16_t)(raw[2 * i] << 8 | raw[2 * i + 1]) : raw[i];
        }
        j->quant_present |= (uint8_t)(1 << (head & 3));
    }
    return 0;
}

// How many symbols so many codes have, or -1 when there cannot be as many.
static int count_symbols(const uint8_t counts[16]) {
    uint32_t code = 0, n = 0;
    for (unsigned len = 1; len <= 16; len++, code <<= 1) {
        code += counts[len - 1];
        n += counts[len - 1];
        if (code > 1u << len || n > 256) {
            return -1;
        }
    }
    return (int)n;
}

// The symbols are in h already.
static void make_huffman(huffman_t *h, const uint8_t counts[16]) {
    uint32_t code = 0, index = 0;
    memset(h->look_len, 0, sizeof(h->look_len));
    for (unsigned len = 1; len <= 16; len++) {
        h->offset[len] = (int32_t)index - (int32_t)code;
        h->max_code[len] = counts[len - 1] ? (int32_t)(code + counts[len - 1] - 1) : -1;
        code += counts[len - 1];
        index += counts[len - 1];
        code <<= 1;
    }
    for (unsigned len = 1; len <= LOOK_BITS; len++) {
        for (int32_t c = h->max_code[len] - counts[len - 1] + 1; c <= h->max_code[len]; c++) {
            unsigned first = (unsigned)c << (LOOK_BITS - len);
            for (unsigned k = 0; k < 1u << (LOOK_BITS - len); k++) {
                h->look_len[first + k] = (uint8_t)len;
                h->look_symbol[first + k] = h->symbols[c + h->offset[len]];
            }
        }
    }
    h->present = true;
}

static int read_huffman(jpeg_t *j, segment_t *s) {
    while (s->left) {
        uint8_t head, counts[16];
        int ret = get(s, &head, 1), n;
        if (ret || (ret = get(s, counts, 16))) {
            return ret;
        }
        if ((head & 15) > 1 || head >> 4 > 1) {
            return image_fail(s->err, -EINVAL, "JPEG: bad Huffman table 0x%02x", head);
        }
        if ((n = count_symbols(counts)) < 0) {
            return image_fail(s->err, -EINVAL, "JPEG: impossible Huffman table");
        }
        huffman_t *h = head >> 4 ? &j->ac[head & 1] : &j->dc[head & 1];
        memset(h, 0, sizeof(*h));
        if ((ret = get(s, h->symbols, (size_t)n))) {
            return ret;
        }
        make_huffman(h, counts);
    }
    return 0;
}

// Motion JPEG leaves out the tables that everybody has.
static void usual_table(huffman_t *h, const jpeg_code_table_t *t) {
    if (!h->present) {
        memcpy(h->symbols, t->symbols, (size_t)count_symbols(t->counts));
        make_huffman(h, t->counts);
    }
}

static int read_frame(jpeg_t *j, segment_t *s, image_info_t *out) {
    uint8_t head[6], c[9];
    int ret = get(s, head, 6);
    if (ret) {
        return ret;
    }
    j->n = head[5];
    if (j->have_frame || head[0] != 8 || (j->n != 1 && j->n != 3)) {
        return image_fail(s->err, -EINVAL, "JPEG: %u bits and %u components are not supported", head[0], head[5]);
    }
    if ((ret = get(s, c, 3 * (size_t)j->n))) {
        return ret;
    }
    j->h_max = j->v_max = 1;
    for (unsigned i = 0; i < j->n; i++) {
        component_t *p = &j->comp[i];
        *p = (component_t) { c[3 * i], c[3 * i + 1] >> 4, c[3 * i + 1] & 15, c[3 * i + 2], 0, 0, 0 };
        if (p->h < 1 || p->h > MAX_FACTOR || p->v < 1 || p->v > MAX_FACTOR || p->tq > 3) {
            return image_fail(s->err, -EINVAL, "JPEG: sampling %ux%u is not supported", p->h, p->v);
        }
        // A single component is not interleaved: its factors say nothing.
        if (j->n == 1) {
            p->h = p->v = 1;
        }
        j->h_max = p->h > j->h_max ? p->h : j->h_max;
        j->v_max = p->v > j->v_max ? p->v : j->v_max;
    }
    out->h = head[1] << 8 | head[2];
    out->w = head[3] << 8 | head[4];
    out->format = j->n == 1 ? IMAGE_GRAYSCALE : IMAGE_RGB565;
    j->have_frame = true;
    return 0;
}

static int read_scan(jpeg_t *j, segment_t *s) {
    uint8_t n, c[6];
    int ret = get(s, &n, 1);
    if (ret) {
        return ret;
    }
    if (!j->have_frame || n != j->n) {
        return image_fail(s->err, -EINVAL, "JPEG: a scan of %u components is not supported", n);
    }
    for (unsigned i = 0; i < 2; i++) {
        usual_table(&j->dc[i], &jpeg_code_tables[2 * i]);
        usual_table(&j->ac[i], &jpeg_code_tables[2 * i + 1]);
    }
    if ((ret = get(s, c, 2 * (size_t)n))) {
        return ret;
    }
    for (unsigned i = 0; i < n; i++) {
        component_t *p = &j->comp[i];
        p->td = c[2 * i + 1] >> 4;
        p->ta = c[2 * i + 1] & 15;
        if (c[2 * i] != p->id || p->td > 1 || p->ta > 1 || !(j->quant_present >> p->tq & 1)) {
            return image_fail(s->err, -EINVAL, "JPEG: component %u has no tables", i);
        }
    }
    return 0;
}

static int info(image_io_t *io, const uint8_t *magic, image_info_t *out, char *err) {
    (void)magic;
    jpeg_t *j = state_of(out);
    for (;;) {
        uint8_t b[2];
        int ret = image_read_exact(io, b, 2, err);
        if (ret) {
            return ret;
        }
        while (b[0] == 0xff && b[1] == 0xff) { // fill bytes
            if ((ret = image_read_exact(io, b + 1, 1, err))) {
                return ret;
            }
        }
        uint8_t marker = b[1], len[2];
        if (b[0] != 0xff || marker == 0 || marker == M_EOI) {
            return image_fail(err, -EINVAL, "JPEG: no picture in the file");
        }
        if ((ret = image_read_exact(io, len, 2, err))) {
            return ret;
        }
        uint32_t n = (uint32_t)(len[0] << 8 | len[1]);
        segment_t s = { io, n < 2 ? 0 : n - 2, err };
        if (marker == M_DQT) {
            ret = read_quant(j, &s);
        } else if (marker == M_DHT) {
            ret = read_huffman(j, &s);
        } else if (marker == M_SOF0 || marker == M_SOF1) {
            ret = read_frame(j, &s, out);
        } else if (marker > M_SOF1 && marker <= M_SOF15 && marker != 0xc8 && marker != 0xcc) {
            ret = image_fail(err, -EINVAL, "JPEG: only baseline files are supported (this one is SOF%u, %s)",
                marker - M_SOF0, marker == 0xc2 ? "progressive" : "not baseline");
        } else if (marker == M_DRI) {
            uint8_t r[2] = { 0, 0 };
            ret = get(&s, r, 2);
            j->restart = (uint16_t)(r[0] << 8 | r[1]);
        } else if (marker == M_SOS) {
            ret = read_scan(j, &s);
        }
        if (ret == 0) {
            ret = skip_rest(&s);
        }
        if (ret || marker == M_SOS) {
            return ret;
        }
    }
}

// ---- coded data ---------------------------------------------------------------------------------

// The next byte of the coded data, or -1.
static int next_byte(jpeg_t *j, image_io_t *io) {
    if (j->in_pos == j->in_len) {
        j->in_len = (uint16_t)io->read(io, j->in, sizeof(j->in));
        j->in_pos = 0;
        if (j->in_len == 0) {
            return -1;
        }
    }
    return j->in[j->in_pos++];
}

// Padded with zeros after the end of the data.
static void fill_bits_slowly(jpeg_t *j, image_io_t *io) {
    while (j->n_bits <= 56) {
        int b = 0;
        if (!j->marker && (b = next_byte(j, io)) < 0) {
            j->marker = M_EOI;
        }
        if (!j->marker && b == 0xff) {
            int next = next_byte(j, io);
            if (next != 0) {
                j->marker = next > 0 ? (uint8_t)next : (uint8_t)M_EOI;
            }
        }
        j->bits |= (uint64_t)(j->marker ? 0 : b) << (56 - j->n_bits);
        j->n_bits += 8;
        j->n_padding += j->marker ? 8 : 0;
    }
}

// At least 32 bits.
static inline void fill_bits(jpeg_t *j, image_io_t *io) {
    if (j->n_bits >= 32) {
        return;
    }
    if (j->in_len - j->in_pos >= 4 && !j->marker) {
        const uint8_t *p = j->in + j->in_pos;
        uint32_t v = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        // Four bytes of which none is 0xff.
        if ((((~v) - 0x01010101u) & v & 0x80808080u) == 0) {
            j->bits |= (uint64_t)v << (32 - j->n_bits);
            j->n_bits += 32;
            j->in_pos += 4;
            return;
        }
    }
    fill_bits_slowly(j, io);
}

static inline uint32_t take(jpeg_t *j, int n) {
    uint32_t v = n ? (uint32_t)(j->bits >> (64 - n)) : 0;
    j->bits <<= n;
    j->n_bits -= n;
    return v;
}

// Symbol, or -1.
static inline int symbol(jpeg_t *j, image_io_t *io, const huffman_t *h) {
    fill_bits(j, io);
    unsigned look = (unsigned)(j->bits >> (64 - LOOK_BITS));
    if (h->look_len[look]) {
        take(j, h->look_len[look]);
        return h->look_symbol[look];
    }
    for (int len = LOOK_BITS + 1; len <= 16; len++) {
        int32_t code = (int32_t)(j->bits >> (64 - len));
        if (h->max_code[len] >= 0 && code <= h->max_code[len] && code + h->offset[len] >= 0) {
            take(j, len);
            return h->symbols[(code + h->offset[len]) & 255];
        }
    }
    return -1;
}

// A number of n bits (at most 11: symbol() has left 16), negative ones below half.
static inline int32_t extend(jpeg_t *j, int n) {
    int32_t v = (int32_t)take(j, n);
    return n && v < 1 << (n - 1) ? v - (1 << n) + 1 : v;
}

// rows: bit y is set when row y of the block has more than zeros.
static bool read_block(jpeg_t *j, image_io_t *io, component_t *c, int32_t block[64], unsigned *rows) {
    const uint16_t *quant = j->quant[c->tq];
    memset(block, 0, 64 * sizeof(block[0]));
    int size = symbol(j, io, &j->dc[c->td]);
    if (size < 0 || size > 11) {
        return false;
    }
    c->pred += extend(j, size);
    c->pred = c->pred < -65536 ? -65536 : c->pred > 65536 ? 65536 : c->pred;
    block[0] = c->pred * (int32_t)quant[0];
    *rows = 0;
    for (int k = 1; k < 64; k++) {
        int rs = symbol(j, io, &j->ac[c->ta]);
        if (rs < 0) {
            return false;
        }
        int run = rs >> 4;
        size = rs & 15;
        if (size == 0) {
            if (run != 15) {
                return true;
            }
            k += 15;
            continue;
        }
        k += run;
        if (k > 63 || size > 10) {
            return false;
        }
        block[jpeg_zigzag[k]] = extend(j, size) * (int32_t)quant[k];
        *rows |= 1u << (jpeg_zigzag[k] >> 3);
    }
    return true;
}

// ---- inverse transform --------------------------------------------------------------------------

// cos(i * pi / 16) / 2 in 1/8192, and sqrt(1/8) for i = 0.
#define C_BITS (13)
enum { K0 = 2896, K1 = 4017, K2 = 3784, K3 = 3406, K4 = 2896, K5 = 2276, K6 = 1567, K7 = 799 };

static void idct_1d(const int64_t in[8], int64_t out[8]) {
    int64_t a = (in[0] + in[4]) * K0, b = (in[0] - in[4]) * K4;
    int64_t c = in[2] * K2 + in[6] * K6, d = in[2] * K6 - in[6] * K2;
    int64_t even[4] = { a + c, b + d, b - d, a - c };
    int64_t odd[4] = {
        in[1] * K1 + in[3] * K3 + in[5] * K5 + in[7] * K7,
        in[1] * K3 - in[3] * K7 - in[5] * K1 - in[7] * K5,
        in[1] * K5 - in[3] * K1 + in[5] * K7 + in[7] * K3,
        in[1] * K7 - in[3] * K5 + in[5] * K3 - in[7] * K1,
    };
    for (int i = 0; i < 4; i++) {
        out[i] = even[i] + odd[i];
        out[7 - i] = even[i] - odd[i];
    }
}

static inline uint8_t level(int64_t v) {
    v = ((v + ((int64_t)1 << (2 * C_BITS - 1))) >> (2 * C_BITS)) + 128;
    return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v;
}

// Most of a picture's numbers are 0: blocks of one level, and rows of nothing, take no computing.
static void idct(const int32_t block[64], unsigned rows, uint8_t *out, size_t pitch) {
    int64_t work[64], in[8], line[8];
    if (rows == 0) {
        uint8_t v = level((int64_t)block[0] * K0 * K0);
        for (int y = 0; y < 8; y++) {
            memset(out + (size_t)y * pitch, v, 8);
        }
        return;
    }
    rows |= 1;
    for (int y = 0; y < 8; y++) {
        if (!(rows >> y & 1)) {
            memset(work + 8 * y, 0, 8 * sizeof(work[0]));
            continue;
        }
        for (int x = 0; x < 8; x++) {
            in[x] = block[8 * y + x];
        }
        idct_1d(in, work + 8 * y);
    }
    for (int x = 0; x < 8; x++) {
        for (int y = 0; y < 8; y++) {
            in[y] = work[8 * y + x];
        }
        if (rows == 1) {
            uint8_t v = level(in[0] * K0); // only the first row has something
            for (int y = 0; y < 8; y++) {
                out[(size_t)y * pitch + (size_t)x] = v;
            }
            continue;
        }
        idct_1d(in, line);
        for (int y = 0; y < 8; y++) {
            out[(size_t)y * pitch + (size_t)x] = level(line[y]);
        }
    }
}

// ---- picture ------------------------------------------------------------------------------------

static uint8_t clamp(int32_t v) {
    return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v;
}

// The usual case: RGB565 without planes, luma at full size, chroma at full or half size. Every pair of chroma levels is
// turned into colour once.
static void store_mcu_565(const jpeg_t *j, image_t *img, int32_t x0, int32_t y0,
    uint8_t samples[3][MCU_SIDE * MCU_SIDE]) {
    int32_t w = img->w - x0 < 8 * j->h_max ? img->w - x0 : 8 * j->h_max;
    int32_t h = img->h - y0 < 8 * j->v_max ? img->h - y0 : 8 * j->v_max;
    int32_t x_shift = j->comp[1].h < j->h_max, y_shift = j->comp[1].v < j->v_max;
    for (int32_t dy = 0; dy < h; dy++) {
        const uint8_t *luma = samples[0] + dy * MCU_SIDE;
        const uint8_t *blue = samples[1] + (dy >> y_shift) * MCU_SIDE, *red = samples[2] + (dy >> y_shift) * MCU_SIDE;
        uint16_t *out = (uint16_t *)(void *)img->pix + (size_t)(y0 + dy) * (size_t)img->w + (size_t)x0;
        int32_t r = 0, g = 0, b = 0;
        for (int32_t dx = 0; dx < w; dx++) {
            if (!(dx & x_shift)) {
                int32_t cb = blue[dx >> x_shift] - 128, cr = red[dx >> x_shift] - 128;
                r = 91881 * cr + 32768;
                g = 32768 - 22554 * cb - 46802 * cr;
                b = 116130 * cb + 32768;
            }
            int32_t y = luma[dx] << 16;
            out[dx] = image_rgb_to_pixel(clamp((y + r) >> 16), clamp((y + g) >> 16), clamp((y + b) >> 16));
        }
    }
}

static void store_mcu(const jpeg_t *j, image_t *img, int32_t x0, int32_t y0, uint8_t samples[3][MCU_SIDE * MCU_SIDE]) {
    for (int32_t dy = 0; dy < 8 * j->v_max && y0 + dy < img->h; dy++) {
        for (int32_t dx = 0; dx < 8 * j->h_max && x0 + dx < img->w; dx++) {
            int32_t v[3];
            for (unsigned i = 0; i < j->n; i++) {
                const component_t *c = &j->comp[i];
                v[i] = samples[i][(dy * c->v / j->v_max) * MCU_SIDE + dx * c->h / j->h_max];
            }
            if (j->n == 1) {
                image_store_rgb(img, x0 + dx, y0 + dy, (uint8_t)v[0], (uint8_t)v[0], (uint8_t)v[0]);
                continue;
            }
            int32_t cb = v[1] - 128, cr = v[2] - 128, y = (v[0] << 16) + 32768;
            image_store_rgb(img, x0 + dx, y0 + dy, clamp((y + 91881 * cr) >> 16),
                clamp((y - 22554 * cb - 46802 * cr) >> 16), clamp((y + 116130 * cb) >> 16));
        }
    }
}

// Skips to the restart marker and starts afresh behind it.
static void restart(jpeg_t *j, image_io_t *io) {
    int b = 0;
    while (!j->marker) {
        int last = b;
        if ((b = next_byte(j, io)) < 0) {
            j->marker = M_EOI;
        } else if (last == 0xff && b != 0 && b != 0xff) {
            j->marker = (uint8_t)b;
        }
    }
    if (j->marker >= M_RST0 && j->marker < M_RST0 + 8) {
        j->marker = 0;
    }
    j->bits = 0;
    j->n_bits = j->n_padding = 0;
    for (unsigned i = 0; i < j->n; i++) {
        j->comp[i].pred = 0;
    }
}

static int decode(image_io_t *io, image_info_t *in, image_t *img, char *err) {
    jpeg_t *j = state_of(in);
    uint8_t samples[3][MCU_SIDE * MCU_SIDE];
    int32_t block[64], step_x = 8 * j->h_max, step_y = 8 * j->v_max;
    uint32_t count = 0;
    unsigned rows;
    const component_t *c0 = j->comp, *c1 = j->comp + 1, *c2 = j->comp + 2;
    bool usual = j->n == 3 && img->format == IMAGE_RGB565 && img->ai == NULL && ((uintptr_t)img->pix & 1) == 0
        && c0->h == j->h_max && c0->v == j->v_max && c1->h == c2->h && c1->v == c2->v;
    for (int32_t y = 0; y < img->h; y += step_y) {
        for (int32_t x = 0; x < img->w; x += step_x) {
            if (j->restart && count && count % j->restart == 0) {
                restart(j, io);
            }
            count++;
            for (unsigned i = 0; i < j->n; i++) {
                component_t *c = &j->comp[i];
                for (unsigned k = 0; k < (unsigned)(c->h * c->v); k++) {
                    if (!read_block(j, io, c, block, &rows)) {
                        return image_fail(err, -EINVAL, "JPEG: damaged at row %ld", (long)y);
                    }
                    idct(block, rows, samples[i] + (k / c->h) * 8 * MCU_SIDE + (k % c->h) * 8, MCU_SIDE);
                }
            }
            if (j->n_padding > j->n_bits) {
                return image_fail(err, -EIO, "image file ends too early");
            }
            if (usual) {
                store_mcu_565(j, img, x, y, samples);
            } else {
                store_mcu(j, img, x, y, samples);
            }
        }
    }
    return 0;
}

const image_codec_t image_codec_jpeg = { "JPEG", probe, info, decode };
