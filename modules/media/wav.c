// SPDX-License-Identifier: MIT
// Source: Microsoft's and IBM's "Multimedia Programming Interface and Data Specifications 1.0"; for the extensible
// format mmreg.h's documentation.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wav.h"

#define FORMAT_PCM (1)
#define FORMAT_EXTENSIBLE (0xfffe)
#define FMT_MAX (40)

int media_fail(char *err, int code, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(err, MEDIA_ERR_LEN, fmt, args);
    va_end(args);
    return code;
}

int media_read_at(media_io_t *io, uint32_t pos, void *buf, size_t n, const char *what, char *err) {
    if (!io->seek(io, pos) || io->read(io, buf, n) != n) {
        return media_fail(err, -EINVAL, "the file ends at %lu in the middle of %s", (unsigned long)io->size, what);
    }
    return 0;
}

bool wav_format_parse(wav_format_t *f, const uint8_t *p, size_t n) {
    if (n < 16) {
        return false;
    }
    *f = (wav_format_t) { (uint16_t)media_u16(p), (uint16_t)media_u16(p + 2), (uint16_t)media_u16(p + 12),
                          (uint16_t)media_u16(p + 14), media_u32(p + 4), media_u32(p + 8) };
    if (f->format == FORMAT_EXTENSIBLE && n >= FMT_MAX) {
        f->format = (uint16_t)media_u16(p + 24);
    }
    return true;
}

int wav_format_check(const wav_format_t *f, char *err) {
    if (f->format != FORMAT_PCM) {
        return media_fail(err, -EINVAL, "sound has format 0x%04x; only PCM (1) is supported", f->format);
    }
    if (f->channels != 1 && f->channels != 2) {
        return media_fail(err, -EINVAL, "sound has %u channels; 1 and 2 are supported", f->channels);
    }
    if (f->bits != 8 && f->bits != 16 && f->bits != 24) {
        return media_fail(err, -EINVAL, "sound has %u bits per sample; 8, 16 and 24 are supported", f->bits);
    }
    if (f->block != f->channels * f->bits / 8) {
        return media_fail(err, -EINVAL, "%u channels of %u bits cannot be blocks of %u bytes", f->channels, f->bits, f->block);
    }
    if (f->rate == 0 || f->rate > WAV_RATE_MAX) {
        return media_fail(err, -EINVAL, "sound has %lu samples per second; 1 to %u are supported", (unsigned long)f->rate,
            WAV_RATE_MAX);
    }
    return 0;
}

int wav_open(media_io_t *io, wav_info_t *info, char err[MEDIA_ERR_LEN]) {
    uint8_t head[12], fmt[FMT_MAX];
    bool have_format = false;
    uint64_t riff;
    *info = (wav_info_t) { 0 };
    int ret = media_read_at(io, 0, head, sizeof(head), "the header", err);
    if (ret) {
        return ret;
    }
    if (media_u32(head) != MEDIA_ID('R', 'I', 'F', 'F') || media_u32(head + 8) != MEDIA_ID('W', 'A', 'V', 'E')) {
        return media_fail(err, -EINVAL, "this is no WAV file: no RIFF and WAVE at its start");
    }
    riff = media_u32(head + 4);
    for (uint32_t at = 12; io->size - at >= 8;) {
        if ((ret = media_read_at(io, at, head, 8, "a chunk's head", err))) {
            return ret;
        }
        uint32_t id = media_u32(head), size = media_u32(head + 4), left = io->size - at - 8;
        at += 8;
        if (id == MEDIA_ID('d', 'a', 't', 'a')) {
            if (!have_format) {
                return media_fail(err, -EINVAL, "there is no format (fmt) before the data");
            }
            // A recording that nobody finished has no size yet.
            bool unfinished = size == 0xffffffff || (size == 0 && riff + 8 <= at);
            if (!unfinished && size > left) {
                return media_fail(err, -EINVAL, "the data chunk says %lu bytes, the file has %lu", (unsigned long)size,
                    (unsigned long)left);
            }
            size = unfinished ? left : size;
            info->data_at = at;
            info->data_size = size - size % info->format.block;
            return 0;
        }
        if (size > left) {
            return media_fail(err, -EINVAL, "the chunk at %lu says %lu bytes, the file has %lu", (unsigned long)at - 8,
                (unsigned long)size, (unsigned long)left);
        }
        if (id == MEDIA_ID('f', 'm', 't', ' ')) {
            size_t n = size < FMT_MAX ? size : FMT_MAX;
            if ((ret = media_read_at(io, at, fmt, n, "the format", err))) {
                return ret;
            }
            if (!wav_format_parse(&info->format, fmt, n)) {
                return media_fail(err, -EINVAL, "the format (fmt) has %lu bytes, 16 are needed", (unsigned long)size);
            }
            if ((ret = wav_format_check(&info->format, err))) {
                return ret;
            }
            have_format = true;
        }
        at += size + (size & 1 && size < left);
    }
    return media_fail(err, -EINVAL, "there is no data chunk in the file");
}

void wav_header(uint8_t out[WAV_HEADER], uint32_t channels, uint32_t rate, uint32_t data_size) {
    memcpy(out, "RIFF....WAVEfmt ", 16);
    media_put32(out + 4, data_size + WAV_HEADER - 8);
    media_put32(out + 16, 16);
    media_put16(out + 20, FORMAT_PCM);
    media_put16(out + 22, channels);
    media_put32(out + 24, rate);
    media_put32(out + 28, rate * channels * 2);
    media_put16(out + 32, channels * 2);
    media_put16(out + 34, 16);
    memcpy(out + 36, "data", 4);
    media_put32(out + 40, data_size);
}

static int32_t sample(const uint8_t *p, unsigned bits) {
    return bits == 8 ? (p[0] - 128) * 256 : (int16_t)media_u16(p + (bits == 24));
}

void pcm_to_pairs(uint32_t *out, const uint8_t *in, size_t n, const wav_format_t *f, uint32_t volume) {
    unsigned width = f->bits / 8;
    int32_t v = (int32_t)volume;
    for (size_t i = 0; i < n; ++i, in += f->block) {
        int32_t left = sample(in, f->bits) * v / 100;
        int32_t right = f->channels == 2 ? sample(in + width, f->bits) * v / 100 : left;
        out[i] = (uint32_t)(uint16_t)left | (uint32_t)right << 16;
    }
}
