// SPDX-License-Identifier: MIT
//
// machine.Timer: MaixPy's on the chip's twelve timer channels, Timer(Timer.TIMER0, Timer.CHANNEL0, ...), and
// MicroPython's virtual ones, Timer(-1, ...) or Timer(period=...), of which there can be any number.
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/runtime/mpirq.h"
#include "hal/timer.h"
#include "machine_periph.h"

enum { MODE_ONE_SHOT, MODE_PERIODIC, MODE_PWM };
enum { UNIT_NS, UNIT_US, UNIT_MS, UNIT_S };

#define VIRTUAL (-1)

typedef struct _machine_timer_obj_t {
    mp_obj_base_t base;
    int8_t id;
    uint8_t channel;
    uint8_t mode, unit, priority, div;
    uint32_t period;
    uint64_t period_ns;
    mp_obj_t arg;
    mp_irq_obj_t irq; // holds the callback
    // Virtual timers that run, in no order.
    struct _machine_timer_obj_t *next;
    uint64_t deadline_us;
} machine_timer_obj_t;

static const void *owners[TIMER_COUNT][TIMER_CHANNELS];

const void *machine_timer_owner(unsigned timer, unsigned channel) {
    return owners[timer][channel];
}

void machine_timer_claim(unsigned timer, unsigned channel, const void *owner) {
    if (owner != NULL && owners[timer][channel] != NULL && owners[timer][channel] != owner) {
        const mp_obj_base_t *other = owners[timer][channel];
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("TIMER%u CHANNEL%u is used by a %q"), timer, channel,
            (qstr)other->type->name);
    }
    owners[timer][channel] = owner;
}

static const char *const unit_names[] = { "ns", "us", "ms", "s" };
static const uint32_t unit_ns[] = { 1, 1000, 1000000, 1000000000 };

static void machine_timer_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->id == VIRTUAL) {
        mp_printf(print, "Timer(mode=%q, period=%u%s)", self->mode == MODE_ONE_SHOT ? MP_QSTR_ONE_SHOT : MP_QSTR_PERIODIC,
            (unsigned)self->period, unit_names[self->unit]);
        return;
    }
    mp_printf(print, "[MAIXPY]Timer:(%p) timer=%d, channel=%d, mode=%d, period=%u%s, priority=%d, div=%d, callback=%p, arg=%p",
        self, self->id, self->channel, self->mode, (unsigned)self->period, unit_names[self->unit], self->priority, self->div,
        self->irq.handler, self->arg);
}

static mp_uint_t irq_trigger(mp_obj_t self_in, mp_uint_t trigger) {
    return 0;
}

static mp_uint_t irq_info(mp_obj_t self_in, mp_uint_t info_type) {
    return 0;
}

static const mp_irq_methods_t irq_methods = { .trigger = irq_trigger, .info = irq_info };

// In interrupt context.
static void hardware_event(void *arg) {
    machine_timer_obj_t *self = arg;
    mp_irq_handler(&self->irq);
}

static void virtual_event(void);

static void set_alarm(void) {
    uint64_t next = UINT64_MAX;
    for (machine_timer_obj_t *t = MP_STATE_PORT(machine_virtual_timers); t != NULL; t = t->next) {
        next = MIN(next, t->deadline_us);
    }
    hal_alarm_set(HAL_ALARM_TIMER, next, virtual_event);
}

static void unlink_timer(machine_timer_obj_t *self) {
    for (machine_timer_obj_t **p = &MP_STATE_PORT(machine_virtual_timers); *p != NULL; p = &(*p)->next) {
        if (*p == self) {
            *p = self->next;
            break;
        }
    }
}

// In interrupt context.
static void virtual_event(void) {
    uint64_t now = hal_time_us();
    for (machine_timer_obj_t *t = MP_STATE_PORT(machine_virtual_timers), *next; t != NULL; t = next) {
        next = t->next;
        if (t->deadline_us > now) {
            continue;
        }
        if (t->mode == MODE_ONE_SHOT) {
            unlink_timer(t);
        } else {
            uint64_t us = MAX(t->period_ns / 1000, 1);
            // Late: the beats that were missed are left out, the rhythm stays.
            t->deadline_us += (now - t->deadline_us) / us * us + us;
        }
        mp_irq_handler(&t->irq);
    }
    set_alarm();
}

