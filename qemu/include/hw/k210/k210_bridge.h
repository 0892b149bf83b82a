/*
 * Kendryte K210: the board's serial lines to the host
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_BRIDGE_H
#define HW_K210_BRIDGE_H

#include "chardev/char-fe.h"
#include "qemu/fifo8.h"
#include "qemu/timer.h"
#include "hw/k210/k210_fpioa.h"

/* UARTHS and UART1..3 */
#define K210_NUARTS 4

/* The lines of the UARTs, and that of a module on pads of its own. */
#define K210_NLINES (K210_NUARTS + 1)
#define K210_LINE_MODULE K210_NUARTS

typedef struct K210Bridge K210Bridge;
typedef struct K210WireChardev K210WireChardev;

/*
 * One host serial line, with what waits to be read by the host, and what the
 * host has sent that has not been on the wire to the UART yet.
 */
typedef struct K210HostLine {
    K210Bridge *bridge;
    int index;
    CharBackend chr;
    GByteArray *out;
    guint watch;
    bool overflow;
    Fifo8 in;
    bool full;          /* the host was told to wait */
    bool delivering;
    int64_t in_since;   /* since when there has been something in @in */
    QEMUTimer *retry;
} K210HostLine;

/*
 * Boards have one USB serial bridge, on pads IO4 (RX) and IO5 (TX). Whichever
 * UART software puts there talks to serial_hd(0): the ROM's UARTHS as well as
 * UART3, which flash stubs and vendor demos use. UART1..3 on other pads are
 * serial_hd(1..3).
 *
 * A Wi-Fi module is on pads of its own, whichever UART software puts there.
 */
struct K210Bridge {
    K210FpioaState *fpioa;
    K210HostLine line[K210_NLINES];
    K210WireChardev *wire[K210_NUARTS];
    bool module;
    uint8_t module_tx, module_rx, module_en; /* as the module calls them */
};

/* Takes the host's serial lines; @fpioa may be NULL. */
void k210_bridge_init(K210Bridge *b, K210FpioaState *fpioa);

/*
 * Puts a module on pads: @tx is its output, @rx its input, and it is switched
 * off while @en is low.
 */
void k210_bridge_add_module(K210Bridge *b, Chardev *chr, unsigned tx,
                            unsigned rx, unsigned en);

/* The chardev for UART @n (0 = UARTHS). */
Chardev *k210_bridge_chardev(K210Bridge *b, int n);

/*
 * Asks a UART's line for characters, as qemu_chr_fe_accept_input() does, but
 * without waking up the main loop.
 */
void k210_bridge_ask(CharBackend *be);

/*
 * Since when the character that a UART is being given has been waiting on
 * the host's side of the line: a UART that nobody asked for a while can tell
 * when the character has arrived.
 */
int64_t k210_bridge_waiting_since(CharBackend *be);

#endif
