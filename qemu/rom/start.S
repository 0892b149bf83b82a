/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reset and trap entry. Register values at the end are those that programs
 * find on the chip: gp, tp, mtvec, mstatus, msip[1] and hart 1's mie.
 */

#define TP              0x805fc000
#define GP              0x805fc800
#define CLINT_MSIP1     0x02000004
#define ROMCPU_ENTRY    0x1020

    .option norelax
    .section .text.start, "ax"
    .globl _start
_start:
    j       start

    .section .text
start:
    la      t0, trap
    csrw    mtvec, t0
    csrw    mie, zero
    li      t0, 0x7800              /* MPP = M, FS = dirty */
    csrw    mstatus, t0
    li      tp, TP
    li      gp, GP
    csrr    a0, mhartid
    addi    t0, a0, 1
    slli    t0, t0, 13
    add     sp, tp, t0
    bnez    a0, park

    la      t0, _bss
    la      t1, _bss_end
1:  bgeu    t0, t1, 2f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b
2:  call    rom_main
    li      t0, CLINT_MSIP1
    li      t1, 1
    fence
    sw      t1, 0(t0)
    /* fall through */

    .globl rom_jump
rom_jump:                           /* to the program at a0 */
    mv      t0, a0
    csrr    a0, mhartid
    fence.i
    jr      t0

park:                               /* hart 1 waits for its interrupt */
    csrsi   mie, 8
1:  wfi
    csrr    t0, mip
    andi    t0, t0, 8
    beqz    t0, 1b
    li      a0, ROMCPU_ENTRY
    ld      a0, 0(a0)
    bnez    a0, rom_jump
    li      a0, 0x80000000
    j       rom_jump

    /* Nobody took over: say what happened and stop. */
    .section .text.trap, "ax"
    .balign 4
trap:
    csrr    a0, mhartid
    csrr    a1, mcause
    csrr    a2, mepc
    csrr    a3, 0x343                   /* mbadaddr */
    mv      a4, ra
    mv      a5, sp
    call    rom_trap
1:  csrw    mie, zero
    wfi
    j       1b
