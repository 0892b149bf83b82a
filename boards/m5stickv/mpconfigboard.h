// SPDX-License-Identifier: MIT
#define MICROPY_HW_BOARD_NAME "M5StickV"
#define MICROPY_HW_BANKS_1V8 (0xC0) // banks 6 and 7: camera and keys

#define MICROPY_HW_LCD_TYPE (3)     // one data line
#define MICROPY_HW_CAM_XCLK_HZ (12000000)

// AXP192. Core 0.9 V (DC-DC2), 190 mA charging current, key: 4 s to off, backlight 3.3 V (GPIO0 as LDO),
// 3.3 V (LDO2) and 1.8 V (LDO3, DC-DC3) for LCD and camera, all outputs on, off below 3.2 V, and no
// temperature limit, as the battery has no sensor.
#define MICROPY_HW_PMU_SCL (28)
#define MICROPY_HW_PMU_SDA (29)
#define MICROPY_HW_PMU_REGS \
    { 0x23, 0x08 }, { 0x33, 0xC1 }, { 0x36, 0x6C }, { 0x91, 0xF0 }, { 0x90, 0x02 }, { 0x28, 0xF0 }, \
    { 0x27, 0x2C }, { 0x12, 0xFF }, { 0x31, 0x03 }, { 0x39, 0xFC },
#define MICROPY_HW_PADS_HIGH (23)   // 5 V comes from USB, not from the battery

#define MICROPY_HW_SD_SCLK (30)
#define MICROPY_HW_SD_MOSI (33)
#define MICROPY_HW_SD_MISO (31)
#define MICROPY_HW_SD_CS (32)
