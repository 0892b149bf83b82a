// SPDX-License-Identifier: MIT
#ifndef K210_PY_IMAGE_STREAM_H
#define K210_PY_IMAGE_STREAM_H

#include "py/obj.h"
#include "image_config.h"

extern const mp_obj_type_t py_image_writer_type, py_image_reader_type;
MP_DECLARE_CONST_FUN_OBJ_KW(py_image_dump_roi_obj);

#endif
