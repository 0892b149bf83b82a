// SPDX-License-Identifier: MIT
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "extmod/virtpin.h"
#include "shared/runtime/mpirq.h"
#include "hal/fpioa.h"
#include "hal/gpiohs.h"
#include "machine_pin.h"

enum { MODE_IN, MODE_OUT, MODE_OPEN_DRAIN };

// MaixPy's programs and drivers use GPIOHS 29..31 (LCD, SD card) and, by number, the low ones.
#define AUTO_FIRST (28)

typedef struct _machine_pin_irq_obj_t {
    mp_irq_obj_t base;
    uint8_t flags;
    uint8_t trigger;
} machine_pin_irq_obj_t;

// Pads that others may have, and the function they are lent with.
static uint64_t lent;
static uint8_t lent_function[FPIOA_PADS];

// Pins in open-drain mode: they are switched between input and output low.
static uint64_t open_drain;

MP_DEFINE_CONST_OBJ_TYPE(
    pin_cpu_pins_obj_type,
    MP_QSTR_cpu,
    MP_TYPE_FLAG_NONE,
    locals_dict, &machine_pin_cpu_pins_locals_dict
    );

MP_DEFINE_CONST_OBJ_TYPE(
    pin_board_pins_obj_type,
    MP_QSTR_board,
    MP_TYPE_FLAG_NONE,
    locals_dict, &machine_pin_board_pins_locals_dict
    );

// GPIOHS behind a pad, -1 if there is none.
static int gpiohs_of(unsigned pad) {
    int function = fpioa_get(pad);
    return function >= FPIOA_GPIOHS0 && function <= FPIOA_GPIOHS31 ? function - FPIOA_GPIOHS0 : -1;
}

unsigned machine_pin_gpiohs(unsigned pad) {
    int n = gpiohs_of(pad);
    if (n >= 0) {
        return n;
    }
    for (unsigned i = 0; i < GPIOHS_COUNT; ++i) {
        n = (AUTO_FIRST + GPIOHS_COUNT - i) % GPIOHS_COUNT;
        if (fpioa_pad_of(FPIOA_GPIOHS0 + n) < 0) {
            fpioa_set(pad, FPIOA_GPIOHS0 + n);
            return n;
        }
    }
    mp_raise_OSError(MP_EBUSY);
}

static const machine_pin_obj_t *find_named(const mp_obj_dict_t *dict, mp_obj_t name) {
    mp_map_elem_t *elem = mp_map_lookup((mp_map_t *)&dict->map, name, MP_MAP_LOOKUP);
    return elem != NULL ? MP_OBJ_TO_PTR(elem->value) : NULL;
}

const machine_pin_obj_t *machine_pin_find(mp_obj_t pin) {
    if (mp_obj_is_type(pin, &machine_pin_type)) {
        return MP_OBJ_TO_PTR(pin);
    }
    if (mp_obj_is_str(pin)) {
        const machine_pin_obj_t *self = find_named(&machine_pin_board_pins_locals_dict, pin);
        if (self == NULL) {
            self = find_named(&machine_pin_cpu_pins_locals_dict, pin);
        }
        if (self != NULL) {
            return self;
        }
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("unknown named pin \"%s\""), mp_obj_str_get_str(pin));
    }
    mp_int_t n = mp_obj_get_int(pin);
    if (n < 0 || n >= FPIOA_PADS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("pin %d is not between 0 and 47"), (int)n);
    }
    return &machine_pin_obj_table[n];
}

static bool is_free(unsigned function) {
    return (function >= FPIOA_GPIOHS0 && function <= FPIOA_GPIO7) || (function >= FPIOA_RESV0 && function <= FPIOA_RESV5)
           || function <= FPIOA_JTAG_TDO;
}

unsigned machine_pin_check(mp_obj_t pin, unsigned function) {
    unsigned pad = machine_pin_find(pin)->id;
    unsigned used = fpioa_get(pad);
    bool is_lent = (lent >> pad & 1) && lent_function[pad] == used;
    if (used != function && !is_free(used) && !is_lent) {
        char name[FPIOA_NAME_MAX], wanted[FPIOA_NAME_MAX];
        fpioa_name(used, name);
        fpioa_name(function, wanted);
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("pin %u cannot be %s, it is used by %s"), pad, wanted, name);
    }
    return pad;
}

void machine_pin_assign(mp_obj_t pin, unsigned function) {
    unsigned pad = machine_pin_check(pin, function);
    lent &= ~(1ull << pad);
    if (fpioa_get(pad) != (int)function) {
        fpioa_set(pad, function);
    }
}

