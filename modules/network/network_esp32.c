// SPDX-License-Identifier: MIT
//
// network.ESP32_SPI(cs=, rst=, rdy=, mosi=, miso=, sclk=, spi=): the ESP32 of the Maixduino.
//
// Pins are MaixPy's function numbers of GPIOHS (fm.fpioa.GPIOHS10), which scripts have put on pads before, or Pin
// objects or names. Data go over SPI1 in either case; it is put on the pads whenever the module is selected, because
// the SD card shares them.
#include <errno.h>
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "hal/fpioa.h"
#include "hal/gpiohs.h"
#include "hal/spi.h"
#include "machine_pin.h"
#include "esp_nina.h"
#include "net_nic.h"

#define SPI_PORT (1)
#define SPI_HW_CS (1) // on no pad: the module's select is a GPIO
#define SPI_HZ (8000000) // an ESP32 slave takes 10 MHz
#define RESET_LOW_MS (100)
#define RESET_WAIT_MS (5000)
#define SOFT_RESET_MS (1500)
#define JOIN_MS (20000)
#define SCAN_TRIES (3)
#define NETWORKS_MAX (24)
#define PING_TTL (64)
#define NO_PAD (-1)

typedef struct {
    net_nic_t nic;
    nina_port_t port;
    int8_t cs, rst, rdy, mosi, miso, sclk; // pads
    char version[16];
    esp_nina_t esp;
} esp32_obj_t;

// ---- wires -------------------------------------------------------------------------------------

static bool port_ready(void *ctx) {
    esp32_obj_t *self = ctx;
    return !gpiohs_read(machine_pin_gpiohs(self->rdy));
}

static void route(unsigned pad, unsigned function) {
    if (fpioa_get(pad) != (int)function) {
        fpioa_set(pad, function);
    }
}

static void port_select(void *ctx, bool on) {
    esp32_obj_t *self = ctx;
    if (on) {
        route(self->sclk, FPIOA_SPI1_SCLK);
        route(self->mosi, FPIOA_SPI1_D0);
        route(self->miso, FPIOA_SPI1_D1);
    }
    machine_pin_output(self->cs, !on);
}

static int port_transfer(void *ctx, const uint8_t *tx, uint8_t *rx, size_t len) {
    (void)ctx;
    spi_config_t config = { .port = SPI_PORT, .cs = SPI_HW_CS, .bits = 8, .hz = SPI_HZ, .format = SPI_STANDARD };
    return rx == NULL ? spi_write(&config, NULL, 0, tx, len) : spi_transfer(&config, tx, rx, len);
}

static void make_input(unsigned pad) {
    gpiohs_input(machine_pin_gpiohs(pad));
}

static const char *doing(void *driver) {
    static char text[] = "command 0x00";
    static const char digits[] = "0123456789abcdef";
    uint8_t command = ((esp_nina_t *)driver)->nina.command;
    text[10] = digits[command >> 4];
    text[11] = digits[command & 15];
    return text;
}

// ---- calls -------------------------------------------------------------------------------------

typedef struct {
    esp32_obj_t *self;
    const char *ssid, *key;
    uint8_t ip[4];
    net_config_t config;
    net_ap_t *aps;
    net_ap_t ap;
    int n;
    uint8_t mac[6];
    const uint8_t *channels;
    uint16_t values[ESP_NINA_CHANNELS];
} args_t;

static void wait_ms(mp_uint_t ms) {
    mp_uint_t start = mp_hal_ticks_ms();
    while (mp_hal_ticks_ms() - start < ms) {
        net_idle(NULL);
    }
}

static int do_start(void *d, void *args) {
    esp32_obj_t *self = ((args_t *)args)->self;
    esp_nina_init(d, &self->port);
    if (self->rst != NO_PAD) {
        machine_pin_output(self->rst, false);
        wait_ms(RESET_LOW_MS);
        machine_pin_output(self->rst, true);
        wait_ms(RESET_LOW_MS);
        mp_uint_t start = mp_hal_ticks_ms();
        while (!port_ready(self) && mp_hal_ticks_ms() - start < RESET_WAIT_MS) {
            net_idle(NULL);
        }
    } else {
        int ret = esp_nina_soft_reset(d);
        if (ret < 0 && ret != -EIO && ret != -EBADMSG) {
            return ret;
        }
        wait_ms(SOFT_RESET_MS);
    }
    return esp_nina_version(d, self->version, sizeof(self->version));
}

