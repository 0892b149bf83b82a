/*
 * SPI NOR flash of the K210 boards: W25Q64, W25Q128, GD25LQ128
 *
 * A part of its own because QEMU's m25p80 has none of the 16 MiB parts with
 * the right id, finishes erases at once and lets a program set bits. This one
 * is busy for the typical times of the data sheets, in virtual time, and
 * tells a guest that programs without erasing, writes without WEL, talks to a
 * busy part or uses quad commands with QE clear.
 *
 * Instruction sets: Winbond W25Q128JV rev. M, GigaDevice GD25LQ128D rev. 1.
 * The controller sends wait cycles as bytes of the transfer's width, so the
 * dummy counts below are in bytes: 6Bh 8 clocks on 4 lanes = 4, 3Bh 8 clocks
 * on 2 lanes = 2, EBh mode byte + 4 clocks on 4 lanes = 3.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_strict.h"
#include "k210_w25q_internal.h"
#include "trace.h"

enum {
    WRITE_SR1 = 0x01, PAGE_PROGRAM = 0x02, READ = 0x03, WRITE_DISABLE = 0x04,
    READ_SR1 = 0x05, WRITE_ENABLE = 0x06, FAST_READ = 0x0b, WRITE_SR3 = 0x11,
    READ_SR3 = 0x15, ERASE_4K = 0x20, WRITE_SR2 = 0x31, QUAD_PROGRAM = 0x32,
    READ_SR2 = 0x35, DUAL_READ = 0x3b, PROGRAM_SECURITY = 0x42,
    ERASE_SECURITY = 0x44, READ_SECURITY = 0x48, READ_UID = 0x4b,
    WRITE_ENABLE_SR = 0x50, ERASE_32K = 0x52, READ_SFDP = 0x5a, ERASE_CHIP2 = 0x60,
    RESET_ENABLE = 0x66, QUAD_READ = 0x6b, RESUME = 0x7a, SET_WRAP = 0x77,
    SUSPEND = 0x75, READ_ID = 0x90, READ_ID_DUAL = 0x92, READ_ID_QUAD = 0x94,
    RESET = 0x99, READ_JEDEC = 0x9f, RELEASE = 0xab, POWER_DOWN = 0xb9,
    DUAL_IO_READ = 0xbb, ERASE_CHIP = 0xc7, ERASE_64K = 0xd8,
    QUAD_WORD_READ = 0xe7, QUAD_IO_READ = 0xeb, MODE_RESET = 0xff,
};

enum {
    PHASE_CMD,
    PHASE_ADDR,             /* address, mode and dummy bytes */
    PHASE_DATA_OUT,         /* the part answers */
    PHASE_READ,             /* PHASE_DATA_OUT of array data, the hot path */
    PHASE_DATA_IN,
    PHASE_IGNORE,           /* nothing until the chip select rises */
};

enum {
    SR1_BUSY = 0x01, SR1_WEL = 0x02, SR1_BP_SHIFT = 2, SR1_BP_MASK = 0x1c,
    SR1_TB = 0x20, SR1_SEC = 0x40, SR1_SRP = 0x80,
    SR2_QE = 0x02, SR2_LB1 = 0x08, SR2_CMP = 0x40, SR2_SUS = 0x80,
};

/* What a busy part is doing, and what 75h can stop */
enum { OP_OTHER, OP_PROGRAM, OP_ERASE };

/*
 * Typical times in microseconds. A program takes T_PROGRAM_BYTE for its first
 * byte, 2.5 us for each more, and T_PROGRAM for a whole page.
 */
#define T_PROGRAM_BYTE  30
#define T_PROGRAM       400
#define T_ERASE_4K      45000
#define T_ERASE_32K     120000
#define T_ERASE_64K     150000
#define T_ERASE_CHIP    40000000
#define T_WRITE_SR      10000
#define T_RESET         30
#define T_SUSPEND       20

typedef struct W25qPart {
    const char *name;
    uint8_t maker, type, capacity;
} W25qPart;

static const W25qPart parts[] = {
    { "w25q64", 0xef, 0x40, 0x17 },
    { "w25q128", 0xef, 0x40, 0x18 },
    { "gd25lq128", 0xc8, 0x60, 0x18 },
};

static int64_t w25q_busy_ns(K210W25qState *s, int64_t us)
{
    return us * 10 * s->busy_percent;
}

