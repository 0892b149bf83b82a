// SPDX-License-Identifier: MIT
// import sensor: the one camera, as in MaixPy.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/runtime/pyexec.h"

#include "config.h"
#include "py_args.h"
#include "py_image.h"

#include "capture.h"
#include "modsensor.h"
#include "sensor_core.h"
#include "sensor_hw.h"

#ifndef MICROPY_HW_CAM_XCLK_HZ
#define MICROPY_HW_CAM_XCLK_HZ (24000000)
#endif

// Values of the pixel format constants.
enum { PIX_BAYER = 1, PIX_RGB565 = 2, PIX_YUV422 = 3, PIX_GRAYSCALE = 4, PIX_JPEG = 5 };

static struct {
    sensor_bus_t bus;
    sensor_t sensor;
    mp_int_t pixformat;
    int32_t w, h;               // frame size; 0: not set
    image_rect_t window;
    bool dual;
} cam;

// ---- helpers ------------------------------------------------------------------------------------

// MaixPy's lines are for people: tools that run scripts over the raw REPL get only what the script
// itself prints.
static void print_line(void *ctx, const char *line) {
    (void)ctx;
    if (pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
        mp_printf(&mp_plat_print, "%s\n", line);
    }
}

static sensor_t *need_sensor(void) {
    if (cam.sensor.driver == NULL) {
        mp_raise_TypeError(MP_ERROR_TEXT("not found sensor: call sensor.reset() first"));
    }
    return &cam.sensor;
}

static NORETURN void raise_os(int code, const char *text) {
    mp_obj_t args[2] = { MP_OBJ_NEW_SMALL_INT(code), mp_obj_new_str(text, strlen(text)) };
    nlr_raise(mp_obj_new_exception_args(&mp_type_OSError, 2, args));
}

static void check_control(int ret) {
    if (ret) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("Sensor control failed! %s: %s"), cam.sensor.driver->name,
            ret == -EINVAL ? "value out of range" : ret == -ENOSYS ? "not supported" : "no answer on the camera bus");
    }
}

// -ENOSYS when the driver has no such handler. SET: what is on its way from the sensor is out of date then.
#define CALL(name, ...) (need_sensor()->driver->name ? cam.sensor.driver->name(&cam.sensor, __VA_ARGS__) : -ENOSYS)
#define SET(name, ...) (capture_refresh(), CALL(name, __VA_ARGS__))

static enum dvp_format wire_format(void) {
    return cam.pixformat == PIX_GRAYSCALE ? DVP_Y :
           cam.sensor.driver->wire == SENSOR_WIRE_YUV422 ? DVP_YUV422 : DVP_RGB565;
}

static void set_sensor_size(void) {
    int ret = cam.sensor.driver->set_size(&cam.sensor, cam.w, cam.h, cam.window);
    if (ret) {
        cam.w = 0;
        capture_free();
        raise_os(MP_EIO, "the sensor does not take this frame size");
    }
}

void k210_sensor_at_prompt(void) {
    capture_refresh();
}

void k210_sensor_deinit(void) {
    capture_free();
    if (cam.sensor.driver) {
        sensor_hw_deinit();
    }
    memset(&cam, 0, sizeof(cam));
}

