// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sensor_core.h"

// In the order of MaixPy: OmniVision, GalaxyCore, Micron.
static const sensor_driver_t *const drivers[] = {
    &sensor_ov2640,
    &sensor_ov7740,
    &sensor_ov5640,
    &sensor_gc0328,
    &sensor_gc0308,
    &sensor_gc2145,
};

#define N_DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

int sensor_read(sensor_t *s, uint16_t reg, uint8_t *value) {
    return s->bus->read(s->bus->ctx, s->addr, reg, s->driver->wide, value);
}

int sensor_write(sensor_t *s, uint16_t reg, uint8_t value) {
    return s->bus->write(s->bus->ctx, s->addr, reg, s->driver->wide, value);
}

int sensor_update(sensor_t *s, uint16_t reg, uint8_t mask, uint8_t value) {
    uint8_t old = 0;
    int ret = sensor_read(s, reg, &old);
    return ret ? ret : sensor_write(s, reg, (uint8_t)((old & ~mask) | (value & mask)));
}

int sensor_write_table(sensor_t *s, const sensor_reg_t *table, size_t n) {
    int ret = 0;
    for (size_t i = 0; i < n && ret == 0; i++) {
        ret = sensor_write(s, table[i].reg, table[i].value);
    }
    return ret;
}

uint8_t sensor_gain_register(float v) {
    return v > 255 ? 255 : v > 0 ? (uint8_t)(v + 0.5f) : 0;
}

// Pulses power-down and reset with the given active levels and leaves the sensor running.
static void power_up(const sensor_bus_t *bus, bool reset_high, bool power_down_high) {
    bus->power_down_line(bus->ctx, power_down_high);
    bus->delay_ms(bus->ctx, 10);
    bus->power_down_line(bus->ctx, !power_down_high);
    bus->delay_ms(bus->ctx, 10);
    bus->reset_line(bus->ctx, reset_high);
    bus->delay_ms(bus->ctx, 10);
    bus->reset_line(bus->ctx, !reset_high);
    bus->delay_ms(bus->ctx, 30);
}

static const sensor_driver_t *find(sensor_t *s, unsigned family, uint8_t seen[16]) {
    for (size_t i = 0; i < N_DRIVERS; i++) {
        if (family != SENSOR_FAMILY_ALL && family != drivers[i]->family) {
            continue;
        }
        s->driver = drivers[i];
        s->addr = drivers[i]->addr;
        // A write says whether anybody is there; reads of some register follow.
        uint8_t value;
        if (s->bus->read(s->bus->ctx, s->addr, 0, drivers[i]->wide, &value) == 0) {
            seen[s->addr / 8] |= (uint8_t)(1 << (s->addr % 8));
            if (drivers[i]->match(s, &s->id)) {
                return drivers[i];
            }
        }
    }
    s->driver = NULL;
    return NULL;
}

static void print_found(const sensor_t *s) {
    static const char *const lines[] = { "", "[MAIXPY]: find ov sensor", "", "[MAIXPY]: find mt sensor" };
    char line[48];
    snprintf(line, sizeof(line), "[MAIXPY]: find %s", s->driver->name);
    s->bus->print(s->bus->ctx, line);
    if (lines[s->driver->family][0]) {
        s->bus->print(s->bus->ctx, lines[s->driver->family]);
    }
}

static void describe(unsigned family, const uint8_t seen[16], char *err) {
    int n = snprintf(err, IMAGE_ERR_LEN, "Reset Failed: no camera; tried");
    for (size_t i = 0; i < N_DRIVERS && n < IMAGE_ERR_LEN; i++) {
        if (family == SENSOR_FAMILY_ALL || family == drivers[i]->family) {
            n += snprintf(err + n, (size_t)(IMAGE_ERR_LEN - n), " %s at 0x%02x,", drivers[i]->name, drivers[i]->addr);
        }
    }
    bool any = false;
    for (unsigned addr = 0; addr < 128 && n < IMAGE_ERR_LEN; addr++) {
        if (seen[addr / 8] >> (addr % 8) & 1) {
            n += snprintf(err + n, (size_t)(IMAGE_ERR_LEN - n), " 0x%02x answers with another id", addr);
            any = true;
        }
    }
    if (!any && n < IMAGE_ERR_LEN) {
        snprintf(err + n, (size_t)(IMAGE_ERR_LEN - n), " nobody answers");
    }
}