static void w25q_start_busy(K210W25qState *s, unsigned op, int64_t us)
{
    s->busy = true;
    s->op = op;
    s->busy_until = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                    w25q_busy_ns(s, us);
}

/* WEL and BUSY fall together when the operation ends. */
static void w25q_poll_busy(K210W25qState *s)
{
    if (s->busy &&
        qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) >= s->busy_until) {
        k210_w25q_finish(s);
        k210_w25q_sync(s);
        s->busy = false;
        s->wel = false;
    }
}

/* 75h: the part becomes ready, the rest of the work waits for 7Ah. */
static void w25q_suspend(K210W25qState *s)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    /* ignored when there is nothing that can be suspended */
    if (s->busy && s->op != OP_OTHER && !(s->sr[1] & SR2_SUS)) {
        k210_w25q_finish(s);
        s->suspended_op = s->op;
        s->suspended_ns = s->busy_until - now;
        s->sr[1] |= SR2_SUS;
        w25q_start_busy(s, OP_OTHER, T_SUSPEND);
    }
}

static void w25q_resume(K210W25qState *s)
{
    if ((s->sr[1] & SR2_SUS) && !s->busy) {
        s->sr[1] &= ~SR2_SUS;
        s->busy = true;
        s->op = s->suspended_op;
        s->busy_until = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                        s->suspended_ns;
    }
}

/* Is any byte of the range under the block protection bits? */
static bool w25q_is_protected(K210W25qState *s, uint32_t addr, uint32_t len)
{
    unsigned bp = (s->sr[0] & SR1_BP_MASK) >> SR1_BP_SHIFT;
    bool bottom = s->sr[0] & SR1_TB;
    uint32_t locked;
    uint32_t start, end;

    if (bp == 0) {
        locked = 0;
    } else if (bp == 7) {
        locked = s->size;
    } else if (s->sr[0] & SR1_SEC) {
        locked = MIN((4 * KiB) << (bp - 1), 32 * KiB);
    } else {
        locked = (s->size / 64) << (bp - 1);
    }
    if (s->sr[1] & SR2_CMP) {
        locked = s->size - locked;
        bottom = !bottom;
    }
    start = bottom ? 0 : s->size - locked;
    end = start + locked;
    return locked && addr < end && addr + len > start;
}

/* While something is suspended, only another sector can be programmed. */
static bool w25q_suspend_forbids(K210W25qState *s, uint32_t addr)
{
    bool program = s->cmd == PAGE_PROGRAM || s->cmd == QUAD_PROGRAM;

    if (!(s->sr[1] & SR2_SUS) ||
        (program && s->suspended_op == OP_ERASE &&
         (addr < s->erased_at || addr - s->erased_at >= s->erased_size))) {
        return false;
    }
    k210_guest_error("k210-w25q: command 0x%02x at 0x%06x while an erase or "
                     "program is suspended", s->cmd, addr);
    return true;
}

static bool w25q_may_write(K210W25qState *s, uint32_t addr, uint32_t len)
{
    if (w25q_suspend_forbids(s, addr)) {
        return false;
    }
    if (!s->wel) {
        k210_guest_error("k210-w25q: command 0x%02x at 0x%06x without write "
                         "enable", s->cmd, addr);
        return false;
    }
    if (w25q_is_protected(s, addr, len)) {
        k210_guest_error("k210-w25q: command 0x%02x at 0x%06x inside the "
                         "protected blocks", s->cmd, addr);
        s->wel = false;
        return false;
    }
    return true;
}

static void w25q_erase(K210W25qState *s, uint32_t addr, uint32_t len,
                       int64_t us)
{
    addr &= ~(len - 1);
    if (!w25q_may_write(s, addr, len)) {
        return;
    }
    if (len < s->size) {
        k210_w25q_begin(s, addr, len, NULL, w25q_busy_ns(s, us));
    } else {
        k210_w25q_finish(s);
        memset(s->storage, 0xff, len);
        k210_w25q_store(s, 0, len);
    }
    s->erased_at = addr;
    s->erased_size = len;
    /* an erase of the whole chip cannot be suspended */
    w25q_start_busy(s, len < s->size ? OP_ERASE : OP_OTHER, us);
}

static int64_t w25q_program_time(unsigned bytes)
{
    return MIN(T_PROGRAM, T_PROGRAM_BYTE + (bytes - 1) * 5 / 2);
}

