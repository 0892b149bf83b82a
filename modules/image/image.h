// SPDX-License-Identifier: MIT
// Plain C image core: pixel buffers, drawing, scaling, conversion and file formats.
//
// No MicroPython and no registers in here, so that it also compiles on a PC (tests/host).
// Pixels: RGB565 in big-endian byte order (the order in which LCD panels want them), rows without
// padding. Because both the K210 and every host we test on are little-endian, a pixel read as a
// uint16_t is the byte-swapped RGB565 value. Scripts see exactly this number: lcd.RED is 0x00F8.
#ifndef K210_IMAGE_H
#define K210_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Numbers are those of the sensor module's constants (RGB565 = 2 ...).
typedef enum {
    IMAGE_BINARY = 0,       // one bit per pixel, rows padded to 32 bits
    IMAGE_RGB565 = 2,
    IMAGE_GRAYSCALE = 4,
    IMAGE_JPEG = 5,         // pix holds size bytes of a JPEG file
} image_format_t;

// pix: what the script draws on. On the firmware it may be a cached or an uncached address.
// ai:  NULL, or what the KPU reads: byte planes R, G, B (or a single gray plane) of w*h bytes each,
//      back to back. On the firmware always an uncached, 64-byte aligned address.
// size: bytes at pix.
typedef struct {
    int32_t w, h;
    image_format_t format;
    uint8_t *pix;
    uint8_t *ai;
    size_t size;
} image_t;

typedef struct {
    int32_t x, y, w, h;
} image_rect_t;

#define IMAGE_ERR_LEN (160)
#define IMAGE_MAX_SIDE (32767)

// Bytes of pixel data of a w*h picture; 0 when w, h or format makes no sense.
size_t image_bytes(int32_t w, int32_t h, image_format_t format);

// Bytes of the AI planes: 3*w*h for RGB565, w*h for grayscale, otherwise 0.
size_t image_ai_bytes(const image_t *img);

const char *image_format_name(image_format_t format);

// ---- the platform's side ------------------------------------------------------------------------

// NULL when there is no room; 8-byte aligned.
void *image_port_alloc(size_t n);
void image_port_free(void *p);

// Called now and then in long work; it may leave through a long jump (Ctrl-C), after which the caller of all this
// releases the work area.
void image_port_poll(void);

// Starts fn(arg) on another processor; false when there is none or it is busy. fn only touches memory. Between start
// and join nothing else here may be called.
bool image_port_start(void (*fn)(void *arg), void *arg);

// Waits for it. False: it does not end, and the memory that it works on must stay.
bool image_port_join(void);

// ---- colour -------------------------------------------------------------------------------------

// Raw pixel (byte-swapped RGB565) from 8-bit components.
static inline uint16_t image_rgb_to_pixel(unsigned r, unsigned g, unsigned b) {
    uint16_t v = (uint16_t)((r >> 3) << 11 | (g >> 2) << 5 | b >> 3);
    return (uint16_t)(v << 8 | v >> 8);
}

// 5 and 6 bit components expand by repeating their upper bits, so that full scale becomes 255. The
// DVP's AI planes are expanded in the same way.
static inline void image_pixel_to_rgb(uint16_t pixel, uint8_t *r, uint8_t *g, uint8_t *b) {
    unsigned v = (uint16_t)(pixel << 8 | pixel >> 8);
    unsigned r5 = v >> 11, g6 = (v >> 5) & 63, b5 = v & 31;
    *r = (uint8_t)(r5 << 3 | r5 >> 2);
    *g = (uint8_t)(g6 << 2 | g6 >> 4);
    *b = (uint8_t)(b5 << 3 | b5 >> 2);
}

// ITU-R BT.601 luma with 8-bit weights 77, 150, 29.
static inline uint8_t image_rgb_to_gray(unsigned r, unsigned g, unsigned b) {
    return (uint8_t)((77 * r + 150 * g + 29 * b + 128) >> 8);
}

// Pixel value for an image of the given format.
uint32_t image_color(image_format_t format, unsigned r, unsigned g, unsigned b);
void image_color_to_rgb(image_format_t format, uint32_t value, uint8_t *r, uint8_t *g, uint8_t *b);

// ---- pixels -------------------------------------------------------------------------------------