int sensor_probe(sensor_t *s, unsigned family, char err[IMAGE_ERR_LEN]) {
    uint8_t seen[16] = { 0 };
    for (unsigned i = 0; i < 4; i++) {
        power_up(s->bus, !(i & 1), !(i & 2));
        if (find(s, family, seen)) {
            print_found(s);
            return 0;
        }
    }
    s->bus->print(s->bus->ctx, "[MAIXPY]: no sensor");
    describe(family, seen, err);
    return -ENODEV;
}

int sensor_probe_pair(sensor_t *s, char err[IMAGE_ERR_LEN]) {
    const sensor_bus_t *bus = s->bus;
    uint8_t seen[16] = { 0 };
    unsigned found = 0;
    for (unsigned i = 0; i < 2; i++) {
        const sensor_driver_t *first = NULL;
        found = 0;
        for (unsigned high = 2; high-- > 0;) {
            bus->power_down_line(bus->ctx, high);
            bus->delay_ms(bus->ctx, 10);
            bus->reset_line(bus->ctx, i == 0);
            bus->delay_ms(bus->ctx, 10);
            bus->reset_line(bus->ctx, i != 0);
            bus->delay_ms(bus->ctx, 30);
            const sensor_driver_t *d = find(s, SENSOR_FAMILY_ALL, seen);
            found += d != NULL;
            if (d && first && d != first) {
                snprintf(err, IMAGE_ERR_LEN, "Reset Failed: sensors don't match: %s and %s", first->name, d->name);
                s->driver = NULL;
                return -ENODEV;
            }
            first = d;
        }
        if (found == 2) {
            print_found(s);
            return 0;
        }
    }
    s->driver = NULL;
    bus->print(bus->ctx, found ? "[MAIXPY]: sensors don't match" : "[MAIXPY]: no sensor");
    snprintf(err, IMAGE_ERR_LEN, "Reset Failed: %s", found ? "only one of two cameras answers" : "no camera answers");
    return -ENODEV;
}

// ---- frame sizes --------------------------------------------------------------------------------

static const uint16_t sizes[SENSOR_FRAMESIZES][2] = {
    { 0, 0 }, { 88, 72 }, { 176, 144 }, { 352, 288 }, { 88, 60 }, { 176, 120 }, { 352, 240 }, { 40, 30 }, { 80, 60 },
    { 160, 120 }, { 320, 240 }, { 640, 480 }, { 60, 40 }, { 120, 80 }, { 240, 160 }, { 64, 32 }, { 64, 64 },
    { 128, 64 }, { 128, 128 }, { 240, 240 }, { 128, 160 }, { 128, 160 }, { 720, 480 }, { 752, 480 }, { 800, 600 },
    { 1280, 1024 }, { 1600, 1200 },
};

bool sensor_framesize(int n, int32_t *w, int32_t *h) {
    if (n < 1 || n >= SENSOR_FRAMESIZES) {
        return false;
    }
    *w = sizes[n][0];
    *h = sizes[n][1];
    return true;
}

int sensor_window(int32_t w, int32_t h, const int32_t *roi, size_t n, image_rect_t *out, char err[IMAGE_ERR_LEN]) {
    const char *text = NULL;
    image_rect_t r = { 0 };
    if (n == 4) {
        r = (image_rect_t) { roi[0], roi[1], roi[2], roi[3] };
    } else if (n == 2) {
        r = (image_rect_t) { 0, 0, roi[0], roi[1] };
    } else {
        text = "The tuple/list must either be (x, y, w, h) or (w, h)";
    }
    if (!text && (r.w < 8 || r.h < 8)) {
        text = "The selected window is too small";
    }
    if (!text && (r.w > w || r.h > h || r.x < 0 || r.y < 0 || r.x > w - r.w || r.y > h - r.h)) {
        text = "The selected window is outside the bounds of the frame";
    }
    if (!text && (r.w % 8 || r.h % 8)) {
        text = "value must be multiple of 8";
    }
    if (text) {
        snprintf(err, IMAGE_ERR_LEN, "%s (frame %ldx%ld)", text, (long)w, (long)h);
        return -EINVAL;
    }
    if (n == 2) {
        r.x = (w - r.w) / 2;
        r.y = (h - r.h) / 2;
    }
    *out = r;
    return 0;
}
