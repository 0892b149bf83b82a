// SPDX-License-Identifier: MIT
// Frame buffers and the DVP: from "set up this size" to an Image of the next frame.
#ifndef K210_CAPTURE_H
#define K210_CAPTURE_H

#include "py/obj.h"
#include "hal/dvp.h"
#include "image.h"

// Allocates buffers for w*h pixels (kept when they fit) and sets the DVP up; capture is stopped.
// Raises MemoryError. gray: only the luma plane is stored.
void capture_setup(int32_t w, int32_t h, enum dvp_format format, bool dual);

// The camera sends a smaller picture of w*h pixels, of which cut is what the script gets. The buffers
// stay as they are; w is a multiple of 8.
void capture_window(int32_t w, int32_t h, image_rect_t cut);

void capture_run(bool on);
bool capture_running(void);
void capture_free(void);
bool capture_ready(void);           // buffers are there
void capture_flush(void);

// Waits for a frame. RuntimeError naming the sensor when none arrives.
mp_obj_t capture_snapshot(const char *sensor);
mp_obj_t capture_last(void);        // None before the first

// Lets n frames pass (n < 0: as many as come), at most for time_ms (< 0: no limit).
void capture_skip(const char *sensor, mp_int_t n, mp_int_t time_ms);

#endif