static bool is_running(machine_timer_obj_t *self) {
    if (self->id != VIRTUAL) {
        return timer_running(self->id, self->channel);
    }
    for (machine_timer_obj_t *t = MP_STATE_PORT(machine_virtual_timers); t != NULL; t = t->next) {
        if (t == self) {
            return true;
        }
    }
    return false;
}

static void stop(machine_timer_obj_t *self) {
    if (self->id == VIRTUAL) {
        mp_uint_t irq = MICROPY_BEGIN_ATOMIC_SECTION();
        unlink_timer(self);
        set_alarm();
        MICROPY_END_ATOMIC_SECTION(irq);
    } else if (self->mode != MODE_PWM) {
        timer_stop(self->id, self->channel);
    }
}

NORETURN static void raise_period(void) {
    mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]Timer:Invalid period or div"));
}

static void start(machine_timer_obj_t *self) {
    if (self->mode == MODE_PWM) {
        return; // PWM() does it
    }
    if (self->id == VIRTUAL) {
        mp_uint_t irq = MICROPY_BEGIN_ATOMIC_SECTION();
        unlink_timer(self);
        self->deadline_us = hal_time_us() + MAX(self->period_ns / 1000, 1);
        self->next = MP_STATE_PORT(machine_virtual_timers);
        MP_STATE_PORT(machine_virtual_timers) = self;
        set_alarm();
        MICROPY_END_ATOMIC_SECTION(irq);
    } else if (timer_start(self->id, self->channel, self->period_ns, self->mode == MODE_PERIODIC, hardware_event, self) < 0) {
        raise_period();
    }
}

static void set_period(machine_timer_obj_t *self, mp_int_t period, mp_int_t unit) {
    if (unit < UNIT_NS || unit > UNIT_S) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]Timer:unit error"));
    }
    if (period <= 0 || period > UINT32_MAX) {
        raise_period();
    }
    self->period = period;
    self->unit = unit;
    self->period_ns = (uint64_t)period * unit_ns[unit];
}

static void set_callback(machine_timer_obj_t *self, mp_obj_t callback) {
    if (callback != mp_const_none && !mp_obj_is_callable(callback)) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]Timer:Invalid callback"));
    }
    self->irq.handler = callback;
}

static void init_helper(machine_timer_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum {
        ARG_mode, ARG_period, ARG_unit, ARG_callback, ARG_arg, ARG_start, ARG_priority, ARG_div, ARG_freq, ARG_tick_hz, ARG_hard,
    };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_mode, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_period, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1000} },
        { MP_QSTR_unit, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = UNIT_MS} },
        { MP_QSTR_callback, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_arg, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_start, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = true} },
        { MP_QSTR_priority, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1} },
        { MP_QSTR_div, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_freq, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_tick_hz, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1000} },
        { MP_QSTR_hard, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_int_t mode = args[ARG_mode].u_int;
    if (mode == -1) {
        mode = self->id == VIRTUAL ? MODE_PERIODIC : MODE_ONE_SHOT;
    }
    if (mode < MODE_ONE_SHOT || mode > MODE_PWM || (mode == MODE_PWM && self->id == VIRTUAL)) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]Timer:Invalid mode"));
    }
    mp_int_t priority = args[ARG_priority].u_int, div = args[ARG_div].u_int;
    if (priority < 1 || priority > 7) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]Timer:Invalid priority"));
    }
    // Accepted and shown; the resolution is always the best one.
    if (div < 0 || div > 255) {
        raise_period();
    }
    stop(self);
    set_period(self, args[ARG_period].u_int, args[ARG_unit].u_int);
    if (args[ARG_freq].u_obj != mp_const_none) {
        mp_float_t hz = mp_obj_get_float(args[ARG_freq].u_obj);
        if (!(hz > 0) || hz > 1000000) {
            raise_period();
        }
        self->period_ns = MAX(MICROPY_FLOAT_CONST(1e9) / hz, 1);
        self->unit = self->period_ns < 1000000000 ? UNIT_NS : UNIT_MS;
        self->period = self->period_ns / unit_ns[self->unit];
    } else if (args[ARG_tick_hz].u_int != 1000) {
        if (args[ARG_tick_hz].u_int <= 0) {
            raise_period();
        }
        self->period_ns = (uint64_t)self->period * 1000000000 / args[ARG_tick_hz].u_int;
        self->unit = UNIT_MS;
    }
    set_callback(self, args[ARG_callback].u_obj);
    self->irq.ishard = args[ARG_hard].u_bool;
    self->arg = args[ARG_arg].u_obj;
    self->mode = mode;
    self->priority = priority;
    self->div = div;
    if (args[ARG_start].u_bool) {
        start(self);
    }
}

