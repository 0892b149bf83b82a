// SPDX-License-Identifier: MIT
// import lcd: one display, as in MaixPy. The logic is in lcd_core.c, the wires are in lcd_bus.c.
#include <errno.h>
#include <string.h>

#include "py/gc.h"
#include "py/runtime.h"

#include "config.h"
#include "pool.h"
#include "py_args.h"
#include "py_image.h"

#include "lcd_bus.h"
#include "lcd_core.h"
#include "modlcd.h"

// Board data; the defaults are the wiring of the Maix family.
#ifndef MICROPY_HW_LCD_RST
#define MICROPY_HW_LCD_RST (37)
#endif
#ifndef MICROPY_HW_LCD_DCX
#define MICROPY_HW_LCD_DCX (38)
#endif
#ifndef MICROPY_HW_LCD_CS
#define MICROPY_HW_LCD_CS (36)
#endif
#ifndef MICROPY_HW_LCD_WR
#define MICROPY_HW_LCD_WR (39)
#endif
#ifndef MICROPY_HW_LCD_WIDTH
#define MICROPY_HW_LCD_WIDTH (320)
#endif
#ifndef MICROPY_HW_LCD_HEIGHT
#define MICROPY_HW_LCD_HEIGHT (240)
#endif
#ifndef MICROPY_HW_LCD_INVERT
#define MICROPY_HW_LCD_INVERT (0)
#endif
#ifndef MICROPY_HW_LCD_DIR
#define MICROPY_HW_LCD_DIR (0xa0)
#endif

#ifndef MICROPY_HW_LCD_TYPE
#define MICROPY_HW_LCD_TYPE (1)
#endif
#ifndef MICROPY_HW_LCD_PANEL
#define MICROPY_HW_LCD_PANEL (0)
#endif

#define LCD_MAX_SIDE (800)

enum { TYPE_NONE, TYPE_SHIELD, TYPE_CUBE, TYPE_STICKV, TYPE_TWATCH, TYPE_RGB_CONVERTER };

static struct {
    bool ready;     // init() was called
    mp_int_t type;
    uint32_t freq;
    void *mem;      // pool block behind core.words
    lcd_t core;
} lcd;

// deinit() was called: there is no size any more.
static bool was_closed;

// keep_screen(): outlives lcd.deinit(), which leaves the picture on the glass, too.
static struct {
    bool on;
    lcd_t core;     // the panel and the direction that screen belongs to
} kept;

// ---- errors -------------------------------------------------------------------------------------

static void check(int ret) {
    if (ret == -ETIMEDOUT) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("lcd: the SPI0 transfer to the display did not end in time"));
    }
    if (ret == -EBUSY) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("lcd: no free DMA channel, or SPI0 is in use"));
    }
    if (ret < 0) {
        mp_raise_OSError(-ret);
    }
}

// False for type 0: all calls do nothing then.
static bool need_panel(void) {
    if (!lcd.ready) {
        mp_raise_ValueError(MP_ERROR_TEXT("not init: call lcd.init() first"));
    }
    return lcd.type != TYPE_NONE;
}

static bool have_panel(void) {
    return lcd.ready && lcd.type != TYPE_NONE;
}

static uint16_t get_color(mp_obj_t o) {
    return (uint16_t)py_color(o, IMAGE_RGB565);
}

// ---- init ---------------------------------------------------------------------------------------

static void stop(void) {
    if (have_panel()) {
        lcd_bus_deinit();
        kept.core = lcd.core;
    }
    pool_free(lcd.mem);
    memset(&lcd, 0, sizeof(lcd));
}

static void forget_screen(void) {
    pool_free(kept.core.screen);
    kept.core.screen = lcd.core.screen = NULL;
}

// At a soft reset.
void k210_lcd_deinit(void) {
    stop();
    forget_screen();
    kept.on = false;
    was_closed = false;
}

static mp_obj_t mod_deinit(void) {
    stop();
    was_closed = true;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_deinit_obj, mod_deinit);