// The board's pins, or what config.json says.
static sensor_pins_t config_pins(void) {
    static const struct {
        qstr key;
        uint8_t offset, max;
    } keys[] = {
        { MP_QSTR_pin_sda, offsetof(sensor_pins_t, sda), 47 }, { MP_QSTR_pin_clk, offsetof(sensor_pins_t, scl), 47 },
        { MP_QSTR_cmos_rst, offsetof(sensor_pins_t, rst), 47 }, { MP_QSTR_cmos_vsync, offsetof(sensor_pins_t, vsync), 47 },
        { MP_QSTR_cmos_pwdn, offsetof(sensor_pins_t, pwdn), 47 }, { MP_QSTR_cmos_href, offsetof(sensor_pins_t, href), 47 },
        { MP_QSTR_cmos_xclk, offsetof(sensor_pins_t, xclk), 47 }, { MP_QSTR_cmos_pclk, offsetof(sensor_pins_t, pclk), 47 },
        { MP_QSTR_i2c_num, offsetof(sensor_pins_t, i2c), 2 },
    };
    sensor_pins_t pins = sensor_hw_pins;
    mp_obj_t section = k210_config_get(MP_QSTR_sensor);
    for (size_t i = 0; i < MP_ARRAY_SIZE(keys); i++) {
        uint8_t *to = (uint8_t *)&pins + keys[i].offset;
        mp_int_t v = k210_config_int(section, keys[i].key, *to);
        if (v < 0 || v > keys[i].max) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("/flash/config.json: %q must be 0 to %d, not %d"),
                keys[i].key, (int)keys[i].max, (int)v);
        }
        *to = (uint8_t)v;
    }
    return pins;
}

// ---- life cycle ---------------------------------------------------------------------------------

static int init_driver(char err[IMAGE_ERR_LEN]) {
    int ret = cam.sensor.driver->init(&cam.sensor);
    if (ret) {
        snprintf(err, IMAGE_ERR_LEN, "Reset Failed: %s does not take its registers", cam.sensor.driver->name);
    }
    return ret;
}

// The second camera first, so that the line is left at the first one.
static int init_pair(char err[IMAGE_ERR_LEN]) {
    int ret = 0;
    for (unsigned high = 2; high-- > 0 && ret == 0;) {
        cam.bus.power_down_line(cam.bus.ctx, high);
        mp_hal_delay_ms(10);
        ret = init_driver(err);
    }
    return ret;
}

static mp_obj_t reset(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, bool pair) {
    py_args_t a = { n_args, pos, kw, n_args }; // keywords only
    mp_obj_t freq_obj = py_args_opt(&a, MP_QSTR_freq);
    mp_int_t freq = freq_obj == MP_OBJ_NULL ? MICROPY_HW_CAM_XCLK_HZ : mp_obj_get_int(freq_obj);
    bool set_regs = py_args_opt_bool(&a, MP_QSTR_set_regs, true);
    bool dual = py_args_opt_bool(&a, MP_QSTR_dual_buff, false);
    mp_int_t choice = py_args_opt_int(&a, MP_QSTR_choice, SENSOR_FAMILY_ALL);
    if (freq < 100000 || freq > 100000000) {
        mp_raise_ValueError(MP_ERROR_TEXT("freq must be 100000 to 100000000 Hz"));
    }
    if (choice < SENSOR_FAMILY_ALL || choice > SENSOR_FAMILY_MT) {
        mp_raise_ValueError(MP_ERROR_TEXT("choice must be 0 (all), 1 (OV), 2 (GC) or 3 (MT)"));
    }
    sensor_pins_t pins = config_pins();
    k210_sensor_deinit();
    cam.bus = sensor_hw_bus;
    cam.bus.print = print_line;
    cam.sensor.bus = &cam.bus;
    cam.dual = dual;
    cam.pixformat = PIX_RGB565;
    int32_t xclk = sensor_hw_init(&pins, (uint32_t)freq);
    char err[IMAGE_ERR_LEN] = "Reset Failed: no camera interface";
    int ret = xclk < 0 ? xclk : 0;
    cam.sensor.xclk_hz = (uint32_t)xclk;
    if (ret == 0) {
        ret = pair ? sensor_probe_pair(&cam.sensor, err) : sensor_probe(&cam.sensor, (unsigned)choice, err);
    }
    if (ret == 0 && freq_obj == MP_OBJ_NULL && cam.sensor.driver->xclk_hz) {
        cam.sensor.xclk_hz = dvp_set_xclk(cam.sensor.driver->xclk_hz);
    }
    if (ret == 0 && set_regs) {
        ret = pair ? init_pair(err) : init_driver(err);
    }
    if (ret) {
        sensor_hw_deinit();
        memset(&cam, 0, sizeof(cam));
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("%s"), err);
    }
    return mp_const_none;
}

