/*
 * SPI NOR flash of the K210 boards: what the commands (k210_w25q.c) and the
 * storage (k210_w25q_store.c) share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef K210_W25Q_INTERNAL_H
#define K210_W25Q_INTERNAL_H

#include "hw/k210/k210_w25q.h"

/* Allocates the cells and reads the image file into them. */
bool k210_w25q_open_storage(K210W25qState *s, Error **errp);

/* Reads the image file again. */
bool k210_w25q_load(K210W25qState *s, Error **errp);

/* These cells have changed: they go to the image file. */
void k210_w25q_store(K210W25qState *s, uint32_t addr, uint32_t len);

/*
 * An operation of @ns begins that makes @want of the page at @addr, or, when
 * @want is NULL, FFh of @len cells. Until its middle they are half done.
 */
void k210_w25q_begin(K210W25qState *s, uint32_t addr, uint32_t len,
                     const uint8_t *want, int64_t ns);

/* The cells are as they should be, now if not before. */
void k210_w25q_finish(K210W25qState *s);

/* The power is gone: half done cells stay so. */
void k210_w25q_abandon(K210W25qState *s);

/* Waits until the image file has all changes. */
void k210_w25q_sync(K210W25qState *s);

/* Byte @n of the parameter tables of JESD216 */
uint8_t k210_w25q_sfdp(K210W25qState *s, unsigned n);

#endif
