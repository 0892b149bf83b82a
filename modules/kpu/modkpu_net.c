// SPDX-License-Identifier: MIT
//
// The kpu_net type and running a model.

#include <string.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "py/binary.h"

#include "hal/time.h"
#include "modkpu.h"
#include "pool.h"
#include "py_image.h"

const char *modkpu_status_text(int status) {
    switch (status) {
        case KPU_ERR_PARAM:
            return "ERR_PARAM: please check param, load address or kmodel file name";
        case KPU_ERR_VERSION:
            return "ERR_KMODEL_VERSION: only support kmodel V3/V4/V5 now";
        case KPU_ERR_FORMAT:
            return "ERR_KMODEL_FORMAT";
        case KPU_ERR_DECRYPT:
            return "ERR_DECRYPT: check smodel match with your board";
        case KPU_ERR_READ:
            return "ERR_READ_FILE: read file failed";
        case KPU_ERR_NO_MEM:
            return "ERR_NO_MEM: memory not enough";
        case KPU_ERR_FIRST_LAYER:
            return "ERR_GET_CONV_LAYER: first layer should be conv layer";
        case KPU_ERR_RUN:
            return "ERR_RUN_MODEL: maybe model dirty";
        case KPU_ERR_INDEX:
            return "SIPEED_KPU_ERR_IDX_OUTRANGE";
        case KPU_ERR_SIZE:
            return "SIPEED_KPU_ERR_SIZE_NOTMATCH";
        case KPU_ERR_OUTPUTS:
            return "ERR_OUTPUTS_SET: need kpu.set_outputs() to set shape";
        case KPU_ERR_NOT_IMPLEMENTED:
            return "ERR_NOT_IMPLEMENT";
        default:
            return "ERR_UNKNOWN";
    }
}

void modkpu_raise_run(int status, const char *err) {
    mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("%s: %s"), modkpu_status_text(status), err);
}

modkpu_net_obj_t *modkpu_get_net(mp_obj_t o) {
    if (!mp_obj_is_type(o, &modkpu_net_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT("[MAIXPY]kpu: kpu_net type error"));
    }
    return MP_OBJ_TO_PTR(o);
}

modkpu_net_obj_t *modkpu_get_open_net(mp_obj_t o) {
    modkpu_net_obj_t *self = modkpu_get_net(o);
    if (self->net.nodes == NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: this kpu_net was deinitialised, load the model again"));
    }
    return self;
}

// Whose results are in KPU RAM.
static modkpu_net_obj_t *last_run;

void modkpu_unload(modkpu_net_obj_t *self) {
    kpu_stream_close(&self->stream);
    modkpu_hw_deinit(self);
    kmodel_close(&self->net);
    kmodel_plan_free(&self->plan, &modkpu_memory);
    pool_free(self->model);
    self->model = NULL;
}

// Everything but the file, which a finaliser must not touch.
static void close_model(modkpu_net_obj_t *self) {
    modkpu_unload(self);
    self->run = (kpu_run_t) { 0 };
    last_run = last_run == self ? NULL : last_run;
    self->yolo2 = NULL;
    self->results = NULL;
    self->input = mp_const_none;
}

void modkpu_close(modkpu_net_obj_t *self) {
    if (self->busy) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: the model is running"));
    }
    close_model(self);
    modkpu_source_close(&self->source);
}

// ---- input -----------------------------------------------------------------------------------

static NORETURN void raise_image(const char *why) {
    mp_printf(&mp_plat_print, "[MAIXPY]kpu: %s\n", why);
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]kpu: check img format err! %s"), why);
}

static void feed(modkpu_net_obj_t *self, uint32_t i, const void *src, size_t size) {
    char err[KPU_ERR_LEN];
    int ret = kpu_run_input(&self->run, i, src, size, err);
    if (ret == KPU_ERR_RUN) {
        modkpu_raise_run(ret, err);
    }
    if (ret != KPU_OK) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]kpu: check input list format err! %s"), err);
    }
}

