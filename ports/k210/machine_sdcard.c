// SPDX-License-Identifier: MIT
//
// machine.SDCard: the TF card slot on SPI1 as a block device.
#include <errno.h>
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "hal/fpioa.h"
#include "hal/gpiohs.h"
#include "hal/spi.h"
#include "hal/time.h"
#include "config.h"
#include "machine_pin.h"
#include "machine_sdcard.h"
#include "pool.h"
#include "sdcard.h"

// Board data; the defaults are the wiring of the Maix family.
#ifndef MICROPY_HW_SD_SCLK
#define MICROPY_HW_SD_SCLK (27)
#define MICROPY_HW_SD_MOSI (28)
#define MICROPY_HW_SD_MISO (26)
#define MICROPY_HW_SD_CS (29)
#endif

#define SD_SPI (1)
#define SD_GPIOHS (29)
#define SD_HW_CS (1) // not on a pad: the card's select must stay low between bytes
#define BLOCK_TIMEOUT_US (1000000) // 41 ms at 100 kHz; an emulator on a busy host may be stopped for a while
#define SD_MOUNT "/sd"

typedef struct {
    mp_obj_base_t base;
    sd_card_t card;
    uint8_t sclk, mosi, miso, cs;
    uint32_t max_hz, hz;
    sd_bus_t bus;
} machine_sdcard_obj_t;

// ---- wires --------------------------------------------------------------------------------------

// Scripts may have used the port with other pads since, or the pads for something else: MaixPy's programs take the
// card's pads like any others. Without a card they are free.
static void route(machine_sdcard_obj_t *self, bool used) {
    const struct {
        uint8_t pad, function;
    } pads[] = {
        { self->sclk, FPIOA_SPI1_SCLK }, { self->mosi, FPIOA_SPI1_D0 }, { self->miso, FPIOA_SPI1_D1 },
        { self->cs, FPIOA_GPIOHS0 + SD_GPIOHS },
    };
    for (size_t i = 0; i < MP_ARRAY_SIZE(pads); ++i) {
        bool ours = fpioa_get(pads[i].pad) == pads[i].function;
        if (ours != used) {
            fpioa_set(pads[i].pad, used ? pads[i].function : FPIOA_RESV0);
            if (used) {
                machine_pin_lend(pads[i].pad);
            }
        }
    }
}

static void bus_select(void *ctx, bool on) {
    route(ctx, true);
    gpiohs_output(SD_GPIOHS, !on);
}

// A word for each byte, whatever the frame size. Only the DMA sees them; whole cache lines.
static uint32_t words_memory[SD_BLOCK] __attribute__((aligned(64)));

// In receive-only mode the core holds its output high, as cards want it.
static int receive_block(const spi_config_t *c, uint8_t *rx) {
    uint32_t *words = UNCACHED(words_memory);
    int ret = spi_read_dma(c, NULL, 0, words, SD_BLOCK);
    for (size_t i = 0; i < SD_BLOCK && ret == 0; ++i) {
        rx[i] = words[i];
    }
    return ret;
}

static int send_block(const spi_config_t *c, const uint8_t *tx) {
    uint32_t *words = UNCACHED(words_memory);
    for (size_t i = 0; i < SD_BLOCK; ++i) {
        words[i] = tx[i];
    }
    int ret = spi_write_dma(c, NULL, 0, words, SD_BLOCK, false, NULL, NULL);
    return ret ? ret : spi_wait(SD_SPI, BLOCK_TIMEOUT_US);
}

static int bus_transfer(void *ctx, const uint8_t *tx, uint8_t *rx, size_t n) {
    machine_sdcard_obj_t *self = ctx;
    spi_config_t c = {
        .port = SD_SPI, .cs = SD_HW_CS, .bits = 8, .hz = self->hz, .format = SPI_STANDARD,
    };
    if (n == SD_BLOCK && rx != NULL && tx == NULL) {
        return receive_block(&c, rx);
    }
    if (n == SD_BLOCK && rx == NULL && tx != NULL) {
        return send_block(&c, tx);
    }
    return spi_transfer(&c, tx, rx, n);
}

static void bus_set_hz(void *ctx, uint32_t hz) {
    machine_sdcard_obj_t *self = ctx;
    self->hz = hz < self->max_hz ? hz : self->max_hz;
}

static uint64_t bus_now_us(void *ctx) {
    return hal_time_us();
}