// The caller checks 0 <= x < w and 0 <= y < h; image_inside() does.
static inline bool image_inside(const image_t *img, int32_t x, int32_t y) {
    return (uint32_t)x < (uint32_t)img->w && (uint32_t)y < (uint32_t)img->h;
}
uint32_t image_get(const image_t *img, int32_t x, int32_t y);
void image_set(image_t *img, int32_t x, int32_t y, uint32_t value);

void image_clear(image_t *img);
void image_fill(image_t *img, uint32_t value);

// Clips *r to a w*h picture; false when nothing is left.
bool image_clip(int32_t w, int32_t h, image_rect_t *r);

// ---- conversion ---------------------------------------------------------------------------------

// img->ai must point to image_ai_bytes(img) bytes. Grayscale fills one plane.
void image_pix_to_ai(const image_t *img);
void image_ai_to_pix(image_t *img);

// Reverses the four bytes of every 32-bit word: what the DVP stores becomes big-endian pixels in
// order, and the other way round for a 32-bit SPI frame. src and dst may be the same; both 8-byte
// aligned; n is in bytes and a multiple of 8.
void image_swap_words(void *dst, const void *src, size_t n);

// Rounds up an odd number of pixels and tolerates any alignment of src: makes the 32-bit words of an
// LCD transfer from n pixels. dst has room for (n + 1) / 2 words.
void image_pixels_to_words(uint32_t *dst, const uint8_t *src, size_t n);

// The same from n gray levels, n even.
void image_grays_to_words(uint32_t *dst, const uint8_t *src, size_t n);

// dst has the same width and height, another format and its own memory (or, when its pixels are not
// larger, the memory of src).
void image_convert(image_t *dst, const image_t *src);

// ---- scaling and copying ------------------------------------------------------------------------

// Part roi of src, scaled to the size of dst by taking the nearest pixel. Same format.
void image_copy_scaled(image_t *dst, const image_t *src, image_rect_t roi);

// dst->w and dst->h say the new size; same format (grayscale or RGB565).
// Grayscale: area average when shrinking, bilinear when enlarging. RGB565: nearest pixel when
// shrinking, bilinear when enlarging.
void image_resize(image_t *dst, const image_t *src);

// The rectangle of src that starts at x, y and is as large as dst; black outside of src.
void image_cut(image_t *dst, const image_t *src, int32_t x, int32_t y);

// ---- affine transforms --------------------------------------------------------------------------

// The rotation, scale and shift that brings the points dst nearest to src (least squares), as a 3x3
// matrix in rows: src = t * (dst, 1). 0, or -EINVAL with a sentence in err.
int image_similarity(const float (*src)[2], const float (*dst)[2], size_t n, float t[9], char *err);

// Every pixel of dst's AI planes from where t says in src's, interpolated, black outside. Both have
// planes and the same format.
void image_warp_ai(image_t *dst, const image_t *src, const float t[9]);

// ---- drawing (everything is clipped) ------------------------------------------------------------

void image_draw_line(image_t *img, int32_t x0, int32_t y0, int32_t x1, int32_t y1, uint32_t color,
    int32_t thickness);
void image_draw_rectangle(image_t *img, int32_t x, int32_t y, int32_t w, int32_t h, uint32_t color,
    int32_t thickness, bool fill);
void image_draw_circle(image_t *img, int32_t cx, int32_t cy, int32_t r, uint32_t color,
    int32_t thickness, bool fill);
// rotation in degrees, clockwise as seen on the screen.
void image_draw_ellipse(image_t *img, int32_t cx, int32_t cy, int32_t rx, int32_t ry, int32_t rotation,
    uint32_t color, int32_t thickness, bool fill);
void image_draw_cross(image_t *img, int32_t x, int32_t y, uint32_t color, int32_t size, int32_t thickness);
void image_draw_arrow(image_t *img, int32_t x0, int32_t y0, int32_t x1, int32_t y1, uint32_t color,
    int32_t size, int32_t thickness);

// alpha 0..256; mask NULL or an image of the size of src: only pixels set in it are drawn.
void image_draw_image(image_t *img, const image_t *src, int32_t x, int32_t y, float x_scale, float y_scale,
    unsigned alpha, const image_t *mask);

// ---- text ---------------------------------------------------------------------------------------