static void feed_image(modkpu_net_obj_t *self, uint32_t i, const image_t *img) {
    char why[KPU_ERR_LEN];
    const kpu_tensor_t *in = &self->net.inputs[i];
    if (in->mem.dtype != KPU_U8) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: first layer not conv layer!"));
    }
    if (img->ai == NULL) {
        raise_image("pix_ai is NULL! Call img.pix_to_ai() first");
    }
    if (img->w != (int32_t)in->w || img->h != (int32_t)in->h) {
        kpu_fail(why, 0, "img w=%d,h=%d, but model w=%d,h=%d", (int)img->w, (int)img->h, (int)in->w, (int)in->h);
        raise_image(why);
    }
    if (img->format == IMAGE_GRAYSCALE) {
        if (in->c != 1) {
            kpu_fail(why, 0, "grayscale img, but model channel=%d", (int)in->c);
            raise_image(why);
        }
    } else if (img->format == IMAGE_RGB565) {
        if (in->c != 3) {
            kpu_fail(why, 0, "RGB img, but model channel=%d", (int)in->c);
            raise_image(why);
        }
    } else {
        raise_image("img bpp not support yet!");
    }
    feed(self, i, img->ai, (size_t)in->w * in->h * in->c);
}

static void feed_list(modkpu_net_obj_t *self, uint32_t index, mp_obj_t list) {
    const kpu_tensor_t *in = &self->net.inputs[index];
    size_t n;
    mp_obj_t *items;
    mp_obj_get_array(list, &n, &items);
    if (n == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: check input list format err! The list is empty"));
    }
    size_t item_size = kpu_dtype_size(in->mem.dtype);
    if (n != in->mem.size / item_size) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("[MAIXPY]kpu: check input list format err! The list has %u numbers, the model wants %u"),
            (unsigned)n, (unsigned)(in->mem.size / item_size));
    }
    uint8_t *buf = m_new(uint8_t, n * item_size);
    for (size_t i = 0; i < n; ++i) {
        mp_binary_set_val_array(kpu_dtype_code(in->mem.dtype), buf, i, items[i]);
    }
    feed(self, index, buf, n * item_size);
    m_del(uint8_t, buf, n * item_size);
}

static void feed_any(modkpu_net_obj_t *self, uint32_t i, mp_obj_t input, bool image_only) {
    mp_buffer_info_t buf;
    if (mp_obj_is_type(input, &py_image_type) || image_only) {
        feed_image(self, i, py_image_get(input));
    } else if (mp_obj_is_type(input, &mp_type_list) || mp_obj_is_type(input, &mp_type_tuple)) {
        feed_list(self, i, input);
    } else if (!mp_obj_is_str(input) && mp_get_buffer(input, &buf, MP_BUFFER_READ)) {
        feed(self, i, buf.buf, buf.len);
    } else {
        mp_raise_ValueError(MP_ERROR_TEXT("input not support"));
    }
}

// A model with several inputs takes a list of them.
static void feed_all(modkpu_net_obj_t *self, mp_obj_t input, bool image_only) {
    uint32_t n = self->net.n_inputs;
    if (n == 1) {
        feed_any(self, 0, input, image_only);
        return;
    }
    size_t len = 0;
    mp_obj_t *items = NULL;
    if (mp_obj_is_type(input, &mp_type_list) || mp_obj_is_type(input, &mp_type_tuple)) {
        mp_obj_get_array(input, &len, &items);
    }
    if (len != n) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("[MAIXPY]kpu: check input list format err! The model has %u inputs, it wants a list of as many"),
            (unsigned)n);
    }
    for (uint32_t i = 0; i < n; ++i) {
        feed_any(self, i, items[i], image_only);
    }
}

// ---- running ---------------------------------------------------------------------------------

// One KPU, and between two steps other Python code may run: it must not start a second model, nor
// free this one.
static modkpu_net_obj_t *running;

static void set_running(modkpu_net_obj_t *self) {
    if (running != NULL) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("[MAIXPY]kpu: the KPU is running another model"));
    }
    running = last_run = self;
    self->busy = true;
}

static void clear_running(modkpu_net_obj_t *self) {
    pool_quiet(false);
    running = NULL;
    self->busy = false;
}

static int steps(modkpu_net_obj_t *self, char *err) {
    while (self->run.state != KPU_RUN_DONE) {
        int ret = kpu_run_step(&self->run, err);
        if (ret != KPU_OK) {
            return ret;
        }
        if (self->run.state == KPU_RUN_WAIT && pool_kpu_lent()) {
            // No Python now: it might touch a frame buffer in KPU RAM.
            mp_hal_wait_for_event(1);
        } else if (self->run.state == KPU_RUN_WAIT || self->run.state == KPU_RUN_FETCH) {
            mp_event_wait_ms(1);
        } else {
            mp_handle_pending(true);
        }
    }
    return KPU_OK;
}

