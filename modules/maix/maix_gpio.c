// SPDX-License-Identifier: MIT
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/virtpin.h"
#include "hal/fpioa.h"
#include "hal/gpio.h"
#include "hal/gpiohs.h"
#include "maix.h"

// MaixPy's numbers: GPIOHS0..31 are 0..31, GPIO0..7 are 32..39.
#define IDS (GPIOHS_COUNT + GPIO_COUNT)

enum { MODE_IN = 0, MODE_OUT = 3 };
enum { PULL_NONE = -1, PULL_DOWN = 1, PULL_UP = 2 };
enum { IRQ_NONE = 0, IRQ_FALLING = 1, IRQ_RISING = 2, IRQ_BOTH = 3 };

typedef struct _maix_gpio_obj_t {
    mp_obj_base_t base;
    uint8_t mode;
    int8_t pull;
} maix_gpio_obj_t;

// One object per id, so that two programs that name the same pin share its state.
static maix_gpio_obj_t objects[IDS];

static unsigned id_of(const maix_gpio_obj_t *self) {
    return self - objects;
}

static bool is_hs(const maix_gpio_obj_t *self) {
    return id_of(self) < GPIOHS_COUNT;
}

static unsigned number_of(const maix_gpio_obj_t *self) {
    return is_hs(self) ? id_of(self) : id_of(self) - GPIOHS_COUNT;
}

static int pad_of(const maix_gpio_obj_t *self) {
    return fpioa_pad_of((is_hs(self) ? FPIOA_GPIOHS0 : FPIOA_GPIO0) + number_of(self));
}

static bool read_level(const maix_gpio_obj_t *self) {
    return is_hs(self) ? gpiohs_read(number_of(self)) : gpio_read(number_of(self));
}

static void write_level(const maix_gpio_obj_t *self, bool value) {
    if (is_hs(self)) {
        gpiohs_write(number_of(self), value);
    } else {
        gpio_write(number_of(self), value);
    }
}

static void set_mode(maix_gpio_obj_t *self, mp_int_t mode, mp_int_t pull, int value) {
    if (mode == PULL_DOWN || mode == PULL_UP || mode == PULL_NONE) {
        // A pull in the place of the mode means an input with that pull.
        pull = mode;
        mode = MODE_IN;
    }
    if (mode != MODE_IN && mode != MODE_OUT) {
        mp_raise_ValueError(MP_ERROR_TEXT("arg error"));
    }
    if (pull != PULL_NONE && mode == MODE_OUT) {
        mp_raise_ValueError(MP_ERROR_TEXT("When this pin is in output mode, it is not allowed to pull up and down."));
    }
    if (pull != PULL_NONE && pull != PULL_DOWN && pull != PULL_UP) {
        mp_raise_ValueError(MP_ERROR_TEXT("this mode not support."));
    }
    self->mode = mode;
    self->pull = pull;
    if (mode == MODE_OUT) {
        bool level = value < 0 ? read_level(self) : value != 0;
        is_hs(self) ? gpiohs_output(number_of(self), level) : gpio_output(number_of(self), level);
    } else {
        is_hs(self) ? gpiohs_input(number_of(self)) : gpio_input(number_of(self));
    }
    int pad = pad_of(self);
    if (pad >= 0) {
        fpioa_set_pull(pad, pull == PULL_UP ? FPIOA_PULL_UP : pull == PULL_DOWN ? FPIOA_PULL_DOWN : FPIOA_PULL_NONE);
    }
}

static void init_helper(maix_gpio_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_pull, ARG_value };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_mode, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_pull, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_value, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    int value = args[ARG_value].u_obj == mp_const_none ? -1 : mp_obj_is_true(args[ARG_value].u_obj);
    mp_int_t pull = args[ARG_pull].u_obj == mp_const_none ? PULL_NONE : mp_obj_get_int(args[ARG_pull].u_obj);
    if (args[ARG_mode].u_obj != mp_const_none) {
        set_mode(self, mp_obj_get_int(args[ARG_mode].u_obj), pull, value);
    }
    if (value >= 0) {
        write_level(self, value);
    }
}

static mp_obj_t maix_gpio_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 0 || id >= IDS) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid pin"));
    }
    maix_gpio_obj_t *self = &objects[id];
    if (self->base.type == NULL) {
        self->base.type = type;
        self->pull = PULL_NONE;
        if (!is_hs(self)) {
            gpio_init();
        }
    }
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    init_helper(self, n_args - 1, args + 1, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static void maix_gpio_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    mp_printf(print, "Pin(%u)", number_of(MP_OBJ_TO_PTR(self_in)));
}

static mp_obj_t maix_gpio_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    init_helper(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(maix_gpio_init_obj, 1, maix_gpio_init);

static mp_obj_t maix_gpio_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    maix_gpio_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (n_args == 0) {
        return MP_OBJ_NEW_SMALL_INT(read_level(self));
    }
    write_level(self, mp_obj_is_true(args[0]));
    return mp_const_none;
}

