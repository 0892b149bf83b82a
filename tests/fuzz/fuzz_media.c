// SPDX-License-Identifier: MIT
//
// Fuzz target of the AVI and WAV readers, for libFuzzer (clang -fsanitize=fuzzer,address,undefined -DFUZZ_LIBFUZZER)
// or on its own (fuzz_main.h).
#include <stdlib.h>
#include <string.h>

#include "avi.h"
#include "wav.h"

typedef struct {
    media_io_t io;
    const uint8_t *data;
    size_t size, pos;
    unsigned long reads;
} memory_t;

static size_t memory_read(media_io_t *io, void *buf, size_t n) {
    memory_t *m = (memory_t *)io;
    size_t left = m->pos < m->size ? m->size - m->pos : 0;
    n = n < left ? n : left;
    if (n) {
        memcpy(buf, m->data + m->pos, n);
    }
    m->pos += n;
    m->reads += 1;
    return n;
}

static bool memory_seek(media_io_t *io, uint32_t pos) {
    ((memory_t *)io)->pos = pos;
    return true;
}

static unsigned long fuzz_opened;

static void check_sentence(int ret, const char *err) {
    if (ret < 0 && (err[0] == 0 || strlen(err) >= MEDIA_ERR_LEN)) {
        abort();
    }
}

static void read_chunk(memory_t *m, uint32_t at, uint32_t size) {
    if (at > m->size || size > m->size - at) {
        abort();                // a chunk must lie in the file
    }
    volatile uint8_t sink = 0;
    for (uint32_t i = 0; i < size; i += 4096) {
        sink = m->data[at + i];
    }
    (void)sink;
}

static void film(memory_t *m) {
    char err[MEDIA_ERR_LEN] = "";
    avi_info_t info;
    int ret = avi_open(&m->io, &info, err);
    check_sentence(ret, err);
    if (ret) {
        return;
    }
    fuzz_opened += 1;
    volatile uint64_t due = avi_due_us(&info, UINT32_MAX) + avi_due_us(&info, 1);
    (void)due;
    for (int k = 0; k < 2; ++k) {
        avi_cursor_t c;
        avi_chunk_t chunk;
        uint32_t last = 0;
        avi_rewind(&c, &m->io, &info, k ? info.audio : info.video);
        while ((ret = avi_next(&c, &chunk, err)) > 0) {
            read_chunk(m, chunk.at, chunk.size);
            if (chunk.at <= last) {
                abort();        // it must go forwards
            }
            last = chunk.at;
        }
        check_sentence(ret, err);
    }
    // Every step goes at least eight bytes forwards, twice, with two reads.
    if (m->reads > m->size + 1000) {
        abort();
    }
}

static void sound(memory_t *m) {
    char err[MEDIA_ERR_LEN] = "";
    wav_info_t info;
    int ret = wav_open(&m->io, &info, err);
    check_sentence(ret, err);
    if (ret) {
        return;
    }
    fuzz_opened += 1;
    read_chunk(m, info.data_at, info.data_size);
    uint32_t pairs[64];
    for (uint32_t at = 0; at < info.data_size; at += 64u * info.format.block) {
        uint32_t n = (info.data_size - at) / info.format.block;
        pcm_to_pairs(pairs, m->data + info.data_at + at, n < 64 ? n : 64, &info.format, 100);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = calloc(1, size ? size : 1); // exactly so many bytes: one too many is a fault
    if (size) {
        memcpy(copy, data, size);
    }
    memory_t m = { { memory_read, NULL, memory_seek, (uint32_t)size }, copy, size, 0, 0 };
    film(&m);
    m.pos = m.reads = 0;
    sound(&m);
    free(copy);
    return 0;
}

#define FUZZ_HEAD (400)
#define FUZZ_WORDS 0x5453494c, 0x46464952, 0x69766f6d // LIST, RIFF, movi
#include "fuzz_main.h"