void modkpu_run(modkpu_net_obj_t *self, mp_obj_t input, bool image_only) {
    set_running(self);
    char err[KPU_ERR_LEN];
    int ret;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        feed_all(self, input, image_only);
        self->input = input;
        ret = kpu_run_start(&self->run, self->layers, err);
        if (ret == KPU_OK) {
            ret = steps(self, err);
        }
        nlr_pop();
    } else {
        // Ctrl-C, or a wrong input.
        kpu_run_stop(&self->run);
        clear_running(self);
        nlr_jump(nlr.ret_val);
    }
    clear_running(self);
    if (ret != KPU_OK) {
        modkpu_raise_run(ret, err);
    }
}

void modkpu_run_to(modkpu_net_obj_t *self, uint32_t end) {
    if (self->run.state != KPU_RUN_DONE || self->run.pos > end || last_run != self) {
        if (self->input == mp_const_none) {
            mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: the model has no input yet, call kpu.forward() first"));
        }
        uint32_t layers = self->layers;
        self->layers = end;
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            modkpu_run(self, self->input, false);
            nlr_pop();
            self->layers = layers;
        } else {
            self->layers = layers;
            nlr_jump(nlr.ret_val);
        }
        return;
    }
    char err[KPU_ERR_LEN];
    set_running(self);
    int ret;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        ret = kpu_run_continue(&self->run, end, err);
        if (ret == KPU_OK) {
            ret = steps(self, err);
        }
        nlr_pop();
    } else {
        kpu_run_stop(&self->run);
        clear_running(self);
        nlr_jump(nlr.ret_val);
    }
    clear_running(self);
    if (ret != KPU_OK) {
        modkpu_raise_run(ret, err);
    }
}

// ---- the type --------------------------------------------------------------------------------

static mp_obj_t net_deinit(mp_obj_t self_in) {
    modkpu_close(modkpu_get_net(self_in));
    return mp_const_true;
}
MP_DEFINE_CONST_FUN_OBJ_1(modkpu_deinit_obj, net_deinit);

