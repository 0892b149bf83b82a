// SPDX-License-Identifier: MIT
// Source: Microsoft's AVI RIFF file reference; OpenDML AVI File Format Extensions 1.02 for files of several RIFFs.
#include <errno.h>
#include <string.h>

#include "avi.h"

#define ID_RIFF MEDIA_ID('R', 'I', 'F', 'F')
#define ID_LIST MEDIA_ID('L', 'I', 'S', 'T')
#define SIDE_MAX (4096)
#define STREAMS_MAX (16)
#define FRAME_US_MIN (1000)
#define FRAME_US_MAX (60000000)

// Chunks from at to end, one after the other.
typedef struct {
    media_io_t *io;
    uint32_t at, end;
    char *err;
} list_t;

typedef struct {
    uint32_t id, type;          // type: of RIFF and LIST
    uint32_t at, size;          // of the content; behind the type of a list
} item_t;

// 1, 0 at the end of the list, -EINVAL. A list of size 0 that is not empty (nobody finished it) ends with its parent.
static int next_item(list_t *l, item_t *item) {
    uint8_t head[12];
    if (l->end - l->at < 8) {
        return 0;
    }
    int ret = media_read_at(l->io, l->at, head, 8, "a chunk's head", l->err);
    if (ret) {
        return ret;
    }
    *item = (item_t) { media_u32(head), 0, l->at + 8, media_u32(head + 4) };
    uint32_t left = l->end - l->at - 8;
    if (item->id == ID_LIST && left >= 4) {
        if ((ret = media_read_at(l->io, item->at, head + 8, 4, "a list's type", l->err))) {
            return ret;
        }
        item->type = media_u32(head + 8);
        bool movi = item->type == MEDIA_ID('m', 'o', 'v', 'i');
        if (movi && (item->size == 0 || item->size > left)) {
            item->size = left;      // what matters is what the chunks in it say
        }
        if (item->size < 4 || item->size > left) {
            return media_fail(l->err, -EINVAL, "the list at %lu says %lu bytes, there are %lu", (unsigned long)l->at,
                (unsigned long)item->size, (unsigned long)left);
        }
        l->at = item->at + item->size + (item->size & 1 && item->size < left);
        item->at += 4;
        item->size -= 4;
        return 1;
    }
    if (item->size > left) {
        return media_fail(l->err, -EINVAL, "the chunk at %lu says %lu bytes, there are %lu", (unsigned long)l->at,
            (unsigned long)item->size, (unsigned long)left);
    }
    l->at = item->at + item->size + (item->size & 1 && item->size < left);
    return 1;
}

// Content of an item, as much of it as there is, the rest 0.
static int content(media_io_t *io, const item_t *item, uint8_t *buf, size_t n, char *err) {
    memset(buf, 0, n);
    return media_read_at(io, item->at, buf, item->size < n ? item->size : n, "a header", err);
}

static bool is_mjpeg(uint32_t id) {
    return id == MEDIA_ID('M', 'J', 'P', 'G') || id == MEDIA_ID('m', 'j', 'p', 'g') || id == MEDIA_ID('J', 'P', 'E', 'G')
           || id == MEDIA_ID('j', 'p', 'e', 'g');
}