static mp_obj_t mod_reset(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return reset(n_args, pos, kw, false);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_reset_obj, 0, mod_reset);

// Two equal cameras, which sensor.shutdown() chooses between.
static mp_obj_t mod_binocular_reset(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return reset(n_args, pos, kw, true);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_binocular_reset_obj, 0, mod_binocular_reset);

static mp_obj_t mod_deinit(void) {
    k210_sensor_deinit();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_deinit_obj, mod_deinit);

static mp_obj_t mod_sleep(mp_obj_t enable) {
    int ret = SET(sleep, mp_obj_is_true(enable));
    if (ret) {
        print_line(NULL, "[MAIXPY]: Operation not supported.");
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Sleep Failed"));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_sleep_obj, mod_sleep);

static mp_obj_t mod_shutdown(mp_obj_t enable) {
    sensor_t *s = need_sensor();
    capture_refresh();
    s->bus->power_down_line(s->bus->ctx, mp_obj_is_true(enable));
    mp_hal_delay_ms(10);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_shutdown_obj, mod_shutdown);

// ---- format, size, window -----------------------------------------------------------------------

// A sensor that cannot send a window sends all; the DVP stores up to the window's far corner.
// The DVP stores groups of 8 pixels, so of 60 (HQQQVGA) 56 come.
static int32_t usable(int32_t w) {
    return w & ~7;
}

static void set_window(void) {
    image_rect_t r = cam.window;
    if (cam.sensor.driver->can_window) {
        capture_window(r.w, r.h, (image_rect_t) { 0, 0, r.w, r.h });
    } else {
        capture_window((r.x + r.w + 7) & ~7, r.y + r.h, r);
    }
}

static void start(void) {
    capture_setup(usable(cam.w), cam.h, wire_format(), cam.dual);
    set_window();
    capture_run(true);
}

static mp_obj_t mod_set_pixformat(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    (void)kw;
    if (n_args != 1) {
        mp_raise_ValueError(MP_ERROR_TEXT("arg err"));
    }
    need_sensor();
    mp_int_t format = mp_obj_get_int(pos[0]);
    if (format != PIX_RGB565 && format != PIX_YUV422 && format != PIX_GRAYSCALE) {
        mp_raise_msg(&mp_type_OSError,
            MP_ERROR_TEXT("Pixel format is not supported! RGB565, YUV422 and GRAYSCALE are"));
    }
    if (format != cam.pixformat) {
        cam.pixformat = format;
        if (cam.w) {
            start();
        }
    }
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_set_pixformat_obj, 0, mod_set_pixformat);

static mp_obj_t mod_set_framesize(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    (void)kw;
    if (n_args != 1) {
        mp_raise_ValueError(MP_ERROR_TEXT("arg err"));
    }
    need_sensor();
    int32_t w, h;
    mp_int_t size = mp_obj_get_int(pos[0]);
    if (size < 0 || size > SENSOR_FRAMESIZES || !sensor_framesize((int)size, &w, &h)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("arg err: there is no frame size %d"), (int)size);
    }
    capture_run(false);
    cam.w = w;
    cam.h = h;
    cam.window = (image_rect_t) { 0, 0, usable(w), h };
    set_sensor_size();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        start();
        nlr_pop();
    } else {
        cam.w = 0; // snapshot() then says so
        nlr_jump(nlr.ret_val);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_set_framesize_obj, 0, mod_set_framesize);

static void need_size(void) {
    need_sensor();
    if (cam.w == 0 || !capture_ready()) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("Not init! call sensor.set_framesize() first"));
    }
}