enum {
    ARG_type, ARG_freq, ARG_color, ARG_width, ARG_height, ARG_invert, ARG_offset_w0, ARG_offset_h0, ARG_offset_w1,
    ARG_offset_h1, ARG_rst, ARG_dcx, ARG_ss, ARG_clk, ARG_lcd_type, ARG_COUNT
};

static const mp_arg_t init_args[] = {
    { MP_QSTR_type, MP_ARG_INT, { .u_int = MICROPY_HW_LCD_TYPE } },
    { MP_QSTR_freq, MP_ARG_INT, { .u_int = 15000000 } },
    { MP_QSTR_color, MP_ARG_OBJ, { .u_rom_obj = MP_ROM_INT(0) } },
    { MP_QSTR_width, MP_ARG_INT, { .u_int = MICROPY_HW_LCD_WIDTH } },
    { MP_QSTR_height, MP_ARG_INT, { .u_int = MICROPY_HW_LCD_HEIGHT } },
    { MP_QSTR_invert, MP_ARG_INT, { .u_int = MICROPY_HW_LCD_INVERT } },
    { MP_QSTR_offset_w0, MP_ARG_INT, { .u_int = 0 } },
    { MP_QSTR_offset_h0, MP_ARG_INT, { .u_int = 0 } },
    { MP_QSTR_offset_w1, MP_ARG_INT, { .u_int = 0 } },
    { MP_QSTR_offset_h1, MP_ARG_INT, { .u_int = 0 } },
    { MP_QSTR_rst, MP_ARG_INT, { .u_int = MICROPY_HW_LCD_RST } },
    { MP_QSTR_dcx, MP_ARG_INT, { .u_int = MICROPY_HW_LCD_DCX } },
    { MP_QSTR_ss, MP_ARG_INT, { .u_int = MICROPY_HW_LCD_CS } },
    { MP_QSTR_clk, MP_ARG_INT, { .u_int = MICROPY_HW_LCD_WR } },
    { MP_QSTR_lcd_type, MP_ARG_INT | MP_ARG_KW_ONLY, { .u_int = MICROPY_HW_LCD_PANEL } },
};

static mp_int_t get_range(const mp_arg_val_t *args, int i, mp_int_t low, mp_int_t high) {
    mp_int_t v = args[i].u_int;
    if (v < low || v > high) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%q must be %d to %d, not %d"), init_args[i].qst, (int)low,
            (int)high, (int)v);
    }
    return v;
}

// As with MaixPy the file has the last word, but only where a panel is wired to pins of choice. Returns
// the direction to start with.
static mp_int_t apply_config(mp_arg_val_t *args) {
    static const uint8_t keys[] = {
        ARG_width, ARG_height, ARG_invert, ARG_offset_w0, ARG_offset_h0, ARG_offset_w1, ARG_offset_h1, ARG_rst, ARG_dcx,
        ARG_ss, ARG_clk, ARG_lcd_type,
    };
    if (args[ARG_type].u_int != TYPE_SHIELD) {
        return MICROPY_HW_LCD_DIR;
    }
    mp_obj_t section = k210_config_get(MP_QSTR_lcd);
    for (size_t i = 0; i < sizeof(keys); i++) {
        args[keys[i]].u_int = k210_config_int(section, init_args[keys[i]].qst, args[keys[i]].u_int);
    }
    if (k210_config_int(section, MP_QSTR_oct, 1) == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("/flash/config.json: a panel with one data line (oct 0) is lcd.init(type=3)"));
    }
    return k210_config_int(section, MP_QSTR_dir, MICROPY_HW_LCD_DIR);
}

// M5Stack's firmware calls the panel of an M5StickV type 1, so its scripts do, too. A shield on other pins is one.
static mp_int_t type_of(const mp_arg_val_t *args) {
    if (MICROPY_HW_LCD_TYPE != TYPE_STICKV || args[ARG_type].u_int != TYPE_SHIELD ||
        k210_config_get(MP_QSTR_lcd) != MP_OBJ_NULL) {
        return args[ARG_type].u_int;
    }
    for (int i = ARG_rst; i <= ARG_clk; i++) {
        if (args[i].u_int != init_args[i].defval.u_int) {
            return TYPE_SHIELD;
        }
    }
    return TYPE_STICKV;
}

