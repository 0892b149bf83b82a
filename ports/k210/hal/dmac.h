/*
 * SPDX-License-Identifier: MIT
 *
 * DMA controller, six channels. Masters see memory, not the CPU's cache: pass the uncached alias
 * of buffers (UNCACHED() in pool.h) and touch them only through it.
 */
#ifndef K210_HAL_DMAC_H
#define K210_HAL_DMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DMAC_CHANNELS (6)
#define DMAC_MAX_COUNT (1u << 22)

enum dmac_width { DMAC_WIDTH_8, DMAC_WIDTH_16, DMAC_WIDTH_32, DMAC_WIDTH_64, DMAC_WIDTH_128 };
enum dmac_burst { DMAC_BURST_1, DMAC_BURST_4, DMAC_BURST_8, DMAC_BURST_16, DMAC_BURST_32 };
enum dmac_direction { DMAC_MEM_TO_MEM, DMAC_MEM_TO_PERIPHERAL, DMAC_PERIPHERAL_TO_MEM };

typedef struct {
    uint32_t src, dst; // bus addresses, aligned to their width
    bool src_inc, dst_inc;
    enum dmac_width src_width, dst_width;
    enum dmac_burst src_burst, dst_burst;
    size_t count; // items of src_width, 1 .. DMAC_MAX_COUNT
    int request; // DMA_REQ_* of hal/sysctl.h, -1 for memory to memory
    enum dmac_direction direction;
    // In interrupt context when the transfer has ended; status 0, or -EIO after a bus error.
    void (*done)(void *arg, int status);
    void *arg;
} dmac_xfer_t;

void dmac_init(void);

// A channel for owner (a name for error messages and debugging), or -EBUSY.
int dmac_claim(const char *owner);
void dmac_release(int ch);
const char *dmac_owner(int ch);

// -EINVAL for a bad description, -EBUSY while the channel is still running.
int dmac_start(int ch, const dmac_xfer_t *x);
bool dmac_busy(int ch);

// 0 when the transfer has ended, -EIO after a bus error, -ETIMEDOUT (the channel is then stopped).
int dmac_wait(int ch, uint32_t timeout_us);
void dmac_stop(int ch);

#endif
