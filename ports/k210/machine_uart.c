// SPDX-License-Identifier: MIT
// Included by extmod/machine_uart.c via MICROPY_PY_MACHINE_UART_INCLUDEFILE.
//
// One class for two habits. MaixPy's: UART(UART.UART1, 115200, 8, None, 1, timeout=1000, read_buf_len=4096),
// pads routed by fpioa_manager, reads that wait for timeout_char only. MicroPython's: UART(0, 115200, tx=7, rx=6),
// reads that wait up to `timeout` for the first character. Pads tell which: tx= or rx= is MicroPython's.

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/misc.h"
#include "hal/fpioa.h"
#include "hal/uart.h"
#include "hal/uarths.h"
#include "machine_periph.h"
#include "machine_pin.h"

// MaixPy's numbers: UART1..3 are 0..2, and the console is 4.
#define ID_UARTHS (4)
#define OBJECTS (ID_UARTHS + 1)

#define PARITY_ODD (1)
#define PARITY_EVEN (2)
#define BAUD_MAX (0x500000)
#define READ_BUFFER_DEFAULT (2048)
#define READ_BUFFER_MAX (1 << 20)

struct _machine_uart_obj_t {
    mp_obj_base_t base;
    uint8_t id;
    uint8_t bits, parity, stop; // stop in halves: 2, 3, 4
    bool told; // about lost characters
    uint32_t baud;
    uint32_t timeout_ms, timeout_char_ms;
    uint32_t read_buf_len;
    unsigned trigger, flags;
    bool flags_read; // then the next event starts afresh, else it adds
    mp_irq_obj_t irq;
};

static machine_uart_obj_t objects[OBJECTS];

static bool is_console(const machine_uart_obj_t *self) {
    return self->id == ID_UARTHS;
}

static unsigned rx_function(const machine_uart_obj_t *self) {
    return FPIOA_UART1_RX + 2 * self->id;
}

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    static const char *const stops[] = { "1", "1.5", "2" };
    mp_printf(print, "[MAIXPY]UART%d:( baudrate=%u, bits=%u, parity=%s, stop=%s)", self->id + 1, (unsigned)self->baud, self->bits,
        self->parity == 0 ? "None" : self->parity == PARITY_ODD ? "odd" : "even", stops[self->stop - 2]);
}

// In interrupt context.
static void uart_event(void *arg, unsigned events) {
    machine_uart_obj_t *self = arg;
    if (self->irq.handler != MP_OBJ_NULL && (events & self->trigger)) {
        self->flags = (self->flags_read ? 0 : self->flags) | (events & self->trigger);
        self->flags_read = false;
        mp_irq_handler(&self->irq);
    }
}

static mp_uint_t uart_irq_trigger(mp_obj_t self_in, mp_uint_t trigger) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->trigger = trigger;
    return 0;
}

static mp_uint_t uart_irq_info(mp_obj_t self_in, mp_uint_t info_type) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (info_type == MP_IRQ_INFO_FLAGS) {
        self->flags_read = true;
        return self->flags;
    }
    return info_type == MP_IRQ_INFO_TRIGGERS ? self->trigger : 0;
}

static const mp_irq_methods_t uart_irq_methods = {
    .trigger = uart_irq_trigger,
    .info = uart_irq_info,
};

static mp_irq_obj_t *mp_machine_uart_irq(machine_uart_obj_t *self, bool any_args, mp_arg_val_t *args) {
    if (is_console(self)) {
        mp_raise_ValueError(MP_ERROR_TEXT("the console UART has no irq()"));
    }
    if (any_args) {
        mp_uint_t trigger = args[MP_IRQ_ARG_INIT_trigger].u_int;
        if (trigger & ~(UART_EVENT_RX | UART_EVENT_RX_IDLE | UART_EVENT_TX_IDLE | UART_EVENT_BREAK)) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("trigger 0x%04x unsupported"), (unsigned)trigger);
        }
        mp_obj_t handler = args[MP_IRQ_ARG_INIT_handler].u_obj;
        if (handler != mp_const_none && !mp_obj_is_callable(handler)) {
            mp_raise_ValueError(MP_ERROR_TEXT("handler must be None or callable"));
        }
        self->trigger = self->flags = 0;
        MP_STATE_PORT(machine_uart_handler[self->id]) = handler;
        self->irq.handler = handler;
        self->irq.ishard = args[MP_IRQ_ARG_INIT_hard].u_bool;
        self->trigger = trigger;
    }
    return &self->irq;
}

static int stop_halves(mp_obj_t stop) {
    mp_float_t value = stop == mp_const_none ? 1 : mp_obj_get_float(stop);
    return value == 0 || value == 1 ? 2 : value == MICROPY_FLOAT_CONST(1.5) ? 3 : value == 2 ? 4 : -1;
}

