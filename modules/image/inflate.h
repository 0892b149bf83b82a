// SPDX-License-Identifier: MIT
// The compression of PNG files: zlib streams.
#ifndef K210_INFLATE_H
#define K210_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFLATE_WINDOW (32768)

typedef struct {
    uint16_t count[16];         // codes of each length
    uint16_t symbol[320];       // in the order of their codes
} inflate_code_t;

typedef struct {
    int (*read)(void *ctx);     // the next byte, or an error < 0
    bool (*write)(void *ctx, uint8_t byte); // false: enough
    void *ctx;
    uint32_t bits, n_bits;
    int error;
    uint32_t pos;
    bool full;                  // the window has been filled once
    inflate_code_t lengths, distances;
    uint8_t window[INFLATE_WINDOW];
} inflate_t;

// The caller sets read, write and ctx of a zeroed inflate_t. 0, or an error of read(), or -EINVAL.
int inflate_zlib(inflate_t *z);

typedef struct {
    uint32_t head[4096];        // where the last three bytes of this hash began, plus one
    uint32_t bits, n_bits;
    size_t n;
    uint8_t out[4096];
} deflate_t;

// Hands on compressed data in parts; false when flush() returned that.
bool deflate_zlib(deflate_t *z, const uint8_t *data, size_t n, bool (*flush)(void *ctx, const uint8_t *data, size_t n),
    void *ctx);

#endif
