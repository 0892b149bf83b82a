/*
 * ESP32 with NINA firmware, an SPI slave: the wires of it
 *
 * What the module does with a command is not here but at the other end of a
 * character device. Both ways go whole frames, each behind its length in two
 * bytes, high byte first. A length of 0xffff tells that the module was reset;
 * it comes back, and frames before it are answers to what was before.
 *
 * The ready line is low while the module takes a transfer. It rises with the
 * falling chip select, and falls when the next transfer can begin: after a
 * command that is when its reply has come.
 *
 * Clock and data come from SPI1, or from pads that a program moves itself.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "chardev/char-fe.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "hw/ssi/ssi.h"
#include "hw/k210/k210_fpioa.h"
#include "migration/vmstate.h"
#include "trace.h"

#define TYPE_K210_NINA "k210-nina"
OBJECT_DECLARE_SIMPLE_TYPE(K210NinaState, K210_NINA)

/* Functions of SPI1 at the pads */
#define FUNC_SPI1_D0 70
#define FUNC_SPI1_SCLK 83

#define FRAME_MAX 4092          /* the module's DMA buffer */
#define RESET_MARK 0xffff
#define BOOT_NS (400 * SCALE_MS)
#define TURN_NS (20 * SCALE_US) /* between two transfers */

enum { STATE_BOOT, STATE_COMMAND, STATE_WORK, STATE_REPLY };

struct K210NinaState {
    SSIPeripheral parent_obj;

    CharBackend chr;
    K210FpioaState *fpioa;
    uint32_t sclk_pad, mosi_pad;
    qemu_irq ready;
    qemu_irq miso;
    QEMUTimer *timer;

    uint8_t state;
    bool selected;
    bool in_reset;
    bool stale;                 /* frames answer what a reset has ended */

    uint8_t frame[FRAME_MAX];   /* command or reply */
    uint32_t len, pos;

    uint8_t from_host[FRAME_MAX + 2];
    uint32_t n_from_host;

    bool sclk, mosi;            /* pads that a program moves */
    uint8_t shift_in, shift_out, bits;
};

static void set_state(K210NinaState *s, uint8_t state, int64_t delay)
{
    s->state = state;
    qemu_irq_raise(s->ready);
    timer_del(s->timer);
    if (delay) {
        timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + delay);
    }
}

/* The transfer that the state wants can begin. */
static void nina_timer(void *opaque)
{
    K210NinaState *s = opaque;

    if (s->state == STATE_BOOT) {
        s->state = STATE_COMMAND;
    }
    if (!s->selected && !s->in_reset) {
        qemu_irq_lower(s->ready);
    }
}

static void take_reply(K210NinaState *s, const uint8_t *data, uint32_t len)
{
    if (s->stale || s->state != STATE_WORK) {
        return;
    }
    s->len = len;
    s->pos = 0;
    memcpy(s->frame, data, len);
    trace_k210_nina_reply(len, len > 1 ? data[1] : 0);
    set_state(s, STATE_REPLY, TURN_NS);
}

static int nina_can_receive(void *opaque)
{
    K210NinaState *s = opaque;

    return sizeof(s->from_host) - s->n_from_host;
}

static void nina_receive(void *opaque, const uint8_t *buf, int size)
{
    K210NinaState *s = opaque;

    memcpy(s->from_host + s->n_from_host, buf, size);
    s->n_from_host += size;
    while (s->n_from_host >= 2) {
        uint32_t len = lduw_be_p(s->from_host);

        if (len == RESET_MARK) {
            s->stale = false;
            len = 0;
        } else if (len > FRAME_MAX) {
            s->n_from_host = 0; /* nothing that could be followed */
            return;
        } else if (s->n_from_host < len + 2) {
            return;
        } else {
            take_reply(s, s->from_host + 2, len);
        }
        s->n_from_host -= len + 2;
        memmove(s->from_host, s->from_host + len + 2, s->n_from_host);
    }
}

