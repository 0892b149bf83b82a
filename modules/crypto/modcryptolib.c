// SPDX-License-Identifier: MIT
//
// Module cryptolib (MaixPy: ucryptolib): AES on the accelerator.
//
// Modes by number: MicroPython has 1 = ECB, 2 = CBC, 6 = CTR; MaixPy has 1 = GCM, 2 = CBC, 3 = ECB. A 1 with
// an IV is GCM and without is ECB. CTR is made of ECB.
#include <string.h>

#include "py/runtime.h"
#include "hal/aes.h"
#include "aes_soft.h"

#define BLOCK (16)
#define CTR_CHUNK (512)

enum { MODE_ECB_OR_GCM = 1, MODE_CBC = 2, MODE_ECB = 3, MODE_CTR = 6 };
enum { FRESH, ENCRYPTS, DECRYPTS };

typedef struct _aes_obj_t {
    mp_obj_base_t base;
    uint8_t mode; // MODE_ECB_OR_GCM is GCM here
    uint8_t direction;
    bool soft;
    uint8_t key_len, stream_used;
    uint8_t key[32];
    uint8_t iv[BLOCK]; // next one
    uint8_t stream[BLOCK]; // CTR: key stream of the current block
    uint8_t tag[BLOCK]; // GCM
    mp_obj_t aad;
} aes_obj_t;

// aes(key, mode[, iv[, aad]], *, hard=True)
static mp_obj_t aes_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_key, ARG_mode, ARG_iv, ARG_aad, ARG_hard };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_key, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_mode, MP_ARG_REQUIRED | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_iv, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_aad, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_hard, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = true} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed), allowed, args);
    mp_int_t mode = args[ARG_mode].u_int;
    bool has_iv = args[ARG_iv].u_obj != mp_const_none;
    if (mode == MODE_ECB_OR_GCM && !has_iv) {
        mode = MODE_ECB;
    }
    if (mode != MODE_ECB_OR_GCM && mode != MODE_CBC && mode != MODE_ECB && mode != MODE_CTR) {
        mp_raise_ValueError(MP_ERROR_TEXT("mode"));
    }
    mp_buffer_info_t key, iv = { 0 };
    mp_get_buffer_raise(args[ARG_key].u_obj, &key, MP_BUFFER_READ);
    if (key.len != 16 && key.len != 24 && key.len != 32) {
        mp_raise_ValueError(MP_ERROR_TEXT("key"));
    }
    if (has_iv) {
        mp_get_buffer_raise(args[ARG_iv].u_obj, &iv, MP_BUFFER_READ);
    }
    size_t iv_len = mode == MODE_ECB ? iv.len : mode == MODE_ECB_OR_GCM ? 12 : BLOCK;
    if (iv.len != iv_len) {
        mp_raise_ValueError(MP_ERROR_TEXT("IV"));
    }
    if (args[ARG_aad].u_obj != mp_const_none) {
        mp_buffer_info_t aad;
        mp_get_buffer_raise(args[ARG_aad].u_obj, &aad, MP_BUFFER_READ);
        if (mode != MODE_ECB_OR_GCM) {
            mp_raise_ValueError(MP_ERROR_TEXT("aad is for MODE_GCM only"));
        }
    }
    if (mode == MODE_ECB_OR_GCM && !args[ARG_hard].u_bool) {
        mp_raise_ValueError(MP_ERROR_TEXT("MODE_GCM is in hardware only"));
    }
    aes_obj_t *self = mp_obj_malloc(aes_obj_t, type);
    memset((uint8_t *)self + sizeof(self->base), 0, sizeof(*self) - sizeof(self->base));
    self->mode = mode;
    self->soft = !args[ARG_hard].u_bool;
    self->stream_used = BLOCK;
    self->key_len = key.len;
    self->aad = args[ARG_aad].u_obj;
    memcpy(self->key, key.buf, key.len);
    if (mode != MODE_ECB) {
        memcpy(self->iv, iv.buf, iv.len);
    }
    return MP_OBJ_FROM_PTR(self);
}

