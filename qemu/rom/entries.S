/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses in the chip's ROM that third-party programs call. Only the
 * addresses and what the functions do are those of the chip.
 */
    .option norelax

    /* int vsnprintf(char *, size_t, const char *, va_list): says nothing */
    .section .entry.vsnprintf, "ax"
    li      a0, 0
    ret

    /* int printk(const char *format, ...) on UARTHS */
    .section .entry.printk, "ax"
    tail    rom_printf

    /* int otp_read(uint32_t offset, uint8_t *to, uint32_t size): 0 = done */
    .section .entry.otp_read, "ax"
    tail    rom_otp_read

    /* the same, refusing the end of the array */
    .section .entry.otp_read_checked, "ax"
    tail    rom_otp_read_checked

    /* int getchar(void) from UARTHS, -1 when nothing has arrived */
    .section .entry.getchar, "ax"
    tail    rom_getchar
