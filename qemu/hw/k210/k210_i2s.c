/*
 * Kendryte K210: I2S0..2 (DesignWare I2S, master)
 *
 * One frame, a left and a right sample on every enabled channel, passes each
 * 2 * (word select length) bit clocks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "system/system.h"
#include "hw/k210/k210_i2s.h"
#include "hw/k210/k210_mmio.h"
#include "trace.h"

REG32(IER, 0x00)
REG32(IRER, 0x04)
REG32(ITER, 0x08)
REG32(CER, 0x0c)
REG32(CCR, 0x10)
    FIELD(CCR, WS_LENGTH, 3, 2)
    FIELD(CCR, ALIGN, 5, 3)
    FIELD(CCR, DMA_TX_EN, 8, 1)
    FIELD(CCR, DMA_RX_EN, 9, 1)
    FIELD(CCR, DMA_DIVIDE_16, 10, 1)
    FIELD(CCR, SIGN_EXPAND, 11, 1)
REG32(RXFFR, 0x14)
REG32(TXFFR, 0x18)
/* Channel registers repeat every 0x40 bytes. */
REG32(LBR, 0x20)
REG32(RBR, 0x24)
REG32(RER, 0x28)
REG32(TER, 0x2c)
REG32(RCR, 0x30)
REG32(TCR, 0x34)
REG32(ISR, 0x38)
    FIELD(ISR, RXDA, 0, 1)
    FIELD(ISR, RXFO, 1, 1)
    FIELD(ISR, TXFE, 4, 1)
    FIELD(ISR, TXFO, 5, 1)
REG32(IMR, 0x3c)
REG32(ROR, 0x40)
REG32(TOR, 0x44)
REG32(RFCR, 0x48)
REG32(TFCR, 0x4c)
REG32(RFF, 0x50)
REG32(TFF, 0x54)
REG32(CHANNELS_END, 0x120)
REG32(RXDMA, 0x1c0)
REG32(RRXDMA, 0x1c4)
REG32(TXDMA, 0x1c8)
REG32(RTXDMA, 0x1cc)
REG32(COMP_PARAM_2, 0x1f0)
REG32(COMP_PARAM_1, 0x1f4)
REG32(COMP_VERSION, 0x1f8)
REG32(COMP_TYPE, 0x1fc)

#define CHANNEL_STRIDE 0x40
#define IMR_ALL (R_ISR_RXDA_MASK | R_ISR_RXFO_MASK | \
                 R_ISR_TXFE_MASK | R_ISR_TXFO_MASK)
/* 32-bit words, 4 + 4 channels, 16-deep FIFOs, APB 32 bits wide. */
#define I2S_COMP_PARAM_1 0x092407fe
#define I2S_COMP_PARAM_2 0x00001224
#define I2S_COMP_VERSION 0x3131302a /* "110*": not published */
#define I2S_COMP_TYPE 0x445701a0

/* Frames between two updates of the sound file's header. */
#define WAV_FLUSH_FRAMES 4096

static unsigned resolution(uint32_t code)
{
    static const uint8_t bits[] = { 32, 12, 16, 20, 24, 32, 32, 32 };

    return bits[code & 7];
}

static unsigned ws_clocks(K210I2sState *s)
{
    static const uint8_t clocks[] = { 16, 24, 32, 32 };

    return clocks[FIELD_EX32(s->ccr, CCR, WS_LENGTH)];
}

static uint32_t frame_rate(K210I2sState *s)
{
    unsigned clocks = 2 * ws_clocks(s);

    return (clock_get_hz(s->clk) + clocks / 2) / clocks;
}

static bool running(K210I2sState *s)
{
    return (s->ier & 1) && (s->cer & 1) && ((s->irer | s->iter) & 1);
}

static bool tx_on(K210I2sState *s, int n)
{
    return (s->iter & 1) && (s->ch[n].ter & 1);
}

static bool rx_on(K210I2sState *s, int n)
{
    return (s->irer & 1) && (s->ch[n].rer & 1);
}

