// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <string.h>

#include "lib_heap.h"

// Small blocks have sizes of powers of two and are cut from chunks; freed ones wait in a list per
// size. The pool itself pads every block to whole cache lines and searches from the front.
#define HEAD (16)
#define CLASSES (8)             // 32 .. 4096 bytes with the head
#define LARGEST (32 << (CLASSES - 1))
#define CHUNK (32 * 1024)

typedef struct small {
    struct small *next;
} small_t;

static struct {
    vis_work_t *work;
    jmp_buf out;
    small_t *freed[CLASSES];
    uint8_t *chunk;
    size_t left;
    unsigned calls;
} heap;

int lib_heap_run(vis_work_t *w, int (*fn)(void *ctx), void *ctx) {
    memset(&heap, 0, sizeof(heap));
    heap.work = w;
    if (setjmp(heap.out)) {
        return -ENOMEM;
    }
    return fn(ctx);
}

static unsigned class_of(size_t n) {
    unsigned c = 0;
    while ((size_t)32 << c < n) {
        c++;
    }
    return c;
}

static void *take(size_t n) {
    void *p = vis_alloc(heap.work, n);
    if (p == NULL) {
        longjmp(heap.out, 1);
    }
    return p;
}

void *lib_malloc(size_t n) {
    if (n > SIZE_MAX / 4) {
        longjmp(heap.out, 1);
    }
    if (++heap.calls % 256 == 0) {
        image_port_poll();
    }
    size_t whole = n + HEAD;
    uint8_t *p;
    if (whole > LARGEST) {
        p = take(whole);
    } else {
        unsigned c = class_of(whole);
        whole = (size_t)32 << c;
        if (heap.freed[c]) {
            p = (uint8_t *)heap.freed[c];
            heap.freed[c] = heap.freed[c]->next;
        } else {
            if (heap.left < whole) {
                heap.chunk = take(CHUNK);
                heap.left = CHUNK;
            }
            p = heap.chunk;
            heap.chunk += whole;
            heap.left -= whole;
        }
    }
    memcpy(p, &whole, sizeof(whole));
    return p + HEAD;
}

void *lib_calloc(size_t n, size_t size) {
    if (size && n > SIZE_MAX / 4 / size) {
        longjmp(heap.out, 1);
    }
    return memset(lib_malloc(n * size), 0, n * size);
}

void lib_free(void *p) {
    if (p == NULL) {
        return;
    }
    uint8_t *block = (uint8_t *)p - HEAD;
    size_t whole;
    memcpy(&whole, block, sizeof(whole));
    if (whole > LARGEST) {
        vis_free(heap.work, block);
    } else {
        small_t *s = (small_t *)(void *)block;
        unsigned c = class_of(whole);
        s->next = heap.freed[c];
        heap.freed[c] = s;
    }
}

void *lib_realloc(void *p, size_t n) {
    if (p == NULL) {
        return lib_malloc(n);
    }
    size_t whole;
    memcpy(&whole, (uint8_t *)p - HEAD, sizeof(whole));
    if (n + HEAD <= whole && n > whole / 4) {
        return p;
    }
    void *q = lib_malloc(n);
    memcpy(q, p, n < whole - HEAD ? n : whole - HEAD);
    lib_free(p);
    return q;
}

char *lib_strdup(const char *s) {
    size_t n = strlen(s) + 1;
    return memcpy(lib_malloc(n), s, n);
}
