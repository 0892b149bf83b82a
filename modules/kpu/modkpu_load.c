// SPDX-License-Identifier: MIT
//
// kpu.load(): bringing a model from flash, a file or a buffer into memory.

#include <string.h>

#include "py/gc.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/vfs.h"

#include "hal/flash.h"
#include "hal/kpu.h"
#include "modkpu.h"
#include "pool.h"

// Memory for the core. Python objects that nobody uses may hold what is needed, so collect first
// and give up then.
static void *pool_try(size_t size, size_t align) {
    void *p = pool_alloc(size, align, "kpu model");
    if (p == NULL) {
        gc_collect();
        p = pool_alloc(size, align, "kpu model");
    }
    return p;
}

static void *core_alloc(void *ctx, size_t size, size_t align, bool device) {
    (void)ctx;
    void *p = pool_try(size, align);
    return p == NULL || !device ? p : UNCACHED(p);
}

static void core_free(void *ctx, void *p) {
    (void)ctx;
    // The pool starts far above the uncached window, so the address tells which alias it is.
    uintptr_t at = (uintptr_t)p;
    pool_free((void *)(at < 0x80000000u ? at + 0x40000000u : at));
}

static const kpu_memory_t core_memory = { .alloc = core_alloc, .free = core_free };

static int hw_start(void *ctx, const uint64_t words[12], const uint8_t *weights, const uint8_t *bn,
    const uint8_t *act, bool eight_bit, uint8_t *dest, uint32_t dest_size) {
    (void)ctx;
    return kpu_layer_start(words, weights, bn, act, eight_bit, dest, dest_size);
}

static int hw_poll(void *ctx) {
    (void)ctx;
    return kpu_layer_poll();
}

static void hw_stop(void *ctx) {
    (void)ctx;
    kpu_layer_stop();
}

static const char *hw_waiting_for(void *ctx) {
    (void)ctx;
    return kpu_layer_waiting_for();
}

static int hw_write(void *ctx, uint32_t off, const uint8_t *src, uint32_t n) {
    (void)ctx;
    return kpu_ram_write(off, src, n);
}

static int hw_read(void *ctx, uint32_t off, uint8_t *dst, uint32_t n) {
    (void)ctx;
    return kpu_ram_read(off, dst, n);
}

static const kpu_backend_t hw_backend = {
    .start = hw_start, .poll = hw_poll, .stop = hw_stop, .waiting_for = hw_waiting_for,
    .write = hw_write, .read = hw_read,
};

static NORETURN void raise_load(const char *function, int status, const char *err) {
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]kpu: %s error:%d, %s: %s"), function,
        status, modkpu_status_text(status), err);
}

// Where the bytes of a model come from.
typedef struct {
    uint32_t flash;             // address, when neither of the others is set
    mp_obj_t file;
    const uint8_t *buf;
    uint32_t size;              // bytes that can be read
    bool swapped;               // every 32-bit word is big-endian (a "_be" file)
    const char *function;       // for error texts
} source_t;

static int read_plain(source_t *src, uint32_t off, void *dst, uint32_t n) {
    if (src->buf != NULL) {
        memcpy(dst, src->buf + off, n);
        return 0;
    }
    if (src->file == MP_OBJ_NULL) {
        return flash_read(src->flash + off, dst, n);
    }
    const mp_stream_p_t *stream = mp_get_stream(src->file);
    struct mp_stream_seek_t seek = { .offset = off, .whence = MP_SEEK_SET };
    int error = 0;
    if (stream->ioctl(src->file, MP_STREAM_SEEK, (uintptr_t)&seek, &error) == MP_STREAM_ERROR) {
        return -(error ? error : MP_EIO);
    }
    mp_uint_t got = mp_stream_rw(src->file, dst, n, &error, MP_STREAM_RW_READ);
    return error ? -error : got == n ? 0 : -MP_EIO;
}

