// SPDX-License-Identifier: MIT
// Text in the built-in 8x12 font and single bitmaps.
#include "font8x12.h"
#include "image_config.h"
#include "image_priv.h"

#define FIRST (0x20)
#define LAST (0x7e)
#define SPACE_ADVANCE (4)
#define GLYPH_GAP (2)

const uint8_t *image_font_glyph(uint32_t c) {
    return image_font8x12[c >= FIRST && c <= LAST ? c - FIRST : LAST - FIRST + 1];
}

// Ink columns of a glyph; false for a blank one.
static bool ink(const uint8_t *glyph, int *first, int *last) {
    unsigned all = 0;
    for (int y = 0; y < IMAGE_FONT_H; y++) {
        all |= glyph[y];
    }
    if (all == 0) {
        return false;
    }
    for (*first = 0; !(all & 0x80u >> *first); ++*first) {
    }
    for (*last = 7; !(all & 0x80u >> *last); --*last) {
    }
    return true;
}

// Unscaled advance; *skip = blank columns on the left that are not drawn.
static int advance(const uint8_t *glyph, bool mono, int *skip) {
    int first, last;
    *skip = 0;
    if (mono) {
        return IMAGE_FONT_W;
    }
    if (!ink(glyph, &first, &last)) {
        return SPACE_ADVANCE;
    }
    *skip = first;
    return last - first + GLYPH_GAP;
}

// Beyond any picture, and still a number when multiplied by 0.
#define MAX_SCALE (1e6f)

static int64_t scaled(int64_t n, float scale) {
    double v = (double)n * (double)(scale < MAX_SCALE ? scale : MAX_SCALE);
    return v > IMAGE_COORD_MAX ? IMAGE_COORD_MAX : v < -IMAGE_COORD_MAX ? -IMAGE_COORD_MAX : (int64_t)v;
}

// The usual glyph: not scaled, at most eight columns wide and inside of a picture in RGB565 or gray.
static bool draw_plain(image_t *img, int64_t x, int64_t y, int32_t first, int32_t w, int32_t h, const uint8_t *bits,
    uint32_t color) {
    if (!IMAGE_WITH_SPEED || w > 8 || x < 0 || y < 0 || x + w - first > img->w || y + h > img->h
        || img->format == IMAGE_BINARY) {
        return false;
    }
    size_t at = (size_t)y * (size_t)img->w + (size_t)x;
    for (int32_t row = 0; row < h; row++, at += (size_t)img->w) {
        uint8_t line = (uint8_t)(bits[row] << first);
        if (img->format == IMAGE_RGB565) {
            for (uint16_t *p = (uint16_t *)(void *)img->pix + at; line; line = (uint8_t)(line << 1), p++) {
                if (line & 0x80) {
                    *p = (uint16_t)color;
                }
            }
        } else {
            for (uint8_t *p = img->pix + at; line; line = (uint8_t)(line << 1), p++) {
                if (line & 0x80) {
                    *p = (uint8_t)color;
                }
            }
        }
    }
    return true;
}

// Columns first..w-1 of a bitmap, each bit as a box of scale x scale pixels. The bitmap is stored in
// blocks of eight columns from left to right, each from top to bottom.
static void draw_bits(image_t *img, int64_t x, int64_t y, int32_t first, int32_t w, int32_t h, const uint8_t *bits,
    uint32_t color, float scale) {
    if (scale == 1 && draw_plain(img, x, y, first, w, h, bits, color)) {
        return;
    }
    for (int32_t row = 0; row < h; row++, bits++) {
        int64_t y0 = y + scaled(row, scale), y1 = y + scaled(row + 1, scale) - 1;
        for (int32_t col = first; col < w; col++) {
            int32_t end = col;
            while (end < w && bits[end / 8 * h] & 0x80u >> (end % 8)) {
                end++;
            }
            if (end > col) {
                image_box(img, x + scaled(col - first, scale), y0, x + scaled(end - first, scale) - 1, y1, color);
                col = end;
            }
        }
    }
}

void image_draw_bitmap(image_t *img, int32_t x, int32_t y, int32_t w, int32_t h, const uint8_t *bits,
    uint32_t color, float scale) {
    draw_bits(img, x, y, 0, w, h, bits, color, scale);
}

