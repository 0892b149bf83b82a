// SPDX-License-Identifier: MIT
#ifndef K210_MODLCD_H
#define K210_MODLCD_H

#include "py/obj.h"

// Waits for the transfer on its way and gives the frame buffer back; for lcd.deinit() and soft reset.
void k210_lcd_deinit(void);

// Like lcd.display(img); does nothing before lcd.init().
void k210_lcd_show(mp_obj_t img);

#endif
