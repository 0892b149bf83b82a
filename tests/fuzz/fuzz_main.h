// SPDX-License-Identifier: MIT
//
// What a fuzz target needs to run without libFuzzer (gcc and its sanitizers do). Included at the end of the target:
//   TARGET [--runs N] [--seed S] FILE...   mutates the files, deterministic
//   TARGET --once FILE...                  runs the files as they are
//   TARGET --cut FILE...                   every file, cut at every place
// Exit status 0 and no report of a sanitizer: all was well. Before it the target defines LLVMFuzzerTestOneInput(),
// fuzz_opened (files that were taken for good), FUZZ_HEAD (most changes go to so many bytes at the start, as the
// rest is pictures and samples, where a change does nothing) and FUZZ_WORDS (32-bit numbers of the format).
#ifndef FUZZ_LIBFUZZER

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void mutate(uint8_t *data, size_t *size) {
    static const uint32_t nice[] = { 0, 1, 2, 3, 7, 8, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0xfffffff8,
                                     0xffffffff, FUZZ_WORDS };
    for (uint32_t n = 1 + rng() % 4; n-- > 0 && *size > 8;) {
        size_t at = rng() % (rng() & 3 && *size > FUZZ_HEAD ? FUZZ_HEAD : *size);
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
    printf("%lu files, %lu opened\n", files, fuzz_opened);
    return files ? 0 : 2;
}

#endif
