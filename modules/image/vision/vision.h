// SPDX-License-Identifier: MIT
// Vision in plain C: statistics, filters, arithmetic and detectors on image_t. Like image.h this knows
// neither MicroPython nor registers and is tested on a PC.
//
// Functions that need memory take it from a work area, so that whoever called them can give all of it
// back at once, whatever happened in between. They return 0, or -ENOMEM, -EINVAL, ... .
#ifndef K210_VISION_H
#define K210_VISION_H

#include "../image.h"

// ---- work area ----------------------------------------------------------------------------------

typedef struct vis_block {
    struct vis_block *next;
    size_t size;
} vis_block_t;

typedef struct {
    vis_block_t *blocks;
} vis_work_t;

// NULL when there is no room; 8-byte aligned, contents undefined.
void *vis_alloc(vis_work_t *w, size_t n);
void *vis_zalloc(vis_work_t *w, size_t n);
void vis_free(vis_work_t *w, void *p);
void vis_release(vis_work_t *w); // everything

// A list that grows in the work area.
typedef struct {
    void *items;
    size_t n, room, size;
} vis_list_t;

// The new, zeroed item, or NULL without memory.
void *vis_list_add(vis_work_t *w, vis_list_t *l);

// ---- rows of channels ---------------------------------------------------------------------------

// Filters work on rows of 8-bit channels: three for RGB565, one for grayscale, one of 0/255 for
// binary. Channel c of a row begins at row + c * img->w.
static inline unsigned vis_channels(const image_t *img) {
    return img->format == IMAGE_RGB565 ? 3 : 1;
}
void vis_load_row(const image_t *img, int32_t y, uint8_t *row);
// mask NULL, or an image of the same size: only pixels set in it are written.
void vis_store_row(image_t *img, int32_t y, const uint8_t *row, const image_t *mask);

// Luma of the part of an image as bytes, rows of roi.w.
void vis_gray_part(const image_t *img, image_rect_t roi, uint8_t *out);
uint8_t *vis_gray(vis_work_t *w, const image_t *img, image_rect_t roi);

// ---- colour spaces and thresholds ---------------------------------------------------------------

// CIE L*a*b* (D65): L 0..100, a and b -128..127.
void vis_rgb_to_lab(unsigned r, unsigned g, unsigned b, int8_t lab[3]);
void vis_lab_to_rgb(const int lab[3], uint8_t rgb[3]);

// Inclusive limits: of gray levels in [0], or of L, a, b.
typedef struct {
    int16_t lo[3], hi[3];
} vis_range_t;

// Decides whether a pixel is inside one range. RGB565 remembers every colour it has seen (two bits
// each), because L*a*b* of a pixel costs a hundred times more than looking it up.
typedef struct {
    vis_range_t range;
    image_format_t format;
    uint8_t *known;
} vis_match_t;

int vis_match_init(vis_match_t *m, vis_work_t *w, image_format_t format, const vis_range_t *range);

// A colour for the first time; then it is known.
bool vis_match_color(vis_match_t *m, uint32_t pixel);

static inline bool vis_match(vis_match_t *m, uint32_t pixel) {
    if (m->format != IMAGE_RGB565) {
        return (int32_t)pixel >= m->range.lo[0] && (int32_t)pixel <= m->range.hi[0];
    }
    unsigned state = m->known[pixel / 4] >> (pixel % 4 * 2) & 3;
    return state ? state & 1 : vis_match_color(m, pixel);
}

// Pixels x0 to x1 - 1 of row y: inside[x] is 1 where one of n ranges has the pixel, else 0.
void vis_match_row(vis_match_t *m, size_t n, const image_t *img, int32_t x0, int32_t x1, int32_t y, uint8_t *inside);

// ---- statistics ---------------------------------------------------------------------------------

#define VIS_MAX_BINS (1024)

typedef struct {
    unsigned channels;          // 1, or 3 for L, a, b
    unsigned bins[3];
    float *bin[3];              // shares; their sum is 1, or 0 when no pixel counted
} vis_hist_t;

