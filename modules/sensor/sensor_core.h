// SPDX-License-Identifier: MIT
// Camera sensors without Python and without registers of the K210: finding the sensor on the bus,
// drivers as tables of functions, frame sizes and windows. Source of the probing order and of the
// ids: MaixPy v1 and K210 hardware references, chapters on camera sensors.
#ifndef K210_SENSOR_CORE_H
#define K210_SENSOR_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image.h"

// The sensor's wires. read and write return 0 or a negative errno; a register number has one byte,
// or two when wide. The register number and the value read are separate transactions.
typedef struct {
    int (*write)(void *ctx, uint8_t addr, uint16_t reg, bool wide, uint8_t value);
    int (*read)(void *ctx, uint8_t addr, uint16_t reg, bool wide, uint8_t *value);
    void (*reset_line)(void *ctx, bool high);
    void (*power_down_line)(void *ctx, bool high);
    void (*delay_ms)(void *ctx, uint32_t ms);
    void (*print)(void *ctx, const char *line);
    void *ctx;
} sensor_bus_t;

// How the sensor's bytes have to be read.
typedef enum { SENSOR_WIRE_YUV422, SENSOR_WIRE_RGB565 } sensor_wire_t;

// choice argument of sensor.reset()
enum { SENSOR_FAMILY_ALL, SENSOR_FAMILY_OV, SENSOR_FAMILY_GC, SENSOR_FAMILY_MT };

struct sensor;

// What scripts can set. Handlers return 0 or a negative errno; NULL = not supported.
typedef struct {
    const char *name;           // as MaixPy prints it: "ov2640"
    uint8_t addr;               // 7 bits
    bool wide;                  // register numbers have two bytes
    uint8_t family;
    sensor_wire_t wire;
    uint32_t xclk_hz;           // 0 = the default

    // Reads the id registers: true and *id when it is this sensor.
    bool (*match)(struct sensor *s, uint16_t *id);
    int (*init)(struct sensor *s);
    // The part window of a w*h picture of the whole scene, at that scale.
    int (*set_size)(struct sensor *s, int32_t w, int32_t h, image_rect_t window);
    bool can_window;            // false: set_size ignores window->x and y and sends all of w*h

    int (*set_hmirror)(struct sensor *s, bool on);
    int (*set_vflip)(struct sensor *s, bool on);
    int (*set_colorbar)(struct sensor *s, bool on);
    int (*set_contrast)(struct sensor *s, int level);   // -2..2, likewise the next two
    int (*set_brightness)(struct sensor *s, int level);
    int (*set_saturation)(struct sensor *s, int level);
    int (*set_gainceiling)(struct sensor *s, unsigned gain_log2);  // 2 << n: 0..6
    int (*set_auto_gain)(struct sensor *s, bool on, float gain_db, float ceiling_db); // NAN = leave
    int (*get_gain_db)(struct sensor *s, float *db);
    int (*set_auto_exposure)(struct sensor *s, bool on, int32_t us);                  // < 0 = leave
    int (*get_exposure_us)(struct sensor *s, int32_t *us);
    int (*set_auto_whitebal)(struct sensor *s, bool on, const float rgb_db[3]);        // NAN = leave; sensor_gain_register()
    int (*get_rgb_gain_db)(struct sensor *s, float rgb_db[3]);
    int (*set_special_effect)(struct sensor *s, int effect);
    int (*set_framerate)(struct sensor *s, unsigned fps);
    int (*sleep)(struct sensor *s, bool on);
} sensor_driver_t;

typedef struct sensor {
    const sensor_bus_t *bus;
    const sensor_driver_t *driver;  // NULL: none found
    uint8_t addr;
    uint16_t id;
    uint32_t xclk_hz;
    bool hmirror, vflip;
} sensor_t;

// Looks for a sensor of a family in the four combinations of reset and power-down polarity. 0, or
// -ENODEV with what was tried in err. The sensor is out of reset, its registers untouched.
int sensor_probe(sensor_t *s, unsigned family, char err[IMAGE_ERR_LEN]);

// The same for two equal cameras on one bus, which the power-down line chooses between: high the one, low the
// other. Leaves the line low.
int sensor_probe_pair(sensor_t *s, char err[IMAGE_ERR_LEN]);

int sensor_read(sensor_t *s, uint16_t reg, uint8_t *value);
int sensor_write(sensor_t *s, uint16_t reg, uint8_t value);
// Replaces the bits of mask.
int sensor_update(sensor_t *s, uint16_t reg, uint8_t mask, uint8_t value);

typedef struct {
    uint8_t reg, value;
} sensor_reg_t;
int sensor_write_table(sensor_t *s, const sensor_reg_t *table, size_t n);

// What scripts give as gain of a colour: the number for the register, as with MaixPy, not dB.
uint8_t sensor_gain_register(float v);

// ---- frame sizes --------------------------------------------------------------------------------

#define SENSOR_FRAMESIZES (27)

// Numbers of MaixPy (1 = QQCIF .. 26 = UXGA); false for others.
bool sensor_framesize(int n, int32_t *w, int32_t *h);

// The window that set_windowing() means: n numbers, (x, y, w, h) or (w, h) centred, in a w*h frame.
// 0, or -EINVAL with MaixPy's sentence in err.
int sensor_window(int32_t w, int32_t h, const int32_t *roi, size_t n, image_rect_t *out, char err[IMAGE_ERR_LEN]);

extern const sensor_driver_t sensor_ov2640, sensor_ov7740, sensor_ov5640, sensor_gc0308, sensor_gc0328, sensor_gc2145;

#endif
