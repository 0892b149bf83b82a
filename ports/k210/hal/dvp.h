/*
 * SPDX-License-Identifier: MIT
 *
 * Digital video port: takes the camera's pixels and writes them to memory twice, as RGB565 for the
 * display and as byte planes for the KPU.
 *
 * The display words hold two pixels each, the first one in the upper half. Planes have no padding.
 */
#ifndef K210_HAL_DVP_H
#define K210_HAL_DVP_H

#include <stdbool.h>
#include <stdint.h>

enum dvp_format { DVP_RGB565, DVP_YUV422, DVP_Y };

// Bus addresses (use uncached aliases), 64-byte aligned. 0 = leave this output alone.
typedef struct {
    uint32_t display;
    uint32_t r, g, b; // with DVP_Y the luma plane goes to r
} dvp_buffers_t;

// Clock on, reset, XCLK as near to hz as it goes (it may be a little more: from a 200 MHz bus 24 MHz
// becomes 25, as with vendor software). Returns the real XCLK. Pads are not touched.
uint32_t dvp_init(uint32_t xclk_hz);
uint32_t dvp_set_xclk(uint32_t hz);
void dvp_deinit(void);

// Levels of CMOS_RST and CMOS_PWDN.
void dvp_reset_line(bool high);
void dvp_power_down_line(bool high);

void dvp_set_format(enum dvp_format format);

// width must be a multiple of 8. -EINVAL when the block cannot do the size (2040 x 1023).
int dvp_set_size(unsigned width, unsigned height);

// Frame events, in interrupt context. start: a frame begins; return true and fill *buffers to have it
// stored, or false to let it pass. done: the stored frame is complete.
typedef struct {
    bool (*start)(void *arg, dvp_buffers_t *buffers);
    void (*done)(void *arg);
    void *arg;
} dvp_handler_t;

void dvp_start(const dvp_handler_t *handler);

// Afterwards nothing is written to memory any more, even if a frame was in the middle.
void dvp_stop(void);
bool dvp_running(void);

// Number of frame starts and of stored frames since dvp_start(): tells "no camera signal" from
// "frames arrive but are not taken".
void dvp_counts(uint32_t *starts, uint32_t *stored);

#endif
