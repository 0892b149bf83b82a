// SPDX-License-Identifier: MIT
//
// Maix.I2S: MaixPy's I2S. record() returns at once and the data arrives; wait_record() waits for it. A point
// is one 32-bit word, a time slot of the frame: left, right, left, right of the first channel in use, then the
// next one's.
#include "py/mpconfig.h"

#if MICROPY_PY_MACHINE_I2S

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "hal/fpioa.h"
#include "hal/i2s.h"
#include "maix.h"
#include "maix_audio.h"
#include "maix_sound.h"

#define POINTS_MAX (65536)
#define RATE_MAX (4 * 1024 * 1024)

enum { TRANSMITTER, RECEIVER };

typedef struct _maix_i2s_obj_t {
    mp_obj_base_t base;
    uint8_t device;
    i2s_config_t config;
    uint8_t align[I2S_CHANNELS], cycles[I2S_CHANNELS];
    uint32_t sample_points;
    // The transfers that run: the block, and the place in it.
    maix_audio_obj_t *record, *play;
    volatile size_t recorded, played;
    // Instead of blocks: what films and files play and record.
    sound_ring_t *play_ring, *record_ring;
} maix_i2s_obj_t;

// Bits of a word that a sample of 16 is shorter by.
static unsigned word_shift(const maix_i2s_obj_t *self, unsigned mask) {
    static const int8_t bits[] = { 16, 12, 16, 20, 24, 32 };
    int shift = bits[self->config.resolution[__builtin_ctz(mask)]] - 16;
    return shift > 0 ? shift : 0;
}

// In interrupt context, as the next ones: the first channel's samples.
static void received_ring(maix_i2s_obj_t *self, const uint32_t *words, size_t n) {
    sound_ring_t *ring = self->record_ring;
    uint32_t pairs[I2S_BATCH];
    size_t per_frame = 2 * __builtin_popcount(self->config.rx_mask), fits = sound_ring_room(ring);
    unsigned shift = word_shift(self, self->config.rx_mask);
    fits = fits < n ? fits : n;
    for (size_t i = 0; i < fits; ++i, words += per_frame) {
        pairs[i] = (words[0] >> shift & 0xffff) | words[1] >> shift << 16;
    }
    sound_ring_put(ring, pairs, fits);
    ring->missed += n - fits;
}

// Every channel gets the same. What is missing is silence.
static size_t wanted_ring(maix_i2s_obj_t *self, uint32_t *words, size_t n) {
    sound_ring_t *ring = self->play_ring;
    uint32_t pairs[I2S_BATCH];
    size_t channels = __builtin_popcount(self->config.tx_mask), have = sound_ring_take(ring, pairs, n);
    unsigned shift = word_shift(self, self->config.tx_mask);
    for (size_t i = 0; i < have; ++i) {
        for (size_t ch = 0; ch < channels; ++ch) {
            *words++ = (pairs[i] & 0xffff) << shift;
            *words++ = pairs[i] >> 16 << shift;
        }
    }
    if (have < n && ring->open) {
        ring->missed += n - have;
    }
    return have;
}

static void received(void *arg, const uint32_t *words, size_t n) {
    maix_i2s_obj_t *self = arg;
    size_t count = n * 2 * __builtin_popcount(self->config.rx_mask);
    if (self->record_ring != NULL) {
        received_ring(self, words, n);
        return;
    }
    if (self->record == NULL) {
        return;
    }
    size_t at = self->recorded;
    for (size_t i = 0; i < count && at < self->record->points; ++i) {
        self->record->words[at++] = words[i];
    }
    self->recorded = at;
}

static size_t wanted(void *arg, uint32_t *words, size_t n) {
    maix_i2s_obj_t *self = arg;
    size_t per_frame = 2 * __builtin_popcount(self->config.tx_mask), at = self->played, frames = 0;
    if (self->play_ring != NULL) {
        return wanted_ring(self, words, n);
    }
    if (self->play == NULL) {
        return 0;
    }
    for (; frames < n && at + per_frame <= self->play->points; ++frames) {
        for (size_t i = 0; i < per_frame; ++i) {
            *words++ = self->play->words[at++];
        }
    }
    self->played = frames < n ? self->play->points : at;
    return frames;
}

