/*
 * Kendryte K210: supervisor mode
 *
 * That of privileged specification 1.9.1, which QEMU no longer has:
 *  - the paging mode is mstatus.VM (9 is Sv39), and CSR 0x180 is sptbr, the
 *    root page's number alone;
 *  - mstatus bit 18 is PUM, which forbids what SUM of 1.10 allows;
 *  - page faults have the causes of access faults (1, 5, 7);
 *  - sfence.vm flushes the TLB, and sfence.vma does not exist.
 * Page tables are the same, so QEMU's own walk does it: VM is kept where it
 * looks, in satp.MODE, and PUM inverted in mstatus.SUM.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "cpu.h"
#include "accel/tcg/getpc.h"
#include "exec/cputlb.h"
#include "exec/helper-proto.h"
#include "hw/k210/k210_smode.h"
#include "tcg/tcg-internal.h"

#define MSTATUS_VM          MAKE_64BIT_MASK(24, 5)
#define MSTATUS_PUM         MSTATUS_SUM
#define VM_MBARE            0
#define VM_SV39             9

/* Physical addresses have 32 bits: RustSBI found only these to be there. */
#define SPTBR_PPN           MAKE_64BIT_MASK(0, 20)

#define SFENCE_VM           0x10400073
#define SFENCE_VM_MASK      0xfff07fff

/* Causes that there are none of, so that nothing can be delegated either. */
#define PAGE_FAULTS         (BIT_ULL(RISCV_EXCP_INST_PAGE_FAULT) | \
                             BIT_ULL(RISCV_EXCP_LOAD_PAGE_FAULT) | \
                             BIT_ULL(RISCV_EXCP_STORE_PAGE_FAULT))

static riscv_csr_operations qemu_mstatus, qemu_sstatus, qemu_medeleg;

/* What 1.10 has put where 1.9.1 had nothing. */
#define MSTATUS_NOT_191     (MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | \
                             MSTATUS64_UXL | MSTATUS64_SXL)

static RISCVException csr_supervisor(CPURISCVState *env, int csrno)
{
    return RISCV_EXCP_NONE;
}

static RISCVException csr_read_mstatus(CPURISCVState *env, int csrno,
                                       target_ulong *value)
{
    RISCVException result = qemu_mstatus.read(env, csrno, value);
    uint64_t mode = get_field(env->satp, SATP64_MODE);

    *value = (*value ^ MSTATUS_PUM) & ~(MSTATUS_NOT_191 | MSTATUS_VM);
    *value |= set_field(0, MSTATUS_VM,
                        mode == VM_1_10_SV39 ? VM_SV39 : VM_MBARE);
    return result;
}

static RISCVException csr_write_mstatus(CPURISCVState *env, int csrno,
                                        target_ulong value)
{
    uint64_t vm = get_field(value, MSTATUS_VM);
    uint64_t old = env->satp;

    /* WARL: a mode that this core does not have changes nothing. */
    if (vm == VM_MBARE || vm == VM_SV39) {
        env->satp = set_field(env->satp, SATP64_MODE,
                              vm == VM_SV39 ? VM_1_10_SV39 : VM_1_10_MBARE);
    }
    if (env->satp != old) {
        tlb_flush(env_cpu(env));
    }
    value = (value ^ MSTATUS_PUM) & ~(MSTATUS_NOT_191 | MSTATUS_VM);
    return qemu_mstatus.write(env, csrno, value);
}

static RISCVException csr_read_sstatus(CPURISCVState *env, int csrno,
                                       target_ulong *value)
{
    RISCVException result = qemu_sstatus.read(env, csrno, value);

    *value = (*value ^ MSTATUS_PUM) & ~MSTATUS_NOT_191;
    return result;
}

static RISCVException csr_write_sstatus(CPURISCVState *env, int csrno,
                                        target_ulong value)
{
    value = (value ^ MSTATUS_PUM) & ~MSTATUS_NOT_191;
    return qemu_sstatus.write(env, csrno, value);
}

static RISCVException csr_read_sptbr(CPURISCVState *env, int csrno,
                                     target_ulong *value)
{
    *value = env->satp & SPTBR_PPN;
    return RISCV_EXCP_NONE;
}

static RISCVException csr_write_sptbr(CPURISCVState *env, int csrno,
                                      target_ulong value)
{
    if ((env->satp ^ value) & SPTBR_PPN) {
        env->satp = (env->satp & SATP64_MODE) | (value & SPTBR_PPN);
        tlb_flush(env_cpu(env));
    }
    return RISCV_EXCP_NONE;
}

static RISCVException csr_write_medeleg(CPURISCVState *env, int csrno,
                                        target_ulong value)
{
    return qemu_medeleg.write(env, csrno, value & ~PAGE_FAULTS);
}

void k210_smode_set_csrs(void)
{
    riscv_csr_operations sptbr = {
        .name = "sptbr", .predicate = csr_supervisor,
        .read = csr_read_sptbr, .write = csr_write_sptbr,
    };
    riscv_csr_operations ops;

    if (!qemu_mstatus.read) {
        riscv_get_csr_ops(CSR_MSTATUS, &qemu_mstatus);
        riscv_get_csr_ops(CSR_SSTATUS, &qemu_sstatus);
        riscv_get_csr_ops(CSR_MEDELEG, &qemu_medeleg);
    }
    ops = qemu_mstatus;
    ops.read = csr_read_mstatus;
    ops.write = csr_write_mstatus;
    riscv_set_csr_ops(CSR_MSTATUS, &ops);
    ops = qemu_sstatus;
    ops.read = csr_read_sstatus;
    ops.write = csr_write_sstatus;
    riscv_set_csr_ops(CSR_SSTATUS, &ops);
    ops = qemu_medeleg;
    ops.write = csr_write_medeleg;
    riscv_set_csr_ops(CSR_MEDELEG, &ops);
    riscv_set_csr_ops(CSR_SATP, &sptbr);
}

void k210_smode_reset(CPURISCVState *env)
{
    /* PUM is 0, and there is no paging. */
    env->mstatus |= MSTATUS_SUM;
    env->satp = 0;
}

bool k210_smode_trap(CPUState *cs)
{
    CPURISCVState *env = cpu_env(cs);
    uint32_t instruction = env->bins;

    switch (cs->exception_index) {
    case RISCV_EXCP_INST_PAGE_FAULT:
        cs->exception_index = RISCV_EXCP_INST_ACCESS_FAULT;
        break;
    case RISCV_EXCP_LOAD_PAGE_FAULT:
        cs->exception_index = RISCV_EXCP_LOAD_ACCESS_FAULT;
        break;
    case RISCV_EXCP_STORE_PAGE_FAULT:
        cs->exception_index = RISCV_EXCP_STORE_AMO_ACCESS_FAULT;
        break;
    case RISCV_EXCP_ILLEGAL_INST:
        /* Illegal instructions of helpers do not leave their bits here. */
        env->bins = 0;
        if ((instruction & SFENCE_VM_MASK) == SFENCE_VM &&
            env->priv >= PRV_S) {
            tlb_flush(cs);
            env->pc += 4;
            return true;
        }
        break;
    }
    return false;
}

static void sfence_vma(CPURISCVState *env)
{
    riscv_raise_exception(env, RISCV_EXCP_ILLEGAL_INST, GETPC());
}

void k210_smode_check_op(TCGOp *op)
{
    if (op->opc == INDEX_op_call &&
        tcg_call_func(op) == (void *)helper_tlb_flush) {
        op->args[TCGOP_CALLO(op) + TCGOP_CALLI(op)] = (uintptr_t)sfence_vma;
    }
}
