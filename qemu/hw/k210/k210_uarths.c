/*
 * Kendryte K210: UARTHS
 *
 * Characters take their time on the line, at the CPU clock / (DIV + 1): a
 * shift register behind the 8-deep transmit FIFO, and a received character
 * per character time. What the host sends faster than that waits in the
 * host, so nothing is lost that the wire of a board would not lose.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties-system.h"
#include "hw/registerfields.h"
#include "hw/k210/k210_bridge.h"
#include "hw/k210/k210_reg32.h"
#include "hw/k210/k210_strict.h"
#include "hw/k210/k210_uarths.h"
#include "migration/vmstate.h"
#include "trace.h"

REG32(TXDATA, 0x00)
    FIELD(TXDATA, FULL, 31, 1)
REG32(RXDATA, 0x04)
    FIELD(RXDATA, EMPTY, 31, 1)
REG32(TXCTRL, 0x08)
    FIELD(TXCTRL, TXEN, 0, 1)
    FIELD(TXCTRL, NSTOP, 1, 1)
    FIELD(TXCTRL, TXCNT, 16, 3)
REG32(RXCTRL, 0x0c)
    FIELD(RXCTRL, RXEN, 0, 1)
    FIELD(RXCTRL, RXCNT, 16, 3)
REG32(IE, 0x10)
    FIELD(IE, TXWM, 0, 1)
    FIELD(IE, RXWM, 1, 1)
REG32(IP, 0x14)
REG32(DIV, 0x18)

#define TXCTRL_MASK (R_TXCTRL_TXEN_MASK | R_TXCTRL_NSTOP_MASK | \
                     R_TXCTRL_TXCNT_MASK)
#define RXCTRL_MASK (R_RXCTRL_RXEN_MASK | R_RXCTRL_RXCNT_MASK)

/* A program that looks again within so many characters needs no timer. */
#define POLL_CHARS 4

/* At high rates the interrupt may be late by this; it is never for slow ones. */
#define LATENCY_NS (20 * SCALE_US)

static int64_t char_ns(K210UarthsState *s, int stop_bits)
{
    return clock_ticks_to_ns(s->clk, (uint64_t)(s->div + 1) * (9 + stop_bits));
}

static uint32_t uarths_ip(K210UarthsState *s)
{
    uint32_t ip = 0;

    if (fifo8_num_used(&s->tx) < FIELD_EX32(s->txctrl, TXCTRL, TXCNT)) {
        ip |= R_IE_TXWM_MASK;
    }
    if (fifo8_num_used(&s->rx) > FIELD_EX32(s->rxctrl, RXCTRL, RXCNT)) {
        ip |= R_IE_RXWM_MASK;
    }
    return ip;
}

static void uarths_update_irq(K210UarthsState *s)
{
    qemu_set_irq(s->irq, (uarths_ip(s) & s->ie) != 0);
}

/* Moves the next character from the FIFO to the line if that is free. */
static void uarths_start_tx_at(K210UarthsState *s, int64_t now)
{
    if (s->shifting || fifo8_is_empty(&s->tx) || !clock_is_enabled(s->clk) ||
        !FIELD_EX32(s->txctrl, TXCTRL, TXEN)) {
        return;
    }
    s->shift = fifo8_pop(&s->tx);
    s->shifting = true;
    timer_mod(s->tx_timer,
              now + char_ns(s, 1 + FIELD_EX32(s->txctrl, TXCTRL, NSTOP)));
}