static void check_format(machine_uart_obj_t *self, mp_int_t baud, mp_int_t bits, mp_obj_t parity_in, mp_obj_t stop_in) {
    mp_int_t parity = parity_in == mp_const_none ? 0 : mp_obj_get_int(parity_in);
    int stop = stop_halves(stop_in);
    if (baud <= 0 || baud > BAUD_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]UART:invalid baudrate %d"), (int)baud);
    }
    if (bits < 5 || bits > 8) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]UART:invalid data bits %d"), (int)bits);
    }
    if (parity < 0 || parity > PARITY_EVEN) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]UART:invalid parity %d"), (int)parity);
    }
    if (stop < 0 || (stop == 3 && bits != 5)) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]UART:invalid stop bits"));
    }
    if (is_console(self) && (bits != 8 || parity != 0)) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]UART:invalid param: the console has 8 bits, no parity"));
    }
    self->baud = baud;
    self->bits = bits;
    self->parity = parity;
    self->stop = stop;
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum {
        ARG_baudrate, ARG_bits, ARG_parity, ARG_stop, ARG_tx, ARG_rx, ARG_timeout, ARG_timeout_char, ARG_read_buf_len,
        ARG_rxbuf, ARG_txbuf, ARG_invert, ARG_flow, ARG_ide, ARG_from_ide,
    };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_baudrate, MP_ARG_INT, {.u_int = 115200} },
        { MP_QSTR_bits, MP_ARG_INT, {.u_int = 8} },
        { MP_QSTR_parity, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_stop, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_tx, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_rx, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_timeout_char, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_read_buf_len, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = READ_BUFFER_DEFAULT} },
        { MP_QSTR_rxbuf, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_txbuf, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_invert, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_flow, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_ide, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false} },
        { MP_QSTR_from_ide, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = true} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_obj_t tx = args[ARG_tx].u_obj, rx = args[ARG_rx].u_obj;
    bool own_pads = tx != mp_const_none || rx != mp_const_none;
    mp_int_t len = args[ARG_rxbuf].u_int >= 0 ? args[ARG_rxbuf].u_int : args[ARG_read_buf_len].u_int;
    if (len > READ_BUFFER_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("read_buf_len %d is more than %d"), (int)len, READ_BUFFER_MAX);
    }
    if (args[ARG_invert].u_int != 0 || args[ARG_flow].u_int != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("invert and flow are not supported"));
    }
    check_format(self, args[ARG_baudrate].u_int, args[ARG_bits].u_int, args[ARG_parity].u_obj, args[ARG_stop].u_obj);
    self->timeout_char_ms = args[ARG_timeout_char].u_int >= 0 ? args[ARG_timeout_char].u_int
        : own_pads ? 2 + 20000 / self->baud : 10;
    self->timeout_ms = own_pads ? MAX(args[ARG_timeout].u_int, 0) : self->timeout_char_ms;
    if (is_console(self)) {
        if (uarths_set_baud(self->baud) < 0) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]UART:invalid baudrate %d"), (int)self->baud);
        }
        return;
    }
    unsigned rx_pad_function = rx_function(self);
    if (rx != mp_const_none) {
        machine_pin_check(rx, rx_pad_function);
    }
    if (tx != mp_const_none) {
        if (rx != mp_const_none && machine_pin_find(tx) == machine_pin_find(rx)) {
            mp_raise_ValueError(MP_ERROR_TEXT("tx and rx are the same pin"));
        }
        machine_pin_assign(tx, rx_pad_function + 1);
    }
    if (rx != mp_const_none) {
        machine_pin_assign(rx, rx_pad_function);
    }
    // One byte more, because a full ring and an empty one must differ.
    self->read_buf_len = len <= 0 ? 0 : len;
    uint8_t *buffer = len <= 0 ? NULL : m_new(uint8_t, len + 1);
    uart_deinit(self->id);
    MP_STATE_PORT(machine_uart_buffer[self->id]) = buffer;
    self->told = false;
    uart_config_t config = {
        .baud = self->baud,
        .bits = self->bits,
        .parity = self->parity == 0 ? UART_PARITY_NONE : self->parity == PARITY_ODD ? UART_PARITY_ODD : UART_PARITY_EVEN,
        .stop = self->stop == 2 ? UART_STOP_1 : self->bits == 5 ? UART_STOP_1_5 : UART_STOP_2,
        .rx_buffer = buffer,
        .rx_size = buffer == NULL ? 0 : len + 1,
        .event = uart_event,
        .arg = self,
    };
    if (uart_init(self->id, &config) < 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]UART:invalid baudrate %d"), (int)self->baud);
    }
}

