/*
 * SPDX-License-Identifier: MIT
 *
 * I2S0..2 as masters with four channel pairs each, interrupt driven. Route the pads with hal/fpioa.h.
 *
 * PLL2 feeds all three. It is set to what the rate needs while no other one runs; else the nearest divider
 * has to do.
 */
#ifndef K210_HAL_I2S_H
#define K210_HAL_I2S_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define I2S_COUNT (3)
#define I2S_CHANNELS (4)
#define I2S_BATCH (8) // frames per interrupt

enum i2s_resolution { I2S_IGNORE, I2S_12_BIT, I2S_16_BIT, I2S_20_BIT, I2S_24_BIT, I2S_32_BIT };
enum i2s_cycles { I2S_CYCLES_16, I2S_CYCLES_24, I2S_CYCLES_32 };
enum i2s_align { I2S_STANDARD = 1, I2S_RIGHT = 2, I2S_LEFT = 4 };

typedef struct {
    uint8_t rx_mask, tx_mask; // channels that receive, and that send
    enum i2s_resolution resolution[I2S_CHANNELS];
    enum i2s_cycles cycles;
    enum i2s_align align;
    uint32_t rate; // frames per second
    // In interrupt context: frames of left and right word per enabled channel. rx has n of them; tx fills n
    // and returns how many it had (the rest is silence).
    void (*rx)(void *arg, const uint32_t *words, size_t n);
    size_t (*tx)(void *arg, uint32_t *words, size_t n);
    void *arg;
} i2s_config_t;

// Returns the real rate, -EINVAL when it is not possible.
int32_t i2s_start(unsigned n, const i2s_config_t *config);
void i2s_stop(unsigned n);
bool i2s_running(unsigned n);

// What i2s_start() would make of a rate now.
int32_t i2s_real_rate(unsigned n, uint32_t rate, enum i2s_cycles cycles);

// PLL2 by hand, for MaixPy's I2S(pll2=); 0 = automatic again. The master clock for codecs: MCLK output is
// PLL2 / (2 * (divider + 1)).
int i2s_set_pll2(uint32_t hz);
int i2s_set_mclk_divider(unsigned n, unsigned divider);

// Frames that nobody took in time, since i2s_start().
uint32_t i2s_overruns(unsigned n);

#endif
