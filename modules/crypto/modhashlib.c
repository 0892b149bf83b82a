// SPDX-License-Identifier: MIT
//
// Module hashlib: md5, sha1 and sha256. A message that is given to sha256 as one piece is left to the
// accelerator; what comes in several pieces is hashed in software, as the accelerator needs the whole.
#include <string.h>

#include "py/objstr.h"
#include "py/runtime.h"
#include "hal/sha256.h"
#include "hash.h"

#define HARD_FROM (256) // bytes; below, software is as fast

typedef struct _hash_obj_t {
    mp_obj_base_t base;
    bool final;
    hash_t state;
    mp_obj_t whole; // the first piece, not hashed yet; only immutable bytes can wait. When final: the digest
} hash_obj_t;

static const mp_obj_type_t md5_type, sha1_type, sha256_type;

static enum hash_kind kind_of(const mp_obj_type_t *type) {
    return type == &md5_type ? HASH_MD5 : type == &sha1_type ? HASH_SHA1 : HASH_SHA256;
}

// Digest of one piece by the accelerator; false if it is not available now.
static bool by_hardware(const mp_buffer_info_t *buf, uint8_t *digest) {
    return buf->len <= SHA256_HARD_MAX && sha256_hard(buf->buf, buf->len, digest) == 0;
}

static void hash_waiting(hash_obj_t *self) {
    if (self->whole != MP_OBJ_NULL) {
        mp_buffer_info_t buf;
        mp_get_buffer_raise(self->whole, &buf, MP_BUFFER_READ);
        self->whole = MP_OBJ_NULL;
        hash_update(&self->state, buf.buf, buf.len);
    }
}

static mp_obj_t hash_update_method(mp_obj_t self_in, mp_obj_t data) {
    hash_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->final) {
        mp_raise_ValueError(MP_ERROR_TEXT("hash is final"));
    }
    mp_buffer_info_t buf;
    mp_get_buffer_raise(data, &buf, MP_BUFFER_READ);
    bool first = self->state.len == 0 && self->whole == MP_OBJ_NULL;
    if (first && self->state.kind == HASH_SHA256 && buf.len >= HARD_FROM) {
        if (mp_obj_is_type(data, &mp_type_bytes)) {
            self->whole = data;
            return mp_const_none;
        }
        // The program may change its buffer before it wants the digest.
        uint8_t *copy = m_malloc_maybe(buf.len);
        if (copy != NULL) {
            memcpy(copy, buf.buf, buf.len);
            mp_obj_str_t *bytes = mp_obj_malloc(mp_obj_str_t, &mp_type_bytes);
            bytes->hash = 0;
            bytes->len = buf.len;
            bytes->data = copy;
            self->whole = MP_OBJ_FROM_PTR(bytes);
            return mp_const_none;
        }
    }
    hash_waiting(self);
    hash_update(&self->state, buf.buf, buf.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(hash_update_obj, hash_update_method);

static mp_obj_t hash_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    hash_obj_t *self = mp_obj_malloc(hash_obj_t, type);
    self->final = false;
    self->whole = MP_OBJ_NULL;
    hash_init(&self->state, kind_of(type));
    if (n_args == 1) {
        hash_update_method(MP_OBJ_FROM_PTR(self), args[0]);
    }
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t hash_digest(mp_obj_t self_in) {
    hash_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->final) {
        return self->whole;
    }
    uint8_t digest[4 * HASH_WORDS_MAX];
    mp_buffer_info_t buf = { 0 };
    if (self->whole != MP_OBJ_NULL) {
        mp_get_buffer_raise(self->whole, &buf, MP_BUFFER_READ);
    }
    if (buf.len == 0 || !by_hardware(&buf, digest)) {
        hash_waiting(self);
        hash_final(&self->state, digest);
    }
    // Asked again, it is the same: MaixPy's programs do so.
    self->final = true;
    self->whole = mp_obj_new_bytes(digest, hash_size(self->state.kind));
    return self->whole;
}
static MP_DEFINE_CONST_FUN_OBJ_1(hash_digest_obj, hash_digest);

// calculate_hard(data) -> digest, by the accelerator; MaixPy's
static mp_obj_t hash_calculate_hard(mp_obj_t self_in, mp_obj_t data) {
    uint8_t digest[32];
    mp_buffer_info_t buf;
    mp_get_buffer_raise(data, &buf, MP_BUFFER_READ);
    if (buf.len > SHA256_HARD_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("the accelerator takes up to %u bytes"), SHA256_HARD_MAX);
    }
    if (!by_hardware(&buf, digest)) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("the SHA256 accelerator is busy or does not answer"));
    }
    return mp_obj_new_bytes(digest, sizeof(digest));
}
static MP_DEFINE_CONST_FUN_OBJ_2(hash_calculate_hard_obj, hash_calculate_hard);

static const mp_rom_map_elem_t hash_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_update), MP_ROM_PTR(&hash_update_obj) },
    { MP_ROM_QSTR(MP_QSTR_digest), MP_ROM_PTR(&hash_digest_obj) },
};
static MP_DEFINE_CONST_DICT(hash_locals, hash_locals_table);

static const mp_rom_map_elem_t sha256_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_update), MP_ROM_PTR(&hash_update_obj) },
    { MP_ROM_QSTR(MP_QSTR_digest), MP_ROM_PTR(&hash_digest_obj) },
    { MP_ROM_QSTR(MP_QSTR_calculate_hard), MP_ROM_PTR(&hash_calculate_hard_obj) },
};
static MP_DEFINE_CONST_DICT(sha256_locals, sha256_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(md5_type, MP_QSTR_md5, MP_TYPE_FLAG_NONE, make_new, hash_make_new, locals_dict, &hash_locals);
static MP_DEFINE_CONST_OBJ_TYPE(sha1_type, MP_QSTR_sha1, MP_TYPE_FLAG_NONE, make_new, hash_make_new, locals_dict, &hash_locals);
static MP_DEFINE_CONST_OBJ_TYPE(sha256_type, MP_QSTR_sha256, MP_TYPE_FLAG_NONE, make_new, hash_make_new, locals_dict, &sha256_locals);

static const mp_rom_map_elem_t hashlib_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_hashlib) },
    { MP_ROM_QSTR(MP_QSTR_md5), MP_ROM_PTR(&md5_type) },
    { MP_ROM_QSTR(MP_QSTR_sha1), MP_ROM_PTR(&sha1_type) },
    { MP_ROM_QSTR(MP_QSTR_sha256), MP_ROM_PTR(&sha256_type) },
};
static MP_DEFINE_CONST_DICT(hashlib_globals, hashlib_globals_table);

const mp_obj_module_t mp_module_k210_hashlib = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&hashlib_globals,
};

MP_REGISTER_EXTENSIBLE_MODULE(MP_QSTR_hashlib, mp_module_k210_hashlib);
