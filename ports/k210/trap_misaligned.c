// SPDX-License-Identifier: MIT
//
// The cores trap on misaligned loads and stores. MicroPython is compiled to avoid them, but a program
// can still ask for one (uctypes or framebuf on an odd address), and must not end the board for it.
#include <stddef.h>
#include <string.h>

#include "trap.h"

// Only memory; a misaligned access to a register stays an error.
#define SRAM_CACHED (0x80000000u)
#define SRAM_UNCACHED (0x40000000u)
#define SRAM_SIZE (0x800000u)

#define NAN_BOX (0xFFFFFFFF00000000ull)

typedef struct {
    bool store, floating, is_signed;
    unsigned size; // bytes, 0 = not a load or store
    unsigned reg;
} access_t;

static uint32_t bits(uint32_t insn, unsigned high, unsigned low) {
    return insn >> low & ((2u << (high - low)) - 1);
}

static access_t decode_32(uint32_t insn) {
    access_t a = { .size = 1u << bits(insn, 13, 12) };
    unsigned opcode = bits(insn, 6, 0);
    a.store = opcode == 0x23 || opcode == 0x27;
    a.floating = opcode == 0x07 || opcode == 0x27;
    a.is_signed = bits(insn, 14, 14) == 0;
    a.reg = a.store ? bits(insn, 24, 20) : bits(insn, 11, 7);
    if (!a.store && opcode != 0x03 && opcode != 0x07) {
        a.size = 0;
    }
    return a;
}

// Compressed: quadrant 0 names registers 8 to 15, quadrant 2 is relative to the stack pointer.
static access_t decode_16(uint32_t insn) {
    access_t a = { .is_signed = true };
    unsigned quadrant = bits(insn, 1, 0), kind = bits(insn, 14, 13);
    if ((quadrant != 0 && quadrant != 2) || kind == 0) {
        return a;
    }
    a.store = bits(insn, 15, 15) != 0;
    a.floating = kind == 1;
    a.size = kind == 2 ? 4 : 8;
    a.reg = quadrant == 0 ? 8 + bits(insn, 4, 2) : a.store ? bits(insn, 6, 2) : bits(insn, 11, 7);
    return a;
}

bool trap_emulate_misaligned(trap_frame_t *frame) {
    const uint16_t *code = (const uint16_t *)frame->mepc;
    bool compressed = (code[0] & 3) != 3;
    access_t a = compressed ? decode_16(code[0]) : decode_32(code[0] | (uint32_t)code[1] << 16);
    uint32_t addr = frame->mtval; // the upper half of addresses does not exist
    uint32_t base = addr >= SRAM_CACHED ? SRAM_CACHED : SRAM_UNCACHED;
    if (a.size < 2 || addr < base || addr - base > SRAM_SIZE - a.size) {
        return false;
    }
    volatile uint8_t *p = (volatile uint8_t *)(uintptr_t)addr;
    uint64_t *reg = a.floating ? &frame->f[a.reg] : &frame->x[a.reg];
    uint64_t value = 0;
    if (a.store) {
        value = a.reg == 0 && !a.floating ? 0 : *reg;
        for (unsigned i = 0; i < a.size; ++i) {
            p[i] = value >> (8 * i);
        }
    } else {
        for (unsigned i = 0; i < a.size; ++i) {
            value |= (uint64_t)p[i] << (8 * i);
        }
        if (a.floating && a.size == 4) {
            value |= NAN_BOX;
        } else if (!a.floating && a.is_signed && a.size < 8) {
            unsigned shift = 64 - 8 * a.size;
            value = (uint64_t)((int64_t)(value << shift) >> shift);
        }
        *reg = value;
    }
    frame->mepc += compressed ? 2 : 4;
    return true;
}
