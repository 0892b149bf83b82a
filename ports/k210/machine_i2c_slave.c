// SPDX-License-Identifier: MIT
//
// I2C slaves with MaixPy's callbacks. What the bus brings is noted in the interrupt. The callbacks run between two
// bytecodes, in the order of the notes, so they may do what any function may; the master waits meanwhile.
#include "py/mphal.h"
#include "py/runtime.h"
#include "hal/i2c.h"
#include "hal/time.h"
#include "machine_periph.h"

#if MICROPY_HW_I2C_SLAVE

#define NOTES (256)
#define RESERVED (4) // for what must not be lost: a request, and the events around it

enum { ON_RECEIVE, ON_TRANSMIT, ON_EVENT };

static const qstr callback_names[] = { MP_QSTR_on_receive, MP_QSTR_on_transmit, MP_QSTR_on_event };

typedef struct _machine_i2c_slave_t {
    mp_obj_t callbacks[I2C_SLAVE_CALLBACKS];
    uint8_t id;
    volatile uint32_t in, out; // counters, used modulo NOTES
    volatile uint32_t lost;
    struct {
        uint8_t which, value;
    } notes[NOTES];
} machine_i2c_slave_t;

// Not in the heap: the scheduler's list of them is no root of the garbage collector.
static mp_sched_node_t nodes[I2C_COUNT];

static uint8_t call(machine_i2c_slave_t *self, unsigned which, uint8_t value) {
    volatile uint8_t answer = 0xFF; // what a bus that nobody pulls down reads as
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t arg = MP_OBJ_NEW_SMALL_INT(value);
        mp_obj_t result = mp_call_function_n_kw(self->callbacks[which], which != ON_TRANSMIT, 0, &arg);
        if (which == ON_TRANSMIT) {
            answer = mp_obj_get_int_truncated(result);
        }
        nlr_pop();
    } else if (mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(((mp_obj_base_t *)nlr.ret_val)->type), MP_OBJ_FROM_PTR(&mp_type_Exception))) {
        mp_printf(MICROPY_ERROR_PRINTER, "I2C%u: uncaught exception in %q\n", self->id, callback_names[which]);
        mp_obj_print_exception(MICROPY_ERROR_PRINTER, MP_OBJ_FROM_PTR(nlr.ret_val));
    } else {
        mp_sched_exception(MP_OBJ_FROM_PTR(nlr.ret_val)); // Ctrl-C and sys.exit() are for the program
    }
    return answer;
}

static void serve(mp_sched_node_t *node) {
    unsigned id = node - nodes;
    machine_i2c_slave_t *self;
    // A callback may end the slave.
    while ((self = MP_STATE_PORT(machine_i2c_slaves)[id]) != NULL && self->out != self->in) {
        unsigned i = self->out % NOTES;
        uint8_t which = self->notes[i].which, value = self->notes[i].value;
        uint8_t answer = call(self, which, value);
        self->out = self->out + 1;
        if (which == ON_TRANSMIT && MP_STATE_PORT(machine_i2c_slaves)[id] == self) {
            i2c_slave_answer(id, value, answer);
        }
    }
    if (self != NULL && self->lost != 0) {
        mp_printf(MICROPY_ERROR_PRINTER, "I2C%u: %u bytes from the master came too fast and are lost\n", id,
            (unsigned)self->lost);
        self->lost = 0;
    }
}

static void note(machine_i2c_slave_t *self, unsigned which, uint8_t value) {
    unsigned room = NOTES - (self->in - self->out);
    if (room <= (which == ON_RECEIVE ? RESERVED : which == ON_EVENT ? 1 : 0)) {
        self->lost = self->lost + (which == ON_RECEIVE);
    } else {
        self->notes[self->in % NOTES].which = which;
        self->notes[self->in % NOTES].value = value;
        self->in = self->in + 1;
    }
    mp_sched_schedule_node(&nodes[self->id], serve);
    hal_wake();
}

static void receive(void *arg, uint8_t byte) {
    note(arg, ON_RECEIVE, byte);
}

static void request(void *arg, uint8_t request) {
    note(arg, ON_TRANSMIT, request);
}

static void event(void *arg, enum i2c_slave_event event) {
    note(arg, ON_EVENT, event);
}

void machine_i2c_slave_init(unsigned id, mp_int_t addr, mp_int_t addr_size, const mp_obj_t *callbacks) {
    if (addr_size != 7 && addr_size != 10) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]I2C: addr size error! It is 7 or 10, not %d"), (int)addr_size);
    }
    if (addr <= 0 || addr >= 1 << addr_size) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]I2C: addr/addr size error! Address %d with %d bits"),
            (int)addr, (int)addr_size);
    }
    machine_i2c_slave_t *self = m_new0(machine_i2c_slave_t, 1);
    self->id = id;
    for (unsigned i = 0; i < I2C_SLAVE_CALLBACKS; ++i) {
        if (!mp_obj_is_callable(callbacks[i])) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]I2C: callback error! A slave needs %q"), callback_names[i]);
        }
        self->callbacks[i] = callbacks[i];
    }
    machine_i2c_slave_deinit(id);
    MP_STATE_PORT(machine_i2c_slaves)[id] = self;
    const i2c_slave_t slave = { receive, request, event, self };
    i2c_slave_init(id, addr, addr_size == 10, &slave);
}

bool machine_i2c_slave_deinit(unsigned id) {
    bool was = MP_STATE_PORT(machine_i2c_slaves)[id] != NULL;
    if (was) {
        i2c_deinit(id);
        MP_STATE_PORT(machine_i2c_slaves)[id] = NULL;
    }
    return was;
}

bool machine_i2c_is_slave(unsigned id) {
    return MP_STATE_PORT(machine_i2c_slaves)[id] != NULL;
}

void machine_i2c_deinit_all(void) {
    for (unsigned id = 0; id < I2C_COUNT; ++id) {
        machine_i2c_slave_deinit(id);
        nodes[id].callback = NULL; // the scheduler's list ends with this run
    }
}

MP_REGISTER_ROOT_POINTER(struct _machine_i2c_slave_t *machine_i2c_slaves[3]);

#endif
