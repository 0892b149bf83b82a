// SPDX-License-Identifier: MIT
//
// Post-processing functions of the KPU module, and what they need of its other files.

#ifndef MODULES_KPU_MODKPU_POST_H
#define MODULES_KPU_MODKPU_POST_H

#include "py/obj.h"

#include "yolo2.h"

// A detection for scripts; the box is in pixels (modkpu_yolo2.c).
mp_obj_t modkpu_new_find(const yolo2_box_t *box, uint32_t index, uint32_t objnum);

// Width, height, channels when the object is an fmap (modkpu_fmap.c).
bool modkpu_fmap_shape(mp_obj_t o, uint32_t shape[3]);

MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_yolo2_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_yolo3_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_yolox_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_ssd_obj);
MP_DECLARE_CONST_FUN_OBJ_3(modkpu_priors_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_softmax_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_argmax_obj);
MP_DECLARE_CONST_FUN_OBJ_2(modkpu_topk_obj);

#endif // MODULES_KPU_MODKPU_POST_H
