// SPDX-License-Identifier: MIT
//
// Fuzz target of what looks for things in pictures (find_blobs, find_lines ... and with FUZZ_CODES the readers of
// codes). The input says which, with what arguments, and what the picture is. For libFuzzer (clang
// -fsanitize=fuzzer,address,undefined -DFUZZ_LIBFUZZER) or on its own (fuzz_main.h).
#include <stdlib.h>
#include <string.h>

#include "vision/vision.h"
#ifdef FUZZ_CODES
#include "codes/codes.h"
#endif

extern long image_port_left, image_port_blocks;

static unsigned long fuzz_opened;

// The input, a number at a time; zeros behind its end.
typedef struct {
    const uint8_t *p;
    size_t left;
} bytes_t;

static uint32_t number(bytes_t *b, uint32_t limit) {
    uint32_t v = 0;
    for (int i = 0; i < 2; i++) {
        v = v << 8;
        if (b->left) {
            v |= *b->p++;
            b->left--;
        }
    }
    return v % limit;
}

// Mostly near the picture, sometimes anywhere.
static int32_t coord(bytes_t *b) {
    static const int32_t extremes[] = { INT32_MIN, -65536, -1, 0, 1, 65536, INT32_MAX };
    uint32_t v = number(b, 256);
    return v < 224 ? (int32_t)v - 60 : extremes[v % 7];
}

// A picture of what is left of the input: as it is, or each byte a box.
static image_t new_image(bytes_t *b, image_format_t format) {
    int32_t w = 1 + (int32_t)number(b, 90), h = 1 + (int32_t)number(b, 70);
    bool boxes = number(b, 2);
    image_t img = { w, h, format, NULL, NULL, image_bytes(w, h, format) };
    img.pix = malloc(img.size);
    memset(img.pix, boxes ? 200 : 0, img.size);
    if (boxes) {
        for (int i = 0; i < 40 && b->left > 5; i++, b->p += 5, b->left -= 5) {
            image_draw_rectangle(&img, b->p[0] % 96 - 3, b->p[1] % 80 - 3, b->p[2] % 50, b->p[3] % 50, b->p[4] * 257u, 1, b->p[4] & 1);
        }
    } else {
        size_t n = b->left < img.size ? b->left : img.size;
        memcpy(img.pix, b->p, n);
        b->p += n / 2;          // the next picture resembles it
        b->left -= n / 2;
    }
    return img;
}

#ifndef FUZZ_CODES

static float real(bytes_t *b) {
    static const float some[] = { 0, 1e-9f, 0.3f, 1, 2.5f, 77, 1e20f, -1, 0.05f, 0.5f };
    return some[number(b, 10)];
}

static vis_range_t range(bytes_t *b) {
    vis_range_t r;
    for (int c = 0; c < 3; c++) {
        int x = (int)number(b, 384) - 128, y = (int)number(b, 384) - 128;
        r.lo[c] = (int16_t)(x < y ? x : y);
        r.hi[c] = (int16_t)(x < y ? y : x);
    }
    return r;
}

static void check_rects(const vis_list_t *l, int32_t w, int32_t h) {
    for (size_t i = 0; i < l->n; i++) {
        const image_rect_t *r = (const image_rect_t *)l->items + i;
        if (r->x < 0 || r->y < 0 || r->w < 1 || r->h < 1 || r->x + r->w > w || r->y + r->h > h) {
            abort();
        }
    }
}

