/*
 * Kendryte K210: what the data caches would do to memory that devices share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/thread.h"
#include "hw/k210/k210_caches.h"
#include "hw/k210/k210_strict.h"

#define NHARTS          2
#define SETS            64
#define WAYS            8
#define LINE_SHIFT      6
#define WORD_SHIFT      3
#define CACHED_BASE     0x80000000u
#define UNCACHED_BASE   0x40000000u
#define MEMORY_SIZE     K210_CACHES_WINDOW
#define LINES           (MEMORY_SIZE >> LINE_SHIFT)

/* The masks have a bit for each of a line's eight 64-bit words. */
typedef struct Way {
    uint32_t line;
    bool valid;
    uint8_t dirty;              /* written by the hart, not yet in memory */
    uint8_t stale;              /* written in memory by a device meanwhile */
    const char *writer;         /* the device that did it */
} Way;

typedef struct Cache {
    Way ways[SETS][WAYS];
    uint8_t where[LINES];       /* way + 1 of a line, 0 = not here */
    uint32_t random;
} Cache;

static Cache *caches;
static QemuSpin lock;

void k210_caches_enable(void)
{
    if (!caches) {
        qemu_spin_init(&lock);
        caches = g_new0(Cache, NHARTS);
        k210_caches_reset();
    }
}

bool k210_caches_enabled(void)
{
    return caches != NULL;
}

void k210_caches_reset(void)
{
    if (!caches) {
        return;
    }
    qemu_spin_lock(&lock);
    for (int i = 0; i < NHARTS; i++) {
        memset(&caches[i], 0, sizeof(caches[i]));
        caches[i].random = 1 + i;
    }
    qemu_spin_unlock(&lock);
}

static Way *find(Cache *c, uint32_t line)
{
    return c->where[line] ? &c->ways[line % SETS][c->where[line] - 1] : NULL;
}

/* An empty way, or one that is picked at random, as Rocket does. */
static Way *fill(Cache *c, uint32_t line)
{
    Way *set = c->ways[line % SETS];
    unsigned n = 0;

    while (n < WAYS && set[n].valid) {
        n++;
    }
    if (n == WAYS) {
        c->random ^= c->random << 13;
        c->random ^= c->random >> 17;
        c->random ^= c->random << 5;
        n = c->random % WAYS;
        c->where[set[n].line] = 0;
    }
    set[n] = (Way) { .line = line, .valid = true };
    c->where[line] = n + 1;
    return &set[n];
}

char *k210_caches_access(unsigned hart, uint32_t addr, bool write)
{
    Cache *c = &caches[hart % NHARTS], *other = &caches[(hart + 1) % NHARTS];
    uint32_t line = (addr - CACHED_BASE) >> LINE_SHIFT;
    uint8_t word = 1 << (addr >> WORD_SHIFT & 7);
    const char *writer = NULL;
    Way *w, *o;

    if (line >= LINES) {
        return NULL;
    }
    qemu_spin_lock(&lock);
    o = find(other, line);
    if (o) {
        /* The harts keep each other's copies in step, by way of memory. */
        o->dirty = 0;
        if (write) {
            o->valid = false;
            other->where[line] = 0;
        }
    }
    w = find(c, line);
    if (!w) {
        w = fill(c, line);
    }
    if (write) {
        w->dirty |= word;
        w->stale &= ~word;
    } else if (w->stale & word) {
        w->stale &= ~word;
        writer = w->writer;
    }
    qemu_spin_unlock(&lock);
    if (!writer) {
        return NULL;
    }
    return g_strdup_printf("data cache: load from 0x%08x, which %s has written"
                           " since the line was cached", addr, writer);
}

void k210_caches_device(const char *device, uint32_t addr, size_t len,
                        bool write)
{
    uint32_t start = addr - (addr >= CACHED_BASE ? CACHED_BASE : UNCACHED_BASE);
    int hart = -1;
    uint32_t at = 0;

    if (!caches || !len || start >= MEMORY_SIZE || len > MEMORY_SIZE - start) {
        return;
    }
    qemu_spin_lock(&lock);
    for (uint32_t line = start >> LINE_SHIFT;
         line <= (start + len - 1) >> LINE_SHIFT; line++) {
        uint32_t base = line << LINE_SHIFT;
        uint32_t from = MAX(start, base), to = MIN(start + len, base + 64) - 1;
        uint8_t words = (0xff << ((from - base) >> WORD_SHIFT))
                        & (0xff >> (7 - ((to - base) >> WORD_SHIFT)));

        for (int i = 0; i < NHARTS; i++) {
            Way *w = find(&caches[i], line);

            if (!w) {
                continue;
            }
            /* A line goes back to memory as a whole, over all of it. */
            if (write ? w->dirty : w->dirty & words) {
                if (hart < 0) {
                    hart = i;
                    at = from + CACHED_BASE;
                }
                w->dirty = 0;
            }
            if (write) {
                w->stale |= words;
                w->writer = device;
            }
        }
    }
    qemu_spin_unlock(&lock);
    if (hart >= 0) {
        k210_guest_error("%s: %s 0x%08x (0x%08x uncached), where the data cache"
                         " of hart %d holds a written line", device,
                         write ? "writes" : "reads", at,
                         at - CACHED_BASE + UNCACHED_BASE, hart);
    }
}