// Memory for the picture of a panel, if it is wanted and there is some; black, as nothing is known of the glass.
static void start_screen(lcd_t *core) {
    forget_screen();
    if (kept.on) {
        size_t size = (size_t)core->panel.width * (size_t)core->panel.height * sizeof(uint16_t);
        core->screen = pool_alloc(size, POOL_ALIGN, "lcd screen");
        if (core->screen != NULL) {
            memset(core->screen, 0, size);
        }
        kept.core = *core;
    }
}

static lcd_panel_t panel_of(const mp_arg_val_t *args, mp_int_t type, mp_int_t dir) {
    lcd_panel_t p = {
        .width = (int32_t)get_range(args, ARG_width, 16, LCD_MAX_SIDE),
        .height = (int32_t)get_range(args, ARG_height, 16, LCD_MAX_SIDE),
        .invert = args[ARG_invert].u_int != 0,
        .dir = (uint8_t)dir,
        .controller = (lcd_controller_t)args[ARG_lcd_type].u_int,
    };
    p.offset[0].x = (uint16_t)get_range(args, ARG_offset_w0, 0, LCD_MAX_SIDE);
    p.offset[0].y = (uint16_t)get_range(args, ARG_offset_h0, 0, LCD_MAX_SIDE);
    p.offset[1].x = (uint16_t)get_range(args, ARG_offset_w1, 0, LCD_MAX_SIDE);
    p.offset[1].y = (uint16_t)get_range(args, ARG_offset_h1, 0, LCD_MAX_SIDE);
    if (type == TYPE_CUBE) {
        p.width = p.height = 240;
        memset(p.offset, 0, sizeof(p.offset));
    } else if (type == TYPE_STICKV) {
        p.width = 240;
        p.height = 135;
        p.invert = true;
        p.offset[0].x = p.offset[1].y = 40;
        p.offset[0].y = p.offset[1].x = 52;
        p.controller = LCD_ST7789;
    } else if (type == TYPE_TWATCH) {
        p.width = p.height = 240;
        p.invert = true;
    }
    return p;
}

// KPU RAM does not answer while the KPU computes.
static void lcd_quiet(bool quiet) {
    if (quiet && lcd.mem != NULL && pool_is_kpu(lcd.mem)) {
        lcd.core.bus->wait(lcd.core.bus->ctx);
    }
}

// General memory is short: KPU RAM does as well, at the price of the wait above.
static bool lcd_reclaim(bool may_move) {
    if (!may_move || lcd.mem == NULL || pool_is_kpu(lcd.mem)) {
        return false;
    }
    void *mem = pool_alloc_kpu(lcd_words(&lcd.core.panel) * 4, "lcd");
    if (mem == NULL) {
        return false;
    }
    lcd.core.bus->wait(lcd.core.bus->ctx);
    pool_free(lcd.mem);
    lcd.mem = mem;
    lcd.core.words = UNCACHED(mem);
    return true;
}

