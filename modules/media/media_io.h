// SPDX-License-Identifier: MIT
// What the plain C core of sound and film needs of a file. No MicroPython and no registers in the core, so that it also
// compiles on a PC (tests/host).
#ifndef K210_MEDIA_IO_H
#define K210_MEDIA_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEDIA_ERR_LEN (120)

typedef struct media_io {
    // Bytes moved; fewer = end of the file or failure.
    size_t (*read)(struct media_io *io, void *buf, size_t n);
    size_t (*write)(struct media_io *io, const void *buf, size_t n);
    bool (*seek)(struct media_io *io, uint32_t pos); // from the beginning
    uint32_t size;                                   // of a file that is read
} media_io_t;

// Writes err and returns code.
int media_fail(char *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

// n bytes from pos on, or -EINVAL: the file ends before. what names them in the sentence.
int media_read_at(media_io_t *io, uint32_t pos, void *buf, size_t n, const char *what, char *err);

static inline uint32_t media_u16(const uint8_t *p) {
    return (uint32_t)(p[0] | p[1] << 8);
}

static inline uint32_t media_u32(const uint8_t *p) {
    return media_u16(p) | media_u16(p + 2) << 16;
}

static inline void media_put16(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void media_put32(uint8_t *p, uint32_t v) {
    media_put16(p, v);
    media_put16(p + 2, v >> 16);
}

// Four characters of a RIFF file as a number.
#define MEDIA_ID(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

#endif
