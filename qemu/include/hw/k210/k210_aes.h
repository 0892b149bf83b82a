/*
 * Kendryte K210: AES accelerator (ECB, CBC, GCM; 128, 192 and 256 bits)
 *
 * Named GPIO output "dma-rx": output words that can be read now (handshake
 * 20). The block has no interrupt.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_AES_H
#define HW_K210_AES_H

#include "crypto/aes.h"
#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_K210_AES "k210-aes"
OBJECT_DECLARE_SIMPLE_TYPE(K210AesState, K210_AES)

/* Words that go in before the first one must come out. */
#define K210_AES_FIFO 20
#define K210_AES_NREGS (0x94 / 4)

struct K210AesState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq dma_rx;

    uint32_t regs[K210_AES_NREGS];

    bool running;       /* between EN and the end of the operation */
    uint32_t mode;      /* ENCRYPT_SEL and MODE_CTL at the start */
    bool decrypt;
    AES_KEY key;
    uint8_t iv[16];     /* CBC: the previous cipher block; GCM: the counter */
    uint8_t ghash_key[16];
    uint8_t ghash[16];
    uint8_t tag_mask[16];
    uint8_t in_block[16];
    uint32_t in_len;    /* bytes in in_block */
    uint64_t aad_done;
    uint64_t text_done; /* bytes that went through */

    /*
     * Words on their way. With DMA the bus holds the writer back while the
     * engine is full; here the words wait in this queue instead.
     */
    uint8_t *in;
    uint32_t in_size;   /* bytes allocated */
    uint32_t in_used;   /* bytes */
    uint32_t in_pos;
    uint32_t out[K210_AES_FIFO];
    uint32_t out_pos;
    uint32_t out_used;

    uint8_t tag[16];
    uint8_t tag_words;  /* GCM_IN_TAG words written */
    uint32_t tag_chk;
    bool tag_wanted;
    bool finished;
};

#endif
