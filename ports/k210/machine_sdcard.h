// SPDX-License-Identifier: MIT
#ifndef K210_MACHINE_SDCARD_H
#define K210_MACHINE_SDCARD_H

#include "py/obj.h"

extern const mp_obj_type_t machine_sdcard_type;

#endif