static mp_obj_t mod_set_windowing(size_t n_args, const mp_obj_t *args) {
    need_size();
    int32_t roi[4];
    size_t n = n_args;
    const mp_obj_t *items = args;
    if (n_args == 1) {
        mp_obj_t *array;
        mp_obj_get_array(args[0], &n, &array);
        items = array;
    }
    for (size_t i = 0; i < n && i < 4; i++) {
        roi[i] = py_i32(mp_obj_get_int(items[i]));
    }
    char err[IMAGE_ERR_LEN];
    image_rect_t window;
    if (sensor_window(usable(cam.w), cam.h, roi, n, &window, err)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s"), err);
    }
    bool running = capture_running();
    capture_run(false);
    cam.window = window;
    set_sensor_size();
    set_window();
    capture_run(running);
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mod_set_windowing_obj, 1, 4, mod_set_windowing);

static mp_obj_t mod_width(void) {
    need_sensor();
    return MP_OBJ_NEW_SMALL_INT(cam.w);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_width_obj, mod_width);

static mp_obj_t mod_height(void) {
    need_sensor();
    return MP_OBJ_NEW_SMALL_INT(cam.h);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_height_obj, mod_height);

static mp_obj_t mod_get_id(void) {
    return MP_OBJ_NEW_SMALL_INT(need_sensor()->id);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_get_id_obj, mod_get_id);

// ---- frames -------------------------------------------------------------------------------------

static mp_obj_t mod_run(mp_obj_t on) {
    need_size();
    capture_run(mp_obj_is_true(on));
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_run_obj, mod_run);

static mp_obj_t mod_snapshot(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    (void)n_args;
    (void)pos;
    (void)kw;
    need_size();
    return capture_snapshot(cam.sensor.driver->name);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_snapshot_obj, 0, mod_snapshot);

static mp_obj_t mod_skip_frames(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    need_size();
    mp_map_elem_t *time = mp_map_lookup(kw, MP_OBJ_NEW_QSTR(MP_QSTR_time), MP_MAP_LOOKUP);
    mp_int_t n = n_args ? mp_obj_get_int(pos[0]) : -1;
    mp_int_t ms = time ? mp_obj_get_int(time->value) : n_args ? -1 : 300;
    capture_skip(cam.sensor.driver->name, n, ms);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_skip_frames_obj, 0, mod_skip_frames);

static mp_obj_t mod_flush(void) {
    capture_flush();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_flush_obj, mod_flush);

static mp_obj_t mod_get_fb(void) {
    return capture_ready() ? capture_last() : mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_get_fb_obj, mod_get_fb);

// ---- controls -----------------------------------------------------------------------------------

static mp_obj_t mod_set_hmirror(mp_obj_t on) {
    check_control(SET(set_hmirror, mp_obj_is_true(on)));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_set_hmirror_obj, mod_set_hmirror);

static mp_obj_t mod_set_vflip(mp_obj_t on) {
    check_control(SET(set_vflip, mp_obj_is_true(on)));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_set_vflip_obj, mod_set_vflip);