static machine_uart_obj_t *get_object(mp_int_t id) {
    if (id < 0 || (id >= UART_COUNT && id != ID_UARTHS)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]UART%d:does not exist"), (int)id);
    }
    machine_uart_obj_t *self = &objects[id];
    if (self->base.type == NULL) {
        self->base.type = &machine_uart_type;
        self->id = id;
        self->bits = 8;
        self->stop = 2;
        self->timeout_char_ms = self->timeout_ms = 10;
        mp_irq_init(&self->irq, &uart_irq_methods, MP_OBJ_FROM_PTR(self));
    }
    if (is_console(self)) {
        self->baud = uarths_baud();
    }
    return self;
}

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    machine_uart_obj_t *self = get_object(mp_obj_get_int(args[0]));
    // Without arguments a running port stays as it is.
    if (n_args > 1 || n_kw > 0 || (!is_console(self) && !uart_running(self->id))) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        mp_machine_uart_init_helper(self, n_args - 1, args + 1, &kw_args);
    }
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {
    if (!is_console(self)) {
        uart_deinit(self->id);
        machine_pin_release(rx_function(self));
        machine_pin_release(rx_function(self) + 1);
        self->trigger = 0;
        self->irq.handler = mp_const_none;
        MP_STATE_PORT(machine_uart_handler[self->id]) = mp_const_none;
        MP_STATE_PORT(machine_uart_buffer[self->id]) = NULL;
    }
}

void machine_uart_deinit_all(void) {
    for (unsigned id = 0; id < UART_COUNT; ++id) {
        if (objects[id].base.type != NULL) {
            mp_machine_uart_deinit(&objects[id]);
            objects[id].base.type = NULL;
        }
    }
    objects[ID_UARTHS].base.type = NULL;
}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    return is_console(self) ? uarths_rx_count() : uart_rx_count(self->id);
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    return is_console(self) ? uarths_tx_free() == UARTHS_TX_BUFFER : uart_tx_done(self->id);
}

static int read_char(machine_uart_obj_t *self) {
    return is_console(self) ? uarths_rx_char() : uart_rx_char(self->id);
}

static mp_int_t mp_machine_uart_readchar(machine_uart_obj_t *self) {
    return read_char(self);
}

static void write_all(machine_uart_obj_t *self, const uint8_t *data, size_t len) {
    if (is_console(self)) {
        uarths_tx(data, len);
        return;
    }
    uint64_t last = mp_hal_ticks_ms();
    while (len != 0 && uart_running(self->id)) {
        size_t n = uart_tx(self->id, data, len);
        data += n;
        len -= n;
        if (n != 0) {
            last = mp_hal_ticks_ms();
        } else if (mp_hal_ticks_ms() - last > 1000 + 2 * 12 * 1000 / self->baud) {
            mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("UART%d does not send"), self->id + 1);
        }
        if (len != 0) {
            mp_event_wait_ms(1);
        }
    }
}

static void mp_machine_uart_writechar(machine_uart_obj_t *self, uint16_t data) {
    uint8_t c = data;
    write_all(self, &c, 1);
}

static void mp_machine_uart_sendbreak(machine_uart_obj_t *self) {
    if (is_console(self) || !uart_running(self->id)) {
        return;
    }
    while (!uart_tx_done(self->id)) {
        mp_event_wait_ms(1);
    }
    uart_break(self->id, true);
    mp_hal_delay_us(13 * 1000000ull / self->baud + 1);
    uart_break(self->id, false);
    mp_hal_delay_us(2 * 1000000ull / self->baud + 1);
}

// A line instead of an exception: programs that let characters go by are common, and what is there is good.
static void tell_losses(machine_uart_obj_t *self) {
    uart_errors_t errors;
    uart_errors(self->id, &errors);
    if (!self->told && self->read_buf_len != 0 && errors.lost + errors.overrun != 0) {
        self->told = true;
        mp_printf(MICROPY_ERROR_PRINTER, errors.lost != 0
            ? "[Warning] UART%d: %u characters lost, read_buf_len=%u is too small for the pace of reading\n"
            : "[Warning] UART%d: %u times characters lost, interrupts were off for too long\n",
            self->id + 1, (unsigned)(errors.lost != 0 ? errors.lost : errors.overrun), (unsigned)self->read_buf_len);
    }
}