static mp_obj_t machine_timer_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 2, true);
    mp_int_t id = n_args > 0 ? mp_obj_get_int(args[0]) : VIRTUAL;
    mp_int_t channel = n_args > 1 ? mp_obj_get_int(args[1]) : 0;
    // The channel may also be given by keyword.
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    mp_map_elem_t rest[16];
    size_t n_rest = 0;
    for (size_t i = 0; i < n_kw && n_rest < MP_ARRAY_SIZE(rest); ++i) {
        if (kw_args.table[i].key == MP_OBJ_NEW_QSTR(MP_QSTR_channel)) {
            channel = mp_obj_get_int(kw_args.table[i].value);
        } else {
            rest[n_rest++] = kw_args.table[i];
        }
    }
    if (id < VIRTUAL || id >= TIMER_COUNT || channel < 0 || channel >= TIMER_CHANNELS) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]Timer:Invalid timer"));
    }
    machine_timer_obj_t *self = NULL;
    if (id != VIRTUAL) {
        // One object per channel: a program that makes it anew gets the old one.
        self = MP_STATE_PORT(machine_hardware_timers[id * TIMER_CHANNELS + channel]);
    }
    if (self == NULL) {
        self = mp_obj_malloc(machine_timer_obj_t, type);
        self->id = id;
        self->channel = channel;
        self->mode = MODE_ONE_SHOT;
        self->unit = UNIT_MS;
        self->priority = 1;
        self->div = 0;
        self->arg = mp_const_none;
        self->next = NULL;
        set_period(self, 1000, UNIT_MS);
        mp_irq_init(&self->irq, &irq_methods, MP_OBJ_FROM_PTR(self));
    }
    if (id != VIRTUAL) {
        machine_timer_claim(id, channel, self);
        MP_STATE_PORT(machine_hardware_timers[id * TIMER_CHANNELS + channel]) = self;
    }
    if (n_args > 0 || n_kw > 0) {
        if (id != VIRTUAL || n_kw > 0) {
            mp_map_t rest_map;
            mp_map_init_fixed_table(&rest_map, n_rest, (const mp_obj_t *)rest);
            init_helper(self, 0, NULL, &rest_map);
        }
    }
    return MP_OBJ_FROM_PTR(self);
}

void machine_timer_for_pwm(mp_obj_t timer, unsigned *number, unsigned *channel) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(timer);
    if (self->id == VIRTUAL || self->mode != MODE_PWM) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]PWM:Invalid timer: it is not in Timer.MODE_PWM"));
    }
    *number = self->id;
    *channel = self->channel;
}

static mp_obj_t machine_timer_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    if (self->id != VIRTUAL) {
        machine_timer_claim(self->id, self->channel, self);
        MP_STATE_PORT(machine_hardware_timers[self->id * TIMER_CHANNELS + self->channel]) = self;
    }
    init_helper(self, n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_timer_init_obj, 1, machine_timer_init);

static mp_obj_t machine_timer_deinit(mp_obj_t self_in) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    stop(self);
    if (self->id != VIRTUAL && machine_timer_owner(self->id, self->channel) == self) {
        machine_timer_claim(self->id, self->channel, NULL);
        MP_STATE_PORT(machine_hardware_timers[self->id * TIMER_CHANNELS + self->channel]) = NULL;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_timer_deinit_obj, machine_timer_deinit);

