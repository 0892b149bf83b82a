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
#include "machine_periph.h"
#include "machine_pin.h"

#define DEFAULT_HZ (400000)
#define DEFAULT_TIMEOUT_US (50000)
#define LINE_FREE_US (2000)
#define ID_SOFT_FIRST (I2C_COUNT) // MaixPy's bit-banged buses
#define ID_SOFT_LAST (6)

enum { MODE_MASTER, MODE_SLAVE, MODE_MASTER_SOFT };

typedef struct _machine_i2c_obj_t {
    mp_obj_base_t base;
    uint8_t id;
    uint32_t hz;
    uint32_t timeout_us;
    uint16_t addr; // of a slave
    mp_obj_t soft; // the SoftI2C behind a bit-banged bus, else MP_OBJ_NULL
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
    if (self->soft != MP_OBJ_NULL) {
        mp_printf(print, "I2C(%u): ", self->id);
        mp_obj_print_helper(print, self->soft, PRINT_REPR);
        return;
    }
    mp_printf(print, "I2C(%u, scl=%d, sda=%d, ", self->id,
        fpioa_pad_of(scl_function(self->id)), fpioa_pad_of(sda_function(self->id)));
    if (machine_i2c_is_slave(self->id)) {
        mp_printf(print, "mode=I2C.MODE_SLAVE, addr=0x%02x)", self->addr);
    } else {
        mp_printf(print, "freq=%u, timeout=%u)", self->hz, self->timeout_us);
    }
}

// A bit-banged bus is MicroPython's SoftI2C. gscl and gsda say which GPIOHS to use.
static void init_soft(machine_i2c_obj_t *self, mp_obj_t scl, mp_obj_t sda, mp_int_t gscl, mp_int_t gsda) {
    mp_int_t numbers[2] = { gscl, gsda };
    mp_obj_t pins[2] = { scl, sda };
    for (unsigned i = 0; i < 2; ++i) {
        unsigned pad = machine_pin_check(pins[i], FPIOA_GPIOHS0);
        if (numbers[i] >= FPIOA_GPIOHS0 && numbers[i] <= FPIOA_GPIOHS31) {
            fpioa_set(pad, numbers[i]);
        } else if (numbers[i] != 0) {
            mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2C: gpio(scl/sda) error!"));
        }
    }
    const mp_obj_t args[] = {
        MP_OBJ_NEW_QSTR(MP_QSTR_scl), MP_OBJ_FROM_PTR(machine_pin_find(scl)),
        MP_OBJ_NEW_QSTR(MP_QSTR_sda), MP_OBJ_FROM_PTR(machine_pin_find(sda)),
        MP_OBJ_NEW_QSTR(MP_QSTR_freq), mp_obj_new_int(self->hz),
        MP_OBJ_NEW_QSTR(MP_QSTR_timeout), mp_obj_new_int(self->timeout_us),
    };
    self->soft = MP_OBJ_TYPE_GET_SLOT(&mp_machine_soft_i2c_type, make_new)(&mp_machine_soft_i2c_type, 0, 4, args);
}

// init(mode=MODE_MASTER, *, scl, sda, freq=400000, timeout=50000 us, gscl, gsda), and for slaves addr, addr_size=7,
// on_receive, on_transmit, on_event.
static void machine_i2c_init(mp_obj_base_t *self_in, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum {
        ARG_mode, ARG_scl, ARG_sda, ARG_freq, ARG_timeout, ARG_gscl, ARG_gsda, ARG_addr, ARG_addr_size,
        ARG_on_receive, ARG_on_transmit, ARG_on_event,
    };
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
        { MP_QSTR_on_receive, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_on_transmit, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_on_event, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    machine_i2c_obj_t *self = (machine_i2c_obj_t *)self_in;
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_int_t mode = args[ARG_mode].u_int;
    if (mode > MODE_MASTER_SOFT && n_args == 1) {
        args[ARG_freq].u_int = mode; // some ports have the rate there
        mode = MODE_MASTER;
    }
    if (mode < MODE_MASTER || mode > MODE_MASTER_SOFT) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]I2C: mode error! There is no mode %d"), (int)mode);
    }
    if (mode == MODE_SLAVE && self->id >= ID_SOFT_FIRST) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2C: mode error! A bit-banged bus is no slave"));
    }
    if (mode != MODE_SLAVE && args[ARG_addr_size].u_int != 7) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2C: addr size error! Only 7-bit addresses are supported"));
    }
    if ((args[ARG_scl].u_obj == mp_const_none) != (args[ARG_sda].u_obj == mp_const_none)) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2C: pin(scl/sda) error! Give both or none"));
    }
    if (args[ARG_freq].u_int <= 0 || args[ARG_timeout].u_int <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("freq and timeout must be positive"));
    }
    self->hz = args[ARG_freq].u_int;
    self->timeout_us = args[ARG_timeout].u_int;
    if (args[ARG_scl].u_obj != mp_const_none) {
        if (machine_pin_find(args[ARG_scl].u_obj) == machine_pin_find(args[ARG_sda].u_obj)) {
            mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2C: pin(scl/sda) error! They are the same"));
        }
    } else if (self->id >= ID_SOFT_FIRST) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2C: pin(scl/sda) error! A bit-banged bus needs them"));
    }
    if (self->id >= ID_SOFT_FIRST) {
        init_soft(self, args[ARG_scl].u_obj, args[ARG_sda].u_obj, args[ARG_gscl].u_int, args[ARG_gsda].u_int);
        return;
    }
    if (args[ARG_scl].u_obj != mp_const_none) {
        machine_pin_check(args[ARG_scl].u_obj, scl_function(self->id));
        machine_pin_assign(args[ARG_sda].u_obj, sda_function(self->id));
        machine_pin_assign(args[ARG_scl].u_obj, scl_function(self->id));
    }
    if (mode == MODE_SLAVE) {
        self->addr = args[ARG_addr].u_int;
        const mp_obj_t callbacks[I2C_SLAVE_CALLBACKS] = {
            args[ARG_on_receive].u_obj, args[ARG_on_transmit].u_obj, args[ARG_on_event].u_obj,
        };
        machine_i2c_slave_init(self->id, args[ARG_addr].u_int, args[ARG_addr_size].u_int, callbacks);
        return;
    }
    machine_i2c_slave_deinit(self->id);
    int32_t hz = i2c_init(self->id, args[ARG_freq].u_int);
    if (hz < 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("freq %d is not possible"), (int)args[ARG_freq].u_int);
    }
    self->hz = hz;
}

