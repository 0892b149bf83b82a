/*
 * Kendryte K210: the harts
 *
 * A Rocket core of the time between privileged specification 1.9.1 and 1.10.
 * QEMU's oldest is 1.10; what machine-mode software can tell apart is put
 * right here: identity, no PMP, no time CSR, counters that follow the CPU
 * clock, traps on misaligned accesses. For supervisor mode see k210_smode.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "cpu.h"
#include "accel/tcg/cpu-ops.h"
#include "exec/address-spaces.h"
#include "exec/translation-block.h"
#include "hw/k210/k210_caches.h"
#include "hw/k210/k210.h"
#include "hw/k210/k210_cpu.h"
#include "hw/k210/k210_pace.h"
#include "hw/k210/k210_smode.h"
#include "hw/k210/k210_spi.h"
#include "hw/k210/k210_strict.h"
#include "exec/cputlb.h"
#include "exec/page-protection.h"
#include "internals.h"
#include "tcg/tcg.h"

#define K210_MVENDORID  0x4b5
#define K210_MARCHID    0xe59889e6a5a04149ull
#define K210_MIMPID     0x4d41495832303030ull

/* The user-counter enables of 1.9.1, where 1.10 has other registers. */
#define CSR_MUCOUNTEREN 0x320
#define CSR_MSCOUNTEREN 0x321

static TCGCPUOps k210_tcg_ops;
static const TCGCPUOps *riscv_tcg_ops;
static ResettableHoldPhase riscv_reset_hold;

/* CSR accessors have no opaque pointer; there is one chip per process. */
static K210ClintState *csr_clint;
static uint64_t counter_offset[K210_CLINT_NHARTS][2];

static RISCVException csr_any(CPURISCVState *env, int csrno)
{
    return RISCV_EXCP_NONE;
}

static RISCVException csr_none(CPURISCVState *env, int csrno)
{
    return RISCV_EXCP_ILLEGAL_INST;
}

static RISCVException csr_user_counter(CPURISCVState *env, int csrno)
{
    uint32_t bit = BIT(csrno - CSR_CYCLE);

    if (env->debugger || env->priv == PRV_M || (env->mcounteren & bit)) {
        return RISCV_EXCP_NONE;
    }
    return RISCV_EXCP_ILLEGAL_INST;
}

/* One instruction per cycle is as near as minstret gets. */
static uint64_t *csr_offset(CPURISCVState *env, int csrno)
{
    return &counter_offset[env->mhartid % K210_CLINT_NHARTS]
                          [(csrno & 0xff) == (CSR_MINSTRET & 0xff)];
}

static RISCVException csr_read_counter(CPURISCVState *env, int csrno,
                                       target_ulong *value)
{
    *value = k210_clint_cycles(csr_clint) + *csr_offset(env, csrno);
    return RISCV_EXCP_NONE;
}

static RISCVException csr_write_counter(CPURISCVState *env, int csrno,
                                        target_ulong value)
{
    *csr_offset(env, csrno) = value - k210_clint_cycles(csr_clint);
    return RISCV_EXCP_NONE;
}

static RISCVException csr_read_ucounteren(CPURISCVState *env, int csrno,
                                          target_ulong *value)
{
    *value = csrno == CSR_MUCOUNTEREN ? env->mcounteren : env->scounteren;
    return RISCV_EXCP_NONE;
}

static RISCVException csr_write_ucounteren(CPURISCVState *env, int csrno,
                                           target_ulong value)
{
    if (csrno == CSR_MUCOUNTEREN) {
        env->mcounteren = value & 7;
    } else {
        env->scounteren = value & 7;
    }
    return RISCV_EXCP_NONE;
}

void k210_cpu_set_csrs(K210ClintState *clint)
{
    static const struct {
        int number;
        riscv_csr_operations ops;
    } table[] = {
        { CSR_MCYCLE, { .name = "mcycle", .predicate = csr_any,
                        .read = csr_read_counter,
                        .write = csr_write_counter } },
        { CSR_MINSTRET, { .name = "minstret", .predicate = csr_any,
                          .read = csr_read_counter,
                          .write = csr_write_counter } },
        { CSR_CYCLE, { .name = "cycle", .predicate = csr_user_counter,
                       .read = csr_read_counter } },
        { CSR_INSTRET, { .name = "instret", .predicate = csr_user_counter,
                         .read = csr_read_counter } },
        { CSR_TIME, { .name = "time", .predicate = csr_none } },
        { CSR_MCOUNTEREN, { .name = "mcounteren", .predicate = csr_none } },
        { CSR_MUCOUNTEREN, { .name = "mucounteren", .predicate = csr_any,
                             .read = csr_read_ucounteren,
                             .write = csr_write_ucounteren } },
        { CSR_MSCOUNTEREN, { .name = "mscounteren", .predicate = csr_any,
                             .read = csr_read_ucounteren,
                             .write = csr_write_ucounteren } },
    };
    riscv_csr_operations ops;

    csr_clint = clint;
    k210_pace_init();
    for (int i = 0; i < ARRAY_SIZE(table); i++) {
        ops = table[i].ops;
        riscv_set_csr_ops(table[i].number, &ops);
    }
    k210_smode_set_csrs();
}

