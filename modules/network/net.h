/*
 * SPDX-License-Identifier: MIT
 *
 * What the socket layer (net_nic.c) needs of a network module, whichever protocol it speaks. Links are
 * numbers that the module gives. Nothing here waits for the network longer than it must to hear the
 * module's answer: what is not there yet is -EAGAIN, and the caller asks again.
 */
#ifndef NETWORK_NET_H
#define NETWORK_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_SSID_MAX (32)
#define NET_KEY_MAX (64)
#define NET_HOST_MAX (128)

// How a network is protected, numbered as MaixPy and the modules do.
enum net_security { NET_OPEN = 0, NET_WEP = 1, NET_WPA_PSK = 2, NET_WPA2_PSK = 3, NET_WPA_WPA2_PSK = 4, NET_WPA3 = 5 };

typedef struct {
    char ssid[NET_SSID_MAX + 1];
    uint8_t bssid[6];
    uint8_t channel; // 0 = not told
    uint8_t security;
    int rssi;
} net_ap_t;

typedef struct {
    uint8_t ip[4], netmask[4], gateway[4], dns[4]; // zeros = not told
} net_config_t;

typedef struct {
    uint8_t ip[4];
    uint16_t port;
} net_peer_t;

// All return what they promise, or a negative errno.
typedef struct {
    int (*resolve)(void *self, const char *name, uint8_t ip[4]);
    int (*connect)(void *self, const net_peer_t *to); // TCP; the new link
    int (*udp)(void *self, const net_peer_t *to, uint16_t port); // a link for datagrams from our port, 0 = any
    int (*listen)(void *self, uint16_t port); // TCP; the listening link
    int (*accept)(void *self, int listener, net_peer_t *from); // the new link, -EAGAIN
    int (*send)(void *self, int link, const uint8_t *data, size_t len, const net_peer_t *to); // bytes; to is for UDP only
    int (*recv)(void *self, int link, uint8_t *data, size_t len, net_peer_t *from); // bytes, 0 = the peer has closed, -EAGAIN
    int (*readable)(void *self, int link); // 1 = recv() or accept() has something to say, 0 = not yet
    void (*close)(void *self, int link);
} net_sockets_t;

// Reads "192.168.0.1"; false if that is not what there is. *end is behind it.
bool net_parse_ip(const char *text, uint8_t ip[4], const char **end);

// Reads "aa:bb:cc:dd:ee:ff"; zeros if that is not what there is.
void net_parse_mac(const char *text, uint8_t mac[6]);

#endif
