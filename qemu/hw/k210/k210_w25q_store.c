/*
 * SPI NOR flash of the K210 boards: the cells, their image file, and the
 * tables in which the part describes itself
 *
 * The image file is written while the part is busy, and complete when it says
 * that it is ready: waiting at once for each write would cost a hart more than
 * the program time of the part. One write is on its way at a time, and what
 * changes meanwhile is the next. Every write is a state that the part had, in
 * its order, so a file that is left behind by a killed emulator is that of a
 * board which lost its power. In the first half of a program or erase the
 * cells are between old and new, as on the chip: some bits are there already.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/memalign.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "system/block-backend.h"
#include "system/runstate.h"
#include "k210_w25q_internal.h"

/* Changes farther apart than this are not written together. */
#define MAX_WRITE (128 * KiB)

static void w25q_write(K210W25qState *s, uint32_t start, uint32_t end);

static void w25q_written(void *opaque, int ret)
{
    K210W25qState *s = opaque;
    uint32_t start = s->dirty_start, end = s->dirty_end;

    if (ret < 0) {
        error_report("k210-w25q: writing the flash's image file failed: %s",
                     strerror(-ret));
    }
    qemu_iovec_destroy(&s->iov);
    qemu_vfree(s->bounce);
    s->writing = false;
    if (start < end) {
        s->dirty_start = s->dirty_end = 0;
        w25q_write(s, start, end);
    }
}

static void w25q_write(K210W25qState *s, uint32_t start, uint32_t end)
{
    s->writing = true;
    s->bounce = blk_blockalign(s->blk, end - start);
    memcpy(s->bounce, s->storage + start, end - start);
    qemu_iovec_init(&s->iov, 1);
    qemu_iovec_add(&s->iov, s->bounce, end - start);
    blk_aio_pwritev(s->blk, start, &s->iov, 0, w25q_written, s);
}

void k210_w25q_sync(K210W25qState *s)
{
    while (s->writing) {
        blk_drain(s->blk);
    }
}

static void w25q_vm_state(void *opaque, bool running, RunState state)
{
    if (!running) {
        k210_w25q_sync(opaque);
    }
}

void k210_w25q_store(K210W25qState *s, uint32_t addr, uint32_t len)
{
    uint32_t start = addr, end;

    if (!s->blk || !blk_is_writable(s->blk) || addr >= s->blk_size) {
        return;
    }
    end = addr + MIN(len, s->blk_size - addr);
    if (s->dirty_start < s->dirty_end) {
        start = MIN(start, s->dirty_start);
        end = MAX(end, s->dirty_end);
        if (end - start > MAX_WRITE) {
            /* in two steps, in the order in which they happened */
            k210_w25q_sync(s);
            start = addr;
            end = addr + MIN(len, s->blk_size - addr);
        }
    }
    if (s->writing) {
        s->dirty_start = start;
        s->dirty_end = end;
    } else {
        w25q_write(s, start, end);
    }
}

/* Not repeatable in earnest, but the same in each run under -icount. */
static uint32_t w25q_some_bits(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

void k210_w25q_begin(K210W25qState *s, uint32_t addr, uint32_t len,
                     const uint8_t *want, int64_t ns)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint32_t seed = (addr ^ now) | 1;

    k210_w25q_finish(s);
    s->half_at = addr;
    s->half_size = len;
    s->half_is_erase = !want;
    if (want) {
        memcpy(s->half_page, want, K210_W25Q_PAGE);
    }
    for (uint32_t i = 0; i < len; i++) {
        uint8_t *cell = s->storage + addr + i;
        uint32_t r = w25q_some_bits(&seed);

        if (want) {
            *cell &= want[i] | r;
        } else {
            /* an erase first programs all cells, then clears them */
            *cell = (*cell & r) | (r >> 8 & r >> 16);
        }
    }
    k210_w25q_store(s, addr, len);
    timer_mod(s->half_timer, now + ns / 2);
}

void k210_w25q_finish(K210W25qState *s)
{
    if (!s->half_size) {
        return;
    }
    if (s->half_is_erase) {
        memset(s->storage + s->half_at, 0xff, s->half_size);
    } else {
        memcpy(s->storage + s->half_at, s->half_page, s->half_size);
    }
    k210_w25q_store(s, s->half_at, s->half_size);
    k210_w25q_abandon(s);
}

void k210_w25q_abandon(K210W25qState *s)
{
    s->half_size = 0;
    timer_del(s->half_timer);
}

