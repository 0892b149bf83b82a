// SPDX-License-Identifier: MIT
// import video: MJPEG films in AVI files, as in MaixPy.
#include <string.h>

#include "py/gc.h"
#include "py/runtime.h"

#include "py_video.h"

#define VOLUME (80)
#define SIDE_MAX (4096)

uint8_t *video_chunk_room(py_avi_t *self, uint32_t size) {
    if (self->chunk == NULL || self->chunk->size < size) {
        image_mem_unref(self->chunk);
        self->chunk = NULL;
        self->chunk = image_mem_new((size + 4095) & ~(size_t)4095, "film");
    }
    return self->chunk->data;
}

void video_stop_sound(py_avi_t *self) {
    if (self->i2s != MP_OBJ_NULL) {
        maix_i2s_disconnect(self->i2s, &self->ring);
    }
    self->i2s = MP_OBJ_NULL;
    py_media_ring_free(&self->ring, &self->ring_mem);
}

// Gives everything back. While garbage is collected nothing can be written: a recording then stays without its index.
static void close_all(py_avi_t *self) {
    media_live_remove(&self->live);
    nlr_buf_t nlr;
    bool ok = true;
    if (self->record && !self->closed && !gc_is_locked()) {
        ok = nlr_push(&nlr) == 0;
        if (ok) {
            video_record_end(self);
            nlr_pop();
        }
    }
    self->closed = true;
    self->status = VIDEO_END;
    video_stop_sound(self);
    image_mem_unref(self->chunk);
    self->chunk = NULL;
    self->image = MP_OBJ_NULL;
    py_media_close(&self->sound_file);
    py_media_close(&self->file);
    if (!ok) {
        nlr_jump(nlr.ret_val);
    }
}

static void end(media_live_t *live) {
    close_all((py_avi_t *)((uint8_t *)live - offsetof(py_avi_t, live)));
}

static mp_obj_t avi_del(mp_obj_t self_in) {
    close_all(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(avi_del_obj, avi_del);

static mp_obj_t avi_volume(size_t n_args, const mp_obj_t *args) {
    py_avi_t *self = MP_OBJ_TO_PTR(args[0]);
    if (n_args > 1) {
        mp_int_t v = mp_obj_get_int(args[1]);
        if (v < 0 || v > 100) {
            mp_raise_ValueError(MP_ERROR_TEXT("value:[0,100]"));
        }
        self->volume = (uint8_t)v;
    }
    return MP_OBJ_NEW_SMALL_INT(self->volume);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(avi_volume_obj, 1, 2, avi_volume);

static void avi_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    py_avi_t *self = MP_OBJ_TO_PTR(self_in);
    const avi_writer_t *w = &self->writer;
    const avi_info_t *i = &self->info;
    uint64_t us = self->record ? w->us : avi_due_us(i, 1);
    // The exact rate of a film that is played: 30000/1001 is 29.97.
    uint64_t fps100 = self->record ? (100000000 + us / 2) / us : (100ull * i->rate + i->scale / 2) / i->scale;
    mp_printf(print, "[MaixPy] avi:\n[video] w:%u, h:%u, t:%uus, fps:%u.%02u, total_frame:%u, status:%u\n",
        (unsigned)(self->record ? w->w : i->w), (unsigned)(self->record ? w->h : i->h), (unsigned)us,
        (unsigned)(fps100 / 100), (unsigned)(fps100 % 100), (unsigned)(self->record ? w->frames : i->frames), self->status);
    mp_printf(print, "[audio] format:%u, channel:%u, sample_rate:%u", self->record ? w->channels != 0 : i->sound.format,
        (unsigned)(self->record ? w->channels : i->sound.channels), (unsigned)(self->record ? w->rate : i->sound.rate));
}

static const mp_rom_map_elem_t avi_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&avi_del_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&avi_del_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&avi_del_obj) },
    { MP_ROM_QSTR(MP_QSTR_play), MP_ROM_PTR(&video_play_obj) },
    { MP_ROM_QSTR(MP_QSTR_capture), MP_ROM_PTR(&video_capture_obj) },
    { MP_ROM_QSTR(MP_QSTR_volume), MP_ROM_PTR(&avi_volume_obj) },
    { MP_ROM_QSTR(MP_QSTR_record), MP_ROM_PTR(&video_record_obj) },
    { MP_ROM_QSTR(MP_QSTR_record_finish), MP_ROM_PTR(&video_record_finish_obj) },
};
static MP_DEFINE_CONST_DICT(avi_dict, avi_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    avi_type,
    MP_QSTR_avi,
    MP_TYPE_FLAG_NONE,
    print, avi_print,
    locals_dict, &avi_dict
    );

