// SPDX-License-Identifier: MIT
// Between the files of the image binding only.
#ifndef K210_PY_IMAGE_PRIV_H
#define K210_PY_IMAGE_PRIV_H

#include "py_image.h"

typedef struct {
    mp_obj_base_t base;
    image_t img;
    image_mem_t *pix_mem, *ai_mem;
} py_image_obj_t;

// A bytearray that looks at the pixels and keeps their memory; it cannot grow or shrink.
mp_obj_t py_image_bytes_new(const image_t *img, image_mem_t *mem);

// Constructor and files (py_image_file.c).
mp_obj_t py_image_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_save_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_compress_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_compressed_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_compress_for_ide_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_compressed_for_ide_obj);
// Whether the image prints as its own bytes: the IDE takes them out of the output.
bool py_image_is_for_ide(const image_t *img);

// py_image_draw.c
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_draw_line_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_draw_rectangle_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_draw_circle_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_draw_ellipse_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_draw_cross_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_draw_arrow_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_draw_string_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_draw_font_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_draw_image_obj);

// The image behind self for drawing; OSError for JPEG.
image_t *py_image_get_pixels(mp_obj_t o);

// Replaces the memory of an image by m (one reference is taken over).
void py_image_set_pix(mp_obj_t o, image_mem_t *m);

// Gives back the AI planes: they no longer fit the pixels.
void py_image_drop_ai(mp_obj_t o);

// Makes o the picture that from is; both share the memory.
void py_image_move(mp_obj_t o, mp_obj_t from);

#endif
