/*
 * Kendryte K210: AES accelerator (ECB, CBC, GCM; 128, 192 and 256 bits)
 *
 * Key and IV registers hold their bytes from the end: KEY[0] has the last
 * four. Text flows as little-endian words. GCM (NIST SP 800-38D, 96-bit IV)
 * ends with a tag check that software cannot leave out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_aes.h"
#include "hw/k210/k210_mmio.h"
#include "trace.h"

REG32(KEY0, 0x00)
REG32(KEY3, 0x0c)
REG32(ENCRYPT_SEL, 0x10)
REG32(MODE_CTL, 0x14)
    FIELD(MODE_CTL, CIPHER, 0, 3)
    FIELD(MODE_CTL, KMODE, 3, 2)
    FIELD(MODE_CTL, ORDERS, 5, 6)
REG32(IV0, 0x18)
REG32(IV3, 0x24)
REG32(ENDIAN, 0x28)
REG32(FINISH, 0x2c)
REG32(DMA_SEL, 0x30)
REG32(AAD_NUM, 0x34)
REG32(PC_NUM, 0x3c)
REG32(TEXT_DATA, 0x40)
REG32(AAD_DATA, 0x44)
REG32(TAG_CHK, 0x48)
REG32(DATA_IN_FLAG, 0x4c)
REG32(GCM_IN_TAG0, 0x50)
REG32(GCM_IN_TAG3, 0x5c)
REG32(OUT_DATA, 0x60)
REG32(EN, 0x64)
REG32(DATA_OUT_FLAG, 0x68)
REG32(TAG_IN_FLAG, 0x6c)
REG32(TAG_CLEAR, 0x70)
REG32(GCM_OUT_TAG0, 0x74)
REG32(GCM_OUT_TAG3, 0x80)
REG32(KEY_EXT0, 0x84)
REG32(KEY_EXT3, 0x90)

enum { CIPHER_ECB, CIPHER_CBC, CIPHER_GCM };
enum { TAG_BUSY, TAG_MISMATCH, TAG_MATCH };

/* A text cannot be longer than what the DMAC moves in one block. */
#define AES_QUEUE_MAX (16 * 1024 * 1024 + 64)

static bool gcm(K210AesState *s)
{
    return s->mode == CIPHER_GCM;
}

/* Lengths are kept minus one; all ones stands for none. */
static uint64_t aad_len(K210AesState *s)
{
    return gcm(s) ? (uint32_t)(s->regs[R_AAD_NUM] + 1) : 0;
}

static uint64_t text_len(K210AesState *s)
{
    uint64_t n = (uint32_t)(s->regs[R_PC_NUM] + 1);

    return gcm(s) ? n : ROUND_UP(n, 16);
}

/* The bytes of @words registers, last register first. */
static void reversed_bytes(uint8_t *to, const uint32_t *regs, unsigned words)
{
    for (unsigned i = 0; i < words; i++) {
        stl_be_p(to + 4 * i, bswap32(regs[words - 1 - i]));
    }
}

static void xor_block(uint8_t *a, const uint8_t *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        a[i] ^= b[i];
    }
}

/* Multiply x by the hash key in GF(2^128), bit by bit. */
static void ghash_multiply(K210AesState *s)
{
    uint64_t vh = ldq_be_p(s->ghash_key), vl = ldq_be_p(s->ghash_key + 8);
    uint64_t zh = 0, zl = 0;

    for (int i = 0; i < 128; i++) {
        bool carry = vl & 1;

        if (s->ghash[i / 8] & (0x80 >> (i % 8))) {
            zh ^= vh;
            zl ^= vl;
        }
        vl = vl >> 1 | vh << 63;
        vh >>= 1;
        if (carry) {
            vh ^= 0xe100000000000000ull;
        }
    }
    stq_be_p(s->ghash, zh);
    stq_be_p(s->ghash + 8, zl);
}

static void ghash_block(K210AesState *s, const uint8_t *data, unsigned n)
{
    xor_block(s->ghash, data, n);
    ghash_multiply(s);
}

static void next_counter(K210AesState *s)
{
    stl_be_p(s->iv + 12, ldl_be_p(s->iv + 12) + 1);
}