static void maix_i2s_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    maix_i2s_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "[MAIXPY]i2s%d:(sampling rate=%u, sampling points=%u)\n", self->device, (unsigned)self->config.rate,
        (unsigned)self->sample_points);
    for (unsigned ch = 0; ch < I2S_CHANNELS; ++ch) {
        mp_printf(print, "[MAIXPY]channle%d:(resolution=%u, cycles=%u, align_mode=%u, mode=%u)\n", ch,
            self->config.resolution[ch], self->cycles[ch], self->align[ch], self->config.rx_mask >> ch & 1);
    }
}

static void init_helper(maix_i2s_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_sample_points, ARG_pll2, ARG_mclk };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_sample_points, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1024} },
        { MP_QSTR_pll2, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_mclk, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_int_t points = args[ARG_sample_points].u_int, pll2 = args[ARG_pll2].u_int, mclk = args[ARG_mclk].u_int;
    if (points <= 0 || points > POINTS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:invalid buffer length"));
    }
    if (pll2 < 0 || pll2 > UINT32_MAX || i2s_set_pll2(pll2) < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:invalid pll2"));
    }
    if (mclk != 0 && i2s_set_mclk_divider(self->device, mclk) < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:invalid mclk: the divider has 8 bits"));
    }
    self->sample_points = points;
}

static mp_obj_t maix_i2s_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, true);
    mp_int_t device = mp_obj_get_int(args[0]);
    if (device < 0 || device >= I2S_COUNT) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]I2S%d:does not exist"), (int)device);
    }
    i2s_stop(device);
    maix_i2s_obj_t *self = mp_obj_malloc(maix_i2s_obj_t, type);
    self->device = device;
    self->config = (i2s_config_t) { .align = I2S_STANDARD, .cycles = I2S_CYCLES_32, .rx = received, .tx = wanted, .arg = self };
    for (unsigned ch = 0; ch < I2S_CHANNELS; ++ch) {
        self->align[ch] = I2S_STANDARD;
        self->cycles[ch] = I2S_CYCLES_32;
    }
    self->record = self->play = NULL;
    self->recorded = self->played = 0;
    self->play_ring = self->record_ring = NULL;
    MP_STATE_PORT(maix_i2s_objects[device]) = self;
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    init_helper(self, 0, NULL, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t maix_i2s_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    init_helper(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(maix_i2s_init_obj, 1, maix_i2s_init);

static void stop(maix_i2s_obj_t *self) {
    i2s_stop(self->device);
    self->record = self->play = NULL;
    self->play_ring = self->record_ring = NULL;
}

// Starts the block if it does not run with these settings.
static void start(maix_i2s_obj_t *self) {
    if (self->config.rate == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:please set sample rate"));
    }
    if (MP_STATE_PORT(maix_i2s_objects[self->device]) != self) {
        i2s_stop(self->device);
    }
    MP_STATE_PORT(maix_i2s_objects[self->device]) = self;
    if (!i2s_running(self->device) && i2s_start(self->device, &self->config) < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:invalid sample rate"));
    }
}

// channel_config(channel, mode, *, resolution=RESOLUTION_16_BIT, cycles=SCLK_CYCLES_32, align_mode=STANDARD_MODE)
static mp_obj_t maix_i2s_channel_config(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_channel, ARG_mode, ARG_resolution, ARG_cycles, ARG_align_mode };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_channel, MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_mode, MP_ARG_INT, {.u_int = RECEIVER} },
        { MP_QSTR_resolution, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = I2S_16_BIT} },
        { MP_QSTR_cycles, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = I2S_CYCLES_32} },
        { MP_QSTR_align_mode, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = I2S_STANDARD} },
    };
    maix_i2s_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_int_t channel = args[ARG_channel].u_int, mode = args[ARG_mode].u_int, align = args[ARG_align_mode].u_int;
    if (channel < 0 || channel >= I2S_CHANNELS) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:invalid i2s channle"));
    }
    if (mode != TRANSMITTER && mode != RECEIVER) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:invalid mode"));
    }
    if (args[ARG_resolution].u_int < I2S_IGNORE || args[ARG_resolution].u_int > I2S_32_BIT) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:invalid resolution"));
    }
    if (args[ARG_cycles].u_int < I2S_CYCLES_16 || args[ARG_cycles].u_int > I2S_CYCLES_32) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:invalid cycles"));
    }
    if (align != I2S_STANDARD && align != I2S_RIGHT && align != I2S_LEFT) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:invalid align mode"));
    }
    stop(self);
    i2s_config_t *c = &self->config;
    c->rx_mask = (c->rx_mask & ~(1 << channel)) | (mode == RECEIVER) << channel;
    c->tx_mask = (c->tx_mask & ~(1 << channel)) | (mode == TRANSMITTER) << channel;
    c->resolution[channel] = args[ARG_resolution].u_int;
    c->cycles = self->cycles[channel] = args[ARG_cycles].u_int;
    c->align = self->align[channel] = align;
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(maix_i2s_channel_config_obj, 2, maix_i2s_channel_config);

