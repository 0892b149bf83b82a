// SPDX-License-Identifier: MIT
//
// kpu.load(): bringing a model from flash, a file or a buffer into memory.

#include <string.h>

#include "py/gc.h"
#include "py/runtime.h"

#include "modkpu.h"
#include "pool.h"

// A model chosen to run from memory must leave this much for the script.
#define LEAVE_FREE (64 * 1024)

static NORETURN void raise_load(const char *function, int status, const char *err) {
    mp_raise_msg_varg(status == KPU_ERR_NO_MEM ? &mp_type_MemoryError : &mp_type_ValueError,
        MP_ERROR_TEXT("[MAIXPY]kpu: %s error:%d, %s: %s"), function, status, modkpu_status_text(status), err);
}

// Reads what the plan leaves in memory and opens it.
static int open_planned(modkpu_net_obj_t *self, uint32_t size, char *err) {
    const kmodel_plan_t *plan = &self->plan;
    uint32_t image_size = plan->image_size;
    self->model = modkpu_pool_alloc(image_size, KPU_MODEL_ALIGN);
    if (self->model == NULL) {
        return modkpu_no_room(plan->n_gaps ? "what is not streamed of the model" : "the model", err);
    }
    int error = kmodel_plan_load(plan, modkpu_source_read, &self->source, size, UNCACHED(self->model));
    if (error < 0) {
        return kpu_fail(err, KPU_ERR_READ, "%u bytes of the model (%d)", (unsigned)size, error);
    }
    int ret = kmodel_open_image(&self->net, self->model, size, plan->gaps, plan->n_gaps, &modkpu_memory, err);
    if (ret == KPU_OK) {
        ret = modkpu_hw_init(self, err);
    }
    if (ret == KPU_OK && plan->n_gaps) {
        self->weights = modkpu_source_weights(&self->source);
        ret = kpu_stream_init(&self->stream, &self->net, &self->weights, self->slots, self->slot_size, err);
    }
    if (ret == KPU_ERR_NO_MEM && strncmp(err, "no room for ", 12) == 0) {
        char what[60];
        memcpy(what, err + 12, sizeof(what) - 1);
        what[sizeof(what) - 1] = 0;
        modkpu_no_room(what, err);
    }
    return ret;
}

static int open_streamed(modkpu_net_obj_t *self, uint32_t size, uint32_t budget, char *err) {
    int ret = kmodel_plan(modkpu_source_read, &self->source, size, &modkpu_memory, &self->plan, err);
    if (ret == KPU_OK) {
        kmodel_plan_fill(&self->plan, budget);
        ret = open_planned(self, size, err);
    }
    return ret;
}

// From memory if it fits, else with as much in memory as half of it takes, else with nothing.
static int open_automatic(modkpu_net_obj_t *self, uint32_t size, char *err) {
    int ret;
    gc_collect();
    if (size + LEAVE_FREE <= pool_largest() || pool_reclaim(true)) {
        self->plan = (kmodel_plan_t) { .image_size = size };
        ret = open_planned(self, size, err);
        if (ret != KPU_ERR_NO_MEM && (ret != KPU_OK || pool_free_bytes() >= LEAVE_FREE)) {
            return ret;
        }
    }
    const uint32_t budgets[] = { pool_largest() / 2, 0 };
    for (size_t i = 0; i < MP_ARRAY_SIZE(budgets); ++i) {
        modkpu_unload(self);
        ret = open_streamed(self, size, budgets[i], err);
        if (ret != KPU_ERR_NO_MEM) {
            break;
        }
    }
    return ret;
}

static int read_model(modkpu_net_obj_t *self, int mode, char *err) {
    uint32_t size;
    modkpu_source_probe(&self->source);
    int ret = kmodel_measure(modkpu_source_read, &self->source, self->source.size, &size, err);
    if (ret != KPU_OK) {
        return ret;
    }
    self->model_size = size;
    if (mode == MODKPU_REAL_TIME) {
        self->plan = (kmodel_plan_t) { .image_size = size };
        return open_planned(self, size, err);
    }
    return mode == MODKPU_STREAMED ? open_streamed(self, size, 0, err) : open_automatic(self, size, err);
}

static void load(modkpu_net_obj_t *self, int mode, const char *function) {
    char err[KPU_ERR_LEN] = "";
    int ret;
    // Reading a file may raise (Ctrl-C, a file system in Python): the memory must not wait for
    // the garbage collector then.
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        ret = read_model(self, mode, err);
        if (ret == KPU_OK && self->stream.net == NULL) {
            modkpu_source_close(&self->source);
        }
        nlr_pop();
    } else {
        modkpu_close(self);
        nlr_jump(nlr.ret_val);
    }
    if (ret != KPU_OK) {
        modkpu_close(self);
        raise_load(function, ret, err);
    }
    kpu_run_init(&self->run, &self->net, &self->backend, self->stream.net ? &self->stream : NULL);
    self->layers = self->net.n_nodes;
}

