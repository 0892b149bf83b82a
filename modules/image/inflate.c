// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "inflate.h"

static const uint16_t length_base[29] = {
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
};
static const uint8_t length_extra[29] = {
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
};
static const uint16_t distance_base[30] = {
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193,
    12289, 16385, 24577,
};
static const uint8_t distance_extra[30] = {
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
};

// After an error all bits are 0, and the error stays.
static uint32_t get_bits(inflate_t *z, uint32_t n) {
    while (z->n_bits < n) {
        int b = z->error ? 0 : z->read(z->ctx);
        if (b < 0) {
            z->error = b;
            b = 0;
        }
        z->bits |= (uint32_t)b << z->n_bits;
        z->n_bits += 8;
    }
    uint32_t v = z->bits & ((1u << n) - 1);
    z->bits >>= n;
    z->n_bits -= n;
    return v;
}

static int fail(inflate_t *z) {
    return z->error = z->error ? z->error : -EINVAL;
}

// Codes are numbered by length, then by symbol. An incomplete set only fails when it is used.
static bool make_code(inflate_code_t *c, const uint8_t *length, unsigned n) {
    uint16_t next[16] = { 0 };
    int32_t room = 1;
    memset(c->count, 0, sizeof(c->count));
    for (unsigned i = 0; i < n; i++) {
        c->count[length[i]]++;
    }
    c->count[0] = 0;
    for (int i = 1; i < 16; i++) {
        room = room * 2 - c->count[i];
        if (room < 0) {
            return false;
        }
        next[i] = (uint16_t)(next[i - 1] + c->count[i - 1]);
    }
    for (unsigned i = 0; i < n; i++) {
        if (length[i]) {
            c->symbol[next[length[i]]++] = (uint16_t)i;
        }
    }
    return true;
}

