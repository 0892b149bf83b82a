/*
 * Kendryte K210: pad matrix (FPIOA)
 *
 *            function f (one of 256)                pad p (one of 48)
 *   func-out --> do_sel/do_inv --+
 *   func-oe  --> oe_en/oe_inv ---+--> driver ---+-- pad-out
 *   func-in  <-- tie <-- ie_en/di_inv <---------+-- pad-in, pulls
 *
 * A pad takes its function from ch_sel; several pads may have the same.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/cutils.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "hw/k210/k210_fpioa.h"
#include "hw/k210/k210_reg32.h"
#include "hw/k210/k210_strict.h"
#include "migration/vmstate.h"
#include "trace.h"

REG32(IO0, 0x00)
    FIELD(IO0, CH_SEL, 0, 8)
    FIELD(IO0, DS, 8, 4)
    FIELD(IO0, OE_EN, 12, 1)
    FIELD(IO0, OE_INV, 13, 1)
    FIELD(IO0, DO_SEL, 14, 1)
    FIELD(IO0, DO_INV, 15, 1)
    FIELD(IO0, PU, 16, 1)
    FIELD(IO0, PD, 17, 1)
    FIELD(IO0, SL, 19, 1)
    FIELD(IO0, IE_EN, 20, 1)
    FIELD(IO0, IE_INV, 21, 1)
    FIELD(IO0, DI_INV, 22, 1)
    FIELD(IO0, ST, 23, 1)
    FIELD(IO0, PAD_DI, 31, 1)
REG32(IO47, 0xbc)
REG32(TIE_EN0, 0xc0)
REG32(TIE_VAL0, 0xe0)

#define IO_WRITE_MASK   0x00ffffff

/* Words that drivers program for a class of functions, without ch_sel. */
#define WORD_IN     0x00900000
#define WORD_OUT    0x00001f00
#define WORD_GPIO   0x00901f00

static unsigned pad_func(K210FpioaState *s, unsigned pad)
{
    return FIELD_EX32(s->io[pad], IO0, CH_SEL);
}

unsigned k210_fpioa_func_of(K210FpioaState *s, unsigned pad)
{
    return pad_func(s, pad);
}

int k210_fpioa_pad_of(K210FpioaState *s, unsigned func)
{
    for (int i = 0; i < K210_NPADS; i++) {
        if (pad_func(s, i) == func) {
            return i;
        }
    }
    return -1;
}

/* True if the chip drives the pad; *level is what it drives. */
static bool pad_driven(K210FpioaState *s, unsigned pad, bool *level)
{
    uint32_t io = s->io[pad];
    unsigned f = pad_func(s, pad);

    *level = (FIELD_EX32(io, IO0, DO_SEL) ? s->func_oe[f] : s->func_out[f]) ^
             FIELD_EX32(io, IO0, DO_INV);
    return FIELD_EX32(io, IO0, OE_EN) &&
           (FIELD_EX32(io, IO0, OE_INV) ^ s->func_oe[f]);
}

/* True if the chip or a part drives the pad. */
static bool pad_or_part_driven(K210FpioaState *s, unsigned pad, bool *level)
{
    if (pad_driven(s, pad, level)) {
        return true;
    }
    *level = s->pad_ext[pad];
    return s->pad_ext[pad] != K210_PAD_Z;
}

static bool pad_pulled_up(K210FpioaState *s, unsigned pad)
{
    /* A resistor on the board is stronger than the pad's own pulls. */
    return extract64(s->pull_ups, pad, 1) || FIELD_EX32(s->io[pad], IO0, PU);
}

static bool pad_compute(K210FpioaState *s, unsigned pad)
{
    bool level;

    if (pad_or_part_driven(s, pad, &level)) {
        return level;
    }
    if (s->jumper[pad]) {
        if (pad_or_part_driven(s, s->jumper[pad] - 1, &level)) {
            return level;
        }
        if (pad_pulled_up(s, s->jumper[pad] - 1)) {
            return true;
        }
    }
    return pad_pulled_up(s, pad);
}