void machine_pin_lend(unsigned pad) {
    lent |= 1ull << pad;
    lent_function[pad] = (uint8_t)fpioa_get(pad);
}

void machine_pin_release(unsigned function) {
    int pad = fpioa_pad_of(function);
    if (pad >= 0) {
        fpioa_set(pad, FPIOA_RESV0);
    }
}

mp_hal_pin_obj_t mp_hal_get_pin_obj(mp_obj_t pin) {
    return machine_pin_find(pin)->id;
}

void mp_hal_pin_input(mp_hal_pin_obj_t pin) {
    open_drain &= ~(1ull << pin);
    gpiohs_input(machine_pin_gpiohs(pin));
}

void machine_pin_output(unsigned pin, bool value) {
    open_drain &= ~(1ull << pin);
    gpiohs_output(machine_pin_gpiohs(pin), value);
}

void mp_hal_pin_output(mp_hal_pin_obj_t pin) {
    machine_pin_output(pin, gpiohs_read(machine_pin_gpiohs(pin)));
}

void mp_hal_pin_open_drain(mp_hal_pin_obj_t pin) {
    unsigned n = machine_pin_gpiohs(pin);
    gpiohs_input(n);
    fpioa_set_pull(pin, FPIOA_PULL_UP);
    open_drain |= 1ull << pin;
}

int mp_hal_pin_read(mp_hal_pin_obj_t pin) {
    int n = gpiohs_of(pin);
    return n >= 0 && gpiohs_read(n);
}

void mp_hal_pin_od_low(mp_hal_pin_obj_t pin) {
    int n = gpiohs_of(pin);
    if (n >= 0) {
        gpiohs_output(n, false);
    }
}

void mp_hal_pin_od_high(mp_hal_pin_obj_t pin) {
    int n = gpiohs_of(pin);
    if (n >= 0) {
        gpiohs_input(n);
    }
}

void mp_hal_pin_write(mp_hal_pin_obj_t pin, int value) {
    if (!(open_drain >> pin & 1)) {
        int n = gpiohs_of(pin);
        if (n >= 0) {
            gpiohs_write(n, value);
        }
    } else if (value) {
        mp_hal_pin_od_high(pin);
    } else {
        mp_hal_pin_od_low(pin);
    }
}

static void machine_pin_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    const machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    int n = gpiohs_of(self->id);
    if (n < 0) {
        mp_printf(print, "Pin(%q, function=%d)", self->name, fpioa_get(self->id));
        return;
    }
    qstr mode = open_drain >> self->id & 1 ? MP_QSTR_OPEN_DRAIN : gpiohs_is_output(n) ? MP_QSTR_OUT : MP_QSTR_IN;
    mp_printf(print, "Pin(%q, mode=%q, gpiohs=%d)", self->name, mode, n);
}

static mp_obj_t pin_init(const machine_pin_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_pull, ARG_value, ARG_drive };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_mode, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_pull, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(-1)} },
        { MP_QSTR_value, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_drive, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    int value = args[ARG_value].u_obj == mp_const_none ? -1 : mp_obj_is_true(args[ARG_value].u_obj);
    if (args[ARG_mode].u_obj != mp_const_none) {
        mp_int_t mode = mp_obj_get_int(args[ARG_mode].u_obj);
        if (mode == MODE_IN) {
            mp_hal_pin_input(self->id);
        } else if (mode == MODE_OUT && value >= 0) {
            machine_pin_output(self->id, value);
        } else if (mode == MODE_OUT) {
            mp_hal_pin_output(self->id);
        } else if (mode == MODE_OPEN_DRAIN) {
            mp_hal_pin_open_drain(self->id);
        } else {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("invalid pin mode: %d"), (int)mode);
        }
    }
    if (value >= 0) {
        mp_hal_pin_write(self->id, value);
    }
    if (args[ARG_pull].u_obj == mp_const_none) {
        fpioa_set_pull(self->id, FPIOA_PULL_NONE);
    } else if (mp_obj_get_int(args[ARG_pull].u_obj) != -1) {
        mp_int_t pull = mp_obj_get_int(args[ARG_pull].u_obj);
        if (pull != FPIOA_PULL_UP && pull != FPIOA_PULL_DOWN) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("invalid pull: %d"), (int)pull);
        }
        fpioa_set_pull(self->id, pull);
    }
    if (args[ARG_drive].u_int != -1 && fpioa_set_drive(self->id, args[ARG_drive].u_int) < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("drive is not between 0 and 15"));
    }
    return mp_const_none;
}

