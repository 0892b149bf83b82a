/*
 * SPDX-License-Identifier: MIT
 *
 * KPU: runs one layer at a time, moves data into and out of its 2 MiB of memory.
 *
 * The KPU and the DMA see memory, not the CPU's cache: tables, destination and sources that go by
 * DMA are addresses of the uncached alias.
 */
#ifndef K210_HAL_KPU_H
#define K210_HAL_KPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KPU_RAM_SIZE (2u << 20)

// Longest time for a layer and those queued before it. The slowest layer that fits (16-bit weights, 1024
// channels, all of the KPU's memory) takes about half a second at 400 MHz.
#define KPU_LAYER_TIMEOUT_US (800000)

// Clock on, reset, interrupt connected. May be called again.
void kpu_init(void);

// Starts a layer described by its 12 words (without table addresses, int_en, send_data_out).
// weights: 8-byte aligned; bn: 8; act: 256. dest, if not NULL, gets the packed CHW result by DMA:
// 8-byte aligned, dest_size bytes rounded up to 8 are written.
// -EBUSY while a layer runs or when no DMA channel is free.
int kpu_layer_start(const uint64_t words[12], const void *weights, const void *bn, const void *act,
    bool eight_bit, void *dest, uint32_t dest_size);

// Layers that wait in the KPU's FIFO; it has room for 12.
#define KPU_QUEUE_MAX (8)

// Puts a layer into the FIFO that kpu_layer_start() must follow, with at most KPU_QUEUE_MAX - 2 others
// between. It runs as soon as the KPU is free, and nobody is told.
int kpu_layer_queue(const uint64_t words[12], const void *weights, const void *bn, const void *act, bool eight_bit);

// 1 when the layer is done, 0 while it runs, -ETIMEDOUT, -EIO (bus error of the DMA) or -EINVAL
// (nothing was started). After a negative result the KPU has been reset.
int kpu_layer_poll(void);

// Gives up a running layer.
void kpu_layer_stop(void);

// What the last layer was waiting for, for the text of an exception.
const char *kpu_layer_waiting_for(void);

// Copies between memory and the KPU's memory at byte off. A large, aligned source in uncached
// memory goes by DMA. -EINVAL outside KPU memory, -ETIMEDOUT, -EIO.
int kpu_ram_write(uint32_t off, const void *src, uint32_t n);
int kpu_ram_read(uint32_t off, void *dst, uint32_t n);

// The same memory as 64-bit words, uncached.
volatile uint64_t *kpu_ram_words(void);

#endif
