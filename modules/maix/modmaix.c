// SPDX-License-Identifier: MIT
#include "py/builtin.h"
#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "hal/flash.h"
#include "hal/sysctl.h"
#include "config.h"
#include "maix.h"
#include "maix_audio.h"
#include "pool.h"

#define MHZ (1000000)
#define FREQ_MIN_MHZ (26)
#define FREQ_MAX_MHZ (600)

// freq.set(cpu=0, pll1=0, kpu_div=0), in MHz. MaixPy stores the values and resets the board; here they
// take effect at once and last until a reset.
static mp_obj_t maix_freq_set(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_cpu, ARG_pll1, ARG_kpu_div };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_cpu, MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_pll1, MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_kpu_div, MP_ARG_INT, {.u_int = 0} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    mp_int_t cpu = args[ARG_cpu].u_int, pll1 = args[ARG_pll1].u_int, div = args[ARG_kpu_div].u_int;
    if (cpu != 0 && (cpu < FREQ_MIN_MHZ || cpu > FREQ_MAX_MHZ)) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Unsupported CPU frequency!"));
    }
    if (pll1 != 0 || div != 0) {
        if (div == 0) {
            div = 1;
        }
        if (pll1 == 0) {
            pll1 = sysctl_clock_hz(CLOCK_PLL1) / MHZ;
        }
        if (div < 1 || div > 16 || pll1 / div < FREQ_MIN_MHZ || pll1 / div > FREQ_MAX_MHZ
            || sysctl_pll_set(1, pll1 * MHZ) < 0 || sysctl_clock_threshold(CLOCK_AI, div - 1) < 0) {
            mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Unsupported KPU frequency!"));
        }
    }
    if (cpu != 0 && sysctl_set_cpu_hz(cpu * MHZ) < 0) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Unsupported CPU frequency!"));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(maix_freq_set_fun, 0, maix_freq_set);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_freq_set_obj, MP_ROM_PTR(&maix_freq_set_fun));

static mp_obj_t maix_freq_get_cpu(void) {
    return MP_OBJ_NEW_SMALL_INT(sysctl_clock_hz(CLOCK_CPU) / MHZ);
}
static MP_DEFINE_CONST_FUN_OBJ_0(maix_freq_get_cpu_fun, maix_freq_get_cpu);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_freq_get_cpu_obj, MP_ROM_PTR(&maix_freq_get_cpu_fun));

static mp_obj_t maix_freq_get_kpu(void) {
    return MP_OBJ_NEW_SMALL_INT(sysctl_clock_hz(CLOCK_AI) / MHZ);
}
static MP_DEFINE_CONST_FUN_OBJ_0(maix_freq_get_kpu_fun, maix_freq_get_kpu);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_freq_get_kpu_obj, MP_ROM_PTR(&maix_freq_get_kpu_fun));

static mp_obj_t maix_freq_get(void) {
    mp_obj_t tuple[2] = { maix_freq_get_cpu(), maix_freq_get_kpu() };
    return mp_obj_new_tuple(2, tuple);
}
static MP_DEFINE_CONST_FUN_OBJ_0(maix_freq_get_fun, maix_freq_get);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_freq_get_obj, MP_ROM_PTR(&maix_freq_get_fun));

static const mp_rom_map_elem_t maix_freq_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_set), MP_ROM_PTR(&maix_freq_set_obj) },
    { MP_ROM_QSTR(MP_QSTR_get), MP_ROM_PTR(&maix_freq_get_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_cpu), MP_ROM_PTR(&maix_freq_get_cpu_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_kpu), MP_ROM_PTR(&maix_freq_get_kpu_obj) },
};
static MP_DEFINE_CONST_DICT(maix_freq_locals_dict, maix_freq_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    maix_freq_type,
    MP_QSTR_freq,
    MP_TYPE_FLAG_NONE,
    locals_dict, &maix_freq_locals_dict
    );

// MaixPy's file of the clocks and the heap: four words, of which only the last has a meaning here.
#define FREQ_FILE "/flash/freq.conf"
#define FREQ_WORDS (4)
#define FREQ_HEAP (3)

static mp_obj_t open_freq_file(qstr mode) {
    mp_obj_t args[2] = { mp_obj_new_str_from_cstr(FREQ_FILE), MP_OBJ_NEW_QSTR(mode) };
    return mp_builtin_open(2, args, (mp_map_t *)&mp_const_empty_map);
}

// 0 when nobody has set it.
static size_t stored_heap_size(void) {
    uint32_t words[FREQ_WORDS] = { 0 };
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t file = open_freq_file(MP_QSTR_rb);
        int error = 0;
        mp_uint_t n = mp_stream_rw(file, words, sizeof(words), &error, MP_STREAM_RW_READ);
        mp_stream_close(file);
        nlr_pop();
        return error == 0 && n == sizeof(words) ? words[FREQ_HEAP] : 0;
    }
    mp_obj_t type = MP_OBJ_FROM_PTR(mp_obj_get_type(MP_OBJ_FROM_PTR(nlr.ret_val)));
    if (!mp_obj_is_subclass_fast(type, MP_OBJ_FROM_PTR(&mp_type_OSError))) {
        nlr_jump(nlr.ret_val); // Ctrl-C
    }
    return 0;
}

static void store_heap_size(size_t bytes) {
    uint32_t words[FREQ_WORDS] = { 0 };
    words[FREQ_HEAP] = (uint32_t)bytes;
    mp_obj_t file = open_freq_file(MP_QSTR_wb);
    int error = 0;
    mp_uint_t n = mp_stream_rw(file, words, sizeof(words), &error, MP_STREAM_RW_WRITE);
    mp_stream_close(file);
    if (error || n != sizeof(words)) {
        mp_raise_OSError(error ? error : MP_EIO);
    }
}

