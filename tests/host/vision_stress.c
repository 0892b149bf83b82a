// SPDX-License-Identifier: MIT
// Calls the vision core on random pictures with random and extreme arguments, now and then without
// memory; built with sanitizers.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vision/vision.h"

extern long image_port_left, image_port_blocks;

static uint64_t seed = 88172645463325252u;

static uint32_t rnd(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

static int32_t coord(void) {
    static const int32_t extremes[] = { INT32_MIN, -65536, -1, 0, 1, 65536, INT32_MAX };
    return rnd() % 8 ? (int32_t)(rnd() % 160) - 50 : extremes[rnd() % 7];
}

static float real(void) {
    static const float some[] = { 0, 1e-9f, 0.3f, 1, 2.5f, 77, 1e20f, -1, 0.05f, 0.5f };
    return some[rnd() % 10];
}

static float positive(void) {
    static const float some[] = { 1e-9f, 0.3f, 1, 2.5f, 77, 1e20f };
    return some[rnd() % 6];
}

// Noise, a few boxes, or one colour.
static image_t new_image(int32_t w, int32_t h, image_format_t format) {
    image_t img = { w, h, format, NULL, NULL, image_bytes(w, h, format) };
    img.pix = calloc(1, img.size);
    switch (rnd() % 4) {
        case 0:
            for (size_t i = 0; i < img.size; i++) {
                img.pix[i] = (uint8_t)rnd();
            }
            break;
        case 1:
            memset(img.pix, (int)rnd(), img.size);
            break;
        default:
            for (int i = 0; i < 6; i++) {
                image_draw_rectangle(&img, coord(), coord(), coord(), coord(), rnd(), 2, rnd() & 1);
                image_draw_circle(&img, coord(), coord(), (int32_t)(rnd() % 40), rnd(), 3, rnd() & 1);
                image_draw_line(&img, coord(), coord(), coord(), coord(), rnd(), 3);
            }
            break;
    }
    return img;
}

static image_format_t any_format(void) {
    return (image_format_t[]) { IMAGE_BINARY, IMAGE_RGB565, IMAGE_GRAYSCALE }[rnd() % 3];
}

static vis_range_t range(void) {
    vis_range_t r;
    for (int c = 0; c < 3; c++) {
        int a = (int)(rnd() % 384) - 128, b = (int)(rnd() % 384) - 128;
        r.lo[c] = (int16_t)(a < b ? a : b);
        r.hi[c] = (int16_t)(a < b ? b : a);
    }
    return r;
}

static void pixels(image_t *img, const image_t *other, const image_t *mask, vis_work_t *w) {
    vis_range_t r[2] = { range(), range() };
    vis_other_t o = { rnd() & 1 ? other : NULL, rnd() & (img->format == IMAGE_RGB565 ? 0xffff : img->format == IMAGE_GRAYSCALE ? 255 : 1) };
    int32_t kernel[49 * 49];
    switch (rnd() % 16) {
        case 0:
            vis_binary(img, w, img, r, rnd() % 3, rnd() & 1, rnd() & 1, mask);
            break;
        case 1:
            vis_invert(img);
            break;
        case 2:
            vis_bitwise(img, w, (vis_bit_op_t)(rnd() % 6), &o, mask);
            break;
        case 3:
            vis_erode(img, w, (int32_t)(rnd() % 33), coord(), mask);
            vis_dilate(img, w, (int32_t)(rnd() % 33), coord(), mask);
            break;
        case 4:
            vis_morphology(img, w, (vis_morph_op_t)(rnd() % 4), (int32_t)(rnd() % 5), (int32_t)(rnd() % 9), mask);
            break;
        case 5:
            vis_math(img, w, (vis_math_op_t)(rnd() % 13), &o, rnd() % 257, mask);
            break;
        case 6: {
            bool turn = rnd() & 1 && img->format != IMAGE_BINARY;
            vis_replace(img, w, &o, rnd() & 1, rnd() & 1, false, mask);
            vis_replace(img, w, &(vis_other_t) { img, 0 }, rnd() & 1, rnd() & 1, turn, NULL);
            if (turn) {
                vis_replace(img, w, &(vis_other_t) { img, 0 }, false, false, true, NULL);
            }
            break;
        }
        case 7:
            vis_gamma(img, w, positive(), real(), real());
            vis_histeq(img, w, mask);
            vis_clahe(img, w, real(), mask);
            break;
        case 8:
            if (img->format == IMAGE_GRAYSCALE) {
                vis_stretch(img, w, (int32_t)(rnd() % 256), (int32_t)(rnd() % 256));
                vis_sharpen_chars(img, coord());
            } else if (img->format == IMAGE_RGB565) {
                vis_chrominvar(img, w);
                vis_illuminvar(img, w);
                vis_remove_shadows(img, w, rnd() & 1 && other->format == IMAGE_RGB565 ? other : NULL);
            }
            break;
        case 9: {
            vis_filter_args_t f = { .kind = (vis_filter_t)(rnd() % 6), .k = (int32_t)(rnd() % 8), .percentile = (float)(rnd() % 101) / 100,
                                    .bias = (float)(rnd() % 101) / 100, .kernel = kernel, .mul = real(), .add = real(),
                                    .color_sigma = positive(), .space_sigma = positive(), .threshold = rnd() & 1,
                                    .invert = rnd() & 1, .offset = (int32_t)(rnd() % 2001) - 1000, .mask = mask };
            for (int i = 0; i < 49 * 49; i++) {
                kernel[i] = coord();
            }
            if (f.kind == VIS_MEAN) {
                f.k = (int32_t)(rnd() % 33);
            }
            vis_kernel_gaussian(7, rnd() & 1, kernel + 400);
            vis_filter(img, w, &f);
            break;
        }
        case 10:
            vis_lens_corr(img, w, positive(), positive());
            vis_polar(img, w, rnd() & 1, rnd() & 1);
            break;
        case 11: {
            float corners[4][2];
            for (int i = 0; i < 8; i++) {
                corners[i / 2][i % 2] = rnd() & 3 ? (float)(rnd() % 100) : real();
            }
            vis_rotation_t t = { real() * 50, real() * 50, real() * 50, real(), real(), positive(), 60, rnd() & 1 ? corners : NULL };
            vis_rotation_corr(img, w, &t);
            break;
        }
        case 12:
            vis_flood_fill(img, w, coord(), coord(), real(), real(), rnd() & 1, rnd() & 1, rnd() & 1, mask);
            break;
        case 13:
            vis_cartoon(img, w, real(), real(), mask);
            break;
        case 14: {
            int32_t xd = 1 + (int32_t)(rnd() % (uint32_t)img->w), yd = 1 + (int32_t)(rnd() % (uint32_t)img->h);
            image_t dst = new_image(img->w / xd, img->h / yd, img->format);
            vis_mean_pool(&dst, img, xd, yd);
            vis_midpoint_pool(&dst, img, xd, yd, real());
            free(dst.pix);
            break;
        }
        default: {
            image_t out = new_image(img->w, img->h, IMAGE_BINARY);
            if (img->format == IMAGE_GRAYSCALE) {
                vis_find_domain(&out, w, img, real());
            }
            free(out.pix);
            break;
        }
    }
}

static void find(image_t *img, const image_t *other, vis_work_t *w) {
    image_rect_t roi = { coord(), coord(), coord(), coord() }, all = { 0, 0, other->w, other->h }, at;
    vis_list_t list;
    vis_range_t r[2] = { range(), range() };
    vis_blob_options_t o = { 1 + (int32_t)(rnd() % 9), 1 + (int32_t)(rnd() % 9), coord(), coord(), rnd() & 1 };
    if (!image_clip(img->w, img->h, &roi)) {
        roi = (image_rect_t) { 0, 0, img->w, img->h };
    }
    bool large = roi.w >= 3 && roi.h >= 3;
    switch (rnd() % 14) {
        case 0:
            if (vis_find_blobs(&list, w, img, roi, r, rnd() % 3, &o) == 0) {
                vis_merge_blobs(&list, coord(), NULL, NULL);
            }
            break;
        case 1: {
            vis_line_t line;
            vis_regression(&line, w, img, roi, r, rnd() % 3, &o, rnd() & 1);
            break;
        }
        case 2:
            if (large) {
                vis_find_lines(&list, w, img, roi, o.x_stride, o.y_stride, rnd() % 4000, coord(), coord());
            }
            break;
        case 3:
            if (large) {
                vis_find_segments(&list, w, img, roi, coord(), coord());
            }
            break;
        case 4: {
            vis_circle_options_t c = { o.x_stride, o.y_stride, (int32_t)(rnd() % 4000), coord(), coord(), coord(), 2,
                                       (roi.w < roi.h ? roi.w : roi.h) / 2, 1 + (int32_t)(rnd() % 5) };
            if (large) {
                vis_find_circles(&list, w, img, roi, &c);
            }
            break;
        }
        case 5:
            if (large) {
                vis_find_rects(&list, w, img, roi, rnd() % 2000);
            }
            break;
        case 6: {
            float score;
            vis_find_template(&at, &score, w, img, roi, other, real(), 1 + (int32_t)(rnd() % 5), rnd() & 1);
            break;
        }
        case 7:
            vis_edges_canny(img, w, roi, coord(), coord());
            vis_edges_simple(img, w, roi, coord(), coord());
            break;
        case 8: {
            vis_displacement_t d;
            vis_displacement(&d, w, img, roi, other, all, rnd() & 1, rnd() & 1);
            break;
        }
        case 9: {
            vis_list_t two;
            if (vis_find_keypoints(&list, w, img, roi, 1 + (int32_t)(rnd() % 60), rnd() & 1, 1 + (float)(rnd() % 10) / 9, 100) == 0 &&
                vis_find_keypoints(&two, w, other, all, 10, false, 1.5f, 50) == 0) {
                uint16_t pairs[200];
                vis_kptmatch_t m;
                vis_match_keypoints(&m, list.items, list.n, two.items, two.n, (int32_t)(rnd() % 101), rnd() & 1, pairs);
            }
            break;
        }
        case 10: {
            static uint8_t hist[VIS_LBP_BYTES];
            vis_lbp(hist, w, img, roi);
            vis_hog(img, w, roi, 4 + (int32_t)(rnd() % 60));
            break;
        }
        case 11: {
            int32_t x, y;
            vis_find_eye(&x, &y, w, img, roi);
            break;
        }
        case 12:
            vis_selective_search(&list, w, img, (int32_t)(rnd() % 1000), 1 + (int32_t)(rnd() % 100), real(), real(), real());
            break;
        default: {
            vis_hist_t h;
            const unsigned bins[3] = { rnd() & 1 ? 0 : 2 + rnd() % 900, 0, 16 };
            if (vis_histogram(&h, w, img, roi, r, rnd() % 3, rnd() & 1, bins) == 0) {
                for (unsigned c = 0; c < h.channels; c++) {
                    vis_scale_t s = vis_scale(img->format, c);
                    vis_statistics(h.bin[c], h.bins[c], s);
                    vis_percentile(h.bin[c], h.bins[c], s, (float)(rnd() % 101) / 100);
                    vis_otsu(h.bin[c], h.bins[c], s);
                }
            }
            vis_similarity_t sim;
            vis_similarity(&sim, w, img, img);
            break;
        }
    }
}

// A cascade of random numbers: whatever the parser lets through must be safe to use.
static void cascade(const image_t *img, vis_work_t *w) {
    uint8_t data[600];
    vis_cascade_t c;
    vis_list_t list;
    char err[IMAGE_ERR_LEN];
    int32_t head[3] = { 4 + (int32_t)(rnd() % 20), 4 + (int32_t)(rnd() % 20), 1 + (int32_t)(rnd() % 3) };
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(rnd() % 4);
    }
    memcpy(data, head, sizeof(head));
    if (vis_cascade_parse(&c, data, rnd() & 1 ? sizeof(data) : rnd() % sizeof(data), (int32_t)(rnd() % 4) - 1, err) == 0) {
        vis_find_features(&list, w, img, (image_rect_t) { 0, 0, img->w, img->h }, &c, real(), 1.2f);
    }
}

int main(int argc, char **argv) {
    unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
    for (unsigned i = 0; i < n; i++) {
        int32_t w = 1 + (int32_t)(rnd() % 90), h = 1 + (int32_t)(rnd() % 70);
        image_t img = new_image(w, h, any_format()), other = new_image(w, h, any_format()), mask = new_image(w, h, any_format());
        vis_work_t work = { NULL };
        image_port_left = rnd() % 6 ? -1 : (long)(rnd() % 12);
        if (rnd() & 1) {
            pixels(&img, &other, rnd() & 1 ? &mask : NULL, &work);
        } else {
            find(&img, &other, &work);
        }
        vis_release(&work);
        cascade(&img, &work);
        vis_release(&work);
        if (image_port_blocks) {
            printf("%ld blocks left over\n", image_port_blocks);
            return 1;
        }
        free(img.pix);
        free(other.pix);
        free(mask.pix);
    }
    printf("done\n");
    return 0;
}