static void from_flash(modkpu_net_obj_t *self, mp_obj_t addr_in, const char *function) {
    char err[KPU_ERR_LEN];
    if (!mp_obj_is_small_int(addr_in) || MP_OBJ_SMALL_INT_VALUE(addr_in) <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: model_addr must > 0 "));
    }
    mp_int_t addr = MP_OBJ_SMALL_INT_VALUE(addr_in);
    uint32_t size = flash_size();
    if (addr >= (mp_int_t)size) {
        kpu_fail(err, 0, "address 0x%lx, the flash has 0x%x bytes", (unsigned long)addr, (unsigned)size);
        raise_load(function, KPU_ERR_PARAM, err);
    }
    self->model_addr = self->source.flash = (uint32_t)addr;
    self->source.size = size - (uint32_t)addr;
}

static void from_path(modkpu_net_obj_t *self, mp_obj_t path) {
    char err[KPU_ERR_LEN];
    const char *name = mp_obj_str_get_str(path);
    if (strstr(name, ".smodel") || strstr(name, ".emodel")) {
        kpu_fail(err, 0, "%.90s is encrypted for one chip, which is not supported", name);
        raise_load("load", KPU_ERR_DECRYPT, err);
    }
    if (!strstr(name, ".kmodel")) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: model format don't match, only supply .kmodel "));
    }
    int ret = modkpu_source_open(&self->source, path, err);
    if (ret != KPU_OK) {
        raise_load("load", ret, err);
    }
    self->path = path;
}

static modkpu_net_obj_t *new_net(void) {
    modkpu_net_obj_t *self = mp_obj_malloc_with_finaliser(modkpu_net_obj_t, &modkpu_net_type);
    memset((uint8_t *)self + sizeof(self->base), 0, sizeof(*self) - sizeof(self->base));
    self->path = mp_const_none;
    self->input = mp_const_none;
    self->slots = KPU_STREAM_SLOTS;
    self->slot_size = MODKPU_SLOT_SIZE;
    return self;
}

static uint32_t slot_size(mp_int_t n) {
    if (n < 1024 || n > (4 << 20)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]kpu: %d bytes per read, must be 1024 to 4194304"), (int)n);
    }
    return (uint32_t)n;
}

// kpu.load(address or path or bytes, *, stream=None, buffer=65536). stream: True = read the weights
// of KPU layers while the model runs, False = have all in memory, None = what fits.
static mp_obj_t modkpu_load(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_model, ARG_stream, ARG_buffer };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_model, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_stream, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_buffer, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = MODKPU_SLOT_SIZE } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    mp_obj_t arg = args[ARG_model].u_obj;
    mp_buffer_info_t buf;
    bool is_buffer = !mp_obj_is_str(arg) && !mp_obj_is_int(arg) && mp_get_buffer(arg, &buf, MP_BUFFER_READ);
    if (!mp_obj_is_int(arg) && !mp_obj_is_str(arg) && !is_buffer) {
        mp_raise_TypeError(MP_ERROR_TEXT("[MAIXPY]kpu: only accept int or string"));
    }
    modkpu_net_obj_t *self = new_net();
    self->slot_size = slot_size(args[ARG_buffer].u_int);
    if (is_buffer) {
        self->source.buf = buf.buf;
        self->source.owner = arg;
        self->source.size = buf.len > UINT32_MAX ? UINT32_MAX : (uint32_t)buf.len;
    } else if (mp_obj_is_str(arg)) {
        from_path(self, arg);
    } else {
        from_flash(self, arg, "load");
    }
    mp_obj_t stream = args[ARG_stream].u_obj;
    load(self, stream == mp_const_none ? MODKPU_AUTOMATIC : mp_obj_is_true(stream) ? MODKPU_STREAMED : MODKPU_REAL_TIME, "load");
    return MP_OBJ_FROM_PTR(self);
}
MP_DEFINE_CONST_FUN_OBJ_KW(modkpu_load_obj, 1, modkpu_load);

// kpu.load_flash(flash_addr, is_dual_buf, batch_size, spi_speed): streams the weights from flash.
static mp_obj_t modkpu_load_flash(size_t n_args, const mp_obj_t *args) {
    for (size_t i = 0; i < n_args; ++i) {
        if (!mp_obj_is_int(args[i])) {
            mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: load_flash arg format error: "
                "task=kpu.load_flash(flash_addr, is_dual_buf, batch_size, spi_speed)"));
        }
    }
    modkpu_net_obj_t *self = new_net();
    self->slots = mp_obj_get_int(args[1]) ? 2 : 1;
    self->slot_size = slot_size(mp_obj_get_int(args[2]));
    mp_int_t hz = mp_obj_get_int(args[3]);
    if (hz < 1000000 || hz > 80000000) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]kpu: spi_speed %d, must be 1000000 to 80000000"), (int)hz);
    }
    from_flash(self, args[0], "load_flash");
    flash_set_read_hz((uint32_t)hz);
    mp_printf(&mp_plat_print, "SPI freq %u Hz\n", (unsigned)flash_read_hz());
    load(self, MODKPU_STREAMED, "load_flash");
    return MP_OBJ_FROM_PTR(self);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(modkpu_load_flash_obj, 4, 4, modkpu_load_flash);
