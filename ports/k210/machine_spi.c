// SPDX-License-Identifier: MIT
//
// machine.SPI: SPI0 and SPI1 as masters, with MaixPy's constructor and methods, which include MicroPython's.
//
// A chip select given as cs0=..cs3= is a GPIO that this file drives: the core's own select lines go up
// whenever its FIFO runs dry. They work as well, when fpioa_manager has put them on pads.
#include "py/mpconfig.h"

#if MICROPY_PY_MACHINE_SPI

#include <errno.h>
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "hal/fpioa.h"
#include "hal/spi.h"
#include "machine_periph.h"
#include "machine_pin.h"

#define SPI_COUNT (2)
#define ID_SLAVE (2)
#define ID_SOFT (4)
#define CS_COUNT (4)
#define DATA_COUNT (8)
#define LCD_WAIT_US (1000000)

enum { MODE_MASTER, MODE_MASTER_2, MODE_MASTER_4, MODE_MASTER_8, MODE_SLAVE };
enum { FIRST_MSB, FIRST_LSB };

typedef struct _machine_spi_obj_t {
    mp_obj_base_t base;
    uint8_t id;
    bool alive;
    uint8_t polarity, phase, bits, firstbit;
    uint32_t baudrate;
    int8_t sck, mosi, miso, cs[CS_COUNT];
    mp_obj_t soft; // a SoftSPI behind SPI.SPI_SOFT
} machine_spi_obj_t;

static machine_spi_obj_t objects[SPI_COUNT];

static unsigned data_function(unsigned id) {
    return id == 0 ? FPIOA_SPI0_D0 : FPIOA_SPI1_D0;
}

static unsigned sclk_function(unsigned id) {
    return id == 0 ? FPIOA_SPI0_SCLK : FPIOA_SPI1_SCLK;
}

static spi_config_t config_of(const machine_spi_obj_t *self, unsigned cs) {
    return (spi_config_t) {
               .port = self->id,
               .cs = cs,
               .mode = self->polarity << 1 | self->phase,
               .bits = self->bits,
               .hz = self->baudrate,
               .format = SPI_STANDARD,
    };
}

static void machine_spi_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_spi_obj_t *self = MP_OBJ_TO_PTR(self_in);
    spi_config_t config = config_of(self, 0);
    uint32_t hz = self->id == ID_SOFT || !self->alive ? self->baudrate : spi_rate(&config);
    mp_printf(print, "[MAIXPY]SPI:(%p) id=%u, mode=%u, baudrate=%u, polarity=%u, phase=%u, bits=%u, firstbit=%u, sck=%d, mosi=%d, miso=%d",
        self, self->id, MODE_MASTER, (unsigned)hz, self->polarity, self->phase, self->bits, self->firstbit,
        self->sck, self->mosi, self->miso);
    for (unsigned i = 0; i < CS_COUNT; ++i) {
        if (self->cs[i] >= 0) {
            mp_printf(print, ", cs%u=%d", i, self->cs[i]);
        }
    }
}

static void wait_for_port(machine_spi_obj_t *self) {
    // SPI0 may still be sending to the LCD.
    if (spi_wait(self->id, LCD_WAIT_US) < 0) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("[MAIXPY]SPI: SPI%u is busy with another transfer"), self->id);
    }
}

static uint32_t reverse(uint32_t value, unsigned bits) {
    uint32_t result = 0;
    for (unsigned i = 0; i < bits; ++i) {
        result = result << 1 | (value >> i & 1);
    }
    return result;
}

static void reverse_frames(void *data, size_t frames, unsigned bits) {
    for (size_t i = 0; i < frames; ++i) {
        if (bits <= 8) {
            ((uint8_t *)data)[i] = reverse(((uint8_t *)data)[i], bits);
        } else if (bits <= 16) {
            ((uint16_t *)data)[i] = reverse(((uint16_t *)data)[i], bits);
        } else {
            ((uint32_t *)data)[i] = reverse(((uint32_t *)data)[i], bits);
        }
    }
}

static void check_alive(machine_spi_obj_t *self) {
    if (!self->alive) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("[MAIXPY]SPI: transfer on deinitialized SPI"));
    }
}

