// SPDX-License-Identifier: MIT
//
// Fuzz target of what reads files in the image module: pictures (JPEG, PNG, BMP, PPM, PGM), image streams, cascades,
// fonts. For libFuzzer (clang -fsanitize=fuzzer,address,undefined -DFUZZ_LIBFUZZER) or on its own (fuzz_main.h).
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image_stream.h"
#include "vision/vision.h"

#define MOST_BYTES (4000000)

extern long image_port_blocks;

static unsigned long fuzz_opened;

static void check_sentence(int ret, const char *err) {
    if (ret != 0 && (err[0] == 0 || strlen(err) >= IMAGE_ERR_LEN)) {
        abort();
    }
}

typedef struct {
    image_io_t io;
    const uint8_t *data;
    size_t size, pos;
} memory_t;

static size_t memory_read(image_io_t *io, void *buf, size_t n) {
    memory_t *m = (memory_t *)io;
    n = n < m->size - m->pos ? n : m->size - m->pos;
    if (n) {
        memcpy(buf, m->data + m->pos, n);
    }
    m->pos += n;
    return n;
}

static bool picture(const uint8_t *data, size_t size) {
    static image_info_t info;
    char err[IMAGE_ERR_LEN] = "";
    memory_t m = { { memory_read, NULL }, data, size, 0 };
    int ret = image_read_info(&m.io, &info, err);
    check_sentence(ret, err);
    size_t bytes = ret ? 0 : image_bytes(info.w, info.h, info.format);
    if (ret == 0 && bytes == 0) {
        abort();                // what info lets through can be allocated
    }
    if (bytes == 0 || bytes > MOST_BYTES) {
        return false;
    }
    image_t img = { info.w, info.h, info.format, malloc(bytes), NULL, bytes };
    if (info.planes || size & 1) {
        img.ai = malloc(image_ai_bytes(&img) + 1);
    }
    ret = image_read_pixels(&m.io, &info, &img, err);
    check_sentence(ret, err);
    free(img.pix);
    free(img.ai);
    return ret == 0;
}

// As ImageReader goes through a file.
static bool stream(const uint8_t *data, size_t size) {
    if (size < IMAGE_STREAM_HEAD || memcmp(data, IMAGE_STREAM_MAGIC, IMAGE_STREAM_HEAD) != 0) {
        return false;
    }
    unsigned pictures = 0;
    for (size_t pos = IMAGE_STREAM_HEAD; size - pos >= IMAGE_STREAM_HEAD && pictures < 8;) {
        char err[IMAGE_ERR_LEN] = "";
        image_t img;
        uint32_t ms, left = (uint32_t)(size - pos - IMAGE_STREAM_HEAD);
        int ret = image_stream_parse(data + pos, left, &img, &ms, err);
        check_sentence(ret, err);
        if (ret) {
            break;
        }
        if (img.size == 0 || img.size > left || img.pix || img.ai) {
            abort();
        }
        pos += IMAGE_STREAM_HEAD;
        img.pix = malloc(img.size);
        memcpy(img.pix, data + pos, img.size);
        if (img.format == IMAGE_JPEG) {
            picture(img.pix, img.size);
        } else {
            // Every pixel that the head promises is there.
            image_set(&img, img.w - 1, img.h - 1, image_get(&img, img.w - 1, img.h - 1) ^ 1);
            uint8_t again[IMAGE_STREAM_HEAD];
            image_stream_head(again, &img, ms);
            if (memcmp(again, data + pos - IMAGE_STREAM_HEAD, sizeof(again)) != 0) {
                abort();        // written as it was read
            }
        }
        free(img.pix);
        pos += img.size;
        uint32_t padding = image_stream_padding((uint32_t)img.size);
        pos = padding < size - pos ? pos + padding : size;
        pictures++;
    }
    return pictures > 0;
}

static bool cascade(const uint8_t *data, size_t size) {
    vis_cascade_t c;
    char err[IMAGE_ERR_LEN] = "";
    int ret = vis_cascade_parse(&c, data, size, size & 1 ? -1 : (int32_t)(size % 5), err);
    check_sentence(ret, err);
    if (ret || c.n_rects > 2000) {
        return false;
    }
    uint8_t pixels[70 * 60];
    uint32_t v = 1;
    for (size_t i = 0; i < sizeof(pixels); i++) {
        v = v * 1664525 + 1013904223;
        pixels[i] = (uint8_t)(i % 70 / 9 * 23 + (v >> 28));
    }
    image_t img = { 70, 60, IMAGE_GRAYSCALE, pixels, NULL, sizeof(pixels) };
    vis_work_t w = { NULL };
    vis_list_t found;
    vis_find_features(&found, &w, &img, (image_rect_t) { 0, 0, 70, 60 }, &c, 0.5f, 1.5f);
    vis_release(&w);
    return true;
}

typedef struct {
    const uint8_t *data;
    size_t size, n;
} font_t;

static bool glyph(void *ctx, uint32_t c, uint8_t *bits) {
    const font_t *f = ctx;
    if (f->size / f->n <= c) {
        return false;
    }
    memcpy(bits, f->data + c * f->n, f->n);
    return true;
}

// The data as glyphs, and as the text in them.
static void font(const uint8_t *data, size_t size) {
    if (size < 8) {
        return;
    }
    int32_t w = 8 * (1 + data[0] % 8), h = 1 + data[1] % 64;
    font_t f = { data, size, (size_t)(w / 8 * h) };
    const image_font_t font = { w, h, glyph, &f };
    static const float scales[] = { 1e-9f, 0.3f, 1, 2.5f, 77, 1e20f };
    uint8_t pixels[60 * 40];
    memset(pixels, 0, sizeof(pixels));
    image_t img = { 60, 40, IMAGE_GRAYSCALE, pixels, NULL, sizeof(pixels) };
    size_t n = size < 200 ? size : 200;
    image_draw_font_text(&img, (int8_t)data[2], (int8_t)data[3], (const char *)data, n, data[4], scales[data[5] % 6],
        (int8_t)data[6], (int8_t)data[7], data[4] & 1, &font);
    image_draw_text(&img, (int8_t)data[2], (int8_t)data[3], (const char *)data, n, data[4], scales[data[5] % 6],
        (int8_t)data[6], (int8_t)data[7], data[4] & 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = calloc(1, size ? size : 1); // exactly so many bytes: one too many is a fault
    if (size) {
        memcpy(copy, data, size);
    }
    fuzz_opened += picture(copy, size) || stream(copy, size) || cascade(copy, size);
    font(copy, size);
    free(copy);
    if (image_port_blocks) {
        abort();                // memory that nobody gave back
    }
    return 0;
}

#define FUZZ_HEAD (700)
#define FUZZ_WORDS 0xffd8ffe0, 0xc4ff, 0xdaff, 0x49484452, 0x49444154, 0x504c5445, 0x0d000000, 0x00007fff, 0x28
#include "fuzz_main.h"
