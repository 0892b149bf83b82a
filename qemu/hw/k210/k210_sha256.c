/*
 * Kendryte K210: SHA256 accelerator
 *
 * Only the compression of FIPS 180-4 6.2.2 is in hardware; software appends
 * the padding and says how many 64-byte blocks will come.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/bitops.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_mmio.h"
#include "hw/k210/k210_sha256.h"
#include "trace.h"

REG32(RESULT0, 0x00)
REG32(RESULT7, 0x1c)
REG32(DATA_IN, 0x20)
REG32(NUM, 0x28)
    FIELD(NUM, COUNT, 0, 16)
    FIELD(NUM, CURRENT, 16, 16)
REG32(FUNC0, 0x2c)
    FIELD(FUNC0, EN, 0, 1)
    FIELD(FUNC0, OVERFLOW, 8, 1)
    FIELD(FUNC0, ENDIAN, 16, 1)
REG32(FUNC1, 0x34)
    FIELD(FUNC1, DMA_EN, 0, 1)
    FIELD(FUNC1, FIFO_IN_FULL, 8, 1)

static const uint32_t initial_h[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint32_t round_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void compress(uint32_t h[8], const uint32_t block[16])
{
    uint32_t w[64];
    uint32_t v[8];

    memcpy(w, block, 64);
    for (int t = 16; t < 64; t++) {
        uint32_t x = w[t - 15], y = w[t - 2];

        w[t] = w[t - 16] + w[t - 7] +
               (ror32(x, 7) ^ ror32(x, 18) ^ (x >> 3)) +
               (ror32(y, 17) ^ ror32(y, 19) ^ (y >> 10));
    }
    memcpy(v, h, 32);
    for (int t = 0; t < 64; t++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t1 = v[7] + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + round_k[t] + w[t];
        uint32_t t2 = (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 28);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) {
        h[i] += v[i];
    }
}

static bool big_endian(K210Sha256State *s)
{
    return s->func0 & R_FUNC0_ENDIAN_MASK;
}

static void update_dma(K210Sha256State *s)
{
    bool wants = s->busy && (s->func1 & R_FUNC1_DMA_EN_MASK);

    qemu_set_irq(s->dma_tx, wants ? 16 - s->words : 0);
}

static void start(K210Sha256State *s)
{
    memcpy(s->h, initial_h, sizeof(s->h));
    s->words = 0;
    s->done = 0;
    s->busy = true;
    s->finished = false;
}

static void data_in(K210Sha256State *s, uint32_t v)
{
    if (!s->busy) {
        k210_guest_error("k210-sha256: data while no digest is being made");
        return;
    }
    s->block[s->words++] = big_endian(s) ? bswap32(v) : v;
    if (s->words < 16) {
        return;
    }
    compress(s->h, s->block);
    s->words = 0;
    if (++s->done == s->num) {
        s->busy = false;
        s->finished = true;
        trace_k210_sha256_done(s->num);
    }
}

static uint64_t k210_sha256_read(void *opaque, hwaddr addr, unsigned size)
{
    K210Sha256State *s = opaque;
    uint64_t r = 0;

    if (!k210_mmio_ok(TYPE_K210_SHA256, false, addr, size)) {
        return 0;
    }
    switch (addr) {
    case A_RESULT0 ... A_RESULT7:
        /* The last word comes first, its bytes in memory order. */
        r = s->h[7 - addr / 4];
        if (big_endian(s)) {
            r = bswap32(r);
        }
        break;
    case A_NUM:
        r = FIELD_DP32(s->num & 0xffff, NUM, CURRENT, s->done);
        break;
    case A_FUNC0:
        r = FIELD_DP32(s->func0, FUNC0, EN, s->finished);
        break;
    case A_FUNC1:
        r = s->func1;
        break;
    case A_DATA_IN: case 0x24: case 0x30:
        break;
    default:
        k210_mmio_no_register(TYPE_K210_SHA256, false, addr);
    }
    trace_k210_sha256_read(addr, r);
    return r;
}

static void k210_sha256_write(void *opaque, hwaddr addr, uint64_t value,
                              unsigned size)
{
    K210Sha256State *s = opaque;
    uint32_t v = value;

    trace_k210_sha256_write(addr, v);
    if (!k210_mmio_ok(TYPE_K210_SHA256, true, addr, size)) {
        return;
    }
    switch (addr) {
    case A_DATA_IN:
        data_in(s, v);
        break;
    case A_NUM:
        s->num = FIELD_EX32(v, NUM, COUNT);
        s->num = s->num ? s->num : 65536;
        break;
    case A_FUNC0:
        s->func0 = v & R_FUNC0_ENDIAN_MASK;
        if (v & R_FUNC0_EN_MASK) {
            start(s);
        }
        break;
    case A_FUNC1:
        s->func1 = v & R_FUNC1_DMA_EN_MASK;
        break;
    case A_RESULT0 ... A_RESULT7:
        k210_mmio_read_only(TYPE_K210_SHA256, addr);
        break;
    case 0x24: case 0x30:
        break;
    default:
        k210_mmio_no_register(TYPE_K210_SHA256, true, addr);
    }
    update_dma(s);
}

static const MemoryRegionOps k210_sha256_ops =
    K210_MMIO_OPS(k210_sha256_read, k210_sha256_write);

static void k210_sha256_reset_hold(Object *obj, ResetType type)
{
    K210Sha256State *s = K210_SHA256(obj);

    memset(s->h, 0, sizeof(s->h));
    memset(s->block, 0, sizeof(s->block));
    s->words = s->done = 0;
    s->num = 65536;
    s->func0 = s->func1 = 0;
    s->busy = s->finished = false;
    update_dma(s);
}

static const VMStateDescription vmstate_k210_sha256 = {
    .name = TYPE_K210_SHA256,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(h, K210Sha256State, 8),
        VMSTATE_UINT32_ARRAY(block, K210Sha256State, 16),
        VMSTATE_UINT32(words, K210Sha256State),
        VMSTATE_UINT32(num, K210Sha256State),
        VMSTATE_UINT32(done, K210Sha256State),
        VMSTATE_UINT32(func0, K210Sha256State),
        VMSTATE_UINT32(func1, K210Sha256State),
        VMSTATE_BOOL(busy, K210Sha256State),
        VMSTATE_BOOL(finished, K210Sha256State),
        VMSTATE_CLOCK(clk, K210Sha256State),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_sha256_init(Object *obj)
{
    K210Sha256State *s = K210_SHA256(obj);

    memory_region_init_io(&s->mmio, obj, &k210_sha256_ops, s,
                          TYPE_K210_SHA256, 0x100);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    qdev_init_gpio_out_named(DEVICE(obj), &s->dma_tx, "dma-tx", 1);
    s->clk = qdev_init_clock_in(DEVICE(obj), "clk", NULL, NULL, 0);
}

static void k210_sha256_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->vmsd = &vmstate_k210_sha256;
    dc->desc = "K210 SHA256 accelerator";
    RESETTABLE_CLASS(klass)->phases.hold = k210_sha256_reset_hold;
}

static const TypeInfo k210_sha256_types[] = {
    {
        .name = TYPE_K210_SHA256,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210Sha256State),
        .instance_init = k210_sha256_init,
        .class_init = k210_sha256_class_init,
    },
};
DEFINE_TYPES(k210_sha256_types)