static void finish_text(K210AesState *s)
{
    uint8_t lengths[16];

    if (!gcm(s)) {
        s->running = false;
        s->finished = true;
        trace_k210_aes_done(s->text_done);
        return;
    }
    stq_be_p(lengths, aad_len(s) * 8);
    stq_be_p(lengths + 8, text_len(s) * 8);
    ghash_block(s, lengths, 16);
    memcpy(s->tag, s->ghash, 16);
    xor_block(s->tag, s->tag_mask, 16);
    s->tag_wanted = true;
}

/* One block, or the shorter end of a GCM text, from in_block to the output. */
static void crypt_block(K210AesState *s, unsigned n)
{
    uint8_t out[16] = {};

    switch (s->mode) {
    case CIPHER_ECB:
        if (s->decrypt) {
            AES_decrypt(s->in_block, out, &s->key);
        } else {
            AES_encrypt(s->in_block, out, &s->key);
        }
        break;
    case CIPHER_CBC:
        if (s->decrypt) {
            AES_decrypt(s->in_block, out, &s->key);
            xor_block(out, s->iv, 16);
            memcpy(s->iv, s->in_block, 16);
        } else {
            xor_block(s->in_block, s->iv, 16);
            AES_encrypt(s->in_block, out, &s->key);
            memcpy(s->iv, out, 16);
        }
        break;
    case CIPHER_GCM:
        next_counter(s);
        AES_encrypt(s->iv, out, &s->key);
        memset(out + n, 0, 16 - n);
        xor_block(out, s->in_block, n);
        ghash_block(s, s->decrypt ? s->in_block : out, n);
        break;
    }
    for (unsigned i = 0; i < n; i += 4) {
        unsigned at = (s->out_pos + s->out_used) % K210_AES_FIFO;
        bool little = s->regs[R_ENDIAN] & 1;

        s->out[at] = little ? ldl_le_p(out + i) : ldl_be_p(out + i);
        s->out_used++;
    }
    s->text_done += n;
}

static bool aad_complete(K210AesState *s)
{
    return s->aad_done >= aad_len(s);
}

static bool text_complete(K210AesState *s)
{
    return s->text_done >= text_len(s);
}

/* Takes queued words through the cipher as long as output has room. */
static void pump(K210AesState *s)
{
    if (!s->running || s->tag_wanted || !aad_complete(s)) {
        return;
    }
    if (gcm(s) && text_len(s) == 0) {
        finish_text(s);
        return;
    }
    while (!text_complete(s)) {
        uint32_t left = MIN(text_len(s) - s->text_done, 16);

        if (s->in_used - s->in_pos < ROUND_UP(left, 4) ||
            s->out_used + 4 > K210_AES_FIFO) {
            break;
        }
        memset(s->in_block, 0, 16);
        memcpy(s->in_block, s->in + s->in_pos, left);
        s->in_pos += ROUND_UP(left, 4);
        crypt_block(s, left);
        if (text_complete(s)) {
            finish_text(s);
        }
    }
    if (s->in_pos == s->in_used) {
        s->in_pos = s->in_used = 0;
    }
}

static void update_dma(K210AesState *s)
{
    qemu_set_irq(s->dma_rx, s->regs[R_DMA_SEL] & 1 ? s->out_used : 0);
}

static bool can_take_word(K210AesState *s)
{
    return s->running && !s->tag_wanted &&
           (s->in_used - s->in_pos) / 4 < 4;
}

static void text_word(K210AesState *s, uint32_t v)
{
    bool little = s->regs[R_ENDIAN] & 1;

    if (!s->running) {
        k210_guest_error("k210-aes: text while no operation runs");
        return;
    }
    if (!aad_complete(s)) {
        k210_guest_error("k210-aes: text before all of the AAD");
        return;
    }
    if (!(s->regs[R_DMA_SEL] & 1) && !can_take_word(s)) {
        k210_guest_error("k210-aes: text word while DATA_IN_FLAG is 0, lost");
        return;
    }
    if (s->text_done + s->in_used - s->in_pos >= text_len(s) ||
        s->in_used >= AES_QUEUE_MAX) {
        k210_guest_error("k210-aes: more text than PC_NUM says, word lost");
        return;
    }
    if (s->in_used + 4 > s->in_size) {
        s->in_size = MAX(64, 2 * s->in_size);
        s->in = g_realloc(s->in, s->in_size);
    }
    stl_le_p(s->in + s->in_used, little ? v : bswap32(v));
    s->in_used += 4;
    pump(s);
}

