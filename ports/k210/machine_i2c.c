// SPDX-License-Identifier: MIT
//
// machine.I2C: the hardware masters, with the API of MicroPython and the constructor of MaixPy.
#include <errno.h>
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "hal/fpioa.h"
#include "hal/i2c.h"
#include "machine_pin.h"

#define DEFAULT_HZ (400000)
#define DEFAULT_TIMEOUT_US (50000)
#define MODE_MASTER (0)

typedef struct _machine_i2c_obj_t {
    mp_obj_base_t base;
    uint8_t id;
    uint32_t hz;
    uint32_t timeout_us;
} machine_i2c_obj_t;

static machine_i2c_obj_t objects[I2C_COUNT];

static unsigned scl_function(unsigned id) {
    return FPIOA_I2C0_SCLK + 2 * id;
}

static unsigned sda_function(unsigned id) {
    return FPIOA_I2C0_SDA + 2 * id;
}

static void machine_i2c_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_i2c_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "I2C(%u, scl=%d, sda=%d, freq=%u, timeout=%u)", self->id,
        fpioa_pad_of(scl_function(self->id)), fpioa_pad_of(sda_function(self->id)), self->hz, self->timeout_us);
}

// init(mode=MODE_MASTER, *, scl, sda, freq=400000, timeout=50000 us). The rest of MaixPy's keywords, for
// bit-banged buses and slaves, is accepted as far as it changes nothing.
static void machine_i2c_init(mp_obj_base_t *self_in, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_scl, ARG_sda, ARG_freq, ARG_timeout, ARG_gscl, ARG_gsda, ARG_addr, ARG_addr_size };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_mode, MP_ARG_INT, {.u_int = MODE_MASTER} },
        { MP_QSTR_scl, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_sda, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_freq, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = DEFAULT_HZ} },
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = DEFAULT_TIMEOUT_US} },
        { MP_QSTR_gscl, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_gsda, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_addr, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_addr_size, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 7} },
    };
    machine_i2c_obj_t *self = (machine_i2c_obj_t *)self_in;
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    if (args[ARG_mode].u_int != MODE_MASTER) {
        mp_raise_ValueError(MP_ERROR_TEXT("mode error: only I2C.MODE_MASTER is supported"));
    }
    if (args[ARG_addr_size].u_int != 7) {
        mp_raise_ValueError(MP_ERROR_TEXT("addr size error: only 7-bit addresses are supported"));
    }
    if ((args[ARG_scl].u_obj == mp_const_none) != (args[ARG_sda].u_obj == mp_const_none)) {
        mp_raise_ValueError(MP_ERROR_TEXT("pin(scl/sda) error: give both or none"));
    }
    if (args[ARG_freq].u_int <= 0 || args[ARG_timeout].u_int <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("freq and timeout must be positive"));
    }
    if (args[ARG_scl].u_obj != mp_const_none) {
        unsigned scl = machine_pin_find(args[ARG_scl].u_obj)->id, sda = machine_pin_find(args[ARG_sda].u_obj)->id;
        if (scl == sda) {
            mp_raise_ValueError(MP_ERROR_TEXT("pin(scl/sda) error: they are the same"));
        }
        fpioa_set(scl, scl_function(self->id));
        fpioa_set(sda, sda_function(self->id));
    }
    int32_t hz = i2c_init(self->id, args[ARG_freq].u_int);
    if (hz < 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("freq %d is not possible"), (int)args[ARG_freq].u_int);
    }
    self->hz = hz;
    self->timeout_us = args[ARG_timeout].u_int;
}

