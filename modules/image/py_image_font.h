// SPDX-License-Identifier: MIT
#ifndef K210_PY_IMAGE_FONT_H
#define K210_PY_IMAGE_FONT_H

#include "py/obj.h"
#include "image.h"

// The font that a script has loaded; NULL: the built-in one.
const image_font_t *py_image_font(void);
void py_image_font_free(void);

MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(py_image_font_load_obj);
MP_DECLARE_CONST_FUN_OBJ_0(py_image_font_free_obj);

#endif