static void aad_word(K210AesState *s, uint32_t v)
{
    uint8_t bytes[4];

    if (!s->running || aad_complete(s)) {
        k210_guest_error("k210-aes: AAD word that was not asked for");
        return;
    }
    stl_le_p(bytes, s->regs[R_ENDIAN] & 1 ? v : bswap32(v));
    for (int i = 0; i < 4 && s->aad_done < aad_len(s); i++) {
        s->in_block[s->in_len++] = bytes[i];
        s->aad_done++;
        if (s->in_len == 16 || aad_complete(s)) {
            ghash_block(s, s->in_block, s->in_len);
            s->in_len = 0;
        }
    }
    pump(s);
}

static void start(K210AesState *s)
{
    unsigned kmode = FIELD_EX32(s->regs[R_MODE_CTL], MODE_CTL, KMODE);
    unsigned words = 4 + 2 * MIN(kmode, 2);
    uint32_t keys[8];
    uint8_t bytes[32];

    s->mode = FIELD_EX32(s->regs[R_MODE_CTL], MODE_CTL, CIPHER);
    s->decrypt = s->regs[R_ENCRYPT_SEL] & 1;
    if (s->mode > CIPHER_GCM || kmode > 2) {
        k210_guest_error("k210-aes: MODE_CTL 0x%x has no meaning",
                         s->regs[R_MODE_CTL]);
        return;
    }
    memcpy(keys, &s->regs[R_KEY0], 16);
    memcpy(keys + 4, &s->regs[R_KEY_EXT0], 16);
    reversed_bytes(bytes, keys, words);
    if (s->decrypt && !gcm(s)) {
        AES_set_decrypt_key(bytes, 32 * words, &s->key);
    } else {
        AES_set_encrypt_key(bytes, 32 * words, &s->key);
    }
    if (gcm(s)) {
        static const uint8_t zero[16];

        reversed_bytes(s->iv, &s->regs[R_IV0], 3);
        stl_be_p(s->iv + 12, 1);
        AES_encrypt(zero, s->ghash_key, &s->key);
        AES_encrypt(s->iv, s->tag_mask, &s->key);
        memset(s->ghash, 0, 16);
    } else {
        reversed_bytes(s->iv, &s->regs[R_IV0], 4);
    }
    s->in_len = 0;
    s->in_used = s->in_pos = 0;
    s->out_used = s->out_pos = 0;
    s->aad_done = s->text_done = 0;
    s->tag_words = 0;
    s->tag_chk = TAG_BUSY;
    s->tag_wanted = false;
    s->finished = false;
    s->running = true;
    trace_k210_aes_start(s->mode, s->decrypt, 32 * words, text_len(s));
    pump(s);
}

static void tag_word(K210AesState *s, unsigned n, uint32_t v)
{
    bool same = true;

    s->regs[R_GCM_IN_TAG0 + n] = v;
    if (!s->tag_wanted) {
        return;
    }
    s->tag_words |= 1 << n;
    if (s->tag_words != 0xf) {
        return;
    }
    for (int i = 0; i < 4; i++) {
        same &= s->regs[R_GCM_IN_TAG0 + i] == ldl_be_p(s->tag + 4 * (3 - i));
    }
    s->tag_chk = same ? TAG_MATCH : TAG_MISMATCH;
    s->tag_words = 0;
}

static void tag_clear(K210AesState *s)
{
    s->tag_chk = TAG_BUSY;
    if (s->tag_wanted) {
        s->tag_wanted = false;
        s->running = false;
        s->finished = true;
        trace_k210_aes_done(s->text_done);
    }
}