// ---- errors -------------------------------------------------------------------------------------

static void check(int err) {
    if (err == 0) {
        return;
    }
    const char *text;
    int code = -err;
    switch (code) {
        case ENODEV:
            code = MP_ENODEV;
            text = "no SD card answers";
            break;
        case ETIMEDOUT:
            code = MP_ETIMEDOUT;
            text = "the SD card does not get ready";
            break;
        case EINVAL:
            code = MP_EINVAL;
            text = "beyond the end of the SD card";
            break;
        case EIO:
            code = MP_EIO;
            text = "the SD card reports an error, or what it sends is damaged";
            break;
        default:
            code = MP_ENODEV;
            text = "this is another SD card than before: machine.SDCard.remount()";
            break;
    }
    mp_obj_t args[2] = { MP_OBJ_NEW_SMALL_INT(code), mp_obj_new_str_from_cstr(text) };
    nlr_raise(mp_obj_new_exception_args(&mp_type_OSError, 2, args));
}

// ---- object -------------------------------------------------------------------------------------

static uint8_t pad_arg(mp_obj_t section, qstr key, mp_obj_t arg, mp_int_t board) {
    mp_int_t pad = arg == mp_const_none ? k210_config_int(section, key, board) : mp_hal_get_pin_obj(arg);
    if (pad < 0 || pad >= FPIOA_PADS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%q must be 0 to %d, not %d"), key, FPIOA_PADS - 1, (int)pad);
    }
    return pad;
}

// SDCard(slot=1, *, sck=None, mosi=None, miso=None, cs=None, freq=25000000): pads as the board has them, or
// as the section "sdcard" of /flash/config.json says. OSError when there is no card.
static mp_obj_t sdcard_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_slot, ARG_sck, ARG_mosi, ARG_miso, ARG_cs, ARG_freq };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_slot, MP_ARG_INT, {.u_int = SD_SPI} },
        { MP_QSTR_sck, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_mosi, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_miso, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_cs, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_freq, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 25000000} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    if (args[ARG_slot].u_int != SD_SPI) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("SDCard(%d) doesn't exist: the slot is on SPI1"),
            (int)args[ARG_slot].u_int);
    }
    if (args[ARG_freq].u_int < 100000 || args[ARG_freq].u_int > 50000000) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("freq must be 100000 to 50000000 Hz, not %d"),
            (int)args[ARG_freq].u_int);
    }
    static const sd_bus_t wires = { bus_select, bus_transfer, bus_set_hz, bus_now_us, NULL };
    machine_sdcard_obj_t *self = mp_obj_malloc(machine_sdcard_obj_t, type);
    mp_obj_t section = k210_config_get(MP_QSTR_sdcard);
    self->sclk = pad_arg(section, MP_QSTR_sclk, args[ARG_sck].u_obj, MICROPY_HW_SD_SCLK);
    self->mosi = pad_arg(section, MP_QSTR_mosi, args[ARG_mosi].u_obj, MICROPY_HW_SD_MOSI);
    self->miso = pad_arg(section, MP_QSTR_miso, args[ARG_miso].u_obj, MICROPY_HW_SD_MISO);
    self->cs = pad_arg(section, MP_QSTR_cs, args[ARG_cs].u_obj, MICROPY_HW_SD_CS);
    self->max_hz = args[ARG_freq].u_int;
    sd_open(&self->card, NULL);
    spi_init(SD_SPI);
    self->bus = wires;
    self->bus.ctx = self;
    self->card.bus = &self->bus;
    int err = sd_init(&self->card);
    if (err) {
        route(self, false);
    }
    check(err);
    return MP_OBJ_FROM_PTR(self);
}

static void sdcard_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_sdcard_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "SDCard(sck=%u, mosi=%u, miso=%u, cs=%u, blocks=%u)", self->sclk, self->mosi, self->miso, self->cs,
        (unsigned)self->card.blocks);
}

// (bytes, bytes of a block)
static mp_obj_t sdcard_info(mp_obj_t self_in) {
    machine_sdcard_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_obj_t tuple[2] = {
        mp_obj_new_int_from_ull((uint64_t)self->card.blocks * SD_BLOCK), MP_OBJ_NEW_SMALL_INT(SD_BLOCK),
    };
    return mp_obj_new_tuple(2, tuple);
}
static MP_DEFINE_CONST_FUN_OBJ_1(sdcard_info_obj, sdcard_info);

