// SPDX-License-Identifier: MIT
#define MICROPY_HW_BOARD_NAME "Sipeed Maix Go"
#define MICROPY_HW_BANKS_1V8 (0xC0) // banks 6 and 7: camera and LCD
