// SPDX-License-Identifier: MIT
//
// Entry from the boot ROM, with both harts at once or hart 1 at any time later, and the trap vector.

#define CLINT_MSIP1 0x02000004
#define MSTATUS_FS  0x6000

// Trap frame: x1..x31 at 8 * n, then mepc, mcause, mtval, mstatus, fcsr, f0..f31.
#define FRAME_MEPC    0x100
#define FRAME_MCAUSE  0x108
#define FRAME_MTVAL   0x110
#define FRAME_MSTATUS 0x118
#define FRAME_FCSR    0x120
#define FRAME_F       0x128
#define FRAME_SIZE    0x230

    .section .entry, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    csrw mie, zero
    csrci mstatus, 8
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la t0, trap_entry
    csrw mtvec, t0
    li t0, MSTATUS_FS
    csrs mstatus, t0
    fscsr zero
    fence.i
    csrr t0, mhartid
    bnez t0, hart1

    la sp, _stack0_top
    la tp, _tls0
    la t0, _trap_stack0_top
    csrw mscratch, t0
    la t0, _bss_start
    la t1, _bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  fence rw, rw
    la t0, hart1_gate
    li t1, 1
    sw t1, 0(t0)
    // Wake hart 1 up, in case it sleeps at the gate.
    li t0, CLINT_MSIP1
    sw t1, 0(t0)
    call main
    j .

    // Hart 1 touches nothing before hart 0 has opened the gate. The ROM's IPI may still be pending.
hart1:
    la sp, _stack1_top
    la tp, _tls1
    la t0, _trap_stack1_top
    csrw mscratch, t0
    li t0, 8 // MSIE: lets msip end the wfi; interrupts stay off
    csrw mie, t0
    li t1, CLINT_MSIP1
    la t2, hart1_gate
3:  sw zero, 0(t1)
    fence rw, rw
    lw t0, 0(t2)
    bnez t0, 4f
    wfi
    j 3b
4:  fence rw, rw
    fence.i
    tail hart1_main

    .section .entry.trap, "ax", @progbits
    .balign 4
    .globl trap_entry
    .type trap_entry, @function
trap_entry:
    // mscratch holds the trap stack outside of traps and the interrupted stack inside.
    csrrw sp, mscratch, sp
    addi sp, sp, -FRAME_SIZE
    sd x1, 0x08(sp)
    .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    sd x\n, 8 * \n(sp)
    .endr
    csrr t0, mscratch
    sd t0, 0x10(sp)
    csrr t0, mepc
    sd t0, FRAME_MEPC(sp)
    csrr a0, mcause
    sd a0, FRAME_MCAUSE(sp)
    csrr t0, 0x343 // mtval; mbadaddr on this old core
    sd t0, FRAME_MTVAL(sp)
    csrr t0, mstatus
    sd t0, FRAME_MSTATUS(sp)
    csrr t0, fcsr
    sd t0, FRAME_FCSR(sp)
    // All floating point registers: handlers are C, and emulated loads may go to any.
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    fsd f\n, FRAME_F + 8 * \n(sp)
    .endr
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    mv s0, sp
    mv a0, sp
    csrr t0, mcause
    bgez t0, 1f
    // An interrupt: serve it on the interrupted stack, where MicroPython's stack check works for
    // Python handlers, too. A trap in there gets the rest of the trap stack.
    csrw mscratch, sp
    ld sp, 0x10(s0)
    andi sp, sp, -16
1:  call trap_handler
    mv sp, s0
    ld t0, 0x10(sp)
    csrw mscratch, t0
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    fld f\n, FRAME_F + 8 * \n(sp)
    .endr
    ld t0, FRAME_FCSR(sp)
    csrw fcsr, t0
    ld t0, FRAME_MSTATUS(sp)
    csrw mstatus, t0
    ld t0, FRAME_MEPC(sp)
    csrw mepc, t0
    ld x1, 0x08(sp)
    .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ld x\n, 8 * \n(sp)
    .endr
    addi sp, sp, FRAME_SIZE
    csrrw sp, mscratch, sp
    mret