static mp_obj_t sdcard_deinit(mp_obj_t self_in) {
    machine_sdcard_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->card.ready = false;
    route(self, false);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(sdcard_deinit_obj, sdcard_deinit);

static uint32_t whole_blocks(const mp_buffer_info_t *buf) {
    if (buf->len % SD_BLOCK != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%u bytes are not whole blocks of %d"), (unsigned)buf->len,
            SD_BLOCK);
    }
    return buf->len / SD_BLOCK;
}

static uint32_t block_number(mp_obj_t o) {
    mp_int_t n = mp_obj_get_int(o);
    if (n < 0 || n > UINT32_MAX) {
        mp_raise_OSError(MP_EINVAL);
    }
    return n;
}

// What file systems want to hear: None, or a negative errno. An exception would also come out of every
// import, as the card is in the search path.
static mp_obj_t result(int err) {
    switch (err) {
        case 0:
            return mp_const_none;
        case -ETIMEDOUT:
            return MP_OBJ_NEW_SMALL_INT(-MP_ETIMEDOUT);
        case -EINVAL:
            return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
        case -EIO:
            return MP_OBJ_NEW_SMALL_INT(-MP_EIO);
        default:
            return MP_OBJ_NEW_SMALL_INT(-MP_ENODEV);
    }
}

static mp_obj_t sdcard_readblocks(mp_obj_t self_in, mp_obj_t block, mp_obj_t data) {
    machine_sdcard_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(data, &buf, MP_BUFFER_WRITE);
    return result(sd_read(&self->card, block_number(block), buf.buf, whole_blocks(&buf)));
}
static MP_DEFINE_CONST_FUN_OBJ_3(sdcard_readblocks_obj, sdcard_readblocks);

static mp_obj_t sdcard_writeblocks(mp_obj_t self_in, mp_obj_t block, mp_obj_t data) {
    machine_sdcard_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(data, &buf, MP_BUFFER_READ);
    return result(sd_write(&self->card, block_number(block), buf.buf, whole_blocks(&buf)));
}
static MP_DEFINE_CONST_FUN_OBJ_3(sdcard_writeblocks_obj, sdcard_writeblocks);

static mp_obj_t sdcard_ioctl(mp_obj_t self_in, mp_obj_t op, mp_obj_t arg) {
    machine_sdcard_obj_t *self = MP_OBJ_TO_PTR(self_in);
    switch (mp_obj_get_int(op)) {
        case MP_BLOCKDEV_IOCTL_INIT: {
            int err = self->card.ready ? 0 : sd_init(&self->card);
            return MP_OBJ_NEW_SMALL_INT(err ? -MP_EIO : 0);
        }
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            return MP_OBJ_NEW_SMALL_INT(0);
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return mp_obj_new_int_from_uint(self->card.blocks);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(SD_BLOCK);
        default:
            return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(sdcard_ioctl_obj, sdcard_ioctl);

// remount(): the card that is in the slot now, at /sd. At once, unlike MaixPy's.
static mp_obj_t sdcard_remount(void) {
    nlr_buf_t nlr;
    mp_obj_t where = MP_OBJ_NEW_QSTR(qstr_from_str(SD_MOUNT));
    if (nlr_push(&nlr) == 0) {
        mp_vfs_umount(where);
        nlr_pop();
    } // else it was not mounted
    mp_obj_t args[2] = { mp_call_function_0(MP_OBJ_FROM_PTR(&machine_sdcard_type)), where };
    mp_vfs_mount(2, args, (mp_map_t *)&mp_const_empty_map);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(sdcard_remount_fun, sdcard_remount);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(sdcard_remount_obj, MP_ROM_PTR(&sdcard_remount_fun));

static const mp_rom_map_elem_t sdcard_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_info), MP_ROM_PTR(&sdcard_info_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&sdcard_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&sdcard_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&sdcard_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&sdcard_ioctl_obj) },
    { MP_ROM_QSTR(MP_QSTR_remount), MP_ROM_PTR(&sdcard_remount_obj) },
};
static MP_DEFINE_CONST_DICT(sdcard_locals_dict, sdcard_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_sdcard_type,
    MP_QSTR_SDCard,
    MP_TYPE_FLAG_NONE,
    make_new, sdcard_make_new,
    print, sdcard_print,
    locals_dict, &sdcard_locals_dict
    );
