// SPDX-License-Identifier: MIT
//
// The twelve words that describe a KPU layer, and feature maps in KPU RAM.

#ifndef MODULES_KPU_LAYER_H
#define MODULES_KPU_LAYER_H

#include "kpu_types.h"

// Reads bits lsb..lsb+len-1 of a word.
static inline uint32_t kpu_word_field(const uint64_t *words, unsigned word, unsigned lsb, unsigned len) {
    return (uint32_t)((words[word] >> lsb) & ((1ull << len) - 1));
}

// Decodes and checks the words: geometry, pooling, every access inside KPU RAM, parameter loads
// consistent with the channels. Fills everything of conv except the table offsets and to_main.
int kpu_conv_decode(const uint64_t words[12], bool eight_bit, kpu_conv_t *conv, char *err);

// Completes word 11 for a result that goes out through the FIFO.
void kpu_conv_send_words(const kpu_conv_t *conv, uint64_t words[12]);

// The layout that every compiler uses for a map of this size. False when a size is out of range.
bool kpu_map_init(kpu_map_t *map, uint32_t line, uint32_t w, uint32_t h, uint32_t c);

// Lines from the first to the last byte of the map.
uint32_t kpu_map_lines(const kpu_map_t *map);

// KPU_OK when the map lies inside KPU RAM and its rows and channels do not overlap.
int kpu_map_check(const kpu_map_t *map, const char *what, char *err);

// Whether channels and rows follow each other without gaps.
bool kpu_map_is_packed(const kpu_map_t *map);

// Copies packed CHW bytes (w*h*c) into KPU RAM or out of it. Returns the backend's result.
int kpu_map_write(const kpu_map_t *map, const kpu_backend_t *backend, const uint8_t *src);
int kpu_map_read(const kpu_map_t *map, const kpu_backend_t *backend, uint8_t *dst);

#endif // MODULES_KPU_LAYER_H
