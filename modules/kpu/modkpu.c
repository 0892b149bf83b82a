// SPDX-License-Identifier: MIT
//
// import KPU as kpu

#include "py/runtime.h"

#include "modkpu.h"
#include "modkpu_post.h"

static mp_obj_t modkpu_set_layers(mp_obj_t net_in, mp_obj_t n_in) {
    modkpu_net_obj_t *self = modkpu_get_open_net(net_in);
    mp_int_t n = mp_obj_get_int(n_in);
    if (n > (mp_int_t)self->net.n_nodes) {
        mp_printf(&mp_plat_print, "err: set layers_length to %d, but max %u\n", (int)n, (unsigned)self->net.n_nodes);
        return mp_const_false;
    }
    self->layers = n > 0 ? (uint32_t)n : self->net.n_nodes;
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_2(modkpu_set_layers_obj, modkpu_set_layers);

// kpu.set_outputs(net, i, w, h, ch): names the shape of an output; needed where the file does not.
static mp_obj_t modkpu_set_outputs(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    modkpu_net_obj_t *self = modkpu_get_open_net(args[0]);
    for (size_t i = 1; i < 5; ++i) {
        if (!mp_obj_is_int(args[i])) {
            mp_raise_ValueError(MP_ERROR_TEXT(
                "[MAIXPY]kpu: set_outputs arg format error: set_outputs(task, int idx, int w, int h, int ch)"));
        }
    }
    mp_int_t i = mp_obj_get_int(args[1]);
    if (i < 0 || i >= (mp_int_t)self->net.n_outputs) {
        mp_printf(&mp_plat_print, "[MAIXPY]kpu: set_outputs arg value error:kmodel output idx %d out of range\n", (int)i);
        return mp_const_false;
    }
    kpu_tensor_t *out = &self->net.outputs[i];
    mp_int_t dim[3];
    uint64_t count = 1;
    for (size_t k = 0; k < 3; ++k) {
        dim[k] = mp_obj_get_int(args[2 + k]);
        count = dim[k] <= 0 || dim[k] > (mp_int_t)out->mem.size ? 0 : count * (uint64_t)dim[k];
    }
    if (count != out->mem.size / kpu_dtype_size(out->mem.dtype)) {
        mp_printf(&mp_plat_print, "[MAIXPY]kpu: set_outputs arg value error: w,c,ch size not match output size\n");
        return mp_const_false;
    }
    out->w = (uint32_t)dim[0];
    out->h = (uint32_t)dim[1];
    out->c = (uint32_t)dim[2];
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(modkpu_set_outputs_obj, 5, 5, modkpu_set_outputs);

static const mp_rom_map_elem_t modkpu_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_kpu) },
    { MP_ROM_QSTR(MP_QSTR_load), MP_ROM_PTR(&modkpu_load_obj) },
    { MP_ROM_QSTR(MP_QSTR_load_flash), MP_ROM_PTR(&modkpu_load_flash_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&modkpu_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_init_yolo2), MP_ROM_PTR(&modkpu_init_yolo2_obj) },
    { MP_ROM_QSTR(MP_QSTR_run_yolo2), MP_ROM_PTR(&modkpu_run_yolo2_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit_yolo2), MP_ROM_PTR(&modkpu_deinit_yolo2_obj) },
    { MP_ROM_QSTR(MP_QSTR_yolo2), MP_ROM_PTR(&modkpu_yolo2_obj) },
    { MP_ROM_QSTR(MP_QSTR_yolo3), MP_ROM_PTR(&modkpu_yolo3_obj) },
    { MP_ROM_QSTR(MP_QSTR_yolox), MP_ROM_PTR(&modkpu_yolox_obj) },
    { MP_ROM_QSTR(MP_QSTR_priors), MP_ROM_PTR(&modkpu_priors_obj) },
    { MP_ROM_QSTR(MP_QSTR_ssd), MP_ROM_PTR(&modkpu_ssd_obj) },
    { MP_ROM_QSTR(MP_QSTR_softmax), MP_ROM_PTR(&modkpu_softmax_obj) },
    { MP_ROM_QSTR(MP_QSTR_argmax), MP_ROM_PTR(&modkpu_argmax_obj) },
    { MP_ROM_QSTR(MP_QSTR_topk), MP_ROM_PTR(&modkpu_topk_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_layers), MP_ROM_PTR(&modkpu_set_layers_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_outputs), MP_ROM_PTR(&modkpu_set_outputs_obj) },
    { MP_ROM_QSTR(MP_QSTR_forward), MP_ROM_PTR(&modkpu_forward_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_output), MP_ROM_PTR(&modkpu_get_output_obj) },
    { MP_ROM_QSTR(MP_QSTR_fmap), MP_ROM_PTR(&modkpu_fmap_obj) },
    { MP_ROM_QSTR(MP_QSTR_fmap_free), MP_ROM_PTR(&modkpu_fmap_free_obj) },
    { MP_ROM_QSTR(MP_QSTR_netinfo), MP_ROM_PTR(&modkpu_netinfo_obj) },
    { MP_ROM_QSTR(MP_QSTR_face_encode), MP_ROM_PTR(&modkpu_face_encode_obj) },
    { MP_ROM_QSTR(MP_QSTR_face_compare), MP_ROM_PTR(&modkpu_face_compare_obj) },
    { MP_ROM_QSTR(MP_QSTR_classifier), MP_ROM_PTR(&modkpu_classifier_type) },
    { MP_ROM_QSTR(MP_QSTR_memtest), MP_ROM_PTR(&modkpu_memtest_obj) },
    { MP_ROM_QSTR(MP_QSTR_memory), MP_ROM_PTR(&modkpu_memory_fun_obj) },
};
static MP_DEFINE_CONST_DICT(modkpu_globals, modkpu_globals_table);

const mp_obj_module_t modkpu_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&modkpu_globals,
};

// The name "kpu" is a frozen module (ports/k210/frozen/kpu.py): registered names differ by more than case.
MP_REGISTER_MODULE(MP_QSTR_KPU, modkpu_module);
