// SPDX-License-Identifier: MIT
//
// machine.PWM: MaixPy's PWM(timer, freq, duty, pin), with percents, and MicroPython's
// PWM(pin, freq=, duty_u16=, duty_ns=), which takes a free timer channel by itself.
#include <math.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "hal/fpioa.h"
#include "hal/timer.h"
#include "machine_periph.h"
#include "machine_pin.h"

#define FULL (4294967296.0)

typedef struct _k210_pwm_obj_t {
    mp_obj_base_t base;
    uint8_t timer, channel;
    bool own_channel; // taken here, not given by a Timer object
    bool enabled, alive;
    bool duty_fixed_ns; // duty_ns stays when the frequency changes
    mp_float_t hz, share, ns; // wanted
    int64_t real_millihertz;
} k210_pwm_obj_t;

static unsigned function_of(const k210_pwm_obj_t *self) {
    return FPIOA_TIMER0_TOGGLE1 + TIMER_CHANNELS * self->timer + self->channel;
}

static void k210_pwm_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    k210_pwm_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->own_channel) {
        mp_printf(print, "PWM(Pin(IO%d), freq=%.0f, duty_u16=%u)", fpioa_pad_of(function_of(self)), (double)self->hz,
            (unsigned)MIN(self->share * 65536 + MICROPY_FLOAT_CONST(0.5), 65535));
    } else {
        mp_printf(print, "[MAIXPY]PWM:(%p) timer=%d, channel=%d, freq=%.0f, duty=%.2f, enabled=%d", self, self->timer,
            self->channel, (double)self->hz, (double)self->share * 100, self->enabled);
    }
}

static void check_alive(k210_pwm_obj_t *self) {
    if (!self->alive) {
        mp_raise_ValueError(MP_ERROR_TEXT("PWM is deinitialised"));
    }
}

static void apply(k210_pwm_obj_t *self) {
    if (self->duty_fixed_ns) {
        self->share = MIN(self->ns * self->hz / MICROPY_FLOAT_CONST(1e9), 1);
    }
    int pad = fpioa_pad_of(function_of(self));
    if (!self->enabled || self->hz == 0) {
        timer_stop(self->timer, self->channel);
        if (pad >= 0) {
            fpioa_force(pad, 0);
        }
        return;
    }
    mp_float_t high = self->share * FULL + MICROPY_FLOAT_CONST(0.5);
    int64_t real = timer_pwm(self->timer, self->channel, self->hz * 1000 + MICROPY_FLOAT_CONST(0.5),
        high >= UINT32_MAX ? UINT32_MAX : (uint32_t)high);
    if (real < 0) {
        timer_stop(self->timer, self->channel);
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]PWM:Invalid freq: the timer cannot make this rate"));
    }
    self->real_millihertz = real;
    // The timer itself cannot hold a level.
    if (pad >= 0) {
        fpioa_force(pad, self->share <= 0 ? 0 : self->share >= 1 ? 1 : -1);
    }
}

static mp_float_t get_hz(mp_obj_t freq) {
    mp_float_t hz = mp_obj_get_float(freq);
    if (!(hz > 0) || hz > MICROPY_FLOAT_CONST(4e8)) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]PWM:Invalid freq"));
    }
    return hz;
}

static mp_float_t get_share(mp_obj_t duty) {
    mp_float_t percent = mp_obj_get_float(duty);
    if (!(percent >= 0 && percent <= 100)) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]PWM:Invalid duty"));
    }
    return percent / 100;
}

static void set_share(k210_pwm_obj_t *self, mp_float_t share) {
    self->share = share;
    self->duty_fixed_ns = false;
}

static void set_u16(k210_pwm_obj_t *self, mp_int_t duty) {
    if (duty < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("duty_u16 must be 0 to 65535"));
    }
    set_share(self, duty >= 65535 ? 1 : (mp_float_t)duty / 65535);
}

static void set_ns(k210_pwm_obj_t *self, mp_int_t ns) {
    if (ns < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("duty_ns must not be negative"));
    }
    self->ns = ns;
    self->duty_fixed_ns = true;
}