// Shared by measuring (img NULL) and drawing.
static void layout(image_t *img, int64_t x, int64_t y, const char *text, size_t n, uint32_t color, float scale,
    int32_t x_spacing, int32_t y_spacing, bool mono, int64_t *width, int64_t *height) {
    int64_t left = x, top = y;
    *width = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '\n' || c == '\r') {
            if (c == '\r' && i + 1 < n && text[i + 1] == '\n') {
                continue;
            }
            x = left;
            y += scaled(IMAGE_FONT_H, scale) + y_spacing;
            continue;
        }
        if ((c & 0xc0) == 0x80) {
            continue; // the rest of a UTF-8 sequence: one box for all of it
        }
        const uint8_t *glyph = image_font_glyph((uint8_t)c);
        int skip, step = advance(glyph, mono, &skip);
        if (img && x < img->w && y < img->h) {
            draw_bits(img, x, y, skip, IMAGE_FONT_W, IMAGE_FONT_H, glyph, color, scale);
        }
        x += scaled(step, scale) + x_spacing;
        *width = x - left > *width ? x - left : *width;
    }
    *height = y - top + scaled(IMAGE_FONT_H, scale);
}

void image_text_size(const char *text, size_t n, float scale, int32_t x_spacing, int32_t y_spacing,
    bool mono, int32_t *w, int32_t *h) {
    int64_t width, height;
    layout(NULL, 0, 0, text, n, 0, scale, x_spacing, y_spacing, mono, &width, &height);
    if (w) {
        *w = image_clamp_coord(width);
    }
    if (h) {
        *h = image_clamp_coord(height);
    }
}

void image_draw_text(image_t *img, int32_t x, int32_t y, const char *text, size_t n, uint32_t color,
    float scale, int32_t x_spacing, int32_t y_spacing, bool mono) {
    int64_t width, height;
    layout(img, x, y, text, n, color, scale, x_spacing, y_spacing, mono, &width, &height);
}

// ---- fonts from elsewhere -----------------------------------------------------------------------

// The character at text[*i]; moves *i behind it. Bytes that are no UTF-8 count as U+FFFD.
static uint32_t next_char(const char *text, size_t n, size_t *i) {
    uint8_t c = (uint8_t)text[(*i)++];
    if (c < 0x80) {
        return c;
    }
    int more = c >= 0xf0 && c < 0xf8 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc0 && c < 0xe0 ? 1 : 0;
    uint32_t v = more == 3 ? c & 7 : more == 2 ? c & 15 : c & 31;
    for (int k = 0; k < more; k++) {
        if (*i >= n || ((uint8_t)text[*i] & 0xc0) != 0x80) {
            return 0xfffd;
        }
        v = v << 6 | ((uint8_t)text[(*i)++] & 0x3f);
    }
    return more ? v : 0xfffd;
}

// Ink columns of a glyph in blocks of eight columns; false for a blank one.
static bool wide_ink(const uint8_t *bits, int32_t w, int32_t h, int32_t *first, int32_t *last) {
    *first = w;
    *last = -1;
    for (int32_t i = 0; i < w / 8 * h; i++) {
        for (int32_t k = 0; k < 8; k++) {
            int32_t x = i / h * 8 + k;
            if (bits[i] & 0x80u >> k) {
                *first = x < *first ? x : *first;
                *last = x > *last ? x : *last;
            }
        }
    }
    return *last >= 0;
}

void image_draw_font_text(image_t *img, int32_t x0, int32_t y0, const char *text, size_t n, uint32_t color,
    float scale, int32_t x_spacing, int32_t y_spacing, bool mono, const image_font_t *font) {
    int64_t x = x0, y = y0;
    uint8_t bits[IMAGE_GLYPH_MAX];
    for (size_t i = 0; i < n;) {
        uint32_t c = next_char(text, n, &i);
        if (c == '\n' || c == '\r') {
            if (c == '\r' && i < n && text[i] == '\n') {
                continue;
            }
            x = x0;
            y += scaled(font->h, scale) + y_spacing;
            continue;
        }
        bool have = font->glyph(font->ctx, c, bits);
        int32_t first = 0, last = font->w - 1, step = font->w;
        if (!mono && have) {
            bool inked = wide_ink(bits, font->w, font->h, &first, &last);
            step = inked ? last - first + GLYPH_GAP : font->w / 2;
            first = inked ? first : 0;
        }
        if (x < img->w && y < img->h) {
            if (have) {
                draw_bits(img, x, y, first, font->w, font->h, bits, color, scale);
            } else {
                image_draw_rectangle(img, image_clamp_coord(x + scaled(1, scale)), image_clamp_coord(y + scaled(1, scale)),
                    (int32_t)scaled(font->w - 2, scale), (int32_t)scaled(font->h - 2, scale), color, 1, false);
            }
        }
        x += scaled(step, scale) + x_spacing;
    }
}
