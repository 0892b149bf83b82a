// SPDX-License-Identifier: MIT
// WAV files: PCM with 8, 16 or 24 bits, one or two channels.
#ifndef K210_WAV_H
#define K210_WAV_H

#include "media_io.h"

#define WAV_RATE_MAX (192000)
#define WAV_HEADER (44)

// The format of sound, also in AVI files.
typedef struct {
    uint16_t format;            // 1 = PCM
    uint16_t channels, block, bits;
    uint32_t rate, byte_rate;
} wav_format_t;

typedef struct {
    wav_format_t format;
    uint32_t data_at, data_size;
} wav_info_t;

// A fmt chunk of n bytes (16 or more); the format tag of an "extensible" one is looked up. False when it is too short.
bool wav_format_parse(wav_format_t *f, const uint8_t *p, size_t n);

// What is wrong with it for who wants to play it, or 0.
int wav_format_check(const wav_format_t *f, char *err);

// 0, or -EINVAL with a sentence in err. A data chunk that is longer than the file ends with it when it is the file's
// last one and says so (0xffffffff or 0: a recording that was cut off); else it is an error.
int wav_open(media_io_t *io, wav_info_t *info, char err[MEDIA_ERR_LEN]);

// The header of 16-bit PCM.
void wav_header(uint8_t out[WAV_HEADER], uint32_t channels, uint32_t rate, uint32_t data_size);

// ---- samples ------------------------------------------------------------------------------------

// n frames (moments) of PCM as pairs of 16 bits, left in the lower half. volume in percent, 0 to 100.
void pcm_to_pairs(uint32_t *out, const uint8_t *in, size_t n, const wav_format_t *f, uint32_t volume);

#endif
