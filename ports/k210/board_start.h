/*
 * SPDX-License-Identifier: MIT
 *
 * What a board needs before its camera and display work. Data of mpconfigboard.h:
 *
 * MICROPY_HW_PMU_SCL, _SDA, _REGS  pads of the power chip's bus, and { register, value }, ... to write
 * MICROPY_HW_PADS_HIGH             pads that must be 1
 */
#ifndef K210_BOARD_START_H
#define K210_BOARD_START_H

void board_start(void);

#endif
