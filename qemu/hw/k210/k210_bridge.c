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

static bool on_usb(K210Bridge *b, unsigned func, unsigned pad)
{
    return b->fpioa && (b->fpioa->io[pad] & 0xff) == func;
}

/* The host line that a UART's output goes to, NULL = into the air. */
static K210HostLine *line_of_tx(K210Bridge *b, int uart)
{
    if (on_usb(b, rx_func(uart) + 1, PAD_TX) || !b->fpioa) {
        return &b->line[b->fpioa ? 0 : uart];
    }
    return uart ? &b->line[uart] : NULL;
}

/* The UART that receives from a host line, or -1. */
static int uart_of_rx(K210Bridge *b, int line)
{
    if (!b->fpioa) {
        return line;
    }
    if (line == 0) {
        for (int i = 0; i < K210_NUARTS; i++) {
            if (on_usb(b, rx_func(i), PAD_RX)) {
                return i;
            }
        }
        return -1;
    }
    return on_usb(b, rx_func(line), PAD_RX) ? -1 : line;
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

/* A UART has room again: let its host line send. */
static void wire_accept_input(Chardev *chr)
{
    K210WireChardev *w = K210_WIRE(chr);

    for (int i = 0; w->bridge && i < K210_NUARTS; i++) {
        if (uart_of_rx(w->bridge, i) == w->uart) {
            qemu_chr_fe_accept_input(&w->bridge->line[i].chr);
        }
    }
}

static void wire_open(Chardev *chr, ChardevBackend *backend, bool *be_opened,
                      Error **errp)
{
    *be_opened = true;
}

static int line_can_read(void *opaque)
{
    K210HostLine *line = opaque;
    int uart = uart_of_rx(line->bridge, line->index);

    /* With no UART on the pad the bytes are lost, as on the board. */
    return uart < 0 ? 64 : qemu_chr_be_can_write(CHARDEV(line->bridge->wire[uart]));
}

static void line_read(void *opaque, const uint8_t *buf, int size)
{
    K210HostLine *line = opaque;
    int uart = uart_of_rx(line->bridge, line->index);

    if (uart >= 0) {
        qemu_chr_be_write(CHARDEV(line->bridge->wire[uart]), buf, size);
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

void k210_bridge_init(K210Bridge *b, K210FpioaState *fpioa)
{
    b->fpioa = fpioa;
    for (int i = 0; i < K210_NUARTS; i++) {
        K210HostLine *line = &b->line[i];
        g_autofree char *id = g_strdup_printf("k210-wire%d", i);

        b->wire[i] = K210_WIRE(qemu_chardev_new(id, TYPE_K210_WIRE, NULL, NULL,
                                                &error_fatal));
        b->wire[i]->bridge = b;
        b->wire[i]->uart = i;
        line->bridge = b;
        line->index = i;
        line->out = g_byte_array_new();
        if (serial_hd(i)) {
            qemu_chr_fe_init(&line->chr, serial_hd(i), &error_fatal);
            qemu_chr_fe_set_handlers(&line->chr, line_can_read, line_read,
                                     line_event, NULL, line, NULL, true);
        }
    }
}

Chardev *k210_bridge_chardev(K210Bridge *b, int n)
{
    return CHARDEV(b->wire[n]);
}

static void wire_class_init(ObjectClass *oc, void *data)
{
    ChardevClass *cc = CHARDEV_CLASS(oc);

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