static void w25q_program(K210W25qState *s)
{
    uint32_t base = s->addr & ~(K210_W25Q_PAGE - 1);
    uint8_t cell[K210_W25Q_PAGE];
    unsigned lost = 0, first = 0, used = 0;

    if (!s->count || !w25q_may_write(s, base, K210_W25Q_PAGE)) {
        return;
    }
    memcpy(cell, s->storage + base, K210_W25Q_PAGE);
    for (unsigned i = 0; i < K210_W25Q_PAGE; i++) {
        if (!s->page_used[i]) {
            continue;
        }
        used++;
        /* FFh over programmed cells is the usual way to leave them alone. */
        if (s->page[i] != 0xff && (cell[i] & s->page[i]) != s->page[i] &&
            !lost++) {
            first = i;
        }
        cell[i] &= s->page[i];
    }
    if (lost) {
        k210_guest_error("k210-w25q: program without erase, %u bytes of the "
                         "page at 0x%06x differ, the first at 0x%06x",
                         lost, base, base + first);
    }
    k210_w25q_begin(s, base, K210_W25Q_PAGE, cell,
                    w25q_busy_ns(s, w25q_program_time(used)));
    w25q_start_busy(s, OP_PROGRAM, w25q_program_time(used));
}

/* 42h and 44h: A15..A12 name one of three registers of a page each. */
static uint8_t *w25q_security_page(K210W25qState *s)
{
    unsigned n = extract32(s->addr, 12, 4);

    return n >= 1 && n <= K210_W25Q_SECURITY ? s->security[n - 1] : NULL;
}

static void w25q_write_security(K210W25qState *s)
{
    uint8_t *page = w25q_security_page(s);
    unsigned n = extract32(s->addr, 12, 4);
    unsigned used = 0;

    if (!page || !w25q_may_write(s, 0, 0)) {
        return;
    }
    if (s->sr[1] & (SR2_LB1 << (n - 1))) {
        k210_guest_error("k210-w25q: command 0x%02x on security register %u, "
                         "which is locked for good", s->cmd, n);
        s->wel = false;
        return;
    }
    if (s->cmd == ERASE_SECURITY) {
        memset(page, 0xff, K210_W25Q_PAGE);
        w25q_start_busy(s, OP_OTHER, T_ERASE_4K);
        return;
    }
    for (unsigned i = 0; i < K210_W25Q_PAGE; i++) {
        if (s->page_used[i]) {
            page[i] &= s->page[i];
            used++;
        }
    }
    w25q_start_busy(s, OP_OTHER, w25q_program_time(used));
}

static uint8_t w25q_status_after(K210W25qState *s, unsigned r, uint8_t value)
{
    static const uint8_t writable[3] = { 0xfc, 0x7b, 0xe4 };
    uint8_t mask = writable[r];

    if (r == 1) {
        /* LB1..LB3 are fuses. */
        mask &= ~(s->sr_stored[1] & 0x38);
    }
    return (s->sr[r] & ~mask) | (value & mask);
}

static unsigned w25q_status_register(uint8_t cmd)
{
    return cmd == WRITE_SR1 ? 0 : cmd == WRITE_SR2 ? 1 : 2;
}

static void w25q_write_status(K210W25qState *s, unsigned first)
{
    if (!s->count) {
        return;
    }
    if (s->sr[1] & SR2_SUS) {
        k210_guest_error("k210-w25q: status register write 0x%02x while an "
                         "erase or program is suspended", s->cmd);
        return;
    }
    if (!s->wel && !s->volatile_wen) {
        k210_guest_error("k210-w25q: status register write 0x%02x without "
                         "write enable", s->cmd);
        return;
    }
    for (unsigned i = 0; i < s->count && first + i < 3; i++) {
        unsigned r = first + i;

        s->sr[r] = w25q_status_after(s, r, s->data[i]);
        if (!s->volatile_wen) {
            s->sr_stored[r] = s->sr[r];
        }
    }
    if (!s->volatile_wen) {
        w25q_start_busy(s, OP_OTHER, T_WRITE_SR);
    }
    s->volatile_wen = false;
}

static void w25q_power_up(K210W25qState *s)
{
    memcpy(s->sr, s->sr_stored, sizeof(s->sr));
    s->sr[1] &= ~SR2_SUS;
    s->wel = false;
    s->volatile_wen = false;
    s->reset_enabled = false;
    s->asleep = false;
    s->continuous = false;
    s->phase = PHASE_CMD;
}

