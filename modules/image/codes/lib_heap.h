// SPDX-License-Identifier: MIT
// malloc() for libraries that are compiled as they come: it takes memory from a work area and, when
// there is none, leaves the library altogether instead of returning NULL.
#ifndef K210_LIB_HEAP_H
#define K210_LIB_HEAP_H

#include "../vision/vision.h"

// Calls fn(ctx); what it allocates belongs to w. Returns fn's result, or -ENOMEM. Not reentrant.
int lib_heap_run(vis_work_t *w, int (*fn)(void *ctx), void *ctx);

void *lib_malloc(size_t n);
void *lib_calloc(size_t n, size_t size);
void *lib_realloc(void *p, size_t n);
void lib_free(void *p);
char *lib_strdup(const char *s);

#endif