static int source_read(void *ctx, uint32_t off, void *dst, uint32_t n) {
    source_t *src = ctx;
    if (!src->swapped) {
        return read_plain(src, off, dst, n);
    }
    uint8_t words[256], *out = dst;
    while (n > 0) {
        uint32_t skip = off % 4, take = sizeof(words) - skip < n ? sizeof(words) - skip : n;
        uint32_t from = off - skip, bytes = (skip + take + 3) & ~3u;
        // A file that is cut in the middle of a word has no such word.
        if (bytes > src->size - from) {
            return -MP_EIO;
        }
        int ret = read_plain(src, from, words, bytes);
        if (ret < 0) {
            return ret;
        }
        for (uint32_t i = 0; i < take; ++i) {
            out[i] = words[(skip + i) ^ 3];
        }
        out += take;
        off += take;
        n -= take;
    }
    return 0;
}

static mp_obj_t open_file(mp_obj_t path, char *err) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t args[2] = { path, MP_OBJ_NEW_QSTR(MP_QSTR_rb) };
        mp_obj_t file = mp_vfs_open(2, args, (mp_map_t *)&mp_const_empty_map);
        mp_get_stream_raise(file, MP_STREAM_OP_READ | MP_STREAM_OP_IOCTL);
        nlr_pop();
        return file;
    }
    mp_obj_base_t *exc = nlr.ret_val;
    if (!mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(exc->type), MP_OBJ_FROM_PTR(&mp_type_OSError))) {
        nlr_jump(nlr.ret_val);
    }
    mp_obj_t value = mp_obj_exception_get_value(MP_OBJ_FROM_PTR(exc));
    kpu_fail(err, KPU_ERR_READ, "cannot open %.90s (error %d)", mp_obj_str_get_str(path),
        mp_obj_is_small_int(value) ? (int)MP_OBJ_SMALL_INT_VALUE(value) : 0);
    return MP_OBJ_NULL;
}

static uint32_t file_size(mp_obj_t file) {
    struct mp_stream_seek_t seek = { .offset = 0, .whence = MP_SEEK_END };
    int error = 0;
    if (mp_get_stream(file)->ioctl(file, MP_STREAM_SEEK, (uintptr_t)&seek, &error) == MP_STREAM_ERROR
        || seek.offset < 0) {
        return 0;
    }
    return seek.offset > (mp_off_t)UINT32_MAX ? UINT32_MAX : (uint32_t)seek.offset;
}

static int read_model(modkpu_net_obj_t *self, source_t *src, char *err) {
    uint32_t size;
    uint8_t head[4] = { 0 };
    if (src->size >= sizeof(head) && read_plain(src, 0, head, sizeof(head)) == 0) {
        src->swapped = head[0] == 0 && head[1] == 0 && head[2] == 0 && head[3] == 3;
    }
    int ret = kmodel_measure(source_read, src, src->size, &size, err);
    if (ret != KPU_OK) {
        return ret;
    }
    self->model = pool_try(size, KPU_MODEL_ALIGN);
    if (self->model == NULL) {
        return kpu_fail(err, KPU_ERR_NO_MEM, "the model has %u bytes, the largest free block %u (%u free in all)",
            (unsigned)size, (unsigned)pool_largest(), (unsigned)pool_free_bytes());
    }
    self->model_size = size;
    uint8_t *data = UNCACHED(self->model);
    for (uint32_t off = 0; off < size;) {
        uint32_t n = size - off < 32768 ? size - off : 32768;
        int error = source_read(src, off, data + off, n);
        if (error < 0) {
            return kpu_fail(err, KPU_ERR_READ, "%u bytes at %u of the model (%d)", (unsigned)n, (unsigned)off, error);
        }
        off += n;
        mp_handle_pending(true);
    }
    ret = kmodel_open(&self->net, data, size, &core_memory, err);
    if (ret == KPU_ERR_NO_MEM) {
        char why[KPU_ERR_LEN];
        memcpy(why, err, sizeof(why));
        kpu_fail(err, ret, "%.80s, the largest free block has %u bytes", why, (unsigned)pool_largest());
    }
    return ret;
}

static void load(modkpu_net_obj_t *self, source_t *src) {
    char err[KPU_ERR_LEN] = "";
    int ret;
    // Reading a file may raise (Ctrl-C, a file system in Python): the memory must not wait for
    // the garbage collector then.
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        ret = read_model(self, src, err);
        if (src->file != MP_OBJ_NULL) {
            mp_stream_close(src->file);
        }
        nlr_pop();
    } else {
        modkpu_close(self);
        nlr_jump(nlr.ret_val);
    }
    if (ret != KPU_OK) {
        modkpu_close(self);
        raise_load(src->function, ret, err);
    }
    kpu_init();
    kpu_run_init(&self->run, &self->net, &hw_backend, NULL);
    self->layers = self->net.n_nodes;
}