static mp_obj_t net_del(mp_obj_t self_in) {
    modkpu_net_obj_t *self = MP_OBJ_TO_PTR(self_in);
    // A finaliser must not raise; a running model is referenced, so only a script gets here then.
    if (!self->busy) {
        close_model(self);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(net_del_obj, net_del);

static mp_obj_t net_exit(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    modkpu_close(modkpu_get_net(args[0]));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(net_exit_obj, 4, 4, net_exit);

static mp_obj_t net_model_addr(mp_obj_t self_in) {
    modkpu_net_obj_t *self = modkpu_get_net(self_in);
    return self->model_addr ? mp_obj_new_int_from_uint(self->model_addr) : mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(net_model_addr_obj, net_model_addr);

static mp_obj_t net_model_size(mp_obj_t self_in) {
    return mp_obj_new_int_from_uint(modkpu_get_net(self_in)->model_size);
}
static MP_DEFINE_CONST_FUN_OBJ_1(net_model_size_obj, net_model_size);

static mp_obj_t net_model_path(mp_obj_t self_in) {
    return modkpu_get_net(self_in)->path;
}
static MP_DEFINE_CONST_FUN_OBJ_1(net_model_path_obj, net_model_path);

static mp_obj_t net_net_arg(mp_obj_t self_in) {
    modkpu_net_obj_t *self = modkpu_get_net(self_in);
    return self->yolo2 ? MP_OBJ_FROM_PTR(self->yolo2) : mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(net_net_arg_obj, net_net_arg);

// net.layer_output(i, [input]): the result of layer i for the given input, or the last one, as
// bytes (CHW for KPU layers). For comparing a model layer by layer.
static mp_obj_t net_layer_output(size_t n_args, const mp_obj_t *args) {
    modkpu_net_obj_t *self = modkpu_get_open_net(args[0]);
    mp_int_t i = mp_obj_get_int(args[1]);
    if (i < 0 || i >= (mp_int_t)self->net.n_nodes) {
        mp_raise_msg_varg(&mp_type_IndexError, MP_ERROR_TEXT("layer %d, the model has %u"), (int)i,
            (unsigned)self->net.n_nodes);
    }
    if (n_args > 2) {
        self->input = args[2];
        kpu_run_stop(&self->run);
    }
    modkpu_run_to(self, (uint32_t)i + 1);
    vstr_t vstr;
    vstr_init_len(&vstr, kpu_node_result_size(&self->net.nodes[i]));
    char err[KPU_ERR_LEN];
    int ret = kpu_run_result(&self->run, vstr.buf, vstr.len, err);
    if (ret != KPU_OK) {
        modkpu_raise_run(ret, err);
    }
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(net_layer_output_obj, 2, 3, net_layer_output);

const char *modkpu_mode(const modkpu_net_obj_t *self) {
    return self->net.nodes == NULL ? "closed" : self->stream.net != NULL ? "streamed" : "real-time";
}

static mp_obj_t net_mode(mp_obj_t self_in) {
    const char *mode = modkpu_mode(modkpu_get_net(self_in));
    return mp_obj_new_str_from_cstr(mode);
}
static MP_DEFINE_CONST_FUN_OBJ_1(net_mode_obj, net_mode);

// One tuple for each input or output: (typecode, (channels, height, width), bytes); the shape is None when
// neither the file nor set_outputs() says it.
static mp_obj_t tensor_list(const kpu_tensor_t *tensors, uint32_t n) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (uint32_t i = 0; i < n; ++i) {
        const kpu_tensor_t *t = &tensors[i];
        bool is_float = t->mem.dtype == KPU_F32;
        mp_obj_t dims[3] = {
            mp_obj_new_int_from_uint(t->c), mp_obj_new_int_from_uint(t->h), mp_obj_new_int_from_uint(t->w),
        };
        mp_obj_t items[3] = {
            is_float ? MP_OBJ_NEW_QSTR(MP_QSTR_f) : MP_OBJ_NEW_QSTR(MP_QSTR_B),
            t->c ? mp_obj_new_tuple(3, dims) : mp_const_none,
            mp_obj_new_int_from_uint(t->mem.size),
        };
        mp_obj_list_append(list, mp_obj_new_tuple(3, items));
    }
    return list;
}

static mp_obj_t net_inputs(mp_obj_t self_in) {
    modkpu_net_obj_t *self = modkpu_get_open_net(self_in);
    return tensor_list(self->net.inputs, self->net.n_inputs);
}
static MP_DEFINE_CONST_FUN_OBJ_1(net_inputs_obj, net_inputs);

static mp_obj_t net_outputs(mp_obj_t self_in) {
    modkpu_net_obj_t *self = modkpu_get_open_net(self_in);
    return tensor_list(self->net.outputs, self->net.n_outputs);
}
static MP_DEFINE_CONST_FUN_OBJ_1(net_outputs_obj, net_outputs);

static mp_obj_t net_memory(mp_obj_t self_in) {
    return modkpu_net_memory(modkpu_get_net(self_in));
}
static MP_DEFINE_CONST_FUN_OBJ_1(net_memory_obj, net_memory);

static void net_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    modkpu_net_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "{\"model_addr\": %u, \"model_size\": %u, \"model_path\": \"%s\", \"net_args\": ",
        (unsigned)self->model_addr, (unsigned)self->model_size,
        self->path == mp_const_none ? "(null)" : mp_obj_str_get_str(self->path));
    if (self->yolo2) {
        mp_obj_print_helper(print, MP_OBJ_FROM_PTR(self->yolo2), PRINT_REPR);
    } else {
        mp_print_str(print, "\"(null)\"");
    }
    mp_printf(print, ", \"mode\": \"%s\"}", modkpu_mode(self));
}

static const mp_rom_map_elem_t net_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&net_del_obj) },
    { MP_ROM_QSTR(MP_QSTR___enter__), MP_ROM_PTR(&mp_identity_obj) },
    { MP_ROM_QSTR(MP_QSTR___exit__), MP_ROM_PTR(&net_exit_obj) },
    { MP_ROM_QSTR(MP_QSTR_model_addr), MP_ROM_PTR(&net_model_addr_obj) },
    { MP_ROM_QSTR(MP_QSTR_model_size), MP_ROM_PTR(&net_model_size_obj) },
    { MP_ROM_QSTR(MP_QSTR_model_path), MP_ROM_PTR(&net_model_path_obj) },
    { MP_ROM_QSTR(MP_QSTR_mode), MP_ROM_PTR(&net_mode_obj) },
    { MP_ROM_QSTR(MP_QSTR_inputs), MP_ROM_PTR(&net_inputs_obj) },
    { MP_ROM_QSTR(MP_QSTR_outputs), MP_ROM_PTR(&net_outputs_obj) },
    { MP_ROM_QSTR(MP_QSTR_memory), MP_ROM_PTR(&net_memory_obj) },
    { MP_ROM_QSTR(MP_QSTR_net_arg), MP_ROM_PTR(&net_net_arg_obj) },
    { MP_ROM_QSTR(MP_QSTR_layer_output), MP_ROM_PTR(&net_layer_output_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&modkpu_deinit_obj) },
};
static MP_DEFINE_CONST_DICT(net_locals, net_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    modkpu_net_type,
    MP_QSTR_kpu_net,
    MP_TYPE_FLAG_NONE,
    print, net_print,
    locals_dict, &net_locals
    );
