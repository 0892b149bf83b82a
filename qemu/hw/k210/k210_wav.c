/*
 * Kendryte K210: sound files for the I2S blocks (RIFF WAVE, 16-bit PCM)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "hw/k210/k210_wav.h"

#define WAV_HEADER 44
#define WAV_LOAD_MAX (64 * MiB)

static bool put_header(K210WavWriter *w, uint32_t rate)
{
    uint8_t h[WAV_HEADER] = {};

    memcpy(h, "RIFF", 4);
    memcpy(h + 8, "WAVEfmt ", 8);
    stl_le_p(h + 16, 16);
    stw_le_p(h + 20, 1); /* PCM */
    stw_le_p(h + 22, w->channels);
    stl_le_p(h + 24, rate);
    stl_le_p(h + 28, rate * w->channels * 2);
    stw_le_p(h + 32, w->channels * 2);
    stw_le_p(h + 34, 16);
    memcpy(h + 36, "data", 4);
    stl_le_p(h + 4, WAV_HEADER - 8);
    return fwrite(h, sizeof(h), 1, w->file) == 1;
}

bool k210_wav_create(K210WavWriter *w, const char *path, unsigned channels,
                     uint32_t rate, Error **errp)
{
    w->channels = channels;
    w->data_bytes = 0;
    w->file = fopen(path, "wb");
    if (!w->file || !put_header(w, rate)) {
        error_setg_errno(errp, errno, "cannot write '%s'", path);
        k210_wav_close(w);
        return false;
    }
    return true;
}

void k210_wav_write(K210WavWriter *w, const int16_t *samples)
{
    uint8_t bytes[16];

    if (!w->file || w->data_bytes > 2 * GiB - 64) {
        return;
    }
    for (unsigned i = 0; i < w->channels; i++) {
        stw_le_p(bytes + 2 * i, samples[i]);
    }
    if (fwrite(bytes, 2 * w->channels, 1, w->file) == 1) {
        w->data_bytes += 2 * w->channels;
    }
}

void k210_wav_flush(K210WavWriter *w)
{
    uint8_t size[4];

    if (!w->file) {
        return;
    }
    stl_le_p(size, w->data_bytes + WAV_HEADER - 8);
    if (fseek(w->file, 4, SEEK_SET) == 0) {
        fwrite(size, 4, 1, w->file);
    }
    stl_le_p(size, w->data_bytes);
    if (fseek(w->file, 40, SEEK_SET) == 0) {
        fwrite(size, 4, 1, w->file);
    }
    fseek(w->file, 0, SEEK_END);
    fflush(w->file);
}

void k210_wav_close(K210WavWriter *w)
{
    if (w->file) {
        k210_wav_flush(w);
        fclose(w->file);
        w->file = NULL;
    }
}

static bool parse(K210WavData *d, const uint8_t *p, size_t size,
                  const char *path, Error **errp)
{
    const uint8_t *data = NULL;
    uint32_t data_bytes = 0;
    bool format = false;
    size_t at = 12;

    if (size < 12 || memcmp(p, "RIFF", 4) || memcmp(p + 8, "WAVE", 4)) {
        error_setg(errp, "'%s' is not a WAV file", path);
        return false;
    }
    while (size - at >= 8) {
        uint32_t n = ldl_le_p(p + at + 4);
        const uint8_t *chunk = p + at + 8;
        bool is_data = !memcmp(p + at, "data", 4);

        if (n > size - at - 8) {
            if (!is_data) {
                break;
            }
            n = size - at - 8; /* the writer was interrupted */
        }
        if (!memcmp(p + at, "fmt ", 4) && n >= 16) {
            d->channels = lduw_le_p(chunk + 2);
            d->rate = ldl_le_p(chunk + 4);
            format = lduw_le_p(chunk) == 1 && lduw_le_p(chunk + 14) == 16;
        } else if (is_data) {
            data = chunk;
            data_bytes = n;
        }
        at += 8 + MIN((size_t)n + (n & 1), size - at - 8);
    }
    if (!format || !data || !d->rate || d->channels < 1 || d->channels > 2) {
        error_setg(errp, "'%s': only WAV files with 16-bit PCM, mono or"
                   " stereo, can be played", path);
        return false;
    }
    d->frames = data_bytes / (2 * d->channels);
    d->samples = g_new(int16_t, (size_t)d->frames * d->channels);
    for (size_t i = 0; i < (size_t)d->frames * d->channels; i++) {
        d->samples[i] = lduw_le_p(data + 2 * i);
    }
    return true;
}

bool k210_wav_load(K210WavData *d, const char *path, Error **errp)
{
    g_autofree char *contents = NULL;
    g_autoptr(GError) err = NULL;
    gsize size;

    memset(d, 0, sizeof(*d));
    if (!g_file_get_contents(path, &contents, &size, &err)) {
        error_setg(errp, "%s", err->message);
        return false;
    }
    if (size > WAV_LOAD_MAX) {
        error_setg(errp, "'%s' has more than 64 MiB", path);
        return false;
    }
    return parse(d, (uint8_t *)contents, size, path, errp);
}

void k210_wav_free(K210WavData *d)
{
    g_free(d->samples);
    memset(d, 0, sizeof(*d));
}
