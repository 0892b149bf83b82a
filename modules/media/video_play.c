// SPDX-License-Identifier: MIT
// play() and capture(): pictures at their time, and the sound that goes with them. The sound is the clock as long as
// there is some to be heard; it is read ahead into a ring, so that a picture may take its time.
#include <errno.h>
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "hal/time.h"

#include "image/py_image_priv.h"
#include "lcd/modlcd.h"
#include "py_video.h"

#define STEP (128)              // pairs that are read at once
#define PUMP_MAX (4096)         // and per call
#define NEAR_US (1500)          // no sleeping in this time before a picture

// ---- sound --------------------------------------------------------------------------------------

// False when there is no sound (any more) to be read.
static bool next_sound(py_avi_t *self) {
    char err[MEDIA_ERR_LEN];
    uint32_t block = self->info.sound.block;
    while (self->sound.size < block) {
        if (self->sound_file.stream == MP_OBJ_NULL || avi_next(&self->sounds, &self->sound, err) <= 0) {
            py_media_close(&self->sound_file);
            self->sound.size = 0;
            self->ring.open = false;
            return false;
        }
    }
    return true;
}

// Fills the ring.
static void pump(py_avi_t *self) {
    const wav_format_t *f = &self->info.sound;
    uint8_t bytes[STEP * 6];
    uint32_t pairs[STEP];
    char err[MEDIA_ERR_LEN];
    if (self->ring_mem == NULL) {
        return;
    }
    for (uint32_t done = 0; done < PUMP_MAX && sound_ring_room(&self->ring) >= STEP && next_sound(self);) {
        uint32_t n = self->sound.size / f->block;
        n = n < STEP ? n : STEP;
        if (media_read_at(&self->sound_file.io, self->sound.at, bytes, (size_t)n * f->block, "the sound", err)) {
            py_media_close(&self->sound_file);
            self->sound.size = 0;
            self->ring.open = false;
            return;
        }
        pcm_to_pairs(pairs, bytes, n, f, self->volume);
        sound_ring_put(&self->ring, pairs, n);
        self->sound.at += n * f->block;
        self->sound.size -= n * f->block;
        done += n;
    }
}

static void open_sound(py_avi_t *self) {
    py_media_open(&self->sound_file, self->path, false);
    avi_rewind(&self->sounds, &self->sound_file.io, &self->info, self->info.audio);
    py_media_ring_new(&self->ring, &self->ring_mem, VIDEO_RING);
    mp_obj_t i2s = maix_i2s_for_sound(VIDEO_I2S, false);
    maix_i2s_set_rate(i2s, self->info.sound.rate);
    self->i2s = i2s;
    pump(self);
    pump(self);
}

static bool sound_is_heard(py_avi_t *self) {
    if (self->i2s == MP_OBJ_NULL || sound_ring_used(&self->ring) == 0) {
        return false;
    }
    if (!maix_i2s_running(self->i2s)) {
        video_stop_sound(self); // the script uses the I2S block for something else now
        return false;
    }
    return true;
}

// ---- time ---------------------------------------------------------------------------------------

// The film's time in microseconds. Sound that is late makes the pictures late, too.
static int64_t film_us(py_avi_t *self) {
    int64_t now = (int64_t)hal_time_us();
    if (sound_is_heard(self)) {
        int64_t heard = (int64_t)self->ring.out * 1000000 / self->info.sound.rate;
        self->start_us = now - heard;
        return heard;
    }
    return now - self->start_us;
}

static void wait_for_picture(py_avi_t *self, int64_t due) {
    for (int64_t left; (left = due - film_us(self)) > 0;) {
        pump(self);
        if (left > NEAR_US) {
            mp_event_wait_ms(1);
        } else {
            mp_event_handle_nowait();
        }
    }
}

// ---- pictures -----------------------------------------------------------------------------------

typedef struct {
    image_io_t io;
    const uint8_t *data;
    size_t n;
} memory_t;

static size_t memory_read(image_io_t *base, void *buf, size_t n) {
    memory_t *m = (memory_t *)base;
    n = n < m->n ? n : m->n;
    memcpy(buf, m->data, n);
    m->data += n;
    m->n -= n;
    return n;
}