static void send_to_host(K210NinaState *s, uint16_t mark, const uint8_t *data,
                         uint32_t len)
{
    uint8_t head[2];

    stw_be_p(head, mark);
    qemu_chr_fe_write_all(&s->chr, head, sizeof(head));
    if (len) {
        qemu_chr_fe_write_all(&s->chr, data, len);
    }
}

static void end_transfer(K210NinaState *s)
{
    if (s->state == STATE_COMMAND && s->len) {
        trace_k210_nina_command(s->len, s->len > 1 ? s->frame[1] : 0);
        set_state(s, STATE_WORK, 0);
        send_to_host(s, s->len, s->frame, s->len);
    } else if (s->state == STATE_REPLY || s->state == STATE_COMMAND) {
        s->len = s->pos = 0;
        set_state(s, STATE_COMMAND, TURN_NS);
    }
}

static int nina_set_cs(SSIPeripheral *dev, bool high)
{
    K210NinaState *s = K210_NINA(dev);

    if (s->selected == !high) {
        return 0;
    }
    s->selected = !high;
    s->bits = 0;
    qemu_set_irq(s->miso, K210_PAD_Z);
    if (s->in_reset) {
        return 0;
    }
    if (s->selected) {
        timer_del(s->timer);
        qemu_irq_raise(s->ready);
        if (s->state == STATE_COMMAND) {
            s->len = 0;
        }
    } else {
        end_transfer(s);
    }
    return 0;
}

static uint8_t next_out(K210NinaState *s)
{
    return s->state == STATE_REPLY && s->pos < s->len ? s->frame[s->pos] : 0;
}

static uint8_t exchange(K210NinaState *s, uint8_t in)
{
    uint8_t out = next_out(s);

    if (s->state == STATE_REPLY) {
        s->pos += s->pos < s->len;
    } else if (s->state == STATE_COMMAND && s->len < FRAME_MAX) {
        s->frame[s->len++] = in;
    }
    return out;
}

static uint32_t nina_transfer(SSIPeripheral *dev, uint32_t value)
{
    K210NinaState *s = K210_NINA(dev);

    if (s->in_reset ||
        k210_fpioa_func_of(s->fpioa, s->sclk_pad) != FUNC_SPI1_SCLK ||
        k210_fpioa_func_of(s->fpioa, s->mosi_pad) != FUNC_SPI1_D0) {
        return 0xff;
    }
    return exchange(s, value);
}

/* Mode 0: taken with the rising edge, the next bit is out after the other. */
static void nina_sclk(void *opaque, int n, int level)
{
    K210NinaState *s = opaque;
    bool rises = level && !s->sclk;
    bool falls = !level && s->sclk;

    s->sclk = level;
    if (!s->selected || s->in_reset) {
        return;
    }
    if (rises) {
        if (!s->bits) {
            s->shift_out = next_out(s);
            qemu_set_irq(s->miso, s->shift_out >> 7);
        }
        s->shift_in = s->shift_in << 1 | s->mosi;
        if (++s->bits == 8) {
            exchange(s, s->shift_in);
        }
    } else if (falls && s->bits) {
        s->bits &= 7;
        s->shift_out = s->bits ? s->shift_out << 1 : next_out(s);
        qemu_set_irq(s->miso, s->shift_out >> 7);
    }
}

static void nina_mosi(void *opaque, int n, int level)
{
    K210_NINA(opaque)->mosi = level;
}

/* The line is low while the module is held in reset. */
static void nina_reset_line(void *opaque, int n, int level)
{
    K210NinaState *s = opaque;

    if (s->in_reset == !level) {
        return;
    }
    s->in_reset = !level;
    if (s->in_reset) {
        s->stale = qemu_chr_fe_backend_connected(&s->chr);
        s->len = s->pos = 0;
        set_state(s, STATE_BOOT, 0);
        send_to_host(s, RESET_MARK, NULL, 0);
    } else {
        set_state(s, STATE_BOOT, BOOT_NS);
    }
}