static mp_obj_t mod_init(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    mp_arg_val_t args[ARG_COUNT];
    mp_arg_parse_all(n_args, pos_args, kw_args, ARG_COUNT, init_args, args);
    mp_int_t type = type_of(args);
    if (type < TYPE_NONE || type > TYPE_RGB_CONVERTER) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("type error: %d is not 0 to 5"), (int)type);
    }
    if (type == TYPE_RGB_CONVERTER) {
        mp_raise_ValueError(MP_ERROR_TEXT("type error: the RGB converter board is not supported"));
    }
    mp_int_t dir = apply_config(args);
    if (args[ARG_lcd_type].u_int < 0 || args[ARG_lcd_type].u_int > 2) {
        mp_raise_ValueError(MP_ERROR_TEXT("lcd_type must be 0 (ST7789), 1 (ILI9486) or 2 (ILI9481)"));
    }
    lcd_panel_t panel = panel_of(args, type, dir);
    mp_int_t freq = get_range(args, ARG_freq, 10000, 200000000);
    uint16_t color = get_color(args[ARG_color].u_obj);
    lcd_pins_t pins = {
        (uint8_t)get_range(args, ARG_rst, 0, 47), (uint8_t)get_range(args, ARG_dcx, 0, 47),
        (uint8_t)get_range(args, ARG_ss, 0, 47), (uint8_t)get_range(args, ARG_clk, 0, 47), -1,
    };
    if (type == TYPE_STICKV) {
        pins = (lcd_pins_t) { 21, 20, 22, 19, 18 };
    }

    stop();
    if (type == TYPE_NONE) {
        forget_screen();
        lcd.ready = true;
        return mp_const_none;
    }
    size_t size = lcd_words(&panel) * 4;
    lcd.mem = pool_alloc_uncached(size, "lcd");
    if (lcd.mem == NULL) {
        gc_collect();
        lcd.mem = pool_alloc_uncached(size, "lcd");
    }
    if (lcd.mem == NULL) {
        mp_raise_msg_varg(&mp_type_MemoryError, MP_ERROR_TEXT("lcd needs %u bytes; free: %u, largest block %u"),
            (unsigned)size, (unsigned)pool_free_bytes(), (unsigned)pool_largest());
    }
    lcd.core = (lcd_t) { .panel = panel, .bus = &lcd_bus, .words = UNCACHED(lcd.mem) };
    pool_set_quiet(POOL_LCD, lcd_quiet);
    pool_set_reclaim(POOL_LCD, lcd_reclaim);
    lcd.type = type;
    lcd.freq = (uint32_t)freq;
    start_screen(&lcd.core);
    int ret = lcd_bus_init(&pins, lcd.freq);
    if (ret == 0) {
        ret = lcd_start(&lcd.core, color);
    }
    if (ret) {
        lcd_bus_deinit();
        stop();
        forget_screen();
        check(ret);
    }
    lcd.ready = true;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_init_obj, 0, mod_init);

// ---- properties ---------------------------------------------------------------------------------

// Programs ask for the size before they call init(): it is that of the board's own display.
static mp_obj_t board_side(mp_int_t stickv, mp_int_t other) {
    if (lcd.ready || was_closed) {
        return mp_const_none;
    }
    return MP_OBJ_NEW_SMALL_INT(MICROPY_HW_LCD_TYPE == TYPE_STICKV ? stickv : other);
}

static mp_obj_t mod_width(void) {
    return have_panel() ? MP_OBJ_NEW_SMALL_INT(lcd.core.w) : board_side(240, MICROPY_HW_LCD_WIDTH);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_width_obj, mod_width);

static mp_obj_t mod_height(void) {
    return have_panel() ? MP_OBJ_NEW_SMALL_INT(lcd.core.h) : board_side(135, MICROPY_HW_LCD_HEIGHT);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_height_obj, mod_height);

static mp_obj_t mod_type(void) {
    return lcd.ready ? MP_OBJ_NEW_SMALL_INT(lcd.type) : mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_type_obj, mod_type);

static mp_obj_t mod_freq(size_t n_args, const mp_obj_t *args) {
    if (need_panel() && n_args) {
        mp_int_t hz = mp_obj_get_int(args[0]);
        if (hz < 10000 || hz > 200000000) {
            mp_raise_ValueError(MP_ERROR_TEXT("freq must be 10000 to 200000000 Hz"));
        }
        lcd.freq = (uint32_t)hz;
        lcd_bus_set_freq(lcd.freq);
    }
    return mp_obj_new_int_from_uint(lcd.freq);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mod_freq_obj, 0, 1, mod_freq);

// The backlight is a GPIO of the board.
static mp_obj_t mod_backlight(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    (void)args;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mod_backlight_obj, 0, 1, mod_backlight);

static mp_obj_t mod_direction(mp_obj_t dir) {
    if (need_panel()) {
        check(lcd_set_direction(&lcd.core, (uint8_t)mp_obj_get_int(dir)));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_direction_obj, mod_direction);

static mp_obj_t mod_rotation(size_t n_args, const mp_obj_t *args) {
    if (n_args) {
        mp_int_t r = mp_obj_get_int(args[0]);
        if (r < 0 || r > 3) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("value:[0,3], not %d"), (int)r);
        }
        if (need_panel()) {
            check(lcd_set_rotation(&lcd.core, (unsigned)r, lcd.core.mirror));
        }
    }
    return MP_OBJ_NEW_SMALL_INT(lcd.core.rotation);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mod_rotation_obj, 0, 1, mod_rotation);

