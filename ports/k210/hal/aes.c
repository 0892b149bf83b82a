// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "aes.h"
#include "bounce.h"
#include "dmac.h"
#include "mmio.h"
#include "sysctl.h"
#include "time.h"

#define AES_KEY(i) (AES_BASE + 4 * (i))
#define AES_ENCRYPT_SEL (AES_BASE + 0x10)
#define AES_MODE_CTL (AES_BASE + 0x14)
#define AES_IV(i) (AES_BASE + 0x18 + 4 * (i))
#define AES_ENDIAN (AES_BASE + 0x28)
#define AES_DMA_SEL (AES_BASE + 0x30)
#define AES_AAD_NUM (AES_BASE + 0x34)
#define AES_PC_NUM (AES_BASE + 0x3C)
#define AES_TEXT_DATA (AES_BASE + 0x40)
#define AES_AAD_DATA (AES_BASE + 0x44)
#define AES_TAG_CHK (AES_BASE + 0x48)
#define AES_DATA_IN_FLAG (AES_BASE + 0x4C)
#define AES_GCM_IN_TAG(i) (AES_BASE + 0x50 + 4 * (i))
#define AES_OUT_DATA (AES_BASE + 0x60)
#define AES_EN (AES_BASE + 0x64)
#define AES_DATA_OUT_FLAG (AES_BASE + 0x68)
#define AES_TAG_IN_FLAG (AES_BASE + 0x6C)
#define AES_TAG_CLEAR (AES_BASE + 0x70)
#define AES_GCM_OUT_TAG(i) (AES_BASE + 0x74 + 4 * (i))
#define AES_KEY_EXT(i) (AES_BASE + 0x84 + 4 * (i))

#define BLOCK (16)
#define HALF (BOUNCE_BYTES / 2)
#define DMA_FROM (256) // bytes; below, the set-up costs more than the polling
#define TIMEOUT_US (1000000)

static uint32_t get_word(const uint8_t *p, size_t n) {
    uint32_t word = 0;
    memcpy(&word, p, n < 4 ? n : 4);
    return word;
}

// The last four bytes go to the first register.
static void write_reversed(const uint8_t *bytes, size_t n, bool key) {
    for (size_t i = 0; i < n / 4; ++i) {
        uintptr_t reg = !key ? AES_IV(i) : i < 4 ? AES_KEY(i) : AES_KEY_EXT(i - 4);
        *mmio32(reg) = get_word(bytes + n - 4 - 4 * i, 4);
    }
}

static void setup(const aes_job_t *job, size_t n, bool dma) {
    sysctl_clock_enable(CLOCK_AES, true);
    sysctl_reset_peripheral(CLOCK_AES);
    *mmio32(AES_ENDIAN) = 1;
    write_reversed(job->key, job->key_len, true);
    if (job->cipher != AES_ECB) {
        write_reversed(job->iv, job->cipher == AES_GCM ? 12 : 16, false);
    }
    *mmio32(AES_MODE_CTL) = (uint32_t)(job->key_len / 8 - 2) << 3 | job->cipher;
    *mmio32(AES_ENCRYPT_SEL) = job->decrypt;
    *mmio32(AES_AAD_NUM) = (uint32_t)(job->cipher == AES_GCM ? job->aad_len : 0) - 1;
    *mmio32(AES_PC_NUM) = (uint32_t)n - 1;
    *mmio32(AES_DMA_SEL) = dma;
    *mmio32(AES_EN) = 1;
}

static bool wait_flag(uintptr_t reg) {
    return HAL_WAIT(*mmio32(reg) != 0, TIMEOUT_US);
}

static int send_aad(const aes_job_t *job) {
    for (size_t at = 0; at < job->aad_len; at += 4) {
        if (!wait_flag(AES_DATA_IN_FLAG)) {
            return -ETIMEDOUT;
        }
        *mmio32(AES_AAD_DATA) = get_word(job->aad + at, job->aad_len - at);
    }
    return 0;
}

static int polled(const uint8_t *in, uint8_t *out, size_t n) {
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t end = n - at < BLOCK ? n : at + BLOCK;
        for (size_t i = at; i < end; i += 4) {
            if (!wait_flag(AES_DATA_IN_FLAG)) {
                return -ETIMEDOUT;
            }
            *mmio32(AES_TEXT_DATA) = get_word(in + i, end - i);
        }
        for (size_t i = at; i < end; i += 4) {
            if (!wait_flag(AES_DATA_OUT_FLAG)) {
                return -ETIMEDOUT;
            }
            uint32_t word = *mmio32(AES_OUT_DATA);
            memcpy(out + i, &word, end - i < 4 ? end - i : 4);
        }
    }
    return 0;
}

