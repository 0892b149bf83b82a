// SPDX-License-Identifier: MIT
//
// Fuzz target of the AVI and WAV readers. Two ways to use it:
//   libFuzzer:  clang -fsanitize=fuzzer,address,undefined -DFUZZ_LIBFUZZER ...
//   on its own: fuzz_media [--runs N] [--seed S] FILE...   mutates the files, deterministic
//               fuzz_media --once FILE...                  runs the files as they are
//               fuzz_media --cut FILE...                   every file, cut at every place
// Without a sanitizer report and with exit status 0, all was well.
#include <stdio.h>
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

static unsigned long opened;

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
    opened += 1;
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
    opened += 1;
    read_chunk(m, info.data_at, info.data_size);
    uint32_t pairs[64];
    for (uint32_t at = 0; at < info.data_size; at += 64u * info.format.block) {
        uint32_t n = (info.data_size - at) / info.format.block;
        pcm_to_pairs(pairs, m->data + info.data_at + at, n < 64 ? n : 64, &info.format, 100);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1); // exactly so many bytes: one too many is a fault
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

#ifndef FUZZ_LIBFUZZER

static uint64_t rng_state;

static uint32_t rng(void) {
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (uint32_t)(rng_state >> 32);
}

static uint8_t *load(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        exit(2);
    }
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(*size + 1);
    if (fread(data, 1, *size, f) != *size) {
        perror(path);
        exit(2);
    }
    fclose(f);
    return data;
}

// Most bytes are pictures and samples, where a change does nothing: prefer the headers.
static void mutate(uint8_t *data, size_t *size) {
    static const uint32_t nice[] = { 0, 1, 2, 3, 7, 8, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0xfffffff8,
                                     0xffffffff, 0x5453494c, 0x46464952, 0x69766f6d };
    for (uint32_t n = 1 + rng() % 4; n-- > 0 && *size > 8;) {
        size_t at = rng() % (rng() & 3 && *size > 400 ? 400 : *size);
        uint32_t v;
        switch (rng() % 5) {
            case 0:
                data[at] ^= (uint8_t)(1u << rng() % 8);
                break;
            case 1:
                data[at] = (uint8_t)rng();
                break;
            case 2:
            case 3:
                at &= ~(size_t)3;
                v = nice[rng() % (sizeof(nice) / sizeof(nice[0]))];
                memcpy(data + at, &v, at + 4 <= *size ? 4 : 1);
                break;
            default:
                if (rng() % 8 == 0) {
                    *size = rng() % *size;
                }
                break;
        }
    }
}

int main(int argc, char **argv) {
    unsigned long runs = 1000, seed = 1, files = 0;
    int mode = 'm';
    for (int i = 1; i < argc; ++i) {
        if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc) {
            runs = strtoul(argv[++i], NULL, 0);
            continue;
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoul(argv[++i], NULL, 0);
            continue;
        } else if (strcmp(argv[i], "--once") == 0 || strcmp(argv[i], "--cut") == 0) {
            mode = argv[i][2];
            continue;
        }
        size_t size;
        uint8_t *data = load(argv[i], &size), *work = malloc(size + 1);
        rng_state = 0x9e3779b97f4a7c15ull * (seed + files++ + 1);
        if (mode == 'o') {
            LLVMFuzzerTestOneInput(data, size);
        } else if (mode == 'c') {
            for (size_t n = 0; n <= size; ++n) {
                LLVMFuzzerTestOneInput(data, n);
            }
        } else {
            for (unsigned long k = 0; k < runs; ++k) {
                size_t n = size;
                memcpy(work, data, size);
                mutate(work, &n);
                LLVMFuzzerTestOneInput(work, n);
            }
        }
        free(work);
        free(data);
    }
    printf("%lu files, %lu opened\n", files, opened);
    return files ? 0 : 2;
}

#endif
