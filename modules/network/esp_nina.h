/*
 * SPDX-License-Identifier: MIT
 *
 * An ESP32 with NINA firmware: station, ADC, and links for net_nic.c. Knows commands (nina.h), not what carries them.
 */
#ifndef NETWORK_ESP_NINA_H
#define NETWORK_ESP_NINA_H

#include "net.h"
#include "nina.h"

#define ESP_NINA_SOCKETS (16)
#define ESP_NINA_CHANNELS (6)

typedef struct {
    nina_t nina;
    struct {
        bool used, udp, server;
        bool bound; // UDP with a port of its own
        net_peer_t to; // UDP: where datagrams go that have no address
        int8_t waiting; // server: a connection that nobody has accepted yet, -1 = none
    } socket[ESP_NINA_SOCKETS];
    int8_t opening; // a socket of the module that is being connected, -1 = none
} esp_nina_t;

enum esp_nina_status {
    ESP_NINA_IDLE = 0, ESP_NINA_NO_NETWORK = 1, ESP_NINA_CONNECTED = 3, ESP_NINA_FAILED = 4, ESP_NINA_LOST = 5,
    ESP_NINA_DISCONNECTED = 6,
};

// Forgets the links; call after a reset of the module, too.
void esp_nina_init(esp_nina_t *esp, const nina_port_t *port);
int esp_nina_version(esp_nina_t *esp, char *text, size_t size);
int esp_nina_soft_reset(esp_nina_t *esp);
int esp_nina_status(esp_nina_t *esp);
int esp_nina_join(esp_nina_t *esp, const char *ssid, const char *key); // begins; status tells
int esp_nina_leave(esp_nina_t *esp);
int esp_nina_config(esp_nina_t *esp, net_config_t *config);
int esp_nina_mac(esp_nina_t *esp, uint8_t mac[6]);
int esp_nina_current(esp_nina_t *esp, net_ap_t *ap);
int esp_nina_scan(esp_nina_t *esp, net_ap_t *aps, int most); // how many; ap.security is the module's own number
int esp_nina_scan_details(esp_nina_t *esp, int n, net_ap_t *ap);
uint8_t esp_nina_security(uint8_t encryption); // as enum net_security
int esp_nina_ping(esp_nina_t *esp, const uint8_t ip[4], uint8_t ttl); // milliseconds
int esp_nina_adc(esp_nina_t *esp, const uint8_t *channels, int count, uint16_t *values);

extern const net_sockets_t esp_nina_sockets;

#endif
