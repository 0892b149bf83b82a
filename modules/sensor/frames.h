// SPDX-License-Identifier: MIT
// Which camera buffer is filled, finished or in the script's hands. No registers, no Python: the
// interrupt side is frames_begin() and frames_end(), the other functions run with interrupts off.
//
// One buffer: a frame is taken only while somebody waits for one, so that the script's picture stays
// as it is. Two buffers: the next frame is taken while the script looks at the last one.
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
    bool running;
} frames_t;

void frames_init(frames_t *f, int count);

// A frame begins: the buffer to store it in, or FRAMES_NONE to let it pass.
int frames_begin(frames_t *f);
// The stored frame is complete.
void frames_end(frames_t *f);

// Asks for a frame that begins from now on (one buffer), or for the next one (two buffers).
void frames_want(frames_t *f);
// The finished buffer, from now on with the script, or FRAMES_NONE.
int frames_take(frames_t *f);
// Drops a finished frame and gives up waiting.
void frames_flush(frames_t *f);

#endif
