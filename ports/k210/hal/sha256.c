// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "bounce.h"
#include "dmac.h"
#include "mmio.h"
#include "sha256.h"
#include "sysctl.h"
#include "time.h"

#define SHA_RESULT(i) (SHA256_BASE + 4 * (i))
#define SHA_DATA_IN (SHA256_BASE + 0x20)
#define SHA_NUM (SHA256_BASE + 0x28)
#define SHA_FUNC0 (SHA256_BASE + 0x2C)
#define SHA_FUNC1 (SHA256_BASE + 0x34)

#define FUNC0_EN (1u << 0)
#define FUNC0_BIG_ENDIAN (1u << 16)
#define FUNC1_DMA_EN (1u << 0)

#define BLOCK (64)
#define HALF (BOUNCE_BYTES / 2)
#define TIMEOUT_US (1000000)

// Bytes at..at + n of the message with its padding: 80h, zeros, the length in bits.
static void padded(uint8_t *to, const uint8_t *data, size_t len, size_t total, size_t at, size_t n) {
    size_t plain = at >= len ? 0 : len - at < n ? len - at : n;
    size_t whole = plain & ~(size_t)(BLOCK - 1);
    bounce_copy_in(to, data + at, whole);
    for (size_t done = whole; done < n; done += BLOCK) {
        uint8_t block[BLOCK] __attribute__((aligned(8))) = { 0 };
        size_t pos = at + done;
        size_t rest = pos >= len ? 0 : len - pos < BLOCK ? len - pos : BLOCK;
        memcpy(block, data + pos, rest);
        if (len >= pos && len - pos < BLOCK) {
            block[len - pos] = 0x80;
        }
        if (pos + BLOCK == total) {
            for (unsigned i = 0; i < 8; ++i) {
                block[BLOCK - 1 - i] = (uint64_t)len * 8 >> (8 * i);
            }
        }
        bounce_copy_in(to + done, block, BLOCK);
    }
}

static int feed(int ch, uint8_t *buffer, const uint8_t *data, size_t len, size_t total) {
    dmac_xfer_t x = {
        .dst = SHA_DATA_IN,
        .src_inc = true,
        .src_width = DMAC_WIDTH_32,
        .dst_width = DMAC_WIDTH_32,
        .src_burst = DMAC_BURST_16,
        .dst_burst = DMAC_BURST_16,
        .request = DMA_REQ_SHA256,
        .direction = DMAC_MEM_TO_PERIPHERAL,
    };
    int err = 0;
    // One half of the buffer is filled while the other one is sent.
    for (size_t at = 0, turn = 0; err == 0 && at < total; ++turn) {
        size_t n = total - at < HALF ? total - at : HALF;
        uint8_t *half = buffer + turn % 2 * HALF;
        padded(half, data, len, total, at, n);
        err = dmac_wait(ch, TIMEOUT_US);
        if (err == 0) {
            x.src = (uintptr_t)half;
            x.count = n / 4;
            err = dmac_start(ch, &x);
        }
        at += n;
    }
    return err == 0 ? dmac_wait(ch, TIMEOUT_US) : err;
}

int sha256_hard(const uint8_t *data, size_t n, uint8_t digest[32]) {
    if (n > SHA256_HARD_MAX) {
        return -EINVAL;
    }
    uint8_t *buffer = bounce_take();
    if (buffer == NULL) {
        return -EBUSY;
    }
    int ch = dmac_claim("sha256");
    if (ch < 0) {
        bounce_give();
        return ch;
    }
    size_t blocks = (n + 8 + BLOCK) / BLOCK;
    sysctl_clock_enable(CLOCK_SHA, true);
    sysctl_reset_peripheral(CLOCK_SHA);
    *mmio32(SHA_NUM) = blocks & 0xFFFF;
    *mmio32(SHA_FUNC1) = FUNC1_DMA_EN;
    *mmio32(SHA_FUNC0) = FUNC0_EN | FUNC0_BIG_ENDIAN;
    int err = feed(ch, buffer, data, n, blocks * BLOCK);
    if (err == 0 && !HAL_WAIT((*mmio32(SHA_FUNC0) & FUNC0_EN) != 0, TIMEOUT_US)) {
        err = -ETIMEDOUT;
    }
    for (unsigned i = 0; i < 8; ++i) {
        uint32_t word = *mmio32(SHA_RESULT(7 - i));
        memcpy(digest + 4 * i, &word, 4);
    }
    dmac_release(ch);
    bounce_give();
    sysctl_clock_enable(CLOCK_SHA, false);
    return err;
}