static void w25q_half_time(void *opaque)
{
    k210_w25q_finish(opaque);
}

bool k210_w25q_load(K210W25qState *s, Error **errp)
{
    int64_t length;

    memset(s->storage, 0xff, s->size);
    if (!s->blk) {
        return true;
    }
    k210_w25q_sync(s);
    length = blk_getlength(s->blk);
    if (length < 0) {
        error_setg_errno(errp, -length, "k210-w25q: cannot tell the size of "
                         "the flash image");
        return false;
    }
    if (length > s->size) {
        error_setg(errp, "k210-w25q: the flash image has %" PRId64 " bytes, "
                   "the part %s holds %u", length, s->part, s->size);
        return false;
    }
    /* A shorter image is the start of an otherwise erased part. */
    s->blk_size = length;
    if (length && blk_pread(s->blk, 0, length, s->storage, 0) < 0) {
        error_setg(errp, "k210-w25q: cannot read the flash image");
        return false;
    }
    return true;
}

bool k210_w25q_open_storage(K210W25qState *s, Error **errp)
{
    s->half_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, w25q_half_time, s);
    if (s->blk) {
        uint64_t perm = BLK_PERM_CONSISTENT_READ;

        if (blk_supports_write_perm(s->blk)) {
            perm |= BLK_PERM_WRITE;
        }
        if (blk_set_perm(s->blk, perm, BLK_PERM_ALL, errp) < 0) {
            return false;
        }
        s->storage = blk_blockalign(s->blk, s->size);
        qemu_add_vm_change_state_handler(w25q_vm_state, s);
    } else {
        s->storage = qemu_memalign(4096, s->size);
    }
    return k210_w25q_load(s, errp);
}

/*
 * JESD216B: header, one parameter header, and the basic table of 16 words
 * with the commands, wait states and times that k210_w25q.c implements.
 */
uint8_t k210_w25q_sfdp(K210W25qState *s, unsigned n)
{
    enum { TABLE = 0x80, WORDS = 16 };
    static const uint8_t header[16] = {
        'S', 'F', 'D', 'P', 5, 1, 0, 0xff,          /* 1.5, one header */
        0, 5, 1, WORDS, TABLE, 0, 0, 0xff,
    };
    uint32_t words[WORDS] = {
        0xfff120e5,     /* 4 KiB erase 20h; 1-1-2, 1-2-2, 1-1-4, 1-4-4; 3-byte
                         * addresses; programs of 64 bytes or more */
        s->size * 8 - 1,
        0x6b08eb44,     /* 1-1-4: 6Bh, 8 wait; 1-4-4: EBh, 2 mode, 4 wait */
        0xbb803b08,     /* 1-2-2: BBh, 4 mode; 1-1-2: 3Bh, 8 wait */
        0xfffffffe,     /* no 2-2-2, no 4-4-4 */
        0xffffffff,
        0xffffffff,
        0x520f200c,     /* erase 2^12 by 20h, 2^15 by 52h */
        0x0000d810,     /* 2^16 by D8h */
        /* erase: 3, 8 and 10 times 16 ms, at most 14 times that */
        6 | (1 << 5 | 2) << 4 | (1 << 5 | 7) << 11 | (1 << 5 | 9) << 18,
        /* page of 2^8 in 6 x 64 us; the first byte 4 x 8 us, each more
         * 3 x 1 us, at most 8 times that; the chip 10 x 4 s */
        3 | 8 << 4 | (1 << 5 | 5) << 8 | (1 << 4 | 3) << 14 | 2 << 19 |
        (2u << 5 | 9) << 24 | 1u << 31,
        /* suspended within 20 x 1 us; no erase meanwhile */
        0x1ec | 19 << 13 | 1 << 18 | 19 << 24 | 1u << 29,
        0x757a757a,     /* 75h suspends, 7Ah resumes */
        /* B9h sleeps, ABh wakes in 3 x 1 us; 05h tells when it is ready */
        0xf7 | 2 << 8 | 1 << 13 | 0xab << 15 | 0xb9u << 23,
        0xff4df600,     /* QE is bit 1 of the second byte of 01h; mode bits
                         * Axh in 1-4-4, left by FFh */
        0x000010e9,     /* 66h 99h resets; 06h and 50h before 01h */
    };

    if (n < sizeof(header)) {
        return header[n];
    }
    if (n < TABLE || n >= TABLE + 4 * WORDS) {
        return 0xff;
    }
    return words[(n - TABLE) / 4] >> (8 * ((n - TABLE) % 4));
}
