/*
 * Kendryte K210: sound files for the I2S blocks (RIFF WAVE, 16-bit PCM)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_WAV_H
#define HW_K210_WAV_H

typedef struct K210WavWriter {
    FILE *file;
    unsigned channels;
    uint32_t data_bytes;
} K210WavWriter;

/* Starts a file; false with a message in @errp when it cannot be written. */
bool k210_wav_create(K210WavWriter *w, const char *path, unsigned channels,
                     uint32_t rate, Error **errp);
/* Appends one sample for each channel. Stops quietly at 2 GiB. */
void k210_wav_write(K210WavWriter *w, const int16_t *samples);
/* Brings the sizes in the header up to date. */
void k210_wav_flush(K210WavWriter *w);
void k210_wav_close(K210WavWriter *w);

typedef struct K210WavData {
    int16_t *samples;   /* interleaved */
    uint32_t frames;
    uint32_t rate;      /* frames per second */
    unsigned channels;  /* 1 or 2 */
} K210WavData;

/* Loads a file of at most 64 MiB; false with a message when it is no use. */
bool k210_wav_load(K210WavData *d, const char *path, Error **errp);
void k210_wav_free(K210WavData *d);

#endif