static uint32_t channel_status(K210I2sChannel *c)
{
    uint32_t r = 0;
    uint32_t rx = MIN(c->rx[0].used, c->rx[1].used);
    uint32_t tx = MAX(c->tx[0].used, c->tx[1].used);

    r = FIELD_DP32(r, ISR, RXDA, rx > (c->rfcr & 0xf));
    r = FIELD_DP32(r, ISR, RXFO, c->rx_overrun);
    r = FIELD_DP32(r, ISR, TXFE, tx <= (c->tfcr & 0xf));
    r = FIELD_DP32(r, ISR, TXFO, c->tx_overrun);
    return r;
}

/* Words that the DMA port takes before the first FIFO has no room, or data. */
static unsigned dma_room(K210I2sState *s, bool tx)
{
    bool halves = FIELD_EX32(s->ccr, CCR, DMA_DIVIDE_16);
    unsigned phase = tx ? s->tx_phase : s->rx_phase;
    unsigned left[2 * K210_I2S_CHANNELS], cycle = 0, room = UINT_MAX;

    for (int i = 0; i < K210_I2S_CHANNELS; i++) {
        unsigned n[2];

        if (!(tx ? tx_on(s, i) : rx_on(s, i))) {
            continue;
        }
        for (int side = 0; side < 2; side++) {
            n[side] = tx ? K210_I2S_FIFO - s->ch[i].tx[side].used
                         : s->ch[i].rx[side].used;
        }
        if (halves) {
            left[cycle++] = MIN(n[0], n[1]);
        } else {
            left[cycle++] = n[0];
            left[cycle++] = n[1];
        }
    }
    for (unsigned k = 0; k < cycle; k++) {
        /* After an underrun in the middle of a pair one side is ahead. */
        unsigned turn = (k + cycle - phase % cycle) % cycle;

        room = MIN(room, left[k] * cycle + turn);
    }
    return cycle ? room : 0;
}

static void update(K210I2sState *s)
{
    bool irq = s->apu_irq;

    for (int i = 0; i < K210_I2S_CHANNELS && (s->ier & 1); i++) {
        K210I2sChannel *c = &s->ch[i];
        uint32_t status = channel_status(c);

        if (!tx_on(s, i)) {
            status &= ~(R_ISR_TXFE_MASK | R_ISR_TXFO_MASK);
        }
        irq |= (status & ~c->imr & IMR_ALL) != 0;
    }
    qemu_set_irq(s->irq, irq);
    qemu_set_irq(s->dma_tx, (s->ier & 1) &&
                 FIELD_EX32(s->ccr, CCR, DMA_TX_EN) ? dma_room(s, true) : 0);
    qemu_set_irq(s->dma_rx, (s->ier & 1) &&
                 FIELD_EX32(s->ccr, CCR, DMA_RX_EN) ? dma_room(s, false) : 0);
}

static void schedule(K210I2sState *s)
{
    int64_t deadline = INT64_MAX;

    if (running(s)) {
        deadline = k210_ticks_deadline(&s->ticks, s->clk, s->next_frame);
    }
    if (deadline == INT64_MAX) {
        timer_del(&s->timer);
    } else {
        timer_mod(&s->timer, deadline);
    }
}

/* Sound files */

/* "%d" in a file name stands for the number of the block. */
static char *file_name(K210I2sState *s, const char *pattern)
{
    g_autofree char *number = g_strdup_printf("%u", s->index);
    g_auto(GStrv) parts = g_strsplit(pattern, "%d", 0);

    return g_strjoinv(number, parts);
}

static bool load_wav(K210I2sState *s, Error **errp)
{
    g_autofree char *path = file_name(s, s->wav_in);
    K210WavData data;

    if (!k210_wav_load(&data, path, errp)) {
        error_prepend(errp, "k210-i2s%u: wav-in: ", s->index);
        return false;
    }
    k210_wav_free(&s->in);
    s->in = data;
    s->frame = 0;
    return true;
}