// rx NULL: only write.
static void transfer(machine_spi_obj_t *self, unsigned cs, size_t len, const void *tx, void *rx) {
    check_alive(self);
    if (len == 0) {
        return;
    }
    if (self->id == ID_SOFT) {
        mp_obj_base_t *soft = MP_OBJ_TO_PTR(self->soft);
        ((mp_machine_spi_p_t *)MP_OBJ_TYPE_GET_SLOT(soft->type, protocol))->transfer(soft, len, tx, rx);
        return;
    }
    size_t frame = self->bits <= 8 ? 1 : self->bits <= 16 ? 2 : 4;
    if (len % frame != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]SPI: %u bytes are not whole frames of %u bits in %u bytes"),
            (unsigned)len, self->bits, (unsigned)frame);
    }
    size_t frames = len / frame;
    uint8_t *copy = NULL;
    if (self->firstbit == FIRST_LSB) {
        copy = m_new(uint8_t, len);
        memcpy(copy, tx, len);
        reverse_frames(copy, frames, self->bits);
        tx = copy;
    }
    wait_for_port(self);
    spi_config_t config = config_of(self, cs);
    if (self->cs[cs] >= 0) {
        mp_hal_pin_write(self->cs[cs], 0);
    }
    int err = rx == NULL ? spi_write(&config, NULL, 0, tx, frames) : spi_transfer(&config, tx, rx, frames);
    if (self->cs[cs] >= 0) {
        mp_hal_pin_write(self->cs[cs], 1);
    }
    if (copy != NULL) {
        m_del(uint8_t, copy, len);
        if (rx != NULL && err == 0) {
            reverse_frames(rx, frames, self->bits);
        }
    }
    if (err < 0) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("[MAIXPY]SPI: transfer of %u bytes on SPI%u timed out"), (unsigned)len, self->id);
    }
}

static int8_t pad_or_none(mp_obj_t pin) {
    if (pin == mp_const_none || (mp_obj_is_int(pin) && mp_obj_get_int(pin) == -1)) {
        return -1;
    }
    return machine_pin_find(pin)->id;
}

static void assign(mp_obj_t pin, unsigned function) {
    if (pad_or_none(pin) >= 0) {
        machine_pin_assign(pin, function);
    }
}

enum {
    ARG_mode, ARG_baudrate, ARG_polarity, ARG_phase, ARG_bits, ARG_firstbit, ARG_sck, ARG_mosi, ARG_miso,
    ARG_cs0, ARG_cs1, ARG_cs2, ARG_cs3, ARG_d0, ARG_d1, ARG_d2, ARG_d3, ARG_d4, ARG_d5, ARG_d6, ARG_d7,
    ARG_COUNT,
};

#define PIN_ARG(name) { MP_QSTR_##name, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} }

static const mp_arg_t allowed_args[ARG_COUNT] = {
    { MP_QSTR_mode, MP_ARG_INT, {.u_int = MODE_MASTER} },
    { MP_QSTR_baudrate, MP_ARG_INT, {.u_int = 500000} },
    { MP_QSTR_polarity, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
    { MP_QSTR_phase, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
    { MP_QSTR_bits, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 8} },
    { MP_QSTR_firstbit, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = FIRST_MSB} },
    PIN_ARG(sck), PIN_ARG(mosi), PIN_ARG(miso), PIN_ARG(cs0), PIN_ARG(cs1), PIN_ARG(cs2), PIN_ARG(cs3),
    PIN_ARG(d0), PIN_ARG(d1), PIN_ARG(d2), PIN_ARG(d3), PIN_ARG(d4), PIN_ARG(d5), PIN_ARG(d6), PIN_ARG(d7),
};

static void check_range(mp_int_t value, mp_int_t low, mp_int_t high, mp_rom_error_text_t message) {
    if (value < low || value > high) {
        mp_raise_ValueError(message);
    }
}

static void init_soft(machine_spi_obj_t *self, mp_arg_val_t *args) {
    if (self->sck < 0 || self->mosi < 0 || self->miso < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]SPI: SPI_SOFT needs sck, mosi and miso"));
    }
    const mp_obj_t soft_args[] = {
        MP_OBJ_NEW_QSTR(MP_QSTR_baudrate), mp_obj_new_int(self->baudrate),
        MP_OBJ_NEW_QSTR(MP_QSTR_polarity), MP_OBJ_NEW_SMALL_INT(self->polarity),
        MP_OBJ_NEW_QSTR(MP_QSTR_phase), MP_OBJ_NEW_SMALL_INT(self->phase),
        MP_OBJ_NEW_QSTR(MP_QSTR_firstbit), MP_OBJ_NEW_SMALL_INT(self->firstbit == FIRST_LSB ? MICROPY_PY_MACHINE_SPI_LSB : MICROPY_PY_MACHINE_SPI_MSB),
        MP_OBJ_NEW_QSTR(MP_QSTR_sck), MP_OBJ_NEW_SMALL_INT(self->sck),
        MP_OBJ_NEW_QSTR(MP_QSTR_mosi), MP_OBJ_NEW_SMALL_INT(self->mosi),
        MP_OBJ_NEW_QSTR(MP_QSTR_miso), MP_OBJ_NEW_SMALL_INT(self->miso),
    };
    self->soft = MP_OBJ_TYPE_GET_SLOT(&mp_machine_soft_spi_type, make_new)(&mp_machine_soft_spi_type, 0,
        MP_ARRAY_SIZE(soft_args) / 2, soft_args);
}

