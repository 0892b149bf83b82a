// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "lcd_core.h"

#define CMD_SWRESET (0x01)
#define CMD_SLPOUT (0x11)
#define CMD_NORON (0x13)
#define CMD_INVON (0x21)
#define CMD_DISPON (0x29)
#define CMD_CASET (0x2a)
#define CMD_RASET (0x2b)
#define CMD_RAMWR (0x2c)
#define CMD_MADCTL (0x36)
#define CMD_COLMOD (0x3a)

#define COLMOD_RGB565 (0x55)

static int command(lcd_t *lcd, uint8_t cmd, const uint8_t *data, size_t n) {
    return lcd->bus->command(lcd->bus->ctx, cmd, data, n);
}

// Power, VCOM and gamma of the panels that are sold with these controllers: number of bytes, command,
// parameters. Source: the sequences of MaixPy v1 for its lcd_type.
static const uint8_t ili9486_setup[] = {
    7, 0xf1, 0x36, 0x04, 0x00, 0x3c, 0x0f, 0x8f,
    10, 0xf2, 0x18, 0xa3, 0x12, 0x02, 0xb2, 0x12, 0xff, 0x10, 0x00,
    3, 0xf8, 0x21, 0x04,
    3, 0xf9, 0x00, 0x08,
    2, 0xb4, 0x00,
    2, 0xc1, 0x41,
    3, 0xc5, 0x00, 0x18,
    16, 0xe0, 0x0f, 0x1f, 0x1c, 0x0c, 0x0f, 0x08, 0x48, 0x98, 0x37, 0x0a, 0x13, 0x04, 0x11, 0x0d, 0x00,
    16, 0xe1, 0x0f, 0x32, 0x2e, 0x0b, 0x0d, 0x05, 0x47, 0x75, 0x37, 0x06, 0x10, 0x03, 0x24, 0x20, 0x00,
    0,
};
static const uint8_t ili9481_setup[] = {
    4, 0xd0, 0x07, 0x42, 0x1b,
    4, 0xd1, 0x00, 0x05, 0x0c,
    0,
};

static int setup(lcd_t *lcd) {
    static const uint8_t *const tables[] = { [LCD_ILI9486] = ili9486_setup, [LCD_ILI9481] = ili9481_setup };
    int ret = 0;
    if (lcd->panel.controller != LCD_ST7789) {
        for (const uint8_t *p = tables[lcd->panel.controller]; *p && ret == 0; p += *p + 1) {
            ret = command(lcd, p[1], p + 2, *p - 1u);
        }
    }
    return ret;
}

size_t lcd_words(const lcd_panel_t *panel) {
    return ((size_t)panel->width * (size_t)panel->height + 1) / 2 + LCD_FILL_WORDS;
}

int lcd_start(lcd_t *lcd, uint16_t color) {
    const lcd_bus_t *bus = lcd->bus;
    static const uint8_t colmod = COLMOD_RGB565;
    static const struct {
        uint8_t cmd;
        uint16_t delay_ms;
        bool has_data;
    } steps[] = {
        { CMD_SWRESET, 50, false }, { CMD_SLPOUT, 120, false }, { CMD_COLMOD, 0, true },
    };
    bus->reset(bus->ctx, true);
    bus->delay_ms(bus->ctx, 50);
    bus->reset(bus->ctx, false);
    bus->delay_ms(bus->ctx, 50);
    int ret = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && ret == 0; i++) {
        ret = command(lcd, steps[i].cmd, &colmod, steps[i].has_data ? 1 : 0);
        bus->delay_ms(bus->ctx, steps[i].delay_ms);
        if (ret == 0 && steps[i].cmd == CMD_SWRESET) {
            ret = setup(lcd);
        }
    }
    if (ret == 0) {
        lcd->rotation = 0;
        lcd->mirror = lcd->bgr = false;
        ret = lcd_set_direction(lcd, lcd->panel.dir);
    }
    if (ret == 0 && lcd->panel.invert) {
        ret = command(lcd, CMD_INVON, NULL, 0);
    }
    if (ret == 0) {
        ret = command(lcd, CMD_NORON, NULL, 0);
    }
    // Filled before it is switched on: nobody sees what the memory held.
    if (ret == 0) {
        ret = lcd_fill(lcd, (image_rect_t) { 0, 0, lcd->w, lcd->h }, color);
    }
    if (ret == 0) {
        ret = bus->wait(bus->ctx);
    }
    if (ret == 0) {
        ret = command(lcd, CMD_DISPON, NULL, 0);
    }
    return ret;
}

