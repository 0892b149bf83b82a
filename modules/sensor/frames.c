// SPDX-License-Identifier: MIT
#include "frames.h"

void frames_init(frames_t *f, int count) {
    *f = (frames_t) { count, FRAMES_NONE, FRAMES_NONE, FRAMES_NONE, false, true };
}

int frames_begin(frames_t *f) {
    if (!f->running || f->filling != FRAMES_NONE || f->ready != FRAMES_NONE || (f->count == 1 && !f->wanted)) {
        return FRAMES_NONE;
    }
    f->filling = f->count > 1 && f->taken == 0 ? 1 : 0;
    return f->filling;
}

void frames_end(frames_t *f) {
    f->ready = f->filling;
    f->filling = FRAMES_NONE;
    f->wanted = false;
}

void frames_want(frames_t *f) {
    if (f->count == 1) {
        f->ready = FRAMES_NONE; // older than the request
        f->taken = FRAMES_NONE;
    }
    f->wanted = true;
}

int frames_take(frames_t *f) {
    int i = f->ready;
    if (i != FRAMES_NONE) {
        f->taken = i;
        f->ready = FRAMES_NONE;
        f->wanted = false;
    }
    return i;
}

void frames_flush(frames_t *f) {
    f->ready = FRAMES_NONE;
    f->wanted = false;
}