static bool func_compute(K210FpioaState *s, unsigned func)
{
    bool level = false;

    if (extract32(s->tie_en[func / 32], func % 32, 1)) {
        return extract32(s->tie_val[func / 32], func % 32, 1);
    }
    for (int i = 0; i < K210_NPADS; i++) {
        uint32_t io = s->io[i];

        /*
         * ie_inv belongs to an input-enable signal of the function that is
         * published nowhere; ie_en alone is what works for all classes.
         */
        if (pad_func(s, i) == func && FIELD_EX32(io, IO0, IE_EN)) {
            level |= s->pad_level[i] ^ FIELD_EX32(io, IO0, DI_INV);
        }
    }
    return level;
}

static void func_update(K210FpioaState *s, unsigned func)
{
    bool level = func_compute(s, func);

    if (level != s->func_level[func]) {
        s->func_level[func] = level;
        qemu_set_irq(s->func_in[func], level);
    }
}

static void pad_settle(K210FpioaState *s, unsigned pad)
{
    bool level = pad_compute(s, pad);

    if (level != s->pad_level[pad]) {
        s->pad_level[pad] = level;
        trace_k210_fpioa_pad(pad, level);
        if (pad + 1 == s->probe && s->edges < K210_EDGES) {
            s->edge_ns[s->edges] = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
            s->edge_level[s->edges++] = level;
        }
        qemu_set_irq(s->pad_out[pad], level);
    }
    func_update(s, pad_func(s, pad));
}

static void pad_update(K210FpioaState *s, unsigned pad)
{
    pad_settle(s, pad);
    if (s->jumper[pad]) {
        pad_settle(s, s->jumper[pad] - 1);
    }
}

static void pads_of_func_update(K210FpioaState *s, unsigned func)
{
    for (int i = 0; i < K210_NPADS; i++) {
        if (pad_func(s, i) == func) {
            pad_update(s, i);
        }
    }
}

static void fpioa_set_func_out(void *opaque, int func, int level)
{
    K210FpioaState *s = opaque;

    if (s->func_out[func] != !!level) {
        s->func_out[func] = !!level;
        pads_of_func_update(s, func);
    }
}

static void fpioa_set_func_oe(void *opaque, int func, int level)
{
    K210FpioaState *s = opaque;

    if (s->func_oe[func] != !!level) {
        s->func_oe[func] = !!level;
        pads_of_func_update(s, func);
    }
}

static void fpioa_set_pad(void *opaque, int pad, int level)
{
    K210FpioaState *s = opaque;

    s->pad_ext[pad] = level == K210_PAD_Z ? K210_PAD_Z : !!level;
    pad_update(s, pad);
}

static uint32_t fpioa_read32(K210FpioaState *s, hwaddr addr)
{
    uint32_t r;

    if (addr <= A_IO47) {
        r = s->io[addr / 4];
        r = FIELD_DP32(r, IO0, PAD_DI, s->pad_level[addr / 4]);
    } else if (addr < A_TIE_VAL0) {
        r = s->tie_en[(addr - A_TIE_EN0) / 4];
    } else {
        r = s->tie_val[(addr - A_TIE_VAL0) / 4];
    }
    trace_k210_fpioa_read(addr, r);
    return r;
}

static void fpioa_write_tie(K210FpioaState *s, uint32_t *reg, unsigned word,
                            uint32_t value)
{
    uint32_t changed = reg[word] ^ value;

    reg[word] = value;
    for (int i = 0; i < 32; i++) {
        if (extract32(changed, i, 1)) {
            func_update(s, word * 32 + i);
        }
    }
}

static void fpioa_write32(K210FpioaState *s, hwaddr addr, uint32_t value)
{
    trace_k210_fpioa_write(addr, value);
    if (addr <= A_IO47) {
        unsigned pad = addr / 4;
        unsigned old_func = pad_func(s, pad);

        s->io[pad] = value & IO_WRITE_MASK;
        pad_update(s, pad);
        if (pad_func(s, pad) != old_func) {
            func_update(s, old_func);
        }
    } else if (addr < A_TIE_VAL0) {
        fpioa_write_tie(s, s->tie_en, (addr - A_TIE_EN0) / 4, value);
    } else {
        fpioa_write_tie(s, s->tie_val, (addr - A_TIE_VAL0) / 4, value);
    }
}

static uint64_t fpioa_read(void *opaque, hwaddr addr, unsigned size)
{
    return k210_reg32_part(fpioa_read32(opaque, addr & ~3ull), addr);
}

