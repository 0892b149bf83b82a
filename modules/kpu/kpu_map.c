// SPDX-License-Identifier: MIT
//
// Feature maps in KPU RAM: where they are, and copying them.

#include <string.h>

#include "kpu_layer.h"

bool kpu_map_init(kpu_map_t *map, uint32_t line, uint32_t w, uint32_t h, uint32_t c) {
    if (w < 1 || w > 1024 || h < 1 || h > 512 || c < 1 || c > 65535) {
        return false;
    }
    unsigned group = w <= 16 ? 4 : w <= 32 ? 2 : 1;
    unsigned row_lines = (w + 63) / 64;
    *map = (kpu_map_t) {
        .line = line, .w = w, .h = h, .c = c,
        .channel_lines = row_lines * h, .row_lines = row_lines, .group = group,
    };
    return true;
}

uint32_t kpu_map_lines(const kpu_map_t *map) {
    uint32_t groups = (map->c + map->group - 1) / map->group;
    return (groups - 1) * map->channel_lines + (map->h - 1) * map->row_lines + (map->w + 63) / 64;
}

int kpu_map_check(const kpu_map_t *map, const char *what, char *err) {
    if (map->group != 1 && map->group != 2 && map->group != 4) {
        return kpu_fail(err, KPU_ERR_FORMAT, "%s has %u channels per line, must be 1, 2 or 4",
            what, map->group);
    }
    if (map->group > 1 && map->w > KPU_RAM_LINE / map->group) {
        return kpu_fail(err, KPU_ERR_FORMAT, "%s has %u channels per line, too many for a width of %u",
            what, map->group, map->w);
    }
    uint32_t row_lines = (map->w + 63u) / 64;
    if (map->h > 1 && map->row_lines < row_lines) {
        return kpu_fail(err, KPU_ERR_FORMAT, "%s has %u lines per row, a width of %u needs %u",
            what, map->row_lines, map->w, (unsigned)row_lines);
    }
    uint32_t channel_lines = (map->h - 1u) * map->row_lines + row_lines;
    if (map->c > map->group && map->channel_lines < channel_lines) {
        return kpu_fail(err, KPU_ERR_FORMAT, "%s has %u lines per channel, %ux%u pixels need %u",
            what, map->channel_lines, map->w, map->h, (unsigned)channel_lines);
    }
    uint32_t end = map->line + kpu_map_lines(map);
    if (end > KPU_RAM_LINES) {
        return kpu_fail(err, KPU_ERR_FORMAT, "%s (%ux%ux%u) ends at line %u of KPU RAM, which has %u",
            what, map->w, map->h, map->c, (unsigned)end, KPU_RAM_LINES);
    }
    return KPU_OK;
}

bool kpu_map_is_packed(const kpu_map_t *map) {
    return map->group == 1 && map->row_lines * KPU_RAM_LINE == map->w
           && map->channel_lines == map->row_lines * map->h;
}

// Byte address of the row y of channel c.
static uint32_t map_row(const kpu_map_t *map, uint32_t c, uint32_t y) {
    return (map->line + c / map->group * map->channel_lines + y * map->row_lines) * KPU_RAM_LINE
           + c % map->group * (KPU_RAM_LINE / map->group);
}

// Rows start at multiples of 16 bytes, so each is written and read as words, however the packed ones lie. The word at
// the end of a row goes into it as a whole, because nothing else uses the rest of it.

typedef struct {
    const uint64_t *next;
    uint32_t left;              // bytes that were not loaded yet
    uint64_t held;              // loaded and not used
    unsigned bits;              // of held
} packed_t;

static inline uint64_t load(packed_t *p) {
    uint64_t v = 0;
    if (p->left >= 8) {
        p->left -= 8;
        return *p->next++;
    }
    memcpy(&v, p->next, p->left);
    p->left = 0;
    return v;
}

static inline uint64_t mask(unsigned bits) {
    return (1ull << bits) - 1;
}

