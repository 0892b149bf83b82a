// SPDX-License-Identifier: MIT
// Included by extmod/machine_i2s.c via MICROPY_PY_MACHINE_I2S_INCLUDEFILE.
//
// The ring buffer holds received frames as 32-bit words, left and right, and what is to be sent as the
// program wrote it.

#include <stdlib.h>
#include <string.h>

#include "py/mphal.h"
#include "hal/fpioa.h"
#include "hal/i2s.h"
#include "hal/sysctl.h"
#include "machine_periph.h"
#include "machine_pin.h"

#define FRAME_BYTES (8)
#define SIZEOF_NON_BLOCKING_COPY_IN_BYTES (4 * I2S_BATCH * FRAME_BYTES)
#define IBUF_MAX (1 << 20)
#define MCK_PER_FRAME (256)
#define MODE_RX MICROPY_PY_MACHINE_I2S_CONSTANT_RX
#define MODE_TX MICROPY_PY_MACHINE_I2S_CONSTANT_TX

// The other end of the ring is an interrupt handler: loops that wait for it must look again each time.
static bool ringbuf_push(ring_buf_t *rbuf, uint8_t data) __attribute__((noipa));
static bool ringbuf_pop(ring_buf_t *rbuf, uint8_t *data) __attribute__((noipa));

struct _machine_i2s_obj_t {
    mp_obj_base_t base;
    uint8_t i2s_id;
    mp_hal_pin_obj_t sck, ws, sd, mck;
    uint16_t mode;
    int8_t bits;
    format_t format;
    int32_t rate, ibuf;
    mp_obj_t callback_for_non_blocking;
    io_mode_t io_mode;
    ring_buf_t ring_buffer;
    uint8_t *ring_buffer_storage;
    non_blocking_descriptor_t non_blocking_descriptor;
};

// Where the bytes of a received frame go in the program's buffer: mono and stereo with 16 and 32 bits.
static const int8_t i2s_frame_map[NUM_I2S_USER_FORMATS][I2S_RX_FRAME_SIZE_IN_BYTES] = {
    { 0, 1, -1, -1, -1, -1, -1, -1 },
    { 0, 1, 2, 3, -1, -1, -1, -1 },
    { 0, 1, -1, -1, 2, 3, -1, -1 },
    { 0, 1, 2, 3, 4, 5, 6, 7 },
};

static int8_t get_frame_mapping_index(int8_t bits, format_t format) {
    return (format == STEREO ? 2 : 0) + (bits == 32);
}

// In interrupt context, as the next one.
static void i2s_received(void *arg, const uint32_t *words, size_t n) {
    machine_i2s_obj_t *self = arg;
    for (size_t i = 0; i < n && ringbuf_available_space(&self->ring_buffer) >= FRAME_BYTES; ++i) {
        for (unsigned k = 0; k < FRAME_BYTES; ++k) {
            ringbuf_push(&self->ring_buffer, words[2 * i + k / 4] >> (8 * (k % 4)));
        }
    }
    if (self->io_mode == NON_BLOCKING && self->non_blocking_descriptor.copy_in_progress) {
        fill_appbuf_from_ringbuf_non_blocking(self);
    }
}

static size_t i2s_wanted(void *arg, uint32_t *words, size_t n) {
    machine_i2s_obj_t *self = arg;
    size_t sample = self->bits / 8, channels = self->format == STEREO ? 2 : 1, done = 0;
    if (self->io_mode == NON_BLOCKING && self->non_blocking_descriptor.copy_in_progress) {
        copy_appbuf_to_ringbuf_non_blocking(self);
    }
    for (; done < n && ringbuf_available_data(&self->ring_buffer) >= sample * channels; ++done) {
        for (size_t side = 0; side < channels; ++side) {
            uint32_t word = 0;
            for (size_t k = 0; k < sample; ++k) {
                uint8_t byte = 0;
                ringbuf_pop(&self->ring_buffer, &byte);
                word |= (uint32_t)byte << (8 * k);
            }
            words[2 * done + side] = word;
        }
        if (channels == 1) {
            words[2 * done + 1] = words[2 * done];
        }
    }
    return done;
}

static unsigned sclk_function(const machine_i2s_obj_t *self) {
    return FPIOA_I2S0_SCLK + (FPIOA_I2S1_SCLK - FPIOA_I2S0_SCLK) * self->i2s_id;
}

static unsigned sd_function(const machine_i2s_obj_t *self) {
    return sclk_function(self) + (self->mode == MODE_TX ? FPIOA_I2S0_OUT_D0 : FPIOA_I2S0_IN_D0) - FPIOA_I2S0_SCLK;
}