static void w25q_need(K210W25qState *s, unsigned bytes)
{
    s->phase = PHASE_ADDR;
    s->need = bytes;
    s->addr = 0;
}

static bool w25q_quad_ok(K210W25qState *s)
{
    if (s->sr[1] & SR2_QE) {
        return true;
    }
    k210_guest_error("k210-w25q: quad command 0x%02x while QE is 0", s->cmd);
    s->phase = PHASE_IGNORE;
    return false;
}

static void w25q_command(K210W25qState *s, uint8_t cmd)
{
    bool was_reset_enabled = s->reset_enabled;

    w25q_poll_busy(s);
    s->cmd = cmd;
    s->count = 0;
    s->reset_enabled = false;
    s->phase = PHASE_IGNORE;

    if (s->busy && cmd != READ_SR1 && cmd != READ_SR2 && cmd != READ_SR3 &&
        cmd != RESET_ENABLE && cmd != RESET && cmd != MODE_RESET &&
        cmd != SUSPEND) {
        k210_guest_error("k210-w25q: command 0x%02x while busy", cmd);
        return;
    }
    if (s->asleep && cmd != RELEASE) {
        k210_guest_error("k210-w25q: command 0x%02x in power-down", cmd);
        return;
    }

    switch (cmd) {
    case WRITE_ENABLE:
        s->wel = true;
        break;
    case WRITE_DISABLE:
        s->wel = false;
        break;
    case WRITE_ENABLE_SR:
        s->volatile_wen = true;
        break;
    case READ_SR1:
    case READ_SR2:
    case READ_SR3:
    case READ_JEDEC:
        s->phase = PHASE_DATA_OUT;
        break;
    case WRITE_SR1:
    case WRITE_SR2:
    case WRITE_SR3:
        s->phase = PHASE_DATA_IN;
        break;
    case READ:
    case PAGE_PROGRAM:
    case ERASE_4K:
    case ERASE_32K:
    case ERASE_64K:
    case PROGRAM_SECURITY:
    case ERASE_SECURITY:
    case READ_ID:
    case RELEASE:
        /* RELEASE: three dummy bytes before its id; it wakes up anyway. */
        w25q_need(s, 3);
        break;
    case QUAD_PROGRAM:
        if (w25q_quad_ok(s)) {
            w25q_need(s, 3);
        }
        break;
    case FAST_READ:
    case READ_SFDP:
    case READ_SECURITY:
    case READ_UID:
    case DUAL_IO_READ:
    case READ_ID_DUAL:
        w25q_need(s, 4);
        break;
    case DUAL_READ:
        w25q_need(s, 5);
        break;
    case QUAD_WORD_READ:
        if (w25q_quad_ok(s)) {
            w25q_need(s, 5);
        }
        break;
    case QUAD_IO_READ:
    case READ_ID_QUAD:
        if (w25q_quad_ok(s)) {
            w25q_need(s, 6);
        }
        break;
    case QUAD_READ:
        if (w25q_quad_ok(s)) {
            w25q_need(s, 7);
        }
        break;
    case ERASE_CHIP:
    case ERASE_CHIP2:
    case POWER_DOWN:
    case SET_WRAP:
    case MODE_RESET:
        break;
    case RESET_ENABLE:
        s->reset_enabled = true;
        break;
    case RESET:
        s->reset_enabled = was_reset_enabled;
        break;
    case SUSPEND:
    case RESUME:
        break;
    default:
        qemu_log_mask(LOG_UNIMP, "k210-w25q: command 0x%02x\n", cmd);
        break;
    }
}

/* All address, mode and dummy bytes are in. */
static void w25q_address_done(K210W25qState *s)
{
    s->addr &= s->size - 1;
    switch (s->cmd) {
    case READ:
    case FAST_READ:
    case DUAL_READ:
    case DUAL_IO_READ:
    case QUAD_READ:
    case QUAD_WORD_READ:
    case QUAD_IO_READ:
        trace_k210_w25q_read(s->cmd, s->addr);
        s->phase = PHASE_READ;
        break;
    case PAGE_PROGRAM:
    case QUAD_PROGRAM:
    case PROGRAM_SECURITY:
        memset(s->page_used, 0, sizeof(s->page_used));
        s->phase = PHASE_DATA_IN;
        break;
    case ERASE_4K:
    case ERASE_32K:
    case ERASE_64K:
    case ERASE_SECURITY:
        s->phase = PHASE_IGNORE;
        break;
    default:
        s->phase = PHASE_DATA_OUT;
        break;
    }
}

