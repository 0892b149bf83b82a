// SPDX-License-Identifier: MIT
//
// kpu.face_encode, kpu.face_compare.

#include "py/objarray.h"
#include "py/runtime.h"

#include "kpu_face.h"
#include "modkpu.h"

#define MAX_FEATURES (512)

// face_encode(numbers) -> bytearray of as many signed bytes. Numbers: a list, a tuple or floats in a buffer.
static mp_obj_t modkpu_face_encode(mp_obj_t seq) {
    size_t n;
    mp_obj_t *items = NULL;
    mp_buffer_info_t buf;
    float features[MAX_FEATURES];
    if (mp_obj_is_type(seq, &mp_type_list) || mp_obj_is_type(seq, &mp_type_tuple)) {
        mp_obj_get_array(seq, &n, &items);
    } else if (mp_get_buffer(seq, &buf, MP_BUFFER_READ) && buf.typecode == 'f') {
        n = buf.len / sizeof(float);
    } else {
        mp_raise_TypeError(MP_ERROR_TEXT("[MAIXPY]kpu: face_encode wants a list, a tuple or floats"));
    }
    if (n == 0 || n > MAX_FEATURES) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("feature dim <=%d, not %u"), MAX_FEATURES, (unsigned)n);
    }
    for (size_t i = 0; i < n; ++i) {
        features[i] = items != NULL ? (float)mp_obj_get_float(items[i]) : ((const float *)buf.buf)[i];
    }
    mp_obj_t code = mp_obj_new_bytearray(n, NULL);
    kpu_face_encode(features, n, ((mp_obj_array_t *)MP_OBJ_TO_PTR(code))->items);
    return code;
}
MP_DEFINE_CONST_FUN_OBJ_1(modkpu_face_encode_obj, modkpu_face_encode);

// face_compare(a, b) -> how alike two codes of face_encode are, 0 to 100
static mp_obj_t modkpu_face_compare(mp_obj_t a_in, mp_obj_t b_in) {
    mp_buffer_info_t a, b;
    mp_get_buffer_raise(a_in, &a, MP_BUFFER_READ);
    mp_get_buffer_raise(b_in, &b, MP_BUFFER_READ);
    if (a.len != b.len || a.len == 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("compare feature must in same dim! %u and %u"),
            (unsigned)a.len, (unsigned)b.len);
    }
    return mp_obj_new_float((mp_float_t)kpu_face_compare(a.buf, b.buf, a.len));
}
MP_DEFINE_CONST_FUN_OBJ_2(modkpu_face_compare_obj, modkpu_face_compare);