static bool open_wav(K210I2sState *s)
{
    g_autofree char *path = NULL;
    unsigned channels = 0;
    Error *err = NULL;

    if (s->out.file) {
        return true;
    }
    if (!s->wav_out || s->out_failed) {
        return false;
    }
    s->out_mask = 0;
    for (int i = 0; i < K210_I2S_CHANNELS; i++) {
        if (tx_on(s, i)) {
            s->out_mask |= 1 << i;
            channels += 2;
        }
    }
    path = file_name(s, s->wav_out);
    if (!k210_wav_create(&s->out, path, channels, frame_rate(s), &err)) {
        error_reportf_err(err, "k210-i2s%u: ", s->index);
        s->out_failed = true;
        return false;
    }
    return true;
}

static int16_t to_pcm(uint32_t sample, unsigned bits)
{
    int32_t v = sextract32(sample, 0, bits);

    return bits > 16 ? v >> (bits - 16) : v << (16 - bits);
}

static uint32_t from_pcm(K210I2sState *s, int16_t v, unsigned bits)
{
    int32_t wide = bits > 16 ? (int32_t)v << (bits - 16) : v >> (16 - bits);

    if (FIELD_EX32(s->ccr, CCR, SIGN_EXPAND) || bits == 32) {
        return wide;
    }
    return extract32(wide, 0, bits);
}

/* What a receiver hears in this frame. */
static int16_t heard(K210I2sState *s, int side)
{
    uint32_t rate = frame_rate(s);
    uint64_t i;

    if (!s->in.frames || !rate) {
        return 0;
    }
    i = s->frame * s->in.rate / rate;
    if (s->wav_loop) {
        i %= s->in.frames;
    } else if (i >= s->in.frames) {
        return 0;
    }
    return s->in.samples[i * s->in.channels + (s->in.channels == 2 ? side : 0)];
}

static void send_frame(K210I2sState *s)
{
    int16_t pcm[2 * K210_I2S_CHANNELS] = {};
    bool any = false;
    int n = 0;

    for (int i = 0; i < K210_I2S_CHANNELS; i++) {
        K210I2sChannel *c = &s->ch[i];
        bool on = tx_on(s, i);

        for (int side = 0; side < 2; side++) {
            uint32_t v = 0;

            any |= on && k210_i2s_fifo_pop(&c->tx[side], &v);
            if (s->out.file ? s->out_mask & (1 << i) : on) {
                pcm[n++] = to_pcm(v, resolution(c->tcr));
            }
        }
    }
    /* The file begins with the first sample; later gaps are silence. */
    if ((any || s->out.file) && open_wav(s)) {
        k210_wav_write(&s->out, pcm);
        if (s->out.data_bytes % (WAV_FLUSH_FRAMES * 2 * s->out.channels) == 0) {
            k210_wav_flush(&s->out);
        }
    }
}

static void receive_frame(K210I2sState *s)
{
    for (int i = 0; i < K210_I2S_CHANNELS; i++) {
        K210I2sChannel *c = &s->ch[i];

        if (!rx_on(s, i)) {
            continue;
        }
        for (int side = 0; side < 2; side++) {
            if (!k210_i2s_fifo_push(&c->rx[side], from_pcm(s, heard(s, side),
                                                  resolution(c->rcr)))) {
                c->rx_overrun = true;
            }
        }
    }
    s->frame++;
}

static void k210_i2s_frame(void *opaque)
{
    K210I2sState *s = opaque;

    if (s->iter & 1) {
        send_frame(s);
    }
    if (s->irer & 1) {
        receive_frame(s);
    }
    s->next_frame += 2 * ws_clocks(s);
    schedule(s);
    update(s);
}

/* Registers */

static void push_tx(K210I2sState *s, int n, int side, uint32_t v)
{
    K210I2sChannel *c = &s->ch[n];

    if (!(s->ier & 1)) {
        k210_guest_error("k210-i2s%u: sample written while IER is 0",
                         s->index);
        return;
    }
    if (!k210_i2s_fifo_push(&c->tx[side], v)) {
        c->tx_overrun = true;
        k210_guest_error("k210-i2s%u: transmit FIFO %d overrun", s->index, n);
    }
}

static uint32_t pop_rx(K210I2sState *s, int n, int side)
{
    uint32_t v = 0;

    k210_i2s_fifo_pop(&s->ch[n].rx[side], &v);
    return v;
}

