// SPDX-License-Identifier: MIT
//
// network.ESP8285(uart): a module with AT firmware on a UART (M1W, Maix Go, or one's own).
#include <errno.h>
#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/modmachine.h"
#include "esp_at.h"
#include "net_nic.h"

#define JOIN_MS (20000)
#define BLOCKS_PASSIVE (32) // 8 KiB: the module keeps the rest
#define BLOCKS_ACTIVE (160) // 40 KiB, as MaixPy has
#define AP_CHANNEL (5)

typedef struct {
    net_nic_t nic;
    mp_obj_t uart;
    const mp_stream_p_t *stream;
    at_port_t port;
    at_block_t *block;
    esp_at_t esp;
} esp8285_obj_t;

// ---- the UART ----------------------------------------------------------------------------------

static bool readable(esp8285_obj_t *self) {
    int err;
    return self->stream->ioctl(self->uart, MP_STREAM_POLL, MP_STREAM_POLL_RD, &err) & MP_STREAM_POLL_RD;
}

// One by one: a read of more than there is would wait for the rest.
static int port_read(void *ctx, uint8_t *data, size_t len) {
    esp8285_obj_t *self = ctx;
    size_t n = 0;
    while (n < len && readable(self)) {
        int err = 0;
        mp_uint_t got = self->stream->read(self->uart, data + n, 1, &err);
        if (got == MP_STREAM_ERROR && !mp_is_nonblocking_error(err)) {
            return -err;
        }
        if (got != 1) {
            break;
        }
        ++n;
    }
    return n;
}

static int port_write(void *ctx, const uint8_t *data, size_t len) {
    esp8285_obj_t *self = ctx;
    uint32_t last = mp_hal_ticks_ms();
    while (len != 0) {
        int err = 0;
        mp_uint_t n = self->stream->write(self->uart, data, len, &err);
        if (n == MP_STREAM_ERROR) {
            if (!mp_is_nonblocking_error(err)) {
                return -err;
            }
            n = 0;
        }
        data += n;
        len -= n;
        if (n != 0) {
            last = mp_hal_ticks_ms();
        } else if (mp_hal_ticks_ms() - last > 2000) {
            return -EIO;
        } else {
            net_idle(NULL);
        }
    }
    return 0;
}

// The command without its arguments, among which there are passwords.
static const char *doing(void *driver) {
    static char text[20];
    const at_t *at = &((esp_at_t *)driver)->at;
    size_t n = 0;
    while (n < at->command_len && n + 1 < sizeof(text) && at->command[n] != '=' && at->command[n] != '\r') {
        text[n] = at->command[n];
        ++n;
    }
    text[n] = 0;
    return text;
}

// ---- calls -------------------------------------------------------------------------------------

typedef struct {
    const char *ssid, *key;
    int channel, security;
    net_config_t config;
    net_ap_t ap;
    char mac[18];
    bool passive;
    esp8285_obj_t *self;
    uint16_t blocks;
} args_t;

static int do_start(void *d, void *args) {
    args_t *a = args;
    return esp_at_start(d, &a->self->port, a->self->block, a->blocks, a->passive);
}

static int do_join(void *d, void *args) {
    args_t *a = args;
    return esp_at_join(d, a->ssid, a->key, JOIN_MS);
}

static int do_leave(void *d, void *args) {
    return esp_at_leave(d);
}

static int do_joined(void *d, void *args) {
    return esp_at_joined(d);
}

static int do_config(void *d, void *args) {
    return esp_at_config(d, &((args_t *)args)->config);
}

static int do_set_config(void *d, void *args) {
    return esp_at_set_config(d, &((args_t *)args)->config);
}

static int do_mac(void *d, void *args) {
    args_t *a = args;
    return esp_at_mac(d, a->mac, sizeof(a->mac));
}

static int do_current(void *d, void *args) {
    return esp_at_current(d, &((args_t *)args)->ap);
}

static int do_version(void *d, void *args) {
    return esp_at_version(d);
}

static int do_ping(void *d, void *args) {
    return esp_at_ping(d, ((args_t *)args)->ssid);
}

static int do_scan(void *d, void *args) {
    return esp_at_scan(d);
}

static int do_access_point(void *d, void *args) {
    args_t *a = args;
    return esp_at_access_point(d, a->ssid, a->key, a->channel, a->security);
}

static int do_access_point_off(void *d, void *args) {
    return esp_at_access_point_off(d);
}

