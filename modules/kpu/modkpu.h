// SPDX-License-Identifier: MIT
//
// Between the files of the KPU module's Python binding.

#ifndef MODULES_KPU_MODKPU_H
#define MODULES_KPU_MODKPU_H

#include "py/obj.h"

#include "kmodel.h"
#include "kpu_run.h"
#include "yolo2.h"

// Parameters of init_yolo2.
typedef struct {
    mp_obj_base_t base;
    yolo2_params_t params;
    float anchors[];
} modkpu_yolo2_obj_t;

// A loaded model. Closed (after deinit or a failed load): model == NULL.
typedef struct {
    mp_obj_base_t base;
    kpu_net_t net;
    kpu_run_t run;
    uint8_t *model;             // the file, from the pool, cached address; used through UNCACHED()
    uint32_t model_size;
    uint32_t model_addr;        // 0: not from flash
    mp_obj_t path;              // mp_const_none: not from a file
    uint32_t layers;            // how many of them to run
    modkpu_yolo2_obj_t *yolo2;  // NULL before init_yolo2
    mp_obj_t input;             // what the last run was fed with
    mp_obj_t *results;          // bytearrays that the fmaps of the outputs share
    bool busy;                  // in the middle of a run
} modkpu_net_obj_t;

extern const mp_obj_type_t modkpu_net_type;
extern const mp_obj_type_t modkpu_yolo2_type;
extern const mp_obj_type_t modkpu_find_type;
extern const mp_obj_type_t modkpu_fmap_type;
extern const mp_obj_type_t modkpu_netinfo_type;

// The model behind a Python object: TypeError for other types; open_net also ValueError for a
// model that was deinitialised.
modkpu_net_obj_t *modkpu_get_net(mp_obj_t o);
modkpu_net_obj_t *modkpu_get_open_net(mp_obj_t o);

// Frees the model and the yolo2 parameters. ValueError in the middle of a run.
void modkpu_close(modkpu_net_obj_t *self);

// Feeds an image, a list or bytes and runs self->layers layers. Only ValueError and OSError, after
// which the model can be used again.
void modkpu_run(modkpu_net_obj_t *self, mp_obj_t input, bool image_only);

// Runs on, or again, until `end` layers have run.
void modkpu_run_to(modkpu_net_obj_t *self, uint32_t end);

// "ERR_RUN_MODEL: maybe model dirty" and the like, for a status code.
const char *modkpu_status_text(int status);
NORETURN void modkpu_raise_run(int status, const char *err);

// Output i as fmap; OSError when there is none.
mp_obj_t modkpu_new_fmap(modkpu_net_obj_t *self, mp_int_t i);

// Prints like C's %f: floats of reprs have six decimals.
void modkpu_print_float(const mp_print_t *print, double value);

MP_DECLARE_CONST_FUN_OBJ_1(modkpu_load_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(modkpu_load_flash_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_deinit_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_init_yolo2_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_run_yolo2_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_deinit_yolo2_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_forward_obj);
MP_DECLARE_CONST_FUN_OBJ_2(modkpu_get_output_obj);
MP_DECLARE_CONST_FUN_OBJ_2(modkpu_fmap_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_fmap_free_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_netinfo_obj);
MP_DECLARE_CONST_FUN_OBJ_0(modkpu_memtest_obj);
MP_DECLARE_CONST_FUN_OBJ_0(modkpu_memory_obj);

#endif // MODULES_KPU_MODKPU_H
