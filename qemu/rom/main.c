/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot ROM of the emulated K210. It is our own program: it leaves the
 * chip in the state in which third-party firmware expects to be started.
 */

#include "rom.h"

#define BAUD            115200
#define GPIOHS_INPUT    0x00
#define GPIOHS_INPUT_EN 0x04

#define FUNC_UARTHS_RX  (18 | 0x00900000)
#define FUNC_UARTHS_TX  (19 | 0x00001f00)
#define FUNC_GPIOHS0    (24 | 0x00901f00 | 1 << 16)

/* Flash image: flag, length, payload, SHA-256 of all that */
#define HEADER          5
#define DIGEST          32
#define FLAG_AES        1

#define OTP_SIZE        0x4000
#define OTP_CHECKED     0x3dd0
/* The emulator's OTP block shows its array here (not so on the chip). */
#define OTP_ARRAY       ((volatile uint8_t *)0x50424000)

void rom_trap(uint64_t hart, uint64_t cause, uint64_t epc, uint64_t address,
              uint64_t ra, uint64_t sp)
{
    rom_printf("\r\nROM: trap on hart %ld: mcause 0x%lx mepc 0x%lx mbadaddr"
               " 0x%lx ra 0x%lx sp 0x%lx\r\n", hart, cause, epc, address, ra,
               sp);
}

int rom_getchar(void)
{
    return uart_get();
}

int rom_otp_read(uint32_t offset, uint8_t *to, uint32_t size)
{
    if (offset >= OTP_SIZE || size > OTP_SIZE - offset) {
        return 2;
    }
    while (size--) {
        *to++ = OTP_ARRAY[offset++];
    }
    return 0;
}

int rom_otp_read_checked(uint32_t offset, uint8_t *to, uint32_t size)
{
    if (offset >= OTP_CHECKED) {
        return 2;
    }
    return rom_otp_read(offset, to,
                        size < OTP_CHECKED - offset ? size
                                                    : OTP_CHECKED - offset);
}

static void print_hex(const uint8_t *p, int n)
{
    for (int i = 0; i < n; i++) {
        rom_printf("%02x", p[i]);
    }
}

/* Loads the image; on failure says why in one line and returns false. */
static bool boot_flash(void)
{
    static uint32_t aligned[16];
    uint8_t *buffer = (uint8_t *)aligned;
    uint8_t header[HEADER], digest[DIGEST];
    uint32_t size, id = flash_init();
    uint8_t *payload = (uint8_t *)(uintptr_t)SRAM;

    if (!id) {
        rom_printf("ROM: no flash answers on SPI3\r\n");
        return false;
    }
    if (!flash_read(0, buffer, 8)) {
        rom_printf("ROM: the flash (id %06x) does not answer a read\r\n", id);
        return false;
    }
    for (int i = 0; i < HEADER; i++) {
        header[i] = buffer[i];
    }
    size = header[1] | header[2] << 8 | header[3] << 16 |
           (uint32_t)header[4] << 24;
    if (header[0] == 0xff && size == 0xffffffff) {
        rom_printf("ROM: the flash is empty: expected a program at address 0,"
                   " found ff ff ff ff ff\r\n");
        return false;
    }
    if (size == 0 || size > SRAM_LIMIT - SRAM) {
        rom_printf("ROM: bad image at flash address 0: expected a length of 1"
                   " to %u bytes, found %u (0x%08x)\r\n", SRAM_LIMIT - SRAM,
                   size, size);
        return false;
    }
    if (header[0] & FLAG_AES) {
        rom_printf("ROM: the image in flash is encrypted (flag 0x%02x):"
                   " expected a key in the OTP, found none\r\n", header[0]);
        return false;
    }
    flash_read(HEADER, payload, (size + 3) & ~3u);
    flash_read(HEADER + size, buffer, DIGEST);
    sha256(header, HEADER, payload, size, digest);
    for (int i = 0; i < DIGEST; i++) {
        if (digest[i] != buffer[i]) {
            rom_printf("ROM: wrong SHA-256 of the %u-byte image in flash:"
                       " expected ", size);
            print_hex(buffer, DIGEST);
            rom_printf(", found ");
            print_hex(digest, DIGEST);
            rom_printf("\r\n");
            return false;
        }
    }
    return true;
}

/* Runs on hart 0; returns the address to jump to. */
uintptr_t rom_main(void)
{
    FPIOA(4 * 4) = FUNC_UARTHS_RX;
    FPIOA(4 * 5) = FUNC_UARTHS_TX;
    FPIOA(4 * 16) = FUNC_GPIOHS0;
    GPIOHS(GPIOHS_INPUT_EN) |= 1;
    uart_set_baud(BAUD);

    if (DIRECT_ENTRY) {
        return DIRECT_ENTRY;
    }
    if (!(GPIOHS(GPIOHS_INPUT) & 1) || !boot_flash()) {
        isp_run();
    }
    return SRAM;
}