// init(freq, duty, pin=-1, enable=True), or keywords freq, duty_u16, duty_ns, invert
static void init_helper(k210_pwm_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_freq, ARG_duty, ARG_pin, ARG_enable, ARG_duty_u16, ARG_duty_ns, ARG_invert };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_freq, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_duty, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_pin, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(-1)} },
        { MP_QSTR_enable, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_duty_u16, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_duty_ns, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_invert, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    if (args[ARG_freq].u_obj != mp_const_none) {
        self->hz = get_hz(args[ARG_freq].u_obj);
    }
    if (args[ARG_duty].u_obj != mp_const_none) {
        set_share(self, get_share(args[ARG_duty].u_obj));
    }
    if (args[ARG_duty_u16].u_obj != mp_const_none) {
        set_u16(self, mp_obj_get_int(args[ARG_duty_u16].u_obj));
    }
    if (args[ARG_duty_ns].u_obj != mp_const_none) {
        set_ns(self, mp_obj_get_int(args[ARG_duty_ns].u_obj));
    }
    if (args[ARG_enable].u_obj != mp_const_none) {
        self->enabled = mp_obj_is_true(args[ARG_enable].u_obj);
    }
    if (!mp_obj_is_int(args[ARG_pin].u_obj) || mp_obj_get_int(args[ARG_pin].u_obj) != -1) {
        if (mp_obj_is_int(args[ARG_pin].u_obj)) {
            mp_int_t pin = mp_obj_get_int(args[ARG_pin].u_obj);
            if (pin < 0 || pin >= FPIOA_PADS) {
                mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]PWM:Invalid pin number %d"), (int)pin);
            }
        }
        machine_pin_assign(args[ARG_pin].u_obj, function_of(self));
    }
    if (args[ARG_invert].u_bool) {
        // Swapping the levels is the same for a square wave.
        self->share = 1 - self->share;
    }
    apply(self);
}

// A channel that nobody has, from the top: MaixPy's programs take the low ones.
static void take_channel(k210_pwm_obj_t *self) {
    for (int i = TIMER_COUNT * TIMER_CHANNELS - 1; i >= 0; --i) {
        unsigned t = i / TIMER_CHANNELS, c = i % TIMER_CHANNELS;
        if (machine_timer_owner(t, c) == NULL) {
            self->timer = t;
            self->channel = c;
            machine_timer_claim(t, c, self);
            MP_STATE_PORT(k210_pwm_objects[i]) = self;
            return;
        }
    }
    mp_raise_ValueError(MP_ERROR_TEXT("all twelve timer channels are in use: deinit() a Timer or PWM"));
}

