// SPDX-License-Identifier: MIT
// What the image core needs from its platform, on a PC: memory that can be made to run out, and a thread as the second
// processor.
#include <pthread.h>
#include <stdlib.h>

#include "vision/vision.h"

long image_port_left = -1;  // allocations until the next one fails; -1: never
long image_port_blocks;     // not yet freed
long image_port_polls;

void *image_port_alloc(size_t n) {
    if (image_port_left == 0) {
        return NULL;
    }
    image_port_left -= image_port_left > 0;
    image_port_blocks++;
    return malloc(n);
}

void image_port_free(void *p) {
    image_port_blocks -= p != NULL;
    free(p);
}

void image_port_poll(void) {
    image_port_polls++;
}

long image_port_helps = 1;  // whether there is a second processor
long image_port_started;

static pthread_t helper;
static void (*job)(void *arg);

static void *run(void *arg) {
    job(arg);
    return NULL;
}

bool image_port_start(void (*fn)(void *arg), void *arg) {
    job = fn;
    if (!image_port_helps || pthread_create(&helper, NULL, run, arg) != 0) {
        return false;
    }
    image_port_started++;
    return true;
}

bool image_port_join(void) {
    return pthread_join(helper, NULL) == 0;
}