static void by_software(aes_obj_t *self, enum aes_cipher cipher, bool decrypt, const uint8_t *in, uint8_t *out, size_t n) {
    aes_soft_key_t key;
    (decrypt ? aes_soft_decrypt_key : aes_soft_encrypt_key)(&key, self->key, self->key_len);
    for (size_t at = 0; at < n; at += BLOCK) {
        uint8_t block[BLOCK];
        memcpy(block, in + at, BLOCK);
        if (cipher == AES_CBC && !decrypt) {
            for (unsigned i = 0; i < BLOCK; ++i) {
                block[i] ^= self->iv[i];
            }
            aes_soft_encrypt(&key, block, self->iv);
            memcpy(out + at, self->iv, BLOCK);
        } else if (cipher == AES_CBC) {
            aes_soft_decrypt(&key, block, out + at);
            for (unsigned i = 0; i < BLOCK; ++i) {
                out[at + i] ^= self->iv[i];
            }
            memcpy(self->iv, block, BLOCK);
        } else {
            (decrypt ? aes_soft_decrypt : aes_soft_encrypt)(&key, block, out + at);
        }
    }
    memset(&key, 0, sizeof(key));
}

static void run(aes_obj_t *self, enum aes_cipher cipher, bool decrypt, const uint8_t *in, uint8_t *out, size_t n) {
    if (n == 0 && cipher != AES_GCM) {
        return;
    }
    if (self->soft) {
        by_software(self, cipher, decrypt, in, out, n);
        return;
    }
    mp_buffer_info_t aad = { 0 };
    if (self->aad != mp_const_none) {
        mp_get_buffer_raise(self->aad, &aad, MP_BUFFER_READ);
    }
    aes_job_t job = {
        .cipher = cipher,
        .decrypt = decrypt,
        .key = self->key,
        .key_len = self->key_len,
        .iv = self->iv,
        .aad = aad.buf,
        .aad_len = aad.len,
        .tag = self->tag,
    };
    // The next call goes on from the last block of cipher text, which in place would be gone afterwards.
    uint8_t next[BLOCK] = { 0 };
    if (cipher == AES_CBC && decrypt) {
        memcpy(next, in + n - BLOCK, BLOCK);
    }
    if (aes_hard(&job, in, out, n) < 0) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("the AES accelerator is busy or does not answer"));
    }
    if (cipher == AES_CBC) {
        memcpy(self->iv, decrypt ? next : out + n - BLOCK, BLOCK);
    }
}

static void count_up(uint8_t *counter) {
    for (unsigned i = BLOCK; i-- > 0 && ++counter[i] == 0;) {
    }
}

static void run_ctr(aes_obj_t *self, const uint8_t *in, uint8_t *out, size_t n) {
    uint8_t stream[CTR_CHUNK];
    for (; n != 0 && self->stream_used < BLOCK; --n) {
        *out++ = *in++ ^ self->stream[self->stream_used++];
    }
    while (n != 0) {
        size_t blocks = MIN((n + BLOCK - 1) / BLOCK, CTR_CHUNK / BLOCK);
        for (size_t i = 0; i < blocks; ++i) {
            memcpy(stream + BLOCK * i, self->iv, BLOCK);
            count_up(self->iv);
        }
        run(self, AES_ECB, false, stream, stream, BLOCK * blocks);
        size_t len = MIN(n, BLOCK * blocks);
        for (size_t i = 0; i < len; ++i) {
            out[i] = in[i] ^ stream[i];
        }
        in += len;
        out += len;
        n -= len;
        self->stream_used = BLOCK - (BLOCK * blocks - len);
        memcpy(self->stream, stream + BLOCK * (blocks - 1), BLOCK);
    }
}

