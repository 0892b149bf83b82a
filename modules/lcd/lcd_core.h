// SPDX-License-Identifier: MIT
// Panel logic without Python and without registers: start-up sequence, directions, windows, and
// turning an image into the words that go to the panel. Source: ST7789V data sheet (MIPI DCS
// commands) and the MaixPy v1 reference for sizes and directions.
#ifndef K210_LCD_CORE_H
#define K210_LCD_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image.h"

// How bytes reach the panel. All return 0 or a negative errno.
typedef struct lcd_bus {
    // Level of the reset line: true = in reset.
    void (*reset)(void *ctx, bool active);
    void (*delay_ms)(void *ctx, uint32_t ms);
    // One command byte and its parameter bytes.
    int (*command)(void *ctx, uint8_t cmd, const uint8_t *data, size_t n);
    // Starts sending n words, two pixels each, the first one in the upper half. fill: the same word
    // n times. The memory must stay untouched until wait() has returned.
    int (*pixels)(void *ctx, const uint32_t *words, size_t n, bool fill);
    int (*wait)(void *ctx);
    void *ctx;
} lcd_bus_t;

// MADCTL bits
#define LCD_DIR_MY (0x80)
#define LCD_DIR_MX (0x40)
#define LCD_DIR_MV (0x20)
#define LCD_DIR_BGR (0x08)

// Controllers: the common commands, and what some want on top of them. Numbers of MaixPy's lcd_type.
typedef enum { LCD_ST7789, LCD_ILI9486, LCD_ILI9481 } lcd_controller_t;

typedef struct {
    int32_t width, height;  // with rows and columns exchanged (bit MV): landscape
    bool invert;
    uint8_t dir;            // MADCTL after init
    // Position of the glass in the controller's memory: [0] with MV set, [1] without.
    struct {
        uint16_t x, y;
    } offset[2];
    lcd_controller_t controller;
} lcd_panel_t;

typedef struct {
    lcd_panel_t panel;
    const lcd_bus_t *bus;
    uint32_t *words;        // width * height / 2 rounded up, plus LCD_FILL_WORDS, for the bus to read
    int32_t w, h;           // of the present direction
    uint8_t dir;
    uint8_t rotation;       // 0..3
    bool mirror, bgr;
    // What the glass shows, or NULL: panel.width * panel.height pixels (5-6-5, red on top) of the picture as it is
    // upright after init. The panel cannot be read; this is for those who want to see its picture elsewhere.
    uint16_t *screen;
} lcd_t;

#define LCD_FILL_WORDS (16)

// Words that lcd->words must have for a panel.
size_t lcd_words(const lcd_panel_t *panel);

// Resets and starts the panel; leaves it black or with what color says (raw pixel).
int lcd_start(lcd_t *lcd, uint16_t color);

// MADCTL value for a rotation of 0..3 quarter turns.
uint8_t lcd_rotation_dir(unsigned rotation, bool mirror);
int lcd_set_direction(lcd_t *lcd, uint8_t dir);
int lcd_set_rotation(lcd_t *lcd, unsigned rotation, bool mirror);
int lcd_set_bgr(lcd_t *lcd, bool on);

// Fills a rectangle, clipped to the screen. 0 when nothing of it is on the screen.
int lcd_fill(lcd_t *lcd, image_rect_t r, uint16_t color);

// Shows part roi of img. at NULL: centred, cut at the edges when larger, black around it when smaller.
// Otherwise its top left corner is at *at, and nothing else changes on the screen. roi must lie in img.
// Returns while the pixels are still on their way.
typedef struct {
    int32_t x, y;
} lcd_point_t;
int lcd_show(lcd_t *lcd, const image_t *img, image_rect_t roi, const lcd_point_t *at);

// One line of text in fixed 8x12 cells, cut at the right edge.
int lcd_text(lcd_t *lcd, int32_t x, int32_t y, const char *text, size_t n, uint16_t color, uint16_t background);

// Rows y .. y + rows - 1 of lcd->screen, which must be there, two bytes per pixel, the upper one first.
void lcd_screen_rows(const lcd_t *lcd, int32_t y, int32_t rows, uint8_t *out);

// ---- for lcd_show() and for tests ---------------------------------------------------------------

// What part of the source lands where on a w*h screen; false when nothing is visible.
bool lcd_place(int32_t w, int32_t h, image_rect_t roi, const lcd_point_t *at, image_rect_t *src, image_rect_t *dst);

#endif
