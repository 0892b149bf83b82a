// SPDX-License-Identifier: MIT
// AVI 1.0 with an index (idx1) at its end. The header is written twice: at the start, so that a recording that nobody
// finished can still be played, and at the end with the right numbers.
#include <errno.h>
#include <string.h>

#include "avi.h"

#define FLAG_HAS_INDEX (0x10)
#define FLAG_INTERLEAVED (0x100)
#define FLAG_KEY_FRAME (0x10)

typedef struct {
    uint8_t *p;
    size_t n;
} out_t;

static void put32(out_t *o, uint32_t v) {
    media_put32(o->p + o->n, v);
    o->n += 4;
}

static void put16(out_t *o, uint32_t v) {
    media_put16(o->p + o->n, v);
    o->n += 2;
}

static void put_id(out_t *o, const char *id) {
    memcpy(o->p + o->n, id, 4);
    o->n += 4;
}

// Chunk or list under way: the place of its size.
static size_t begin(out_t *o, const char *id, const char *list) {
    put_id(o, id);
    put32(o, 0);
    size_t at = o->n;
    if (list) {
        put_id(o, list);
    }
    return at;
}

static void end(out_t *o, size_t at) {
    media_put32(o->p + at - 4, (uint32_t)(o->n - at));
}

static void put_stream(out_t *o, const avi_writer_t *w, bool sound) {
    uint32_t block = 2 * w->channels;
    size_t list = begin(o, "LIST", "strl"), chunk = begin(o, "strh", NULL);
    put_id(o, sound ? "auds" : "vids");
    put_id(o, sound ? "\0\0\0" : "MJPG");
    put32(o, 0);                // flags
    put32(o, 0);                // priority, language
    put32(o, 0);                // initial frames
    put32(o, sound ? 1 : w->us);
    put32(o, sound ? w->rate : 1000000);
    put32(o, 0);                // start
    put32(o, sound ? w->sound_bytes / block : w->frames);
    put32(o, sound ? w->rate * block : w->largest);
    put32(o, 0xffffffff);       // quality: the default
    put32(o, sound ? block : 0);
    put32(o, 0);                // frame: left, top
    put32(o, sound ? 0 : w->w | w->h << 16);
    end(o, chunk);
    chunk = begin(o, "strf", NULL);
    if (sound) {
        put16(o, 1);
        put16(o, w->channels);
        put32(o, w->rate);
        put32(o, w->rate * block);
        put16(o, block);
        put16(o, 16);
    } else {
        put32(o, 40);
        put32(o, w->w);
        put32(o, w->h);
        put16(o, 1);
        put16(o, 24);
        put_id(o, "MJPG");
        put32(o, w->w * w->h * 3);
        memset(o->p + o->n, 0, 16);
        o->n += 16;
    }
    end(o, chunk);
    end(o, list);
}

// riff and movi: sizes of both, 0 while the recording runs.
static size_t make_header(const avi_writer_t *w, uint8_t *p, uint32_t riff, uint32_t movi) {
    out_t o = { p, 0 };
    put_id(&o, "RIFF");
    put32(&o, riff);
    put_id(&o, "AVI ");
    size_t list = begin(&o, "LIST", "hdrl"), chunk = begin(&o, "avih", NULL);
    put32(&o, w->us);
    uint64_t pictures = (uint64_t)w->largest * 1000000 / (w->us ? w->us : 1), sound = (uint64_t)w->rate * 2 * w->channels;
    put32(&o, pictures + sound > UINT32_MAX ? UINT32_MAX : (uint32_t)(pictures + sound));
    put32(&o, 0);               // padding
    put32(&o, FLAG_HAS_INDEX | FLAG_INTERLEAVED);
    put32(&o, w->frames);
    put32(&o, 0);               // initial frames
    put32(&o, w->channels ? 2 : 1);
    put32(&o, w->largest);
    put32(&o, w->w);
    put32(&o, w->h);
    memset(p + o.n, 0, 16);
    o.n += 16;
    end(&o, chunk);
    put_stream(&o, w, false);
    if (w->channels) {
        put_stream(&o, w, true);
    }
    end(&o, list);
    put_id(&o, "LIST");
    put32(&o, movi);
    put_id(&o, "movi");
    return o.n;
}

