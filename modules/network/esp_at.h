/*
 * SPDX-License-Identifier: MIT
 *
 * A Wi-Fi module with Espressif's AT firmware (ESP8285 of the M1W, ESP8266, ESP32 with ESP-AT): station, access
 * point, and links for net_nic.c. Knows commands, not what carries them (at.h), no Python.
 */
#ifndef NETWORK_ESP_AT_H
#define NETWORK_ESP_AT_H

#include "at.h"

typedef struct {
    at_t at;
    uint16_t server_port; // 0 = no server
    bool server_used;
    uint8_t details_users; // UDP links
    int join_error; // of the last connect: 1 time-out, 2 wrong key, 3 no such network, 4 refused, 0 none told
} esp_at_t;

// Talks to the module, ends what a former program has left, sets it up. passive: let it hold data back if it can.
int esp_at_start(esp_at_t *esp, const at_port_t *port, at_block_t *block, uint16_t blocks, bool passive);

int esp_at_join(esp_at_t *esp, const char *ssid, const char *key, uint32_t timeout_ms);
int esp_at_leave(esp_at_t *esp);
int esp_at_joined(esp_at_t *esp); // 1 yes, 0 no
int esp_at_config(esp_at_t *esp, net_config_t *config);
int esp_at_set_config(esp_at_t *esp, const net_config_t *config); // all zeros = DHCP
int esp_at_mac(esp_at_t *esp, char *text, size_t size);
int esp_at_current(esp_at_t *esp, net_ap_t *ap); // the network it is in; -ENOTCONN
int esp_at_version(esp_at_t *esp); // the lines are in at.reply
int esp_at_ping(esp_at_t *esp, const char *host); // milliseconds
int esp_at_access_point(esp_at_t *esp, const char *ssid, const char *key, int channel, int security);
int esp_at_access_point_off(esp_at_t *esp);

// Asks for the networks around; then esp_at_scanned() gives one after the other. *line is NULL at first.
int esp_at_scan(esp_at_t *esp);
bool esp_at_scanned(esp_at_t *esp, const char **line, net_ap_t *ap);

extern const net_sockets_t esp_at_sockets;

#endif