uint8_t lcd_rotation_dir(unsigned rotation, bool mirror) {
    static const uint8_t dirs[2][4] = {
        { 0xa0, 0x00, 0x60, 0xc0 },
        { 0x20, 0x40, 0xe0, 0x80 },
    };
    return dirs[mirror][rotation & 3];
}

int lcd_set_direction(lcd_t *lcd, uint8_t dir) {
    bool landscape = dir & LCD_DIR_MV;
    lcd->dir = dir;
    lcd->w = landscape ? lcd->panel.width : lcd->panel.height;
    lcd->h = landscape ? lcd->panel.height : lcd->panel.width;
    uint8_t value = lcd->bgr ? dir ^ LCD_DIR_BGR : dir;
    int ret = lcd->bus->wait(lcd->bus->ctx);
    return ret ? ret : command(lcd, CMD_MADCTL, &value, 1);
}

int lcd_set_rotation(lcd_t *lcd, unsigned rotation, bool mirror) {
    // Relative to the direction that the board starts with: only its BGR and refresh bits are kept.
    uint8_t other = lcd->panel.dir & (uint8_t)~(LCD_DIR_MY | LCD_DIR_MX | LCD_DIR_MV);
    lcd->rotation = (uint8_t)(rotation & 3);
    lcd->mirror = mirror;
    return lcd_set_direction(lcd, lcd_rotation_dir(rotation, mirror) | other);
}

int lcd_set_bgr(lcd_t *lcd, bool on) {
    lcd->bgr = on;
    return lcd_set_direction(lcd, lcd->dir);
}

static int set_range(lcd_t *lcd, uint8_t cmd, int32_t first, int32_t n, uint16_t offset) {
    uint32_t a = (uint32_t)first + offset, b = a + (uint32_t)n - 1;
    uint8_t data[4] = { (uint8_t)(a >> 8), (uint8_t)a, (uint8_t)(b >> 8), (uint8_t)b };
    return command(lcd, cmd, data, 4);
}

// Opens a window for pixels.
static int window(lcd_t *lcd, image_rect_t r) {
    int i = lcd->dir & LCD_DIR_MV ? 0 : 1;
    int ret = set_range(lcd, CMD_CASET, r.x, r.w, lcd->panel.offset[i].x);
    if (ret == 0) {
        ret = set_range(lcd, CMD_RASET, r.y, r.h, lcd->panel.offset[i].y);
    }
    return ret ? ret : command(lcd, CMD_RAMWR, NULL, 0);
}

// Where pixel (x, y) of direction dir is in the upright picture.
static size_t screen_index(const lcd_t *lcd, int32_t x, int32_t y) {
    uint8_t turned = lcd->dir ^ lcd->panel.dir;
    int32_t rows = lcd->panel.width, cols = lcd->panel.height;
    int32_t row = lcd->dir & LCD_DIR_MV ? x : y, col = lcd->dir & LCD_DIR_MV ? y : x;
    row = turned & LCD_DIR_MY ? rows - 1 - row : row;
    col = turned & LCD_DIR_MX ? cols - 1 - col : col;
    return lcd->panel.dir & LCD_DIR_MV ? (size_t)col * (size_t)rows + (size_t)row
        : (size_t)row * (size_t)cols + (size_t)col;
}

