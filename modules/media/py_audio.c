// SPDX-License-Identifier: MIT
// audio.Audio(path=...): WAV files that are played and recorded piece by piece through a Maix.I2S object.
#include <errno.h>
#include <string.h>

#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "hal/time.h"

#include "maix/maix.h"
#include "maix/maix_audio.h"
#include "py_audio.h"
#include "py_media_io.h"
#include "wav.h"

#define RING (8192)             // pairs: 186 ms at 44.1 kHz
#define BLOCK (1024)            // per call of play()
#define START (2048)            // in the ring before the first one is heard
#define STEP (128)
#define DATA_MAX (0x7fff0000u)

typedef struct {
    mp_obj_base_t base;
    media_live_t live;
    py_media_io_t file;
    bool is_wav, create;
    mp_obj_t i2s;               // of play_process()
    // playing
    wav_info_t wav;
    uint32_t at, left;
    sound_ring_t ring;
    image_mem_t *ring_mem;
    // recording
    uint32_t channels, rate, written;
} audio_file_t;

static void stop(audio_file_t *self) {
    if (self->i2s != MP_OBJ_NULL) {
        maix_i2s_disconnect(self->i2s, &self->ring);
    }
    py_media_ring_free(&self->ring, &self->ring_mem);
    self->i2s = MP_OBJ_NULL;
}

static int write_header(audio_file_t *self) {
    uint8_t head[WAV_HEADER];
    wav_header(head, self->channels, self->rate, self->written);
    media_io_t *io = &self->file.io;
    return io->seek(io, 0) && io->write(io, head, sizeof(head)) == sizeof(head) ? 0 : -EIO;
}

static void finish(audio_file_t *self) {
    media_live_remove(&self->live);
    stop(self);
    int ret = 0;
    // While garbage is collected nothing can be written: the header then says that the recording was not finished.
    if (self->create && self->file.stream != MP_OBJ_NULL && !gc_is_locked()) {
        ret = self->is_wav ? write_header(self) : 0;
        self->create = false;
    }
    int err = self->file.err;
    py_media_close(&self->file);
    if (ret) {
        self->file.err = err;
        py_media_raise(&self->file, ret, "the header of the WAV file could not be written");
    }
}

static void end(media_live_t *live) {
    finish((audio_file_t *)((uint8_t *)live - offsetof(audio_file_t, live)));
}

static mp_obj_t file_del(mp_obj_t self_in) {
    finish(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(file_del_obj, file_del);

static const mp_rom_map_elem_t file_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&file_del_obj) },
};
static MP_DEFINE_CONST_DICT(file_dict, file_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    audio_file_type,
    MP_QSTR_file,
    MP_TYPE_FLAG_NONE,
    locals_dict, &file_dict
    );

mp_obj_t py_audio_file_open(mp_obj_t path, bool create, mp_int_t rate) {
    if (rate < 1 || rate > WAV_RATE_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("samplerate must be 1 to %d, not %d"), WAV_RATE_MAX, (int)rate);
    }
    audio_file_t *self = mp_obj_malloc_with_finaliser(audio_file_t, &audio_file_type);
    memset((uint8_t *)self + sizeof(mp_obj_base_t), 0, sizeof(*self) - sizeof(mp_obj_base_t));
    self->live.end = end;
    self->is_wav = py_media_ends_with(path, ".wav");
    self->channels = 2;
    self->rate = rate;
    py_media_open(&self->file, path, create);
    media_live_add(&self->live);
    self->create = create;
    if (create && self->is_wav && write_header(self)) {
        py_media_raise(&self->file, -EIO, "the header of the WAV file could not be written");
    }
    return MP_OBJ_FROM_PTR(self);
}

void py_audio_file_close(mp_obj_t file) {
    finish(MP_OBJ_TO_PTR(file));
}

// The file behind an Audio object, or NULL when it cannot do that: MaixPy's methods return None then.
static audio_file_t *file_of(mp_obj_t audio, bool create) {
    maix_audio_obj_t *a = MP_OBJ_TO_PTR(audio);
    audio_file_t *f = a->file == MP_OBJ_NULL ? NULL : MP_OBJ_TO_PTR(a->file);
    return f != NULL && f->is_wav && f->create == create && f->file.stream != MP_OBJ_NULL ? f : NULL;
}

static void check_i2s(mp_obj_t i2s) {
    if (!mp_obj_is_type(i2s, &maix_i2s_type)) {
        mp_raise_ValueError(MP_ERROR_TEXT("Invaild I2S device"));
    }
}

// ---- playing ------------------------------------------------------------------------------------

// play_process(i2s) -> [channels, rate, bytes per second, bytes per block, bits, bytes of data]
static mp_obj_t audio_play_process(mp_obj_t self_in, mp_obj_t i2s) {
    check_i2s(i2s);
    audio_file_t *f = file_of(self_in, false);
    if (f == NULL) {
        return mp_const_none;
    }
    if (f->file.io.size == 0) {
        mp_printf(&mp_plat_print, "[MAIXPY]: file length is 0\n");
        return mp_const_false;
    }
    char err[MEDIA_ERR_LEN];
    stop(f);
    int ret = wav_open(&f->file.io, &f->wav, err);
    if (ret) {
        py_media_raise(&f->file, ret, err);
    }
    f->at = f->wav.data_at;
    f->left = f->wav.data_size;
    const wav_format_t *w = &f->wav.format;
    const struct {
        const char *name;
        uint32_t value;
    } facts[] = {
        { "numchannels", w->channels }, { "samplerate", w->rate }, { "byterate", w->byte_rate },
        { "blockalign", w->block }, { "bitspersample", w->bits }, { "datasize", f->wav.data_size },
    };
    mp_obj_t items[MP_ARRAY_SIZE(facts)];
    mp_printf(&mp_plat_print, "[MAIXPY]: result = 0\n");
    for (size_t i = 0; i < MP_ARRAY_SIZE(facts); ++i) {
        mp_printf(&mp_plat_print, "[MAIXPY]: %s = %u\n", facts[i].name, (unsigned)facts[i].value);
        items[i] = mp_obj_new_int_from_uint(facts[i].value);
    }
    py_media_ring_new(&f->ring, &f->ring_mem, RING);
    f->i2s = i2s;
    return mp_obj_new_list(MP_ARRAY_SIZE(facts), items);
}
MP_DEFINE_CONST_FUN_OBJ_2(py_audio_play_process_obj, audio_play_process);