/* The channel that a position in the DMA port's cycle belongs to. */
static int dma_channel(K210I2sState *s, uint32_t *phase, bool tx, int *side)
{
    bool halves = FIELD_EX32(s->ccr, CCR, DMA_DIVIDE_16);
    int order[K210_I2S_CHANNELS], enabled = 0;
    unsigned p;

    for (int i = 0; i < K210_I2S_CHANNELS; i++) {
        if (tx ? tx_on(s, i) : rx_on(s, i)) {
            order[enabled++] = i;
        }
    }
    if (!enabled) {
        k210_guest_error("k210-i2s%u: %s access with no channel enabled",
                         s->index, tx ? "TXDMA" : "RXDMA");
        return -1;
    }
    p = *phase % (halves ? enabled : 2 * enabled);
    *phase = (p + 1) % (halves ? enabled : 2 * enabled);
    *side = halves ? 0 : p % 2;
    return order[halves ? p : p / 2];
}

static uint32_t read_rxdma(K210I2sState *s)
{
    int side, n = dma_channel(s, &s->rx_phase, false, &side);
    uint32_t left;

    if (n < 0) {
        return 0;
    }
    if (!FIELD_EX32(s->ccr, CCR, DMA_DIVIDE_16)) {
        return pop_rx(s, n, side);
    }
    left = pop_rx(s, n, 0) & 0xffff;
    return left | pop_rx(s, n, 1) << 16;
}

static void write_txdma(K210I2sState *s, uint32_t v)
{
    int side, n = dma_channel(s, &s->tx_phase, true, &side);

    if (n < 0) {
        return;
    }
    if (!FIELD_EX32(s->ccr, CCR, DMA_DIVIDE_16)) {
        push_tx(s, n, side, v);
    } else {
        push_tx(s, n, 0, v & 0xffff);
        push_tx(s, n, 1, v >> 16);
    }
}

static void flush_rx(K210I2sState *s)
{
    for (int i = 0; i < K210_I2S_CHANNELS; i++) {
        k210_i2s_fifo_clear(s->ch[i].rx);
    }
    s->rx_phase = 0;
}

static void flush_tx(K210I2sState *s)
{
    for (int i = 0; i < K210_I2S_CHANNELS; i++) {
        k210_i2s_fifo_clear(s->ch[i].tx);
    }
    s->tx_phase = 0;
}

static uint32_t channel_read(K210I2sState *s, int n, hwaddr reg)
{
    K210I2sChannel *c = &s->ch[n];

    switch (reg) {
    case A_LBR:
        return pop_rx(s, n, 0);
    case A_RBR:
        return pop_rx(s, n, 1);
    case A_RER:
        return c->rer;
    case A_TER:
        return c->ter;
    case A_RCR:
        return c->rcr;
    case A_TCR:
        return c->tcr;
    case A_ISR:
        return channel_status(c);
    case A_IMR:
        return c->imr;
    case A_ROR:
        c->rx_overrun = false;
        return 0;
    case A_TOR:
        c->tx_overrun = false;
        return 0;
    case A_RFCR:
        return c->rfcr;
    case A_TFCR:
        return c->tfcr;
    default: /* write-only and reserved */
        return 0;
    }
}

static void channel_write(K210I2sState *s, int n, hwaddr reg, uint32_t v)
{
    K210I2sChannel *c = &s->ch[n];

    switch (reg) {
    case A_LBR:
        push_tx(s, n, 0, v);
        break;
    case A_RBR:
        push_tx(s, n, 1, v);
        break;
    case A_RER:
        c->rer = v & 1;
        break;
    case A_TER:
        c->ter = v & 1;
        break;
    case A_RCR:
        c->rcr = v & 7;
        break;
    case A_TCR:
        c->tcr = v & 7;
        break;
    case A_IMR:
        c->imr = v & IMR_ALL;
        break;
    case A_RFCR:
        c->rfcr = v & 0xf;
        break;
    case A_TFCR:
        c->tfcr = v & 0xf;
        break;
    case A_RFF:
        if (v & 1) {
            k210_i2s_fifo_clear(c->rx);
        }
        break;
    case A_TFF:
        if (v & 1) {
            k210_i2s_fifo_clear(c->tx);
        }
        break;
    case A_ROR: case A_TOR: case A_ISR:
        break; /* drivers write to what a read clears */
    default:
        break; /* the two reserved words of a channel */
    }
}