// callback(function): another one from now on
static mp_obj_t machine_timer_callback(mp_obj_t self_in, mp_obj_t callback) {
    set_callback(MP_OBJ_TO_PTR(self_in), callback);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(machine_timer_callback_obj, machine_timer_callback);

static mp_obj_t machine_timer_callback_arg(mp_obj_t self_in) {
    return ((machine_timer_obj_t *)MP_OBJ_TO_PTR(self_in))->arg;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_timer_callback_arg_obj, machine_timer_callback_arg);

// period([period[, unit]]) -> period
static mp_obj_t machine_timer_period(size_t n_args, const mp_obj_t *args) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    if (n_args > 1) {
        set_period(self, mp_obj_get_int(args[1]), n_args > 2 ? mp_obj_get_int(args[2]) : self->unit);
        if (is_running(self)) {
            start(self);
        }
    }
    return mp_obj_new_int_from_uint(self->period);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_timer_period_obj, 1, 3, machine_timer_period);

static mp_obj_t machine_timer_start(mp_obj_t self_in) {
    start(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_timer_start_obj, machine_timer_start);

static mp_obj_t machine_timer_stop(mp_obj_t self_in) {
    stop(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_timer_stop_obj, machine_timer_stop);

void machine_timer_deinit_all(void) {
    MP_STATE_PORT(machine_virtual_timers) = NULL;
    hal_alarm_set(HAL_ALARM_TIMER, UINT64_MAX, NULL);
    for (unsigned t = 0; t < TIMER_COUNT; ++t) {
        for (unsigned c = 0; c < TIMER_CHANNELS; ++c) {
            timer_stop(t, c);
            owners[t][c] = NULL;
            MP_STATE_PORT(machine_hardware_timers[t * TIMER_CHANNELS + c]) = NULL;
        }
    }
}

static const mp_rom_map_elem_t machine_timer_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_timer_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&machine_timer_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&machine_timer_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_callback), MP_ROM_PTR(&machine_timer_callback_obj) },
    { MP_ROM_QSTR(MP_QSTR_callback_arg), MP_ROM_PTR(&machine_timer_callback_arg_obj) },
    { MP_ROM_QSTR(MP_QSTR_period), MP_ROM_PTR(&machine_timer_period_obj) },
    { MP_ROM_QSTR(MP_QSTR_start), MP_ROM_PTR(&machine_timer_start_obj) },
    { MP_ROM_QSTR(MP_QSTR_restart), MP_ROM_PTR(&machine_timer_start_obj) },
    { MP_ROM_QSTR(MP_QSTR_stop), MP_ROM_PTR(&machine_timer_stop_obj) },
    { MP_ROM_QSTR(MP_QSTR_TIMER0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_TIMER1), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_TIMER2), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_CHANNEL0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_CHANNEL1), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_CHANNEL2), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_CHANNEL3), MP_ROM_INT(3) },
    { MP_ROM_QSTR(MP_QSTR_MODE_ONE_SHOT), MP_ROM_INT(MODE_ONE_SHOT) },
    { MP_ROM_QSTR(MP_QSTR_MODE_PERIODIC), MP_ROM_INT(MODE_PERIODIC) },
    { MP_ROM_QSTR(MP_QSTR_MODE_PWM), MP_ROM_INT(MODE_PWM) },
    { MP_ROM_QSTR(MP_QSTR_ONE_SHOT), MP_ROM_INT(MODE_ONE_SHOT) },
    { MP_ROM_QSTR(MP_QSTR_PERIODIC), MP_ROM_INT(MODE_PERIODIC) },
    { MP_ROM_QSTR(MP_QSTR_UNIT_NS), MP_ROM_INT(UNIT_NS) },
    { MP_ROM_QSTR(MP_QSTR_UNIT_US), MP_ROM_INT(UNIT_US) },
    { MP_ROM_QSTR(MP_QSTR_UNIT_MS), MP_ROM_INT(UNIT_MS) },
    { MP_ROM_QSTR(MP_QSTR_UNIT_S), MP_ROM_INT(UNIT_S) },
};
static MP_DEFINE_CONST_DICT(machine_timer_locals_dict, machine_timer_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    k210_timer_type,
    MP_QSTR_Timer,
    MP_TYPE_FLAG_NONE,
    make_new, machine_timer_make_new,
    print, machine_timer_print,
    locals_dict, &machine_timer_locals_dict
    );

MP_REGISTER_ROOT_POINTER(struct _machine_timer_obj_t *machine_virtual_timers);
MP_REGISTER_ROOT_POINTER(struct _machine_timer_obj_t *machine_hardware_timers[12]);