static int put(avi_writer_t *w, const void *data, uint32_t size, char *err) {
    if (w->io->write(w->io, data, size) != size) {
        return media_fail(err, -EIO, "the file takes no more at %lu bytes (disk full?)", (unsigned long)w->pos);
    }
    w->pos += size;
    return 0;
}

int avi_write_start(avi_writer_t *w, char err[MEDIA_ERR_LEN]) {
    uint8_t header[AVI_HEADER_MAX];
    w->pos = w->frames = w->sound_bytes = w->largest = w->entries = 0;
    return put(w, header, (uint32_t)make_header(w, header, 0, 0), err);
}

int avi_write_chunk(avi_writer_t *w, bool sound, const void *data, uint32_t size, char err[MEDIA_ERR_LEN]) {
    uint8_t head[8];
    // Everything so far, this chunk, and the index of all.
    if (size >= AVI_SIZE_MAX || w->pos + 8ull + size + 1 + 16ull * (w->entries + 1) + 8 > AVI_SIZE_MAX) {
        return media_fail(err, -EFBIG, "the film has reached %lu bytes, %lu are the most", (unsigned long)w->pos,
            (unsigned long)AVI_SIZE_MAX);
    }
    if (w->entries >= w->room) {
        return media_fail(err, -ENOMEM, "no room in the index for picture %lu", (unsigned long)w->frames);
    }
    uint32_t start = w->pos;
    memcpy(head, sound ? "01wb" : "00dc", 4);
    media_put32(head + 4, size);
    int ret = put(w, head, 8, err);
    if (ret == 0 && size) {
        ret = put(w, data, size, err);
    }
    if (ret == 0 && size & 1) {
        ret = put(w, "", 1, err);
    }
    if (ret) {
        // What is there already stays a film: the next thing to be written takes this place.
        w->pos = start;
        w->io->seek(w->io, start);
    } else {
        w->index[w->entries++] = size | (sound ? AVI_INDEX_SOUND : 0);
        w->frames += !sound;
        w->sound_bytes += sound ? size : 0;
        w->largest = size > w->largest ? size : w->largest;
    }
    return ret;
}

int avi_write_finish(avi_writer_t *w, char err[MEDIA_ERR_LEN]) {
    uint8_t header[AVI_HEADER_MAX], entries[16 * 16];
    size_t n = make_header(w, header, 0, 0);
    uint32_t movi = w->pos - (uint32_t)n + 4, at = 4, riff = w->pos - 8;
    memcpy(entries, "idx1", 4);
    media_put32(entries + 4, w->entries * 16);
    int ret = put(w, entries, 8, err);
    for (uint32_t i = 0; i < w->entries && ret == 0;) {
        uint32_t k = 0;
        for (; k < sizeof(entries) / 16 && i < w->entries; ++k, ++i) {
            uint32_t size = w->index[i] & ~AVI_INDEX_SOUND;
            memcpy(entries + 16 * k, w->index[i] & AVI_INDEX_SOUND ? "01wb" : "00dc", 4);
            media_put32(entries + 16 * k + 4, FLAG_KEY_FRAME);
            media_put32(entries + 16 * k + 8, at);
            media_put32(entries + 16 * k + 12, size);
            at += 8 + size + (size & 1);
        }
        ret = put(w, entries, 16 * k, err);
    }
    // Without room for the index it is a film all the same.
    make_header(w, header, ret ? riff : w->pos - 8, movi);
    if (!w->io->seek(w->io, 0) || w->io->write(w->io, header, n) != n) {
        return media_fail(err, -EIO, "the header of the film could not be written");
    }
    return ret;
}
