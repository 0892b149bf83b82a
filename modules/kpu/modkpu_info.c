// SPDX-License-Identifier: MIT
//
// kpu.netinfo, kpu.memtest, kpu.memory.

#include <string.h>

#include "py/gc.h"
#include "py/runtime.h"

#include "modkpu.h"
#include "pool.h"

typedef struct {
    mp_obj_base_t base;
    const char *name;
    uint32_t index, type, wi, hi, wo, ho, chi, cho, dw, kernel_type, pool_type, para_size;
} netinfo_obj_t;

#define NETINFO_METHOD(name) \
    static mp_obj_t netinfo_##name(mp_obj_t self_in) { \
        return mp_obj_new_int_from_uint(((netinfo_obj_t *)MP_OBJ_TO_PTR(self_in))->name); \
    } \
    static MP_DEFINE_CONST_FUN_OBJ_1(netinfo_##name##_obj, netinfo_##name)

NETINFO_METHOD(index);
NETINFO_METHOD(type);
NETINFO_METHOD(wi);
NETINFO_METHOD(hi);
NETINFO_METHOD(wo);
NETINFO_METHOD(ho);
NETINFO_METHOD(chi);
NETINFO_METHOD(cho);
NETINFO_METHOD(dw);
NETINFO_METHOD(kernel_type);
NETINFO_METHOD(pool_type);
NETINFO_METHOD(para_size);

#define NETINFO_ENTRY(name) { MP_ROM_QSTR(MP_QSTR_##name), MP_ROM_PTR(&netinfo_##name##_obj) }

static const mp_rom_map_elem_t netinfo_locals_table[] = {
    NETINFO_ENTRY(index),
    NETINFO_ENTRY(type),
    NETINFO_ENTRY(wi),
    NETINFO_ENTRY(hi),
    NETINFO_ENTRY(wo),
    NETINFO_ENTRY(ho),
    NETINFO_ENTRY(chi),
    NETINFO_ENTRY(cho),
    NETINFO_ENTRY(dw),
    NETINFO_ENTRY(kernel_type),
    NETINFO_ENTRY(pool_type),
    NETINFO_ENTRY(para_size),
};
static MP_DEFINE_CONST_DICT(netinfo_locals, netinfo_locals_table);

static void netinfo_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    const netinfo_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "{\"index\":%u, \"type\":%s, \"wi\":%u, \"hi\":%u, \"wo\":%u, \"ho\":%u, \"chi\":%u, \"cho\":%u, "
        "\"dw\":%u, \"kernel_type\":%u, \"pool_type\":%u, \"para_size\":%u}", (unsigned)self->index, self->name,
        (unsigned)self->wi, (unsigned)self->hi, (unsigned)self->wo, (unsigned)self->ho, (unsigned)self->chi,
        (unsigned)self->cho, (unsigned)self->dw, (unsigned)self->kernel_type, (unsigned)self->pool_type,
        (unsigned)self->para_size);
}

MP_DEFINE_CONST_OBJ_TYPE(
    modkpu_netinfo_type,
    MP_QSTR_kpu_netinfo_find,
    MP_TYPE_FLAG_NONE,
    print, netinfo_print,
    locals_dict, &netinfo_locals
    );