mp_obj_t mp_pin_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    const machine_pin_obj_t *self = machine_pin_find(args[0]);
    if (n_args > 1 || n_kw > 0) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        pin_init(self, n_args - 1, args + 1, &kw_args);
    }
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t machine_pin_obj_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    return pin_init(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_pin_init_obj, 1, machine_pin_obj_init);

static mp_obj_t machine_pin_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    const machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (n_args == 0) {
        return MP_OBJ_NEW_SMALL_INT(mp_hal_pin_read(self->id));
    }
    mp_hal_pin_write(self->id, mp_obj_is_true(args[0]));
    return mp_const_none;
}

static mp_obj_t machine_pin_value(size_t n_args, const mp_obj_t *args) {
    return machine_pin_call(args[0], n_args - 1, 0, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_pin_value_obj, 1, 2, machine_pin_value);

static mp_obj_t machine_pin_low(mp_obj_t self_in) {
    mp_hal_pin_write(((const machine_pin_obj_t *)MP_OBJ_TO_PTR(self_in))->id, 0);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_low_obj, machine_pin_low);

static mp_obj_t machine_pin_high(mp_obj_t self_in) {
    mp_hal_pin_write(((const machine_pin_obj_t *)MP_OBJ_TO_PTR(self_in))->id, 1);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_high_obj, machine_pin_high);

static mp_obj_t machine_pin_toggle(mp_obj_t self_in) {
    unsigned pin = ((const machine_pin_obj_t *)MP_OBJ_TO_PTR(self_in))->id;
    mp_hal_pin_write(pin, !mp_hal_pin_read(pin));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_toggle_obj, machine_pin_toggle);

// id() -> number of the pad
static mp_obj_t machine_pin_id(mp_obj_t self_in) {
    return MP_OBJ_NEW_SMALL_INT(((const machine_pin_obj_t *)MP_OBJ_TO_PTR(self_in))->id);
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_id_obj, machine_pin_id);

static void irq_event(void *arg) {
    machine_pin_irq_obj_t *irq = MP_STATE_PORT(machine_pin_irq_obj[(uintptr_t)arg]);
    if (irq != NULL) {
        const machine_pin_obj_t *self = MP_OBJ_TO_PTR(irq->base.parent);
        irq->flags = irq->trigger == (GPIOHS_RISING | GPIOHS_FALLING)
            ? (mp_hal_pin_read(self->id) ? GPIOHS_RISING : GPIOHS_FALLING) : irq->trigger;
        mp_irq_handler(&irq->base);
    }
}

static mp_uint_t irq_trigger(mp_obj_t self_in, mp_uint_t trigger) {
    const machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    machine_pin_irq_obj_t *irq = MP_STATE_PORT(machine_pin_irq_obj[self->id]);
    irq->flags = 0;
    irq->trigger = trigger;
    int n = gpiohs_of(self->id);
    if (n >= 0) {
        gpiohs_irq(n, trigger, irq_event, (void *)(uintptr_t)self->id);
    }
    return 0;
}

static mp_uint_t irq_info(mp_obj_t self_in, mp_uint_t info_type) {
    const machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    machine_pin_irq_obj_t *irq = MP_STATE_PORT(machine_pin_irq_obj[self->id]);
    return info_type == MP_IRQ_INFO_FLAGS ? irq->flags : info_type == MP_IRQ_INFO_TRIGGERS ? irq->trigger : 0;
}

static const mp_irq_methods_t irq_methods = {
    .trigger = irq_trigger,
    .info = irq_info,
};

// irq(handler=None, trigger=IRQ_RISING | IRQ_FALLING, *, priority=1, wake=None, hard=False). All pins have the same
// priority, and nothing here sleeps so deeply that it must be woken.
static mp_obj_t machine_pin_irq(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_handler, ARG_trigger, ARG_priority, ARG_wake, ARG_hard };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_handler, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_trigger, MP_ARG_INT, {.u_int = GPIOHS_RISING | GPIOHS_FALLING} },
        { MP_QSTR_priority, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1} },
        { MP_QSTR_wake, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_hard, MP_ARG_BOOL, {.u_bool = false} },
    };
    const machine_pin_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    machine_pin_irq_obj_t *irq = MP_STATE_PORT(machine_pin_irq_obj[self->id]);
    if (irq == NULL) {
        irq = m_new0(machine_pin_irq_obj_t, 1);
        mp_irq_init(&irq->base, &irq_methods, MP_OBJ_FROM_PTR(self));
        MP_STATE_PORT(machine_pin_irq_obj[self->id]) = irq;
    }
    if (n_args > 1 || kw_args->used != 0) {
        mp_uint_t trigger = args[ARG_trigger].u_int;
        if (trigger & ~(mp_uint_t)(GPIOHS_RISING | GPIOHS_FALLING)) {
            mp_raise_ValueError(MP_ERROR_TEXT("trigger is not IRQ_RISING, IRQ_FALLING or both"));
        }
        if (args[ARG_wake].u_obj != mp_const_none && args[ARG_wake].u_obj != MP_OBJ_NEW_SMALL_INT(0)) {
            mp_raise_ValueError(MP_ERROR_TEXT("wake: the chip has no sleep that a pin could end"));
        }
        irq_trigger(MP_OBJ_FROM_PTR(self), 0);
        irq->base.handler = args[ARG_handler].u_obj;
        irq->base.ishard = args[ARG_hard].u_bool;
        if (irq->base.handler != mp_const_none) {
            machine_pin_gpiohs(self->id);
            irq_trigger(MP_OBJ_FROM_PTR(self), trigger);
        }
    }
    return MP_OBJ_FROM_PTR(irq);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_pin_irq_obj, 1, machine_pin_irq);

