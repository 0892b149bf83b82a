/*
 * SPDX-License-Identifier: MIT
 *
 * A network module as MicroPython's network and socket modules see it. Each module's class begins with net_nic_t
 * and has net_nic_protocol.
 */
#ifndef NETWORK_NET_NIC_H
#define NETWORK_NET_NIC_H

#include "py/obj.h"
#include "extmod/modnetwork.h"
#include "net.h"

typedef struct {
    mp_obj_base_t base;
    const net_sockets_t *sockets;
    void *driver; // what the functions of sockets want
    const char *name; // for messages
    const char *(*doing)(void *driver); // what the module has not answered to
    bool alive; // false after a soft reset, or when another object has taken the module
    bool locked;
    mp_uint_t owner; // thread
    uint32_t orphans; // links of sockets that the garbage collector has taken
} net_nic_t;

extern const mod_network_nic_protocol_t net_nic_protocol;

// Makes a new object the network that sockets use, in the place of a former one of its kind.
void net_nic_register(net_nic_t *nic);

// Calls the driver: one thread at a time, and whatever exception comes through it, the next call is possible.
// Returns what fn does; raises OSError when the module does not answer.
typedef int (*net_call_t)(void *driver, void *args);
int net_nic_call(net_nic_t *nic, net_call_t fn, void *args);

// Waits a moment for the module; exceptions (Ctrl-C) come through here.
void net_idle(void *ctx);
uint32_t net_ticks_ms(void *ctx);

// OSError(err, text)
NORETURN void net_raise(int err, mp_rom_error_text_t format, ...);

// Strings of scripts, checked: "ssid of 40 bytes: 32 at most".
const char *net_text(mp_obj_t text, size_t max, const char *what);

mp_obj_t net_ip_str(const uint8_t ip[4]);
void net_ip_arg(mp_obj_t text, uint8_t ip[4]);
// "aa:bb:cc:dd:ee:ff" as bytes
mp_obj_t net_mac_bytes(const char *text);

// What WLAN has of a network: a tuple of scan(), a value of config().
mp_obj_t net_ap_tuple(const net_ap_t *ap);
mp_obj_t net_config_of(mp_obj_t what, const net_ap_t *ap);

extern const mp_obj_type_t network_esp8285_type;
extern const mp_obj_type_t network_esp32_spi_type;
extern const mp_obj_type_t network_wlan_type;

#endif