// Begins to connect, and waits for how that ends.
static int do_join(void *d, void *args) {
    args_t *a = args;
    int ret = esp_nina_join(d, a->ssid, a->key);
    mp_uint_t start = mp_hal_ticks_ms();
    while (ret == 0) {
        int status = esp_nina_status(d);
        if (status < 0 || status == ESP_NINA_CONNECTED) {
            return status;
        }
        bool late = mp_hal_ticks_ms() - start >= JOIN_MS;
        if (status == ESP_NINA_FAILED || status == ESP_NINA_NO_NETWORK || late) {
            a->n = late;
            return status;
        }
        wait_ms(50);
    }
    return ret;
}

static int do_leave(void *d, void *args) {
    return esp_nina_leave(d);
}

static int do_status(void *d, void *args) {
    return esp_nina_status(d);
}

static int do_config(void *d, void *args) {
    return esp_nina_config(d, &((args_t *)args)->config);
}

static int do_mac(void *d, void *args) {
    return esp_nina_mac(d, ((args_t *)args)->mac);
}

static int do_current(void *d, void *args) {
    return esp_nina_current(d, &((args_t *)args)->ap);
}

static int do_scan(void *d, void *args) {
    args_t *a = args;
    int ret = 0;
    for (int i = 0; i < SCAN_TRIES && ret == 0; ++i) {
        ret = esp_nina_scan(d, a->aps, NETWORKS_MAX);
    }
    return ret;
}

static int do_details(void *d, void *args) {
    args_t *a = args;
    return esp_nina_scan_details(d, a->n, &a->aps[a->n]);
}

static int do_resolve(void *d, void *args) {
    args_t *a = args;
    return net_parse_ip(a->ssid, a->ip, NULL) ? 0 : esp_nina_sockets.resolve(d, a->ssid, a->ip);
}

static int do_ping(void *d, void *args) {
    return esp_nina_ping(d, ((args_t *)args)->ip, PING_TTL);
}

static int do_adc(void *d, void *args) {
    args_t *a = args;
    return esp_nina_adc(d, a->channels, a->n, a->values);
}

// ---- the class ---------------------------------------------------------------------------------

// The pad of a pin argument: a GPIOHS function number as MaixPy has it, or a Pin or its name.
static int pad_of(mp_obj_t arg, int spi_function, bool optional, const char *name) {
    if (arg == mp_const_none || (mp_obj_is_int(arg) && mp_obj_get_int(arg) == -1)) {
        int pad = spi_function >= 0 ? fpioa_pad_of(spi_function) : -1;
        if (pad < 0 && !optional) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("gpiohs %s value error! It is missing"), name);
        }
        return pad;
    }
    if (!mp_obj_is_int(arg)) {
        return machine_pin_find(arg)->id;
    }
    mp_int_t function = mp_obj_get_int(arg);
    if (function < FPIOA_GPIOHS0 || function > FPIOA_GPIOHS31) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("gpiohs %s value error! %d is no fm.fpioa.GPIOHS"), name, (int)function);
    }
    int pad = fpioa_pad_of(function);
    if (pad < 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("gpiohs %s value error! GPIOHS%d is on no pin: fm.register() it"),
            name, (int)function - FPIOA_GPIOHS0);
    }
    return pad;
}

