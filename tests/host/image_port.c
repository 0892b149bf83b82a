// SPDX-License-Identifier: MIT
// What the vision core needs from its platform, on a PC: memory that can be made to run out.
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
