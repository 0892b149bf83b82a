// SPDX-License-Identifier: MIT
#include "frames.h"

void frames_init(frames_t *f, int count) {
    *f = (frames_t) { count, FRAMES_NONE, FRAMES_NONE, FRAMES_NONE, false, false, true };
}

void frames_restart(frames_t *f) {
    int taken = f->taken;
    frames_init(f, f->count);
    f->taken = taken;
}

int frames_begin(frames_t *f) {
    if (!f->running || f->filling != FRAMES_NONE || f->ready != FRAMES_NONE || (f->count == 1 && !f->wanted)) {
        return FRAMES_NONE;
    }
    f->filling = f->count > 1 && f->taken == 0 ? 1 : 0;
    f->stale = false;
    return f->filling;
}

void frames_end(frames_t *f) {
    if (!f->stale) {
        f->ready = f->filling;
        f->wanted = false;
    }
    f->filling = FRAMES_NONE;
}

// What is finished or under way is not handed out.
static void drop(frames_t *f) {
    f->ready = FRAMES_NONE;
    f->stale = f->filling != FRAMES_NONE;
}

void frames_want(frames_t *f, bool fresh) {
    if (fresh || f->count == 1) {
        drop(f);
    }
    if (f->count == 1) {
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
    drop(f);
    f->wanted = false;
}

void frames_shrink(frames_t *f, int keep) {
    f->count = 1;
    f->taken = f->taken == keep ? 0 : FRAMES_NONE;
    f->ready = FRAMES_NONE;
    f->wanted = false;
}