static void init_helper(machine_spi_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    mp_arg_val_t args[ARG_COUNT];
    mp_arg_parse_all(n_args, pos_args, kw_args, ARG_COUNT, allowed_args, args);
    mp_int_t mode = args[ARG_mode].u_int, baudrate = args[ARG_baudrate].u_int;
    if (mode > MODE_SLAVE && n_args == 1) {
        // MicroPython's second argument is the rate.
        baudrate = mode;
        mode = MODE_MASTER;
    }
    check_range(mode, MODE_MASTER, MODE_SLAVE, MP_ERROR_TEXT("[MAIXPY]SPI: spi mode error"));
    if (mode == MODE_SLAVE) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]SPI: slave mode only for SPI2"));
    }
    if (mode != MODE_MASTER) {
        mp_raise_NotImplementedError(MP_ERROR_TEXT("[MAIXPY]SPI: only standard mode supported yet"));
    }
    check_range(baudrate, 1, 200000000, MP_ERROR_TEXT("[MAIXPY]SPI: baudrate(freq) value error"));
    check_range(args[ARG_polarity].u_int, 0, 1, MP_ERROR_TEXT("[MAIXPY]SPI: polarity should be 0 or 1"));
    check_range(args[ARG_phase].u_int, 0, 1, MP_ERROR_TEXT("[MAIXPY]SPI: ARG_phase should be 0 or 1"));
    check_range(args[ARG_bits].u_int, 4, 32, MP_ERROR_TEXT("[MAIXPY]SPI: bits should be 4~32"));
    check_range(args[ARG_firstbit].u_int, FIRST_MSB, FIRST_LSB, MP_ERROR_TEXT("[MAIXPY]SPI: firstbit should be SPI.LSB or SPI.MSB"));
    mp_obj_t mosi = args[pad_or_none(args[ARG_mosi].u_obj) >= 0 ? ARG_mosi : ARG_d0].u_obj;
    mp_obj_t miso = args[pad_or_none(args[ARG_miso].u_obj) >= 0 ? ARG_miso : ARG_d1].u_obj;
    int8_t sck = pad_or_none(args[ARG_sck].u_obj), out = pad_or_none(mosi), in = pad_or_none(miso);
    if ((sck >= 0 && (sck == out || sck == in)) || (out >= 0 && out == in)) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]SPI: sck, mosi and miso must be different pins"));
    }
    self->baudrate = baudrate;
    self->polarity = args[ARG_polarity].u_int;
    self->phase = args[ARG_phase].u_int;
    self->bits = args[ARG_bits].u_int;
    self->firstbit = args[ARG_firstbit].u_int;
    self->sck = sck;
    self->mosi = out;
    self->miso = in;
    for (unsigned i = 0; i < CS_COUNT; ++i) {
        self->cs[i] = -1;
    }
    if (self->id == ID_SOFT) {
        init_soft(self, args);
        self->alive = true;
        return;
    }
    spi_config_t config = config_of(self, 0);
    if (spi_rate(&config) > 2 * self->baudrate) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]SPI: baudrate(freq) value error: %u is the lowest"),
            (unsigned)spi_rate(&config));
    }
    unsigned data = data_function(self->id);
    if (sck >= 0) {
        machine_pin_check(args[ARG_sck].u_obj, sclk_function(self->id));
    }
    if (in >= 0) {
        machine_pin_check(miso, data + 1);
    }
    assign(mosi, data);
    assign(miso, data + 1);
    assign(args[ARG_sck].u_obj, sclk_function(self->id));
    for (unsigned i = 0; i < CS_COUNT; ++i) {
        int8_t pad = pad_or_none(args[ARG_cs0 + i].u_obj);
        if (pad >= 0) {
            machine_pin_check(args[ARG_cs0 + i].u_obj, FPIOA_GPIOHS0);
            machine_pin_output(pad, 1);
            self->cs[i] = pad;
        }
    }
    wait_for_port(self);
    spi_init(self->id);
    self->alive = true;
}