static int get_symbol(inflate_t *z, const inflate_code_t *c) {
    int32_t code = 0, first = 0, index = 0;
    for (int len = 1; len < 16; len++) {
        code |= (int32_t)get_bits(z, 1);
        int32_t count = c->count[len];
        if (code - first < count) {
            return c->symbol[index + code - first];
        }
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    return fail(z);
}

static bool put(inflate_t *z, uint8_t b) {
    z->window[z->pos] = b;
    z->pos = (z->pos + 1) % INFLATE_WINDOW;
    z->full |= z->pos == 0;
    return z->write(z->ctx, b);
}

static int compressed(inflate_t *z) {
    for (;;) {
        int s = get_symbol(z, &z->lengths);
        if (z->error) {
            return z->error;
        }
        if (s < 256) {
            if (!put(z, (uint8_t)s)) {
                return 1;
            }
            continue;
        }
        if (s == 256) {
            return 0;
        }
        if (s > 285) {
            return fail(z);
        }
        uint32_t n = length_base[s - 257] + get_bits(z, length_extra[s - 257]);
        int d = get_symbol(z, &z->distances);
        if (z->error || d > 29) {
            return fail(z);
        }
        uint32_t distance = distance_base[d] + get_bits(z, distance_extra[d]);
        if (z->error || (!z->full && distance > z->pos)) {
            return fail(z);
        }
        while (n--) {
            if (!put(z, z->window[(z->pos + INFLATE_WINDOW - distance) % INFLATE_WINDOW])) {
                return 1;
            }
        }
    }
}

static int stored(inflate_t *z) {
    z->bits = z->n_bits = 0;
    uint32_t n = get_bits(z, 16), not_n = get_bits(z, 16);
    if (z->error || (n ^ not_n) != 0xffff) {
        return fail(z);
    }
    while (n--) {
        uint8_t b = (uint8_t)get_bits(z, 8);
        if (z->error) {
            return z->error;
        }
        if (!put(z, b)) {
            return 1;
        }
    }
    return 0;
}

static int fixed_codes(inflate_t *z) {
    uint8_t length[288];
    for (int i = 0; i < 288; i++) {
        length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    }
    make_code(&z->lengths, length, 288);
    memset(length, 5, 30);
    make_code(&z->distances, length, 30);
    return compressed(z);
}

static int own_codes(inflate_t *z) {
    static const uint8_t order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
    uint8_t length[320] = { 0 };
    unsigned n_lengths = get_bits(z, 5) + 257, n_distances = get_bits(z, 5) + 1, n_codes = get_bits(z, 4) + 4;
    if (n_lengths > 286 || n_distances > 30) {
        return fail(z);
    }
    for (unsigned i = 0; i < n_codes; i++) {
        length[order[i]] = (uint8_t)get_bits(z, 3);
    }
    if (!make_code(&z->lengths, length, 19)) {
        return fail(z);
    }
    memset(length, 0, sizeof(length));
    for (unsigned i = 0; i < n_lengths + n_distances;) {
        int s = get_symbol(z, &z->lengths);
        if (z->error) {
            return z->error;
        }
        if (s < 16) {
            length[i++] = (uint8_t)s;
            continue;
        }
        if (s == 16 && i == 0) {
            return fail(z);
        }
        uint8_t value = s == 16 ? length[i - 1] : 0;
        unsigned again = s == 16 ? 3 + get_bits(z, 2) : s == 17 ? 3 + get_bits(z, 3) : 11 + get_bits(z, 7);
        if (i + again > n_lengths + n_distances) {
            return fail(z);
        }
        while (again--) {
            length[i++] = value;
        }
    }
    if (!make_code(&z->lengths, length, n_lengths) || !make_code(&z->distances, length + n_lengths, n_distances)) {
        return fail(z);
    }
    return compressed(z);
}

int inflate_zlib(inflate_t *z) {
    uint32_t head = get_bits(z, 8), flags = get_bits(z, 8);
    if (z->error || (head & 15) != 8 || (head << 8 | flags) % 31 || flags & 32) {
        return fail(z);
    }
    for (bool last = false; !last;) {
        last = get_bits(z, 1);
        uint32_t type = get_bits(z, 2);
        int ret = z->error ? z->error : type == 0 ? stored(z) : type == 1 ? fixed_codes(z) : type == 2 ? own_codes(z) : fail(z);
        if (ret) {
            return ret < 0 ? ret : 0;
        }
    }
    return 0;
}

// ---- compression: the fixed codes, the last place with the same three bytes -----------------------

typedef struct {
    deflate_t *z;
    bool (*flush)(void *ctx, const uint8_t *data, size_t n);
    void *ctx;
    bool ok;
} sink_t;

static void out_byte(sink_t *s, uint8_t b) {
    s->z->out[s->z->n++] = b;
    if (s->z->n == sizeof(s->z->out)) {
        s->ok = s->ok && s->flush(s->ctx, s->z->out, s->z->n);
        s->z->n = 0;
    }
}

static void out_bits(sink_t *s, uint32_t v, uint32_t n) {
    s->z->bits |= v << s->z->n_bits;
    for (s->z->n_bits += n; s->z->n_bits >= 8; s->z->n_bits -= 8, s->z->bits >>= 8) {
        out_byte(s, (uint8_t)s->z->bits);
    }
}

// Codes go out with the highest bit first.
static void out_code(sink_t *s, uint32_t code, uint32_t n) {
    uint32_t v = 0;
    for (uint32_t i = 0; i < n; i++) {
        v |= (code >> i & 1) << (n - 1 - i);
    }
    out_bits(s, v, n);
}

static void out_symbol(sink_t *s, uint32_t v) {
    if (v < 144) {
        out_code(s, 0x30 + v, 8);
    } else if (v < 256) {
        out_code(s, 0x190 + v - 144, 9);
    } else if (v < 280) {
        out_code(s, v - 256, 7);
    } else {
        out_code(s, 0xc0 + v - 280, 8);
    }
}

static void out_match(sink_t *s, uint32_t length, uint32_t distance) {
    uint32_t l = 28, d = 29;
    while (length_base[l] > length) {
        l--;
    }
    while (distance_base[d] > distance) {
        d--;
    }
    out_symbol(s, 257 + l);
    out_bits(s, length - length_base[l], length_extra[l]);
    out_code(s, d, 5);
    out_bits(s, distance - distance_base[d], distance_extra[d]);
}

bool deflate_zlib(deflate_t *z, const uint8_t *data, size_t n, bool (*flush)(void *ctx, const uint8_t *data, size_t n),
    void *ctx) {
    sink_t s = { z, flush, ctx, true };
    uint32_t a = 1, b = 0;
    memset(z, 0, sizeof(*z));
    out_byte(&s, 0x78);
    out_byte(&s, 0x01);
    out_bits(&s, 3, 3); // the last block, fixed codes
    for (size_t i = 0; i < n && s.ok;) {
        size_t length = 0, from = 0;
        if (i + 3 <= n) {
            uint32_t hash = (data[i] | (uint32_t)data[i + 1] << 8 | (uint32_t)data[i + 2] << 16) * 2654435761u >> 20;
            from = z->head[hash];
            z->head[hash] = (uint32_t)i + 1;
            if (from && i + 1 - from <= 32768) {
                while (length < 258 && i + length < n && data[from - 1 + length] == data[i + length]) {
                    length++;
                }
            }
        }
        if (length >= 3) {
            out_match(&s, (uint32_t)length, (uint32_t)(i + 1 - from));
            i += length;
        } else {
            out_symbol(&s, data[i++]);
        }
    }
    out_symbol(&s, 256);
    out_bits(&s, 0, 7); // to the end of the byte
    for (size_t i = 0; i < n; i++) {
        a = (a + data[i]) % 65521;
        b = (b + a) % 65521;
    }
    for (int i = 0; i < 4; i++) {
        out_byte(&s, (uint8_t)((b << 16 | a) >> (24 - 8 * i)));
    }
    return s.ok && (z->n == 0 || flush(ctx, z->out, z->n));
}
