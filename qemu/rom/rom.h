/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot ROM of the emulated K210: registers and functions it shares. */

#ifndef ROM_H
#define ROM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REG(base, offset) (*(volatile uint32_t *)(uintptr_t)((base) + (offset)))

#define UARTHS(o)   REG(0x38000000, o)
#define GPIOHS(o)   REG(0x38001000, o)
#define FPIOA(o)    REG(0x502b0000, o)
#define SYSCTL(o)   REG(0x50440000, o)
#define SPI3(o)     REG(0x54000000, o)
#define PLIC(o)     REG(0x0c000000, o)

#define SRAM        0x80000000u
/* The ROM's own memory begins here, so an image has to end before. */
#define SRAM_LIMIT  0x805f8000u

/* Set by the machine for -kernel: where the program already is, or 0. */
#define DIRECT_ENTRY (*(volatile uint64_t *)0x1020)

/* uart.c */
uint32_t cpu_hz(void);
void uart_set_baud(uint32_t baud);
void uart_put(uint8_t c);
void uart_flush(void);
int uart_get(void);             /* -1 when nothing has arrived */
uint8_t uart_wait(void);        /* sleeps until something has */
void uart_wait_end(void);       /* leaves interrupts as it found them */

/* print.c: %s %c %d %u %x %p %lx, widths, zero padding */
int rom_printf(const char *format, ...);

/* sha256.c: digest of @head (at most 63 bytes) followed by @data */
void sha256(const uint8_t *head, size_t head_size, const uint8_t *data,
            size_t size, uint8_t digest[32]);

/* flash.c */
uint32_t flash_init(void);      /* JEDEC id; 0 = no flash there */
bool flash_read(uint32_t address, uint8_t *to, uint32_t size);

/* isp.c */
void isp_run(void);             /* never returns */

void rom_jump(uintptr_t address) __attribute__((noreturn));

#endif
