/*
 * Kendryte K210: OTP
 *
 * Besides the registers that are known from what programs do with them, this
 * model has a window of its own for our boot ROM:
 *
 *   base + 0x4000 .. 0x7fff   the 16 KiB array, read only (8, 16, 32 bits).
 *                             The AES key at 0x3ff0 reads 0.
 *
 * Properties: "chip-id" (hexadecimal, up to 20 bytes, at 0x3d9c), "run-id"
 * (text, up to 11 bytes, at 0x3d91), "fuse-a" and "fuse-b".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_OTP_H
#define HW_K210_OTP_H

#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_K210_OTP "k210-otp"
OBJECT_DECLARE_SIMPLE_TYPE(K210OtpState, K210_OTP)

#define K210_OTP_SIZE 0x4000
#define K210_OTP_NREGS (0xac / 4)
#define K210_OTP_WINDOW 0x4000  /* offset of the window from the block */

struct K210OtpState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    char *chip_id;
    char *run_id;
    uint32_t fuse_a;
    uint64_t fuse_b;
    uint8_t array[K210_OTP_SIZE];

    uint32_t regs[K210_OTP_NREGS];
    uint32_t address;   /* of the byte in DATA */
    bool valid;
    bool error;
};

#endif