static mp_obj_t machine_i2c_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 0 || id > ID_SOFT_LAST) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]I2C: I2C(%d) doesn't exist"), (int)id);
    }
    machine_i2c_obj_t *self = id < I2C_COUNT ? &objects[id] : m_new_obj(machine_i2c_obj_t);
    self->soft = MP_OBJ_NULL;
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

// A line that is low while nobody talks: no pull-up, a short circuit, or a device that hangs.
static void check_lines(machine_i2c_obj_t *self) {
    const unsigned functions[2] = { scl_function(self->id), sda_function(self->id) };
    for (unsigned i = 0; i < 2; ++i) {
        int pad = fpioa_pad_of(functions[i]);
        uint64_t limit = hal_time_us() + LINE_FREE_US;
        while (pad >= 0 && !fpioa_level(pad)) {
            if (hal_time_us() > limit) {
                mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("I2C%u: %s (pin %d) is held low: no pull-up, or a device hangs"),
                    self->id, i == 0 ? "SCL" : "SDA", pad);
            }
        }
    }
}

// The core ends each transfer with a STOP of its own, so the bus cannot be held for a later call;
// writing first and then reading in one transfer (WRITE1) is what it can do.
static int machine_i2c_transfer(mp_obj_base_t *self_in, uint16_t addr, size_t n, mp_machine_i2c_buf_t *bufs,
    unsigned int flags) {
    machine_i2c_obj_t *self = (machine_i2c_obj_t *)self_in;
    if (self->soft != MP_OBJ_NULL) {
        mp_obj_base_t *soft = MP_OBJ_TO_PTR(self->soft);
        // Bit-banging goes on without WRITE1 by two transfers.
        if (flags & MP_MACHINE_I2C_FLAG_WRITE1) {
            int err = mp_machine_soft_i2c_transfer(soft, addr, 1, bufs, 0);
            return err < 0 ? err : mp_machine_soft_i2c_transfer(soft, addr, n - 1, bufs + 1,
                flags & ~MP_MACHINE_I2C_FLAG_WRITE1);
        }
        return mp_machine_soft_i2c_transfer(soft, addr, n, bufs, flags);
    }
    if (machine_i2c_is_slave(self->id)) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("I2C%u is a slave: transfers are for masters"), self->id);
    }
    check_lines(self);
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
    // MaixPy's programs give 1000 and never meet a time-out: less than the default is not taken, and what
    // the bytes take comes on top.
    uint32_t bus_us = 20ull * (n_tx + n_rx) * 1000000 / self->hz;
    int err = i2c_transfer(self->id, addr, tx, n_tx, rx, n_rx, MAX(self->timeout_us, DEFAULT_TIMEOUT_US) + bus_us);
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

