// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <string.h>

#include "hal/plic.h"
#include "hal/sysctl.h"
#include "hal/time.h"
#include "hal/uarths.h"
#include "trap.h"

#define MCAUSE_INTERRUPT (1ull << 63)
#define INTERRUPT_EXTERNAL (11)
#define INTERRUPT_TIMER (7)
#define LOAD_MISALIGNED (4)
#define STORE_MISALIGNED (6)

_Static_assert(sizeof(trap_frame_t) == 0x230, "start.S knows the size");

// At most this much of the stack is printed and searched for return addresses.
#define STACK_WORDS (512)
#define CALLERS_MAX (16)

extern const uint8_t _start[], _text_end[], _stack0_top[], _stack1_top[];

static const char *const causes[] = {
    "instruction address misaligned", "instruction access fault", "illegal instruction", "breakpoint",
    "load address misaligned", "load access fault", "store address misaligned", "store access fault",
    "ecall from U", "ecall from S", NULL, "ecall from M",
};

static const char *const names[32] = {
    NULL, "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

static void print(const char *s) {
    uarths_tx_emergency(s, strlen(s));
}

static void print_hex(uint64_t value) {
    char s[18] = "0x";
    for (unsigned i = 0; i < 16; ++i) {
        s[2 + i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    }
    uarths_tx_emergency(s, sizeof(s));
}

static void print_field(const char *name, uint64_t value) {
    static const char padding[] = "        ";
    size_t n = strlen(name);
    print(padding + (n < 7 ? n : 7));
    print(name);
    print(" ");
    print_hex(value);
}

// There are no frame pointers: show all words on the stack that point into the program.
static void print_callers(uint64_t sp, const uint8_t *top) {
    if (sp > (uintptr_t)top || (uintptr_t)top - sp > 0x40000 || sp % 8 != 0) {
        return;
    }
    const uint64_t *p = (const uint64_t *)sp;
    unsigned found = 0;
    print("callers (some may be old):");
    for (unsigned i = 0; i < STACK_WORDS && p + i < (const uint64_t *)top && found < CALLERS_MAX; ++i) {
        if (p[i] > (uintptr_t)_start && p[i] < (uintptr_t)_text_end) {
            print(found++ % 4 == 0 ? "\r\n  " : " ");
            print_hex(p[i]);
        }
    }
    print("\r\n");
}

static void dump(const trap_frame_t *frame) {
    uint64_t hart;
    __asm__ volatile ("csrr %0, mhartid" : "=r" (hart));
    uint64_t cause = frame->mcause & ~MCAUSE_INTERRUPT;
    const char *name = NULL;
    if (!(frame->mcause & MCAUSE_INTERRUPT) && cause < sizeof(causes) / sizeof(causes[0])) {
        name = causes[cause];
    }
    print("\r\n\r\nFATAL: ");
    print(name != NULL ? name : "unexpected trap");
    print(hart == 0 ? " on hart 0\r\n" : " on hart 1\r\n");
    print_field("cause", frame->mcause);
    print_field("epc", frame->mepc);
    print_field("tval", frame->mtval);
    print_field("status", frame->mstatus);
    for (unsigned i = 1; i < 32; ++i) {
        print((i - 1) % 4 == 0 ? "\r\n" : "");
        print_field(names[i], frame->x[i]);
    }
    print("\r\n");
    print_callers(frame->x[2], hart == 0 ? _stack0_top : _stack1_top);
}

static void end(void) {
    print("Resetting.\r\n");
    // The last characters are still in the FIFO.
    hal_delay_us(20000);
    sysctl_reset_chip();
}

void fatal(const char *message) {
    hal_irq_disable();
    print("\r\n\r\nFATAL: ");
    print(message);
    print("\r\n");
    end();
    __builtin_unreachable();
}

void trap_handler(trap_frame_t *frame) {
    if (frame->mcause == (MCAUSE_INTERRUPT | INTERRUPT_EXTERNAL)) {
        plic_dispatch();
        hal_wake();
        return;
    }
    if (frame->mcause == (MCAUSE_INTERRUPT | INTERRUPT_TIMER)) {
        hal_time_irq();
        hal_wake();
        return;
    }
    if ((frame->mcause == LOAD_MISALIGNED || frame->mcause == STORE_MISALIGNED) && trap_emulate_misaligned(frame)) {
        return;
    }
    dump(frame);
    end();
}
