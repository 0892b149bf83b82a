// SPDX-License-Identifier: MIT
//
// Fuzz target of the kmodel loader and runner. Two ways to use it:
//   libFuzzer:  clang -fsanitize=fuzzer,address,undefined -DFUZZ_LIBFUZZER ...
//   on its own: fuzz_kmodel [--runs N] [--seed S] FILE...   mutates the files, deterministic
//               fuzz_kmodel --once FILE...                  runs the files as they are
//               fuzz_kmodel --cut FILE...                   every file, cut at many places
// Without a sanitizer report and with exit status 0, all was well.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect.h"
#include "kmodel.h"
#include "kpu_host.h"
#include "kpu_run.h"
#include "kpu_soft.h"
#include "yolo2.h"

static const uint8_t *source;
static uint32_t source_size;
static uint32_t loaded;

static int source_read(void *ctx, uint32_t off, void *dst, uint32_t n) {
    (void)ctx;
    if (off > source_size || n > source_size - off) {
        abort();                // measure must stay inside its limit
    }
    memcpy(dst, source + off, n);
    return 0;
}

// Any numbers as the output of any detector.
static void detect(const float *data, uint32_t n, char *err) {
    static const float sizes[6] = { 1, 2, 3, 4, 5, 6 };
    static const uint32_t strides[2] = { 8, 16 };
    detect_list_t list = { .mem = &host_memory, .threshold = 0.3f };
    detect_yolo_t yolo = { .data = data, .grid_w = 1 + n % 3, .grid_h = 1, .anchors = 3, .classes = 2, .sizes = sizes,
                           .unit_w = 0.1f, .unit_h = 0.2f, .entries_last = n & 1, .softmax = n & 2 };
    if (n >= 3 * 3 * 7) {
        detect_yolo(&list, &yolo, err);
    }
    if (n >= 5 * 6) {           // 16x16 pixels: 4 + 1 cells
        detect_yolox(&list, data, 1, 16, 16, strides, 2, err);
    }
    detect_ssd(&list, data, 2, data, data, n / 4, 0.1f, 0.2f, err);
    detect_finish(&list, 0.4f, 50);
    detect_free(&list);
}

static void use_outputs(kpu_net_t *net) {
    char err[KPU_ERR_LEN];
    for (uint32_t i = 0; i < net->n_outputs; ++i) {
        const kpu_tensor_t *t = &net->outputs[i];
        volatile uint8_t sink = kpu_range_ptr(net, &t->mem)[0];
        sink = kpu_range_ptr(net, &t->mem)[t->mem.size - 1];
        (void)sink;
        if (t->mem.dtype == KPU_F32 && t->mem.size < 20000) {
            detect((const float *)kpu_range_ptr(net, &t->mem), t->mem.size / 4, err);
        }
        if (t->mem.dtype == KPU_F32 && (uint64_t)t->c * t->h * t->w * 4 == t->mem.size && t->mem.size < 200000) {
            static const float anchors[10] = { 1, 1, 2, 2, 3, 3, 4, 4, 5, 5 };
            yolo2_params_t params = { .threshold = 0.5f, .nms = 0.3f, .n_anchors = 5, .anchors = anchors };
            yolo2_box_t *boxes;
            uint32_t n;
            yolo2_decode((const float *)kpu_range_ptr(net, &t->mem), t->w, t->h, t->c, 320, 240, &params,
                &host_memory, &boxes, &n, err);
            if (boxes) {
                host_memory.free(NULL, boxes);
            }
        }
    }
}