static mp_obj_t maix_i2s_set_sample_rate(mp_obj_t self_in, mp_obj_t rate_in) {
    maix_i2s_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_int_t rate = mp_obj_get_int(rate_in);
    if (rate <= 0 || rate > RATE_MAX || i2s_real_rate(self->device, rate, self->config.cycles) <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:invalid sample rate"));
    }
    stop(self);
    self->config.rate = rate;
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_2(maix_i2s_set_sample_rate_obj, maix_i2s_set_sample_rate);

// record(points) or record(time=seconds) -> Audio that fills by and by
static mp_obj_t maix_i2s_record(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_points, ARG_time };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_points, MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_time, MP_ARG_INT, {.u_int = 0} },
    };
    maix_i2s_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_int_t points = args[ARG_points].u_int, seconds = args[ARG_time].u_int;
    if (points == 0 && seconds == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:please input recording points or time"));
    }
    if (self->config.rate == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:please set sample rate"));
    }
    if (self->config.rx_mask == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:no channel is a receiver"));
    }
    // MaixPy's comparison with sample_points never came true, and its scripts ask for more.
    if (points < 0 || points > POINTS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:Too many points"));
    }
    if (points == 0) {
        if (seconds < 0 || seconds * (mp_int_t)self->config.rate > (mp_int_t)self->sample_points) {
            mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:sampling size is out of bounds"));
        }
        points = seconds * self->config.rate;
    }
    self->record = NULL;
    self->record_ring = NULL;
    maix_audio_obj_t *audio = maix_audio_new(points);
    audio->is_stereo = true;
    self->recorded = 0;
    self->record = audio;
    start(self);
    return MP_OBJ_FROM_PTR(audio);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(maix_i2s_record_obj, 1, maix_i2s_record);

// Waits for a transfer of points at the present rate; Ctrl-C works.
static void wait(maix_i2s_obj_t *self, maix_audio_obj_t *audio, volatile size_t *at) {
    uint64_t limit = hal_time_us() + 1000000 + 2000000ull * audio->points / self->config.rate;
    while (*at < audio->points) {
        if (hal_time_us() > limit || !i2s_running(self->device)) {
            mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("I2S%d stopped after %u of %u points"), self->device,
                (unsigned)*at, (unsigned)audio->points);
        }
        mp_event_wait_ms(1);
    }
}