static mp_obj_t modkpu_netinfo(mp_obj_t net_in) {
    modkpu_net_obj_t *self = modkpu_get_open_net(net_in);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (uint32_t i = 0; i < self->net.n_nodes; ++i) {
        const kpu_node_t *node = &self->net.nodes[i];
        netinfo_obj_t *info = mp_obj_malloc(netinfo_obj_t, &modkpu_netinfo_type);
        mp_obj_base_t base = info->base;
        *info = (netinfo_obj_t) {
            .base = base, .name = node->name, .index = i, .type = node->code, .para_size = node->body_size,
        };
        if (node->op == KPU_OP_CONV) {
            const kpu_conv_t *conv = &node->p.conv;
            info->wi = conv->in.w;
            info->hi = conv->in.h;
            info->chi = conv->in.c;
            info->wo = conv->out.w;
            info->ho = conv->out.h;
            info->cho = conv->out.c;
            info->dw = conv->depthwise;
            info->kernel_type = conv->kernel == 3;
            info->pool_type = conv->pool;
            info->para_size = conv->weights_size;
        }
        mp_printf(&mp_plat_print, "layer[%u]: %s, %u bytes%s\n", (unsigned)i, node->name, (unsigned)node->body_size,
            kpu_stream_has(&self->net, node) ? ", streamed" : "");
        mp_obj_list_append(list, MP_OBJ_FROM_PTR(info));
    }
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_1(modkpu_netinfo_obj, modkpu_netinfo);

// The heap grows into the pool, so what one Python object can have is the larger of both.
static size_t largest_object(void) {
    gc_info_t info;
    gc_info(&info);
    size_t in_heap = info.max_free * MICROPY_BYTES_PER_GC_BLOCK;
    size_t in_pool = pool_largest();
    return in_heap > in_pool ? in_heap : in_pool;
}

static mp_obj_t modkpu_memtest(void) {
    mp_printf(&mp_plat_print, "###free gc heap memory : %u KB\n", (unsigned)(largest_object() / 1024));
    mp_printf(&mp_plat_print, "###free sys heap memory: %u KB\n", (unsigned)(pool_free_bytes() / 1024));
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(modkpu_memtest_obj, modkpu_memtest);

static void store(mp_obj_t dict, qstr key, size_t value) {
    mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(key), mp_obj_new_int_from_uint(value));
}

// Bytes of the pool by who has them.
typedef struct {
    size_t heap, model, frames;
} owners_t;

static void add_owner(void *arg, const void *block, size_t size, const char *owner) {
    owners_t *sum = arg;
    if (owner == NULL || pool_is_kpu(block)) {
        return;
    }
    *(strcmp(owner, "gc heap") == 0 ? &sum->heap : strcmp(owner, "kpu model") == 0 ? &sum->model : &sum->frames) += size;
}

// kpu.memory(): where all the memory is, in bytes.
static mp_obj_t modkpu_memory_fun(void) {
    owners_t sum = { 0 };
    gc_info_t heap;
    pool_walk(add_owner, &sum);
    gc_info(&heap);
    size_t lent = pool_kpu_lent(), kpu_free = pool_kpu_free();
    // All figures before the first object: a new one may make the heap grow.
    const struct {
        qstr key;
        size_t value;
    } figures[] = {
        { MP_QSTR_sram, MICROPY_HW_SRAM_BYTES },
        { MP_QSTR_firmware, MICROPY_HW_SRAM_BYTES - pool_total_bytes() },
        { MP_QSTR_total, pool_total_bytes() },
        { MP_QSTR_free, pool_free_bytes() },
        { MP_QSTR_largest, pool_largest() },
        { MP_QSTR_models, sum.model },
        { MP_QSTR_images, sum.frames },
        { MP_QSTR_heap, sum.heap },
        { MP_QSTR_heap_free, heap.free },
        { MP_QSTR_kpu_ram, KPU_RAM_BYTES },
        { MP_QSTR_kpu_models, KPU_RAM_BYTES - lent - kpu_free },
        { MP_QSTR_kpu_images, lent },
        { MP_QSTR_kpu_free, kpu_free },
    };
    mp_obj_t dict = mp_obj_new_dict(MP_ARRAY_SIZE(figures));
    for (size_t i = 0; i < MP_ARRAY_SIZE(figures); ++i) {
        store(dict, figures[i].key, figures[i].value);
    }
    return dict;
}
MP_DEFINE_CONST_FUN_OBJ_0(modkpu_memory_fun_obj, modkpu_memory_fun);

// net.memory(): what this model takes.
mp_obj_t modkpu_net_memory(modkpu_net_obj_t *self) {
    const kpu_stream_t *stream = &self->stream;
    mp_obj_t dict = mp_obj_new_dict(8);
    store(dict, MP_QSTR_file, self->model_size);
    store(dict, MP_QSTR_model, self->plan.image_size);
    store(dict, MP_QSTR_streamed, stream->net ? stream->total : 0);
    store(dict, MP_QSTR_buffers, stream->net ? (size_t)stream->slots * stream->slot_size : 0);
    store(dict, MP_QSTR_layers, self->net.n_nodes * sizeof(kpu_node_t));
    store(dict, MP_QSTR_work, self->net.main_size);
    store(dict, MP_QSTR_kpu_ram, self->kpu_ram);
    return dict;
}
