/*
 * Kendryte K210: the machine
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_H
#define HW_K210_H

#include "hw/boards.h"
#include "exec/memory.h"
#include "hw/k210/k210_bridge.h"
#include "hw/k210/k210_controls.h"
#include "hw/k210/k210_i2c_buses.h"

#define TYPE_K210_MACHINE MACHINE_TYPE_NAME("k210")
OBJECT_DECLARE_SIMPLE_TYPE(K210MachineState, K210_MACHINE)

#define K210_NHARTS       2
#define K210_SRAM_BASE    0x80000000
#define K210_SRAM_SIZE    0x00600000
#define K210_AIRAM_OFFSET 0x00600000
#define K210_AIRAM_SIZE   0x00200000
#define K210_UNCACHED     0x40000000
#define K210_ROM_BASE     0x88000000
#define K210_ROM_SIZE     0x00020000
#define K210_ROMCPU_BASE  0x00001000
#define K210_ROMCPU_SIZE  0x00001000

/* A key or an LED. */
typedef struct K210BoardPin {
    const char *name;
    uint8_t pad;
} K210BoardPin;

/* A part on the board's own I2C bus. */
typedef struct K210BoardPart {
    const char *name;           /* /machine/<name> */
    const char *type;
    uint8_t address;
    uint8_t int_pad;            /* its interrupt line, 0 = not connected */
} K210BoardPart;

/* A board is data: what is soldered to which pad. -1 = not there. */
typedef struct K210Board {
    const char *name;
    const char *desc;
    uint64_t pull_ups;          /* pads with a resistor to the supply */
    const char *flash_part;
    const char *sensor;         /* k210-cam-<sensor>, NULL = no camera */
    struct {
        const char *type;       /* QOM type, NULL = no LCD */
        int8_t cs, rst, dc, wr;
    } lcd;
    struct {
        int8_t scl, sda, rst, pwdn, xclk;
    } cam;
    struct {
        int8_t cs, sclk, mosi, miso;
    } sd;
    struct {
        uint8_t scl, sda;       /* both 0 = no bus besides the camera's */
    } i2c;
    struct {
        uint8_t tx, rx, en;     /* as the module calls them; all 0 = none */
    } esp8285;
    struct {
        uint8_t cs, rst, rdy, mosi, miso, sclk; /* all 0 = none */
    } esp32;
    K210BoardPart parts[4];
    K210BoardPin keys[5];
    K210BoardPin leds[4];
} K210Board;

const K210Board *k210_board_find(const char *name);
/* The names of all boards, separated by commas. */
char *k210_board_names(void);
/* The pads that a resistor, a key's pull-up or an LED pulls to the supply. */
uint64_t k210_board_pull_ups(const K210Board *b);

/*
 * Properties: "board", "strict", "isp" (the BOOT key is held down; may change
 * at run time), "camera" (host picture), "sensor" (overrides the board's),
 * "wifi" (id of the character device behind the Wi-Fi module).
 * QOM: blocks are /machine/soc/<name>, parts /machine/{lcd,cam,flash,sd,...},
 * keys and LEDs are properties of /machine/keys and /machine/leds.
 */
struct K210MachineState {
    MachineState parent_obj;

    const K210Board *board;
    bool strict;
    bool caches, caches_given;
    bool isp;
    char *camera;
    char *wifi;
    char *sensor;
    char *panel;

    Object *soc;
    MemoryRegion bus, bus_low, bus_high;
    MemoryRegion sram, sram_uncached;
    MemoryRegion airam, airam_cached, airam_uncached;
    MemoryRegion airam_off[2];
    MemoryRegion rom, romcpu;
    MemoryRegion holes[8];
    K210Bridge bridge;
    K210I2CBuses *i2c_buses;
    K210Controls *keys;
    DeviceState *camera_dev;
};

/* A block of the SoC by its name in the memory map; NULL if not modelled. */
DeviceState *k210_block(K210MachineState *m, const char *name);

/* Makes the I2C buses and the camera; before the blocks that use them. */
void k210_board_create_buses(K210MachineState *m);

/* Puts the board's other parts on the pads and buses; the SoC must be realized. */
void k210_board_create(K210MachineState *m);

/* Tells the pads whether the BOOT key is held down. */
void k210_board_set_boot_key(K210MachineState *m, bool pressed);

/* Tolerant wiring: both ends must have the line, otherwise nothing happens. */
bool k210_has_gpio(DeviceState *dev, const char *name, int n);
void k210_wire(DeviceState *from, const char *out, int out_n,
               DeviceState *to, const char *in, int in_n);
void k210_link(DeviceState *dev, const char *property, void *target);

#endif