static mp_obj_t maix_i2s_wait_record(mp_obj_t self_in) {
    maix_i2s_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->record != NULL) {
        wait(self, self->record, &self->recorded);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(maix_i2s_wait_record_obj, maix_i2s_wait_record);

// play(audio): returns at once; waits for the block before it
static mp_obj_t maix_i2s_play(mp_obj_t self_in, mp_obj_t audio) {
    maix_i2s_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (!mp_obj_is_type(audio, &maix_audio_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT("[MAIXPY]I2S:an Audio is needed"));
    }
    if (self->config.tx_mask == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:no channel is a transmitter"));
    }
    if (self->play != NULL && i2s_running(self->device)) {
        wait(self, self->play, &self->played);
    }
    if (((maix_audio_obj_t *)MP_OBJ_TO_PTR(audio))->words == NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2S:an Audio without samples"));
    }
    self->play = NULL;
    self->play_ring = NULL;
    self->played = 0;
    self->play = MP_OBJ_TO_PTR(audio);
    start(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(maix_i2s_play_obj, maix_i2s_play);

static mp_obj_t maix_i2s_end(mp_obj_t self_in) {
    stop(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(maix_i2s_deinit_obj, maix_i2s_end);

// ---- for films and files ----------------------------------------------------------------------------

mp_obj_t maix_i2s_for_sound(unsigned device, bool receive) {
    maix_i2s_obj_t *self = MP_STATE_PORT(maix_i2s_objects[device]);
    if (self == NULL) {
        mp_obj_t number = MP_OBJ_NEW_SMALL_INT(device);
        self = MP_OBJ_TO_PTR(maix_i2s_make_new(&maix_i2s_type, 1, 0, &number));
    }
    i2s_config_t *c = &self->config;
    if ((receive ? c->rx_mask : c->tx_mask) == 0) {
        unsigned first = (receive ? FPIOA_I2S0_IN_D0 : FPIOA_I2S0_OUT_D0) + (FPIOA_I2S1_IN_D0 - FPIOA_I2S0_IN_D0) * device;
        unsigned mask = 0;
        for (unsigned ch = 0; ch < I2S_CHANNELS; ++ch) {
            mask |= (fpioa_pad_of(first + ch) >= 0) << ch;
        }
        mask = mask != 0 ? mask : receive ? 1 : 2;
        stop(self);
        for (unsigned ch = 0; ch < I2S_CHANNELS; ++ch) {
            if (mask >> ch & 1) {
                c->resolution[ch] = I2S_16_BIT;
                self->cycles[ch] = I2S_CYCLES_32;
                self->align[ch] = receive ? I2S_STANDARD : I2S_RIGHT;
            }
        }
        c->cycles = I2S_CYCLES_32;
        c->align = receive ? I2S_STANDARD : I2S_RIGHT;
        c->rx_mask = receive ? mask : c->rx_mask & ~mask;
        c->tx_mask = receive ? c->tx_mask & ~mask : mask;
    }
    return MP_OBJ_FROM_PTR(self);
}

uint32_t maix_i2s_rate(mp_obj_t i2s) {
    return ((maix_i2s_obj_t *)MP_OBJ_TO_PTR(i2s))->config.rate;
}

void maix_i2s_set_rate(mp_obj_t i2s, uint32_t rate) {
    if (maix_i2s_rate(i2s) != rate) {
        maix_i2s_set_sample_rate(i2s, mp_obj_new_int_from_uint(rate));
    }
}

void maix_i2s_connect(mp_obj_t i2s, sound_ring_t *ring, bool receive) {
    maix_i2s_obj_t *self = MP_OBJ_TO_PTR(i2s);
    if ((receive ? self->config.rx_mask : self->config.tx_mask) == 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]I2S:no channel is a %s"),
            receive ? "receiver" : "transmitter");
    }
    *(receive ? &self->record_ring : &self->play_ring) = ring;
    start(self);
}

void maix_i2s_disconnect(mp_obj_t i2s, const sound_ring_t *ring) {
    maix_i2s_obj_t *self = MP_OBJ_TO_PTR(i2s);
    if (self->play_ring == ring || self->record_ring == ring) {
        stop(self);
    }
}

bool maix_i2s_running(mp_obj_t i2s) {
    maix_i2s_obj_t *self = MP_OBJ_TO_PTR(i2s);
    return MP_STATE_PORT(maix_i2s_objects[self->device]) == self && i2s_running(self->device);
}

void maix_i2s_drain(mp_obj_t i2s) {
    if (maix_i2s_running(i2s)) {
        mp_hal_delay_us(4 * I2S_BATCH * 1000000u / maix_i2s_rate(i2s) + 1);
    }
}

void maix_i2s_deinit(void) {
    for (unsigned i = 0; i < I2S_COUNT; ++i) {
        i2s_stop(i);
        MP_STATE_PORT(maix_i2s_objects[i]) = NULL;
    }
}

static const mp_rom_map_elem_t maix_i2s_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&maix_i2s_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&maix_i2s_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR___deinit__), MP_ROM_PTR(&maix_i2s_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_channel_config), MP_ROM_PTR(&maix_i2s_channel_config_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_sample_rate), MP_ROM_PTR(&maix_i2s_set_sample_rate_obj) },
    { MP_ROM_QSTR(MP_QSTR_record), MP_ROM_PTR(&maix_i2s_record_obj) },
    { MP_ROM_QSTR(MP_QSTR_wait_record), MP_ROM_PTR(&maix_i2s_wait_record_obj) },
    { MP_ROM_QSTR(MP_QSTR_play), MP_ROM_PTR(&maix_i2s_play_obj) },
    { MP_ROM_QSTR(MP_QSTR_DEVICE_0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_DEVICE_1), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_DEVICE_2), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_CHANNEL_0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_CHANNEL_1), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_CHANNEL_2), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_CHANNEL_3), MP_ROM_INT(3) },
    { MP_ROM_QSTR(MP_QSTR_TRANSMITTER), MP_ROM_INT(TRANSMITTER) },
    { MP_ROM_QSTR(MP_QSTR_RECEIVER), MP_ROM_INT(RECEIVER) },
    { MP_ROM_QSTR(MP_QSTR_IGNORE_WORD_LENGTH), MP_ROM_INT(I2S_IGNORE) },
    { MP_ROM_QSTR(MP_QSTR_RESOLUTION_12_BIT), MP_ROM_INT(I2S_12_BIT) },
    { MP_ROM_QSTR(MP_QSTR_RESOLUTION_16_BIT), MP_ROM_INT(I2S_16_BIT) },
    { MP_ROM_QSTR(MP_QSTR_RESOLUTION_20_BIT), MP_ROM_INT(I2S_20_BIT) },
    { MP_ROM_QSTR(MP_QSTR_RESOLUTION_24_BIT), MP_ROM_INT(I2S_24_BIT) },
    { MP_ROM_QSTR(MP_QSTR_RESOLUTION_32_BIT), MP_ROM_INT(I2S_32_BIT) },
    { MP_ROM_QSTR(MP_QSTR_SCLK_CYCLES_16), MP_ROM_INT(I2S_CYCLES_16) },
    { MP_ROM_QSTR(MP_QSTR_SCLK_CYCLES_24), MP_ROM_INT(I2S_CYCLES_24) },
    { MP_ROM_QSTR(MP_QSTR_SCLK_CYCLES_32), MP_ROM_INT(I2S_CYCLES_32) },
    { MP_ROM_QSTR(MP_QSTR_STANDARD_MODE), MP_ROM_INT(I2S_STANDARD) },
    { MP_ROM_QSTR(MP_QSTR_RIGHT_JUSTIFYING_MODE), MP_ROM_INT(I2S_RIGHT) },
    { MP_ROM_QSTR(MP_QSTR_LEFT_JUSTIFYING_MODE), MP_ROM_INT(I2S_LEFT) },
};
static MP_DEFINE_CONST_DICT(maix_i2s_locals, maix_i2s_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    maix_i2s_type,
    MP_QSTR_I2S,
    MP_TYPE_FLAG_NONE,
    make_new, maix_i2s_make_new,
    print, maix_i2s_print,
    locals_dict, &maix_i2s_locals
    );

MP_REGISTER_ROOT_POINTER(struct _maix_i2s_obj_t *maix_i2s_objects[3]);

#endif
