// SPDX-License-Identifier: MIT
// Supervisor mode and Sv39 as of privileged specification 1.9.1.
#include "test.h"

enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };
#define MPRV (1u << 17)
#define PUM (1u << 18)
#define MPP (3u << 11)
#define MPP_S (1u << 11)
#define VM(mode) ((uint64_t)(mode) << 24)
#define CAUSE_ECALL_S 9
#define NONE 99

#define SFENCE_VM ".word 0x10400073"
#define SFENCE_VMA ".word 0x12000073"

static uint64_t root[512] __attribute__((aligned(4096)));
static uint64_t middle[512] __attribute__((aligned(4096)));
static uint64_t leaves[512] __attribute__((aligned(4096)));
static uint64_t page[512] __attribute__((aligned(4096)));

static volatile uint64_t last_cause, last_addr, last_status;

uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr) {
    last_cause = cause;
    last_addr = addr;
    last_status = csr_read(mstatus);
    if (cause == CAUSE_ECALL_S) {
        csr_set(mstatus, MPP); // leave_supervisor() goes on in machine mode
        return epc + 4;
    }
    if (cause == 1) {
        extern char after_fetch[];
        return (uintptr_t)after_fetch;
    }
    return epc + ((*(uint16_t *)epc & 3) == 3 ? 4 : 2);
}

static uint64_t entry(const void *table, unsigned flags) {
    return (uintptr_t)table >> 12 << 10 | flags;
}

static void enter_supervisor(void) {
    csr_clear(mstatus, MPP);
    csr_set(mstatus, MPP_S);
    __asm__ volatile("la t0, 1f; csrw mepc, t0; mret; 1:" : : : "t0", "memory");
}

static void leave_supervisor(void) {
    __asm__ volatile("ecall" : : : "memory");
}

static void expect_nothing(void) {
    last_cause = NONE;
    last_addr = 0;
}

static uint64_t load(uint64_t address) {
    uint64_t value = 0;
    expect_nothing();
    __asm__ volatile(".option push; .option norvc; ld %0, 0(%1); .option pop" : "+r"(value) : "r"(address) : "memory");
    return value;
}

static void store(uint64_t address, uint64_t value) {
    expect_nothing();
    __asm__ volatile(".option push; .option norvc; sd %0, 0(%1); .option pop" : : "r"(value), "r"(address) : "memory");
}

// Results are kept until the UART can be reached without paging.
static struct {
    const char *name;
    uint64_t value;
} results[32];
static unsigned n_results;

static void note(const char *name, uint64_t value) {
    results[n_results].name = name;
    results[n_results++].value = value;
}

static void in_supervisor_mode(void) {
    note("user_page", load(0x40000000));
    note("user_page_cause", last_cause);
    csr_set(sstatus, PUM);
    note("pum", csr_read(sstatus) & PUM);
    load(0x40000000);
    note("pum_cause", last_cause);
    note("pum_address", last_addr);
    csr_clear(sstatus, PUM);
    note("read_only", load(0x40001000));
    store(0x40001000, 1);
    note("read_only_cause", last_cause);
    load(0x40002008);
    note("unmapped_cause", last_cause);
    note("unmapped_address", last_addr);
    expect_nothing();
    __asm__ volatile("jr %0; .globl after_fetch; after_fetch:" : : "r"(0x40003000) : "memory");
    note("fetch_cause", last_cause);
    note("fetch_address", last_addr);

    expect_nothing();
    __asm__ volatile(SFENCE_VMA);
    note("sfence_vma", last_cause);
    expect_nothing();
    leaves[2] = entry(page, V | R | A | D);
    __asm__ volatile(SFENCE_VM : : : "memory");
    note("sfence_vm", last_cause);
    note("mapped_now", load(0x40002000));
    note("sptbr", csr_read(0x180) == (uintptr_t)root >> 12);
    expect_nothing();
    __asm__ volatile("rdtime t0" : : : "t0");
    note("time", last_cause);
    note("time_from", last_status & MPP);
    note("address_kept", last_addr);
}

void main(uint64_t hart) {
    if (hart) {
        return;
    }
    page[0] = 0x5eed;
    root[0] = entry((void *)0, V | R | W | X | A | D);
    root[2] = entry((void *)0x80000000, V | R | W | X | A | D);
    root[1] = entry(middle, V);
    middle[0] = entry(leaves, V);
    leaves[0] = entry(page, V | R | W | U | A | D);
    leaves[1] = entry(page, V | R | A | D);

    note("status_at_start", csr_read(mstatus) & (VM(31) | PUM));
    csr_write(medeleg, ~0ull);
    note("medeleg_page_faults", csr_read(medeleg) & (1 << 12 | 1 << 13 | 1 << 15));
    csr_write(medeleg, 0);
    csr_write(0x180, 8ull << 60 | 0xfffffffffffull);
    note("sptbr_bits", csr_read(0x180));
    csr_set(mstatus, VM(10));
    note("no_sv48", csr_read(mstatus) & VM(31));

    csr_write(0x180, (uintptr_t)root >> 12);
    csr_set(mstatus, VM(9));
    note("sv39", (csr_read(mstatus) & VM(31)) >> 24);
    __asm__ volatile(SFENCE_VM : : : "memory");
    expect_nothing();
    __asm__ volatile(SFENCE_VMA);
    note("sfence_vma_m", last_cause);

    // Machine mode itself is not translated, but its loads can be made for the mode of MPP.
    note("machine", load((uintptr_t)page));
    csr_clear(mstatus, MPP);
    csr_set(mstatus, MPP_S | MPRV);
    uint64_t value = load(0x40000000);
    csr_clear(mstatus, MPRV);
    note("mprv", value);

    enter_supervisor();
    in_supervisor_mode();
    leave_supervisor();
    csr_clear(mstatus, VM(31));
    for (unsigned i = 0; i < n_results; i++) {
        put_hex(results[i].name, results[i].value);
    }
    put("done\n");
}
