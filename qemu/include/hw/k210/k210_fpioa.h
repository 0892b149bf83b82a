/*
 * Kendryte K210: pad matrix (FPIOA)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_FPIOA_H
#define HW_K210_FPIOA_H

#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_K210_FPIOA "k210-fpioa"
OBJECT_DECLARE_SIMPLE_TYPE(K210FpioaState, K210_FPIOA)

#define K210_NPADS  48
#define K210_NFUNCS 256

/* Level of an external part that does not drive its pad. */
#define K210_PAD_Z  2

/* Function numbers (ch_sel) that the machine or devices refer to. */
enum K210Func {
    K210_FUNC_SPI0_D0 = 4,
    K210_FUNC_SPI0_SS0 = 12,
    K210_FUNC_SPI0_SCLK = 17,
    K210_FUNC_UARTHS_RX = 18,
    K210_FUNC_UARTHS_TX = 19,
    K210_FUNC_GPIOHS0 = 24,
    K210_FUNC_GPIO0 = 56,
    K210_FUNC_UART1_RX = 64,        /* + 2 per UART; TX = RX + 1 */
    K210_FUNC_SPI1_SS0 = 78,
    K210_FUNC_RESV0 = 120,
    K210_FUNC_I2C0_SCLK = 126,      /* + 2 per I2C; SDA = SCLK + 1 */
    K210_FUNC_CMOS_XCLK = 132,
    K210_FUNC_CMOS_RST = 133,
    K210_FUNC_CMOS_PWDN = 134,
    K210_FUNC_CMOS_VSYNC = 135,
    K210_FUNC_CMOS_HREF = 136,
    K210_FUNC_CMOS_PCLK = 137,
    K210_FUNC_SCCB_SCLK = 146,
    K210_FUNC_SCCB_SDA = 147,
    K210_FUNC_TIMER0_TOGGLE1 = 190, /* + 4 per timer, + 1 per channel */
    K210_FUNC_CONSTANT = 222,
};

/*
 * Named GPIO inputs:   "func-out"[256] data from a peripheral's function
 *                      "func-oe"[256]  its output enable (1 unless the
 *                                      function is an input or a GPIO)
 *                      "pad-in"[48]    level applied to a pad from outside:
 *                                      0, 1 or K210_PAD_Z (not driven)
 * Named GPIO outputs:  "func-in"[256]  level a function sees
 *                      "pad-out"[48]   level at a pad
 * Property "pull-ups": mask of pads with a pull-up resistor on the board.
 * Property "pads" (read-only): levels at all pads.
 * Property "jumpers": pairs of pads that a wire connects, "20-21,22-23"; can be
 * set while the machine runs. UART, SPI and I2C data do not move at pads.
 * Property "probe": the number of a pad whose edges are noted, "" = none; then
 * "edges" (read-only): "time:level time:level ...", in ns of virtual time,
 * the first K210_EDGES since "probe" was set.
 */
#define K210_EDGES 4096

struct K210FpioaState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    qemu_irq func_in[K210_NFUNCS];
    qemu_irq pad_out[K210_NPADS];
    uint64_t pull_ups;

    uint32_t io[K210_NPADS];
    uint32_t tie_en[8];
    uint32_t tie_val[8];
    uint8_t func_out[K210_NFUNCS];
    uint8_t func_oe[K210_NFUNCS];
    uint8_t func_level[K210_NFUNCS];
    uint8_t pad_ext[K210_NPADS];
    uint8_t pad_level[K210_NPADS];
    uint8_t jumper[K210_NPADS];     /* the other end + 1, 0 = none */

    uint8_t probe;                  /* pad + 1, 0 = none */
    unsigned edges;
    int64_t edge_ns[K210_EDGES];
    uint8_t edge_level[K210_EDGES];
};

/* The lowest pad that carries a function, or -1 when no pad does. */
int k210_fpioa_pad_of(K210FpioaState *s, unsigned func);

/* The function that a pad carries. */
unsigned k210_fpioa_func_of(K210FpioaState *s, unsigned pad);

#endif