typedef struct {
    int mean, median, mode, stdev, min, max, lq, uq;
} vis_stats_t;

// bins[] in: how many of each channel (0 = one per value). Pixels in any of n ranges count (all when
// n is 0), the others with invert. other: NULL, or an image whose difference to img is counted.
int vis_histogram(vis_hist_t *h, vis_work_t *w, const image_t *img, image_rect_t roi, const vis_range_t *ranges,
    size_t n, bool invert, const unsigned bins[3]);
// Values are on the scale of the channel (gray 0..255, binary 0..1, L 0..100, a and b -128..127).
typedef struct {
    int lo, hi;
} vis_scale_t;
vis_scale_t vis_scale(image_format_t format, unsigned channel);
vis_stats_t vis_statistics(const float *bin, unsigned n, vis_scale_t scale);
int vis_percentile(const float *bin, unsigned n, vis_scale_t scale, float p);
int vis_otsu(const float *bin, unsigned n, vis_scale_t scale);

typedef struct {
    float mean, stdev, min, max;
} vis_similarity_t;
int vis_similarity(vis_similarity_t *out, vis_work_t *w, const image_t *a, const image_t *b);

// ---- blobs and regions --------------------------------------------------------------------------

typedef struct {
    int32_t x0, y0, x1, y1;             // inclusive
    uint32_t pixels, code, count;
    int64_t sx, sy, sxx, syy, sxy;      // sums over the pixels
} vis_blob_t;

typedef struct {
    int32_t x_stride, y_stride, area_threshold, pixels_threshold;
    bool invert;
} vis_blob_options_t;

int vis_find_blobs(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, const vis_range_t *ranges,
    size_t n, const vis_blob_options_t *o);
// Joins blobs whose boxes, grown by margin, overlap; allow (may be NULL) has the last word.
void vis_merge_blobs(vis_list_t *blobs, int32_t margin, bool (*allow)(void *ctx, const vis_blob_t *a, const vis_blob_t *b),
    void *ctx);
float vis_blob_rotation(const vis_blob_t *b); // radians, 0 <= r < pi

typedef struct {
    int32_t x1, y1, x2, y2, length, magnitude, theta, rho;
} vis_line_t;

// The line through the pixels inside the ranges. 1 found, 0 none.
int vis_regression(vis_line_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, const vis_range_t *ranges,
    size_t n, const vis_blob_options_t *o, bool robust);
// End points on the border of roi from theta and rho; false when the line misses it.
bool vis_line_ends(vis_line_t *l, image_rect_t roi);

// seed, floating: greatest differences to the first pixel and between neighbours, as share of the range.
int vis_flood_fill(image_t *img, vis_work_t *w, int32_t x, int32_t y, float seed, float floating, uint32_t color,
    bool invert, bool clear_background, const image_t *mask);
// The largest connected part that is not black, into the binary image out of the same size. 1, or 0
// when all is black. Of two large ones a frame (its borders filled beyond edge_gate) is passed over.
int vis_find_domain(image_t *out, vis_work_t *w, const image_t *img, float edge_gate);
int vis_cartoon(image_t *img, vis_work_t *w, float seed, float floating, const image_t *mask);

// ---- binary images ------------------------------------------------------------------------------

// out may be img, or a binary image of the same size.
int vis_binary(image_t *out, vis_work_t *w, const image_t *img, const vis_range_t *ranges, size_t n, bool invert,
    bool zero, const image_t *mask);
void vis_invert(image_t *img);

// What an operation takes its second value from: an image of the same size, or a colour.
typedef struct {
    const image_t *img;
    uint32_t color; // raw pixel of the target's format
} vis_other_t;

typedef enum { VIS_AND, VIS_NAND, VIS_OR, VIS_NOR, VIS_XOR, VIS_XNOR } vis_bit_op_t;
int vis_bitwise(image_t *img, vis_work_t *w, vis_bit_op_t op, const vis_other_t *other, const image_t *mask);

