// SPDX-License-Identifier: MIT
// audio.Audio with a file.
#ifndef K210_PY_AUDIO_H
#define K210_PY_AUDIO_H

#include "py/obj.h"

// The file behind an Audio object: to be played, or a new one to record to.
mp_obj_t py_audio_file_open(mp_obj_t path, bool create, mp_int_t rate);
void py_audio_file_close(mp_obj_t file);

MP_DECLARE_CONST_FUN_OBJ_2(py_audio_play_process_obj);
MP_DECLARE_CONST_FUN_OBJ_1(py_audio_play_obj);
MP_DECLARE_CONST_FUN_OBJ_KW(py_audio_record_process_obj);
MP_DECLARE_CONST_FUN_OBJ_2(py_audio_record_obj);
MP_DECLARE_CONST_FUN_OBJ_1(py_audio_finish_obj);

#endif
