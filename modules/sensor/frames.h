// SPDX-License-Identifier: MIT
// Which camera buffer is filled, finished or in the script's hands. No registers, no Python: the
// interrupt side is frames_begin() and frames_end(), the other functions run with interrupts off.
//
// One buffer: a frame is taken only while somebody waits for one, so that the script's picture stays
// as it is. Two buffers: the next frame is taken while the script looks at the last one, and handed
// out to a script that comes for it soon; one that comes late wants to see the present.
#ifndef K210_FRAMES_H
#define K210_FRAMES_H

#include <stdbool.h>

#define FRAMES_MAX (2)
#define FRAMES_NONE (-1)

typedef struct {
    int count;              // buffers in use, 1 or 2
    int filling;            // index or FRAMES_NONE
    volatile int ready;     // finished and not handed out yet
    int taken;              // with the script
    bool wanted;            // somebody waits
    bool stale;             // the frame being filled is older than what is wanted
    bool running;
} frames_t;

void frames_init(frames_t *f, int count);
// After a pause. The picture with the script stays as it is until the next one is asked for.
void frames_restart(frames_t *f);

// A frame begins: the buffer to store it in, or FRAMES_NONE to let it pass.
int frames_begin(frames_t *f);
// The stored frame is complete.
void frames_end(frames_t *f);

// Asks for a frame. fresh: for one that begins from now on, which with one buffer it always does.
void frames_want(frames_t *f, bool fresh);
// The finished buffer, from now on with the script, or FRAMES_NONE.
int frames_take(frames_t *f);
// Drops a finished frame and the one under way, and gives up waiting.
void frames_flush(frames_t *f);
// From two buffers to one, the one with index keep, which gets index 0. Not while one is filled.
void frames_shrink(frames_t *f, int keep);

#endif
