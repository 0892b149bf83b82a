/*
 * Kendryte K210: RTC
 *
 * A calendar clocked by the crystal. It counts while REG_CTRL says "running"
 * (read_enable only); fields can be written in "setting" (write_enable), each
 * behind a mask bit. Ticks and alarms are interrupt pulses without a status.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "system/rtc.h"
#include "hw/k210/k210_mmio.h"
#include "hw/k210/k210_rtc.h"
#include "trace.h"

REG32(DATE, 0x00)
    FIELD(DATE, WEEK, 0, 3)
    FIELD(DATE, DAY, 8, 5)
    FIELD(DATE, MONTH, 16, 4)
    FIELD(DATE, YEAR, 20, 12)
REG32(TIME, 0x04)
    FIELD(TIME, SECOND, 10, 6)
    FIELD(TIME, MINUTE, 16, 6)
    FIELD(TIME, HOUR, 24, 5)
REG32(ALARM_DATE, 0x08)
REG32(ALARM_TIME, 0x0c)
REG32(INITIAL_COUNT, 0x10)
REG32(CURRENT_COUNT, 0x14)
REG32(INT_CTRL, 0x18)
    FIELD(INT_CTRL, TICK_ENABLE, 0, 1)
    FIELD(INT_CTRL, ALARM_ENABLE, 1, 1)
    FIELD(INT_CTRL, TICK_MODE, 2, 2)
    FIELD(INT_CTRL, ALARM_MASK, 24, 8)
REG32(REG_CTRL, 0x1c)
    FIELD(REG_CTRL, READ_ENABLE, 0, 1)
    FIELD(REG_CTRL, WRITE_ENABLE, 1, 1)
    FIELD(REG_CTRL, TIMER_MASK, 13, 8)
    FIELD(REG_CTRL, ALARM_MASK, 21, 8)
    FIELD(REG_CTRL, INITIAL_COUNT_MASK, 29, 1)
    FIELD(REG_CTRL, INTERRUPT_MASK, 30, 1)
REG32(EXTENDED, 0x28)
    FIELD(EXTENDED, CENTURY, 0, 5)
    FIELD(EXTENDED, LEAP_YEAR, 5, 1)

/* Bits of the mask bytes. */
enum {
    MASK_SECOND = 1 << 1,
    MASK_MINUTE = 1 << 2,
    MASK_HOUR = 1 << 3,
    MASK_WEEK = 1 << 4,
    MASK_DAY = 1 << 5,
    MASK_MONTH = 1 << 6,
    MASK_YEAR = 1 << 7,
};

enum { TICK_SECOND, TICK_MINUTE, TICK_HOUR, TICK_DAY };

static bool running(K210RtcState *s)
{
    return (s->reg_ctrl & 3) == R_REG_CTRL_READ_ENABLE_MASK &&
           s->initial_count;
}

static bool setting(K210RtcState *s)
{
    return s->reg_ctrl & R_REG_CTRL_WRITE_ENABLE_MASK;
}

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in_month(K210RtcState *s)
{
    static const uint8_t days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (s->month < 1 || s->month > 12) {
        return 31;
    }
    return days[s->month - 1] + (s->month == 2 && s->leap);
}

static void next_day(K210RtcState *s)
{
    s->week = (s->week + 1) % 7;
    if (++s->day <= days_in_month(s)) {
        return;
    }
    s->day = 1;
    if (++s->month <= 12) {
        return;
    }
    s->month = 1;
    if (++s->year > 99) {
        s->year = 0;
        s->century = (s->century + 1) & 0x1f;
    }
    s->leap = is_leap(s->century * 100 + s->year);
}

/* Adds seconds; returns the coarsest unit that rolled over. */
static int advance(K210RtcState *s, uint64_t seconds)
{
    uint64_t total = s->second + seconds;
    uint64_t minutes = s->minute + total / 60;
    uint64_t hours = s->hour + minutes / 60;
    int unit = TICK_SECOND;

    s->second = total % 60;
    if (total >= 60) {
        unit = TICK_MINUTE;
    }
    s->minute = minutes % 60;
    if (minutes >= 60) {
        unit = TICK_HOUR;
    }
    s->hour = hours % 24;
    for (uint64_t day = 0; day < hours / 24; day++) {
        next_day(s);
        unit = TICK_DAY;
    }
    return unit;
}

static uint32_t date_word(K210RtcState *s)
{
    uint32_t r = FIELD_DP32(0, DATE, WEEK, s->week);

    r = FIELD_DP32(r, DATE, DAY, s->day);
    r = FIELD_DP32(r, DATE, MONTH, s->month);
    return FIELD_DP32(r, DATE, YEAR, s->year);
}

