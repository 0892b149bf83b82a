/*
 * Kendryte K210: narrow accesses to 32-bit registers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_REG32_H
#define HW_K210_REG32_H

#include "exec/memory.h"
#include "hw/k210/k210_strict.h"

/* What a read of any width at @addr gives of its register's word. */
static inline uint64_t k210_reg32_part(uint32_t word, hwaddr addr)
{
    return word >> (8 * (addr & 3));
}

/*
 * The word to write for an access of any width. Narrow writes are reported:
 * the APB has no byte lanes, and SiFive's manual of the GPIO allows only
 * aligned words.
 */
static inline uint32_t k210_reg32_merge(const char *name, uint32_t old,
                                        hwaddr addr, uint64_t value,
                                        unsigned size)
{
    if (size == 4) {
        return value;
    }
    k210_guest_error("%s: %u-byte write at 0x%03" HWADDR_PRIx
                     ", the registers are 32 bits wide", name, size, addr);
    return deposit32(old, 8 * (addr & 3), 8 * size, value);
}

#define K210_REG32_OPS(_read, _write)                                   \
    {                                                                   \
        .read = _read,                                                  \
        .write = _write,                                                \
        .endianness = DEVICE_LITTLE_ENDIAN,                             \
        .valid = { .min_access_size = 1, .max_access_size = 8 },        \
        .impl = { .min_access_size = 1, .max_access_size = 4 },         \
    }

#endif