static void uarths_start_tx(K210UarthsState *s)
{
    uarths_start_tx_at(s, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
}

static void uarths_finish_tx(K210UarthsState *s, int64_t now)
{
    s->shifting = false;
    trace_k210_uarths_tx(s->shift);
    qemu_chr_fe_write(&s->chr, &s->shift, 1);
    uarths_start_tx_at(s, now);
}

static void uarths_tx_done(void *opaque)
{
    uarths_finish_tx(opaque, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    uarths_update_irq(opaque);
}

/* Does at once what is due: pollers starve the thread of the timers. */
static void uarths_catch_up(K210UarthsState *s)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    int64_t before;

    while (timer_pending(s->tx_timer) &&
           timer_expire_time_ns(s->tx_timer) <= now) {
        int64_t end = timer_expire_time_ns(s->tx_timer);

        timer_del(s->tx_timer);
        uarths_finish_tx(s, end);
    }
    do {
        before = s->rx_next;
        if (before <= now) {
            k210_bridge_ask(&s->chr);
        }
    } while (s->rx_next != before);
    uarths_update_irq(s);
}

static bool uarths_rx_ready(K210UarthsState *s)
{
    return FIELD_EX32(s->rxctrl, RXCTRL, RXEN) && !fifo8_is_full(&s->rx) &&
           clock_is_enabled(s->clk);
}

static void uarths_rx_timer(void *opaque)
{
    uarths_catch_up(opaque);
}

/* When to look for the next character if nobody asks before. */
static int64_t uarths_next_look(K210UarthsState *s, int64_t now)
{
    int64_t poll = POLL_CHARS * char_ns(s, 1);

    if (s->ie & R_IE_RXWM_MASK) {
        if (uarths_ip(s) & R_IE_RXWM_MASK) {
            poll = LATENCY_NS + poll; /* the interrupt is being served */
        } else {
            poll = char_ns(s, 1) < LATENCY_NS / 2 ? LATENCY_NS : 0;
        }
    } else if (now - s->polled >= poll) {
        poll = 0;
    }
    return MAX(s->rx_next, now + poll);
}

static int uarths_can_receive(void *opaque)
{
    K210UarthsState *s = opaque;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    if (!uarths_rx_ready(s)) {
        return 0;
    }
    if (now < s->rx_next) {
        timer_mod(s->rx_timer, uarths_next_look(s, now));
        return 0;
    }
    return 1;
}

static void uarths_receive(void *opaque, const uint8_t *buf, int size)
{
    K210UarthsState *s = opaque;
    int64_t start = MAX(s->rx_next, k210_bridge_waiting_since(&s->chr));

    for (int i = 0; i < size && !fifo8_is_full(&s->rx); i++) {
        trace_k210_uarths_rx(buf[i]);
        fifo8_push(&s->rx, buf[i]);
    }
    s->rx_next = start + char_ns(s, 1);
    uarths_update_irq(s);
}

static uint32_t uarths_read32(K210UarthsState *s, hwaddr addr)
{
    uint32_t r = 0;

    uarths_catch_up(s);
    switch (addr) {
    case A_TXDATA:
        r = FIELD_DP32(0, TXDATA, FULL, fifo8_is_full(&s->tx));
        break;
    case A_RXDATA:
        s->polled = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
        if (fifo8_is_empty(&s->rx)) {
            r = R_RXDATA_EMPTY_MASK;
            break;
        }
        if (fifo8_is_full(&s->rx)) {
            /* the line has been waiting for this place */
            s->rx_next = MAX(s->rx_next, s->polled);
            timer_mod(s->rx_timer, s->rx_next);
        }
        r = fifo8_pop(&s->rx);
        uarths_update_irq(s);
        break;
    case A_TXCTRL:
        r = s->txctrl;
        break;
    case A_RXCTRL:
        r = s->rxctrl;
        break;
    case A_IE:
        r = s->ie;
        break;
    case A_IP:
        r = uarths_ip(s);
        break;
    case A_DIV:
        r = s->div;
        break;
    default:
        k210_guest_error("k210-uarths: read of unknown register 0x%"
                         HWADDR_PRIx, addr);
    }
    return r;
}

static void uarths_write32(K210UarthsState *s, hwaddr addr, uint32_t value)
{
    uarths_catch_up(s);
    switch (addr) {
    case A_TXDATA:
        if (fifo8_is_full(&s->tx)) {
            k210_guest_error("k210-uarths: character 0x%02x written to the"
                             " full transmit FIFO", (unsigned)value & 0xff);
            break;
        }
        fifo8_push(&s->tx, value);
        uarths_start_tx(s);
        break;
    case A_TXCTRL:
        s->txctrl = value & TXCTRL_MASK;
        uarths_start_tx(s);
        break;
    case A_RXCTRL:
        s->rxctrl = value & RXCTRL_MASK;
        qemu_chr_fe_accept_input(&s->chr);
        break;
    case A_IE:
        s->ie = value & (R_IE_TXWM_MASK | R_IE_RXWM_MASK);
        break;
    case A_RXDATA:
    case A_IP:
        break;      /* read-only; drivers write IP when they start */
    case A_DIV:
        s->div = value & 0xffff;
        trace_k210_uarths_baud(clock_get_hz(s->clk) / (s->div + 1));
        break;
    default:
        k210_guest_error("k210-uarths: write of 0x%x"
                         " to unknown register 0x%" HWADDR_PRIx, value, addr);
    }
    uarths_update_irq(s);
}

static uint64_t uarths_read(void *opaque, hwaddr addr, unsigned size)
{
    return k210_reg32_part(uarths_read32(opaque, addr & ~3ull), addr);
}

/*
 * SiFive's manual allows aligned words only, but xv6 prints by storing bytes
 * to TXDATA, and does so on boards: the TileLink has byte lanes.
 */
static void uarths_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    /* a read of RXDATA would take a character */
    uint32_t old = size < 4 && (addr & ~3ull) != A_RXDATA
                   ? uarths_read32(opaque, addr & ~3ull) : 0;

    if (addr != A_TXDATA || size != 1) {
        value = k210_reg32_merge("k210-uarths", old, addr, value, size);
    }
    uarths_write32(opaque, addr & ~3ull, value);
}