// The picture that lies in the chunk, into *image, which becomes another one when size or format don't fit.
static void decode(py_avi_t *self, mp_obj_t *image) {
    char err[IMAGE_ERR_LEN];
    memory_t m = { { memory_read, NULL }, self->chunk->data, self->chunk_size };
    if (self->jpeg == NULL) {
        self->jpeg = m_new(image_info_t, 1);
    }
    int ret = image_read_info(&m.io, self->jpeg, err);
    const image_info_t *info = self->jpeg;
    if (ret == 0) {
        image_t *img = *image == MP_OBJ_NULL ? NULL : py_image_get(*image);
        if (img == NULL || img->w != info->w || img->h != info->h || img->format != info->format || img->size == 0) {
            mp_obj_t fresh = py_image_new(info->w, info->h, info->format, false);
            if (*image == MP_OBJ_NULL) {
                *image = fresh;
            } else {
                py_image_move(*image, fresh);
            }
            img = py_image_get(*image);
        }
        ret = image_read_pixels(&m.io, self->jpeg, img, err);
    }
    if (ret) {
        self->file.err = 0;
        py_media_raise(&self->file, ret == -EIO ? -EINVAL : ret, err);
    }
}

static void film_ends(py_avi_t *self) {
    video_stop_sound(self);
    py_media_close(&self->sound_file);
    py_media_close(&self->file);
    image_mem_unref(self->chunk);
    self->chunk = NULL;
    self->image = MP_OBJ_NULL;
    self->status = VIDEO_END;
}

// Reads the next picture's data: false at the film's end.
static bool read_picture(py_avi_t *self) {
    char err[MEDIA_ERR_LEN];
    avi_chunk_t chunk;
    self->file.err = 0;
    int ret = avi_next(&self->pictures, &chunk, err);
    if (ret > 0) {
        uint8_t *data = video_chunk_room(self, chunk.size + !chunk.size);
        self->chunk_size = chunk.size;
        ret = media_read_at(&self->file.io, chunk.at, data, chunk.size, "a picture", err);
        ret = ret ? ret : 1;
    }
    if (ret < 0) {
        film_ends(self);
        py_media_raise(&self->file, ret, err);
    }
    return ret > 0;
}

static py_avi_t *get(mp_obj_t self_in) {
    py_avi_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->record) {
        mp_raise_OSError(MP_EPERM);
    }
    if (self->closed) {
        py_media_raise(&self->file, -EBADF, "the film is closed");
    }
    return self;
}

// Shows the next picture in *image at its time; show: on the LCD and with sound.
static int step(py_avi_t *self, mp_obj_t *image, bool show) {
    if (self->status == VIDEO_END) {
        return VIDEO_END;
    }
    if (show && !self->started && self->info.audio >= 0) {
        open_sound(self);
    }
    pump(self);
    self->status = VIDEO_PLAYING;
    if (!read_picture(self)) {
        if (show && sound_is_heard(self)) {
            mp_event_wait_ms(1);
            return VIDEO_SOUND;
        }
        if (show && self->i2s != MP_OBJ_NULL) {
            maix_i2s_drain(self->i2s);
        }
        film_ends(self);
        return VIDEO_END;
    }
    int64_t due = (int64_t)avi_due_us(&self->info, self->number), length = (int64_t)avi_due_us(&self->info, 1);
    self->number += 1;
    // A computer that is too slow for the film leaves pictures out, so that they go with the sound; without sound the
    // film takes longer.
    bool late = self->started && film_us(self) > due + length;
    if (late && sound_is_heard(self)) {
        return VIDEO_PICTURE;
    }
    if (self->chunk_size) {
        decode(self, image);
    }
    pump(self);
    if (!self->started) {
        self->started = true;
        self->start_us = (int64_t)hal_time_us() - due;
        if (self->i2s != MP_OBJ_NULL) {
            maix_i2s_connect(self->i2s, &self->ring, false);
        }
    }
    int64_t behind = film_us(self) - due;
    if (behind > length && !sound_is_heard(self)) {
        self->start_us += behind;
    }
    wait_for_picture(self, due);
    if (show && *image != MP_OBJ_NULL) {
        k210_lcd_show(*image);
    }
    return VIDEO_PICTURE;
}

// play(): 0 at the end; 3 a picture was shown, 4 the pictures are over and sound is heard.
static mp_obj_t video_play(mp_obj_t self_in) {
    py_avi_t *self = get(self_in);
    return MP_OBJ_NEW_SMALL_INT(step(self, &self->image, true));
}
MP_DEFINE_CONST_FUN_OBJ_1(video_play_obj, video_play);

// capture(img): the next picture, at its time, into img; without sound.
static mp_obj_t video_capture(mp_obj_t self_in, mp_obj_t image) {
    py_avi_t *self = get(self_in);
    py_image_get_pixels(image);
    return MP_OBJ_NEW_SMALL_INT(step(self, &image, false));
}
MP_DEFINE_CONST_FUN_OBJ_2(video_capture_obj, video_capture);
