/*
 * LCDs of the K210 boards, see k210_st7789.c
 *
 * QEMU interface:
 *  + chip select on SSI_GPIO_CS, active low
 *  + named GPIO inputs "dc" and "reset" (active low)
 *  + link "fpioa" and property "wr": pad of the write strobe
 *  + properties "pictures" and "painting", read-only
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_LCD_H
#define HW_K210_LCD_H

/* Abstract; the panels are k210-st7789, k210-nt35310 and others. */
#define TYPE_K210_LCD "k210-lcd"

#endif
