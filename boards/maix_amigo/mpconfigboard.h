// SPDX-License-Identifier: MIT
#define MICROPY_HW_BOARD_NAME "Sipeed Maix Amigo"
#define MICROPY_HW_BANKS_1V8 (0xC0) // banks 6 and 7: camera and LCD

#define MICROPY_HW_LCD_WIDTH (480)
#define MICROPY_HW_LCD_HEIGHT (320)
#define MICROPY_HW_LCD_DIR (0x28)
#define MICROPY_HW_LCD_PANEL (1)    // ILI9486: the TFT version

// AXP173 with the values of the vendor's board script: supplies of camera and LCD, times of the power key.
#define MICROPY_HW_PMU_SCL (24)
#define MICROPY_HW_PMU_SDA (27)
#define MICROPY_HW_PMU_REGS { 0x27, 0x20 }, { 0x28, 0x0C }, { 0x36, 0xCC },

#define MICROPY_HW_SD_SCLK (11)
#define MICROPY_HW_SD_MOSI (10)
#define MICROPY_HW_SD_MISO (6)
#define MICROPY_HW_SD_CS (26)