static mp_obj_t process(size_t n_args, const mp_obj_t *args, bool decrypt) {
    aes_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t in, out;
    mp_get_buffer_raise(args[1], &in, MP_BUFFER_READ);
    if ((self->mode == MODE_CBC || self->mode == MODE_ECB) && in.len % BLOCK != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("blksize % 16"));
    }
    if (self->mode == MODE_CBC || self->mode == MODE_ECB) {
        unsigned direction = decrypt ? DECRYPTS : ENCRYPTS;
        if (self->direction != FRESH && self->direction != direction) {
            mp_raise_ValueError(MP_ERROR_TEXT("can't encrypt & decrypt"));
        }
        self->direction = direction;
    }
    vstr_t vstr;
    if (n_args > 2 && args[2] != mp_const_none) {
        mp_get_buffer_raise(args[2], &out, MP_BUFFER_WRITE);
        if (out.len < in.len) {
            mp_raise_ValueError(MP_ERROR_TEXT("output too small"));
        }
    } else {
        vstr_init_len(&vstr, in.len);
        out.buf = vstr.buf;
    }
    if (self->mode == MODE_CTR) {
        run_ctr(self, in.buf, out.buf, in.len);
    } else {
        enum aes_cipher cipher = self->mode == MODE_ECB ? AES_ECB : self->mode == MODE_CBC ? AES_CBC : AES_GCM;
        run(self, cipher, decrypt, in.buf, out.buf, in.len);
    }
    return n_args > 2 && args[2] != mp_const_none ? args[2] : mp_obj_new_bytes_from_vstr(&vstr);
}

// encrypt(data[, out]) -> bytes or out. In MODE_GCM each call starts from the IV; use another IV per message.
static mp_obj_t aes_encrypt(size_t n_args, const mp_obj_t *args) {
    return process(n_args, args, false);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(aes_encrypt_obj, 2, 3, aes_encrypt);

static mp_obj_t aes_decrypt(size_t n_args, const mp_obj_t *args) {
    return process(n_args, args, true);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(aes_decrypt_obj, 2, 3, aes_decrypt);

// tag() -> the 16 bytes that authenticate what was last encrypted or decrypted
static mp_obj_t aes_tag(mp_obj_t self_in) {
    aes_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->mode != MODE_ECB_OR_GCM) {
        mp_raise_ValueError(MP_ERROR_TEXT("tag() is for MODE_GCM only"));
    }
    return mp_obj_new_bytes(self->tag, BLOCK);
}
static MP_DEFINE_CONST_FUN_OBJ_1(aes_tag_obj, aes_tag);

static const mp_rom_map_elem_t aes_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_encrypt), MP_ROM_PTR(&aes_encrypt_obj) },
    { MP_ROM_QSTR(MP_QSTR_decrypt), MP_ROM_PTR(&aes_decrypt_obj) },
    { MP_ROM_QSTR(MP_QSTR_tag), MP_ROM_PTR(&aes_tag_obj) },
};
static MP_DEFINE_CONST_DICT(aes_locals, aes_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    aes_type,
    MP_QSTR_aes,
    MP_TYPE_FLAG_NONE,
    make_new, aes_make_new,
    locals_dict, &aes_locals
    );

static const mp_rom_map_elem_t cryptolib_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_cryptolib) },
    { MP_ROM_QSTR(MP_QSTR_aes), MP_ROM_PTR(&aes_type) },
    { MP_ROM_QSTR(MP_QSTR_MODE_GCM), MP_ROM_INT(MODE_ECB_OR_GCM) },
    { MP_ROM_QSTR(MP_QSTR_MODE_CBC), MP_ROM_INT(MODE_CBC) },
    { MP_ROM_QSTR(MP_QSTR_MODE_ECB), MP_ROM_INT(MODE_ECB) },
    { MP_ROM_QSTR(MP_QSTR_MODE_CTR), MP_ROM_INT(MODE_CTR) },
};
static MP_DEFINE_CONST_DICT(cryptolib_globals, cryptolib_globals_table);

const mp_obj_module_t mp_module_k210_cryptolib = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&cryptolib_globals,
};

MP_REGISTER_EXTENSIBLE_MODULE(MP_QSTR_cryptolib, mp_module_k210_cryptolib);
