// SPDX-License-Identifier: MIT
// Between the files of the module video only.
#ifndef K210_PY_VIDEO_H
#define K210_PY_VIDEO_H

#include "avi.h"
#include "py_media_io.h"

// What play() and capture() return, and the status that is printed: MaixPy's numbers.
enum { VIDEO_END = 0, VIDEO_PLAYING = 1, VIDEO_OPENED = 2, VIDEO_PICTURE = 3, VIDEO_SOUND = 4 };

#define VIDEO_I2S (0)
#define VIDEO_RING (8192)       // pairs: 186 ms at 44.1 kHz

typedef struct {
    mp_obj_base_t base;
    media_live_t live;
    bool record, closed;
    uint8_t status, volume;
    mp_obj_t path;
    py_media_io_t file;
    image_mem_t *chunk;         // a JPEG picture, coming or going
    uint32_t chunk_size;
    // playing
    avi_info_t info;
    avi_cursor_t pictures;
    uint64_t number;            // of the next picture
    mp_obj_t image;             // what is shown
    image_info_t *jpeg;
    bool started;
    int64_t start_us;           // when the film's time was 0
    // its sound: the same file once more, at another place
    py_media_io_t sound_file;
    avi_cursor_t sounds;
    avi_chunk_t sound;          // what is left of the chunk
    // both directions
    mp_obj_t i2s;
    sound_ring_t ring;
    image_mem_t *ring_mem;
    uint32_t rate;
    // recording
    avi_writer_t writer;
    bool size_given, audio;
    int32_t quality;
    uint32_t channels, heard_missed;
    int64_t first_us, last_us, due_us;
} py_avi_t;

// The pool block for a picture's JPEG data, made larger when it has to be.
uint8_t *video_chunk_room(py_avi_t *self, uint32_t size);

void video_stop_sound(py_avi_t *self);

MP_DECLARE_CONST_FUN_OBJ_1(video_play_obj);
MP_DECLARE_CONST_FUN_OBJ_2(video_capture_obj);

void video_open_to_record(py_avi_t *self);
// Index and header; the file is closed whatever happens.
void video_record_end(py_avi_t *self);
MP_DECLARE_CONST_FUN_OBJ_2(video_record_obj);
MP_DECLARE_CONST_FUN_OBJ_1(video_record_finish_obj);

#endif