static mp_obj_t k210_pwm_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 5, true);
    k210_pwm_obj_t *self = mp_obj_malloc(k210_pwm_obj_t, type);
    self->enabled = true;
    self->alive = true;
    self->hz = 0;
    self->share = self->ns = 0;
    self->duty_fixed_ns = false;
    self->real_millihertz = 0;
    self->own_channel = !mp_obj_is_type(args[0], &k210_timer_type);
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    if (!self->own_channel) {
        unsigned timer, channel;
        machine_timer_for_pwm(args[0], &timer, &channel);
        self->timer = timer;
        self->channel = channel;
        self->hz = 1000;
        init_helper(self, n_args - 1, args + 1, &kw_args);
        return MP_OBJ_FROM_PTR(self);
    }
    unsigned pad = machine_pin_find(args[0])->id;
    int function = fpioa_get(pad);
    if (function >= FPIOA_TIMER0_TOGGLE1 && function <= FPIOA_TIMER2_TOGGLE4) {
        // The pin has PWM: go on with its object.
        k210_pwm_obj_t *old = MP_STATE_PORT(k210_pwm_objects[function - FPIOA_TIMER0_TOGGLE1]);
        if (old != NULL) {
            self = old;
        }
    }
    bool is_new = self->real_millihertz == 0 && MP_STATE_PORT(k210_pwm_objects[self->timer * TIMER_CHANNELS + self->channel]) != self;
    if (is_new) {
        machine_pin_check(args[0], FPIOA_TIMER2_TOGGLE4);
        take_channel(self);
        machine_pin_assign(args[0], function_of(self));
    }
    // Only keywords after the pin: MaixPy's positions are those of the other form.
    if (n_args > 1) {
        mp_raise_TypeError(MP_ERROR_TEXT("PWM(pin) takes freq, duty_u16 and duty_ns as keywords"));
    }
    init_helper(self, 0, NULL, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t k210_pwm_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    k210_pwm_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    check_alive(self);
    init_helper(self, n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(k210_pwm_init_obj, 1, k210_pwm_init);

static void deinit(k210_pwm_obj_t *self) {
    if (self->alive) {
        self->alive = false;
        timer_stop(self->timer, self->channel);
        machine_pin_release(function_of(self));
        if (self->own_channel) {
            machine_timer_claim(self->timer, self->channel, NULL);
            MP_STATE_PORT(k210_pwm_objects[self->timer * TIMER_CHANNELS + self->channel]) = NULL;
        }
    }
}

static mp_obj_t k210_pwm_deinit(mp_obj_t self_in) {
    deinit(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(k210_pwm_deinit_obj, k210_pwm_deinit);

// freq([hz]): without an argument the rate as int, else sets it and gives the real one
static mp_obj_t k210_pwm_freq(size_t n_args, const mp_obj_t *args) {
    k210_pwm_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    check_alive(self);
    if (n_args == 1) {
        return mp_obj_new_int((mp_int_t)(self->hz + MICROPY_FLOAT_CONST(0.5)));
    }
    mp_float_t before = self->hz;
    self->hz = get_hz(args[1]);
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        apply(self);
        nlr_pop();
    } else {
        self->hz = before;
        nlr_raise(nlr.ret_val);
    }
    return mp_obj_new_float((mp_float_t)self->real_millihertz / 1000);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(k210_pwm_freq_obj, 1, 2, k210_pwm_freq);

// duty([percent])
static mp_obj_t k210_pwm_duty(size_t n_args, const mp_obj_t *args) {
    k210_pwm_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    check_alive(self);
    if (n_args == 1) {
        return mp_obj_new_int((mp_int_t)(self->share * 100 + MICROPY_FLOAT_CONST(0.5)));
    }
    set_share(self, get_share(args[1]));
    apply(self);
    return mp_obj_new_float(self->share * 100);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(k210_pwm_duty_obj, 1, 2, k210_pwm_duty);

static mp_obj_t k210_pwm_duty_u16(size_t n_args, const mp_obj_t *args) {
    k210_pwm_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    check_alive(self);
    if (n_args == 1) {
        return mp_obj_new_int((mp_int_t)(self->share * 65535 + MICROPY_FLOAT_CONST(0.5)));
    }
    set_u16(self, mp_obj_get_int(args[1]));
    apply(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(k210_pwm_duty_u16_obj, 1, 2, k210_pwm_duty_u16);

static mp_obj_t k210_pwm_duty_ns(size_t n_args, const mp_obj_t *args) {
    k210_pwm_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    check_alive(self);
    if (n_args == 1) {
        mp_float_t ns = self->duty_fixed_ns ? self->ns : self->hz == 0 ? 0 : self->share * MICROPY_FLOAT_CONST(1e9) / self->hz;
        return mp_obj_new_int((mp_int_t)(ns + MICROPY_FLOAT_CONST(0.5)));
    }
    set_ns(self, mp_obj_get_int(args[1]));
    apply(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(k210_pwm_duty_ns_obj, 1, 2, k210_pwm_duty_ns);

static mp_obj_t k210_pwm_enable(size_t n_args, const mp_obj_t *args) {
    k210_pwm_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    check_alive(self);
    self->enabled = n_args == 1 || mp_obj_is_true(args[1]);
    apply(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(k210_pwm_enable_obj, 1, 2, k210_pwm_enable);

static mp_obj_t k210_pwm_disable(mp_obj_t self_in) {
    k210_pwm_obj_t *self = MP_OBJ_TO_PTR(self_in);
    check_alive(self);
    self->enabled = false;
    apply(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(k210_pwm_disable_obj, k210_pwm_disable);

void machine_pwm_deinit_all(void) {
    for (unsigned i = 0; i < TIMER_COUNT * TIMER_CHANNELS; ++i) {
        MP_STATE_PORT(k210_pwm_objects[i]) = NULL;
    }
}

static const mp_rom_map_elem_t k210_pwm_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&k210_pwm_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&k210_pwm_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&k210_pwm_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_freq), MP_ROM_PTR(&k210_pwm_freq_obj) },
    { MP_ROM_QSTR(MP_QSTR_duty), MP_ROM_PTR(&k210_pwm_duty_obj) },
    { MP_ROM_QSTR(MP_QSTR_duty_u16), MP_ROM_PTR(&k210_pwm_duty_u16_obj) },
    { MP_ROM_QSTR(MP_QSTR_duty_ns), MP_ROM_PTR(&k210_pwm_duty_ns_obj) },
    { MP_ROM_QSTR(MP_QSTR_enable), MP_ROM_PTR(&k210_pwm_enable_obj) },
    { MP_ROM_QSTR(MP_QSTR_disable), MP_ROM_PTR(&k210_pwm_disable_obj) },
};
static MP_DEFINE_CONST_DICT(k210_pwm_locals_dict, k210_pwm_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    k210_pwm_type,
    MP_QSTR_PWM,
    MP_TYPE_FLAG_NONE,
    make_new, k210_pwm_make_new,
    print, k210_pwm_print,
    locals_dict, &k210_pwm_locals_dict
    );

MP_REGISTER_ROOT_POINTER(struct _k210_pwm_obj_t *k210_pwm_objects[12]);