int vis_erode(image_t *img, vis_work_t *w, int32_t k, int32_t threshold, const image_t *mask);
int vis_dilate(image_t *img, vis_work_t *w, int32_t k, int32_t threshold, const image_t *mask);
typedef enum { VIS_OPEN, VIS_CLOSE, VIS_TOP_HAT, VIS_BLACK_HAT } vis_morph_op_t;
int vis_morphology(image_t *img, vis_work_t *w, vis_morph_op_t op, int32_t k, int32_t threshold, const image_t *mask);

// ---- arithmetic and tone ------------------------------------------------------------------------

typedef enum {
    VIS_ADD, VIS_SUB, VIS_RSUB, VIS_MUL, VIS_MUL_INVERT, VIS_DIV, VIS_RDIV, VIS_MOD, VIS_RMOD, VIS_MIN, VIS_MAX,
    VIS_DIFFERENCE, VIS_BLEND,
} vis_math_op_t;
int vis_math(image_t *img, vis_work_t *w, vis_math_op_t op, const vis_other_t *other, unsigned alpha, const image_t *mask);
// transpose needs an image of as many pixels; its sides are exchanged.
int vis_replace(image_t *img, vis_work_t *w, const vis_other_t *other, bool hmirror, bool vflip, bool transpose,
    const image_t *mask);
int vis_gamma(image_t *img, vis_work_t *w, float gamma, float contrast, float brightness);
int vis_histeq(image_t *img, vis_work_t *w, const image_t *mask);
int vis_clahe(image_t *img, vis_work_t *w, float clip_limit, const image_t *mask);
int vis_stretch(image_t *img, vis_work_t *w, int32_t lo, int32_t hi);
void vis_sharpen_chars(image_t *img, int32_t de_dark);
uint16_t vis_rainbow(unsigned level); // raw RGB565
int vis_chrominvar(image_t *img, vis_work_t *w);
int vis_illuminvar(image_t *img, vis_work_t *w);
int vis_remove_shadows(image_t *img, vis_work_t *w, const image_t *background);

// ---- neighbourhood filters ----------------------------------------------------------------------

typedef enum { VIS_MEAN, VIS_MEDIAN, VIS_MODE, VIS_MIDPOINT, VIS_CONV, VIS_BILATERAL } vis_filter_t;

#define VIS_MAX_KSIZE (32)

typedef struct {
    vis_filter_t kind;
    int32_t k;                          // the window has (2k+1)^2 pixels, the border is repeated
    float percentile, bias;             // median, midpoint
    const int32_t *kernel;              // conv: (2k+1)^2 numbers; result = sum * mul + add
    float mul, add;
    float color_sigma, space_sigma;     // bilateral
    bool threshold, invert;             // adaptive threshold: pixel > filtered - offset
    int32_t offset;
    const image_t *mask;
} vis_filter_args_t;
int vis_filter(image_t *img, vis_work_t *w, const vis_filter_args_t *a);

// Kernels of gaussian() and laplacian(); returns the sum that makes mul = 1 / sum.
int64_t vis_kernel_gaussian(int32_t k, bool unsharp, int32_t *kernel);
int64_t vis_kernel_laplacian(int32_t k, bool sharpen, int32_t *kernel);

// ---- geometry -----------------------------------------------------------------------------------

// dst has the size of src divided by xd, yd.
void vis_mean_pool(image_t *dst, const image_t *src, int32_t xd, int32_t yd);
void vis_midpoint_pool(image_t *dst, const image_t *src, int32_t xd, int32_t yd, float bias);
int vis_lens_corr(image_t *img, vis_work_t *w, float strength, float zoom);
typedef struct {
    float x_rotation, y_rotation, z_rotation;   // degrees
    float x_translation, y_translation, zoom, fov;
    const float (*corners)[2];                  // NULL or four points
} vis_rotation_t;
int vis_rotation_corr(image_t *img, vis_work_t *w, const vis_rotation_t *r);
int vis_polar(image_t *img, vis_work_t *w, bool log, bool reverse);
// The matrix that maps the four points of from to those of to; -EINVAL when there is none.
int vis_homography(const float from[4][2], const float to[4][2], float h[9]);