// gc_heap_size([bytes]): programs set it, reset the board when it was another before, and go on when it is as they
// wish; so it is kept. The heap itself grows on demand: asking for more than it can grow to is an error at once
// instead of a smaller heap after the next reset.
static mp_obj_t maix_gc_heap_size(size_t n_args, const mp_obj_t *args) {
    gc_info_t info;
    gc_info(&info);
    size_t limit = info.total + info.max_new_split;
    if (n_args == 0) {
        size_t stored = stored_heap_size();
        return mp_obj_new_int_from_uint(stored ? stored : limit);
    }
    mp_int_t wanted = mp_obj_get_int(args[0]);
    if (wanted <= 0 || (size_t)wanted > limit) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("the heap can have 1 to %u bytes, not %d"), (unsigned)limit,
            (int)wanted);
    }
    if (stored_heap_size() != (size_t)wanted) {
        store_heap_size((size_t)wanted);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(maix_gc_heap_size_fun, 0, 1, maix_gc_heap_size);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_gc_heap_size_obj, MP_ROM_PTR(&maix_gc_heap_size_fun));

// heap_free(): memory for models and frame buffers
static mp_obj_t maix_heap_free(void) {
    return mp_obj_new_int_from_uint(pool_free_bytes());
}
static MP_DEFINE_CONST_FUN_OBJ_0(maix_heap_free_fun, maix_heap_free);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_heap_free_obj, MP_ROM_PTR(&maix_heap_free_fun));

static mp_obj_t maix_flash_read(mp_obj_t addr_in, mp_obj_t len_in) {
    mp_int_t addr = mp_obj_get_int(addr_in), len = mp_obj_get_int(len_in);
    if (addr < 0 || len < 0 || (size_t)addr > flash_size() || (size_t)len > flash_size() - addr) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%d bytes at 0x%x are outside of the flash"),
            (int)len, (unsigned)addr);
    }
    vstr_t vstr;
    vstr_init_len(&vstr, len);
    mp_hal_check(flash_read(addr, vstr.buf, len));
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_2(maix_flash_read_fun, maix_flash_read);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_flash_read_obj, MP_ROM_PTR(&maix_flash_read_fun));

static const mp_rom_map_elem_t maix_utils_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_gc_heap_size), MP_ROM_PTR(&maix_gc_heap_size_obj) },
    { MP_ROM_QSTR(MP_QSTR_heap_free), MP_ROM_PTR(&maix_heap_free_obj) },
    { MP_ROM_QSTR(MP_QSTR_flash_read), MP_ROM_PTR(&maix_flash_read_obj) },
};
static MP_DEFINE_CONST_DICT(maix_utils_locals_dict, maix_utils_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    maix_utils_type,
    MP_QSTR_utils,
    MP_TYPE_FLAG_NONE,
    locals_dict, &maix_utils_locals_dict
    );

// config.get_value(key, default): of /flash/config.json as it is now, so __init__() has nothing to do.
static mp_obj_t maix_config_get_value(mp_obj_t key, mp_obj_t value) {
    mp_obj_t values = k210_config();
    if (values != MP_OBJ_NULL) {
        mp_map_elem_t *e = mp_map_lookup(mp_obj_dict_get_map(values), key, MP_MAP_LOOKUP);
        value = e ? e->value : value;
    }
    return value;
}
static MP_DEFINE_CONST_FUN_OBJ_2(maix_config_get_value_fun, maix_config_get_value);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_config_get_value_obj, MP_ROM_PTR(&maix_config_get_value_fun));

static mp_obj_t maix_config_init(void) {
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(maix_config_init_fun, maix_config_init);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_config_init_obj, MP_ROM_PTR(&maix_config_init_fun));

static const mp_rom_map_elem_t maix_config_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR___init__), MP_ROM_PTR(&maix_config_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_value), MP_ROM_PTR(&maix_config_get_value_obj) },
};
static MP_DEFINE_CONST_DICT(maix_config_locals_dict, maix_config_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    maix_config_type,
    MP_QSTR_config,
    MP_TYPE_FLAG_NONE,
    locals_dict, &maix_config_locals_dict
    );

static const mp_rom_map_elem_t maix_module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_Maix) },
    { MP_ROM_QSTR(MP_QSTR_FPIOA), MP_ROM_PTR(&maix_fpioa_type) },
    { MP_ROM_QSTR(MP_QSTR_GPIO), MP_ROM_PTR(&maix_gpio_type) },
    { MP_ROM_QSTR(MP_QSTR_config), MP_ROM_PTR(&maix_config_type) },
    #if MICROPY_PY_MACHINE_I2S
    { MP_ROM_QSTR(MP_QSTR_I2S), MP_ROM_PTR(&maix_i2s_type) },
    { MP_ROM_QSTR(MP_QSTR_Audio), MP_ROM_PTR(&maix_audio_type) },
    #endif
    #if MICROPY_HW_MAIX_FFT
    { MP_ROM_QSTR(MP_QSTR_FFT), MP_ROM_PTR(&maix_fft_type) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_freq), MP_ROM_PTR(&maix_freq_type) },
    { MP_ROM_QSTR(MP_QSTR_utils), MP_ROM_PTR(&maix_utils_type) },
};
static MP_DEFINE_CONST_DICT(maix_module_globals, maix_module_globals_table);

const mp_obj_module_t mp_module_maix = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&maix_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_Maix, mp_module_maix);
