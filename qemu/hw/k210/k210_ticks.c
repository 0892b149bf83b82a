/*
 * Kendryte K210: migration of cycle counters
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/k210/k210_ticks.h"

const VMStateDescription vmstate_k210_ticks = {
    .name = "k210-ticks",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(base, K210Ticks),
        VMSTATE_INT64(epoch_ns, K210Ticks),
        VMSTATE_END_OF_LIST()
    }
};
