// SPDX-License-Identifier: MIT
// Baseline JPEG: Huffman coded, 8 bits, gray or YCbCr (JFIF), sampling factors 1 and 2, restart markers.
// Here are the headers and the Huffman codes; jpeg_blocks.c makes pixels of the numbers, if it can on the other processor
// while this one reads on.
// Source: ITU-T T.81.
#include <errno.h>
#include <string.h>

#include "image_config.h"
#include "image_priv.h"
#include "jpeg_blocks.h"
#include "jpeg_common.h"

#define LOOK_BITS (8)

enum { M_SOF0 = 0xc0, M_SOF1 = 0xc1, M_DHT = 0xc4, M_SOF15 = 0xcf, M_RST0 = 0xd0, M_SOI = 0xd8, M_EOI = 0xd9,
       M_SOS = 0xda, M_DQT = 0xdb, M_DRI = 0xdd };

typedef struct {
    bool present;
    uint8_t symbols[256];
    uint16_t look[1 << LOOK_BITS];      // length of the code in the upper byte, its symbol; 0: the code is longer
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
    memset(h->look, 0, sizeof(h->look));
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
                h->look[first + k] = (uint16_t)(len << 8 | h->symbols[c + h->offset[len]]);
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
        if (p->h < 1 || p->h > JPEG_MAX_FACTOR || p->v < 1 || p->v > JPEG_MAX_FACTOR || p->tq > 3) {
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

// The bits while a block is read, in registers.
typedef struct {
    uint64_t bits;
    int n;
} reader_t;

static inline void need(reader_t *r, jpeg_t *j, image_io_t *io) {
    if (r->n < 32) {
        j->bits = r->bits;
        j->n_bits = r->n;
        fill_bits(j, io);
        *r = (reader_t) { j->bits, j->n_bits };
    }
}

static inline void drop(reader_t *r, int n) {
    r->bits <<= n;
    r->n -= n;
}

// Symbol, or -1.
static int long_symbol(reader_t *r, const huffman_t *h) {
    for (int len = LOOK_BITS + 1; len <= 16; len++) {
        int32_t code = (int32_t)(r->bits >> (64 - len));
        if (h->max_code[len] >= 0 && code <= h->max_code[len] && code + h->offset[len] >= 0) {
            drop(r, len);
            return h->symbols[(code + h->offset[len]) & 255];
        }
    }
    return -1;
}

static inline int symbol(reader_t *r, jpeg_t *j, image_io_t *io, const huffman_t *h) {
    need(r, j, io);
    unsigned look = h->look[r->bits >> (64 - LOOK_BITS)];
    if (look) {
        drop(r, (int)(look >> 8));
        return (int)(look & 255);
    }
    return long_symbol(r, h);
}

// A number of n bits (1 to 11: symbol() has left 16), negative ones below half.
static inline int32_t number(reader_t *r, int n) {
    int32_t v = (int32_t)(r->bits >> (64 - n));
    // All ones when the number's first bit is 0.
    int32_t below = ~(int32_t)((int64_t)r->bits >> 63);
    drop(r, n);
    return v + (below & (1 - (1 << n)));
}

// What is larger than any 8-bit picture's numbers is cut.
static inline int16_t cut(int32_t v) {
    return (int16_t)(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
}

static bool read_block(jpeg_t *j, image_io_t *io, component_t *c, jpeg_block_t *out) {
    const uint16_t *quant = j->quant[c->tq];
    const huffman_t *ac = &j->ac[c->ta];
    reader_t r = { j->bits, j->n_bits };
    unsigned places = 0;
    int rs = symbol(&r, j, io, &j->dc[c->td]);
    if (rs < 0 || rs > 11) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    c->pred += rs ? number(&r, rs) : 0;
    c->pred = c->pred < -65536 ? -65536 : c->pred > 65536 ? 65536 : c->pred;
    out->v[0] = cut(c->pred * (int32_t)quant[0]);
    for (int k = 1; k < 64; k++) {
        rs = symbol(&r, j, io, ac);
        int size = rs & 15;
        if (rs <= 0 || size == 0) {
            if (rs != 0xf0) {
                if (rs < 0) {
                    return false;
                }
                break;
            }
            k += 15;
            continue;
        }
        k += rs >> 4;
        if (k > 63 || size > 10) {
            return false;
        }
        unsigned at = jpeg_zigzag[k];
        out->v[at] = cut(number(&r, size) * (int32_t)quant[k]);
        places |= 0x100u << (at & 7) | 1u << (at >> 3);
    }
    out->rows = (uint8_t)places;
    out->columns = (uint8_t)(places >> 8);
    j->bits = r.bits;
    j->n_bits = r.n;
    return true;
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

static jpeg_shape_t shape_of(const jpeg_t *j, image_t *img) {
    jpeg_shape_t s = { .img = img, .n = j->n, .h_max = j->h_max, .v_max = j->v_max };
    for (unsigned i = 0; i < j->n; i++) {
        s.h[i] = j->comp[i].h;
        s.v[i] = j->comp[i].v;
        s.blocks += s.h[i] * s.v[i];
    }
    s.across = (img->w + 8 * j->h_max - 1) / (8 * j->h_max);
    s.count = (uint32_t)s.across * (uint32_t)((img->h + 8 * j->v_max - 1) / (8 * j->v_max));
    return s;
}

// The blocks of MCU number at.
static int read_mcu(jpeg_t *j, image_io_t *io, const jpeg_shape_t *s, uint32_t at, jpeg_block_t *blocks, char *err) {
    if (j->restart && at && at % j->restart == 0) {
        restart(j, io);
    }
    for (unsigned i = 0; i < j->n; i++) {
        for (unsigned k = 0; k < s->h[i] * s->v[i]; k++) {
            if (!read_block(j, io, &j->comp[i], blocks++)) {
                return image_fail(err, -EINVAL, "JPEG: damaged at row %ld", (long)(at / (uint32_t)s->across * 8 * s->v_max));
            }
        }
    }
    return j->n_padding > j->n_bits ? image_fail(err, -EIO, "image file ends too early") : 0;
}

// Helps with what the other processor draws, and waits for it.
static bool finish(jpeg_batch_t *shared) {
    if (!shared) {
        return true;
    }
    jpeg_draw_batch(shared);
    return image_port_join();
}

// Batches of MCUs take turns: while one is read, the other processor draws the one before it. Who is ready first
// helps with that one.
static int decode(image_io_t *io, image_info_t *in, image_t *img, char *err) {
    jpeg_t *j = state_of(in);
    jpeg_shape_t shape = shape_of(j, img);
    jpeg_block_t few[JPEG_MAX_BLOCKS];
    jpeg_batch_t batch[2] = { { .shape = &shape, .blocks = few }, { .shape = &shape } };
    size_t room = JPEG_BATCH_BLOCKS / shape.blocks;
    jpeg_block_t *memory = IMAGE_WITH_SPEED && shape.count >= 2 * room ? image_port_alloc(2 * JPEG_BATCH_BLOCKS * sizeof(*memory))
        : NULL;
    if (memory) {
        batch[0].blocks = memory;
        batch[1].blocks = memory + JPEG_BATCH_BLOCKS;
    }
    int ret = 0;
    jpeg_batch_t *shared = NULL;
    for (uint32_t at = 0, turn = 0; at < shape.count && ret == 0; turn ^= 1) {
        jpeg_batch_t *b = &batch[memory ? turn : 0];
        b->first = at;
        b->n = b->next = 0;
        for (size_t i = 0; i < (memory ? room : 1) && at < shape.count && ret == 0; i++, at++) {
            ret = read_mcu(j, io, &shape, at, b->blocks + i * shape.blocks, err);
            b->n += ret == 0;
        }
        if (!finish(shared)) {
            return image_fail(err, -EIO, "JPEG: the second processor does not come to an end");
        }
        shared = memory && image_port_start(jpeg_draw_batch, b) ? b : NULL;
        if (!shared) {
            jpeg_draw_batch(b);
        }
    }
    if (!finish(shared)) {
        return image_fail(err, -EIO, "JPEG: the second processor does not come to an end");
    }
    image_port_free(memory);
    return ret;
}

const image_codec_t image_codec_jpeg = { "JPEG", probe, info, decode };
