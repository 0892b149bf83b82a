// SPDX-License-Identifier: MIT
#include "py/mphal.h"
#include "py/runtime.h"
#include "hal/fpioa.h"
#include "maix.h"

typedef struct _maix_fpioa_obj_t {
    mp_obj_base_t base;
} maix_fpioa_obj_t;

static const maix_fpioa_obj_t maix_fpioa_obj = {{&maix_fpioa_type}};

static mp_obj_t maix_fpioa_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&maix_fpioa_obj);
}

static unsigned get_function(mp_int_t function) {
    if (function < 0 || function >= FPIOA_FUNCTIONS) {
        mp_raise_ValueError(MP_ERROR_TEXT("This function is invalid"));
    }
    return function;
}

// set_function(pin, func, set_sl=-1, set_st=-1, set_io_driving=-1) -> True
static mp_obj_t maix_fpioa_set_function(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_pin, ARG_func, ARG_set_sl, ARG_set_st, ARG_set_io_driving };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_pin, MP_ARG_REQUIRED | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_func, MP_ARG_REQUIRED | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_set_sl, MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_set_st, MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_set_io_driving, MP_ARG_INT, {.u_int = -1} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_int_t pin = args[ARG_pin].u_int;
    unsigned function = get_function(args[ARG_func].u_int);
    if (pin < 0 || pin >= FPIOA_PADS) {
        mp_raise_ValueError(MP_ERROR_TEXT("Don't have this Pin"));
    }
    if (args[ARG_set_io_driving].u_int > 15) {
        mp_raise_ValueError(MP_ERROR_TEXT("set_io_driving > FPIOA_DRIVING_MAX"));
    }
    fpioa_set(pin, function);
    if (args[ARG_set_sl].u_int >= 0) {
        fpioa_set_slew(pin, args[ARG_set_sl].u_int != 0);
    }
    if (args[ARG_set_st].u_int >= 0) {
        fpioa_set_schmitt(pin, args[ARG_set_st].u_int != 0);
    }
    if (args[ARG_set_io_driving].u_int >= 0) {
        fpioa_set_drive(pin, args[ARG_set_io_driving].u_int);
    }
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(maix_fpioa_set_function_obj, 1, maix_fpioa_set_function);

// get_Pin_num(func) -> pin or None
static mp_obj_t maix_fpioa_get_pin_num(mp_obj_t self_in, mp_obj_t func) {
    int pad = fpioa_pad_of(get_function(mp_obj_get_int(func)));
    return pad < 0 ? mp_const_none : MP_OBJ_NEW_SMALL_INT(pad);
}
static MP_DEFINE_CONST_FUN_OBJ_2(maix_fpioa_get_pin_num_obj, maix_fpioa_get_pin_num);

// get_function(pin) -> func
static mp_obj_t maix_fpioa_get_function(mp_obj_t self_in, mp_obj_t pin) {
    int function = fpioa_get(mp_obj_get_int(pin));
    if (function < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("Don't have this Pin"));
    }
    return MP_OBJ_NEW_SMALL_INT(function);
}
static MP_DEFINE_CONST_FUN_OBJ_2(maix_fpioa_get_function_obj, maix_fpioa_get_function);

static mp_obj_t maix_fpioa_help(size_t n_args, const mp_obj_t *args);
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(maix_fpioa_help_obj, 1, 2, maix_fpioa_help);

#define F(name) { MP_ROM_QSTR(MP_QSTR_##name), MP_ROM_INT(FPIOA_##name) }

