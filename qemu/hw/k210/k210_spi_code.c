/*
 * Kendryte K210: instructions in SPI3's flash window
 *
 * Pages of the window as 32-bit loads see them, in RAM that only instruction
 * fetches are led to (see k210_cpu.c). A page is copied when a hart comes to
 * it first after the window was opened.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/main-loop.h"
#include "exec/address-spaces.h"
#include "hw/k210/k210_cpu.h"
#include "k210_spi_internal.h"

/* Far beyond the 32 address bits of the chip. */
#define CODE_BASE   (1ull << 50)
#define PAGE_SIZE   4096
#define PAGES       (K210_XIP_SIZE / PAGE_SIZE)

static K210SpiState *window;
static MemoryRegion code;
static DECLARE_BITMAP(copied, PAGES);

void k210_spi_code_init(K210SpiState *s, Error **errp)
{
    window = s;
    /* Copies can be made again, so they are no part of a saved machine. */
    if (memory_region_init_ram_nomigrate(&code, OBJECT(s), "k210-spi3-code",
                                         K210_XIP_SIZE, errp)) {
        memory_region_add_subregion(get_system_memory(), CODE_BASE, &code);
    }
}

void k210_spi_code_forget(void)
{
    bitmap_zero(copied, PAGES);
}

static bool copy(unsigned page)
{
    hwaddr start = (hwaddr)page * PAGE_SIZE;
    uint32_t words[PAGE_SIZE / 4];

    if (test_bit(page, copied)) {
        return true;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        if (!k210_spi_xip_peek(window, start + 4 * i, 4, &words[i])) {
            return false;
        }
        words[i] = cpu_to_le32(words[i]);
    }
    if (memcmp(memory_region_get_ram_ptr(&code) + start, words, PAGE_SIZE)) {
        /* Through the bus, so that what was translated is dropped. */
        address_space_write(&address_space_memory, CODE_BASE + start,
                            MEMTXATTRS_UNSPECIFIED, words, PAGE_SIZE);
    }
    set_bit(page, copied);
    return true;
}

hwaddr k210_spi_code_page(uint32_t offset)
{
    unsigned page = offset / PAGE_SIZE % PAGES;

    if (!window) {
        return K210_NO_CODE_PAGE;
    }
    if (!k210_cpu_is_fetching()) {
        BQL_LOCK_GUARD();
        if (!window->xip_on || !copy(page)) {
            return K210_NO_CODE_PAGE;
        }
        /*
         * The last instruction may reach into the next page. That is found
         * out in the middle of a translation, where nothing can be locked.
         */
        copy((page + 1) % PAGES);
    } else if (!test_bit(page, copied)) {
        return K210_NO_CODE_PAGE;
    }
    return CODE_BASE + (hwaddr)page * PAGE_SIZE;
}