static mp_obj_t mod_mirror(size_t n_args, const mp_obj_t *args) {
    if (n_args && need_panel()) {
        check(lcd_set_rotation(&lcd.core, lcd.core.rotation, mp_obj_is_true(args[0])));
    }
    return MP_OBJ_NEW_SMALL_INT(lcd.core.mirror);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mod_mirror_obj, 0, 1, mod_mirror);

static mp_obj_t mod_bgr_to_rgb(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("True or False"));
    }
    if (need_panel()) {
        check(lcd_set_bgr(&lcd.core, mp_obj_is_true(args[0])));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mod_bgr_to_rgb_obj, 0, 1, mod_bgr_to_rgb);

static mp_obj_t mod_register(mp_obj_t cmd, mp_obj_t data) {
    if (!need_panel()) {
        return mp_const_none;
    }
    uint8_t buf[64];
    size_t n = 1;
    mp_obj_t *items = &data;
    if (!mp_obj_is_int(data)) {
        mp_obj_get_array(data, &n, &items);
    }
    if (n > sizeof(buf)) {
        mp_raise_ValueError(MP_ERROR_TEXT("at most 64 parameters"));
    }
    for (size_t i = 0; i < n; i++) {
        buf[i] = (uint8_t)mp_obj_get_int(items[i]);
    }
    check(lcd_bus.command(lcd_bus.ctx, (uint8_t)mp_obj_get_int(cmd), buf, n));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(mod_register_obj, mod_register);

// ---- drawing ------------------------------------------------------------------------------------

static mp_obj_t mod_display(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get(pos[0]);
    if ((img->format != IMAGE_RGB565 && img->format != IMAGE_GRAYSCALE) || img->size == 0) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Image format is not supported."));
    }
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    mp_obj_t oft = py_args_opt(&a, MP_QSTR_oft);
    lcd_point_t at;
    bool place = oft != MP_OBJ_NULL && oft != mp_const_none;
    if (place) {
        mp_obj_t *xy;
        mp_obj_get_array_fixed_n(oft, 2, &xy);
        at = (lcd_point_t) { py_i32(mp_obj_get_int(xy[0])), py_i32(mp_obj_get_int(xy[1])) };
    }
    if (have_panel()) {
        check(lcd_show(&lcd.core, img, roi, place ? &at : NULL));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_display_obj, 1, mod_display);

void k210_lcd_show(mp_obj_t o) {
    image_t *img = py_image_get(o);
    if (have_panel()) {
        check(lcd_show(&lcd.core, img, (image_rect_t) { 0, 0, img->w, img->h }, NULL));
    }
}

static mp_obj_t mod_clear(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    a.next = 0;
    mp_obj_t color = py_args_opt(&a, MP_QSTR_color);
    uint16_t value = color == MP_OBJ_NULL ? 0 : get_color(color);
    if (have_panel()) {
        check(lcd_fill(&lcd.core, (image_rect_t) { 0, 0, lcd.core.w, lcd.core.h }, value));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(mod_clear_obj, 0, mod_clear);

static mp_obj_t mod_draw_string(size_t n_args, const mp_obj_t *args) {
    int32_t x = py_i32(mp_obj_get_int(args[0])), y = py_i32(mp_obj_get_int(args[1]));
    size_t len;
    const char *text = mp_obj_str_get_data(args[2], &len);
    uint16_t color = n_args > 3 ? get_color(args[3]) : 0x00f8;
    uint16_t background = n_args > 4 ? get_color(args[4]) : 0;
    if (need_panel()) {
        check(lcd_text(&lcd.core, x, y, text, len, color, background));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mod_draw_string_obj, 3, 5, mod_draw_string);

static mp_obj_t mod_fill_rectangle(size_t n_args, const mp_obj_t *args) {
    if (n_args != 5) {
        mp_raise_ValueError(MP_ERROR_TEXT("arg error: fill_rectangle(x, y, w, h, color)"));
    }
    image_rect_t r = {
        py_i32(mp_obj_get_int(args[0])), py_i32(mp_obj_get_int(args[1])),
        py_i32(mp_obj_get_int(args[2])), py_i32(mp_obj_get_int(args[3])),
    };
    uint16_t color = get_color(args[4]);
    if (need_panel()) {
        image_rect_t on_screen = r;
        if (!image_clip(lcd.core.w, lcd.core.h, &on_screen)) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("arg error: (%d, %d, %d, %d) is not on the screen"),
                (int)r.x, (int)r.y, (int)r.w, (int)r.h);
        }
        check(lcd_fill(&lcd.core, on_screen, color));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mod_fill_rectangle_obj, 3, 5, mod_fill_rectangle);

// ---- for tests ----------------------------------------------------------------------------------

// keep_screen(on): from now on note what the glass shows, in width * height * 2 bytes of memory, until the next
// soft reset. When the display is on already, what it shows now is not known and counts as black.
static mp_obj_t mod_keep_screen(mp_obj_t on) {
    bool want = mp_obj_is_true(on);
    if (want == kept.on) {
        return mp_const_none;
    }
    kept.on = want;
    if (!want) {
        forget_screen();
    } else if (have_panel()) {
        start_screen(&lcd.core);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_keep_screen_obj, mod_keep_screen);

// screen() -> (width, height) of the picture that is kept, or None; screen(y, rows) -> its rows as bytes, RGB565
// with the upper byte first.
static mp_obj_t mod_screen(size_t n_args, const mp_obj_t *args) {
    const lcd_t *core = have_panel() ? &lcd.core : &kept.core;
    if (core->screen == NULL) {
        return mp_const_none;
    }
    bool landscape = core->panel.dir & LCD_DIR_MV;
    mp_int_t w = landscape ? core->panel.width : core->panel.height;
    mp_int_t h = landscape ? core->panel.height : core->panel.width;
    if (n_args == 0) {
        mp_obj_t size[2] = { MP_OBJ_NEW_SMALL_INT(w), MP_OBJ_NEW_SMALL_INT(h) };
        return mp_obj_new_tuple(2, size);
    }
    mp_int_t y = mp_obj_get_int(args[0]), rows = n_args > 1 ? mp_obj_get_int(args[1]) : 1;
    if (y < 0 || rows < 0 || y > h || rows > h - y) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%d rows from row %d are not in a picture of %d rows"),
            (int)rows, (int)y, (int)h);
    }
    vstr_t vstr;
    vstr_init_len(&vstr, (size_t)(rows * w * 2));
    lcd_screen_rows(core, (int32_t)y, (int32_t)rows, (uint8_t *)vstr.buf);
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mod_screen_obj, 0, 2, mod_screen);

// ---- module -------------------------------------------------------------------------------------

static const mp_rom_map_elem_t lcd_module_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_lcd) },
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&mod_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&mod_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_width), MP_ROM_PTR(&mod_width_obj) },
    { MP_ROM_QSTR(MP_QSTR_height), MP_ROM_PTR(&mod_height_obj) },
    { MP_ROM_QSTR(MP_QSTR_type), MP_ROM_PTR(&mod_type_obj) },
    { MP_ROM_QSTR(MP_QSTR_freq), MP_ROM_PTR(&mod_freq_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_backlight), MP_ROM_PTR(&mod_backlight_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_backlight), MP_ROM_PTR(&mod_backlight_obj) },
    { MP_ROM_QSTR(MP_QSTR_display), MP_ROM_PTR(&mod_display_obj) },
    { MP_ROM_QSTR(MP_QSTR_clear), MP_ROM_PTR(&mod_clear_obj) },
    { MP_ROM_QSTR(MP_QSTR_direction), MP_ROM_PTR(&mod_direction_obj) },
    { MP_ROM_QSTR(MP_QSTR_rotation), MP_ROM_PTR(&mod_rotation_obj) },
    { MP_ROM_QSTR(MP_QSTR_mirror), MP_ROM_PTR(&mod_mirror_obj) },
    { MP_ROM_QSTR(MP_QSTR_bgr_to_rgb), MP_ROM_PTR(&mod_bgr_to_rgb_obj) },
    { MP_ROM_QSTR(MP_QSTR_draw_string), MP_ROM_PTR(&mod_draw_string_obj) },
    { MP_ROM_QSTR(MP_QSTR_fill_rectangle), MP_ROM_PTR(&mod_fill_rectangle_obj) },
    { MP_ROM_QSTR(MP_QSTR_register), MP_ROM_PTR(&mod_register_obj) },
    { MP_ROM_QSTR(MP_QSTR_keep_screen), MP_ROM_PTR(&mod_keep_screen_obj) },
    { MP_ROM_QSTR(MP_QSTR_screen), MP_ROM_PTR(&mod_screen_obj) },

    { MP_ROM_QSTR(MP_QSTR_XY_RLUD), MP_ROM_INT(0x00) },
    { MP_ROM_QSTR(MP_QSTR_YX_RLUD), MP_ROM_INT(0x20) },
    { MP_ROM_QSTR(MP_QSTR_XY_LRUD), MP_ROM_INT(0x40) },
    { MP_ROM_QSTR(MP_QSTR_YX_LRUD), MP_ROM_INT(0x60) },
    { MP_ROM_QSTR(MP_QSTR_XY_RLDU), MP_ROM_INT(0x80) },
    { MP_ROM_QSTR(MP_QSTR_YX_RLDU), MP_ROM_INT(0xa0) },
    { MP_ROM_QSTR(MP_QSTR_XY_LRDU), MP_ROM_INT(0xc0) },
    { MP_ROM_QSTR(MP_QSTR_YX_LRDU), MP_ROM_INT(0xe0) },

    // Pixels as they lie in memory: RGB565 with its bytes swapped.
    { MP_ROM_QSTR(MP_QSTR_BLACK), MP_ROM_INT(0x0000) },
    { MP_ROM_QSTR(MP_QSTR_NAVY), MP_ROM_INT(0x0f00) },
    { MP_ROM_QSTR(MP_QSTR_DARKGREEN), MP_ROM_INT(0xe003) },
    { MP_ROM_QSTR(MP_QSTR_DARKCYAN), MP_ROM_INT(0xef03) },
    { MP_ROM_QSTR(MP_QSTR_MAROON), MP_ROM_INT(0x0078) },
    { MP_ROM_QSTR(MP_QSTR_PURPLE), MP_ROM_INT(0x0f78) },
    { MP_ROM_QSTR(MP_QSTR_OLIVE), MP_ROM_INT(0xe07b) },
    { MP_ROM_QSTR(MP_QSTR_LIGHTGREY), MP_ROM_INT(0x18c6) },
    { MP_ROM_QSTR(MP_QSTR_DARKGREY), MP_ROM_INT(0xef7b) },
    { MP_ROM_QSTR(MP_QSTR_BLUE), MP_ROM_INT(0x1f00) },
    { MP_ROM_QSTR(MP_QSTR_GREEN), MP_ROM_INT(0xe007) },
    { MP_ROM_QSTR(MP_QSTR_CYAN), MP_ROM_INT(0xff07) },
    { MP_ROM_QSTR(MP_QSTR_RED), MP_ROM_INT(0x00f8) },
    { MP_ROM_QSTR(MP_QSTR_MAGENTA), MP_ROM_INT(0x1ff8) },
    { MP_ROM_QSTR(MP_QSTR_YELLOW), MP_ROM_INT(0xe0ff) },
    { MP_ROM_QSTR(MP_QSTR_WHITE), MP_ROM_INT(0xffff) },
    { MP_ROM_QSTR(MP_QSTR_ORANGE), MP_ROM_INT(0x20fd) },
    { MP_ROM_QSTR(MP_QSTR_GREENYELLOW), MP_ROM_INT(0xe5af) },
    { MP_ROM_QSTR(MP_QSTR_PINK), MP_ROM_INT(0x1ff8) },
};
static MP_DEFINE_CONST_DICT(lcd_module_globals, lcd_module_table);

const mp_obj_module_t lcd_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&lcd_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_lcd, lcd_module);
