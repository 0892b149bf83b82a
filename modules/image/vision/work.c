// SPDX-License-Identifier: MIT
// Work areas, lists in them, and rows of channels.
#include <string.h>

#include "image_priv.h"
#include "vision.h"
#include "vision_priv.h"

void *vis_alloc(vis_work_t *w, size_t n) {
    if (n > SIZE_MAX / 4) {
        return NULL;
    }
    vis_block_t *b = image_port_alloc(sizeof(vis_block_t) + n);
    if (b == NULL) {
        return NULL;
    }
    b->next = w->blocks;
    b->size = n;
    w->blocks = b;
    return b + 1;
}

void *vis_zalloc(vis_work_t *w, size_t n) {
    void *p = vis_alloc(w, n);
    return p ? memset(p, 0, n) : NULL;
}

void vis_free(vis_work_t *w, void *p) {
    if (p == NULL) {
        return;
    }
    for (vis_block_t **at = &w->blocks; *at; at = &(*at)->next) {
        vis_block_t *b = *at;
        if (b + 1 == p) {
            *at = b->next;
            image_port_free(b);
            return;
        }
    }
}

void vis_release(vis_work_t *w) {
    while (w->blocks) {
        vis_block_t *b = w->blocks;
        w->blocks = b->next;
        image_port_free(b);
    }
}

void *vis_list_add(vis_work_t *w, vis_list_t *l) {
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 16;
        void *items = vis_alloc(w, room * l->size);
        if (items == NULL) {
            return NULL;
        }
        if (l->n) {
            memcpy(items, l->items, l->n * l->size);
        }
        vis_free(w, l->items);
        l->items = items;
        l->room = room;
    }
    return memset((uint8_t *)l->items + l->n++ * l->size, 0, l->size);
}

void vis_load_row(const image_t *img, int32_t y, uint8_t *row) {
    size_t w = (size_t)img->w;
    switch (img->format) {
        case IMAGE_RGB565: {
            const uint16_t *p = (const uint16_t *)(const void *)img->pix + (size_t)y * w;
            image_row_to_planes(row, row + w, row + 2 * w, p, w);
            break;
        }
        case IMAGE_GRAYSCALE:
            memcpy(row, img->pix + (size_t)y * w, w);
            break;
        default:
            for (int32_t x = 0; x < img->w; x++) {
                row[x] = image_get(img, x, y) ? 255 : 0;
            }
            break;
    }
}

void vis_store_row(image_t *img, int32_t y, const uint8_t *row, const image_t *mask) {
    size_t w = (size_t)img->w;
    if (img->format == IMAGE_RGB565) {
        uint16_t *p = (uint16_t *)(void *)img->pix + (size_t)y * w;
        if (!mask) {
            image_row_from_planes(p, row, row + w, row + 2 * w, w);
            return;
        }
        for (size_t x = 0; x < w; x++) {
            if (image_get(mask, (int32_t)x, y)) {
                p[x] = image_rgb_to_pixel(row[x], row[w + x], row[2 * w + x]);
            }
        }
    } else if (img->format == IMAGE_GRAYSCALE && !mask) {
        memcpy(img->pix + (size_t)y * w, row, w);
    } else {
        bool gray = img->format == IMAGE_GRAYSCALE;
        for (int32_t x = 0; x < img->w; x++) {
            if (!mask || image_get(mask, x, y)) {
                image_set(img, x, y, gray ? row[x] : row[x] >> 7);
            }
        }
    }
}

void vis_gray_part(const image_t *img, image_rect_t roi, uint8_t *out) {
    for (int32_t y = roi.y; y < roi.y + roi.h; y++) {
        size_t at = (size_t)y * (size_t)img->w + (size_t)roi.x;
        if (img->format == IMAGE_RGB565) {
            const uint16_t *p = (const uint16_t *)(const void *)img->pix + at;
            image_row_to_gray(out, p, (size_t)roi.w);
            out += roi.w;
        } else if (img->format == IMAGE_GRAYSCALE) {
            memcpy(out, img->pix + at, (size_t)roi.w);
            out += roi.w;
        } else {
            for (int32_t x = 0; x < roi.w; x++) {
                *out++ = image_get(img, roi.x + x, y) ? 255 : 0;
            }
        }
    }
}

uint8_t *vis_gray(vis_work_t *w, const image_t *img, image_rect_t roi) {
    uint8_t *p = vis_alloc(w, (size_t)roi.w * (size_t)roi.h);
    if (p) {
        vis_gray_part(img, roi, p);
    }
    return p;
}