static uint32_t out_word(K210AesState *s)
{
    uint32_t r;

    if (!s->out_used) {
        k210_guest_error("k210-aes: OUT_DATA read while DATA_OUT_FLAG is 0");
        return 0;
    }
    r = s->out[s->out_pos];
    s->out_pos = (s->out_pos + 1) % K210_AES_FIFO;
    s->out_used--;
    pump(s);
    return r;
}

static uint64_t k210_aes_read(void *opaque, hwaddr addr, unsigned size)
{
    K210AesState *s = opaque;
    uint64_t r = 0;

    if (!k210_mmio_ok(TYPE_K210_AES, false, addr, size)) {
        return 0;
    }
    switch (addr) {
    case A_FINISH:
        r = s->finished;
        break;
    case A_TAG_CHK:
        r = s->tag_chk;
        break;
    case A_DATA_IN_FLAG:
        r = can_take_word(s);
        break;
    case A_OUT_DATA:
        r = out_word(s);
        break;
    case A_DATA_OUT_FLAG:
        r = s->out_used != 0;
        break;
    case A_TAG_IN_FLAG:
        r = s->tag_wanted && s->tag_chk == TAG_BUSY;
        break;
    case A_GCM_OUT_TAG0 ... A_GCM_OUT_TAG3:
        r = ldl_be_p(s->tag + 4 * (3 - (addr - A_GCM_OUT_TAG0) / 4));
        break;
    case A_TEXT_DATA: case A_AAD_DATA: case A_TAG_CLEAR: case 0x38:
        break;
    case A_KEY0 ... A_ENDIAN: case A_DMA_SEL: case A_AAD_NUM: case A_PC_NUM:
    case A_GCM_IN_TAG0 ... A_GCM_IN_TAG3: case A_EN:
    case A_KEY_EXT0 ... A_KEY_EXT3:
        r = s->regs[addr / 4];
        break;
    default:
        k210_mmio_no_register(TYPE_K210_AES, false, addr);
    }
    update_dma(s);
    trace_k210_aes_read(addr, r);
    return r;
}

static void k210_aes_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    K210AesState *s = opaque;
    uint32_t v = value;

    trace_k210_aes_write(addr, v);
    if (!k210_mmio_ok(TYPE_K210_AES, true, addr, size)) {
        return;
    }
    switch (addr) {
    case A_MODE_CTL:
        if (FIELD_EX32(v, MODE_CTL, ORDERS)) {
            qemu_log_mask(LOG_UNIMP, "k210-aes: byte orders in MODE_CTL\n");
        }
        s->regs[R_MODE_CTL] = v & 0x7ff;
        break;
    case A_KEY0 ... A_KEY3: case A_KEY_EXT0 ... A_KEY_EXT3:
    case A_IV0 ... A_IV3: case A_ENCRYPT_SEL: case A_ENDIAN: case A_DMA_SEL:
    case A_AAD_NUM: case A_PC_NUM:
        s->regs[addr / 4] = v;
        break;
    case A_EN:
        s->regs[R_EN] = v & 1;
        if (v & 1) {
            start(s);
        }
        break;
    case A_TEXT_DATA:
        text_word(s, v);
        break;
    case A_AAD_DATA:
        aad_word(s, v);
        break;
    case A_GCM_IN_TAG0 ... A_GCM_IN_TAG3:
        tag_word(s, (addr - A_GCM_IN_TAG0) / 4, v);
        break;
    case A_TAG_CLEAR:
        if (!(v & 1)) {
            tag_clear(s);
        }
        break;
    case A_FINISH: case 0x38:
        break;
    case A_TAG_CHK: case A_DATA_IN_FLAG: case A_OUT_DATA:
    case A_DATA_OUT_FLAG: case A_TAG_IN_FLAG:
    case A_GCM_OUT_TAG0 ... A_GCM_OUT_TAG3:
        k210_mmio_read_only(TYPE_K210_AES, addr);
        break;
    default:
        k210_mmio_no_register(TYPE_K210_AES, true, addr);
    }
    update_dma(s);
}

static const MemoryRegionOps k210_aes_ops =
    K210_MMIO_OPS(k210_aes_read, k210_aes_write);