/*
 * The check of the data caches. A watchpoint on all of the cached memory brings
 * every load and store here, and is told that it was no hit. Only when there is
 * something to say it is one, because then QEMU finds out the PC and translates
 * that one instruction again, which is where the sentence is printed.
 */
static __thread char *cache_error;

static bool k210_debug_check_watchpoint(CPUState *cs, CPUWatchpoint *wp)
{
    if (wp->len != K210_CACHES_WINDOW || !k210_caches_enabled()) {
        return riscv_tcg_ops->debug_check_watchpoint(cs, wp);
    }
    if ((uint32_t)cs->cc->get_pc(cs) - K210_ROM_BASE < K210_ROM_SIZE) {
        /* Our ROM takes the place of one that nobody can check. */
        return false;
    }
    if (!cache_error) {
        cache_error = k210_caches_access(cs->cpu_index, wp->hitaddr,
                                         wp->flags & BP_WATCHPOINT_HIT_WRITE);
    }
    return cache_error != NULL;
}

static void report_cache_error(CPUState *cs)
{
    g_autofree char *sentence = g_steal_pointer(&cache_error);

    cs->watchpoint_hit = NULL;
    cs->mem_io_pc = 0;
    k210_guest_error("%s", sentence);
}

static void k210_debug_excp_handler(CPUState *cs)
{
    if (cache_error) {
        report_cache_error(cs);
    } else {
        riscv_tcg_ops->debug_excp_handler(cs);
    }
}

void k210_cpu_watch_caches(CPUState *cs)
{
    /* Programs see the cached memory at two addresses. */
    cpu_watchpoint_insert(cs, 0x80000000, K210_CACHES_WINDOW,
                          BP_MEM_ACCESS | BP_CPU, NULL);
    cpu_watchpoint_insert(cs, 0xffffffff80000000ull, K210_CACHES_WINDOW,
                          BP_MEM_ACCESS | BP_CPU, NULL);
}

/*
 * The core traps on misaligned loads and stores, QEMU's RISC-V front end
 * allows them. So ask for the alignment check in the operations it has made.
 */
static void k210_translate_code(CPUState *cs, TranslationBlock *tb,
                                int *max_insns, vaddr pc, void *host_pc)
{
    TCGOp *op;

    if (cache_error) {
        report_cache_error(cs);
    }
    riscv_tcg_ops->translate_code(cs, tb, max_insns, pc, host_pc);
    if (k210_caches_enabled() &&
        (tb->cflags & (CF_COUNT_MASK | CF_NOIRQ | CF_MEMI_ONLY)) ==
        (1 | CF_NOIRQ)) {
        /* The one instruction of a hit: come here the next time as well. */
        tb->cflags |= CF_INVALID;
    }
    QTAILQ_FOREACH(op, &tcg_ctx->ops, link) {
        k210_smode_check_op(op);
        if (op->opc == INDEX_op_qemu_ld_i32 ||
            op->opc == INDEX_op_qemu_ld_i64 ||
            op->opc == INDEX_op_qemu_st_i32 ||
            op->opc == INDEX_op_qemu_st_i64) {
            MemOpIdx oi = op->args[2];
            MemOp memop = get_memop(oi);

            if ((memop & MO_SIZE) != MO_8) {
                op->args[2] = make_memop_idx(memop | MO_ALIGN, get_mmuidx(oi));
            }
        }
    }
}

bool k210_cpu_is_fetching(void)
{
    return tcg_ctx && tcg_ctx->gen_tb;
}

/*
 * Loads of bytes and of words find the bytes of the flash window in different
 * orders, so the window is I/O, from which QEMU would translate every single
 * instruction anew each time. Fetches are led to a copy of the page instead.
 */
static bool k210_tlb_fill(CPUState *cs, vaddr addr, int size,
                          MMUAccessType access_type, int mmu_idx, bool probe,
                          uintptr_t retaddr)
{
    uint32_t offset = (uint32_t)addr - K210_XIP_BASE;
    uint32_t high = addr >> 32;
    bool fetch = access_type == MMU_INST_FETCH;
    hwaddr page = K210_NO_CODE_PAGE;

    if (mmu_idx != MMUIdx_M || offset >= K210_XIP_SIZE ||
        (high && high != UINT32_MAX)) {
        return riscv_tcg_ops->tlb_fill(cs, addr, size, access_type, mmu_idx,
                                       probe, retaddr);
    }
    if (fetch) {
        page = k210_spi_code_page(offset & TARGET_PAGE_MASK);
    }
    if (page == K210_NO_CODE_PAGE) {
        page = (K210_XIP_BASE + offset) & TARGET_PAGE_MASK;
    }
    tlb_set_page(cs, addr & TARGET_PAGE_MASK, page,
                 fetch ? PAGE_EXEC : PAGE_READ | PAGE_WRITE, mmu_idx,
                 TARGET_PAGE_SIZE);
    return true;
}

