/*
 * Kendryte K210: one place where devices report what a guest did wrong
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/error-report.h"
#include "exec/cpu-common.h"
#include "hw/core/cpu.h"
#include "system/runstate.h"
#include "hw/k210/k210_strict.h"

/* At least as many words as any target saves per instruction. */
#define GUEST_INSN_WORDS 8

static bool k210_strict;

void k210_set_strict(bool strict)
{
    k210_strict = strict;
}

bool k210_is_strict(void)
{
    return k210_strict;
}

/*
 * The PC of the instruction whose access is being carried out. The PC in the
 * CPU state is that of the translation block; the unwinder knows the offset
 * in its page (the RISC-V front end makes position-independent blocks).
 */
static uint64_t guest_pc(CPUState *cpu)
{
    uint64_t pc = cpu->cc->get_pc(cpu);
    uint64_t data[GUEST_INSN_WORDS] = { };

    if (cpu->mem_io_pc && cpu_unwind_state_data(cpu, cpu->mem_io_pc, data)) {
        pc = (pc & ~0xfffull) | (data[0] & 0xfff);
    }
    return pc;
}

void k210_guest_error(const char *fmt, ...)
{
    g_autofree char *sentence = NULL;
    CPUState *cpu = current_cpu;
    va_list ap;

    if (!k210_strict && !qemu_loglevel_mask(LOG_GUEST_ERROR)) {
        return;
    }
    va_start(ap, fmt);
    sentence = g_strdup_vprintf(fmt, ap);
    va_end(ap);

    if (cpu) {
        qemu_log_mask(LOG_GUEST_ERROR, "hart %d pc 0x%" PRIx64 ": %s\n",
                      cpu->cpu_index, guest_pc(cpu), sentence);
    } else {
        qemu_log_mask(LOG_GUEST_ERROR, "%s\n", sentence);
    }
    if (!k210_strict) {
        return;
    }
    if (cpu) {
        error_report("strict: hart %d pc 0x%" PRIx64 ": %s", cpu->cpu_index,
                     guest_pc(cpu), sentence);
    } else {
        error_report("strict: %s", sentence);
    }
    /* The harts stop at the end of their current block, not at once. */
    if (runstate_is_running()) {
        qemu_system_vmstop_request_prepare();
        qemu_system_vmstop_request(RUN_STATE_GUEST_PANICKED);
    }
    if (cpu) {
        cpu_exit(cpu);
    }
}