static mp_obj_t esp8285_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_uart, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_obj = MP_OBJ_NULL} },
        { MP_QSTR_passive, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = true} },
    };
    mp_arg_val_t vals[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, vals);
    mp_obj_t uart = vals[0].u_obj;
    const mp_stream_p_t *stream = mp_get_stream(uart);
    if (stream == NULL || stream->read == NULL || stream->write == NULL || stream->ioctl == NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid uart stream"));
    }
    esp8285_obj_t *self = mp_obj_malloc(esp8285_obj_t, type);
    self->uart = uart;
    self->stream = stream;
    self->port = (at_port_t) {
        .ctx = self, .read = port_read, .write = port_write, .ticks_ms = net_ticks_ms, .idle = net_idle,
    };
    self->nic.sockets = &esp_at_sockets;
    self->nic.driver = &self->esp;
    self->nic.name = "ESP8285";
    self->nic.doing = doing;
    self->nic.alive = true;
    self->nic.locked = false;
    self->nic.orphans = 0;
    args_t args = { .self = self, .passive = vals[1].u_bool };
    args.blocks = args.passive ? BLOCKS_PASSIVE : BLOCKS_ACTIVE;
    self->block = m_new(at_block_t, args.blocks);
    at_init(&self->esp.at, &self->port, self->block, args.blocks);
    int ret = net_nic_call(&self->nic, do_start, &args);
    if (ret == 0 && args.passive && !self->esp.at.passive) {
        // Older firmware sends all at once: more room.
        self->block = m_renew(at_block_t, self->block, BLOCKS_PASSIVE, BLOCKS_ACTIVE);
        args.passive = false;
        args.blocks = BLOCKS_ACTIVE;
        ret = net_nic_call(&self->nic, do_start, &args);
    }
    if (ret < 0) {
        net_raise(-ret, MP_ERROR_TEXT("couldn't init nic esp8285 ,try again please: it says no to %s"), doing(&self->esp));
    }
    net_nic_register(&self->nic);
    return MP_OBJ_FROM_PTR(self);
}

static void esp8285_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    esp8285_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "<ESP8285 %s, data %s>", self->nic.alive ? self->esp.at.joined ? "connected" : "not connected" : "not in use",
        self->esp.at.passive ? "on demand" : "at once");
}

