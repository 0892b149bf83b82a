// SPDX-License-Identifier: MIT
// Cascades that are built in: frontalface and eye. The data come from a package at build time (micropython.mk).
#ifndef K210_IMAGE_CASCADES_H
#define K210_IMAGE_CASCADES_H

#include <stddef.h>
#include <stdint.h>

#include "image_config.h"

#if IMAGE_WITH_CASCADES
// A cascade file as vis_cascade_parse() takes it, or NULL.
const uint8_t *image_cascade(const char *name, size_t *n);
#endif

#endif