static void find(bytes_t *b, vis_work_t *w) {
    static const image_format_t formats[] = { IMAGE_BINARY, IMAGE_RGB565, IMAGE_GRAYSCALE };
    uint32_t what = number(b, 15);
    image_format_t format = formats[number(b, 3)];
    image_rect_t roi = { coord(b), coord(b), coord(b), coord(b) }, at;
    vis_range_t r[2] = { range(b), range(b) };
    vis_blob_options_t o = { 1 + (int32_t)number(b, 9), 1 + (int32_t)number(b, 9), coord(b), coord(b), number(b, 2) };
    uint32_t n = number(b, 3), limit = number(b, 4000);
    int32_t p[3] = { coord(b), coord(b), coord(b) };
    float f[3] = { real(b), real(b), real(b) };
    image_t img = new_image(b, format), other = new_image(b, format);
    image_rect_t all = { 0, 0, other.w, other.h };
    vis_list_t list;
    if (!image_clip(img.w, img.h, &roi)) {
        roi = (image_rect_t) { 0, 0, img.w, img.h };
    }
    bool large = roi.w >= 3 && roi.h >= 3; // as the bindings see to
    switch (what) {
        case 0:
            if (vis_find_blobs(&list, w, &img, roi, r, n, &o) == 0) {
                vis_merge_blobs(&list, p[0], NULL, NULL);
                for (size_t i = 0; i < list.n; i++) {
                    vis_blob_rotation((const vis_blob_t *)list.items + i);
                }
            }
            break;
        case 1: {
            vis_line_t line;
            vis_regression(&line, w, &img, roi, r, n, &o, p[0] & 1);
            break;
        }
        case 2:
            if (large) {
                vis_find_lines(&list, w, &img, roi, o.x_stride, o.y_stride, limit, p[0], p[1]);
            }
            break;
        case 3:
            if (large) {
                vis_find_segments(&list, w, &img, roi, p[0], p[1]);
            }
            break;
        case 4: {
            vis_circle_options_t c = { o.x_stride, o.y_stride, (int32_t)limit, p[0], p[1], p[2], 2,
                                       (roi.w < roi.h ? roi.w : roi.h) / 2, 1 + (int32_t)n };
            if (large) {
                vis_find_circles(&list, w, &img, roi, &c);
            }
            break;
        }
        case 5:
            if (large) {
                vis_find_rects(&list, w, &img, roi, limit);
            }
            break;
        case 6: {
            float score;
            if (vis_find_template(&at, &score, w, &img, roi, &other, f[0], 1 + (int32_t)n, p[0] & 1) == 1) {
                list = (vis_list_t) { &at, 1, 1, sizeof(at) };
                check_rects(&list, img.w, img.h);
            }
            break;
        }
        case 7:
            vis_edges_canny(&img, w, roi, p[0], p[1]);
            break;
        case 8:
            vis_edges_simple(&img, w, roi, p[0], p[1]);
            break;
        case 9: {
            vis_displacement_t d;
            vis_displacement(&d, w, &img, roi, &other, all, n & 1, n & 2);
            break;
        }
        case 10: {
            vis_list_t two;
            if (vis_find_keypoints(&list, w, &img, roi, 1 + (int32_t)(limit % 60), n & 1, 1 + (float)n / 9, 100) == 0 &&
                vis_find_keypoints(&two, w, &other, all, 10, false, 1.5f, 50) == 0) {
                uint16_t pairs[200];
                vis_kptmatch_t m;
                vis_match_keypoints(&m, list.items, list.n, two.items, two.n, (int32_t)(limit % 101), n & 1, pairs);
            }
            break;
        }
        case 11: {
            static uint8_t hist[VIS_LBP_BYTES];
            vis_lbp(hist, w, &img, roi);
            vis_hog(&img, w, roi, 4 + (int32_t)(limit % 60));
            break;
        }
        case 12: {
            int32_t x, y;
            if (vis_find_eye(&x, &y, w, &img, roi) == 0 && !image_inside(&img, x, y)) {
                abort();
            }
            break;
        }
        case 13:
            vis_flood_fill(&img, w, p[0], p[1], f[0], f[1], limit, n & 1, n & 2, NULL);
            break;
        default:
            if (vis_selective_search(&list, w, &img, (int32_t)(limit % 1000), 1 + (int32_t)n * 20, f[0], f[1], f[2]) == 0) {
                check_rects(&list, img.w, img.h);
            }
            break;
    }
    free(img.pix);
    free(other.pix);
}

#else

static void find(bytes_t *b, vis_work_t *w) {
    uint32_t what = number(b, 4), n = number(b, 100);
    image_rect_t roi = { coord(b), coord(b), coord(b), coord(b) };
    image_t img = new_image(b, IMAGE_GRAYSCALE);
    vis_list_t list;
    if (!image_clip(img.w, img.h, &roi)) {
        roi = (image_rect_t) { 0, 0, img.w, img.h };
    }
    switch (what) {
        case 0:
            code_find_qr(&list, w, &img, roi);
            break;
        case 1:
            code_find_bars(&list, w, &img, roi);
            break;
        case 2:
            code_find_matrices(&list, w, &img, roi, (int32_t)n);
            break;
        default:
            // The large family takes a second to start.
            code_find_tags(&list, w, &img, roi, CODE_TAG_ALL & ~CODE_TAG36H10);
            break;
    }
    free(img.pix);
}

#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = calloc(1, size ? size : 1);
    if (size) {
        memcpy(copy, data, size);
    }
    bytes_t b = { copy, size };
    vis_work_t w = { NULL };
    uint32_t without = number(&b, 64); // memory ends after so many blocks
    image_port_left = without < 12 ? (long)without : -1;
    find(&b, &w);
    vis_release(&w);
    free(copy);
    fuzz_opened++;
    if (image_port_blocks) {
        abort();                // memory that nobody gave back
    }
    return 0;
}

#define FUZZ_HEAD (80)
#define FUZZ_WORDS 0x01010101, 0x00ff00ff
#include "fuzz_main.h"