static mp_obj_t machine_i2c_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 0 || id >= I2C_COUNT) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("I2C(%d) doesn't exist"), (int)id);
    }
    machine_i2c_obj_t *self = &objects[id];
    self->base.type = type;
    self->id = id;
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    machine_i2c_init(&self->base, n_args - 1, args + 1, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static int to_mp_error(int err) {
    switch (err) {
        case 0:
            return 0;
        case -ENXIO:
            return -MP_ENODEV;
        case -ETIMEDOUT:
            return -MP_ETIMEDOUT;
        case -EINVAL:
            return -MP_EINVAL;
        default:
            return -MP_EIO;
    }
}

// The core ends each transfer with a STOP of its own, so the bus cannot be held for a later call;
// writing first and then reading in one transfer (WRITE1) is what it can do.
static int machine_i2c_transfer(mp_obj_base_t *self_in, uint16_t addr, size_t n, mp_machine_i2c_buf_t *bufs,
    unsigned int flags) {
    machine_i2c_obj_t *self = (machine_i2c_obj_t *)self_in;
    if (addr > 0x7F) {
        return -MP_EINVAL;
    }
    if (!(flags & MP_MACHINE_I2C_FLAG_STOP)) {
        return -MP_EOPNOTSUPP;
    }
    size_t n_tx = 0, n_rx = 0;
    for (size_t i = 0; i < n; ++i) {
        bool read = (flags & MP_MACHINE_I2C_FLAG_READ) && !(i == 0 && (flags & MP_MACHINE_I2C_FLAG_WRITE1));
        *(read ? &n_rx : &n_tx) += bufs[i].len;
    }
    if (n_tx + n_rx == 0) {
        // A write of nothing, which scan() does, is not possible: see who answers to a read.
        uint8_t dummy;
        int err = i2c_transfer(self->id, addr, NULL, 0, &dummy, 1, self->timeout_us);
        return to_mp_error(err);
    }
    uint8_t *tx = m_new(uint8_t, n_tx + n_rx), *rx = tx + n_tx;
    size_t first_read = flags & MP_MACHINE_I2C_FLAG_READ ? (flags & MP_MACHINE_I2C_FLAG_WRITE1 ? 1 : 0) : n;
    uint8_t *p = tx;
    for (size_t i = 0; i < first_read; ++i) {
        memcpy(p, bufs[i].buf, bufs[i].len);
        p += bufs[i].len;
    }
    int err = i2c_transfer(self->id, addr, tx, n_tx, rx, n_rx, self->timeout_us);
    for (size_t i = first_read; err == 0 && i < n; ++i) {
        memcpy(bufs[i].buf, rx, bufs[i].len);
        rx += bufs[i].len;
    }
    m_del(uint8_t, tx, n_tx + n_rx);
    return err < 0 ? to_mp_error(err) : (int)n_tx;
}

static const mp_machine_i2c_p_t machine_i2c_p = {
    .transfer_supports_write1 = true,
    .init = machine_i2c_init,
    .transfer = machine_i2c_transfer,
};

// Methods are MicroPython's common ones; constants for MaixPy's programs are looked up before them.
static const mp_rom_map_elem_t machine_i2c_constants_table[] = {
    { MP_ROM_QSTR(MP_QSTR_I2C0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_I2C1), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_I2C2), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_MODE_MASTER), MP_ROM_INT(MODE_MASTER) },
};
static MP_DEFINE_CONST_DICT(machine_i2c_constants, machine_i2c_constants_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    machine_i2c_base_type,
    MP_QSTR_I2C,
    MP_TYPE_FLAG_NONE,
    locals_dict, &mp_machine_i2c_locals_dict
    );

static void machine_i2c_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    mp_map_elem_t *elem = mp_map_lookup((mp_map_t *)&mp_machine_i2c_locals_dict.map, MP_OBJ_NEW_QSTR(attr), MP_MAP_LOOKUP);
    if (elem != NULL) {
        mp_convert_member_lookup(self_in, mp_obj_get_type(self_in), elem->value, dest);
    } else {
        dest[1] = MP_OBJ_SENTINEL; // go on with the constants
    }
}

MP_DEFINE_CONST_OBJ_TYPE(
    machine_i2c_type,
    MP_QSTR_I2C,
    MP_TYPE_FLAG_NONE,
    make_new, machine_i2c_make_new,
    print, machine_i2c_print,
    attr, machine_i2c_attr,
    protocol, &machine_i2c_p,
    parent, &machine_i2c_base_type,
    locals_dict, &machine_i2c_constants
    );