static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *buf_in, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint8_t *to = buf_in;
    if (!is_console(self)) {
        if (!uart_running(self->id)) {
            return 0; // after deinit() calls do nothing, as in MaixPy
        }
        tell_losses(self);
    }
    mp_uint_t got = 0;
    uint64_t start = mp_hal_ticks_us();
    while (got < size) {
        int c = read_char(self);
        if (c >= 0) {
            to[got++] = c;
            start = mp_hal_ticks_us();
            continue;
        }
        uint64_t limit = 1000ull * (got == 0 ? self->timeout_ms : self->timeout_char_ms);
        uint64_t gone = mp_hal_ticks_us() - start;
        if (gone >= limit) {
            break;
        }
        // Few characters wait in the FIFO without an interrupt: look every millisecond.
        if (limit - gone > 1000) {
            mp_event_wait_ms(1);
        } else {
            mp_event_handle_nowait();
        }
    }
    if (got == 0 && size != 0) {
        *errcode = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return got;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *buf_in, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    write_all(self, buf_in, size);
    return size;
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_POLL) {
        mp_uint_t ret = 0;
        if ((arg & MP_STREAM_POLL_RD) && mp_machine_uart_any(self) != 0) {
            ret |= MP_STREAM_POLL_RD;
        }
        if ((arg & MP_STREAM_POLL_WR) && (is_console(self) ? uarths_tx_free() : uart_tx_free(self->id)) != 0) {
            ret |= MP_STREAM_POLL_WR;
        }
        return ret;
    }
    if (request == MP_STREAM_FLUSH) {
        if (is_console(self)) {
            uarths_tx_flush();
            return 0;
        }
        // 512 characters and 20 more, at 12 bits each.
        uint64_t limit = mp_hal_ticks_ms() + 1000 + 12ull * 532 * 1000 / self->baud;
        while (!uart_tx_done(self->id)) {
            if (mp_hal_ticks_ms() > limit) {
                *errcode = MP_ETIMEDOUT;
                return MP_STREAM_ERROR;
            }
            mp_event_handle_nowait();
        }
        return 0;
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}

// errors() -> (lost, overrun, parity, framing, breaks) since init()
static mp_obj_t machine_uart_errors(mp_obj_t self_in) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uart_errors_t e = { 0 };
    if (is_console(self)) {
        e.lost = uarths_rx_lost();
    } else {
        uart_errors(self->id, &e);
    }
    mp_obj_t tuple[5] = {
        mp_obj_new_int_from_uint(e.lost), mp_obj_new_int_from_uint(e.overrun), mp_obj_new_int_from_uint(e.parity),
        mp_obj_new_int_from_uint(e.framing), mp_obj_new_int_from_uint(e.breaks),
    };
    return mp_obj_new_tuple(5, tuple);
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_uart_errors_obj, machine_uart_errors);

// repl_uart() -> the console's UART
static mp_obj_t machine_uart_repl_uart(void) {
    return MP_OBJ_FROM_PTR(get_object(ID_UARTHS));
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_uart_repl_uart_fun_obj, machine_uart_repl_uart);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(machine_uart_repl_uart_obj, MP_ROM_PTR(&machine_uart_repl_uart_fun_obj));

// set_repl_uart(uart): the prompt is there, too; the console stays one.
static mp_obj_t machine_uart_set_repl_uart(mp_obj_t uart) {
    if (!mp_obj_is_type(uart, &machine_uart_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT("a UART is needed"));
    }
    #if MICROPY_PY_OS_DUPTERM
    mp_obj_t args[1] = { is_console(MP_OBJ_TO_PTR(uart)) ? mp_const_none : uart };
    return mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_os_dupterm_obj), 1, 0, args);
    #else
    mp_raise_NotImplementedError(MP_ERROR_TEXT("this firmware has its prompt on the console only"));
    #endif
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_uart_set_repl_uart_fun_obj, machine_uart_set_repl_uart);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(machine_uart_set_repl_uart_obj, MP_ROM_PTR(&machine_uart_set_repl_uart_fun_obj));

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS \
    { MP_ROM_QSTR(MP_QSTR_errors), MP_ROM_PTR(&machine_uart_errors_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_repl_uart), MP_ROM_PTR(&machine_uart_repl_uart_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_set_repl_uart), MP_ROM_PTR(&machine_uart_set_repl_uart_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_UART1), MP_ROM_INT(0) }, \
    { MP_ROM_QSTR(MP_QSTR_UART2), MP_ROM_INT(1) }, \
    { MP_ROM_QSTR(MP_QSTR_UART3), MP_ROM_INT(2) }, \
    { MP_ROM_QSTR(MP_QSTR_UARTHS), MP_ROM_INT(ID_UARTHS) }, \
    { MP_ROM_QSTR(MP_QSTR_PARITY_ODD), MP_ROM_INT(PARITY_ODD) }, \
    { MP_ROM_QSTR(MP_QSTR_PARITY_EVEN), MP_ROM_INT(PARITY_EVEN) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_RX), MP_ROM_INT(UART_EVENT_RX) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_RXIDLE), MP_ROM_INT(UART_EVENT_RX_IDLE) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_TXIDLE), MP_ROM_INT(UART_EVENT_TX_IDLE) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_BREAK), MP_ROM_INT(UART_EVENT_BREAK) },

MP_REGISTER_ROOT_POINTER(uint8_t *machine_uart_buffer[3]);
MP_REGISTER_ROOT_POINTER(mp_obj_t machine_uart_handler[5]);