#define IMAGE_FONT_W (8)
#define IMAGE_FONT_H (12)

// 12 rows of the built-in font, bit 7 = left pixel. Characters outside 0x20..0x7E give a box.
const uint8_t *image_font_glyph(uint32_t c);

// Pixels of text n bytes long; glyph advance by ink width unless mono. *w and *h may be NULL.
void image_text_size(const char *text, size_t n, float scale, int32_t x_spacing, int32_t y_spacing,
    bool mono, int32_t *w, int32_t *h);
void image_draw_text(image_t *img, int32_t x, int32_t y, const char *text, size_t n, uint32_t color,
    float scale, int32_t x_spacing, int32_t y_spacing, bool mono);

// A bitmap of w*h pixels, w a multiple of 8: blocks of eight columns from left to right, each with a
// byte per row from top to bottom, most significant bit left.
void image_draw_bitmap(image_t *img, int32_t x, int32_t y, int32_t w, int32_t h, const uint8_t *bits,
    uint32_t color, float scale);

// A font from elsewhere: glyphs of w*h pixels (w a multiple of 8) as image_draw_bitmap() takes them.
#define IMAGE_GLYPH_MAX (512)
typedef struct {
    int32_t w, h;
    // The bits of a character, w / 8 * h bytes; false when there is none: a box is drawn.
    bool (*glyph)(void *ctx, uint32_t c, uint8_t *bits);
    void *ctx;
} image_font_t;
// text is UTF-8.
void image_draw_font_text(image_t *img, int32_t x, int32_t y, const char *text, size_t n, uint32_t color,
    float scale, int32_t x_spacing, int32_t y_spacing, bool mono, const image_font_t *font);

// ---- files --------------------------------------------------------------------------------------

// A byte source or sink. read/write return the number of bytes moved (fewer = end or failure).
typedef struct image_io {
    size_t (*read)(struct image_io *io, void *buf, size_t n);
    size_t (*write)(struct image_io *io, const void *buf, size_t n);
} image_io_t;

#define IMAGE_INFO_STATE (2048) // 32-bit words

typedef struct {
    int32_t w, h;
    image_format_t format;      // format of the decoded picture
    bool planes;                // the file holds more than RGB565 can: fill the AI planes, too
    const struct image_codec *codec;
    // Private to the codec between info and decode: colours, tables. Too large for a stack.
    uint32_t state[IMAGE_INFO_STATE];
} image_info_t;

// One file format. More of them are added to the table in image_codecs.c.
typedef struct image_codec {
    const char *name;
    // magic: the first IMAGE_MAGIC_LEN bytes of the file.
    bool (*probe)(const uint8_t *magic);
    // Reads the header (magic is already consumed and handed over) and fills info.
    int (*info)(image_io_t *io, const uint8_t *magic, image_info_t *info, char *err);
    // img has memory as info asks for; fills pix and, when img->ai is set, the planes.
    int (*decode)(image_io_t *io, image_info_t *info, image_t *img, char *err);
} image_codec_t;

#define IMAGE_MAGIC_LEN (2)

// Both return 0, -EINVAL for a broken or unknown file, -EIO for a short one, -ENOMEM; err gets a
// sentence.
int image_read_info(image_io_t *io, image_info_t *info, char err[IMAGE_ERR_LEN]);
int image_read_pixels(image_io_t *io, image_info_t *info, image_t *img, char err[IMAGE_ERR_LEN]);

typedef enum { IMAGE_FILE_BMP, IMAGE_FILE_PNM, IMAGE_FILE_JPEG, IMAGE_FILE_PNG } image_file_t;

// BMP, PNG: 24 bits per pixel, or 8 for grayscale. PNM: P6, or P5 for grayscale. JPEG: baseline, 4:2:0.
// quality 1..100 is for JPEG. 0, -EIO or -ENOMEM.
int image_write(image_io_t *io, const image_t *img, image_rect_t roi, image_file_t type, int quality,
    char err[IMAGE_ERR_LEN]);

// A sink that counts all bytes in n and keeps the first room of them.
typedef struct {
    image_io_t io;
    uint8_t *data;
    size_t room, n;
} image_sink_t;
void image_sink_init(image_sink_t *sink, uint8_t *data, size_t room);

#endif