/* The first three bytes of the address phase are the address. */
static void w25q_address_byte(K210W25qState *s, uint8_t byte)
{
    bool has_mode = s->cmd == DUAL_IO_READ || s->cmd == QUAD_IO_READ ||
                    s->cmd == QUAD_WORD_READ;

    if (s->count < 3) {
        s->addr = (s->addr << 8) | byte;
    } else if (s->count == 3 && has_mode) {
        s->continuous = (byte & 0x30) == 0x20;
    }
    s->count++;
    if (--s->need == 0) {
        s->count = 0;
        w25q_address_done(s);
    }
}

static uint8_t w25q_answer(K210W25qState *s)
{
    uint32_t n = s->count++;

    switch (s->cmd) {
    case READ_SR1:
        w25q_poll_busy(s);
        return (s->sr[0] & 0xfc) | (s->wel ? SR1_WEL : 0) |
               (s->busy ? SR1_BUSY : 0);
    case READ_SR2:
        return s->sr[1];
    case READ_SR3:
        return s->sr[2];
    case READ_JEDEC:
        return n == 0 ? s->maker : n == 1 ? s->type : n == 2 ? s->capacity : 0;
    case READ_ID:
    case READ_ID_DUAL:
    case READ_ID_QUAD:
        return ((n ^ s->addr) & 1) ? s->capacity - 1 : s->maker;
    case RELEASE:
        return s->capacity - 1;
    case READ_UID:
        return s->unique_id >> (56 - 8 * (n & 7));
    case READ_SFDP:
        return k210_w25q_sfdp(s, (s->addr + n) & 0xff);
    case READ_SECURITY:
        return w25q_security_page(s)
               ? w25q_security_page(s)[(s->addr + n) & (K210_W25Q_PAGE - 1)]
               : 0xff;
    default:
        return 0xff;
    }
}

static void w25q_data_byte(K210W25qState *s, uint8_t byte)
{
    if (s->cmd == PAGE_PROGRAM || s->cmd == QUAD_PROGRAM ||
        s->cmd == PROGRAM_SECURITY) {
        unsigned i = (s->addr + s->count) & (K210_W25Q_PAGE - 1);

        s->page[i] = byte;
        s->page_used[i] = true;
    } else if (s->count < ARRAY_SIZE(s->data)) {
        s->data[s->count] = byte;
    }
    s->count++;
}

static uint32_t w25q_transfer(SSIPeripheral *dev, uint32_t byte)
{
    K210W25qState *s = K210_W25Q(dev);
    uint8_t out;

    switch (s->phase) {
    case PHASE_READ:
        out = s->storage[s->addr];
        s->addr = (s->addr + 1) & (s->size - 1);
        return out;
    case PHASE_CMD:
        w25q_command(s, byte);
        break;
    case PHASE_ADDR:
        w25q_address_byte(s, byte);
        break;
    case PHASE_DATA_OUT:
        return w25q_answer(s);
    case PHASE_DATA_IN:
        w25q_data_byte(s, byte);
        break;
    default:
        break;
    }
    return 0xff;
}