// These tell by their result whether it worked.
static mp_obj_t mod_set_colorbar(mp_obj_t on) {
    return mp_obj_new_bool(SET(set_colorbar, mp_obj_is_true(on)) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_set_colorbar_obj, mod_set_colorbar);

static mp_obj_t mod_set_contrast(mp_obj_t level) {
    return mp_obj_new_bool(SET(set_contrast, py_i32(mp_obj_get_int(level))) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_set_contrast_obj, mod_set_contrast);

static mp_obj_t mod_set_brightness(mp_obj_t level) {
    return mp_obj_new_bool(SET(set_brightness, py_i32(mp_obj_get_int(level))) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_set_brightness_obj, mod_set_brightness);

static mp_obj_t mod_set_saturation(mp_obj_t level) {
    return mp_obj_new_bool(SET(set_saturation, py_i32(mp_obj_get_int(level))) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_set_saturation_obj, mod_set_saturation);

static mp_obj_t mod_set_special_effect(mp_obj_t effect) {
    return mp_obj_new_bool(SET(set_special_effect, py_i32(mp_obj_get_int(effect))) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_set_special_effect_obj, mod_set_special_effect);

static mp_obj_t mod_set_lens_correction(mp_obj_t on, mp_obj_t radius, mp_obj_t coefficient) {
    (void)on;
    (void)radius;
    (void)coefficient;
    need_sensor();
    return mp_const_false;
}
static MP_DEFINE_CONST_FUN_OBJ_3(mod_set_lens_correction_obj, mod_set_lens_correction);

static mp_obj_t mod_set_gainceiling(mp_obj_t gain) {
    mp_int_t g = mp_obj_get_int(gain);
    unsigned n = 0;
    while (n < 7 && (2 << n) != g) {
        n++;
    }
    if (n == 7) {
        mp_raise_ValueError(MP_ERROR_TEXT("Invalid gainceiling: 2, 4, 8, 16, 32, 64 or 128"));
    }
    return mp_obj_new_bool(SET(set_gainceiling, n) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_set_gainceiling_obj, mod_set_gainceiling);

static mp_obj_t mod_set_framerate(mp_obj_t fps) {
    static const uint8_t rates[] = { 2, 8, 15, 25, 30, 60 };
    mp_int_t v = mp_obj_get_int(fps);
    if (v < 1 || v > 60 || memchr(rates, (int)v, sizeof(rates)) == NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("Invalid framerate: 2, 8, 15, 25, 30 or 60"));
    }
    if (SET(set_framerate, (unsigned)v)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("Fail: %s does not support it"), cam.sensor.driver->name);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_set_framerate_obj, mod_set_framerate);

// on must be an int or a bool.
static bool get_on(mp_obj_t o) {
    return mp_obj_get_int(o) != 0;
}

static mp_obj_t mod_set_auto_gain(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    mp_float_t db = py_args_opt_float(&a, MP_QSTR_gain_db, (mp_float_t)NAN);
    mp_float_t ceiling = py_args_opt_float(&a, MP_QSTR_gain_db_ceiling, (mp_float_t)NAN);
    check_control(SET(set_auto_gain, get_on(pos[0]), (float)db, (float)ceiling));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_set_auto_gain_obj, 1, mod_set_auto_gain);

static mp_obj_t mod_get_gain_db(void) {
    float db = 0;
    check_control(CALL(get_gain_db, &db));
    return mp_obj_new_float((mp_float_t)db);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_get_gain_db_obj, mod_get_gain_db);

static mp_obj_t mod_set_auto_exposure(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    mp_int_t us = py_args_opt_int(&a, MP_QSTR_exposure_us, -1);
    check_control(SET(set_auto_exposure, get_on(pos[0]), py_i32(us)));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_set_auto_exposure_obj, 1, mod_set_auto_exposure);

static mp_obj_t mod_get_exposure_us(void) {
    int32_t us = 0;
    check_control(CALL(get_exposure_us, &us));
    return mp_obj_new_int(us);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_get_exposure_us_obj, mod_get_exposure_us);

static mp_obj_t mod_set_auto_whitebal(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    float gains[3] = { NAN, NAN, NAN };
    mp_obj_t rgb = py_args_opt(&a, MP_QSTR_rgb_gain_db);
    if (rgb != MP_OBJ_NULL) {
        mp_obj_t *items;
        mp_obj_get_array_fixed_n(rgb, 3, &items);
        for (int i = 0; i < 3; i++) {
            gains[i] = (float)mp_obj_get_float(items[i]);
        }
    }
    check_control(SET(set_auto_whitebal, get_on(pos[0]), gains));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_set_auto_whitebal_obj, 1, mod_set_auto_whitebal);

static mp_obj_t mod_get_rgb_gain_db(void) {
    float gains[3] = { 0 };
    check_control(CALL(get_rgb_gain_db, gains));
    mp_obj_t items[3];
    for (int i = 0; i < 3; i++) {
        items[i] = mp_obj_new_float((mp_float_t)gains[i]);
    }
    return mp_obj_new_tuple(3, items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_get_rgb_gain_db_obj, mod_get_rgb_gain_db);

static mp_obj_t mod_write_reg(mp_obj_t reg, mp_obj_t value) {
    capture_refresh();
    check_control(sensor_write(need_sensor(), (uint16_t)mp_obj_get_int(reg), (uint8_t)mp_obj_get_int(value)));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(mod_write_reg_obj, mod_write_reg);

static mp_obj_t mod_read_reg(mp_obj_t reg) {
    uint8_t value = 0;
    check_control(sensor_read(need_sensor(), (uint16_t)mp_obj_get_int(reg), &value));
    return MP_OBJ_NEW_SMALL_INT(value);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_read_reg_obj, mod_read_reg);

// Quality of an IDE's preview, which there is none of.
static mp_obj_t mod_set_jb_quality(mp_obj_t q) {
    if (!mp_obj_is_int(q)) {
        mp_raise_ValueError(MP_ERROR_TEXT("must be int"));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_set_jb_quality_obj, mod_set_jb_quality);

// ---- module -------------------------------------------------------------------------------------

static const mp_rom_map_elem_t sensor_module_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_sensor) },
    { MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&mod_reset_obj) },
    { MP_ROM_QSTR(MP_QSTR_binocular_reset), MP_ROM_PTR(&mod_binocular_reset_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&mod_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_sleep), MP_ROM_PTR(&mod_sleep_obj) },
    { MP_ROM_QSTR(MP_QSTR_shutdown), MP_ROM_PTR(&mod_shutdown_obj) },
    { MP_ROM_QSTR(MP_QSTR_flush), MP_ROM_PTR(&mod_flush_obj) },
    { MP_ROM_QSTR(MP_QSTR_snapshot), MP_ROM_PTR(&mod_snapshot_obj) },
    { MP_ROM_QSTR(MP_QSTR_skip_frames), MP_ROM_PTR(&mod_skip_frames_obj) },
    { MP_ROM_QSTR(MP_QSTR_width), MP_ROM_PTR(&mod_width_obj) },
    { MP_ROM_QSTR(MP_QSTR_height), MP_ROM_PTR(&mod_height_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_fb), MP_ROM_PTR(&mod_get_fb_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_id), MP_ROM_PTR(&mod_get_id_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_pixformat), MP_ROM_PTR(&mod_set_pixformat_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_framesize), MP_ROM_PTR(&mod_set_framesize_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_framerate), MP_ROM_PTR(&mod_set_framerate_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_windowing), MP_ROM_PTR(&mod_set_windowing_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_gainceiling), MP_ROM_PTR(&mod_set_gainceiling_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_contrast), MP_ROM_PTR(&mod_set_contrast_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_brightness), MP_ROM_PTR(&mod_set_brightness_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_saturation), MP_ROM_PTR(&mod_set_saturation_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_colorbar), MP_ROM_PTR(&mod_set_colorbar_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_auto_gain), MP_ROM_PTR(&mod_set_auto_gain_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_gain_db), MP_ROM_PTR(&mod_get_gain_db_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_auto_exposure), MP_ROM_PTR(&mod_set_auto_exposure_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_exposure_us), MP_ROM_PTR(&mod_get_exposure_us_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_auto_whitebal), MP_ROM_PTR(&mod_set_auto_whitebal_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_rgb_gain_db), MP_ROM_PTR(&mod_get_rgb_gain_db_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_hmirror), MP_ROM_PTR(&mod_set_hmirror_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_vflip), MP_ROM_PTR(&mod_set_vflip_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_special_effect), MP_ROM_PTR(&mod_set_special_effect_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_lens_correction), MP_ROM_PTR(&mod_set_lens_correction_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_jb_quality), MP_ROM_PTR(&mod_set_jb_quality_obj) },
    { MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&mod_run_obj) },
    { MP_ROM_QSTR(MP_QSTR___write_reg), MP_ROM_PTR(&mod_write_reg_obj) },
    { MP_ROM_QSTR(MP_QSTR___read_reg), MP_ROM_PTR(&mod_read_reg_obj) },

    { MP_ROM_QSTR(MP_QSTR_BAYER), MP_ROM_INT(PIX_BAYER) },
    { MP_ROM_QSTR(MP_QSTR_RGB565), MP_ROM_INT(PIX_RGB565) },
    { MP_ROM_QSTR(MP_QSTR_YUV422), MP_ROM_INT(PIX_YUV422) },
    { MP_ROM_QSTR(MP_QSTR_GRAYSCALE), MP_ROM_INT(PIX_GRAYSCALE) },
    { MP_ROM_QSTR(MP_QSTR_JPEG), MP_ROM_INT(PIX_JPEG) },
    { MP_ROM_QSTR(MP_QSTR_OV9650), MP_ROM_INT(0x96) },
    { MP_ROM_QSTR(MP_QSTR_OV2640), MP_ROM_INT(0x2642) },
    { MP_ROM_QSTR(MP_QSTR_OV7725), MP_ROM_INT(0x77) },
    { MP_ROM_QSTR(MP_QSTR_MT9V034), MP_ROM_INT(0x13) },
    { MP_ROM_QSTR(MP_QSTR_LEPTON), MP_ROM_INT(0x54) },
    { MP_ROM_QSTR(MP_QSTR_NORMAL), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_NEGATIVE), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_QQCIF), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_QCIF), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_CIF), MP_ROM_INT(3) },
    { MP_ROM_QSTR(MP_QSTR_QQSIF), MP_ROM_INT(4) },
    { MP_ROM_QSTR(MP_QSTR_QSIF), MP_ROM_INT(5) },
    { MP_ROM_QSTR(MP_QSTR_SIF), MP_ROM_INT(6) },
    { MP_ROM_QSTR(MP_QSTR_QQQQVGA), MP_ROM_INT(7) },
    { MP_ROM_QSTR(MP_QSTR_QQQVGA), MP_ROM_INT(8) },
    { MP_ROM_QSTR(MP_QSTR_QQVGA), MP_ROM_INT(9) },
    { MP_ROM_QSTR(MP_QSTR_QVGA), MP_ROM_INT(10) },
    { MP_ROM_QSTR(MP_QSTR_VGA), MP_ROM_INT(11) },
    { MP_ROM_QSTR(MP_QSTR_HQQQVGA), MP_ROM_INT(12) },
    { MP_ROM_QSTR(MP_QSTR_HQQVGA), MP_ROM_INT(13) },
    { MP_ROM_QSTR(MP_QSTR_HQVGA), MP_ROM_INT(14) },
    { MP_ROM_QSTR(MP_QSTR_B64X32), MP_ROM_INT(15) },
    { MP_ROM_QSTR(MP_QSTR_B64X64), MP_ROM_INT(16) },
    { MP_ROM_QSTR(MP_QSTR_B128X64), MP_ROM_INT(17) },
    { MP_ROM_QSTR(MP_QSTR_B128X128), MP_ROM_INT(18) },
    { MP_ROM_QSTR(MP_QSTR_B240X240), MP_ROM_INT(19) },
    { MP_ROM_QSTR(MP_QSTR_LCD), MP_ROM_INT(20) },
    { MP_ROM_QSTR(MP_QSTR_QQVGA2), MP_ROM_INT(21) },
    { MP_ROM_QSTR(MP_QSTR_WVGA), MP_ROM_INT(22) },
    { MP_ROM_QSTR(MP_QSTR_WVGA2), MP_ROM_INT(23) },
    { MP_ROM_QSTR(MP_QSTR_SVGA), MP_ROM_INT(24) },
    { MP_ROM_QSTR(MP_QSTR_SXGA), MP_ROM_INT(25) },
    { MP_ROM_QSTR(MP_QSTR_UXGA), MP_ROM_INT(26) },
};
static MP_DEFINE_CONST_DICT(sensor_module_globals, sensor_module_table);

const mp_obj_module_t sensor_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&sensor_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_sensor, sensor_module);
