// SPDX-License-Identifier: MIT
// What the test programs share: registers, CSRs, output on UARTHS.
#include <stdint.h>

#define REG(a) (*(volatile uint32_t *)(uintptr_t)(a))
#define REG64(a) (*(volatile uint64_t *)(uintptr_t)(a))
#define MSIP(h) REG(0x02000000 + 4 * (h))
#define MTIMECMP(h) REG64(0x02004000 + 8 * (h))
#define MTIME REG64(0x0200bff8)
#define UARTHS(o) REG(0x38000000 + (o))
#define SYSCTL(o) REG(0x50440000 + (o))
#define PLIC(o) REG(0x0c000000 + (o))

#define csr_read(c) ({ uint64_t v_; __asm__ volatile("csrr %0, " #c : "=r"(v_)); v_; })
#define csr_write(c, v) __asm__ volatile("csrw " #c ", %0" : : "r"((uint64_t)(v)))
#define csr_set(c, v) __asm__ volatile("csrs " #c ", %0" : : "r"((uint64_t)(v)))
#define csr_clear(c, v) __asm__ volatile("csrc " #c ", %0" : : "r"((uint64_t)(v)))
#define wfi() __asm__ volatile("wfi")

static inline void put(const char *s) {
    for (; *s; s++) {
        while (UARTHS(0) >> 31) {
        }
        UARTHS(0) = (uint8_t)*s;
    }
}

static inline void put_hex(const char *name, uint64_t v) {
    char text[20] = "0x";
    int n = 2;
    for (int shift = 60; shift >= 0; shift -= 4) {
        text[n++] = "0123456789abcdef"[v >> shift & 15];
    }
    text[n] = 0;
    put(name);
    put("=");
    put(text);
    put("\n");
}

void main(uint64_t hart);
uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr);
