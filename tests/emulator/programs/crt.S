/* SPDX-License-Identifier: MIT */
/* Entry of the test programs: both harts, a stack each, traps to trap(). */
    .section .text.start, "ax"
    .globl _start
_start:
    /* What the ROM left, before anything changes it: see state.c. */
    la      t0, entry_state
    csrr    t1, mhartid
    slli    t1, t1, 6
    add     t0, t0, t1
    sd      a0, 0(t0)
    sd      gp, 8(t0)
    sd      tp, 16(t0)
    csrr    t1, mtvec
    sd      t1, 24(t0)
    csrr    t1, mstatus
    sd      t1, 32(t0)
    csrr    t1, mie
    sd      t1, 40(t0)
    csrr    t1, mip
    sd      t1, 48(t0)
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    csrr    a0, mhartid
    la      sp, stacks
    addi    t0, a0, 1
    slli    t0, t0, 12
    add     sp, sp, t0
    la      t0, trap_entry
    csrw    mtvec, t0
    li      t0, 0x6000
    csrs    mstatus, t0
    call    main
1:  wfi
    j       1b

    .balign 4
trap_entry:
    addi    sp, sp, -256
    sd      ra, 0(sp)
    sd      t0, 8(sp)
    sd      t1, 16(sp)
    sd      t2, 24(sp)
    sd      t3, 32(sp)
    sd      t4, 40(sp)
    sd      t5, 48(sp)
    sd      t6, 56(sp)
    sd      a0, 64(sp)
    sd      a1, 72(sp)
    sd      a2, 80(sp)
    sd      a3, 88(sp)
    sd      a4, 96(sp)
    sd      a5, 104(sp)
    sd      a6, 112(sp)
    sd      a7, 120(sp)
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, 0x343
    call    trap
    csrw    mepc, a0
    ld      ra, 0(sp)
    ld      t0, 8(sp)
    ld      t1, 16(sp)
    ld      t2, 24(sp)
    ld      t3, 32(sp)
    ld      t4, 40(sp)
    ld      t5, 48(sp)
    ld      t6, 56(sp)
    ld      a0, 64(sp)
    ld      a1, 72(sp)
    ld      a2, 80(sp)
    ld      a3, 88(sp)
    ld      a4, 96(sp)
    ld      a5, 104(sp)
    ld      a6, 112(sp)
    ld      a7, 120(sp)
    addi    sp, sp, 256
    mret

    .bss
    .balign 16
stacks:
    .space  8192
    .globl entry_state
entry_state:
    .space  128
