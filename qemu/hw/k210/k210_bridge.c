/*
 * Kendryte K210: the board's serial lines to the host
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "chardev/char.h"
#include "hw/k210/k210_bridge.h"
#include "system/system.h"

#define PAD_RX 4
#define PAD_TX 5

/*
 * What a slow host has not read yet is kept up to this many bytes. The chip
 * knows no back-pressure on its pads, so a UART must never wait for the host.
 */
#define MAX_UNREAD (1 * 1024 * 1024)

/*
 * What is taken from the host at once. A character costs a register access
 * this way, and not a turn of the main loop that the harts compete with.
 */
#define MAX_UNSENT 4096

/* How often a line looks for a UART when none has asked. */
#define RETRY_NS (1 * SCALE_MS)

#define TYPE_K210_WIRE "chardev-k210-wire"
OBJECT_DECLARE_SIMPLE_TYPE(K210WireChardev, K210_WIRE)

/* The chardev that a UART model sees. */
struct K210WireChardev {
    Chardev parent_obj;

    K210Bridge *bridge;
    int uart;
};

static unsigned rx_func(int uart)
{
    return uart ? K210_FUNC_UART1_RX + 2 * (uart - 1) : K210_FUNC_UARTHS_RX;
}

static bool on_pad(K210Bridge *b, unsigned func, unsigned pad)
{
    return b->fpioa && (b->fpioa->io[pad] & 0xff) == func;
}

static bool module_on(K210Bridge *b)
{
    return b->fpioa->pad_level[b->module_en] == 1;
}

/* The host line that a UART's output goes to, NULL = into the air. */
static K210HostLine *line_of_tx(K210Bridge *b, int uart)
{
    if (on_pad(b, rx_func(uart) + 1, PAD_TX) || !b->fpioa) {
        return &b->line[b->fpioa ? 0 : uart];
    }
    if (b->module && on_pad(b, rx_func(uart) + 1, b->module_rx)) {
        return module_on(b) ? &b->line[K210_LINE_MODULE] : NULL;
    }
    return uart ? &b->line[uart] : NULL;
}

/* The UART that receives from a host line, or -1. */
static int uart_of_rx(K210Bridge *b, int line)
{
    if (!b->fpioa) {
        return line;
    }
    if (line == 0 || line == K210_LINE_MODULE) {
        unsigned pad = line ? b->module_tx : PAD_RX;

        for (int i = 0; i < K210_NUARTS; i++) {
            if (on_pad(b, rx_func(i), pad)) {
                return line && !module_on(b) ? -1 : i;
            }
        }
        return -1;
    }
    return on_pad(b, rx_func(line), PAD_RX) ||
           (b->module && on_pad(b, rx_func(line), b->module_tx)) ? -1 : line;
}

static void line_flush(K210HostLine *line);

static gboolean line_writable(void *do_not_use, GIOCondition cond, void *opaque)
{
    K210HostLine *line = opaque;

    line->watch = 0;
    line_flush(line);
    return G_SOURCE_REMOVE;
}

static void line_flush(K210HostLine *line)
{
    int n;

    if (line->watch || !line->out->len) {
        return;
    }
    n = qemu_chr_fe_write(&line->chr, line->out->data, line->out->len);
    if (n > 0) {
        g_byte_array_remove_range(line->out, 0, n);
        line->overflow = false;
    }
    if (line->out->len) {
        line->watch = qemu_chr_fe_add_watch(&line->chr, G_IO_OUT | G_IO_HUP,
                                            line_writable, line);
        if (!line->watch) {
            /* No way to wait for this host: it has hung up. */
            g_byte_array_set_size(line->out, 0);
        }
    }
}

static int wire_write(Chardev *chr, const uint8_t *buf, int len)
{
    K210WireChardev *w = K210_WIRE(chr);
    K210HostLine *line = w->bridge ? line_of_tx(w->bridge, w->uart) : NULL;

    if (!line || !qemu_chr_fe_backend_connected(&line->chr)) {
        return len;
    }
    if (line->out->len + len > MAX_UNREAD) {
        if (!line->overflow) {
            warn_report("serial line %d: the host does not read, output lost",
                        line->index);
            line->overflow = true;
        }
        return len;
    }
    g_byte_array_append(line->out, buf, len);
    line_flush(line);
    return len;
}

/* Gives the line's UART what it has room and time for. */
static void line_deliver(K210HostLine *line)
{
    int uart = uart_of_rx(line->bridge, line->index);
    Chardev *wire;

    if (line->delivering) {
        return;
    }
    line->delivering = true;
    wire = uart < 0 ? NULL : CHARDEV(line->bridge->wire[uart]);
    while (wire && !fifo8_is_empty(&line->in) && qemu_chr_be_can_write(wire)) {
        uint8_t c = fifo8_pop(&line->in);

        qemu_chr_be_write(wire, &c, 1);
    }
    line->delivering = false;
    if (line->full && fifo8_num_free(&line->in) >= MAX_UNSENT / 2) {
        line->full = false;
        qemu_chr_fe_accept_input(&line->chr);
    }
    if (fifo8_is_empty(&line->in)) {
        timer_del(line->retry);
    } else if (!timer_pending(line->retry)) {
        timer_mod(line->retry,
                  qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + RETRY_NS);
    }
}