static void mp_machine_i2s_init_helper(machine_i2s_obj_t *self, mp_arg_val_t *args) {
    mp_int_t mode = args[ARG_mode].u_int, bits = args[ARG_bits].u_int, format = args[ARG_format].u_int;
    mp_int_t rate = args[ARG_rate].u_int, ibuf = args[ARG_ibuf].u_int;
    if (mode != MODE_RX && mode != MODE_TX) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid mode"));
    }
    if (bits != 16 && bits != 32) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid bits"));
    }
    if (format != MONO && format != STEREO) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid format"));
    }
    if (ibuf <= FRAME_BYTES || ibuf > IBUF_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid ibuf"));
    }
    if (rate <= 0 || i2s_real_rate(self->i2s_id, rate, I2S_CYCLES_32) < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid rate"));
    }
    self->mode = mode;
    machine_pin_check(args[ARG_sck].u_obj, sclk_function(self));
    machine_pin_check(args[ARG_ws].u_obj, sclk_function(self) + 1);
    machine_pin_assign(args[ARG_sd].u_obj, sd_function(self));
    machine_pin_assign(args[ARG_sck].u_obj, sclk_function(self));
    machine_pin_assign(args[ARG_ws].u_obj, sclk_function(self) + 1);
    self->sck = machine_pin_find(args[ARG_sck].u_obj)->id;
    self->ws = machine_pin_find(args[ARG_ws].u_obj)->id;
    self->sd = machine_pin_find(args[ARG_sd].u_obj)->id;
    self->bits = bits;
    self->format = format;
    self->rate = rate;
    self->ibuf = ibuf;
    self->callback_for_non_blocking = mp_const_none;
    self->non_blocking_descriptor.copy_in_progress = false;
    self->io_mode = BLOCKING;
    self->ring_buffer_storage = m_new(uint8_t, ibuf);
    ringbuf_init(&self->ring_buffer, self->ring_buffer_storage, ibuf);
    i2s_config_t config = {
        .rx_mask = mode == MODE_RX,
        .tx_mask = mode == MODE_TX,
        .resolution = { bits == 16 ? I2S_16_BIT : I2S_32_BIT },
        .cycles = bits == 16 && mode == MODE_TX ? I2S_CYCLES_16 : I2S_CYCLES_32,
        .align = I2S_STANDARD,
        .rate = rate,
        .rx = i2s_received,
        .tx = i2s_wanted,
        .arg = self,
    };
    if (i2s_start(self->i2s_id, &config) < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid rate"));
    }
    self->mck = self->sck;
    if (args[ARG_mck].u_obj != mp_const_none) {
        machine_pin_assign(args[ARG_mck].u_obj, sclk_function(self) - 1);
        self->mck = machine_pin_find(args[ARG_mck].u_obj)->id;
        uint32_t divider = (sysctl_clock_hz(CLOCK_PLL2) + MCK_PER_FRAME * rate) / (2 * MCK_PER_FRAME * rate);
        i2s_set_mclk_divider(self->i2s_id, divider == 0 ? 0 : MIN(divider - 1, 255));
    }
}

static machine_i2s_obj_t *mp_machine_i2s_make_new_instance(mp_int_t i2s_id) {
    if (i2s_id < 0 || i2s_id >= I2S_COUNT) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("I2S(%d) does not exist"), (int)i2s_id);
    }
    machine_i2s_obj_t *self = MP_STATE_PORT(machine_i2s_obj[i2s_id]);
    if (self == NULL) {
        self = mp_obj_malloc_with_finaliser(machine_i2s_obj_t, &machine_i2s_type);
        self->i2s_id = i2s_id;
        self->ring_buffer_storage = NULL;
        MP_STATE_PORT(machine_i2s_obj[i2s_id]) = self;
    } else {
        mp_machine_i2s_deinit(self);
    }
    return self;
}

static void mp_machine_i2s_deinit(machine_i2s_obj_t *self) {
    if (MP_STATE_PORT(machine_i2s_obj[self->i2s_id]) == self && self->ring_buffer_storage != NULL) {
        i2s_stop(self->i2s_id);
        for (unsigned i = 0; i < FPIOA_I2S1_MCLK - FPIOA_I2S0_MCLK; ++i) {
            machine_pin_release(sclk_function(self) - 1 + i);
        }
        m_free(self->ring_buffer_storage);
        self->ring_buffer_storage = NULL;
        self->ring_buffer.size = 0;
    }
}

static void mp_machine_i2s_irq_update(machine_i2s_obj_t *self) {
}

void machine_i2s_deinit_all(void) {
    for (unsigned i = 0; i < I2S_COUNT; ++i) {
        i2s_stop(i);
        MP_STATE_PORT(machine_i2s_obj[i]) = NULL;
    }
}

MP_REGISTER_ROOT_POINTER(struct _machine_i2s_obj_t *machine_i2s_obj[3]);
