// SPDX-License-Identifier: MIT
// import audio: MaixPy's module has the one class that is also Maix.Audio.
#include "py/runtime.h"

#include "maix/maix_audio.h"

static const mp_rom_map_elem_t audio_module_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_audio) },
    { MP_ROM_QSTR(MP_QSTR_Audio), MP_ROM_PTR(&maix_audio_type) },
};
static MP_DEFINE_CONST_DICT(audio_module_globals, audio_module_table);

const mp_obj_module_t audio_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&audio_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_audio, audio_module);