static mp_int_t in_range(mp_int_t v, mp_int_t low, mp_int_t high, qstr name) {
    if (v < low || v > high) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%q must be %d to %d, not %d"), name, (int)low, (int)high, (int)v);
    }
    return v;
}

// open(path, *, record=False, interval=100000, quality=50, width=320, height=240, audio=False, sample_rate=44100,
// channels=1). Without width and height a recording has the size of its first picture.
static mp_obj_t video_open(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_path, ARG_record, ARG_interval, ARG_quality, ARG_width, ARG_height, ARG_audio, ARG_sample_rate, ARG_channels };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_path, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_record, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false} },
        { MP_QSTR_interval, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 100000} },
        { MP_QSTR_quality, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 50} },
        { MP_QSTR_width, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_height, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_audio, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false} },
        { MP_QSTR_sample_rate, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 44100} },
        { MP_QSTR_channels, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    if (!py_media_ends_with(args[ARG_path].u_obj, ".avi")) {
        mp_raise_NotImplementedError(MP_ERROR_TEXT("[MaixPy] video: format not support"));
    }
    py_avi_t *self = mp_obj_malloc_with_finaliser(py_avi_t, &avi_type);
    memset((uint8_t *)self + sizeof(mp_obj_base_t), 0, sizeof(*self) - sizeof(mp_obj_base_t));
    self->closed = true;
    self->live.end = end;
    self->path = args[ARG_path].u_obj;
    self->record = args[ARG_record].u_bool;
    self->volume = VOLUME;
    if (self->record) {
        mp_obj_t w = args[ARG_width].u_obj, h = args[ARG_height].u_obj;
        self->size_given = w != mp_const_none || h != mp_const_none;
        self->writer.w = w == mp_const_none ? 320 : in_range(mp_obj_get_int(w), 1, SIDE_MAX, MP_QSTR_width);
        self->writer.h = h == mp_const_none ? 240 : in_range(mp_obj_get_int(h), 1, SIDE_MAX, MP_QSTR_height);
        self->writer.us = in_range(args[ARG_interval].u_int, 1000, 60000000, MP_QSTR_interval);
        self->quality = in_range(args[ARG_quality].u_int, 1, 100, MP_QSTR_quality);
        self->audio = args[ARG_audio].u_bool;
        if (self->audio) {
            self->writer.rate = in_range(args[ARG_sample_rate].u_int, 1000, WAV_RATE_MAX, MP_QSTR_sample_rate);
            self->writer.channels = in_range(args[ARG_channels].u_int, 1, 2, MP_QSTR_channels);
        }
    }
    py_media_open(&self->file, self->path, self->record);
    media_live_add(&self->live);
    if (self->record) {
        video_open_to_record(self);
    } else {
        char err[MEDIA_ERR_LEN];
        int ret = avi_open(&self->file.io, &self->info, err);
        if (ret) {
            close_all(self);
            py_media_raise(&self->file, ret, err);
        }
        avi_rewind(&self->pictures, &self->file.io, &self->info, self->info.video);
    }
    self->closed = false;
    self->status = VIDEO_OPENED;
    return MP_OBJ_FROM_PTR(self);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(video_open_obj, 1, video_open);

static const mp_rom_map_elem_t video_module_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_video) },
    { MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&video_open_obj) },
};
static MP_DEFINE_CONST_DICT(video_module_globals, video_module_table);

const mp_obj_module_t video_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&video_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_video, video_module);