static uint32_t time_word(K210RtcState *s)
{
    uint32_t r = FIELD_DP32(0, TIME, SECOND, s->second);

    r = FIELD_DP32(r, TIME, MINUTE, s->minute);
    return FIELD_DP32(r, TIME, HOUR, s->hour);
}

static bool alarm_matches(K210RtcState *s)
{
    uint8_t mask = FIELD_EX32(s->int_ctrl, INT_CTRL, ALARM_MASK) & 0xfe;
    uint32_t date = 0, time = 0;

    time |= mask & MASK_SECOND ? R_TIME_SECOND_MASK : 0;
    time |= mask & MASK_MINUTE ? R_TIME_MINUTE_MASK : 0;
    time |= mask & MASK_HOUR ? R_TIME_HOUR_MASK : 0;
    date |= mask & MASK_WEEK ? R_DATE_WEEK_MASK : 0;
    date |= mask & MASK_DAY ? R_DATE_DAY_MASK : 0;
    date |= mask & MASK_MONTH ? R_DATE_MONTH_MASK : 0;
    date |= mask & MASK_YEAR ? R_DATE_YEAR_MASK : 0;
    return mask && !((date_word(s) ^ s->alarm_date) & date) &&
           !((time_word(s) ^ s->alarm_time) & time);
}

/* Count the seconds that have passed; without interrupts they may be many. */
static void catch_up(K210RtcState *s)
{
    uint64_t seconds;
    int unit;

    if (!running(s)) {
        return;
    }
    seconds = (k210_ticks_now(&s->ticks, s->clk) - s->second_start) /
              s->initial_count;
    if (!seconds) {
        return;
    }
    s->second_start += seconds * s->initial_count;
    unit = advance(s, seconds);
    if ((s->int_ctrl & R_INT_CTRL_TICK_ENABLE_MASK) &&
        unit >= FIELD_EX32(s->int_ctrl, INT_CTRL, TICK_MODE)) {
        trace_k210_rtc_interrupt("tick", s->hour, s->minute, s->second);
        qemu_irq_pulse(s->irq);
    }
    if ((s->int_ctrl & R_INT_CTRL_ALARM_ENABLE_MASK) && alarm_matches(s)) {
        trace_k210_rtc_interrupt("alarm", s->hour, s->minute, s->second);
        qemu_irq_pulse(s->irq);
    }
}

static void schedule(K210RtcState *s)
{
    int64_t deadline = INT64_MAX;

    if (running(s) && (s->int_ctrl & (R_INT_CTRL_TICK_ENABLE_MASK |
                                      R_INT_CTRL_ALARM_ENABLE_MASK))) {
        deadline = k210_ticks_deadline(&s->ticks, s->clk,
                                       s->second_start + s->initial_count);
    }
    if (deadline == INT64_MAX) {
        timer_del(&s->timer);
    } else {
        timer_mod(&s->timer, deadline);
    }
}

static void k210_rtc_expire(void *opaque)
{
    K210RtcState *s = opaque;

    catch_up(s);
    schedule(s);
}

static uint32_t current_count(K210RtcState *s)
{
    if (!running(s)) {
        return s->count;
    }
    return k210_ticks_now(&s->ticks, s->clk) - s->second_start;
}

static void set_count(K210RtcState *s, uint32_t count)
{
    s->count = count;
    s->second_start = k210_ticks_now(&s->ticks, s->clk) - count;
}

static void set_date(K210RtcState *s, uint32_t v)
{
    uint8_t mask = FIELD_EX32(s->reg_ctrl, REG_CTRL, TIMER_MASK);

    if (mask & MASK_WEEK) {
        s->week = FIELD_EX32(v, DATE, WEEK);
    }
    if (mask & MASK_DAY) {
        s->day = FIELD_EX32(v, DATE, DAY);
    }
    if (mask & MASK_MONTH) {
        s->month = FIELD_EX32(v, DATE, MONTH);
    }
    if (mask & MASK_YEAR) {
        s->year = FIELD_EX32(v, DATE, YEAR);
    }
    if (s->month < 1 || s->month > 12 || s->day < 1 || s->day > 31 ||
        s->year > 99 || s->week > 6) {
        k210_guest_error("k210-rtc: impossible date 0x%08x", v);
    }
}

