// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "i2s.h"
#include "mmio.h"
#include "plic.h"
#include "sysctl.h"
#include "time.h"

#define I2S_IER (0x00)
#define I2S_IRER (0x04)
#define I2S_ITER (0x08)
#define I2S_CER (0x0C)
#define I2S_CCR (0x10)
#define I2S_RXFFR (0x14)
#define I2S_TXFFR (0x18)
#define CH(c) (0x40 * (c))
#define I2S_LEFT_DATA (0x20)
#define I2S_RIGHT_DATA (0x24)
#define I2S_RER (0x28)
#define I2S_TER (0x2C)
#define I2S_RCR (0x30)
#define I2S_TCR (0x34)
#define I2S_ISR (0x38)
#define I2S_IMR (0x3C)
#define I2S_ROR (0x40)
#define I2S_TOR (0x44)
#define I2S_RFCR (0x48)
#define I2S_TFCR (0x4C)

#define CCR_WS(cycles) ((cycles) << 3)
#define CCR_ALIGN(align) ((align) << 5)
#define ISR_RX_DATA (1u << 0)
#define ISR_RX_OVERRUN (1u << 1)
#define ISR_TX_EMPTY (1u << 4)
#define IMR_ALL (0x33)

#define IRQ_PRIORITY (5)
#define PLL2_MIN (40000000)
#define PLL2_MAX (120000000)
#define ROUNDS_MAX (16)

static struct {
    bool running;
    i2s_config_t config;
    uint32_t overruns;
} ports[I2S_COUNT];

static bool pll2_fixed;

static unsigned first_channel(unsigned mask) {
    return __builtin_ctz(mask);
}

static void receive(unsigned n) {
    uintptr_t b = I2S_BASE(n);
    const i2s_config_t *c = &ports[n].config;
    uint32_t words[2 * I2S_CHANNELS * I2S_BATCH], *p = words;
    for (unsigned frame = 0; frame < I2S_BATCH; ++frame) {
        for (unsigned ch = 0; ch < I2S_CHANNELS; ++ch) {
            if (c->rx_mask >> ch & 1) {
                *p++ = *mmio32(b + CH(ch) + I2S_LEFT_DATA);
                *p++ = *mmio32(b + CH(ch) + I2S_RIGHT_DATA);
            }
        }
    }
    c->rx(c->arg, words, I2S_BATCH);
}

static void send(unsigned n) {
    uintptr_t b = I2S_BASE(n);
    const i2s_config_t *c = &ports[n].config;
    uint32_t words[2 * I2S_CHANNELS * I2S_BATCH], *p = words;
    unsigned per_frame = 2 * __builtin_popcount(c->tx_mask);
    size_t had = c->tx(c->arg, words, I2S_BATCH);
    memset(words + had * per_frame, 0, (I2S_BATCH - had) * per_frame * sizeof(words[0]));
    for (unsigned frame = 0; frame < I2S_BATCH; ++frame) {
        for (unsigned ch = 0; ch < I2S_CHANNELS; ++ch) {
            if (c->tx_mask >> ch & 1) {
                *mmio32(b + CH(ch) + I2S_LEFT_DATA) = *p++;
                *mmio32(b + CH(ch) + I2S_RIGHT_DATA) = *p++;
            }
        }
    }
}

static void irq_handler(void *arg) {
    unsigned n = (uintptr_t)arg;
    const i2s_config_t *c = &ports[n].config;
    for (unsigned round = 0; ports[n].running && round < ROUNDS_MAX; ++round) {
        bool busy = false;
        if (c->rx_mask != 0) {
            uintptr_t ch = I2S_BASE(n) + CH(first_channel(c->rx_mask));
            if (*mmio32(ch + I2S_ISR) & ISR_RX_OVERRUN) {
                (void)*mmio32(ch + I2S_ROR);
                ++ports[n].overruns;
            }
            if (*mmio32(ch + I2S_ISR) & ISR_RX_DATA) {
                receive(n);
                busy = true;
            }
        }
        if (ports[n].running && c->tx_mask != 0
            && (*mmio32(I2S_BASE(n) + CH(first_channel(c->tx_mask)) + I2S_ISR) & ISR_TX_EMPTY)) {
            send(n);
            busy = true;
        }
        if (!busy) {
            break;
        }
    }
}

static unsigned slot_bits(enum i2s_cycles cycles) {
    return cycles == I2S_CYCLES_16 ? 16 : cycles == I2S_CYCLES_24 ? 24 : 32;
}

// Divider for a rate with PLL2 at hz: the field's value, and the error in millionths.
static uint32_t divider_for(uint32_t pll2, uint32_t sclk2, uint32_t *error) {
    uint32_t divider = (pll2 + sclk2 / 2) / sclk2;
    divider = divider == 0 ? 1 : divider > 65536 ? 65536 : divider;
    int64_t off = (int64_t)pll2 - (int64_t)divider * sclk2;
    *error = (off < 0 ? -off : off) * 1000000 / ((int64_t)divider * sclk2);
    return divider;
}

static bool others_run(unsigned n) {
    for (unsigned i = 0; i < I2S_COUNT; ++i) {
        if (i != n && ports[i].running) {
            return true;
        }
    }
    return false;
}

