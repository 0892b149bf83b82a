// SPDX-License-Identifier: MIT
// Calls the image, lcd and sensor cores with random and extreme arguments; built with sanitizers.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "lcd_core.h"
#include "sensor_core.h"

static uint64_t seed = 88172645463325252u;

static uint32_t rnd(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

// Mostly near the picture, sometimes anywhere.
static int32_t coord(void) {
    static const int32_t extremes[] = { INT32_MIN, INT32_MIN + 1, -65536, -1, 0, 1, 65536, INT32_MAX - 1, INT32_MAX };
    return rnd() % 8 ? (int32_t)(rnd() % 160) - 50 : extremes[rnd() % (sizeof(extremes) / sizeof(extremes[0]))];
}

static image_t new_image(void) {
    static const image_format_t formats[] = { IMAGE_BINARY, IMAGE_RGB565, IMAGE_GRAYSCALE };
    image_t img = { 1 + (int32_t)(rnd() % 80), 1 + (int32_t)(rnd() % 60), formats[rnd() % 3], NULL, NULL, 0 };
    img.size = image_bytes(img.w, img.h, img.format);
    // Exactly that many bytes, 8-byte aligned as malloc's are: a byte too many is a fault.
    img.pix = calloc(1, img.size);
    if (rnd() & 1 && img.format != IMAGE_BINARY) {
        img.ai = calloc(1, image_ai_bytes(&img));
    }
    return img;
}

static void free_image(image_t *img) {
    free(img->pix);
    free(img->ai);
}

static void draw(void) {
    image_t img = new_image(), other = new_image();
    static const float scales[] = { 0, -1, 1e-9f, 0.3f, 1, 2.5f, 77, 1e20f, NAN, INFINITY };
    float s = scales[rnd() % 10], t = scales[rnd() % 10];
    char text[16];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)rnd();
    }
    image_draw_line(&img, coord(), coord(), coord(), coord(), rnd(), coord());
    image_draw_rectangle(&img, coord(), coord(), coord(), coord(), rnd(), coord(), rnd() & 1);
    image_draw_circle(&img, coord(), coord(), coord(), rnd(), coord(), rnd() & 1);
    image_draw_ellipse(&img, coord(), coord(), coord(), coord(), coord(), rnd(), coord(), rnd() & 1);
    image_draw_cross(&img, coord(), coord(), rnd(), coord(), coord());
    image_draw_arrow(&img, coord(), coord(), coord(), coord(), rnd(), coord(), coord());
    if (s > 0) {
        image_draw_text(&img, coord(), coord(), text, sizeof(text), rnd(), s, coord(), coord(), rnd() & 1);
    }
    image_draw_image(&img, &other, coord(), coord(), s, t, rnd() % 257, NULL);
    free_image(&img);
    free_image(&other);
}

static void convert(void) {
    image_t src = new_image(), dst = new_image(), same = src;
    dst.format = src.format;
    free(dst.pix);
    dst.size = image_bytes(dst.w, dst.h, dst.format);
    dst.pix = calloc(1, dst.size);
    image_resize(&dst, &src);
    image_copy_scaled(&dst, &src, (image_rect_t) { coord(), coord(), coord(), coord() });
    image_cut(&dst, &src, coord(), coord());
    if (src.ai) {
        image_pix_to_ai(&src);
        image_ai_to_pix(&src);
    }
    same.format = (image_format_t[]) { IMAGE_BINARY, IMAGE_RGB565, IMAGE_GRAYSCALE }[rnd() % 3];
    same.size = image_bytes(same.w, same.h, same.format);
    if (same.size <= src.size) {
        image_convert(&same, &src);
    }
    free_image(&src);
    free_image(&dst);
}

typedef struct {
    image_io_t io;
    uint8_t data[4096];
    size_t len, pos;
} file_t;

static size_t file_read(image_io_t *io, void *buf, size_t n) {
    file_t *f = (file_t *)io;
    n = n > f->len - f->pos ? f->len - f->pos : n;
    memcpy(buf, f->data + f->pos, n);
    f->pos += n;
    return n;
}

