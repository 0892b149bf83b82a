// SPDX-License-Identifier: MIT
#define MICROPY_HW_BOARD_NAME "Sipeed Maix Cube"
#define MICROPY_HW_BANKS_1V8 (0xC0) // banks 6 and 7: camera and LCD

#define MICROPY_HW_LCD_WIDTH (240)
#define MICROPY_HW_LCD_HEIGHT (240)
#define MICROPY_HW_LCD_INVERT (1)   // IPS glass
#define MICROPY_HW_LCD_DIR (0x60)
