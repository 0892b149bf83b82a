/*
 * Kendryte K210: registers of the DMA controller, and what its channels do
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_DMAC_INTERNAL_H
#define HW_K210_DMAC_INTERNAL_H

#include "hw/k210/k210_dmac.h"
#include "hw/registerfields.h"

REG64(ID, 0x00)
REG64(COMPVER, 0x08)
REG64(CFG, 0x10)
    FIELD(CFG, DMAC_EN, 0, 1)
    FIELD(CFG, INT_EN, 1, 1)
REG64(CHEN, 0x18)
REG64(INTSTATUS, 0x30)
REG64(COM_INTCLEAR, 0x38)
REG64(COM_INTSTATUS_EN, 0x40)
REG64(COM_INTSIGNAL_EN, 0x48)
REG64(COM_INTSTATUS, 0x50)
REG64(RESET, 0x58)

/* Offsets inside a channel's page of 0x100 bytes; channel 0 is at 0x100. */
REG64(CH_SAR, 0x00)
REG64(CH_DAR, 0x08)
REG64(CH_BLOCK_TS, 0x10)
REG64(CH_CTL, 0x18)
    FIELD(CH_CTL, SINC, 4, 1)
    FIELD(CH_CTL, DINC, 6, 1)
    FIELD(CH_CTL, SRC_WIDTH, 8, 3)
    FIELD(CH_CTL, DST_WIDTH, 11, 3)
    FIELD(CH_CTL, SRC_MSIZE, 14, 4)
    FIELD(CH_CTL, DST_MSIZE, 18, 4)
    FIELD(CH_CTL, SRC_STAT_EN, 56, 1)
    FIELD(CH_CTL, DST_STAT_EN, 57, 1)
    FIELD(CH_CTL, IOC_BLKTFR, 58, 1)
    FIELD(CH_CTL, LLI_LAST, 62, 1)
    FIELD(CH_CTL, LLI_VALID, 63, 1)
REG64(CH_CFG, 0x20)
    FIELD(CH_CFG, SRC_MULTBLK, 0, 2)
    FIELD(CH_CFG, DST_MULTBLK, 2, 2)
    FIELD(CH_CFG, TT_FC, 32, 3)
    FIELD(CH_CFG, HS_SEL_SRC, 35, 1)
    FIELD(CH_CFG, HS_SEL_DST, 36, 1)
REG64(CH_LLP, 0x28)
REG64(CH_STATUS, 0x30)
REG64(CH_SWHSSRC, 0x38)
REG64(CH_SWHSDST, 0x40)
REG64(CH_BLK_TFR, 0x48)
REG64(CH_AXI_ID, 0x50)
REG64(CH_AXI_QOS, 0x58)
REG64(CH_SSTAT, 0x60)
REG64(CH_DSTAT, 0x68)
REG64(CH_SSTATAR, 0x70)
REG64(CH_DSTATAR, 0x78)
REG64(CH_INTSTATUS_EN, 0x80)
REG64(CH_INTSTATUS, 0x88)
REG64(CH_INTSIGNAL_EN, 0x90)
REG64(CH_INTCLEAR, 0x98)

enum { CONTIGUOUS, RELOAD, SHADOW, LINKED_LIST };

enum {
    INT_BLOCK_DONE = 1 << 0,
    INT_DONE = 1 << 1,
    INT_SRC_TRANSACTION = 1 << 3,
    INT_DST_TRANSACTION = 1 << 4,
    INT_SRC_DECODE = 1 << 5,
    INT_DST_DECODE = 1 << 6,
    INT_LLI_READ_DECODE = 1 << 9,
    INT_LLI_INVALID = 1 << 13,
    INT_MULTBLK_TYPE = 1 << 14,
    INT_WR2RO = 1 << 18,
    INT_WRONCHEN = 1 << 19,
    INT_SRC_SUSPENDED = 1 << 28,
    INT_SUSPENDED = 1 << 29,
    INT_DISABLED = 1 << 30,
    INT_ABORTED = 1u << 31,
};

/* Bits of the common interrupt registers. */
enum { COM_WR2RO = 1 << 1, COM_UNDEFINED = 1 << 8, COM_ALL = 0x10f };

enum { WAIT_NOTHING, WAIT_CLEAR, WAIT_RESUME };

/* Software handshake registers. */
enum { SWHS_REQ = 1, SWHS_SINGLE = 4, SWHS_LAST = 16, SWHS_VALUES = 0x15 };

/* At most this much is moved in one step. */
#define K210_DMAC_STEP  (32 * 1024)

/* Drives the channel's line from its interrupt registers. */
void k210_dmac_update_irq(K210DmacChannel *c);
/* Sets interrupt bits, as far as INTSTATUS_EN lets them be seen. */
void k210_dmac_interrupt(K210DmacChannel *c, uint32_t bits);
/* Ends the transfer; @why are interrupt bits. */
void k210_dmac_stop(K210DmacChannel *c, uint32_t why);
/* Starts the channel's machinery unless it is under way already. */
void k210_dmac_kick(K210DmacChannel *c);
void k210_dmac_enable(K210DmacChannel *c, bool on);
void k210_dmac_suspend(K210DmacChannel *c, bool on);
void k210_dmac_reset_channel(K210DmacChannel *c);
/* The callback of the channel's timer. */
void k210_dmac_channel_timer(void *opaque);

#endif