// readfrom_mem(addr, memaddr, nbytes, *, mem_size=8) and its relatives: MaixPy's mem_size is MicroPython's
// addrsize, and an int is written as one byte.
static mp_obj_t call_mem(qstr method, size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    mp_obj_t all[8 + 2];
    size_t n = 0, n_kw = 0;
    if (n_args + 2 * kw_args->used > MP_ARRAY_SIZE(all) - 2) {
        mp_raise_TypeError(MP_ERROR_TEXT("too many arguments"));
    }
    for (size_t i = 0; i < n_args; ++i) {
        all[n++] = args[i];
    }
    for (size_t i = 0; i < kw_args->alloc; ++i) {
        if (mp_map_slot_is_filled(kw_args, i)) {
            mp_obj_t key = kw_args->table[i].key;
            bool size = key == MP_OBJ_NEW_QSTR(MP_QSTR_mem_size) || key == MP_OBJ_NEW_QSTR(MP_QSTR_addrsize);
            mp_obj_t value = kw_args->table[i].value;
            if (size && (mp_obj_get_int(value) < 8 || mp_obj_get_int(value) > 32 || mp_obj_get_int(value) % 8 != 0)) {
                mp_raise_ValueError(MP_ERROR_TEXT("mem_size error"));
            }
            all[n++] = size ? MP_OBJ_NEW_QSTR(MP_QSTR_addrsize) : key;
            all[n++] = value;
            ++n_kw;
        }
    }
    uint8_t byte;
    if (method == MP_QSTR_writeto_mem && n_args == 4 && mp_obj_is_int(all[3])) {
        byte = mp_obj_get_int(all[3]);
        all[3] = mp_obj_new_bytes(&byte, 1);
    }
    mp_map_elem_t *elem = mp_map_lookup((mp_map_t *)&mp_machine_i2c_locals_dict.map, MP_OBJ_NEW_QSTR(method), MP_MAP_LOOKUP);
    return mp_call_function_n_kw(elem->value, n_args, n_kw, all);
}

#define MEM_METHOD(name) \
    static mp_obj_t machine_i2c_##name(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) { \
        return call_mem(MP_QSTR_##name, n_args, args, kw_args); \
    } \
    static MP_DEFINE_CONST_FUN_OBJ_KW(machine_i2c_##name##_obj, 1, machine_i2c_##name)

MEM_METHOD(readfrom_mem);
MEM_METHOD(readfrom_mem_into);
MEM_METHOD(writeto_mem);

static mp_obj_t machine_i2c_deinit(mp_obj_t self_in) {
    machine_i2c_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->soft == MP_OBJ_NULL) {
        machine_i2c_slave_deinit(self->id);
        i2c_deinit(self->id);
        machine_pin_release(scl_function(self->id));
        machine_pin_release(sda_function(self->id));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_i2c_deinit_obj, machine_i2c_deinit);

// Methods are MicroPython's common ones; constants for MaixPy's programs are looked up before them.
static const mp_rom_map_elem_t machine_i2c_constants_table[] = {
    { MP_ROM_QSTR(MP_QSTR_I2C0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_I2C1), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_I2C2), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_I2C3), MP_ROM_INT(3) },
    { MP_ROM_QSTR(MP_QSTR_I2C4), MP_ROM_INT(4) },
    { MP_ROM_QSTR(MP_QSTR_I2C5), MP_ROM_INT(5) },
    { MP_ROM_QSTR(MP_QSTR_I2C_SOFT), MP_ROM_INT(ID_SOFT_LAST) },
    { MP_ROM_QSTR(MP_QSTR_I2C_EV_START), MP_ROM_INT(I2C_SLAVE_START) },
    { MP_ROM_QSTR(MP_QSTR_I2C_EV_RESTART), MP_ROM_INT(I2C_SLAVE_RESTART) },
    { MP_ROM_QSTR(MP_QSTR_I2C_EV_STOP), MP_ROM_INT(I2C_SLAVE_STOP) },
    { MP_ROM_QSTR(MP_QSTR_MODE_MASTER), MP_ROM_INT(MODE_MASTER) },
    { MP_ROM_QSTR(MP_QSTR_MODE_SLAVE), MP_ROM_INT(MODE_SLAVE) },
    { MP_ROM_QSTR(MP_QSTR_MODE_MASTER_SOFT), MP_ROM_INT(MODE_MASTER_SOFT) },
};
static MP_DEFINE_CONST_DICT(machine_i2c_constants, machine_i2c_constants_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    machine_i2c_base_type,
    MP_QSTR_I2C,
    MP_TYPE_FLAG_NONE,
    locals_dict, &mp_machine_i2c_locals_dict
    );

// Methods that this port has instead of the common ones.
static const mp_rom_map_elem_t machine_i2c_methods_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readfrom_mem), MP_ROM_PTR(&machine_i2c_readfrom_mem_obj) },
    { MP_ROM_QSTR(MP_QSTR_readfrom_mem_into), MP_ROM_PTR(&machine_i2c_readfrom_mem_into_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeto_mem), MP_ROM_PTR(&machine_i2c_writeto_mem_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&machine_i2c_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&machine_i2c_deinit_obj) },
};
static MP_DEFINE_CONST_DICT(machine_i2c_methods, machine_i2c_methods_table);

static void machine_i2c_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    mp_map_elem_t *own = mp_map_lookup((mp_map_t *)&machine_i2c_methods.map, MP_OBJ_NEW_QSTR(attr), MP_MAP_LOOKUP);
    if (own != NULL) {
        mp_convert_member_lookup(self_in, mp_obj_get_type(self_in), own->value, dest);
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