static size_t file_write(image_io_t *io, const void *buf, size_t n) {
    file_t *f = (file_t *)io;
    n = n > sizeof(f->data) - f->len ? sizeof(f->data) - f->len : n;
    memcpy(f->data + f->len, buf, n);
    f->len += n;
    return n;
}

// Writes a picture, damages it a little and reads it back.
static void files(void) {
    char err[IMAGE_ERR_LEN];
    image_t img = new_image();
    file_t f = { { file_read, file_write }, { 0 }, 0, 0 };
    image_write(&f.io, &img, (image_rect_t) { coord(), coord(), coord(), coord() }, (image_file_t)(rnd() % 3),
        (int)(rnd() % 101), err);
    for (unsigned n = rnd() % 4, head = f.len < 700 ? (unsigned)f.len : 700; n > 0 && head; n--) {
        f.data[rnd() % head] = (uint8_t)rnd();
    }
    static image_info_t info;
    if (image_read_info(&f.io, &info, err) == 0 && image_bytes(info.w, info.h, info.format) < 10000000) {
        image_t in = { info.w, info.h, info.format, NULL, NULL, image_bytes(info.w, info.h, info.format) };
        in.pix = calloc(1, in.size);
        in.ai = calloc(1, image_ai_bytes(&in));
        image_read_pixels(&f.io, &info, &in, err);
        free_image(&in);
    }
    free_image(&img);
}

static uint64_t words_sum;

static int bus_command(void *ctx, uint8_t cmd, const uint8_t *data, size_t n) {
    (void)ctx;
    words_sum += cmd;
    for (size_t i = 0; i < n; i++) {
        words_sum += data[i];
    }
    return 0;
}

static int bus_pixels(void *ctx, const uint32_t *words, size_t n, bool fill) {
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        words_sum += words[fill ? 0 : i];
    }
    return 0;
}

static int bus_wait(void *ctx) {
    (void)ctx;
    return 0;
}

static void bus_level(void *ctx, bool on) {
    (void)ctx;
    (void)on;
}

static void bus_delay(void *ctx, uint32_t ms) {
    (void)ctx;
    (void)ms;
}

static void lcd_calls(void) {
    static const lcd_bus_t bus = { bus_level, bus_delay, bus_command, bus_pixels, bus_wait, NULL };
    lcd_t lcd = { .panel = { 16 + (int32_t)(rnd() % 60), 16 + (int32_t)(rnd() % 60), rnd() & 1, 0xa0, {{ 0, 0 }, { 0, 0 }} }, .bus = &bus };
    lcd.words = malloc(lcd_words(&lcd.panel) * 4);
    lcd_start(&lcd, (uint16_t)rnd());
    for (int i = 0; i < 4; i++) {
        image_t img = new_image();
        image_rect_t roi = { coord(), coord(), coord(), coord() };
        lcd_point_t at = { coord(), coord() };
        lcd_set_rotation(&lcd, rnd(), rnd() & 1);
        if (image_clip(img.w, img.h, &roi)) {
            lcd_show(&lcd, &img, roi, rnd() & 1 ? &at : NULL);
        }
        lcd_fill(&lcd, (image_rect_t) { coord(), coord(), coord(), coord() }, (uint16_t)rnd());
        lcd_text(&lcd, coord(), coord(), "some text that is long", rnd() % 22, (uint16_t)rnd(), 0);
        free_image(&img);
    }
    free(lcd.words);
}

int main(int argc, char **argv) {
    unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
    for (unsigned i = 0; i < n; i++) {
        draw();
        convert();
        files();
        lcd_calls();
        int32_t roi[4] = { coord(), coord(), coord(), coord() };
        image_rect_t window;
        char err[IMAGE_ERR_LEN];
        sensor_window(1 + (int32_t)(rnd() % 320), 1 + (int32_t)(rnd() % 240), roi, rnd() % 6, &window, err);
    }
    printf("done %llu\n", (unsigned long long)words_sum);
    return 0;
}