static mp_obj_t maix_gpio_value(size_t n_args, const mp_obj_t *args) {
    return maix_gpio_call(args[0], n_args - 1, 0, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(maix_gpio_value_obj, 1, 2, maix_gpio_value);

static mp_obj_t maix_gpio_mode(size_t n_args, const mp_obj_t *args) {
    maix_gpio_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    if (n_args == 2) {
        set_mode(self, mp_obj_get_int(args[1]), PULL_NONE, -1);
        return mp_const_none;
    }
    return MP_OBJ_NEW_SMALL_INT(self->mode);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(maix_gpio_mode_obj, 1, 2, maix_gpio_mode);

static void irq_event(void *arg) {
    maix_gpio_obj_t *self = arg;
    mp_obj_t handler = MP_STATE_PORT(maix_gpio_handlers[id_of(self)]);
    if (handler != MP_OBJ_NULL) {
        mp_sched_schedule(handler, MP_OBJ_FROM_PTR(self));
    }
}

static void set_irq(maix_gpio_obj_t *self, mp_obj_t handler, mp_int_t trigger) {
    if (!is_hs(self)) {
        return; // as in MaixPy: the 8 slow pins have no interrupts
    }
    unsigned n = number_of(self);
    if (handler == mp_const_none || trigger == IRQ_NONE) {
        gpiohs_irq(n, 0, NULL, NULL);
        MP_STATE_PORT(maix_gpio_handlers[n]) = MP_OBJ_NULL;
        return;
    }
    MP_STATE_PORT(maix_gpio_handlers[n]) = handler;
    gpiohs_irq(n, (trigger & IRQ_RISING ? GPIOHS_RISING : 0) | (trigger & IRQ_FALLING ? GPIOHS_FALLING : 0),
        irq_event, self);
}

// irq(handler=None, trigger=IRQ_BOTH, wake=None, priority=7)
static mp_obj_t maix_gpio_irq(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_handler, ARG_trigger, ARG_wake, ARG_priority };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_handler, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_trigger, MP_ARG_INT, {.u_int = IRQ_BOTH} },
        { MP_QSTR_wake, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_priority, MP_ARG_INT, {.u_int = 7} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    if (mp_obj_is_true(args[ARG_wake].u_obj)) {
        mp_raise_ValueError(MP_ERROR_TEXT("This platform does not support interrupt wakeup"));
    }
    mp_obj_t handler = args[ARG_handler].u_obj;
    if (handler != mp_const_none && !mp_obj_is_callable(handler)) {
        mp_raise_TypeError(MP_ERROR_TEXT("handler is not callable"));
    }
    set_irq(MP_OBJ_TO_PTR(pos_args[0]), handler, args[ARG_trigger].u_int);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(maix_gpio_irq_obj, 1, maix_gpio_irq);

static mp_obj_t maix_gpio_disirq(mp_obj_t self_in) {
    set_irq(MP_OBJ_TO_PTR(self_in), mp_const_none, IRQ_NONE);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(maix_gpio_disirq_obj, maix_gpio_disirq);

void maix_gpio_deinit(void) {
    for (unsigned n = 0; n < GPIOHS_COUNT; ++n) {
        MP_STATE_PORT(maix_gpio_handlers[n]) = MP_OBJ_NULL;
    }
}

#define HS(n) { MP_ROM_QSTR(MP_QSTR_GPIOHS##n), MP_ROM_INT(n) }
#define LS(n) { MP_ROM_QSTR(MP_QSTR_GPIO##n), MP_ROM_INT(GPIOHS_COUNT + n) }

static const mp_rom_map_elem_t maix_gpio_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&maix_gpio_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&maix_gpio_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_mode), MP_ROM_PTR(&maix_gpio_mode_obj) },
    { MP_ROM_QSTR(MP_QSTR_irq), MP_ROM_PTR(&maix_gpio_irq_obj) },
    { MP_ROM_QSTR(MP_QSTR_disirq), MP_ROM_PTR(&maix_gpio_disirq_obj) },
    { MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(MODE_IN) },
    { MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(MODE_OUT) },
    { MP_ROM_QSTR(MP_QSTR_PULL_NONE), MP_ROM_INT(PULL_NONE) },
    { MP_ROM_QSTR(MP_QSTR_PULL_DOWN), MP_ROM_INT(PULL_DOWN) },
    { MP_ROM_QSTR(MP_QSTR_PULL_UP), MP_ROM_INT(PULL_UP) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_NONE), MP_ROM_INT(IRQ_NONE) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_FALLING), MP_ROM_INT(IRQ_FALLING) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_RISING), MP_ROM_INT(IRQ_RISING) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_BOTH), MP_ROM_INT(IRQ_BOTH) },
    { MP_ROM_QSTR(MP_QSTR_WAKEUP_NOT_SUPPORT), MP_ROM_INT(0) },
    HS(0), HS(1), HS(2), HS(3), HS(4), HS(5), HS(6), HS(7), HS(8), HS(9), HS(10), HS(11), HS(12), HS(13), HS(14),
    HS(15), HS(16), HS(17), HS(18), HS(19), HS(20), HS(21), HS(22), HS(23), HS(24), HS(25), HS(26), HS(27), HS(28),
    HS(29), HS(30), HS(31), LS(0), LS(1), LS(2), LS(3), LS(4), LS(5), LS(6), LS(7),
};
static MP_DEFINE_CONST_DICT(maix_gpio_locals_dict, maix_gpio_locals_dict_table);

static mp_uint_t maix_gpio_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    maix_gpio_obj_t *self = MP_OBJ_TO_PTR(self_in);
    switch (request) {
        case MP_PIN_READ:
            return read_level(self);
        case MP_PIN_WRITE:
            write_level(self, arg);
            return 0;
    }
    return -1;
}

static const mp_pin_p_t maix_gpio_pin_p = {
    .ioctl = maix_gpio_ioctl,
};

MP_DEFINE_CONST_OBJ_TYPE(
    maix_gpio_type,
    MP_QSTR_GPIO,
    MP_TYPE_FLAG_NONE,
    make_new, maix_gpio_make_new,
    print, maix_gpio_print,
    call, maix_gpio_call,
    protocol, &maix_gpio_pin_p,
    locals_dict, &maix_gpio_locals_dict
    );

MP_REGISTER_ROOT_POINTER(mp_obj_t maix_gpio_handlers[32]);