static const mp_rom_map_elem_t maix_fpioa_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_set_function), MP_ROM_PTR(&maix_fpioa_set_function_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_function), MP_ROM_PTR(&maix_fpioa_get_function_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_Pin_num), MP_ROM_PTR(&maix_fpioa_get_pin_num_obj) },
    { MP_ROM_QSTR(MP_QSTR_help), MP_ROM_PTR(&maix_fpioa_help_obj) },
    F(JTAG_TCLK), F(JTAG_TDI), F(JTAG_TMS), F(JTAG_TDO), F(SPI0_D0), F(SPI0_D1), F(SPI0_D2), F(SPI0_D3),
    F(SPI0_D4), F(SPI0_D5), F(SPI0_D6), F(SPI0_D7), F(SPI0_SS0), F(SPI0_SS1), F(SPI0_SS2), F(SPI0_SS3),
    F(SPI0_ARB), F(SPI0_SCLK), F(UARTHS_RX), F(UARTHS_TX), F(RESV6), F(RESV7), F(CLK_SPI1), F(CLK_I2C1),
    F(GPIOHS0), F(GPIOHS1), F(GPIOHS2), F(GPIOHS3), F(GPIOHS4), F(GPIOHS5), F(GPIOHS6), F(GPIOHS7),
    F(GPIOHS8), F(GPIOHS9), F(GPIOHS10), F(GPIOHS11), F(GPIOHS12), F(GPIOHS13), F(GPIOHS14), F(GPIOHS15),
    F(GPIOHS16), F(GPIOHS17), F(GPIOHS18), F(GPIOHS19), F(GPIOHS20), F(GPIOHS21), F(GPIOHS22), F(GPIOHS23),
    F(GPIOHS24), F(GPIOHS25), F(GPIOHS26), F(GPIOHS27), F(GPIOHS28), F(GPIOHS29), F(GPIOHS30), F(GPIOHS31),
    F(GPIO0), F(GPIO1), F(GPIO2), F(GPIO3), F(GPIO4), F(GPIO5), F(GPIO6), F(GPIO7), F(UART1_RX), F(UART1_TX),
    F(UART2_RX), F(UART2_TX), F(UART3_RX), F(UART3_TX), F(SPI1_D0), F(SPI1_D1), F(SPI1_D2), F(SPI1_D3),
    F(SPI1_D4), F(SPI1_D5), F(SPI1_D6), F(SPI1_D7), F(SPI1_SS0), F(SPI1_SS1), F(SPI1_SS2), F(SPI1_SS3),
    F(SPI1_ARB), F(SPI1_SCLK), F(SPI_SLAVE_D0), F(SPI_SLAVE_SS), F(SPI_SLAVE_SCLK), F(I2S0_MCLK),
    F(I2S0_SCLK), F(I2S0_WS), F(I2S0_IN_D0), F(I2S0_IN_D1), F(I2S0_IN_D2), F(I2S0_IN_D3), F(I2S0_OUT_D0),
    F(I2S0_OUT_D1), F(I2S0_OUT_D2), F(I2S0_OUT_D3), F(I2S1_MCLK), F(I2S1_SCLK), F(I2S1_WS), F(I2S1_IN_D0),
    F(I2S1_IN_D1), F(I2S1_IN_D2), F(I2S1_IN_D3), F(I2S1_OUT_D0), F(I2S1_OUT_D1), F(I2S1_OUT_D2),
    F(I2S1_OUT_D3), F(I2S2_MCLK), F(I2S2_SCLK), F(I2S2_WS), F(I2S2_IN_D0), F(I2S2_IN_D1), F(I2S2_IN_D2),
    F(I2S2_IN_D3), F(I2S2_OUT_D0), F(I2S2_OUT_D1), F(I2S2_OUT_D2), F(I2S2_OUT_D3), F(RESV0), F(RESV1),
    F(RESV2), F(RESV3), F(RESV4), F(RESV5), F(I2C0_SCLK), F(I2C0_SDA), F(I2C1_SCLK), F(I2C1_SDA),
    F(I2C2_SCLK), F(I2C2_SDA), F(CMOS_XCLK), F(CMOS_RST), F(CMOS_PWDN), F(CMOS_VSYNC), F(CMOS_HREF),
    F(CMOS_PCLK), F(CMOS_D0), F(CMOS_D1), F(CMOS_D2), F(CMOS_D3), F(CMOS_D4), F(CMOS_D5), F(CMOS_D6),
    F(CMOS_D7), F(SCCB_SCLK), F(SCCB_SDA), F(UART1_CTS), F(UART1_DSR), F(UART1_DCD), F(UART1_RI),
    F(UART1_SIR_IN), F(UART1_DTR), F(UART1_RTS), F(UART1_OUT2), F(UART1_OUT1), F(UART1_SIR_OUT),
    F(UART1_BAUD), F(UART1_RE), F(UART1_DE), F(UART1_RS485_EN), F(UART2_CTS), F(UART2_DSR), F(UART2_DCD),
    F(UART2_RI), F(UART2_SIR_IN), F(UART2_DTR), F(UART2_RTS), F(UART2_OUT2), F(UART2_OUT1), F(UART2_SIR_OUT),
    F(UART2_BAUD), F(UART2_RE), F(UART2_DE), F(UART2_RS485_EN), F(UART3_CTS), F(UART3_DSR), F(UART3_DCD),
    F(UART3_RI), F(UART3_SIR_IN), F(UART3_DTR), F(UART3_RTS), F(UART3_OUT2), F(UART3_OUT1), F(UART3_SIR_OUT),
    F(UART3_BAUD), F(UART3_RE), F(UART3_DE), F(UART3_RS485_EN), F(TIMER0_TOGGLE1), F(TIMER0_TOGGLE2),
    F(TIMER0_TOGGLE3), F(TIMER0_TOGGLE4), F(TIMER1_TOGGLE1), F(TIMER1_TOGGLE2), F(TIMER1_TOGGLE3),
    F(TIMER1_TOGGLE4), F(TIMER2_TOGGLE1), F(TIMER2_TOGGLE2), F(TIMER2_TOGGLE3), F(TIMER2_TOGGLE4),
    F(CLK_SPI2), F(CLK_I2C2),
};
static MP_DEFINE_CONST_DICT(maix_fpioa_locals_dict, maix_fpioa_locals_dict_table);

// help([func]): names and numbers, and the pin where each is
static mp_obj_t maix_fpioa_help(size_t n_args, const mp_obj_t *args) {
    int only = n_args == 2 ? (int)get_function(mp_obj_get_int(args[1])) : -1;
    for (size_t i = 0; i < MP_ARRAY_SIZE(maix_fpioa_locals_dict_table); ++i) {
        mp_rom_obj_t value = maix_fpioa_locals_dict_table[i].value;
        if (!mp_obj_is_small_int((mp_obj_t)value)) {
            continue;
        }
        int function = MP_OBJ_SMALL_INT_VALUE((mp_obj_t)value);
        if (only < 0 || function == only) {
            int pad = fpioa_pad_of(function);
            mp_printf(&mp_plat_print, "%3d %-14q", function, MP_OBJ_QSTR_VALUE((mp_obj_t)maix_fpioa_locals_dict_table[i].key));
            mp_printf(&mp_plat_print, pad < 0 ? "\n" : " pin %d\n", pad);
        }
    }
    return mp_const_none;
}

MP_DEFINE_CONST_OBJ_TYPE(
    maix_fpioa_type,
    MP_QSTR_FPIOA,
    MP_TYPE_FLAG_NONE,
    make_new, maix_fpioa_make_new,
    locals_dict, &maix_fpioa_locals_dict
    );