static inline void write_row(volatile uint64_t *to, packed_t *p, uint32_t n) {
    if (p->bits == 0) {
        p->left -= n & ~7u;
        for (; n >= 8; n -= 8) {
            *to++ = *p->next++;
        }
    }
    for (; n >= 8; n -= 8) {
        uint64_t v = load(p);
        *to++ = p->held | v << p->bits;
        p->held = v >> (64 - p->bits);
    }
    unsigned bits = 8 * n;
    if (bits == 0) {
        return;
    }
    if (p->bits < bits) {
        uint64_t v = load(p);
        *to = (p->held | v << p->bits) & mask(bits);
        p->held = v >> (bits - p->bits);
        p->bits += 64 - bits;
    } else {
        *to = p->held & mask(bits);
        p->held >>= bits;
        p->bits -= bits;
    }
}

static void write_words(const kpu_map_t *map, volatile uint64_t *ram, const uint8_t *src) {
    uint32_t w = map->w, h = map->h, step = map->row_lines * (KPU_RAM_LINE / 8);
    packed_t packed = { .next = (const uint64_t *)(const void *)src, .left = w * h * map->c };
    for (uint32_t c = 0; c < map->c; ++c) {
        volatile uint64_t *to = ram + map_row(map, c, 0) / 8;
        for (uint32_t y = h; y > 0; --y, to += step) {
            write_row(to, &packed, w);
        }
    }
}

int kpu_map_write(const kpu_map_t *map, const kpu_backend_t *backend, const uint8_t *src) {
    if (kpu_map_is_packed(map)) {
        return backend->write(backend->ctx, map->line * KPU_RAM_LINE, src, (uint32_t)map->w * map->h * map->c);
    }
    if (backend->ram != NULL && (uintptr_t)src % 8 == 0) {
        write_words(map, backend->ram, src);
        return 0;
    }
    for (uint32_t c = 0; c < map->c; ++c) {
        for (uint32_t y = 0; y < map->h; ++y, src += map->w) {
            int ret = backend->write(backend->ctx, map_row(map, c, y), src, map->w);
            if (ret < 0) {
                return ret;
            }
        }
    }
    return 0;
}

// The same in the other direction: next is where the held bits go when there are 64 of them.
typedef struct {
    uint64_t *next;
    uint64_t held;
    unsigned bits;
} packer_t;

static inline void read_row(const volatile uint64_t *from, packer_t *p, uint32_t n) {
    if (p->bits == 0) {
        for (; n >= 8; n -= 8) {
            *p->next++ = *from++;
        }
    }
    for (; n >= 8; n -= 8) {
        uint64_t v = *from++;
        *p->next++ = p->held | v << p->bits;
        p->held = v >> (64 - p->bits);
    }
    unsigned bits = 8 * n;
    if (bits == 0) {
        return;
    }
    uint64_t v = *from & mask(bits);
    p->held |= v << p->bits;
    if (p->bits + bits < 64) {
        p->bits += bits;
        return;
    }
    *p->next++ = p->held;
    p->held = v >> (64 - p->bits);
    p->bits -= 64 - bits;
}

static void read_words(const kpu_map_t *map, const volatile uint64_t *ram, uint8_t *dst) {
    uint32_t w = map->w, h = map->h, step = map->row_lines * (KPU_RAM_LINE / 8);
    packer_t packer = { .next = (uint64_t *)(void *)dst };
    for (uint32_t c = 0; c < map->c; ++c) {
        const volatile uint64_t *from = ram + map_row(map, c, 0) / 8;
        for (uint32_t y = h; y > 0; --y, from += step) {
            read_row(from, &packer, w);
        }
    }
    uint64_t rest = packer.held;
    memcpy(packer.next, &rest, packer.bits / 8);
}

int kpu_map_read(const kpu_map_t *map, const kpu_backend_t *backend, uint8_t *dst) {
    if (kpu_map_is_packed(map)) {
        return backend->read(backend->ctx, map->line * KPU_RAM_LINE, dst, (uint32_t)map->w * map->h * map->c);
    }
    if (backend->ram != NULL && (uintptr_t)dst % 8 == 0) {
        read_words(map, backend->ram, dst);
        return 0;
    }
    for (uint32_t c = 0; c < map->c; ++c) {
        for (uint32_t y = 0; y < map->h; ++y, dst += map->w) {
            int ret = backend->read(backend->ctx, map_row(map, c, y), dst, map->w);
            if (ret < 0) {
                return ret;
            }
        }
    }
    return 0;
}
