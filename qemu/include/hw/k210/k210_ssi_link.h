/*
 * A part on pads that more than one SPI controller can be put on
 *
 * QEMU interface:
 *  + link "part": the SSI peripheral, which is on another controller's bus
 *  + link "fpioa"
 *  + property "pad", "function": the part hears this bus while the pad (its
 *    data input) carries that function
 *  + property "lcd-wr": pad of the LCD's write strobe, to tell an idle line
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_SSI_LINK_H
#define HW_K210_SSI_LINK_H

#include "hw/ssi/ssi.h"
#include "hw/k210/k210_fpioa.h"
#include "qom/object.h"

#define TYPE_K210_SSI_LINK "k210-ssi-link"
OBJECT_DECLARE_SIMPLE_TYPE(K210SsiLink, K210_SSI_LINK)

struct K210SsiLink {
    SSIPeripheral parent_obj;

    SSIPeripheral *part;
    K210FpioaState *fpioa;
    uint32_t pad;
    uint32_t function;
    uint32_t lcd_wr;
};

#endif