static mp_obj_t esp32_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_cs, ARG_rst, ARG_rdy, ARG_mosi, ARG_miso, ARG_sclk, ARG_spi };
    #define PIN_ARG(name) { MP_QSTR_##name, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} }
    static const mp_arg_t allowed_args[] = {
        PIN_ARG(cs), PIN_ARG(rst), PIN_ARG(rdy), PIN_ARG(mosi), PIN_ARG(miso), PIN_ARG(sclk),
        { MP_QSTR_spi, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
    };
    mp_arg_val_t vals[MP_ARRAY_SIZE(allowed_args)];
    if (n_args != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("error argument: ESP32_SPI() takes keywords only"));
    }
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, vals);
    if (vals[ARG_spi].u_int > 0 && vals[ARG_spi].u_int != SPI_PORT) {
        mp_raise_ValueError(MP_ERROR_TEXT("error argument: spi is 1, or left out"));
    }
    esp32_obj_t *self = mp_obj_malloc(esp32_obj_t, type);
    self->cs = pad_of(vals[ARG_cs].u_obj, -1, false, "cs");
    self->rst = pad_of(vals[ARG_rst].u_obj, -1, true, "rst");
    self->rdy = pad_of(vals[ARG_rdy].u_obj, -1, false, "rdy");
    self->mosi = pad_of(vals[ARG_mosi].u_obj, FPIOA_SPI1_D0, false, "mosi");
    self->miso = pad_of(vals[ARG_miso].u_obj, FPIOA_SPI1_D1, false, "miso");
    self->sclk = pad_of(vals[ARG_sclk].u_obj, FPIOA_SPI1_SCLK, false, "sclk");
    self->version[0] = 0;
    self->port = (nina_port_t) {
        .ctx = self, .ready = port_ready, .select = port_select, .transfer = port_transfer,
        .ticks_ms = net_ticks_ms, .idle = net_idle,
    };
    self->nic.sockets = &esp_nina_sockets;
    self->nic.driver = &self->esp;
    self->nic.name = "ESP32";
    self->nic.doing = doing;
    self->nic.alive = true;
    self->nic.locked = false;
    self->nic.orphans = 0;
    spi_init(SPI_PORT);
    make_input(self->rdy);
    machine_pin_output(self->cs, true);
    args_t args = { .self = self };
    int ret = net_nic_call(&self->nic, do_start, &args);
    if (ret < 0) {
        net_raise(-ret, MP_ERROR_TEXT("Get version fail: what the ESP32 sends is no answer"));
    }
    net_nic_register(&self->nic);
    return MP_OBJ_FROM_PTR(self);
}

static void esp32_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    esp32_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "<ESP32_SPI firmware %s%s>", self->version, self->nic.alive ? "" : ", not in use");
}

static int call(esp32_obj_t *self, net_call_t fn, args_t *args) {
    int ret = net_nic_call(&self->nic, fn, args);
    if (ret < 0 && ret != -ENOTCONN) {
        net_raise(-ret, MP_ERROR_TEXT("ESP32 %s %s"), ret == -EBADMSG ? "sends no proper answer to" : "says no to", doing(&self->esp));
    }
    return ret;
}