static void run_model(kpu_net_t *net) {
    static kpu_soft_t soft;
    kpu_backend_t backend;
    kpu_run_t run;
    char err[KPU_ERR_LEN];
    kpu_soft_backend(&soft, &backend);
    soft.busy = false;
    kpu_run_init(&run, net, &backend, NULL);
    for (uint32_t i = 0; i < net->n_inputs; ++i) {
        void *zeros = calloc(1, net->inputs[i].mem.size);
        int ret = kpu_run_input(&run, i, zeros, net->inputs[i].mem.size, err);
        free(zeros);
        if (ret != KPU_OK) {
            return;
        }
    }
    if (kpu_run_start(&run, net->n_nodes, err) != KPU_OK) {
        return;
    }
    while (run.state != KPU_RUN_DONE) {
        if (kpu_run_step(&run, err) != KPU_OK) {
            return;
        }
    }
    use_outputs(net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char err[KPU_ERR_LEN];
    uint32_t length = 0;
    host_limits(4 << 20, 0);
    source = data;
    source_size = (uint32_t)size;
    int measured = kmodel_measure(source_read, NULL, source_size, &length, err);
    if (measured == KPU_OK && length > size) {
        abort();
    }
    void *copy = NULL;
    if (posix_memalign(&copy, KPU_MODEL_ALIGN, size ? size : 1) != 0) {
        abort();
    }
    if (size) {
        memcpy(copy, data, size);
    }
    kpu_net_t net;
    err[0] = 0;
    int ret = kmodel_open(&net, copy, (uint32_t)size, &host_memory, err);
    if (ret == KPU_OK) {
        loaded += 1;
        run_model(&net);
        kmodel_close(&net);
    } else if (err[0] == 0 || strlen(err) >= KPU_ERR_LEN) {
        abort();
    }
    free(copy);
    if (measured == KPU_OK) {
        host_fuzz_streamed(data, length, err);
    }
    if (host_live_blocks() != 0) {
        abort();
    }
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

// Most bytes of a model are weights, where a change does nothing: prefer the first kilobyte and
// the words after it that look like small numbers (offsets, sizes, counts).
static size_t pick_place(const uint8_t *data, size_t size) {
    for (int i = 0; i < 200; ++i) {
        size_t at = (i & 1 ? rng() % size : rng() % (size < 1024 ? size : 1024)) & ~(size_t)3;
        uint32_t v = 0;
        if (at + 4 <= size) {
            memcpy(&v, data + at, 4);
            if (v < 0x200000) {
                return at;
            }
        }
    }
    return rng() % size;
}

static void mutate(uint8_t *data, size_t *size) {
    static const uint32_t nice[] = { 0, 1, 2, 3, 4, 7, 8, 255, 256, 1024, 65535, 65536, 0x7fffffff, 0x80000000,
                                     0xfffffff8, 0xffffffff };
    for (uint32_t n = 1 + rng() % 3; n-- > 0 && *size > 8;) {
        size_t at = pick_place(data, *size);
        uint32_t v;
        switch (rng() % 5) {
            case 0:
                data[at] ^= (uint8_t)(1u << rng() % 8);
                break;
            case 1:
                data[at] = (uint8_t)rng();
                break;
            case 2:
                v = nice[rng() % (sizeof(nice) / sizeof(nice[0]))];
                memcpy(data + at, &v, at + 4 <= *size ? 4 : 1);
                break;
            case 3:
                if (at + 4 <= *size) {
                    memcpy(&v, data + at, 4);
                    v += (uint32_t)(rng() % 65) - 32;
                    memcpy(data + at, &v, 4);
                }
                break;
            default:
                if (rng() % 8 == 0) {
                    *size = rng() % *size;
                }
                break;
        }
    }
}

// All mutations of one file, which is read once.
static void fuzz(const char *path, uint32_t runs) {
    size_t size;
    uint8_t *data = load(path, &size);
    uint8_t *work = malloc(size + 1);
    for (uint32_t i = 0; i < runs; ++i) {
        size_t n = size;
        memcpy(work, data, size);
        mutate(work, &n);
        LLVMFuzzerTestOneInput(work, n);
    }
    free(work);
    free(data);
}

static void cut(const char *path) {
    size_t size;
    uint8_t *data = load(path, &size);
    for (size_t n = 0; n <= size; n += n < 600 ? 1 : 1 + size / 500) {
        LLVMFuzzerTestOneInput(data, n);
    }
    free(data);
}

int main(int argc, char **argv) {
    uint32_t runs = 1000, seed = 1, files = 0;
    int mode = 'm';
    for (int i = 1; i < argc; ++i) {
        if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc) {
            runs = (uint32_t)strtoul(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = (uint32_t)strtoul(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--once") == 0) {
            mode = 'o';
        } else if (strcmp(argv[i], "--cut") == 0) {
            mode = 'c';
        } else {
            rng_state = 0x9e3779b97f4a7c15ull * (seed + files++ + 1);
            if (mode == 'c') {
                cut(argv[i]);
            } else if (mode == 'o') {
                size_t size;
                uint8_t *data = load(argv[i], &size);
                LLVMFuzzerTestOneInput(data, size);
                free(data);
            } else {
                fuzz(argv[i], runs);
            }
        }
    }
    printf("%u files, %u models loaded and ran\n", (unsigned)files, (unsigned)loaded);
    return files ? 0 : 2;
}

#endif
