// SPDX-License-Identifier: MIT
//
// Module k210: what only this chip has. Flash as a block device, the memory pool.
#include <errno.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "hal/flash.h"
#include "hal/hart1.h"
#include "k210_version.h"
#include "pool.h"

// Flash(start=the file system's place, len=its size): a block device of 4 KiB sectors.
typedef struct _k210_flash_obj_t {
    mp_obj_base_t base;
    uint32_t start;
    uint32_t len;
} k210_flash_obj_t;

static mp_obj_t k210_flash_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_start, ARG_len };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_start, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = MICROPY_HW_FLASH_FS_OFFSET} },
        { MP_QSTR_len, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = MICROPY_HW_FLASH_FS_SIZE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_int_t start = args[ARG_start].u_int, len = args[ARG_len].u_int;
    if (flash_size() == 0) {
        mp_raise_OSError(MP_ENODEV);
    }
    if (start < 0 || len <= 0 || start % FLASH_SECTOR != 0 || len % FLASH_SECTOR != 0
        || start + len > (mp_int_t)flash_size()) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("0x%x bytes at 0x%x are not whole sectors of a flash of 0x%x bytes"),
            (unsigned)len, (unsigned)start, (unsigned)flash_size());
    }
    k210_flash_obj_t *self = mp_obj_malloc(k210_flash_obj_t, type);
    self->start = start;
    self->len = len;
    return MP_OBJ_FROM_PTR(self);
}

// Address of offset bytes into block, checked against the device's end.
static uint32_t block_address(k210_flash_obj_t *self, mp_obj_t block, mp_int_t offset, size_t len) {
    mp_int_t from = mp_obj_get_int(block) * FLASH_SECTOR + offset;
    if (from < 0 || from > self->len || len > self->len - from) {
        mp_raise_OSError(MP_EINVAL);
    }
    return self->start + from;
}

static mp_obj_t k210_flash_readblocks(size_t n_args, const mp_obj_t *args) {
    k210_flash_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, MP_BUFFER_WRITE);
    mp_int_t offset = n_args == 4 ? mp_obj_get_int(args[3]) : 0;
    mp_hal_check(flash_read(block_address(self, args[1], offset, buf.len), buf.buf, buf.len));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(k210_flash_readblocks_obj, 3, 4, k210_flash_readblocks);

// Without an offset whole blocks are erased and written; with one, the caller has erased before.
static mp_obj_t k210_flash_writeblocks(size_t n_args, const mp_obj_t *args) {
    k210_flash_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, MP_BUFFER_READ);
    mp_int_t offset = n_args == 4 ? mp_obj_get_int(args[3]) : 0;
    uint32_t addr = block_address(self, args[1], offset, buf.len);
    if (n_args == 3) {
        for (size_t done = 0; done < buf.len; done += FLASH_SECTOR) {
            mp_hal_check(flash_erase_sector(addr + done));
            mp_event_handle_nowait();
        }
    }
    mp_hal_check(flash_program(addr, buf.buf, buf.len));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(k210_flash_writeblocks_obj, 3, 4, k210_flash_writeblocks);

