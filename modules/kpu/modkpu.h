// SPDX-License-Identifier: MIT
//
// Between the files of the KPU module's Python binding.

#ifndef MODULES_KPU_MODKPU_H
#define MODULES_KPU_MODKPU_H

#include "py/obj.h"

#include "hal/flash.h"
#include "kmodel_plan.h"
#include "kpu_run.h"
#include "yolo2.h"

// Parameters of init_yolo2.
typedef struct {
    mp_obj_base_t base;
    yolo2_params_t params;
    float anchors[];
} modkpu_yolo2_obj_t;

// Results of KPU layers up to this size come by DMA, larger ones are copied by the CPU.
#define MODKPU_LANDING_MAX (65536)
// Buffers of streamed weights; two of them.
#define MODKPU_SLOT_SIZE (65536)
// From here on a DMA job of its own pays.
#define MODKPU_BULK (4096)

enum { MODKPU_AUTOMATIC, MODKPU_REAL_TIME, MODKPU_STREAMED };

// Where the bytes of a model come from.
typedef struct {
    uint32_t flash;             // address, when neither of the others is set
    mp_obj_t file;
    const uint8_t *buf;
    mp_obj_t owner;             // of buf
    uint32_t size;              // bytes that can be read
    bool swapped;               // every 32-bit word is big-endian (a "_be" file)
    bool by_job;                // how the last piece of weights comes
    int status;                 // of a piece that does not come by job
    flash_job_t job;
} modkpu_source_t;

// A loaded model. Closed (after deinit or a failed load): net.nodes == NULL.
typedef struct modkpu_net_obj {
    mp_obj_base_t base;
    uintptr_t next;             // of the open ones, inverted: the collector must not take it for a reference
    uint32_t kpu_ram;           // bytes of KPU RAM
    kpu_net_t net;
    kpu_run_t run;
    kpu_backend_t backend;
    kmodel_plan_t plan;         // what of the file is streamed
    kpu_stream_t stream;        // net == NULL: nothing
    kpu_source_t weights;
    modkpu_source_t source;
    uint32_t slots, slot_size;  // wishes for the stream
    uint8_t *model;             // what of the file is in memory
    uint8_t *landing;           // where results arrive by DMA
    uint8_t *dest;              // where they go from there
    uint32_t dest_size;
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
extern const mp_obj_type_t modkpu_classifier_type;

// The model behind a Python object: TypeError for other types; open_net also ValueError for a
// model that was deinitialised.
modkpu_net_obj_t *modkpu_get_net(mp_obj_t o);
modkpu_net_obj_t *modkpu_get_open_net(mp_obj_t o);

// Frees the model and the yolo2 parameters. ValueError in the middle of a run.
void modkpu_close(modkpu_net_obj_t *self);

// Frees all memory of the model; the source stays open.
void modkpu_unload(modkpu_net_obj_t *self);

// modkpu_hw.c
extern const kpu_memory_t modkpu_memory;
// Of the GC heap, for work memory: what an exception leaves behind is collected.
extern const kpu_memory_t modkpu_heap;
void *modkpu_pool_alloc(size_t size, size_t align); // cached address, or NULL
// KPU_ERR_NO_MEM with the figures of the last modkpu_pool_alloc that failed.
int modkpu_no_room(const char *what, char *err);
int modkpu_hw_init(modkpu_net_obj_t *self, char *err);
void modkpu_hw_deinit(modkpu_net_obj_t *self);

// modkpu_source.c. read is a kmodel_read_t. probe finds out whether the file is a "_be" file.
int modkpu_source_read(void *src, uint32_t off, void *dst, uint32_t n);
void modkpu_source_probe(modkpu_source_t *src);
kpu_source_t modkpu_source_weights(modkpu_source_t *src);
int modkpu_source_open(modkpu_source_t *src, mp_obj_t path, char *err);
void modkpu_source_close(modkpu_source_t *src);

// "real-time", "streamed" or "closed".
const char *modkpu_mode(const modkpu_net_obj_t *self);

// What the model takes, as a dict.
mp_obj_t modkpu_net_memory(modkpu_net_obj_t *self);

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

MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_load_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(modkpu_load_flash_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_deinit_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_face_encode_obj);
MP_DECLARE_CONST_FUN_OBJ_2(modkpu_face_compare_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_init_yolo2_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_run_yolo2_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_deinit_yolo2_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(modkpu_forward_obj);
MP_DECLARE_CONST_FUN_OBJ_2(modkpu_get_output_obj);
MP_DECLARE_CONST_FUN_OBJ_2(modkpu_fmap_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_fmap_free_obj);
MP_DECLARE_CONST_FUN_OBJ_1(modkpu_netinfo_obj);
MP_DECLARE_CONST_FUN_OBJ_0(modkpu_memtest_obj);
MP_DECLARE_CONST_FUN_OBJ_0(modkpu_memory_fun_obj);

#endif // MODULES_KPU_MODKPU_H
