// SPDX-License-Identifier: MIT
//
// void thread_switch(void **save_sp, void *new_sp): goes on with another thread. The registers that a function
// has to keep are on the stacks, so that the garbage collector sees them, too. mp_thread_create() makes the
// first such frame of a thread.

#define FRAME (26 * 8)

    .section .text.thread_switch, "ax", @progbits
    .globl thread_switch
    .type thread_switch, @function
thread_switch:
    addi sp, sp, -FRAME
    sd ra, 0(sp)
    sd s0, 8(sp)
    sd s1, 16(sp)
    .irp n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    sd s\n, 8 * (\n + 1)(sp)
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    fsd fs\n, 8 * (\n + 13)(sp)
    .endr
    sd sp, 0(a0)
    mv sp, a1
    ld ra, 0(sp)
    ld s0, 8(sp)
    ld s1, 16(sp)
    .irp n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ld s\n, 8 * (\n + 1)(sp)
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    fld fs\n, 8 * (\n + 13)(sp)
    .endr
    addi sp, sp, FRAME
    ret
