// SPDX-License-Identifier: MIT
// record(): pictures as JPEG, one per interval, and what the microphone hears meanwhile.
#include <errno.h>
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "hal/time.h"

#include "image/py_image_priv.h"
#include "py_video.h"

#define RING (16384)            // pairs: 371 ms at 44.1 kHz
#define SOUND_CHUNK (1024)      // moments
#define GAP_MAX_S (10)
#define ENTRIES (256)           // the index grows by so many

void video_open_to_record(py_avi_t *self) {
    char err[MEDIA_ERR_LEN];
    self->writer.io = &self->file.io;
    int ret = avi_write_start(&self->writer, err);
    if (ret) {
        py_media_close(&self->file);
        py_media_raise(&self->file, ret, err);
    }
}

static void write_chunk(py_avi_t *self, bool sound, const void *data, uint32_t size) {
    char err[MEDIA_ERR_LEN];
    avi_writer_t *w = &self->writer;
    if (w->entries >= w->room) {
        w->index = m_renew(uint32_t, w->index, w->room, w->room + ENTRIES);
        w->room += ENTRIES;
    }
    int ret = avi_write_chunk(w, sound, data, size, err);
    if (ret) {
        py_media_raise(&self->file, ret, err);
    }
}

// What was heard since the last call. What found no room in the ring becomes silence, so that sound and pictures stay
// together.
static void write_sound(py_avi_t *self) {
    if (self->ring_mem == NULL) {
        return;
    }
    uint32_t channels = self->writer.channels, gap = self->ring.missed - self->heard_missed;
    uint32_t n = sound_ring_used(&self->ring);
    self->heard_missed += gap;
    gap = gap > GAP_MAX_S * self->writer.rate ? GAP_MAX_S * self->writer.rate : gap;
    uint32_t *pairs = m_new(uint32_t, SOUND_CHUNK);
    while (n > 0 || gap > 0) {
        uint32_t *left = n > 0 ? &n : &gap, part = *left < SOUND_CHUNK ? *left : SOUND_CHUNK;
        *left -= part;
        if (left == &n) {
            sound_ring_take(&self->ring, pairs, part);
        } else {
            memset(pairs, 0, part * sizeof(uint32_t));
        }
        if (channels == 1) {
            for (uint32_t i = 0; i < part; ++i) {
                ((uint16_t *)pairs)[i] = (uint16_t)pairs[i];
            }
        }
        write_chunk(self, true, pairs, part * 2 * channels);
    }
    m_del(uint32_t, pairs, SOUND_CHUNK);
}

static void start_sound(py_avi_t *self) {
    py_media_ring_new(&self->ring, &self->ring_mem, RING);
    mp_obj_t i2s = maix_i2s_for_sound(VIDEO_I2S, true);
    maix_i2s_set_rate(i2s, self->writer.rate);
    self->i2s = i2s;
    maix_i2s_connect(i2s, &self->ring, true);
}

// The picture as JPEG in self->chunk.
static uint32_t encode(py_avi_t *self, const image_t *img) {
    char err[IMAGE_ERR_LEN];
    uint32_t room = self->chunk ? self->chunk->size : (uint32_t)img->w * (uint32_t)img->h / 4 + 2048;
    for (;;) {
        uint8_t *data = video_chunk_room(self, room);
        image_sink_t sink;
        image_sink_init(&sink, data, self->chunk->size);
        int ret = image_write(&sink.io, img, (image_rect_t) { 0, 0, img->w, img->h }, IMAGE_FILE_JPEG, self->quality, err);
        if (ret) {
            py_media_raise(&self->file, ret, err);
        }
        if (sink.n <= sink.room) {
            return sink.n;
        }
        room = sink.n;
    }
}

static py_avi_t *get(mp_obj_t self_in) {
    py_avi_t *self = MP_OBJ_TO_PTR(self_in);
    if (!self->record) {
        mp_raise_OSError(MP_EPERM);
    }
    return self;
}

// One picture per interval. Who is slower than that starts afresh.
static void keep_pace(py_avi_t *self) {
    self->due_us += self->writer.us;
    int64_t left = self->due_us - (int64_t)hal_time_us();
    if (left < -(int64_t)self->writer.us) {
        self->due_us = (int64_t)hal_time_us();
    }
    while ((left = self->due_us - (int64_t)hal_time_us()) > 0) {
        if (left > 1500) {
            mp_event_wait_ms(1);
        } else {
            mp_event_handle_nowait();
        }
    }
}

// record(img) -> bytes written; waits for the end of the interval.
static mp_obj_t video_record(mp_obj_t self_in, mp_obj_t image) {
    py_avi_t *self = get(self_in);
    if (self->closed) {
        py_media_raise(&self->file, -EBADF, "the recording is finished");
    }
    image_t *img = py_image_get(image);
    avi_writer_t *w = &self->writer;
    self->file.err = 0;
    if (img->format != IMAGE_JPEG) {
        img = py_image_get_pixels(image);
    }
    if (!self->size_given && w->frames == 0) {
        w->w = img->w;
        w->h = img->h;
    }
    if ((uint32_t)img->w != w->w || (uint32_t)img->h != w->h) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("the film is %ux%u, the picture %ux%u"), (unsigned)w->w,
            (unsigned)w->h, (unsigned)img->w, (unsigned)img->h);
    }
    self->last_us = (int64_t)hal_time_us();
    if (w->frames == 0) {
        self->first_us = self->due_us = self->last_us;
        if (self->audio) {
            start_sound(self);
        }
    }
    uint32_t n = img->format == IMAGE_JPEG ? img->size : encode(self, img), before = w->pos;
    write_chunk(self, false, img->format == IMAGE_JPEG ? img->pix : self->chunk->data, n);
    write_sound(self);
    before = w->pos - before;
    keep_pace(self);
    return mp_obj_new_int_from_uint(before);
}
MP_DEFINE_CONST_FUN_OBJ_2(video_record_obj, video_record);

void video_record_end(py_avi_t *self) {
    char err[MEDIA_ERR_LEN];
    avi_writer_t *w = &self->writer;
    if (self->closed) {
        return;
    }
    self->closed = true;
    self->status = VIDEO_END;
    // Pictures that took longer than the interval: the film keeps the time that it took.
    if (w->frames > 1) {
        int64_t us = (self->last_us - self->first_us) / (int64_t)(w->frames - 1);
        if (us > (int64_t)w->us + w->us / 20 && us <= 60000000) {
            w->us = (uint32_t)us;
        }
    }
    nlr_buf_t nlr;
    int ret = 0;
    if (nlr_push(&nlr) == 0) {
        write_sound(self);
        nlr_pop();
    } // a full disk leaves out the last of the sound
    video_stop_sound(self);
    self->file.err = 0;
    ret = avi_write_finish(w, err);
    m_del(uint32_t, w->index, w->room);
    w->index = NULL;
    w->room = w->entries = 0;
    int file_err = self->file.err;
    py_media_close(&self->file);
    if (ret) {
        self->file.err = file_err;
        py_media_raise(&self->file, ret, err);
    }
}

static mp_obj_t video_record_finish(mp_obj_t self_in) {
    video_record_end(get(self_in));
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(video_record_finish_obj, video_record_finish);
