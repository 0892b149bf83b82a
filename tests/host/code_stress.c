// SPDX-License-Identifier: MIT
// The readers of codes on pictures that look a little like codes; built with sanitizers.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes/codes.h"

extern long image_port_left, image_port_blocks;

static uint64_t seed = 88172645463325252u;

static uint32_t rnd(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

// Bars, blocks of random modules with finder patterns, or noise.
static void draw(image_t *img) {
    int32_t size = 1 + (int32_t)(rnd() % 6), n = 10 + (int32_t)(rnd() % 30);
    memset(img->pix, 220, img->size);
    switch (rnd() % 4) {
        case 0:
            for (int32_t x = 10; x < img->w - 10;) {
                int32_t w = size * (1 + (int32_t)(rnd() % 4));
                image_draw_rectangle(img, x, 10, w, 60, 20, 1, true);
                x += w + size * (1 + (int32_t)(rnd() % 4));
            }
            break;
        case 1:
            for (size_t i = 0; i < img->size; i++) {
                img->pix[i] = (uint8_t)rnd();
            }
            break;
        default:
            for (int32_t i = 0; i < n * n; i++) {
                if (rnd() & 1 || i % n == 0 || i / n == n - 1) {
                    image_draw_rectangle(img, 10 + i % n * size, 10 + i / n * size, size, size, 20, 1, true);
                }
            }
            for (int k = 0; k < 3 && rnd() % 3; k++) {
                int32_t x = 10 + (k == 1 ? n - 7 : 0) * size, y = 10 + (k == 2 ? n - 7 : 0) * size;
                image_draw_rectangle(img, x - size, y - size, 9 * size, 9 * size, 220, 1, true);
                image_draw_rectangle(img, x, y, 7 * size, 7 * size, 20, 1, true);
                image_draw_rectangle(img, x + size, y + size, 5 * size, 5 * size, 220, 1, true);
                image_draw_rectangle(img, x + 2 * size, y + 2 * size, 3 * size, 3 * size, 20, 1, true);
            }
            break;
    }
}

int main(int argc, char **argv) {
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
    for (unsigned i = 0; i < rounds; i++) {
        image_t img = { 8 + (int32_t)(rnd() % 150), 8 + (int32_t)(rnd() % 110), IMAGE_GRAYSCALE, NULL, NULL, 0 };
        img.size = image_bytes(img.w, img.h, img.format);
        img.pix = malloc(img.size);
        draw(&img);
        image_rect_t all = { 0, 0, img.w, img.h };
        vis_work_t work = { NULL };
        vis_list_t list;
        image_port_left = rnd() % 8 ? -1 : (long)(rnd() % 20);
        code_find_qr(&list, &work, &img, all);
        code_find_bars(&list, &work, &img, all);
        code_find_matrices(&list, &work, &img, all, 50);
        if (i % 4 == 0) {
            code_find_tags(&list, &work, &img, all, CODE_TAG_ALL & ~CODE_TAG36H10);
        }
        vis_release(&work);
        if (image_port_blocks) {
            printf("%ld blocks left over\n", image_port_blocks);
            return 1;
        }
        free(img.pix);
    }
    printf("done\n");
    return 0;
}