static void set_time(K210RtcState *s, uint32_t v)
{
    uint8_t mask = FIELD_EX32(s->reg_ctrl, REG_CTRL, TIMER_MASK);

    if (mask & MASK_SECOND) {
        s->second = FIELD_EX32(v, TIME, SECOND);
    }
    if (mask & MASK_MINUTE) {
        s->minute = FIELD_EX32(v, TIME, MINUTE);
    }
    if (mask & MASK_HOUR) {
        s->hour = FIELD_EX32(v, TIME, HOUR);
    }
    if (s->second > 59 || s->minute > 59 || s->hour > 23) {
        k210_guest_error("k210-rtc: impossible time 0x%08x", v);
    }
}

/* The bits of an alarm register that the alarm mask lets through. */
static uint32_t masked_alarm(K210RtcState *s, bool date, uint32_t old,
                             uint32_t v)
{
    uint8_t mask = FIELD_EX32(s->reg_ctrl, REG_CTRL, ALARM_MASK);
    uint32_t bits = 0;

    if (date) {
        bits |= mask & MASK_WEEK ? R_DATE_WEEK_MASK : 0;
        bits |= mask & MASK_DAY ? R_DATE_DAY_MASK : 0;
        bits |= mask & MASK_MONTH ? R_DATE_MONTH_MASK : 0;
        bits |= mask & MASK_YEAR ? R_DATE_YEAR_MASK : 0;
    } else {
        bits |= mask & MASK_SECOND ? R_TIME_SECOND_MASK : 0;
        bits |= mask & MASK_MINUTE ? R_TIME_MINUTE_MASK : 0;
        bits |= mask & MASK_HOUR ? R_TIME_HOUR_MASK : 0;
    }
    return (old & ~bits) | (v & bits);
}

static uint64_t k210_rtc_read(void *opaque, hwaddr addr, unsigned size)
{
    K210RtcState *s = opaque;
    uint64_t r = 0;

    if (!k210_mmio_ok(TYPE_K210_RTC, false, addr, size)) {
        return 0;
    }
    catch_up(s);
    schedule(s);
    switch (addr) {
    case A_DATE:
        r = date_word(s);
        break;
    case A_TIME:
        r = time_word(s);
        break;
    case A_ALARM_DATE:
        r = s->alarm_date;
        break;
    case A_ALARM_TIME:
        r = s->alarm_time;
        break;
    case A_INITIAL_COUNT:
        r = s->initial_count;
        break;
    case A_CURRENT_COUNT:
        r = current_count(s);
        break;
    case A_INT_CTRL:
        r = s->int_ctrl;
        break;
    case A_REG_CTRL:
        r = s->reg_ctrl;
        break;
    case A_EXTENDED:
        r = FIELD_DP32(s->century, EXTENDED, LEAP_YEAR, s->leap);
        break;
    case 0x20: case 0x24:
        break; /* reserved words in the middle of the block */
    default:
        k210_mmio_no_register(TYPE_K210_RTC, false, addr);
    }
    trace_k210_rtc_read(addr, r);
    return r;
}

static void write_reg_ctrl(K210RtcState *s, uint32_t v)
{
    bool was = running(s);

    if (was) {
        s->count = current_count(s);
    }
    s->reg_ctrl = v & 0x7fffe003;
    if (!was && running(s)) {
        set_count(s, s->count);
    }
}

static void k210_rtc_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    K210RtcState *s = opaque;
    uint32_t v = value;

    trace_k210_rtc_write(addr, v);
    if (!k210_mmio_ok(TYPE_K210_RTC, true, addr, size)) {
        return;
    }
    catch_up(s);
    if (addr == A_REG_CTRL) {
        write_reg_ctrl(s, v);
        schedule(s);
        return;
    }
    if (addr <= A_EXTENDED && !setting(s)) {
        k210_guest_error("k210-rtc: write to register 0x%02" HWADDR_PRIx
                         " without REG_CTRL.write_enable", addr);
        return;
    }
    switch (addr) {
    case A_DATE:
        set_date(s, v);
        break;
    case A_TIME:
        set_time(s, v);
        break;
    case A_ALARM_DATE:
        s->alarm_date = masked_alarm(s, true, s->alarm_date, v);
        break;
    case A_ALARM_TIME:
        s->alarm_time = masked_alarm(s, false, s->alarm_time, v);
        break;
    case A_INITIAL_COUNT:
        if (s->reg_ctrl & R_REG_CTRL_INITIAL_COUNT_MASK_MASK) {
            s->initial_count = v;
        }
        break;
    case A_CURRENT_COUNT:
        set_count(s, v);
        break;
    case A_INT_CTRL:
        if (s->reg_ctrl & R_REG_CTRL_INTERRUPT_MASK_MASK) {
            s->int_ctrl = v & 0xff00000f;
        }
        break;
    case A_EXTENDED:
        s->century = FIELD_EX32(v, EXTENDED, CENTURY);
        s->leap = FIELD_EX32(v, EXTENDED, LEAP_YEAR);
        break;
    default:
        k210_mmio_no_register(TYPE_K210_RTC, true, addr);
    }
    schedule(s);
}