static void fpioa_write(void *opaque, hwaddr addr, uint64_t value,
                        unsigned size)
{
    uint32_t old = size < 4 ? fpioa_read32(opaque, addr & ~3ull) : 0;

    fpioa_write32(opaque, addr & ~3ull,
                  k210_reg32_merge("k210-fpioa", old, addr, value, size));
}

static const MemoryRegionOps fpioa_ops =
    K210_REG32_OPS(fpioa_read, fpioa_write);

/* Functions whose output enable comes from a block by "func-oe". */
static bool func_is_gpio(unsigned f)
{
    return f >= K210_FUNC_GPIOHS0 && f < K210_FUNC_GPIO0 + 8;
}

/*
 * Functions that are not seen driving here: the data lines of SPI (their
 * class has oe_inv, so 1 means off), the open-drain lines of I2C and SCCB
 * (SCCB has oe_inv as well), and the reserved ones.
 */
static bool func_default_oe(unsigned f)
{
    if (func_is_gpio(f) || (f >= 120 && f <= 125) ||
        (f >= K210_FUNC_I2C0_SCLK && f <= 131)) {
        return false;
    }
    return true;
}

/* The function a pad has after reset, from the data sheet. */
static uint32_t pad_reset_word(unsigned pad)
{
    switch (pad) {
    case 0 ... 2:
        return WORD_IN | pad;                   /* JTAG */
    case 3:
        return WORD_OUT | 3;
    case 4:
        return WORD_IN | K210_FUNC_UARTHS_RX;
    case 5:
        return WORD_OUT | K210_FUNC_UARTHS_TX;
    case 6 ... 7:
        return K210_FUNC_RESV0;
    case 8 ... 15:
        return WORD_GPIO | (K210_FUNC_GPIO0 + pad - 8);
    default:
        return WORD_GPIO | (K210_FUNC_GPIOHS0 + pad - 16);
    }
}

static void fpioa_reset_hold(Object *obj, ResetType type)
{
    K210FpioaState *s = K210_FPIOA(obj);

    for (int i = 0; i < K210_NPADS; i++) {
        s->io[i] = pad_reset_word(i);
    }
    memset(s->tie_en, 0, sizeof(s->tie_en));
    memset(s->tie_val, 0, sizeof(s->tie_val));
}

/* The blocks' own lines have their reset levels only after the hold phase. */
static void fpioa_reset_exit(Object *obj, ResetType type)
{
    K210FpioaState *s = K210_FPIOA(obj);

    for (int i = 0; i < K210_NPADS; i++) {
        s->pad_level[i] = pad_compute(s, i);
        qemu_set_irq(s->pad_out[i], s->pad_level[i]);
    }
    for (int i = 0; i < K210_NFUNCS; i++) {
        s->func_level[i] = func_compute(s, i);
        qemu_set_irq(s->func_in[i], s->func_level[i]);
    }
}

static void fpioa_get_pads(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    K210FpioaState *s = K210_FPIOA(obj);
    uint64_t pads = 0;

    for (int i = 0; i < K210_NPADS; i++) {
        pads |= (uint64_t)s->pad_level[i] << i;
    }
    visit_type_uint64(v, name, &pads, errp);
}

static char *fpioa_get_jumpers(Object *obj, Error **errp)
{
    K210FpioaState *s = K210_FPIOA(obj);
    GString *text = g_string_new(NULL);

    for (int i = 0; i < K210_NPADS; i++) {
        if (s->jumper[i] > i + 1) {
            g_string_append_printf(text, "%s%d-%d", text->len ? "," : "", i,
                                   s->jumper[i] - 1);
        }
    }
    return g_string_free(text, FALSE);
}

static void fpioa_set_jumpers(Object *obj, const char *value, Error **errp)
{
    K210FpioaState *s = K210_FPIOA(obj);
    uint8_t jumper[K210_NPADS] = { 0 };

    while (*value) {
        unsigned a, b;

        if (qemu_strtoui(value, &value, 10, &a) != -EINVAL && *value == '-' &&
            qemu_strtoui(value + 1, &value, 10, &b) != -EINVAL &&
            a < K210_NPADS && b < K210_NPADS && a != b &&
            !jumper[a] && !jumper[b] && (*value == ',' || !*value)) {
            jumper[a] = b + 1;
            jumper[b] = a + 1;
            value += *value == ',';
        } else {
            error_setg(errp, "jumpers are pairs of different pads 0 to 47, for"
                       " example 20-21,22-23");
            return;
        }
    }
    memcpy(s->jumper, jumper, sizeof(jumper));
    for (int i = 0; i < K210_NPADS; i++) {
        pad_settle(s, i);
    }
}