// Notes in lcd->screen what has gone to the panel: words with two pixels each, or one for all.
static void keep(lcd_t *lcd, image_rect_t r, const uint32_t *words, bool fill) {
    if (lcd->screen == NULL) {
        return;
    }
    size_t k = 0;
    for (int32_t y = r.y; y < r.y + r.h; y++) {
        for (int32_t x = r.x; x < r.x + r.w; x++, k++) {
            uint32_t two = words[fill ? 0 : k / 2];
            lcd->screen[screen_index(lcd, x, y)] = (uint16_t)(k & 1 ? two : two >> 16);
        }
    }
}

void lcd_screen_rows(const lcd_t *lcd, int32_t y, int32_t rows, uint8_t *out) {
    int32_t w = lcd->panel.dir & LCD_DIR_MV ? lcd->panel.width : lcd->panel.height;
    const uint16_t *p = lcd->screen + (size_t)y * (size_t)w;
    for (size_t n = (size_t)rows * (size_t)w; n > 0; n--, p++) {
        // The glass exchanges red and blue of all that it shows.
        uint16_t v = lcd->bgr ? (uint16_t)(*p << 11 | (*p & 0x07e0) | *p >> 11) : *p;
        *out++ = (uint8_t)(v >> 8);
        *out++ = (uint8_t)v;
    }
}

int lcd_fill(lcd_t *lcd, image_rect_t r, uint16_t color) {
    if (!image_clip(lcd->w, lcd->h, &r)) {
        return 0;
    }
    int ret = lcd->bus->wait(lcd->bus->ctx);
    if (ret == 0) {
        ret = window(lcd, r);
    }
    if (ret) {
        return ret;
    }
    uint32_t be = (uint32_t)(uint16_t)(color << 8 | color >> 8);
    uint32_t *word = lcd->words + lcd_words(&lcd->panel) - LCD_FILL_WORDS;
    *word = be << 16 | be;
    keep(lcd, r, word, true);
    // With an odd number of pixels the last word's second one wraps around to the first of the window.
    size_t n = (size_t)r.w * (size_t)r.h;
    return lcd->bus->pixels(lcd->bus->ctx, word, (n + 1) / 2, true);
}

bool lcd_place(int32_t w, int32_t h, image_rect_t roi, const lcd_point_t *at, image_rect_t *src, image_rect_t *dst) {
    // In doubled coordinates centring would be exact; odd differences round towards the top left.
    int64_t x = at ? at->x : ((int64_t)w - roi.w) >> 1, y = at ? at->y : ((int64_t)h - roi.h) >> 1;
    if (x <= INT32_MIN / 2 || y <= INT32_MIN / 2) {
        return false;
    }
    *dst = (image_rect_t) { (int32_t)x, (int32_t)y, roi.w, roi.h };
    if (!image_clip(w, h, dst)) {
        return false;
    }
    *src = (image_rect_t) { roi.x + (int32_t)(dst->x - x), roi.y + (int32_t)(dst->y - y), dst->w, dst->h };
    return true;
}

// Pixel k (from the left) of a row into the stream of words.
static void put_pixel(uint32_t *words, size_t k, uint16_t pixel) {
    uint32_t v = (uint16_t)(pixel << 8 | pixel >> 8);
    uint32_t old = words[k / 2];
    words[k / 2] = k & 1 ? (old & 0xffff0000u) | v : (old & 0xffffu) | v << 16;
}