static mp_obj_t machine_spi_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id == -1) {
        id = ID_SOFT; // MaixPy's default
    }
    if (id == ID_SLAVE) {
        mp_raise_NotImplementedError(MP_ERROR_TEXT("[MAIXPY]SPI: SPI2 only for slave mode"));
    }
    if (id < 0 || (id >= SPI_COUNT && id != ID_SOFT)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]SPI: spi id error( > 0 & !=3 ): %d"), (int)id);
    }
    machine_spi_obj_t *self = id == ID_SOFT ? m_new_obj(machine_spi_obj_t) : &objects[id];
    self->base.type = type;
    self->id = id;
    self->alive = false;
    self->soft = MP_OBJ_NULL;
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    init_helper(self, n_args - 1, args + 1, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static void spi_p_init(mp_obj_base_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    init_helper((machine_spi_obj_t *)self, n_args, pos_args, kw_args);
}

static void spi_p_deinit(mp_obj_base_t *self_in) {
    machine_spi_obj_t *self = (machine_spi_obj_t *)self_in;
    if (self->alive && self->id != ID_SOFT) {
        int8_t pads[] = { self->sck, self->mosi, self->miso };
        const unsigned functions[] = { sclk_function(self->id), data_function(self->id), data_function(self->id) + 1 };
        for (unsigned i = 0; i < MP_ARRAY_SIZE(pads); ++i) {
            if (pads[i] >= 0 && fpioa_get(pads[i]) == (int)functions[i]) {
                fpioa_set(pads[i], FPIOA_RESV0);
            }
        }
    }
    self->alive = false;
}

static void spi_p_transfer(mp_obj_base_t *self, size_t len, const uint8_t *src, uint8_t *dest) {
    transfer((machine_spi_obj_t *)self, 0, len, src, dest);
}

static const mp_machine_spi_p_t machine_spi_p = {
    .init = spi_p_init,
    .deinit = spi_p_deinit,
    .transfer = spi_p_transfer,
};

void machine_spi_deinit_all(void) {
    for (unsigned i = 0; i < SPI_COUNT; ++i) {
        objects[i].alive = false;
    }
}

static mp_obj_t machine_spi_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    // MaixPy wants the id here, too.
    size_t skip = n_args > 1 && mp_obj_is_int(args[1]) && mp_obj_get_int(args[1]) == ((machine_spi_obj_t *)MP_OBJ_TO_PTR(args[0]))->id ? 2 : 1;
    init_helper(MP_OBJ_TO_PTR(args[0]), n_args - skip, args + skip, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_spi_init_obj, 1, machine_spi_init);

static mp_obj_t machine_spi_deinit(mp_obj_t self_in) {
    spi_p_deinit(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_spi_deinit_obj, machine_spi_deinit);

static unsigned get_cs(mp_int_t cs) {
    check_range(cs, 0, CS_COUNT - 1, MP_ERROR_TEXT("[MAIXPY]SPI: cs should be SPI.CS0 to SPI.CS3"));
    return cs;
}

enum { READ_what, READ_write, READ_cs };

static const mp_arg_t read_args[] = {
    { MP_QSTR_, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    { MP_QSTR_write, MP_ARG_INT, {.u_int = 0} },
    { MP_QSTR_cs, MP_ARG_INT, {.u_int = 0} },
};

static void fill(machine_spi_obj_t *self, uint8_t *buf, size_t len, mp_int_t value) {
    size_t frame = self->bits <= 8 ? 1 : self->bits <= 16 ? 2 : 4;
    for (size_t i = 0; i < len; ++i) {
        buf[i] = value >> (8 * (i % frame));
    }
}

// read(nbytes, write=0, cs=CS0) -> bytes
static mp_obj_t machine_spi_read(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    mp_arg_val_t args[MP_ARRAY_SIZE(read_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(read_args), read_args, args);
    machine_spi_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    mp_int_t len = mp_obj_get_int(args[READ_what].u_obj);
    if (len < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]SPI: nbytes must not be negative"));
    }
    vstr_t vstr;
    vstr_init_len(&vstr, len);
    fill(self, (uint8_t *)vstr.buf, len, args[READ_write].u_int);
    transfer(self, get_cs(args[READ_cs].u_int), len, vstr.buf, vstr.buf);
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_spi_read_obj, 2, machine_spi_read);

// readinto(buf, write=0, cs=CS0)
static mp_obj_t machine_spi_readinto(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    mp_arg_val_t args[MP_ARRAY_SIZE(read_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(read_args), read_args, args);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[READ_what].u_obj, &buf, MP_BUFFER_WRITE);
    fill(MP_OBJ_TO_PTR(pos_args[0]), buf.buf, buf.len, args[READ_write].u_int);
    transfer(MP_OBJ_TO_PTR(pos_args[0]), get_cs(args[READ_cs].u_int), buf.len, buf.buf, buf.buf);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_spi_readinto_obj, 2, machine_spi_readinto);

// write(buf or int, cs=CS0): an int is sent as one to four bytes, the lowest first
static mp_obj_t machine_spi_write(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_buf, ARG_cs };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_cs, MP_ARG_INT, {.u_int = 0} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    unsigned cs = get_cs(args[ARG_cs].u_int);
    if (mp_obj_is_int(args[ARG_buf].u_obj)) {
        uint32_t value = mp_obj_get_int_truncated(args[ARG_buf].u_obj);
        uint8_t bytes[4] = { value, value >> 8, value >> 16, value >> 24 };
        transfer(MP_OBJ_TO_PTR(pos_args[0]), cs, value >> 24 ? 4 : value >> 16 ? 3 : value >> 8 ? 2 : 1, bytes, NULL);
        return mp_const_none;
    }
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[ARG_buf].u_obj, &buf, MP_BUFFER_READ);
    transfer(MP_OBJ_TO_PTR(pos_args[0]), cs, buf.len, buf.buf, NULL);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_spi_write_obj, 2, machine_spi_write);

// write_readinto(wbuf, rbuf, cs=CS0)
static mp_obj_t machine_spi_write_readinto(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_wbuf, ARG_rbuf, ARG_cs };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_cs, MP_ARG_INT, {.u_int = 0} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    mp_buffer_info_t src, dest;
    mp_get_buffer_raise(args[ARG_wbuf].u_obj, &src, MP_BUFFER_READ);
    mp_get_buffer_raise(args[ARG_rbuf].u_obj, &dest, MP_BUFFER_WRITE);
    if (src.len != dest.len) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]SPI: buffers must be the same length"));
    }
    transfer(MP_OBJ_TO_PTR(pos_args[0]), get_cs(args[ARG_cs].u_int), src.len, src.buf, dest.buf);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_spi_write_readinto_obj, 3, machine_spi_write_readinto);

