/*
 * SPI NOR flash of the K210 boards: W25Q64, W25Q128, GD25LQ128
 *
 * QEMU interface:
 *  + property "part": "w25q64", "w25q128" (default) or "gd25lq128"
 *  + property "drive": block backend; without one the part is erased RAM
 *  + property "unique-id": the 64-bit number answered to 4Bh
 *  + property "busy-percent": scales program and erase times (default 100)
 *  + property "power" (bool): false is a power cut; what was being programmed
 *    or erased stays half done. True again is a power-up
 *  + chip select on SSI_GPIO_CS, active low
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_W25Q_H
#define HW_K210_W25Q_H

#include "hw/ssi/ssi.h"
#include "qemu/iov.h"
#include "qemu/timer.h"
#include "qom/object.h"

#define TYPE_K210_W25Q "k210-w25q"
OBJECT_DECLARE_SIMPLE_TYPE(K210W25qState, K210_W25Q)

#define K210_W25Q_PAGE 256
#define K210_W25Q_SECURITY 3    /* security registers, a page each */

struct K210W25qState {
    SSIPeripheral parent_obj;

    BlockBackend *blk;
    char *part;
    uint64_t unique_id;
    uint32_t busy_percent;

    uint8_t *storage;
    uint32_t size;
    uint32_t blk_size;      /* bytes of the part that the backend holds */
    uint8_t maker;
    uint8_t type;
    uint8_t capacity;

    uint8_t sr[3];
    bool wel;
    bool volatile_wen;      /* 50h: the next status write does not last */
    bool reset_enabled;
    bool asleep;
    bool continuous;        /* the next command starts with its address */
    bool busy;
    int64_t busy_until;
    uint32_t op;            /* what it is busy with */
    uint32_t suspended_op;
    int64_t suspended_ns;   /* what is left of it */
    uint32_t erased_at;     /* the last erase */
    uint32_t erased_size;
    uint8_t security[K210_W25Q_SECURITY][K210_W25Q_PAGE];
    uint8_t sr_stored[3];   /* what power-up brings back */

    uint32_t phase;
    uint8_t cmd;
    uint32_t need;          /* address, mode and dummy bytes still to come */
    uint32_t addr;
    uint32_t count;         /* data bytes so far */
    uint8_t data[8];
    uint8_t page[K210_W25Q_PAGE];
    bool page_used[K210_W25Q_PAGE];

    /* Cells that are half done, and how they will be; see k210_w25q_store.c. */
    bool unpowered;
    uint32_t half_at;
    uint32_t half_size;     /* 0: none */
    bool half_is_erase;
    uint8_t half_page[K210_W25Q_PAGE];
    QEMUTimer *half_timer;

    /* What the image file does not have yet. */
    bool writing;
    QEMUIOVector iov;
    void *bounce;
    uint32_t dirty_start;
    uint32_t dirty_end;
};

/*
 * The cells, when a read with @cmd would be answered now, else NULL. For the
 * execute-in-place window, which runs a whole command per load.
 */
const uint8_t *k210_w25q_peek(K210W25qState *s, uint8_t cmd, uint32_t *size);

#endif
