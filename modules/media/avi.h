// SPDX-License-Identifier: MIT
// AVI files with MJPEG pictures and PCM sound, read and written piece by piece: no more than a chunk is ever in memory.
#ifndef K210_AVI_H
#define K210_AVI_H

#include "media_io.h"
#include "wav.h"

// ---- reading ------------------------------------------------------------------------------------

typedef struct {
    uint32_t w, h;
    uint32_t scale, rate;       // a picture takes scale / rate seconds
    uint32_t frames;            // as the header says
    int video, audio;           // numbers of the streams; audio -1: none that can be played
    wav_format_t sound;         // all 0 when there is none
    uint32_t movi_at;           // the first chunk
    bool unfinished;            // a recording that nobody finished: it ends where the file does
} avi_info_t;

// 0, or -EINVAL with a sentence in err.
int avi_open(media_io_t *io, avi_info_t *info, char err[MEDIA_ERR_LEN]);

// Microseconds from the start of the film to picture n.
uint64_t avi_due_us(const avi_info_t *info, uint64_t n);

// A place in the film. Two of them, on two open files, run through pictures and sound independently.
typedef struct {
    media_io_t *io;
    int stream;
    bool unfinished;
    uint32_t at;
} avi_cursor_t;

typedef struct {
    uint32_t at, size;          // of the content; size 0 repeats the last picture
} avi_chunk_t;

void avi_rewind(avi_cursor_t *c, media_io_t *io, const avi_info_t *info, int stream);

// The next chunk of the cursor's stream: 1, 0 at the end, -EINVAL.
int avi_next(avi_cursor_t *c, avi_chunk_t *chunk, char err[MEDIA_ERR_LEN]);

// ---- writing ------------------------------------------------------------------------------------

#define AVI_HEADER_MAX (512)
#define AVI_SIZE_MAX (0x7ff00000u)

// The caller owns index and sees to it that there is room for one more before each chunk.
typedef struct {
    media_io_t *io;
    uint32_t w, h, us;          // may change until avi_write_finish()
    uint32_t channels, rate;    // of 16-bit sound; channels 0: none
    uint32_t pos;               // of the file's end
    uint32_t frames, sound_bytes, largest;
    uint32_t *index;            // sizes, with AVI_INDEX_SOUND
    uint32_t entries, room;
} avi_writer_t;

#define AVI_INDEX_SOUND (0x80000000u)

// All three: 0, -EIO when the file does not take it, -EFBIG.
int avi_write_start(avi_writer_t *w, char err[MEDIA_ERR_LEN]);
int avi_write_chunk(avi_writer_t *w, bool sound, const void *data, uint32_t size, char err[MEDIA_ERR_LEN]);
// The index, and the header with the right numbers.
int avi_write_finish(avi_writer_t *w, char err[MEDIA_ERR_LEN]);

#endif
