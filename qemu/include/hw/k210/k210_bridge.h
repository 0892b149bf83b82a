/*
 * Kendryte K210: the board's serial lines to the host
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_BRIDGE_H
#define HW_K210_BRIDGE_H

#include "chardev/char-fe.h"
#include "hw/k210/k210_fpioa.h"

/* UARTHS and UART1..3 */
#define K210_NUARTS 4

typedef struct K210Bridge K210Bridge;
typedef struct K210WireChardev K210WireChardev;

/* One host serial line and what waits to be read by the host. */
typedef struct K210HostLine {
    K210Bridge *bridge;
    int index;
    CharBackend chr;
    GByteArray *out;
    guint watch;
    bool overflow;
} K210HostLine;

/*
 * Boards have one USB serial bridge, on pads IO4 (RX) and IO5 (TX). Whichever
 * UART software puts there talks to serial_hd(0): the ROM's UARTHS as well as
 * UART3, which flash stubs and vendor demos use. UART1..3 on other pads are
 * serial_hd(1..3).
 */
struct K210Bridge {
    K210FpioaState *fpioa;
    K210HostLine line[K210_NUARTS];
    K210WireChardev *wire[K210_NUARTS];
};

/* Takes the host's serial lines; @fpioa may be NULL. */
void k210_bridge_init(K210Bridge *b, K210FpioaState *fpioa);

/* The chardev for UART @n (0 = UARTHS). */
Chardev *k210_bridge_chardev(K210Bridge *b, int n);

#endif