static const mp_rom_map_elem_t machine_spi_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_spi_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&machine_spi_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&machine_spi_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&machine_spi_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&machine_spi_readinto_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&machine_spi_write_obj) },
    { MP_ROM_QSTR(MP_QSTR_write_readinto), MP_ROM_PTR(&machine_spi_write_readinto_obj) },
    { MP_ROM_QSTR(MP_QSTR_SPI0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_SPI1), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_SPI2), MP_ROM_INT(ID_SLAVE) },
    { MP_ROM_QSTR(MP_QSTR_SPI_SOFT), MP_ROM_INT(ID_SOFT) },
    { MP_ROM_QSTR(MP_QSTR_MODE_MASTER), MP_ROM_INT(MODE_MASTER) },
    { MP_ROM_QSTR(MP_QSTR_MODE_MASTER_2), MP_ROM_INT(MODE_MASTER_2) },
    { MP_ROM_QSTR(MP_QSTR_MODE_MASTER_4), MP_ROM_INT(MODE_MASTER_4) },
    { MP_ROM_QSTR(MP_QSTR_MODE_MASTER_8), MP_ROM_INT(MODE_MASTER_8) },
    { MP_ROM_QSTR(MP_QSTR_MODE_SLAVE), MP_ROM_INT(MODE_SLAVE) },
    { MP_ROM_QSTR(MP_QSTR_MSB), MP_ROM_INT(FIRST_MSB) },
    { MP_ROM_QSTR(MP_QSTR_LSB), MP_ROM_INT(FIRST_LSB) },
    { MP_ROM_QSTR(MP_QSTR_CS0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_CS1), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_CS2), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_CS3), MP_ROM_INT(3) },
};
static MP_DEFINE_CONST_DICT(machine_spi_locals, machine_spi_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_spi_type,
    MP_QSTR_SPI,
    MP_TYPE_FLAG_NONE,
    make_new, machine_spi_make_new,
    print, machine_spi_print,
    protocol, &machine_spi_p,
    locals_dict, &machine_spi_locals
    );

#endif