static void nina_reset_hold(Object *obj, ResetType type)
{
    K210NinaState *s = K210_NINA(obj);

    /* The module has its own power-on; a reset of the K210 is not one. */
    if (!timer_pending(s->timer) && s->state == STATE_BOOT && !s->in_reset) {
        set_state(s, STATE_BOOT, BOOT_NS);
    }
}

static void nina_realize(SSIPeripheral *dev, Error **errp)
{
    K210NinaState *s = K210_NINA(dev);

    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, nina_timer, s);
    qemu_chr_fe_set_handlers(&s->chr, nina_can_receive, nina_receive, NULL,
                             NULL, s, NULL, true);
}

static void nina_init(Object *obj)
{
    K210NinaState *s = K210_NINA(obj);
    DeviceState *dev = DEVICE(obj);

    qdev_init_gpio_in_named(dev, nina_reset_line, "reset", 1);
    qdev_init_gpio_in_named(dev, nina_sclk, "sclk", 1);
    qdev_init_gpio_in_named(dev, nina_mosi, "mosi", 1);
    qdev_init_gpio_out_named(dev, &s->ready, "ready", 1);
    qdev_init_gpio_out_named(dev, &s->miso, "miso", 1);
}

static int nina_post_load(void *opaque, int version_id)
{
    K210NinaState *s = opaque;

    return s->len <= FRAME_MAX && s->pos <= s->len && s->bits <= 8 &&
           s->n_from_host <= sizeof(s->from_host) ? 0 : -EINVAL;
}

static const VMStateDescription vmstate_nina = {
    .name = TYPE_K210_NINA,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = nina_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_SSI_PERIPHERAL(parent_obj, K210NinaState),
        VMSTATE_TIMER_PTR(timer, K210NinaState),
        VMSTATE_UINT8(state, K210NinaState),
        VMSTATE_BOOL(selected, K210NinaState),
        VMSTATE_BOOL(in_reset, K210NinaState),
        VMSTATE_BOOL(stale, K210NinaState),
        VMSTATE_UINT8_ARRAY(frame, K210NinaState, FRAME_MAX),
        VMSTATE_UINT32(len, K210NinaState),
        VMSTATE_UINT32(pos, K210NinaState),
        VMSTATE_UINT8_ARRAY(from_host, K210NinaState, FRAME_MAX + 2),
        VMSTATE_UINT32(n_from_host, K210NinaState),
        VMSTATE_BOOL(sclk, K210NinaState),
        VMSTATE_BOOL(mosi, K210NinaState),
        VMSTATE_UINT8(shift_in, K210NinaState),
        VMSTATE_UINT8(shift_out, K210NinaState),
        VMSTATE_UINT8(bits, K210NinaState),
        VMSTATE_END_OF_LIST()
    },
};

static const Property nina_properties[] = {
    DEFINE_PROP_CHR("chardev", K210NinaState, chr),
    DEFINE_PROP_LINK("fpioa", K210NinaState, fpioa, TYPE_K210_FPIOA,
                     K210FpioaState *),
    DEFINE_PROP_UINT32("sclk-pad", K210NinaState, sclk_pad, 0),
    DEFINE_PROP_UINT32("mosi-pad", K210NinaState, mosi_pad, 0),
};

static void nina_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    SSIPeripheralClass *k = SSI_PERIPHERAL_CLASS(klass);

    k->realize = nina_realize;
    k->transfer = nina_transfer;
    k->set_cs = nina_set_cs;
    k->cs_polarity = SSI_CS_LOW;
    RESETTABLE_CLASS(klass)->phases.hold = nina_reset_hold;
    dc->vmsd = &vmstate_nina;
    dc->desc = "ESP32 with NINA firmware on SPI";
    dc->user_creatable = false;
    device_class_set_props(dc, nina_properties);
}

static const TypeInfo nina_types[] = {
    {
        .name = TYPE_K210_NINA,
        .parent = TYPE_SSI_PERIPHERAL,
        .instance_size = sizeof(K210NinaState),
        .instance_init = nina_init,
        .class_init = nina_class_init,
    },
};
DEFINE_TYPES(nina_types)
