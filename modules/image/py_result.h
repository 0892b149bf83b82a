// SPDX-License-Identifier: MIT
// Result objects: a tuple of named fields with a method for each, printed as MaixPy does.
#ifndef K210_PY_RESULT_H
#define K210_PY_RESULT_H

#include "py/obj.h"

// A new object of one of the types below with n items (the shown fields, then hidden ones), all None.
mp_obj_t py_result_new(const mp_obj_type_t *type, size_t n);
mp_obj_t *py_result_items(mp_obj_t o);

extern const mp_obj_type_t py_blob_type, py_line_type, py_circle_type, py_rect_type, py_qrcode_type, py_apriltag_type,
    py_datamatrix_type, py_barcode_type, py_displacement_type, py_similarity_type, py_statistics_type,
    py_lab_statistics_type, py_percentile_type, py_lab_percentile_type, py_threshold_type, py_lab_threshold_type,
    py_kptmatch_type;

// Hidden items that follow the shown ones.
#define PY_QRCODE_SHOWN (10)
#define PY_RECT_SHOWN (5)

#endif