static uint64_t k210_i2s_read(void *opaque, hwaddr addr, unsigned size)
{
    K210I2sState *s = opaque;
    uint64_t r = 0;

    if (!k210_mmio_ok(TYPE_K210_I2S, false, addr, size)) {
        return 0;
    }
    switch (addr) {
    case A_IER:
        r = s->ier;
        break;
    case A_IRER:
        r = s->irer;
        break;
    case A_ITER:
        r = s->iter;
        break;
    case A_CER:
        r = s->cer;
        break;
    case A_CCR:
        r = s->ccr;
        break;
    case A_LBR ... A_CHANNELS_END - 4:
        addr -= A_LBR;
        r = channel_read(s, addr / CHANNEL_STRIDE,
                         addr % CHANNEL_STRIDE + A_LBR);
        addr += A_LBR;
        break;
    case A_RXDMA:
        r = read_rxdma(s);
        break;
    case A_COMP_PARAM_2:
        r = I2S_COMP_PARAM_2;
        break;
    case A_COMP_PARAM_1:
        r = I2S_COMP_PARAM_1;
        break;
    case A_COMP_VERSION:
        r = I2S_COMP_VERSION;
        break;
    case A_COMP_TYPE:
        r = I2S_COMP_TYPE;
        break;
    case A_RXFFR: case A_TXFFR: case 0x1c: case A_RRXDMA: case A_TXDMA:
    case A_RTXDMA:
        break;
    default:
        k210_mmio_no_register(TYPE_K210_I2S, false, addr);
    }
    update(s);
    trace_k210_i2s_read(s->index, addr, r);
    return r;
}

static void set_enables(K210I2sState *s, uint32_t *reg, uint32_t v)
{
    bool was = running(s);

    *reg = v & 1;
    if (reg == &s->ier && !(v & 1)) {
        flush_rx(s);
        flush_tx(s);
    }
    if (running(s) && !was) {
        s->next_frame = k210_ticks_now(&s->ticks, s->clk) + 2 * ws_clocks(s);
        trace_k210_i2s_start(s->index, frame_rate(s));
    } else if (was && !running(s)) {
        k210_wav_flush(&s->out);
    }
    schedule(s);
}

static void k210_i2s_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    K210I2sState *s = opaque;
    uint32_t v = value;

    trace_k210_i2s_write(s->index, addr, v);
    if (!k210_mmio_ok(TYPE_K210_I2S, true, addr, size)) {
        return;
    }
    switch (addr) {
    case A_IER:
        set_enables(s, &s->ier, v);
        break;
    case A_IRER:
        set_enables(s, &s->irer, v);
        break;
    case A_ITER:
        set_enables(s, &s->iter, v);
        break;
    case A_CER:
        set_enables(s, &s->cer, v);
        break;
    case A_CCR:
        if (s->cer & 1 && (v ^ s->ccr) & R_CCR_WS_LENGTH_MASK) {
            k210_guest_error("k210-i2s%u: word select length changed while "
                             "CER is 1", s->index);
        }
        s->ccr = v & 0xfff;
        break;
    case A_RXFFR:
        if (v & 1) {
            flush_rx(s);
        }
        break;
    case A_TXFFR:
        if (v & 1) {
            flush_tx(s);
        }
        break;
    case A_LBR ... A_CHANNELS_END - 4:
        addr -= A_LBR;
        channel_write(s, addr / CHANNEL_STRIDE, addr % CHANNEL_STRIDE + A_LBR,
                      v);
        break;
    case A_TXDMA:
        write_txdma(s, v);
        break;
    case A_RRXDMA:
        s->rx_phase = 0;
        break;
    case A_RTXDMA:
        s->tx_phase = 0;
        break;
    case 0x1c: case A_RXDMA:
        break;
    case A_COMP_PARAM_2 ... A_COMP_TYPE:
        k210_mmio_read_only(TYPE_K210_I2S, addr);
        break;
    default:
        k210_mmio_no_register(TYPE_K210_I2S, true, addr);
    }
    update(s);
}