static char *fpioa_get_probe(Object *obj, Error **errp)
{
    K210FpioaState *s = K210_FPIOA(obj);

    return s->probe ? g_strdup_printf("%d", s->probe - 1) : g_strdup("");
}

static void fpioa_set_probe(Object *obj, const char *value, Error **errp)
{
    K210FpioaState *s = K210_FPIOA(obj);
    unsigned pad = 0;

    if (*value && (qemu_strtoui(value, NULL, 10, &pad) < 0 ||
                   pad >= K210_NPADS)) {
        error_setg(errp, "the probe is on a pad 0 to 47, or on \"\"");
        return;
    }
    s->probe = *value ? pad + 1 : 0;
    s->edges = 0;
}

static char *fpioa_get_edges(Object *obj, Error **errp)
{
    K210FpioaState *s = K210_FPIOA(obj);
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < s->edges; i++) {
        g_string_append_printf(text, "%s%" PRId64 ":%d", i ? " " : "",
                               s->edge_ns[i], s->edge_level[i]);
    }
    return g_string_free(text, FALSE);
}

static const VMStateDescription vmstate_fpioa = {
    .name = TYPE_K210_FPIOA,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(io, K210FpioaState, K210_NPADS),
        VMSTATE_UINT32_ARRAY(tie_en, K210FpioaState, 8),
        VMSTATE_UINT32_ARRAY(tie_val, K210FpioaState, 8),
        VMSTATE_UINT8_ARRAY(func_out, K210FpioaState, K210_NFUNCS),
        VMSTATE_UINT8_ARRAY(func_oe, K210FpioaState, K210_NFUNCS),
        VMSTATE_UINT8_ARRAY(func_level, K210FpioaState, K210_NFUNCS),
        VMSTATE_UINT8_ARRAY(pad_ext, K210FpioaState, K210_NPADS),
        VMSTATE_UINT8_ARRAY(pad_level, K210FpioaState, K210_NPADS),
        VMSTATE_END_OF_LIST()
    }
};

static const Property fpioa_properties[] = {
    DEFINE_PROP_UINT64("pull-ups", K210FpioaState, pull_ups, 0),
};

static void fpioa_init(Object *obj)
{
    K210FpioaState *s = K210_FPIOA(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &fpioa_ops, s, TYPE_K210_FPIOA, 0x100);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    qdev_init_gpio_in_named(dev, fpioa_set_func_out, "func-out", K210_NFUNCS);
    qdev_init_gpio_in_named(dev, fpioa_set_func_oe, "func-oe", K210_NFUNCS);
    qdev_init_gpio_in_named(dev, fpioa_set_pad, "pad-in", K210_NPADS);
    qdev_init_gpio_out_named(dev, s->func_in, "func-in", K210_NFUNCS);
    qdev_init_gpio_out_named(dev, s->pad_out, "pad-out", K210_NPADS);
    memset(s->pad_ext, K210_PAD_Z, sizeof(s->pad_ext));
    for (int i = 0; i < K210_NFUNCS; i++) {
        s->func_oe[i] = func_default_oe(i);
    }
    object_property_add(obj, "pads", "uint64", fpioa_get_pads, NULL, NULL,
                        NULL);
    object_property_add_str(obj, "jumpers", fpioa_get_jumpers,
                            fpioa_set_jumpers);
    object_property_add_str(obj, "probe", fpioa_get_probe, fpioa_set_probe);
    object_property_add_str(obj, "edges", fpioa_get_edges, NULL);
}

static void fpioa_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "K210 pad matrix";
    dc->vmsd = &vmstate_fpioa;
    device_class_set_props(dc, fpioa_properties);
    rc->phases.hold = fpioa_reset_hold;
    rc->phases.exit = fpioa_reset_exit;
}

static const TypeInfo fpioa_info[] = {
    {
        .name = TYPE_K210_FPIOA,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210FpioaState),
        .instance_init = fpioa_init,
        .class_init = fpioa_class_init,
    },
};

DEFINE_TYPES(fpioa_info)