static void k210_do_transaction_failed(CPUState *cs, hwaddr physaddr,
                                       vaddr addr, unsigned size,
                                       MMUAccessType access_type, int mmu_idx,
                                       MemTxAttrs attrs, MemTxResult response,
                                       uintptr_t retaddr)
{
    static const char *const what[] = {
        [MMU_DATA_LOAD] = "load from",
        [MMU_DATA_STORE] = "store to",
        [MMU_INST_FETCH] = "instruction fetch from",
    };

    cs->mem_io_pc = retaddr;
    k210_guest_error("bus error: %s 0x%" VADDR_PRIx " (%u bytes), where %s",
                     what[access_type], addr, size,
                     memory_region_present(get_system_memory(), physaddr)
                     ? "a block does not take this width"
                     : "nothing is mapped");
    riscv_tcg_ops->do_transaction_failed(cs, physaddr, addr, size, access_type,
                                         mmu_idx, attrs, response, retaddr);
}

static bool has_address(int cause)
{
    switch (cause) {
    case RISCV_EXCP_INST_ADDR_MIS:
    case RISCV_EXCP_INST_ACCESS_FAULT:
    case RISCV_EXCP_BREAKPOINT:
    case RISCV_EXCP_LOAD_ADDR_MIS:
    case RISCV_EXCP_LOAD_ACCESS_FAULT:
    case RISCV_EXCP_STORE_AMO_ADDR_MIS:
    case RISCV_EXCP_STORE_AMO_ACCESS_FAULT:
        return true;
    default:
        return false;
    }
}

/*
 * 1.10 writes 0 or the instruction where a trap has no address. This core
 * leaves the register alone: RustSBI tells a kernel by it what is pending.
 */
static void k210_do_interrupt(CPUState *cs)
{
    CPURISCVState *env = cpu_env(cs);
    target_ulong mbadaddr = env->mtval, sbadaddr = env->stval;
    int cause;

    if (k210_smode_trap(cs)) {
        return;
    }
    cause = cs->exception_index;
    riscv_tcg_ops->do_interrupt(cs);
    if (!has_address(cause)) {
        env->mtval = mbadaddr;
        env->stval = sbadaddr;
    }
}

static bool k210_exec_interrupt(CPUState *cs, int interrupt_request)
{
    CPURISCVState *env = cpu_env(cs);
    target_ulong mbadaddr = env->mtval, sbadaddr = env->stval;
    bool taken = riscv_tcg_ops->cpu_exec_interrupt(cs, interrupt_request);

    if (taken) {
        env->mtval = mbadaddr;
        env->stval = sbadaddr;
    }
    return taken;
}

static void k210_cpu_reset_hold(Object *obj, ResetType type)
{
    riscv_reset_hold(obj, type);
    k210_smode_reset(&RISCV_CPU(obj)->env);
}

static void k210_cpu_init(Object *obj)
{
    RISCVCPU *cpu = RISCV_CPU(obj);
    CPUClass *cc = CPU_GET_CLASS(obj);

    /* The parent, QEMU's U54, is RV64GC with S and U at 1.10. */
    cpu->cfg.mvendorid = K210_MVENDORID;
    cpu->cfg.marchid = K210_MARCHID;
    cpu->cfg.mimpid = K210_MIMPID;
    cpu->cfg.pmp = false;
    cpu->cfg.ext_zicntr = false;
    cpu->cfg.ext_zihpm = false;
    cpu->cfg.pmu_mask = 0;

    if (cc->tcg_ops && cc->tcg_ops != &k210_tcg_ops) {
        riscv_tcg_ops = cc->tcg_ops;
        k210_tcg_ops = *cc->tcg_ops;
        k210_tcg_ops.translate_code = k210_translate_code;
        k210_tcg_ops.tlb_fill = k210_tlb_fill;
        k210_tcg_ops.do_interrupt = k210_do_interrupt;
        k210_tcg_ops.cpu_exec_interrupt = k210_exec_interrupt;
        k210_tcg_ops.do_transaction_failed = k210_do_transaction_failed;
        k210_tcg_ops.debug_check_watchpoint = k210_debug_check_watchpoint;
        k210_tcg_ops.debug_excp_handler = k210_debug_excp_handler;
        k210_tcg_ops.cpu_exec_enter = k210_pace_turn_begins;
        k210_tcg_ops.cpu_exec_exit = k210_pace_turn_ended;
        cc->tcg_ops = &k210_tcg_ops;
    }
}

static void k210_cpu_class_init(ObjectClass *oc, void *data)
{
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    riscv_reset_hold = rc->phases.hold;
    rc->phases.hold = k210_cpu_reset_hold;
}

static const TypeInfo k210_cpu_info[] = {
    {
        .name = TYPE_K210_CPU,
        .parent = TYPE_RISCV_CPU_SIFIVE_U54,
        .instance_init = k210_cpu_init,
        .class_init = k210_cpu_class_init,
    },
};

DEFINE_TYPES(k210_cpu_info)