static void k210_aes_reset_hold(Object *obj, ResetType type)
{
    K210AesState *s = K210_AES(obj);

    memset(s->regs, 0, sizeof(s->regs));
    s->regs[R_AAD_NUM] = UINT32_MAX;
    s->running = s->finished = s->tag_wanted = false;
    s->mode = 0;
    s->in_len = s->in_used = s->in_pos = 0;
    s->out_used = s->out_pos = 0;
    s->aad_done = s->text_done = 0;
    s->tag_chk = TAG_BUSY;
    s->tag_words = 0;
    memset(s->tag, 0, sizeof(s->tag));
    update_dma(s);
}

static int k210_aes_post_load(void *opaque, int version_id)
{
    K210AesState *s = opaque;

    if (s->in_pos > s->in_used || s->in_used > s->in_size ||
        s->out_pos >= K210_AES_FIFO || s->out_used > K210_AES_FIFO ||
        s->in_len >= 16 || s->key.rounds > AES_MAXNR) {
        return -EINVAL;
    }
    return 0;
}

static const VMStateDescription vmstate_k210_aes = {
    .name = TYPE_K210_AES,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = k210_aes_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, K210AesState, K210_AES_NREGS),
        VMSTATE_BOOL(running, K210AesState),
        VMSTATE_UINT32(mode, K210AesState),
        VMSTATE_BOOL(decrypt, K210AesState),
        VMSTATE_UINT32_ARRAY(key.rd_key, K210AesState, 4 * (AES_MAXNR + 1)),
        VMSTATE_INT32(key.rounds, K210AesState),
        VMSTATE_UINT8_ARRAY(iv, K210AesState, 16),
        VMSTATE_UINT8_ARRAY(ghash_key, K210AesState, 16),
        VMSTATE_UINT8_ARRAY(ghash, K210AesState, 16),
        VMSTATE_UINT8_ARRAY(tag_mask, K210AesState, 16),
        VMSTATE_UINT8_ARRAY(in_block, K210AesState, 16),
        VMSTATE_UINT32(in_len, K210AesState),
        VMSTATE_UINT64(aad_done, K210AesState),
        VMSTATE_UINT64(text_done, K210AesState),
        VMSTATE_UINT32(in_size, K210AesState),
        VMSTATE_UINT32(in_used, K210AesState),
        VMSTATE_UINT32(in_pos, K210AesState),
        VMSTATE_VBUFFER_ALLOC_UINT32(in, K210AesState, 1, NULL, in_size),
        VMSTATE_UINT32_ARRAY(out, K210AesState, K210_AES_FIFO),
        VMSTATE_UINT32(out_pos, K210AesState),
        VMSTATE_UINT32(out_used, K210AesState),
        VMSTATE_UINT8_ARRAY(tag, K210AesState, 16),
        VMSTATE_UINT8(tag_words, K210AesState),
        VMSTATE_UINT32(tag_chk, K210AesState),
        VMSTATE_BOOL(tag_wanted, K210AesState),
        VMSTATE_BOOL(finished, K210AesState),
        VMSTATE_CLOCK(clk, K210AesState),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_aes_init(Object *obj)
{
    K210AesState *s = K210_AES(obj);

    memory_region_init_io(&s->mmio, obj, &k210_aes_ops, s, TYPE_K210_AES,
                          0x100);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    qdev_init_gpio_out_named(DEVICE(obj), &s->dma_rx, "dma-rx", 1);
    s->clk = qdev_init_clock_in(DEVICE(obj), "clk", NULL, NULL, 0);
}

static void k210_aes_finalize(Object *obj)
{
    g_free(K210_AES(obj)->in);
}

static void k210_aes_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->vmsd = &vmstate_k210_aes;
    dc->desc = "K210 AES accelerator";
    RESETTABLE_CLASS(klass)->phases.hold = k210_aes_reset_hold;
}

static const TypeInfo k210_aes_types[] = {
    {
        .name = TYPE_K210_AES,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210AesState),
        .instance_init = k210_aes_init,
        .instance_finalize = k210_aes_finalize,
        .class_init = k210_aes_class_init,
    },
};
DEFINE_TYPES(k210_aes_types)
