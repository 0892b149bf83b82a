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

/* Waits until the image file has all changes. */
void k210_w25q_sync(K210W25qState *s);

/* Byte @n of the parameter tables of JESD216 */
uint8_t k210_w25q_sfdp(K210W25qState *s, unsigned n);

#endif
