/*
 * Kendryte K210: RTC
 *
 * Clock input "clk" (the 26 MHz crystal), one interrupt. Property "host-time"
 * starts the calendar at the time of QEMU's -rtc option and running; without
 * it the block comes up stopped, as on the chip, which has no battery.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_RTC_H
#define HW_K210_RTC_H

#include "hw/sysbus.h"
#include "hw/k210/k210_ticks.h"
#include "qom/object.h"

#define TYPE_K210_RTC "k210-rtc"
OBJECT_DECLARE_SIMPLE_TYPE(K210RtcState, K210_RTC)

struct K210RtcState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq irq;
    QEMUTimer timer;
    bool host_time;

    K210Ticks ticks;
    uint64_t second_start;  /* tick at which this second began (running) */
    uint32_t count;         /* ticks into this second (stopped) */

    /* The calendar. */
    uint32_t second, minute, hour;
    uint32_t week, day, month, year, century;
    bool leap;

    uint32_t alarm_date;
    uint32_t alarm_time;
    uint32_t initial_count;
    uint32_t int_ctrl;
    uint32_t reg_ctrl;
};

#endif