static mp_obj_t k210_flash_ioctl(mp_obj_t self_in, mp_obj_t op, mp_obj_t arg) {
    k210_flash_obj_t *self = MP_OBJ_TO_PTR(self_in);
    switch (mp_obj_get_int(op)) {
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            return MP_OBJ_NEW_SMALL_INT(0);
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return MP_OBJ_NEW_SMALL_INT(self->len / FLASH_SECTOR);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(FLASH_SECTOR);
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE:
            mp_hal_check(flash_erase_sector(block_address(self, arg, 0, FLASH_SECTOR)));
            return MP_OBJ_NEW_SMALL_INT(0);
        default:
            return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(k210_flash_ioctl_obj, k210_flash_ioctl);

static const mp_rom_map_elem_t k210_flash_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&k210_flash_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&k210_flash_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&k210_flash_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(k210_flash_locals_dict, k210_flash_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    k210_flash_type,
    MP_QSTR_Flash,
    MP_TYPE_FLAG_NONE,
    make_new, k210_flash_make_new,
    locals_dict, &k210_flash_locals_dict
    );

static void add_block(void *arg, const void *block, size_t size, const char *owner) {
    mp_obj_t tuple[3] = {
        mp_obj_new_int_from_uint((uintptr_t)block),
        mp_obj_new_int_from_uint(size),
        owner == NULL ? mp_const_none : mp_obj_new_str_from_cstr(owner),
    };
    mp_obj_list_append(*(mp_obj_t *)arg, mp_obj_new_tuple(3, tuple));
}

// pool() -> list of (address, bytes, owner or None) of the memory pool
static mp_obj_t k210_pool(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    pool_walk(add_block, &list);
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(k210_pool_obj, k210_pool);

// pool_free() -> (free bytes, largest block)
static mp_obj_t k210_pool_free(void) {
    mp_obj_t tuple[2] = { mp_obj_new_int_from_uint(pool_free_bytes()), mp_obj_new_int_from_uint(pool_largest()) };
    return mp_obj_new_tuple(2, tuple);
}
static MP_DEFINE_CONST_FUN_OBJ_0(k210_pool_free_obj, k210_pool_free);

static void hart1_probe(void *arg) {
    uint64_t hart;
    __asm__ volatile ("csrr %0, mhartid" : "=r" (hart));
    *(volatile uint64_t *)arg = hart + 1;
}

// harts() -> number of harts that work: 1 if hart 1 has not come out of the boot ROM
static mp_obj_t k210_harts(void) {
    volatile uint64_t answer = 1;
    int err = hart1_run(hart1_probe, (void *)&answer);
    if (err != -ENODEV) {
        mp_hal_check(err);
        mp_hal_check(hart1_wait(1000000));
    }
    return MP_OBJ_NEW_SMALL_INT(answer);
}
static MP_DEFINE_CONST_FUN_OBJ_0(k210_harts_obj, k210_harts);

// The note that the linker puts where k210.ld says: an ELF note header, the name "GNU", the digest.
extern const uint8_t _build_id[];
#define BUILD_ID_OFFSET (16)
#define BUILD_ID_BYTES (20)

// build() -> (commit, build id): which firmware this is. The build id differs when anything in it does.
static mp_obj_t k210_build(void) {
    vstr_t vstr;
    vstr_init(&vstr, 2 * BUILD_ID_BYTES);
    for (size_t i = 0; i < BUILD_ID_BYTES; i++) {
        vstr_printf(&vstr, "%02x", _build_id[BUILD_ID_OFFSET + i]);
    }
    mp_obj_t tuple[2] = { mp_obj_new_str_from_cstr(K210_GIT_VERSION), mp_obj_new_str_from_vstr(&vstr) };
    return mp_obj_new_tuple(2, tuple);
}
static MP_DEFINE_CONST_FUN_OBJ_0(k210_build_obj, k210_build);

static mp_obj_t k210_flash_id(void) {
    return mp_obj_new_int_from_uint(flash_id());
}
static MP_DEFINE_CONST_FUN_OBJ_0(k210_flash_id_obj, k210_flash_id);

static mp_obj_t k210_flash_size(void) {
    return mp_obj_new_int_from_uint(flash_size());
}
static MP_DEFINE_CONST_FUN_OBJ_0(k210_flash_size_obj, k210_flash_size);

static mp_obj_t k210_flash_read(mp_obj_t addr_in, mp_obj_t len_in) {
    mp_int_t addr = mp_obj_get_int(addr_in), len = mp_obj_get_int(len_in);
    if (addr < 0 || len < 0 || addr > flash_size() || len > flash_size() - addr) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%d bytes at 0x%x are outside of the flash"), (int)len, (unsigned)addr);
    }
    vstr_t vstr;
    vstr_init_len(&vstr, len);
    mp_hal_check(flash_read(addr, vstr.buf, len));
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_2(k210_flash_read_obj, k210_flash_read);

static const mp_rom_map_elem_t k210_module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_k210) },
    { MP_ROM_QSTR(MP_QSTR_build), MP_ROM_PTR(&k210_build_obj) },
    { MP_ROM_QSTR(MP_QSTR_Flash), MP_ROM_PTR(&k210_flash_type) },
    { MP_ROM_QSTR(MP_QSTR_flash_id), MP_ROM_PTR(&k210_flash_id_obj) },
    { MP_ROM_QSTR(MP_QSTR_flash_size), MP_ROM_PTR(&k210_flash_size_obj) },
    { MP_ROM_QSTR(MP_QSTR_flash_read), MP_ROM_PTR(&k210_flash_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_harts), MP_ROM_PTR(&k210_harts_obj) },
    { MP_ROM_QSTR(MP_QSTR_pool), MP_ROM_PTR(&k210_pool_obj) },
    { MP_ROM_QSTR(MP_QSTR_pool_free), MP_ROM_PTR(&k210_pool_free_obj) },
};
static MP_DEFINE_CONST_DICT(k210_module_globals, k210_module_globals_table);

const mp_obj_module_t mp_module_k210 = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&k210_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_k210, mp_module_k210);