// The input is a plain memory write for the DMA controller: the block holds the bus back as it likes.
static int by_dma(int from, int to, uint8_t *buffer, const uint8_t *in, uint8_t *out, size_t n) {
    dmac_xfer_t input = {
        .src = (uintptr_t)buffer,
        .dst = AES_TEXT_DATA,
        .src_inc = true,
        .src_width = DMAC_WIDTH_32,
        .dst_width = DMAC_WIDTH_32,
        .src_burst = DMAC_BURST_4,
        .dst_burst = DMAC_BURST_4,
        .request = -1,
        .direction = DMAC_MEM_TO_MEM,
    };
    dmac_xfer_t output = {
        .src = AES_OUT_DATA,
        .dst = (uintptr_t)buffer + HALF,
        .dst_inc = true,
        .src_width = DMAC_WIDTH_32,
        .dst_width = DMAC_WIDTH_32,
        .src_burst = DMAC_BURST_4,
        .dst_burst = DMAC_BURST_4,
        .request = DMA_REQ_AES,
        .direction = DMAC_PERIPHERAL_TO_MEM,
    };
    int err = 0;
    for (size_t at = 0; err == 0 && at < n; at += HALF) {
        size_t len = n - at < HALF ? n - at : HALF;
        input.count = output.count = (len + 3) / 4;
        bounce_copy_in(buffer, in + at, len);
        err = dmac_start(to, &output);
        err = err == 0 ? dmac_start(from, &input) : err;
        err = err == 0 ? dmac_wait(from, TIMEOUT_US) : err;
        err = err == 0 ? dmac_wait(to, TIMEOUT_US) : err;
        if (err == 0) {
            bounce_copy_out(out + at, buffer + HALF, len);
        }
    }
    return err;
}

static int run_by_dma(const aes_job_t *job, const uint8_t *in, uint8_t *out, size_t n) {
    uint8_t *buffer = bounce_take();
    if (buffer == NULL) {
        return -EBUSY;
    }
    int from = dmac_claim("aes"), to = dmac_claim("aes");
    int err = from < 0 || to < 0 ? -EBUSY : 0;
    if (err == 0) {
        setup(job, n, true);
        err = send_aad(job);
    }
    if (err == 0) {
        err = by_dma(from, to, buffer, in, out, n);
    }
    dmac_release(from);
    dmac_release(to);
    bounce_give();
    return err;
}

// The engine stays busy until it has been shown a tag; its own one is the easiest to get right.
static int finish_gcm(const aes_job_t *job) {
    if (!wait_flag(AES_TAG_IN_FLAG)) {
        return -ETIMEDOUT;
    }
    for (unsigned i = 0; i < 4; ++i) {
        uint32_t word = *mmio32(AES_GCM_OUT_TAG(3 - i));
        for (unsigned k = 0; k < 4; ++k) {
            job->tag[4 * i + k] = word >> (24 - 8 * k);
        }
    }
    for (unsigned i = 0; i < 4; ++i) {
        *mmio32(AES_GCM_IN_TAG(i)) = *mmio32(AES_GCM_OUT_TAG(i));
    }
    int err = wait_flag(AES_TAG_CHK) ? 0 : -ETIMEDOUT;
    *mmio32(AES_TAG_CLEAR) = 0;
    return err;
}

int aes_hard(const aes_job_t *job, const uint8_t *in, uint8_t *out, size_t n) {
    if ((job->key_len != 16 && job->key_len != 24 && job->key_len != 32) || n > 0xFFFFFFF0u
        || (job->cipher != AES_GCM && n % BLOCK != 0) || job->aad_len > 0xFFFFFFF0u) {
        return -EINVAL;
    }
    if (n == 0 && job->cipher != AES_GCM) {
        return 0;
    }
    int err;
    if (n >= DMA_FROM) {
        err = run_by_dma(job, in, out, n);
    } else {
        setup(job, n, false);
        err = job->cipher == AES_GCM ? send_aad(job) : 0;
        err = err == 0 ? polled(in, out, n) : err;
    }
    if (err == 0 && job->cipher == AES_GCM) {
        err = finish_gcm(job);
    }
    // No key stays in the registers.
    sysctl_reset_peripheral(CLOCK_AES);
    sysctl_clock_enable(CLOCK_AES, false);
    return err;
}
