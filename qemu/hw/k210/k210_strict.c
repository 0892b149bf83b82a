/*
 * Kendryte K210: one place where devices report what a guest did wrong
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/error-report.h"
#include "hw/core/cpu.h"
#include "system/runstate.h"
#include "hw/k210/k210_strict.h"

static bool k210_strict;

void k210_set_strict(bool strict)
{
    k210_strict = strict;
}

bool k210_is_strict(void)
{
    return k210_strict;
}

void k210_guest_error(const char *fmt, ...)
{
    g_autofree char *sentence = NULL;
    va_list ap;

    va_start(ap, fmt);
    sentence = g_strdup_vprintf(fmt, ap);
    va_end(ap);

    qemu_log_mask(LOG_GUEST_ERROR, "%s\n", sentence);
    if (k210_strict) {
        CPUState *cpu = current_cpu;

        if (cpu) {
            vaddr pc = cpu->cc->get_pc ? cpu->cc->get_pc(cpu) : 0;

            error_report("strict: hart %d pc 0x%" PRIx64 ": %s",
                         cpu->cpu_index, (uint64_t)pc, sentence);
        } else {
            error_report("strict: %s", sentence);
        }
        qemu_system_vmstop_request_prepare();
        qemu_system_vmstop_request(RUN_STATE_GUEST_PANICKED);
    }
}