static const MemoryRegionOps k210_rtc_ops =
    K210_MMIO_OPS(k210_rtc_read, k210_rtc_write);

static void k210_rtc_clock_event(void *opaque, ClockEvent event)
{
    K210RtcState *s = opaque;

    if (event == ClockPreUpdate) {
        k210_ticks_rebase(&s->ticks, s->clk);
    } else {
        schedule(s);
    }
}

static void k210_rtc_reset_hold(Object *obj, ResetType type)
{
    K210RtcState *s = K210_RTC(obj);

    timer_del(&s->timer);
    s->second = s->minute = s->hour = 0;
    s->week = 6; /* 2000-01-01 was a Saturday */
    s->day = s->month = 1;
    s->year = 0;
    s->century = 20;
    s->leap = true;
    s->alarm_date = s->alarm_time = 0;
    s->initial_count = 0;
    s->int_ctrl = 0;
    s->reg_ctrl = 0;
    s->count = 0;
    if (s->host_time) {
        struct tm tm;

        qemu_get_timedate(&tm, 0);
        s->second = MIN(tm.tm_sec, 59);
        s->minute = tm.tm_min;
        s->hour = tm.tm_hour;
        s->week = tm.tm_wday;
        s->day = tm.tm_mday;
        s->month = tm.tm_mon + 1;
        s->year = tm.tm_year % 100;
        s->century = (19 + tm.tm_year / 100) & 0x1f;
        s->leap = is_leap(tm.tm_year + 1900);
        s->initial_count = 26000000;
        s->reg_ctrl = R_REG_CTRL_READ_ENABLE_MASK;
        set_count(s, 0);
    }
}

static const VMStateDescription vmstate_k210_rtc = {
    .name = TYPE_K210_RTC,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_K210_TICKS(ticks, K210RtcState),
        VMSTATE_TIMER(timer, K210RtcState),
        VMSTATE_UINT64(second_start, K210RtcState),
        VMSTATE_UINT32(count, K210RtcState),
        VMSTATE_UINT32(second, K210RtcState),
        VMSTATE_UINT32(minute, K210RtcState),
        VMSTATE_UINT32(hour, K210RtcState),
        VMSTATE_UINT32(week, K210RtcState),
        VMSTATE_UINT32(day, K210RtcState),
        VMSTATE_UINT32(month, K210RtcState),
        VMSTATE_UINT32(year, K210RtcState),
        VMSTATE_UINT32(century, K210RtcState),
        VMSTATE_BOOL(leap, K210RtcState),
        VMSTATE_UINT32(alarm_date, K210RtcState),
        VMSTATE_UINT32(alarm_time, K210RtcState),
        VMSTATE_UINT32(initial_count, K210RtcState),
        VMSTATE_UINT32(int_ctrl, K210RtcState),
        VMSTATE_UINT32(reg_ctrl, K210RtcState),
        VMSTATE_CLOCK(clk, K210RtcState),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_rtc_init(Object *obj)
{
    K210RtcState *s = K210_RTC(obj);

    memory_region_init_io(&s->mmio, obj, &k210_rtc_ops, s, TYPE_K210_RTC,
                          0x100);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    s->clk = qdev_init_clock_in(DEVICE(obj), "clk", k210_rtc_clock_event, s,
                                ClockPreUpdate | ClockUpdate);
    timer_init_ns(&s->timer, QEMU_CLOCK_VIRTUAL, k210_rtc_expire, s);
}

static void k210_rtc_finalize(Object *obj)
{
    timer_del(&K210_RTC(obj)->timer);
}

static const Property k210_rtc_properties[] = {
    DEFINE_PROP_BOOL("host-time", K210RtcState, host_time, false),
};

static void k210_rtc_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->vmsd = &vmstate_k210_rtc;
    dc->desc = "K210 real-time clock";
    device_class_set_props(dc, k210_rtc_properties);
    RESETTABLE_CLASS(klass)->phases.hold = k210_rtc_reset_hold;
}

static const TypeInfo k210_rtc_types[] = {
    {
        .name = TYPE_K210_RTC,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210RtcState),
        .instance_init = k210_rtc_init,
        .instance_finalize = k210_rtc_finalize,
        .class_init = k210_rtc_class_init,
    },
};
DEFINE_TYPES(k210_rtc_types)