// connect(ssid, key=None)
static mp_obj_t esp8285_connect(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_ssid, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_obj = MP_OBJ_NULL} },
        { MP_QSTR_key, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t vals[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, vals);
    esp8285_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    args_t args = {
        .ssid = net_text(vals[0].u_obj, NET_SSID_MAX, "ssid"),
        .key = vals[1].u_obj == mp_const_none ? "" : net_text(vals[1].u_obj, NET_KEY_MAX, "key"),
    };
    int ret = net_nic_call(&self->nic, do_join, &args);
    if (ret < 0) {
        static const char *const why[] = {
            "the module does not say why", "no answer from it", "wrong key", "no such network", "it refuses",
        };
        int n = self->esp.join_error;
        net_raise(-ret, MP_ERROR_TEXT("could not connect to ssid=%s: %s"), args.ssid, why[n > 0 && n < (int)MP_ARRAY_SIZE(why) ? n : 0]);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(esp8285_connect_obj, 1, esp8285_connect);

static void check(esp8285_obj_t *self, int ret) {
    if (ret < 0) {
        net_raise(-ret, MP_ERROR_TEXT("ESP8285 says no to %s"), doing(&self->esp));
    }
}

static mp_obj_t esp8285_disconnect(mp_obj_t self_in) {
    esp8285_obj_t *self = MP_OBJ_TO_PTR(self_in);
    check(self, net_nic_call(&self->nic, do_leave, NULL));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp8285_disconnect_obj, esp8285_disconnect);

static mp_obj_t esp8285_isconnected(mp_obj_t self_in) {
    esp8285_obj_t *self = MP_OBJ_TO_PTR(self_in);
    int ret = net_nic_call(&self->nic, do_joined, NULL);
    check(self, ret);
    return mp_obj_new_bool(ret);
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp8285_isconnected_obj, esp8285_isconnected);

static mp_obj_t text_or_empty(const char *text) {
    return mp_obj_new_str(text, strlen(text));
}

// ifconfig() -> (ip, netmask, gateway, dns, "0", mac, ssid); ifconfig((ip, netmask, gateway, dns)), ifconfig("dhcp")
static mp_obj_t esp8285_ifconfig(size_t n_args, const mp_obj_t *all_args) {
    esp8285_obj_t *self = MP_OBJ_TO_PTR(all_args[0]);
    args_t args = { 0 };
    if (n_args == 2) {
        if (!mp_obj_is_str(all_args[1])) {
            mp_obj_t *items;
            mp_obj_get_array_fixed_n(all_args[1], 4, &items);
            net_ip_arg(items[0], args.config.ip);
            net_ip_arg(items[1], args.config.netmask);
            net_ip_arg(items[2], args.config.gateway);
            net_ip_arg(items[3], args.config.dns);
        } else if (strcmp(mp_obj_str_get_str(all_args[1]), "dhcp") != 0) {
            mp_raise_ValueError(MP_ERROR_TEXT("ifconfig() takes (ip, netmask, gateway, dns) or \"dhcp\""));
        }
        check(self, net_nic_call(&self->nic, do_set_config, &args));
        return mp_const_none;
    }
    check(self, net_nic_call(&self->nic, do_config, &args));
    check(self, net_nic_call(&self->nic, do_mac, &args));
    int ret = net_nic_call(&self->nic, do_current, &args);
    if (ret != -ENOTCONN) {
        check(self, ret);
    }
    mp_obj_t tuple[7] = {
        net_ip_str(args.config.ip), net_ip_str(args.config.netmask), net_ip_str(args.config.gateway),
        net_ip_str(args.config.dns), text_or_empty("0"), text_or_empty(args.mac), text_or_empty(args.ap.ssid),
    };
    return mp_obj_new_tuple(7, tuple);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(esp8285_ifconfig_obj, 1, 2, esp8285_ifconfig);

// scan() -> ['3,"name",-60,"aa:bb:cc:dd:ee:ff",1', ...], as the module writes them
static mp_obj_t esp8285_scan(mp_obj_t self_in) {
    esp8285_obj_t *self = MP_OBJ_TO_PTR(self_in);
    int ret = net_nic_call(&self->nic, do_scan, NULL);
    if (ret < 0) {
        net_raise(-ret, MP_ERROR_TEXT("wifi scan fail:%d"), ret);
    }
    mp_obj_t list = mp_obj_new_list(0, NULL);
    const char *line = NULL;
    while ((line = at_find(&self->esp.at, "+CWLAP:(", line)) != NULL) {
        const char *end = strchr(line, '\n');
        size_t len = end == NULL ? strlen(line) : (size_t)(end - line);
        mp_obj_list_append(list, mp_obj_new_str(line, len != 0 && line[len - 1] == ')' ? len - 1 : len));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp8285_scan_obj, esp8285_scan);

// _scan() -> [(ssid, bssid, channel, rssi, security, hidden), ...], for WLAN
static mp_obj_t esp8285_scan_tuples(mp_obj_t self_in) {
    esp8285_obj_t *self = MP_OBJ_TO_PTR(self_in);
    check(self, net_nic_call(&self->nic, do_scan, NULL));
    mp_obj_t list = mp_obj_new_list(0, NULL);
    const char *line = NULL;
    net_ap_t ap;
    while (esp_at_scanned(&self->esp, &line, &ap)) {
        mp_obj_list_append(list, net_ap_tuple(&ap));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp8285_scan_tuples_obj, esp8285_scan_tuples);

// config("mac") and others, for WLAN
static mp_obj_t esp8285_config(mp_obj_t self_in, mp_obj_t what) {
    esp8285_obj_t *self = MP_OBJ_TO_PTR(self_in);
    args_t args = { 0 };
    if (mp_obj_str_get_qstr(what) == MP_QSTR_mac) {
        check(self, net_nic_call(&self->nic, do_mac, &args));
        return net_mac_bytes(args.mac);
    }
    int ret = net_nic_call(&self->nic, do_current, &args);
    if (ret != -ENOTCONN) {
        check(self, ret);
    }
    return net_config_of(what, &args.ap);
}
static MP_DEFINE_CONST_FUN_OBJ_2(esp8285_config_obj, esp8285_config);

// enable_ap(ssid, key, chl=5, ecn=3)
static mp_obj_t esp8285_enable_ap(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_ssid, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_obj = MP_OBJ_NULL} },
        { MP_QSTR_key, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_obj = MP_OBJ_NULL} },
        { MP_QSTR_chl, MP_ARG_INT, {.u_int = AP_CHANNEL} },
        { MP_QSTR_ecn, MP_ARG_INT, {.u_int = NET_WPA2_PSK} },
    };
    mp_arg_val_t vals[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, vals);
    esp8285_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    args_t args = {
        .ssid = net_text(vals[0].u_obj, NET_SSID_MAX, "ssid"),
        .key = net_text(vals[1].u_obj, NET_KEY_MAX, "key"),
        .channel = vals[2].u_int,
        .security = vals[3].u_int,
    };
    if (args.channel < 1 || args.channel > 14) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("channel %d is not between 1 and 14"), args.channel);
    }
    if (args.security != NET_OPEN && (args.security < NET_WPA_PSK || args.security > NET_WPA_WPA2_PSK)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("ecn %d is not OPEN, WPA_PSK, WPA2_PSK or WPA_WPA2_PSK"), args.security);
    }
    int ret = net_nic_call(&self->nic, do_access_point, &args);
    if (ret < 0) {
        net_raise(-ret, MP_ERROR_TEXT("wifi enable fail"));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(esp8285_enable_ap_obj, 1, esp8285_enable_ap);

static mp_obj_t esp8285_disable_ap(mp_obj_t self_in) {
    esp8285_obj_t *self = MP_OBJ_TO_PTR(self_in);
    int ret = net_nic_call(&self->nic, do_access_point_off, NULL);
    if (ret < 0) {
        net_raise(-ret, MP_ERROR_TEXT("wifi disable fail"));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp8285_disable_ap_obj, esp8285_disable_ap);

static mp_obj_t esp8285_version(mp_obj_t self_in) {
    esp8285_obj_t *self = MP_OBJ_TO_PTR(self_in);
    check(self, net_nic_call(&self->nic, do_version, NULL));
    size_t len = self->esp.at.reply_len;
    return mp_obj_new_str(self->esp.at.reply, len != 0 ? len - 1 : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp8285_version_obj, esp8285_version);

// ping(host) -> milliseconds
static mp_obj_t esp8285_ping(mp_obj_t self_in, mp_obj_t host) {
    esp8285_obj_t *self = MP_OBJ_TO_PTR(self_in);
    args_t args = { .ssid = net_text(host, NET_HOST_MAX, "host") };
    int ret = net_nic_call(&self->nic, do_ping, &args);
    if (ret < 0) {
        net_raise(-ret, MP_ERROR_TEXT("no answer from %s"), args.ssid);
    }
    return MP_OBJ_NEW_SMALL_INT(ret);
}
static MP_DEFINE_CONST_FUN_OBJ_2(esp8285_ping_obj, esp8285_ping);

static const mp_rom_map_elem_t esp8285_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_connect), MP_ROM_PTR(&esp8285_connect_obj) },
    { MP_ROM_QSTR(MP_QSTR_disconnect), MP_ROM_PTR(&esp8285_disconnect_obj) },
    { MP_ROM_QSTR(MP_QSTR_isconnected), MP_ROM_PTR(&esp8285_isconnected_obj) },
    { MP_ROM_QSTR(MP_QSTR_ifconfig), MP_ROM_PTR(&esp8285_ifconfig_obj) },
    { MP_ROM_QSTR(MP_QSTR_scan), MP_ROM_PTR(&esp8285_scan_obj) },
    { MP_ROM_QSTR(MP_QSTR__scan), MP_ROM_PTR(&esp8285_scan_tuples_obj) },
    { MP_ROM_QSTR(MP_QSTR_config), MP_ROM_PTR(&esp8285_config_obj) },
    { MP_ROM_QSTR(MP_QSTR_enable_ap), MP_ROM_PTR(&esp8285_enable_ap_obj) },
    { MP_ROM_QSTR(MP_QSTR_disable_ap), MP_ROM_PTR(&esp8285_disable_ap_obj) },
    { MP_ROM_QSTR(MP_QSTR_version), MP_ROM_PTR(&esp8285_version_obj) },
    { MP_ROM_QSTR(MP_QSTR_ping), MP_ROM_PTR(&esp8285_ping_obj) },
    { MP_ROM_QSTR(MP_QSTR_OPEN), MP_ROM_INT(NET_OPEN) },
    { MP_ROM_QSTR(MP_QSTR_WPA_PSK), MP_ROM_INT(NET_WPA_PSK) },
    { MP_ROM_QSTR(MP_QSTR_WPA2_PSK), MP_ROM_INT(NET_WPA2_PSK) },
    { MP_ROM_QSTR(MP_QSTR_WPA_WPA2_PSK), MP_ROM_INT(NET_WPA_WPA2_PSK) },
};
static MP_DEFINE_CONST_DICT(esp8285_locals, esp8285_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    network_esp8285_type,
    MP_QSTR_ESP8285,
    MP_TYPE_FLAG_NONE,
    make_new, esp8285_make_new,
    print, esp8285_print,
    protocol, &net_nic_protocol,
    locals_dict, &esp8285_locals
    );