static void line_retry(void *opaque)
{
    line_deliver(opaque);
}

/* A UART has room again: let its host line send. */
static void wire_accept_input(Chardev *chr)
{
    K210WireChardev *w = container_of(chr, K210WireChardev, parent_obj);

    for (int i = 0; w->bridge && i < K210_NLINES; i++) {
        if (!fifo8_is_empty(&w->bridge->line[i].in) &&
            uart_of_rx(w->bridge, i) == w->uart) {
            line_deliver(&w->bridge->line[i]);
        }
    }
}

/* Once per character: no walk through the type hierarchy */
static ObjectClass *wire_class;

static K210WireChardev *wire_of(CharBackend *be)
{
    return be->chr && object_get_class(OBJECT(be->chr)) == wire_class
           ? container_of(be->chr, K210WireChardev, parent_obj) : NULL;
}

void k210_bridge_ask(CharBackend *be)
{
    if (wire_of(be)) {
        wire_accept_input(be->chr);
    } else {
        qemu_chr_fe_accept_input(be);
    }
}

int64_t k210_bridge_waiting_since(CharBackend *be)
{
    K210WireChardev *w = wire_of(be);

    for (int i = 0; w && w->bridge && i < K210_NLINES; i++) {
        if (w->bridge->line[i].delivering) {
            return w->bridge->line[i].in_since;
        }
    }
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void wire_open(Chardev *chr, ChardevBackend *backend, bool *be_opened,
                      Error **errp)
{
    *be_opened = true;
}

static int line_can_read(void *opaque)
{
    K210HostLine *line = opaque;

    line->full = fifo8_num_free(&line->in) < MAX_UNSENT / 2;
    return line->full ? 0 : fifo8_num_free(&line->in);
}

static void line_read(void *opaque, const uint8_t *buf, int size)
{
    K210HostLine *line = opaque;

    /* With no UART on the pad the bytes are lost, as on the board. */
    if (uart_of_rx(line->bridge, line->index) >= 0) {
        if (fifo8_is_empty(&line->in)) {
            line->in_since = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
        }
        fifo8_push_all(&line->in, buf, size);
        line_deliver(line);
    }
}

static void line_event(void *opaque, QEMUChrEvent event)
{
    K210HostLine *line = opaque;
    int uart = uart_of_rx(line->bridge, line->index);

    if (event == CHR_EVENT_BREAK && uart >= 0) {
        qemu_chr_be_event(CHARDEV(line->bridge->wire[uart]), event);
    } else if (event == CHR_EVENT_CLOSED) {
        g_byte_array_set_size(line->out, 0);
    }
}

static void line_init(K210Bridge *b, int i, Chardev *chr)
{
    K210HostLine *line = &b->line[i];

    line->bridge = b;
    line->index = i;
    line->out = g_byte_array_new();
    fifo8_create(&line->in, MAX_UNSENT);
    line->retry = timer_new_ns(QEMU_CLOCK_VIRTUAL, line_retry, line);
    if (chr) {
        qemu_chr_fe_init(&line->chr, chr, &error_fatal);
        qemu_chr_fe_set_handlers(&line->chr, line_can_read, line_read,
                                 line_event, NULL, line, NULL, true);
    }
}

void k210_bridge_init(K210Bridge *b, K210FpioaState *fpioa)
{
    b->fpioa = fpioa;
    for (int i = 0; i < K210_NUARTS; i++) {
        g_autofree char *id = g_strdup_printf("k210-wire%d", i);

        b->wire[i] = K210_WIRE(qemu_chardev_new(id, TYPE_K210_WIRE, NULL, NULL,
                                                &error_fatal));
        b->wire[i]->bridge = b;
        b->wire[i]->uart = i;
        line_init(b, i, serial_hd(i));
    }
    line_init(b, K210_LINE_MODULE, NULL);
}

void k210_bridge_add_module(K210Bridge *b, Chardev *chr, unsigned tx,
                            unsigned rx, unsigned en)
{
    K210HostLine *line = &b->line[K210_LINE_MODULE];

    b->module = true;
    b->module_tx = tx;
    b->module_rx = rx;
    b->module_en = en;
    qemu_chr_fe_init(&line->chr, chr, &error_fatal);
    qemu_chr_fe_set_handlers(&line->chr, line_can_read, line_read, line_event,
                             NULL, line, NULL, true);
}

Chardev *k210_bridge_chardev(K210Bridge *b, int n)
{
    return CHARDEV(b->wire[n]);
}

static void wire_class_init(ObjectClass *oc, void *data)
{
    ChardevClass *cc = CHARDEV_CLASS(oc);

    wire_class = oc;
    cc->internal = true;
    cc->open = wire_open;
    cc->chr_write = wire_write;
    cc->chr_accept_input = wire_accept_input;
}

static const TypeInfo wire_info[] = {
    {
        .name = TYPE_K210_WIRE,
        .parent = TYPE_CHARDEV,
        .instance_size = sizeof(K210WireChardev),
        .class_init = wire_class_init,
    },
};

DEFINE_TYPES(wire_info)