static const MemoryRegionOps uarths_ops =
    K210_REG32_OPS(uarths_read, uarths_write);

/* A character on the line keeps its time; the next one has the new rate. */
static void uarths_clock_changed(void *opaque, ClockEvent event)
{
    K210UarthsState *s = opaque;

    uarths_start_tx(s);
    if (uarths_rx_ready(s)) {
        qemu_chr_fe_accept_input(&s->chr);
    }
}

static void uarths_reset_hold(Object *obj, ResetType type)
{
    K210UarthsState *s = K210_UARTHS(obj);

    timer_del(s->tx_timer);
    timer_del(s->rx_timer);
    fifo8_reset(&s->tx);
    fifo8_reset(&s->rx);
    s->txctrl = 0;
    s->rxctrl = 0;
    s->ie = 0;
    s->div = 0xffff;
    s->shifting = false;
    s->rx_next = 0;
    s->polled = 0;
    qemu_irq_lower(s->irq);
}

static void uarths_realize(DeviceState *dev, Error **errp)
{
    K210UarthsState *s = K210_UARTHS(dev);

    qemu_chr_fe_set_handlers(&s->chr, uarths_can_receive, uarths_receive, NULL,
                             NULL, s, NULL, true);
}

static const VMStateDescription vmstate_uarths = {
    .name = TYPE_K210_UARTHS,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_CLOCK(clk, K210UarthsState),
        VMSTATE_TIMER_PTR(tx_timer, K210UarthsState),
        VMSTATE_TIMER_PTR(rx_timer, K210UarthsState),
        VMSTATE_FIFO8(tx, K210UarthsState),
        VMSTATE_FIFO8(rx, K210UarthsState),
        VMSTATE_UINT32(txctrl, K210UarthsState),
        VMSTATE_UINT32(rxctrl, K210UarthsState),
        VMSTATE_UINT32(ie, K210UarthsState),
        VMSTATE_UINT32(div, K210UarthsState),
        VMSTATE_UINT8(shift, K210UarthsState),
        VMSTATE_BOOL(shifting, K210UarthsState),
        VMSTATE_INT64(rx_next, K210UarthsState),
        VMSTATE_INT64(polled, K210UarthsState),
        VMSTATE_END_OF_LIST()
    }
};

static const Property uarths_properties[] = {
    DEFINE_PROP_CHR("chardev", K210UarthsState, chr),
};

static void uarths_init(Object *obj)
{
    K210UarthsState *s = K210_UARTHS(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &uarths_ops, s, TYPE_K210_UARTHS,
                          0x1000);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    s->clk = qdev_init_clock_in(dev, "clk", uarths_clock_changed, s,
                                ClockUpdate);
    s->tx_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, uarths_tx_done, s);
    s->rx_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, uarths_rx_timer, s);
    fifo8_create(&s->tx, K210_UARTHS_FIFO);
    fifo8_create(&s->rx, K210_UARTHS_FIFO);
}

static void uarths_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "K210 high-speed UART";
    dc->vmsd = &vmstate_uarths;
    dc->realize = uarths_realize;
    device_class_set_props(dc, uarths_properties);
    set_bit(DEVICE_CATEGORY_INPUT, dc->categories);
    rc->phases.hold = uarths_reset_hold;
}

static const TypeInfo uarths_info[] = {
    {
        .name = TYPE_K210_UARTHS,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210UarthsState),
        .instance_init = uarths_init,
        .class_init = uarths_class_init,
    },
};

DEFINE_TYPES(uarths_info)