// One row of pixels from src, starting at pixel k of the stream.
static void put_row(uint32_t *words, size_t k, const image_t *img, int32_t x, int32_t y, int32_t n) {
    if (img->format == IMAGE_RGB565 && k % 2 == 0 && n % 2 == 0) {
        image_pixels_to_words(words + k / 2, img->pix + 2 * ((size_t)y * (size_t)img->w + (size_t)x), (size_t)n);
        return;
    }
    if (img->format == IMAGE_GRAYSCALE && k % 2 == 0 && n % 2 == 0) {
        image_grays_to_words(words + k / 2, img->pix + (size_t)y * (size_t)img->w + (size_t)x, (size_t)n);
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        uint32_t v = image_get(img, x + i, y);
        if (img->format != IMAGE_RGB565) {
            uint8_t r, g, b;
            image_color_to_rgb(img->format, v, &r, &g, &b);
            v = image_rgb_to_pixel(r, g, b);
        }
        put_pixel(words, k + (size_t)i, (uint16_t)v);
    }
}

int lcd_show(lcd_t *lcd, const image_t *img, image_rect_t roi, const lcd_point_t *at) {
    image_rect_t src, dst, area;
    bool visible = lcd_place(lcd->w, lcd->h, roi, at, &src, &dst);
    if (!visible) {
        return 0;
    }
    int ret = lcd->bus->wait(lcd->bus->ctx); // the words may still be on their way
    if (ret) {
        return ret;
    }
    area = at ? dst : (image_rect_t) { 0, 0, lcd->w, lcd->h };
    size_t n = (size_t)area.w * (size_t)area.h;
    if (area.w != dst.w || area.h != dst.h) {
        memset(lcd->words, 0, (n + 1) / 2 * 4);
    }
    if (img->format == IMAGE_RGB565 && src.w == img->w && dst.w == area.w) {
        size_t first = (size_t)(dst.y - area.y) * (size_t)area.w;
        if (first % 2 == 0) {
            image_pixels_to_words(lcd->words + first / 2, img->pix + 2 * (size_t)src.y * (size_t)img->w,
                (size_t)src.w * (size_t)src.h);
            src.h = 0;
        }
    }
    for (int32_t y = 0; y < src.h; y++) {
        size_t k = (size_t)(dst.y - area.y + y) * (size_t)area.w + (size_t)(dst.x - area.x);
        put_row(lcd->words, k, img, src.x, src.y + y, src.w);
    }
    if (n & 1) {
        // The odd pixel out wraps around to the first of the window: so it gets the same colour.
        put_pixel(lcd->words, n, (uint16_t)(lcd->words[0] >> 24 | (lcd->words[0] >> 8 & 0xff00)));
    }
    keep(lcd, area, lcd->words, false);
    ret = window(lcd, area);
    return ret ? ret : lcd->bus->pixels(lcd->bus->ctx, lcd->words, (n + 1) / 2, false);
}

int lcd_text(lcd_t *lcd, int32_t x, int32_t y, const char *text, size_t n, uint16_t color, uint16_t background) {
    if (x < 0 || y < 0 || x >= lcd->w || y > lcd->h - IMAGE_FONT_H) {
        return 0;
    }
    size_t fits = (size_t)(lcd->w - x) / IMAGE_FONT_W;
    n = n > fits ? fits : n;
    if (n == 0) {
        return 0;
    }
    int ret = lcd->bus->wait(lcd->bus->ctx);
    if (ret) {
        return ret;
    }
    int32_t w = (int32_t)n * IMAGE_FONT_W;
    image_t line = { w, IMAGE_FONT_H, IMAGE_RGB565, (uint8_t *)lcd->words, NULL, (size_t)w * IMAGE_FONT_H * 2 };
    image_fill(&line, background);
    for (size_t i = 0; i < n; i++) {
        image_draw_text(&line, (int32_t)i * IMAGE_FONT_W, 0, text + i, 1, color, 1, 0, 0, true);
    }
    image_swap_words(lcd->words, lcd->words, line.size);
    keep(lcd, (image_rect_t) { x, y, w, IMAGE_FONT_H }, lcd->words, false);
    ret = window(lcd, (image_rect_t) { x, y, w, IMAGE_FONT_H });
    return ret ? ret : lcd->bus->pixels(lcd->bus->ctx, lcd->words, line.size / 4, false);
}