// The four characters, those that cannot be shown as ?.
static const char *id_text(uint32_t id, char text[5]) {
    for (int i = 0; i < 4; ++i) {
        char c = (char)(id >> 8 * i);
        text[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    text[4] = 0;
    return text;
}

static int read_stream(list_t *parent, const item_t *strl, int number, avi_info_t *info) {
    list_t l = { parent->io, strl->at, strl->at + strl->size, parent->err };
    uint8_t head[48] = { 0 }, format[40] = { 0 };
    item_t item;
    uint32_t format_size = 0;
    int ret;
    while ((ret = next_item(&l, &item)) > 0) {
        if (item.id == MEDIA_ID('s', 't', 'r', 'h')) {
            ret = content(l.io, &item, head, sizeof(head), l.err);
        } else if (item.id == MEDIA_ID('s', 't', 'r', 'f')) {
            ret = content(l.io, &item, format, sizeof(format), l.err);
            format_size = item.size;
        }
        if (ret < 0) {
            break;
        }
    }
    if (ret < 0) {
        return ret;
    }
    uint32_t type = media_u32(head);
    char text[5];
    if (type == MEDIA_ID('v', 'i', 'd', 's') && info->video < 0) {
        uint32_t codec = media_u32(format + 16);
        if (format_size < 40 || !is_mjpeg(codec)) {
            return media_fail(l.err, -EINVAL, "the film's pictures are '%s'; only MJPG (Motion JPEG) is supported",
                id_text(format_size < 40 ? media_u32(head + 4) : codec, text));
        }
        info->video = number;
        info->w = media_u32(format + 4);
        int32_t h = (int32_t)media_u32(format + 8);
        info->h = h < 0 ? 0u - (uint32_t)h : (uint32_t)h;
        info->scale = media_u32(head + 20);
        info->rate = media_u32(head + 24);
        if (media_u32(head + 32)) {
            info->frames = media_u32(head + 32);
        }
    } else if (type == MEDIA_ID('a', 'u', 'd', 's') && info->audio < 0) {
        char unused[MEDIA_ERR_LEN];
        size_t n = format_size < sizeof(format) ? format_size : sizeof(format);
        if (wav_format_parse(&info->sound, format, n) && wav_format_check(&info->sound, unused) == 0) {
            info->audio = number;
        }
    }
    return 0;
}

static int read_headers(list_t *parent, const item_t *hdrl, avi_info_t *info) {
    list_t l = { parent->io, hdrl->at, hdrl->at + hdrl->size, parent->err };
    uint8_t main_header[56] = { 0 };
    item_t item;
    int ret, streams = 0;
    while ((ret = next_item(&l, &item)) > 0) {
        if (item.id == MEDIA_ID('a', 'v', 'i', 'h')) {
            ret = content(l.io, &item, main_header, sizeof(main_header), l.err);
            info->frames = media_u32(main_header + 16);
        } else if (item.id == ID_LIST && item.type == MEDIA_ID('s', 't', 'r', 'l')) {
            if (streams >= STREAMS_MAX) {
                return media_fail(l.err, -EINVAL, "the film has more than %d streams", STREAMS_MAX);
            }
            ret = read_stream(&l, &item, streams++, info);
        }
        if (ret < 0) {
            return ret;
        }
    }
    if (ret == 0 && (info->scale == 0 || info->rate == 0)) {
        info->scale = media_u32(main_header);
        info->rate = 1000000;
    }
    return ret;
}

int avi_open(media_io_t *io, avi_info_t *info, char err[MEDIA_ERR_LEN]) {
    uint8_t head[12];
    *info = (avi_info_t) { .video = -1, .audio = -1 };
    int ret = media_read_at(io, 0, head, sizeof(head), "the header", err);
    if (ret) {
        return ret;
    }
    if (media_u32(head) != ID_RIFF || media_u32(head + 8) != MEDIA_ID('A', 'V', 'I', ' ')) {
        return media_fail(err, -EINVAL, "this is no AVI file: no RIFF and AVI at its start");
    }
    info->unfinished = media_u32(head + 4) == 0 || media_u32(head + 4) == 0xffffffff;
    list_t l = { io, 12, io->size, err };
    item_t item;
    while ((ret = next_item(&l, &item)) > 0) {
        if (item.id == ID_LIST && item.type == MEDIA_ID('h', 'd', 'r', 'l')) {
            if ((ret = read_headers(&l, &item, info)) < 0) {
                return ret;
            }
        } else if (item.id == ID_LIST && item.type == MEDIA_ID('m', 'o', 'v', 'i')) {
            info->movi_at = item.at;
            break;
        }
    }
    if (ret < 0) {
        return ret;
    }
    if (info->movi_at == 0 || info->video < 0) {
        return media_fail(err, -EINVAL, "there are no pictures in the film: no %s", info->video < 0 ? "stream" : "list 'movi'");
    }
    if (info->w == 0 || info->h == 0 || info->w > SIDE_MAX || info->h > SIDE_MAX) {
        return media_fail(err, -EINVAL, "the film says its pictures are %lux%lu", (unsigned long)info->w,
            (unsigned long)info->h);
    }
    uint64_t us = (uint64_t)info->scale * 1000000 / info->rate;
    if (us < FRAME_US_MIN || us > FRAME_US_MAX) {
        return media_fail(err, -EINVAL, "the film says a picture takes %lu/%lu s", (unsigned long)info->scale,
            (unsigned long)info->rate);
    }
    return 0;
}

uint64_t avi_due_us(const avi_info_t *info, uint64_t n) {
    // Whole seconds first: nothing can overflow.
    uint64_t ticks = n * info->scale;
    return ticks / info->rate * 1000000 + ticks % info->rate * 1000000 / info->rate;
}

void avi_rewind(avi_cursor_t *c, media_io_t *io, const avi_info_t *info, int stream) {
    *c = (avi_cursor_t) { io, stream, info->unfinished, info->movi_at };
}

static bool is_digit(uint32_t c) {
    return c - '0' < 10;
}

// Everything behind the first chunk is looked at, and lists are gone into: that covers 'rec ' lists and files of several
// RIFFs without any of their sizes.
int avi_next(avi_cursor_t *c, avi_chunk_t *chunk, char err[MEDIA_ERR_LEN]) {
    while (c->at < c->io->size && c->io->size - c->at >= 8) {
        uint8_t head[12];
        int ret = media_read_at(c->io, c->at, head, 8, "a chunk's head", err);
        if (ret) {
            return ret;
        }
        uint32_t id = media_u32(head), size = media_u32(head + 4), left = c->io->size - c->at - 8;
        if ((id == ID_RIFF || id == ID_LIST) && left >= 4) {
            if ((ret = media_read_at(c->io, c->at + 8, head + 8, 4, "a list's type", err))) {
                return ret;
            }
            uint32_t type = media_u32(head + 8);
            if (id == ID_RIFF || type == MEDIA_ID('m', 'o', 'v', 'i') || type == MEDIA_ID('r', 'e', 'c', ' ')) {
                c->at += 12;
                continue;
            }
        }
        if (size > left) {
            if (c->unfinished) {
                break;
            }
            return media_fail(err, -EINVAL, "the chunk at %lu says %lu bytes, the file has %lu", (unsigned long)c->at,
                (unsigned long)size, (unsigned long)left);
        }
        uint32_t at = c->at + 8, kind = id >> 16;
        c->at = at + size + (size & 1 && size < left);
        if (is_digit(id & 255) && is_digit(id >> 8 & 255)
            && (int)((id & 255) - '0') * 10 + (int)((id >> 8 & 255) - '0') == c->stream
            && (kind == ('d' | 'c' << 8) || kind == ('d' | 'b' << 8) || kind == ('w' | 'b' << 8))) {
            *chunk = (avi_chunk_t) { at, size };
            return 1;
        }
    }
    return 0;
}
