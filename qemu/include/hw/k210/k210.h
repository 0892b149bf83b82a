/*
 * Kendryte K210: the machine
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_H
#define HW_K210_H

#include "hw/boards.h"
#include "hw/i2c/i2c.h"
#include "exec/memory.h"
#include "hw/k210/k210_bridge.h"

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
    int8_t boot_key;
} K210Board;

const K210Board *k210_board_find(const char *name);
/* The names of all boards, separated by commas. */
char *k210_board_names(void);

/*
 * Properties: "board", "strict", "isp" (the BOOT key is held down; may change
 * at run time), "camera" (host picture), "sensor" (overrides the board's).
 * QOM: blocks are /machine/soc/<name>, parts /machine/{lcd,camera,flash,sd}.
 */
struct K210MachineState {
    MachineState parent_obj;

    const K210Board *board;
    bool strict;
    bool isp;
    char *camera;
    char *sensor;

    Object *soc;
    MemoryRegion bus, bus_low, bus_high;
    MemoryRegion sram, sram_uncached;
    MemoryRegion airam, airam_cached, airam_uncached;
    MemoryRegion airam_off[2];
    MemoryRegion rom, romcpu;
    MemoryRegion holes[8];
    K210Bridge bridge;
    I2CBus *camera_bus;
    DeviceState *camera_dev;
};

/* A block of the SoC by its name in the memory map; NULL if not modelled. */
DeviceState *k210_block(K210MachineState *m, const char *name);

/* Makes the camera's I2C bus and sensor; before the blocks that use them. */
void k210_board_create_camera(K210MachineState *m);

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