static void from_flash(modkpu_net_obj_t *self, mp_obj_t addr_in, source_t *src) {
    char err[KPU_ERR_LEN];
    if (!mp_obj_is_small_int(addr_in) || MP_OBJ_SMALL_INT_VALUE(addr_in) <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: model_addr must > 0 "));
    }
    mp_int_t addr = MP_OBJ_SMALL_INT_VALUE(addr_in);
    uint32_t size = flash_size();
    if (addr >= (mp_int_t)size) {
        kpu_fail(err, 0, "address 0x%lx, the flash has 0x%x bytes", (unsigned long)addr, (unsigned)size);
        raise_load(src->function, KPU_ERR_PARAM, err);
    }
    self->model_addr = src->flash = (uint32_t)addr;
    src->size = size - (uint32_t)addr;
}

static void from_path(modkpu_net_obj_t *self, mp_obj_t path, source_t *src) {
    char err[KPU_ERR_LEN];
    const char *name = mp_obj_str_get_str(path);
    if (strstr(name, ".smodel") || strstr(name, ".emodel")) {
        kpu_fail(err, 0, "%.90s is encrypted for one chip, which is not supported", name);
        raise_load(src->function, KPU_ERR_DECRYPT, err);
    }
    if (!strstr(name, ".kmodel")) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: model format don't match, only supply .kmodel "));
    }
    src->file = open_file(path, err);
    if (src->file == MP_OBJ_NULL) {
        raise_load(src->function, KPU_ERR_READ, err);
    }
    src->size = file_size(src->file);
    self->path = path;
}

static modkpu_net_obj_t *new_net(void) {
    modkpu_net_obj_t *self = mp_obj_malloc_with_finaliser(modkpu_net_obj_t, &modkpu_net_type);
    memset((uint8_t *)self + sizeof(self->base), 0, sizeof(*self) - sizeof(self->base));
    self->path = mp_const_none;
    self->input = mp_const_none;
    return self;
}

static mp_obj_t modkpu_load(mp_obj_t arg) {
    source_t src = { .file = MP_OBJ_NULL, .function = "load" };
    mp_buffer_info_t buf;
    bool is_buffer = !mp_obj_is_str(arg) && !mp_obj_is_int(arg) && mp_get_buffer(arg, &buf, MP_BUFFER_READ);
    if (!mp_obj_is_int(arg) && !mp_obj_is_str(arg) && !is_buffer) {
        mp_raise_TypeError(MP_ERROR_TEXT("[MAIXPY]kpu: only accept int or string"));
    }
    modkpu_net_obj_t *self = new_net();
    if (is_buffer) {
        src.buf = buf.buf;
        src.size = buf.len > UINT32_MAX ? UINT32_MAX : (uint32_t)buf.len;
    } else if (mp_obj_is_str(arg)) {
        from_path(self, arg, &src);
    } else {
        from_flash(self, arg, &src);
    }
    load(self, &src);
    return MP_OBJ_FROM_PTR(self);
}
MP_DEFINE_CONST_FUN_OBJ_1(modkpu_load_obj, modkpu_load);

// kpu.load_flash(flash_addr, is_dual_buf, batch_size, spi_speed). MaixPy streams the weights from
// flash while it runs; here the whole model is loaded, so it must fit the memory.
static mp_obj_t modkpu_load_flash(size_t n_args, const mp_obj_t *args) {
    source_t src = { .file = MP_OBJ_NULL, .function = "load_flash" };
    for (size_t i = 0; i < n_args; ++i) {
        if (!mp_obj_is_int(args[i])) {
            mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: load_flash arg format error: "
                "task=kpu.load_flash(flash_addr, is_dual_buf, batch_size, spi_speed)"));
        }
    }
    modkpu_net_obj_t *self = new_net();
    from_flash(self, args[0], &src);
    load(self, &src);
    return MP_OBJ_FROM_PTR(self);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(modkpu_load_flash_obj, 4, 4, modkpu_load_flash);