// ---- detectors ----------------------------------------------------------------------------------

int vis_find_lines(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, int32_t x_stride,
    int32_t y_stride, uint32_t threshold, int32_t theta_margin, int32_t rho_margin);
int vis_find_segments(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, int32_t merge_distance,
    int32_t max_theta_diff);

typedef struct {
    int32_t x, y, r, magnitude;
} vis_circle_t;
typedef struct {
    int32_t x_stride, y_stride, threshold, x_margin, y_margin, r_margin, r_min, r_max, r_step;
} vis_circle_options_t;
int vis_find_circles(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, const vis_circle_options_t *o);

typedef struct {
    int32_t corner[4][2];       // clockwise from top left
    int32_t x, y, w, h, magnitude;
} vis_quad_t;
int vis_find_rects(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, uint32_t threshold);

// 1 found (best in *at, its correlation in *score), 0 none.
int vis_find_template(image_rect_t *at, float *score, vis_work_t *w, const image_t *img, image_rect_t roi,
    const image_t *tmpl, float threshold, int32_t step, bool diamond);

int vis_edges_canny(image_t *img, vis_work_t *w, image_rect_t roi, int32_t low, int32_t high);
int vis_edges_simple(image_t *img, vis_work_t *w, image_rect_t roi, int32_t low, int32_t high);

typedef struct {
    float x, y, rotation, scale, response;
} vis_displacement_t;
int vis_displacement(vis_displacement_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, const image_t *tmpl,
    image_rect_t tmpl_roi, bool logpolar, bool fix_rotation_scale);

// ---- descriptors --------------------------------------------------------------------------------

#define VIS_KP_BYTES (32)
typedef struct {
    int16_t x, y;
    uint16_t score, angle, octave; // angle in degrees
    uint8_t desc[VIS_KP_BYTES];
} vis_keypoint_t;
int vis_find_keypoints(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, int32_t threshold,
    bool normalized, float scale_factor, int32_t max_keypoints);

typedef struct {
    int32_t cx, cy, x, y, w, h, count, theta;
} vis_kptmatch_t;
// pairs: room for na * 2 indices, or NULL. Returns how many pairs match.
int vis_match_keypoints(vis_kptmatch_t *out, const vis_keypoint_t *a, size_t na, const vis_keypoint_t *b, size_t nb,
    int32_t threshold, bool filter_outliers, uint16_t *pairs);

#define VIS_LBP_BYTES (8 * 8 * 59)
int vis_lbp(uint8_t hist[VIS_LBP_BYTES], vis_work_t *w, const image_t *img, image_rect_t roi);
uint32_t vis_lbp_distance(const uint8_t *a, const uint8_t *b);
int vis_hog(image_t *img, vis_work_t *w, image_rect_t roi, int32_t size);

// A boosted cascade of Haar features, as the tools of OpenMV write it.
typedef struct {
    int32_t w, h, n_stages, n_features, n_rects;
    const uint8_t *stages;              // features per stage
    const int16_t *stage_threshold, *threshold, *alpha1, *alpha2;
    const int8_t *n_feature_rects, *weights;
    const int8_t *rects;                // x, y, w, h
} vis_cascade_t;
// Reads the numbers of a cascade file into memory of the caller; -EINVAL with a sentence.
int vis_cascade_parse(vis_cascade_t *c, const uint8_t *data, size_t n, int32_t stages, char err[IMAGE_ERR_LEN]);
int vis_find_features(vis_list_t *out, vis_work_t *w, const image_t *img, image_rect_t roi, const vis_cascade_t *c,
    float threshold, float scale_factor); // items: image_rect_t
int vis_find_eye(int32_t *x, int32_t *y, vis_work_t *w, const image_t *img, image_rect_t roi);
int vis_selective_search(vis_list_t *out, vis_work_t *w, const image_t *img, int32_t threshold, int32_t size, float a1,
    float a2, float a3); // items: image_rect_t

#endif