static const MemoryRegionOps k210_i2s_ops =
    K210_MMIO_OPS(k210_i2s_read, k210_i2s_write);

static void k210_i2s_set_apu_irq(void *opaque, int n, int level)
{
    K210I2sState *s = opaque;

    s->apu_irq = level;
    update(s);
}

static void k210_i2s_clock_event(void *opaque, ClockEvent event)
{
    K210I2sState *s = opaque;

    if (event == ClockPreUpdate) {
        k210_ticks_rebase(&s->ticks, s->clk);
    } else {
        schedule(s);
    }
}

static void k210_i2s_exit(Notifier *n, void *data)
{
    k210_wav_close(&container_of(n, K210I2sState, exit)->out);
}

static void k210_i2s_reset_hold(Object *obj, ResetType type)
{
    K210I2sState *s = K210_I2S(obj);

    s->ier = s->irer = s->iter = s->cer = s->ccr = 0;
    s->rx_phase = s->tx_phase = 0;
    memset(s->ch, 0, sizeof(s->ch));
    for (int i = 0; i < K210_I2S_CHANNELS; i++) {
        s->ch[i].rer = s->ch[i].ter = 1;
        s->ch[i].imr = IMR_ALL;
    }
    timer_del(&s->timer);
    k210_wav_flush(&s->out);
    qemu_set_irq(s->apu_reset, 1);
    qemu_set_irq(s->apu_reset, 0);
    update(s);
}

static const VMStateDescription vmstate_k210_i2s_fifo = {
    .name = "k210-i2s-fifo",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(data, K210I2sFifo, K210_I2S_FIFO),
        VMSTATE_UINT32(pos, K210I2sFifo),
        VMSTATE_UINT32(used, K210I2sFifo),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_k210_i2s_channel = {
    .name = "k210-i2s-channel",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_ARRAY(tx, K210I2sChannel, 2, 1, vmstate_k210_i2s_fifo,
                             K210I2sFifo),
        VMSTATE_STRUCT_ARRAY(rx, K210I2sChannel, 2, 1, vmstate_k210_i2s_fifo,
                             K210I2sFifo),
        VMSTATE_UINT32(rer, K210I2sChannel),
        VMSTATE_UINT32(ter, K210I2sChannel),
        VMSTATE_UINT32(rcr, K210I2sChannel),
        VMSTATE_UINT32(tcr, K210I2sChannel),
        VMSTATE_UINT32(imr, K210I2sChannel),
        VMSTATE_UINT32(rfcr, K210I2sChannel),
        VMSTATE_UINT32(tfcr, K210I2sChannel),
        VMSTATE_BOOL(rx_overrun, K210I2sChannel),
        VMSTATE_BOOL(tx_overrun, K210I2sChannel),
        VMSTATE_END_OF_LIST()
    }
};

static int k210_i2s_post_load(void *opaque, int version_id)
{
    K210I2sState *s = opaque;

    for (int i = 0; i < 2 * K210_I2S_CHANNELS; i++) {
        K210I2sChannel *c = &s->ch[i / 2];

        if (c->tx[i % 2].pos >= K210_I2S_FIFO ||
            c->tx[i % 2].used > K210_I2S_FIFO ||
            c->rx[i % 2].pos >= K210_I2S_FIFO ||
            c->rx[i % 2].used > K210_I2S_FIFO) {
            return -EINVAL;
        }
    }
    return 0;
}