/* Writing commands take effect when the chip select rises. */
static void w25q_deselect(K210W25qState *s)
{
    switch (s->cmd) {
    case PAGE_PROGRAM:
    case QUAD_PROGRAM:
        if (s->phase == PHASE_DATA_IN) {
            trace_k210_w25q_program(s->cmd, s->addr, s->count);
            w25q_program(s);
        }
        return;
    case ERASE_4K:
    case ERASE_32K:
    case ERASE_64K:
        if (s->phase == PHASE_IGNORE && !s->need && !s->busy && !s->asleep) {
            trace_k210_w25q_erase(s->cmd, s->addr);
            if (s->cmd == ERASE_4K) {
                w25q_erase(s, s->addr, 4 * KiB, T_ERASE_4K);
            } else if (s->cmd == ERASE_32K) {
                w25q_erase(s, s->addr, 32 * KiB, T_ERASE_32K);
            } else {
                w25q_erase(s, s->addr, 64 * KiB, T_ERASE_64K);
            }
        }
        return;
    case READ:
    case FAST_READ:
    case DUAL_READ:
    case DUAL_IO_READ:
    case QUAD_READ:
    case QUAD_WORD_READ:
    case QUAD_IO_READ:
        return;
    default:
        break;
    }

    trace_k210_w25q_command(s->cmd, s->wel, s->busy);
    if (s->asleep && s->cmd != RELEASE) {
        return;
    }
    switch (s->cmd) {
    case RESET:
        if (s->reset_enabled) {
            w25q_power_up(s);
            w25q_start_busy(s, OP_OTHER, T_RESET);
        }
        return;
    case RELEASE:
        s->asleep = false;
        return;
    }
    if (s->cmd == SUSPEND) {
        w25q_suspend(s);
        return;
    }
    if (s->busy) {
        return;
    }
    switch (s->cmd) {
    case RESUME:
        w25q_resume(s);
        break;
    case PROGRAM_SECURITY:
        if (s->phase == PHASE_DATA_IN && s->count) {
            w25q_write_security(s);
        }
        break;
    case ERASE_SECURITY:
        if (!s->need) {
            w25q_write_security(s);
        }
        break;
    case ERASE_CHIP:
    case ERASE_CHIP2:
        w25q_erase(s, 0, s->size, T_ERASE_CHIP);
        break;
    case WRITE_SR1:
    case WRITE_SR2:
    case WRITE_SR3:
        w25q_write_status(s, w25q_status_register(s->cmd));
        break;
    case POWER_DOWN:
        s->asleep = true;
        break;
    }
}

static int w25q_set_cs(SSIPeripheral *dev, bool high)
{
    K210W25qState *s = K210_W25Q(dev);

    if (!high) {
        s->phase = PHASE_CMD;
        s->need = 0;
        if (s->continuous) {
            w25q_command(s, s->cmd);
        } else {
            s->cmd = 0;
        }
    } else {
        if (s->phase != PHASE_CMD) {
            w25q_deselect(s);
        }
        s->phase = PHASE_CMD;
    }
    return 0;
}

/* Reads by any command that the part would answer now; NULL if it would not. */
const uint8_t *k210_w25q_peek(K210W25qState *s, uint8_t cmd, uint32_t *size)
{
    w25q_poll_busy(s);
    if (s->busy || s->asleep || s->continuous || s->phase != PHASE_CMD ||
        ((cmd == QUAD_READ || cmd == QUAD_IO_READ) &&
         !(s->sr[1] & SR2_QE))) {
        return NULL;
    }
    *size = s->size;
    return s->storage;
}

static void w25q_reset_hold(Object *obj, ResetType type)
{
    /* The part keeps its power when the SoC is reset, so a reset of the chip
     * happens only with the machine's; an erase in progress goes on. */
    w25q_power_up(K210_W25Q(obj));
}

static void w25q_realize(SSIPeripheral *dev, Error **errp)
{
    K210W25qState *s = K210_W25Q(dev);
    const char *name = s->part ? s->part : "w25q128";
    const W25qPart *part = NULL;

    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
        if (!g_ascii_strcasecmp(name, parts[i].name)) {
            part = &parts[i];
        }
    }
    if (!part) {
        error_setg(errp, "k210-w25q: unknown part '%s' (w25q64, w25q128, "
                   "gd25lq128)", name);
        return;
    }
    if (!s->part) {
        s->part = g_strdup(part->name);
    }
    s->maker = part->maker;
    s->type = part->type;
    s->capacity = part->capacity;
    s->size = 1u << part->capacity;
    s->sr_stored[2] = 0x60;     /* output driver strength as delivered */

    memset(s->security, 0xff, sizeof(s->security));
    k210_w25q_open_storage(s, errp);
}

static int w25q_post_load(void *opaque, int version_id)
{
    K210W25qState *s = opaque;
    Error *err = NULL;

    if (s->half_size > 64 * KiB || s->half_at > s->size - s->half_size ||
        (!s->half_is_erase && s->half_size > K210_W25Q_PAGE)) {
        return -EINVAL;
    }
    if (s->blk && !k210_w25q_load(s, &err)) {
        error_report_err(err);
        return -EIO;
    }
    return 0;
}

static bool w25q_has_no_drive(void *opaque)
{
    K210W25qState *s = opaque;

    return !s->blk;
}

