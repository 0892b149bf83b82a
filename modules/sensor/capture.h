// SPDX-License-Identifier: MIT
// Frame buffers and the DVP: from "set up this size" to an Image of the next frame.
#ifndef K210_CAPTURE_H
#define K210_CAPTURE_H

#include "py/obj.h"
#include "hal/dvp.h"
#include "image.h"

// Allocates buffers for w*h pixels (kept when they fit) and sets the DVP up; capture is stopped.
// Raises MemoryError. dual: two buffers, or the MemoryError; else the second one is there as long as
// nobody else needs the memory.
void capture_setup(int32_t w, int32_t h, enum dvp_format format, bool dual);

// The camera sends a smaller picture of w*h pixels, of which cut is what the script gets. The buffers
// stay as they are; w is a multiple of 8.
void capture_window(int32_t w, int32_t h, image_rect_t cut);

void capture_run(bool on);
bool capture_running(void);
void capture_free(void);
bool capture_ready(void);           // buffers are there
void capture_flush(void);
// The sensor has been set otherwise: the next snapshot is of a frame that begins after the call.
void capture_refresh(void);

// Waits for a frame. RuntimeError naming the sensor when none arrives.
mp_obj_t capture_snapshot(const char *sensor);
mp_obj_t capture_last(void);        // None before the first

// Lets n frames pass (n < 0: as many as come), at most for time_ms (< 0: no limit).
void capture_skip(const char *sensor, mp_int_t n, mp_int_t time_ms);

#endif
