// SPDX-License-Identifier: MIT
// Read before py/objarray.c. MaixPy's programs write bytearray("text") without an encoding. There is one that can
// be meant, UTF-8; so the check that refuses a str finds none, and its bytes are taken like those of any buffer.
#ifndef K210_BYTEARRAY_STR_H
#define K210_BYTEARRAY_STR_H

#include "py/obj.h"
#include "py/objstr.h"

#undef mp_obj_is_str
#define mp_obj_is_str(o) (false)

#endif