static const VMStateDescription vmstate_w25q_storage = {
    .name = "k210-w25q/storage",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = w25q_has_no_drive,
    .fields = (const VMStateField[]) {
        VMSTATE_VBUFFER_UINT32(storage, K210W25qState, 1, NULL, size),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_w25q = {
    .name = TYPE_K210_W25Q,
    .version_id = 3,
    .minimum_version_id = 3,
    .post_load = w25q_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_SSI_PERIPHERAL(parent_obj, K210W25qState),
        VMSTATE_UINT8_ARRAY(sr, K210W25qState, 3),
        VMSTATE_UINT8_ARRAY(sr_stored, K210W25qState, 3),
        VMSTATE_BOOL(wel, K210W25qState),
        VMSTATE_BOOL(volatile_wen, K210W25qState),
        VMSTATE_BOOL(reset_enabled, K210W25qState),
        VMSTATE_BOOL(asleep, K210W25qState),
        VMSTATE_BOOL(continuous, K210W25qState),
        VMSTATE_BOOL(busy, K210W25qState),
        VMSTATE_INT64(busy_until, K210W25qState),
        VMSTATE_UINT32(op, K210W25qState),
        VMSTATE_UINT32(suspended_op, K210W25qState),
        VMSTATE_INT64(suspended_ns, K210W25qState),
        VMSTATE_UINT32(erased_at, K210W25qState),
        VMSTATE_UINT32(erased_size, K210W25qState),
        VMSTATE_UINT8_2DARRAY(security, K210W25qState, K210_W25Q_SECURITY,
                              K210_W25Q_PAGE),
        VMSTATE_UINT32(phase, K210W25qState),
        VMSTATE_UINT8(cmd, K210W25qState),
        VMSTATE_UINT32(need, K210W25qState),
        VMSTATE_UINT32(addr, K210W25qState),
        VMSTATE_UINT32(count, K210W25qState),
        VMSTATE_UINT8_ARRAY(data, K210W25qState, 8),
        VMSTATE_UINT8_ARRAY(page, K210W25qState, K210_W25Q_PAGE),
        VMSTATE_BOOL_ARRAY(page_used, K210W25qState, K210_W25Q_PAGE),
        VMSTATE_BOOL(unpowered, K210W25qState),
        VMSTATE_UINT32(half_at, K210W25qState),
        VMSTATE_UINT32(half_size, K210W25qState),
        VMSTATE_BOOL(half_is_erase, K210W25qState),
        VMSTATE_UINT8_ARRAY(half_page, K210W25qState, K210_W25Q_PAGE),
        VMSTATE_TIMER_PTR(half_timer, K210W25qState),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) {
        &vmstate_w25q_storage,
        NULL
    }
};

static bool w25q_get_power(Object *obj, Error **errp)
{
    return !K210_W25Q(obj)->unpowered;
}

static void w25q_set_power(Object *obj, bool on, Error **errp)
{
    K210W25qState *s = K210_W25Q(obj);

    s->unpowered = !on;
    if (on) {
        w25q_power_up(s);
    } else {
        w25q_poll_busy(s);
        k210_w25q_abandon(s);
        s->busy = false;
    }
}

static const Property w25q_properties[] = {
    DEFINE_PROP_STRING("part", K210W25qState, part),
    DEFINE_PROP_DRIVE("drive", K210W25qState, blk),
    DEFINE_PROP_UINT64("unique-id", K210W25qState, unique_id,
                       0xd1658c2b4f1e7a30ULL),
    DEFINE_PROP_UINT32("busy-percent", K210W25qState, busy_percent, 100),
};

static void w25q_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);
    SSIPeripheralClass *k = SSI_PERIPHERAL_CLASS(klass);

    dc->desc = "SPI NOR flash of the K210 boards";
    dc->vmsd = &vmstate_w25q;
    set_bit(DEVICE_CATEGORY_STORAGE, dc->categories);
    device_class_set_props(dc, w25q_properties);
    object_class_property_add_bool(klass, "power", w25q_get_power,
                                   w25q_set_power);
    rc->phases.hold = w25q_reset_hold;
    k->realize = w25q_realize;
    k->transfer = w25q_transfer;
    k->set_cs = w25q_set_cs;
    k->cs_polarity = SSI_CS_LOW;
}

static const TypeInfo w25q_types[] = {
    {
        .name = TYPE_K210_W25Q,
        .parent = TYPE_SSI_PERIPHERAL,
        .instance_size = sizeof(K210W25qState),
        .class_init = w25q_class_init,
    },
};

DEFINE_TYPES(w25q_types)
