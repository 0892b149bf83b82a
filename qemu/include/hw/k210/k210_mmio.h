/*
 * Kendryte K210: access rules shared by devices with 32-bit registers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_MMIO_H
#define HW_K210_MMIO_H

#include "exec/memory.h"
#include "hw/k210/k210_strict.h"

/*
 * Registers behind the APB take aligned 32-bit accesses. Narrower aligned
 * ones are reported and then done as if they were 32 bits wide; false means
 * that the access cannot be done at all.
 */
static inline bool k210_mmio_ok(const char *name, bool write, hwaddr addr,
                                unsigned size)
{
    if (addr & 3) {
        k210_guest_error("%s: misaligned %u-byte %s at 0x%03" HWADDR_PRIx,
                         name, size, write ? "write" : "read", addr);
        return false;
    }
    if (size != 4) {
        k210_guest_error("%s: %u-byte %s at 0x%03" HWADDR_PRIx
                         ", the registers are 32 bits wide",
                         name, size, write ? "write" : "read", addr);
    }
    return true;
}

static inline void k210_mmio_no_register(const char *name, bool write,
                                         hwaddr addr)
{
    k210_guest_error("%s: %s at 0x%03" HWADDR_PRIx
                     ", where there is no register",
                     name, write ? "write" : "read", addr);
}

static inline void k210_mmio_read_only(const char *name, hwaddr addr)
{
    k210_guest_error("%s: write to read-only register 0x%03" HWADDR_PRIx,
                     name, addr);
}

/* The device sees every access as it is, to be able to report it. */
#define K210_MMIO_OPS(_read, _write)                                    \
    {                                                                   \
        .read = _read,                                                  \
        .write = _write,                                                \
        .endianness = DEVICE_LITTLE_ENDIAN,                             \
        .valid = { .min_access_size = 1, .max_access_size = 4,          \
                   .unaligned = true },                                 \
        .impl = { .min_access_size = 1, .max_access_size = 4,           \
                  .unaligned = true },                                  \
    }

#endif