static const VMStateDescription vmstate_k210_i2s = {
    .name = TYPE_K210_I2S,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = k210_i2s_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_K210_TICKS(ticks, K210I2sState),
        VMSTATE_TIMER(timer, K210I2sState),
        VMSTATE_UINT64(frame, K210I2sState),
        VMSTATE_UINT64(next_frame, K210I2sState),
        VMSTATE_UINT32(ier, K210I2sState),
        VMSTATE_UINT32(irer, K210I2sState),
        VMSTATE_UINT32(iter, K210I2sState),
        VMSTATE_UINT32(cer, K210I2sState),
        VMSTATE_UINT32(ccr, K210I2sState),
        VMSTATE_UINT32(rx_phase, K210I2sState),
        VMSTATE_UINT32(tx_phase, K210I2sState),
        VMSTATE_BOOL(apu_irq, K210I2sState),
        VMSTATE_STRUCT_ARRAY(ch, K210I2sState, K210_I2S_CHANNELS, 1,
                             vmstate_k210_i2s_channel, K210I2sChannel),
        VMSTATE_CLOCK(clk, K210I2sState),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_i2s_init(Object *obj)
{
    K210I2sState *s = K210_I2S(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &k210_i2s_ops, s, TYPE_K210_I2S,
                          0x200);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    qdev_init_gpio_out_named(dev, &s->dma_rx, "dma-rx", 1);
    qdev_init_gpio_out_named(dev, &s->dma_tx, "dma-tx", 1);
    qdev_init_gpio_out_named(dev, &s->apu_reset, "apu-reset", 1);
    qdev_init_gpio_in_named(dev, k210_i2s_set_apu_irq, "apu-irq", 1);
    s->clk = qdev_init_clock_in(dev, "clk", k210_i2s_clock_event, s,
                                ClockPreUpdate | ClockUpdate);
    timer_init_ns(&s->timer, QEMU_CLOCK_VIRTUAL, k210_i2s_frame, s);
}

static void k210_i2s_realize(DeviceState *dev, Error **errp)
{
    K210I2sState *s = K210_I2S(dev);

    if (s->wav_in && !load_wav(s, errp)) {
        return;
    }
    s->exit.notify = k210_i2s_exit;
    qemu_add_exit_notifier(&s->exit);
}

static void k210_i2s_finalize(Object *obj)
{
    K210I2sState *s = K210_I2S(obj);

    timer_del(&s->timer);
    k210_wav_close(&s->out);
    k210_wav_free(&s->in);
    g_free(s->wav_out);
    g_free(s->wav_in);
}

/* Both files may be changed while the machine runs; "" takes them away. */
static char *k210_i2s_get_wav_out(Object *obj, Error **errp)
{
    return g_strdup(K210_I2S(obj)->wav_out ?: "");
}

static void k210_i2s_set_wav_out(Object *obj, const char *v, Error **errp)
{
    K210I2sState *s = K210_I2S(obj);

    k210_wav_close(&s->out);
    g_free(s->wav_out);
    s->wav_out = *v ? g_strdup(v) : NULL;
    s->out_failed = false;
}

static char *k210_i2s_get_wav_in(Object *obj, Error **errp)
{
    return g_strdup(K210_I2S(obj)->wav_in ?: "");
}

static void k210_i2s_set_wav_in(Object *obj, const char *v, Error **errp)
{
    K210I2sState *s = K210_I2S(obj);

    g_free(s->wav_in);
    s->wav_in = *v ? g_strdup(v) : NULL;
    if (!s->wav_in) {
        k210_wav_free(&s->in);
    } else if (DEVICE(obj)->realized) {
        load_wav(s, errp);
    }
}

static const Property k210_i2s_properties[] = {
    DEFINE_PROP_UINT32("index", K210I2sState, index, 0),
    DEFINE_PROP_BOOL("wav-loop", K210I2sState, wav_loop, false),
};

static void k210_i2s_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->realize = k210_i2s_realize;
    dc->vmsd = &vmstate_k210_i2s;
    dc->desc = "K210 I2S (DesignWare I2S)";
    set_bit(DEVICE_CATEGORY_SOUND, dc->categories);
    device_class_set_props(dc, k210_i2s_properties);
    object_class_property_add_str(klass, "wav-out", k210_i2s_get_wav_out,
                                  k210_i2s_set_wav_out);
    object_class_property_add_str(klass, "wav-in", k210_i2s_get_wav_in,
                                  k210_i2s_set_wav_in);
    RESETTABLE_CLASS(klass)->phases.hold = k210_i2s_reset_hold;
}

static const TypeInfo k210_i2s_types[] = {
    {
        .name = TYPE_K210_I2S,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210I2sState),
        .instance_init = k210_i2s_init,
        .instance_finalize = k210_i2s_finalize,
        .class_init = k210_i2s_class_init,
    },
};
DEFINE_TYPES(k210_i2s_types)