void machine_pin_deinit(void) {
    for (unsigned n = 0; n < GPIOHS_COUNT; ++n) {
        gpiohs_irq(n, 0, NULL, NULL);
    }
    for (unsigned pad = 0; pad < FPIOA_PADS; ++pad) {
        MP_STATE_PORT(machine_pin_irq_obj[pad]) = NULL;
        unsigned function = fpioa_get(pad);
        if (!is_free(function) && function != FPIOA_UARTHS_RX && function != FPIOA_UARTHS_TX) {
            fpioa_set(pad, FPIOA_RESV0);
        }
    }
}

static const mp_rom_map_elem_t machine_pin_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_pin_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&machine_pin_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_low), MP_ROM_PTR(&machine_pin_low_obj) },
    { MP_ROM_QSTR(MP_QSTR_high), MP_ROM_PTR(&machine_pin_high_obj) },
    { MP_ROM_QSTR(MP_QSTR_off), MP_ROM_PTR(&machine_pin_low_obj) },
    { MP_ROM_QSTR(MP_QSTR_on), MP_ROM_PTR(&machine_pin_high_obj) },
    { MP_ROM_QSTR(MP_QSTR_toggle), MP_ROM_PTR(&machine_pin_toggle_obj) },
    { MP_ROM_QSTR(MP_QSTR_id), MP_ROM_PTR(&machine_pin_id_obj) },
    { MP_ROM_QSTR(MP_QSTR_irq), MP_ROM_PTR(&machine_pin_irq_obj) },

    { MP_ROM_QSTR(MP_QSTR_board), MP_ROM_PTR(&pin_board_pins_obj_type) },
    { MP_ROM_QSTR(MP_QSTR_cpu), MP_ROM_PTR(&pin_cpu_pins_obj_type) },

    { MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(MODE_IN) },
    { MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(MODE_OUT) },
    { MP_ROM_QSTR(MP_QSTR_OPEN_DRAIN), MP_ROM_INT(MODE_OPEN_DRAIN) },
    { MP_ROM_QSTR(MP_QSTR_PULL_UP), MP_ROM_INT(FPIOA_PULL_UP) },
    { MP_ROM_QSTR(MP_QSTR_PULL_DOWN), MP_ROM_INT(FPIOA_PULL_DOWN) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_RISING), MP_ROM_INT(GPIOHS_RISING) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_FALLING), MP_ROM_INT(GPIOHS_FALLING) },
};
static MP_DEFINE_CONST_DICT(machine_pin_locals_dict, machine_pin_locals_dict_table);

static mp_uint_t pin_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    (void)errcode;
    const machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    switch (request) {
        case MP_PIN_READ:
            return mp_hal_pin_read(self->id);
        case MP_PIN_WRITE:
            mp_hal_pin_write(self->id, arg);
            return 0;
    }
    return -1;
}

static const mp_pin_p_t pin_pin_p = {
    .ioctl = pin_ioctl,
};

MP_DEFINE_CONST_OBJ_TYPE(
    machine_pin_type,
    MP_QSTR_Pin,
    MP_TYPE_FLAG_NONE,
    make_new, mp_pin_make_new,
    print, machine_pin_print,
    call, machine_pin_call,
    protocol, &pin_pin_p,
    locals_dict, &machine_pin_locals_dict
    );

MP_REGISTER_ROOT_POINTER(struct _machine_pin_irq_obj_t *machine_pin_irq_obj[48]);
