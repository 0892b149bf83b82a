/*
 * Kendryte K210: one place where devices report what a guest did wrong
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_STRICT_H
#define HW_K210_STRICT_H

#include "qemu/osdep.h"

/*
 * Report a guest error in one sentence without a full stop or newline, for
 * example k210_guest_error("k210-spi0: write to DR while disabled").
 * Always logged under LOG_GUEST_ERROR; on a strict machine it also stops the
 * machine and prints hart, PC and the sentence on stderr.
 */
void k210_guest_error(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* Set by the machine from its "strict" property. */
void k210_set_strict(bool strict);
bool k210_is_strict(void);

#endif