// The best PLL2 for a rate, or the present one if it may not change.
static uint32_t choose_pll2(unsigned n, uint32_t sclk2) {
    uint32_t best = sysctl_clock_hz(CLOCK_PLL2), best_error;
    divider_for(best, sclk2, &best_error);
    if (pll2_fixed || others_run(n)) {
        return best;
    }
    for (uint32_t k = PLL2_MIN / sclk2 + 1; (uint64_t)k * sclk2 <= PLL2_MAX && best_error > 10; ++k) {
        uint32_t hz = sysctl_pll_nearest(k * sclk2), error;
        divider_for(hz, sclk2, &error);
        if (hz != 0 && error < best_error) {
            best = hz;
            best_error = error;
        }
    }
    return best;
}

int32_t i2s_real_rate(unsigned n, uint32_t rate, enum i2s_cycles cycles) {
    uint32_t sclk2 = rate * 2 * slot_bits(cycles) * 2, error;
    if (n >= I2S_COUNT || rate == 0 || rate > 400000) {
        return -EINVAL;
    }
    uint32_t pll2 = choose_pll2(n, sclk2);
    return pll2 / (divider_for(pll2, sclk2, &error) * 4 * slot_bits(cycles));
}

int i2s_set_pll2(uint32_t hz) {
    pll2_fixed = hz != 0;
    return hz == 0 ? 0 : sysctl_pll_set(2, hz) < 0 ? -EINVAL : 0;
}

int i2s_set_mclk_divider(unsigned n, unsigned divider) {
    if (n >= I2S_COUNT || divider > 255) {
        return -EINVAL;
    }
    sysctl_i2s_mclk_threshold(n, divider);
    return 0;
}

int32_t i2s_start(unsigned n, const i2s_config_t *config) {
    if (n >= I2S_COUNT || config->rate == 0 || config->rate > 400000 || config->rx_mask >> I2S_CHANNELS != 0
        || config->tx_mask >> I2S_CHANNELS != 0 || (config->rx_mask & config->tx_mask) || !(config->rx_mask | config->tx_mask)) {
        return -EINVAL;
    }
    i2s_stop(n);
    uint32_t sclk2 = config->rate * 2 * slot_bits(config->cycles) * 2, error;
    uint32_t pll2 = choose_pll2(n, sclk2);
    if (pll2 != sysctl_clock_hz(CLOCK_PLL2)) {
        sysctl_pll_set(2, pll2);
        pll2 = sysctl_clock_hz(CLOCK_PLL2);
    }
    uint32_t divider = divider_for(pll2, sclk2, &error);
    enum sysctl_clock clock = CLOCK_I2S0 + n;
    sysctl_clock_enable(clock, true);
    sysctl_reset_peripheral(clock);
    sysctl_clock_threshold(clock, divider - 1);
    ports[n].config = *config;
    ports[n].overruns = 0;
    uintptr_t b = I2S_BASE(n);
    *mmio32(b + I2S_IER) = 1;
    *mmio32(b + I2S_IRER) = 0;
    *mmio32(b + I2S_ITER) = 0;
    *mmio32(b + I2S_CER) = 0;
    *mmio32(b + I2S_CCR) = CCR_WS(config->cycles) | CCR_ALIGN(config->align);
    *mmio32(b + I2S_RXFFR) = 1;
    *mmio32(b + I2S_TXFFR) = 1;
    for (unsigned ch = 0; ch < I2S_CHANNELS; ++ch) {
        bool rx = config->rx_mask >> ch & 1, tx = config->tx_mask >> ch & 1;
        *mmio32(b + CH(ch) + I2S_IMR) = IMR_ALL;
        *mmio32(b + CH(ch) + I2S_RER) = rx;
        *mmio32(b + CH(ch) + I2S_TER) = tx;
        *mmio32(b + CH(ch) + I2S_RCR) = config->resolution[ch];
        *mmio32(b + CH(ch) + I2S_TCR) = config->resolution[ch];
        *mmio32(b + CH(ch) + I2S_RFCR) = I2S_BATCH - 1; // more than this
        *mmio32(b + CH(ch) + I2S_TFCR) = I2S_BATCH - 1; // at most this
    }
    ports[n].running = true;
    plic_set_handler(IRQ_I2S0 + n, IRQ_PRIORITY, irq_handler, (void *)(uintptr_t)n);
    plic_enable(IRQ_I2S0 + n, true);
    // Full duplex at one pace: one channel of each direction interrupts.
    if (config->rx_mask != 0) {
        *mmio32(b + CH(first_channel(config->rx_mask)) + I2S_IMR) = IMR_ALL & ~(ISR_RX_DATA | ISR_RX_OVERRUN);
    }
    if (config->tx_mask != 0) {
        uintptr_t ch = b + CH(first_channel(config->tx_mask));
        *mmio32(ch + I2S_IMR) = *mmio32(ch + I2S_IMR) & ~ISR_TX_EMPTY;
    }
    *mmio32(b + I2S_IRER) = config->rx_mask != 0;
    *mmio32(b + I2S_ITER) = config->tx_mask != 0;
    *mmio32(b + I2S_CER) = 1;
    return pll2 / (divider * 4 * slot_bits(config->cycles));
}

void i2s_stop(unsigned n) {
    if (n < I2S_COUNT && ports[n].running) {
        uintptr_t irq = hal_irq_disable();
        plic_enable(IRQ_I2S0 + n, false);
        *mmio32(I2S_BASE(n) + I2S_CER) = 0;
        *mmio32(I2S_BASE(n) + I2S_IER) = 0;
        ports[n].running = false;
        sysctl_clock_enable(CLOCK_I2S0 + n, false);
        hal_irq_restore(irq);
    }
}

bool i2s_running(unsigned n) {
    return n < I2S_COUNT && ports[n].running;
}

uint32_t i2s_overruns(unsigned n) {
    return n < I2S_COUNT ? ports[n].overruns : 0;
}