static mp_obj_t esp32_connect(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_ssid, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_obj = MP_OBJ_NULL} },
        { MP_QSTR_key, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t vals[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, vals);
    esp32_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    args_t args = {
        .ssid = net_text(vals[0].u_obj, NET_SSID_MAX, "ssid"),
        .key = vals[1].u_obj == mp_const_none ? "" : net_text(vals[1].u_obj, NET_KEY_MAX, "key"),
    };
    int status = call(self, do_join, &args);
    if (status != ESP_NINA_CONNECTED) {
        if (args.n) {
            net_raise(MP_ETIMEDOUT, MP_ERROR_TEXT("Connect fail:TIMEOUT %d"), JOIN_MS / 1000);
        }
        net_raise(MP_EIO, MP_ERROR_TEXT("Connect fail:FAILED: %s"), status == ESP_NINA_NO_NETWORK ? "no such network" : "wrong key");
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(esp32_connect_obj, 1, esp32_connect);

static mp_obj_t esp32_disconnect(mp_obj_t self_in) {
    call(MP_OBJ_TO_PTR(self_in), do_leave, NULL);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp32_disconnect_obj, esp32_disconnect);

static mp_obj_t esp32_isconnected(mp_obj_t self_in) {
    return mp_obj_new_bool(call(MP_OBJ_TO_PTR(self_in), do_status, NULL) == ESP_NINA_CONNECTED);
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp32_isconnected_obj, esp32_isconnected);

// ifconfig() -> (ip, netmask, gateway)
static mp_obj_t esp32_ifconfig(size_t n_args, const mp_obj_t *all_args) {
    esp32_obj_t *self = MP_OBJ_TO_PTR(all_args[0]);
    if (n_args == 2) {
        net_raise(MP_EOPNOTSUPP, MP_ERROR_TEXT("the firmware of the ESP32 takes its addresses from DHCP only"));
    }
    args_t args = { 0 };
    call(self, do_config, &args);
    mp_obj_t tuple[3] = { net_ip_str(args.config.ip), net_ip_str(args.config.netmask), net_ip_str(args.config.gateway) };
    return mp_obj_new_tuple(3, tuple);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(esp32_ifconfig_obj, 1, 2, esp32_ifconfig);

static int scan(esp32_obj_t *self, args_t *args) {
    args->aps = m_new(net_ap_t, NETWORKS_MAX);
    int count = net_nic_call(&self->nic, do_scan, args);
    if (count < 0) {
        net_raise(-count, MP_ERROR_TEXT("wifi scan fail"));
    }
    return count;
}

// scan() -> [(ssid, encryption, rssi), ...]
static mp_obj_t esp32_scan(mp_obj_t self_in) {
    args_t args = { 0 };
    int count = scan(MP_OBJ_TO_PTR(self_in), &args);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (int i = 0; i < count; ++i) {
        const net_ap_t *ap = &args.aps[i];
        mp_obj_t tuple[3] = {
            mp_obj_new_str(ap->ssid, strlen(ap->ssid)), MP_OBJ_NEW_SMALL_INT(ap->security), MP_OBJ_NEW_SMALL_INT(ap->rssi),
        };
        mp_obj_list_append(list, mp_obj_new_tuple(3, tuple));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp32_scan_obj, esp32_scan);

// _scan() -> [(ssid, bssid, channel, rssi, security, hidden), ...], for WLAN
static mp_obj_t esp32_scan_tuples(mp_obj_t self_in) {
    esp32_obj_t *self = MP_OBJ_TO_PTR(self_in);
    args_t args = { 0 };
    int count = scan(self, &args);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (args.n = 0; args.n < count; ++args.n) {
        call(self, do_details, &args);
        net_ap_t *ap = &args.aps[args.n];
        ap->security = esp_nina_security(ap->security);
        mp_obj_list_append(list, net_ap_tuple(ap));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp32_scan_tuples_obj, esp32_scan_tuples);

static mp_obj_t esp32_config(mp_obj_t self_in, mp_obj_t what) {
    args_t args = { 0 };
    if (mp_obj_str_get_qstr(what) == MP_QSTR_mac) {
        call(MP_OBJ_TO_PTR(self_in), do_mac, &args);
        return mp_obj_new_bytes(args.mac, sizeof(args.mac));
    }
    call(MP_OBJ_TO_PTR(self_in), do_current, &args);
    return net_config_of(what, &args.ap);
}
static MP_DEFINE_CONST_FUN_OBJ_2(esp32_config_obj, esp32_config);

static mp_obj_t esp32_version(mp_obj_t self_in) {
    esp32_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return mp_obj_new_str(self->version, strlen(self->version));
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp32_version_obj, esp32_version);

// ping(host, host_type=1) -> milliseconds; names and addresses are told apart, whatever host_type says
static mp_obj_t esp32_ping(size_t n_args, const mp_obj_t *all_args) {
    esp32_obj_t *self = MP_OBJ_TO_PTR(all_args[0]);
    args_t args = { .ssid = net_text(all_args[1], NET_HOST_MAX, "host") };
    if (net_nic_call(&self->nic, do_resolve, &args) < 0) {
        net_raise(MP_ENOENT, MP_ERROR_TEXT("get host name fail"));
    }
    int ret = net_nic_call(&self->nic, do_ping, &args);
    if (ret < 0) {
        net_raise(-ret, MP_ERROR_TEXT("get response fail"));
    }
    return MP_OBJ_NEW_SMALL_INT(ret);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(esp32_ping_obj, 2, 3, esp32_ping);

// adc([channel or channels]) -> tuple of readings, without an argument of all six
static mp_obj_t esp32_adc(size_t n_args, const mp_obj_t *all_args) {
    esp32_obj_t *self = MP_OBJ_TO_PTR(all_args[0]);
    uint8_t channels[ESP_NINA_CHANNELS] = { 0, 1, 2, 3, 4, 5 };
    args_t args = { .channels = channels, .n = ESP_NINA_CHANNELS };
    if (n_args == 2) {
        mp_obj_t one = all_args[1], *items = &one;
        size_t n = 1;
        if (!mp_obj_is_int(one)) {
            mp_obj_get_array(one, &n, &items);
        }
        if (n == 0 || n > ESP_NINA_CHANNELS) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%u channels: 1 to %u"), (unsigned)n, ESP_NINA_CHANNELS);
        }
        for (size_t i = 0; i < n; ++i) {
            mp_int_t channel = mp_obj_get_int(items[i]);
            if (channel < 0 || channel >= ESP_NINA_CHANNELS) {
                mp_raise_OSError(MP_EINVAL);
            }
            channels[i] = channel;
        }
        args.n = n;
    }
    if (net_nic_call(&self->nic, do_adc, &args) < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MaixPy]: esp32 read adc failed!"));
    }
    mp_obj_t values[ESP_NINA_CHANNELS];
    for (int i = 0; i < args.n; ++i) {
        values[i] = MP_OBJ_NEW_SMALL_INT(args.values[i]);
    }
    return mp_obj_new_tuple(args.n, values);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(esp32_adc_obj, 1, 2, esp32_adc);

static mp_obj_t esp32_no_ap(size_t n_args, const mp_obj_t *args) {
    net_raise(MP_EOPNOTSUPP, MP_ERROR_TEXT("the firmware of the ESP32 has no access point"));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR(esp32_no_ap_obj, 1, esp32_no_ap);

static const mp_rom_map_elem_t esp32_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_connect), MP_ROM_PTR(&esp32_connect_obj) },
    { MP_ROM_QSTR(MP_QSTR_disconnect), MP_ROM_PTR(&esp32_disconnect_obj) },
    { MP_ROM_QSTR(MP_QSTR_isconnected), MP_ROM_PTR(&esp32_isconnected_obj) },
    { MP_ROM_QSTR(MP_QSTR_ifconfig), MP_ROM_PTR(&esp32_ifconfig_obj) },
    { MP_ROM_QSTR(MP_QSTR_scan), MP_ROM_PTR(&esp32_scan_obj) },
    { MP_ROM_QSTR(MP_QSTR__scan), MP_ROM_PTR(&esp32_scan_tuples_obj) },
    { MP_ROM_QSTR(MP_QSTR_config), MP_ROM_PTR(&esp32_config_obj) },
    { MP_ROM_QSTR(MP_QSTR_version), MP_ROM_PTR(&esp32_version_obj) },
    { MP_ROM_QSTR(MP_QSTR_ping), MP_ROM_PTR(&esp32_ping_obj) },
    { MP_ROM_QSTR(MP_QSTR_adc), MP_ROM_PTR(&esp32_adc_obj) },
    { MP_ROM_QSTR(MP_QSTR_enable_ap), MP_ROM_PTR(&esp32_no_ap_obj) },
    { MP_ROM_QSTR(MP_QSTR_disable_ap), MP_ROM_PTR(&esp32_no_ap_obj) },
    { MP_ROM_QSTR(MP_QSTR_OPEN), MP_ROM_INT(NET_OPEN) },
    { MP_ROM_QSTR(MP_QSTR_WPA_PSK), MP_ROM_INT(NET_WPA_PSK) },
    { MP_ROM_QSTR(MP_QSTR_WPA2_PSK), MP_ROM_INT(NET_WPA2_PSK) },
    { MP_ROM_QSTR(MP_QSTR_WPA_WPA2_PSK), MP_ROM_INT(NET_WPA_WPA2_PSK) },
};
static MP_DEFINE_CONST_DICT(esp32_locals, esp32_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    network_esp32_spi_type,
    MP_QSTR_ESP32_SPI,
    MP_TYPE_FLAG_NONE,
    make_new, esp32_make_new,
    print, esp32_print,
    protocol, &net_nic_protocol,
    locals_dict, &esp32_locals
    );