// Waits until the ring has so much room. Ctrl-C works.
static void wait_for_room(audio_file_t *f, uint32_t room) {
    uint64_t limit = hal_time_us() + 1000000 + 2000000ull * room / maix_i2s_rate(f->i2s);
    while (sound_ring_room(&f->ring) < room) {
        if (!maix_i2s_running(f->i2s)) {
            maix_i2s_connect(f->i2s, &f->ring, false); // set_sample_rate() or channel_config() have stopped it
        }
        if (hal_time_us() > limit) {
            mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("I2S has not taken %u samples in time"), (unsigned)room);
        }
        mp_event_wait_ms(1);
    }
}

// play(): the next block: 1, 0 when all was heard.
static mp_obj_t audio_play(mp_obj_t self_in) {
    audio_file_t *f = file_of(self_in, false);
    if (f == NULL || f->i2s == MP_OBJ_NULL) {
        return mp_const_none;
    }
    const wav_format_t *w = &f->wav.format;
    char err[MEDIA_ERR_LEN];
    uint8_t bytes[STEP * 6];
    uint32_t pairs[STEP], n = f->left / w->block;
    if (maix_i2s_rate(f->i2s) == 0) {
        maix_i2s_set_rate(f->i2s, w->rate);
    }
    n = n < BLOCK ? n : BLOCK;
    wait_for_room(f, n == 0 ? RING : n);
    if (n == 0) {
        maix_i2s_drain(f->i2s);
        stop(f);
        return MP_OBJ_NEW_SMALL_INT(0);
    }
    for (uint32_t done = 0; done < n;) {
        uint32_t step = n - done < STEP ? n - done : STEP;
        int ret = media_read_at(&f->file.io, f->at, bytes, (size_t)step * w->block, "the samples", err);
        if (ret) {
            py_media_raise(&f->file, ret, err);
        }
        pcm_to_pairs(pairs, bytes, step, w, ((maix_audio_obj_t *)MP_OBJ_TO_PTR(self_in))->volume);
        sound_ring_put(&f->ring, pairs, step);
        f->at += step * w->block;
        f->left -= step * w->block;
        done += step;
    }
    f->ring.open = f->left >= w->block;
    if (!f->ring.open || sound_ring_used(&f->ring) >= START) {
        maix_i2s_connect(f->i2s, &f->ring, false);
    }
    return MP_OBJ_NEW_SMALL_INT(1);
}
MP_DEFINE_CONST_FUN_OBJ_1(py_audio_play_obj, audio_play);

// ---- recording ----------------------------------------------------------------------------------

// record_process(i2s, channels=1): the rate of that device, one channel (left) or two.
static mp_obj_t audio_record_process(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_dev, ARG_channels };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_dev, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_channels, MP_ARG_INT, {.u_int = 1} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    check_i2s(args[ARG_dev].u_obj);
    mp_int_t channels = args[ARG_channels].u_int;
    if (channels != 1 && channels != 2) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("channels must be 1 or 2, not %d"), (int)channels);
    }
    audio_file_t *f = file_of(pos_args[0], true);
    if (f == NULL) {
        return mp_const_none;
    }
    uint32_t rate = maix_i2s_rate(args[ARG_dev].u_obj);
    f->rate = rate ? rate : f->rate;
    f->channels = channels;
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_audio_record_process_obj, 2, audio_record_process);

// record(audio): the low 16 bits of each word; of two slots only the left one when the file has one channel.
static mp_obj_t audio_record(mp_obj_t self_in, mp_obj_t audio) {
    if (!mp_obj_is_type(audio, &maix_audio_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT("an Audio is needed"));
    }
    audio_file_t *f = file_of(self_in, true);
    if (f == NULL) {
        return mp_const_none;
    }
    maix_audio_obj_t *a = MP_OBJ_TO_PTR(audio);
    uint8_t bytes[2 * STEP];
    size_t every = a->is_stereo && f->channels == 1 ? 2 : 1;
    for (size_t i = 0; i < a->points;) {
        size_t n = 0;
        for (; n < sizeof(bytes) && i < a->points; n += 2, i += every) {
            media_put16(bytes + n, a->words[i]);
        }
        if (f->written > DATA_MAX) {
            py_media_raise(&f->file, -EFBIG, "the WAV file has reached 2 GiB");
        }
        if (f->file.io.write(&f->file.io, bytes, n) != n) {
            py_media_raise(&f->file, -ENOSPC, "the WAV file takes no more (disk full?)");
        }
        f->written += n;
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(py_audio_record_obj, audio_record);

static mp_obj_t audio_finish(mp_obj_t self_in) {
    maix_audio_obj_t *a = MP_OBJ_TO_PTR(self_in);
    if (a->file != MP_OBJ_NULL) {
        finish(MP_OBJ_TO_PTR(a->file));
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(py_audio_finish_obj, audio_finish);
