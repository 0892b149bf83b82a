// SPDX-License-Identifier: MIT
// Beginning of the generated pin tables.
#include "py/obj.h"
#include "machine_pin.h"
#include "genhdr/pins.h"
