// SPDX-License-Identifier: MIT
//
// The cores of modules/network with functions that ctypes can call.
#include <stdlib.h>
#include <string.h>

#include "esp_at.h"
#include "esp_nina.h"

typedef int (*read_fn)(void *ctx, uint8_t *data, size_t len);
typedef int (*write_fn)(void *ctx, const uint8_t *data, size_t len);
typedef uint32_t (*ticks_fn)(void *ctx);
typedef void (*idle_fn)(void *ctx);

typedef struct {
    esp_at_t esp;
    at_port_t port;
    at_block_t *block;
} at_host_t;

at_host_t *host_at_new(read_fn read, write_fn write, ticks_fn ticks, idle_fn idle, int blocks) {
    at_host_t *h = calloc(1, sizeof(*h));
    h->port = (at_port_t) { NULL, read, write, ticks, idle };
    h->block = calloc((size_t)blocks, sizeof(at_block_t));
    at_init(&h->esp.at, &h->port, h->block, (uint16_t)blocks);
    return h;
}

void host_at_free(at_host_t *h) {
    free(h->block);
    free(h);
}

int host_at_start(at_host_t *h, int blocks, int passive) {
    return esp_at_start(&h->esp, &h->port, h->block, (uint16_t)blocks, passive);
}

int host_at_is_passive(at_host_t *h) {
    return h->esp.at.passive;
}

int host_at_room(at_host_t *h) {
    return (int)at_room(&h->esp.at);
}

int host_at_command(at_host_t *h, const char *text, uint32_t timeout_ms) {
    at_begin(&h->esp.at, text);
    return at_run(&h->esp.at, timeout_ms);
}

const char *host_at_reply(at_host_t *h) {
    return h->esp.at.reply;
}

int host_at_join(at_host_t *h, const char *ssid, const char *key) {
    return esp_at_join(&h->esp, ssid, key, 20000);
}

int host_at_join_error(at_host_t *h) {
    return h->esp.join_error;
}

int host_at_joined(at_host_t *h) {
    return esp_at_joined(&h->esp);
}

int host_at_scan(at_host_t *h, net_ap_t *aps, int most) {
    const char *line = NULL;
    int n = 0, ret = esp_at_scan(&h->esp);
    while (ret == 0 && n < most && esp_at_scanned(&h->esp, &line, &aps[n])) {
        ++n;
    }
    return ret < 0 ? ret : n;
}

// Links, of either module
typedef struct {
    const net_sockets_t *sockets;
    void *driver;
} links_t;

static links_t at_links(at_host_t *h) {
    return (links_t) { &esp_at_sockets, &h->esp };
}

int host_at_connect(at_host_t *h, const net_peer_t *to) {
    return at_links(h).sockets->connect(&h->esp, to);
}

int host_at_udp(at_host_t *h, const net_peer_t *to, int port) {
    return esp_at_sockets.udp(&h->esp, to, (uint16_t)port);
}

int host_at_listen(at_host_t *h, int port) {
    return esp_at_sockets.listen(&h->esp, (uint16_t)port);
}

int host_at_accept(at_host_t *h, int link, net_peer_t *from) {
    return esp_at_sockets.accept(&h->esp, link, from);
}

int host_at_send(at_host_t *h, int link, const uint8_t *data, size_t len, const net_peer_t *to) {
    return esp_at_sockets.send(&h->esp, link, data, len, to);
}

int host_at_recv(at_host_t *h, int link, uint8_t *data, size_t len, net_peer_t *from) {
    return esp_at_sockets.recv(&h->esp, link, data, len, from);
}

int host_at_readable(at_host_t *h, int link) {
    return esp_at_sockets.readable(&h->esp, link);
}

void host_at_close(at_host_t *h, int link) {
    esp_at_sockets.close(&h->esp, link);
}

int host_at_resolve(at_host_t *h, const char *name, uint8_t ip[4]) {
    return esp_at_sockets.resolve(&h->esp, name, ip);
}

// The ESP32's driver
typedef struct {
    esp_nina_t esp;
    nina_port_t port;
} nina_host_t;

typedef int (*ready_fn)(void *ctx);
typedef void (*select_fn)(void *ctx, int on);
typedef int (*transfer_fn)(void *ctx, const uint8_t *tx, uint8_t *rx, size_t len);

static ready_fn nina_ready;
static select_fn nina_select;

static bool ready(void *ctx) {
    return nina_ready(ctx) != 0;
}

static void select_module(void *ctx, bool on) {
    nina_select(ctx, on);
}

nina_host_t *host_nina_new(ready_fn r, select_fn s, transfer_fn transfer, ticks_fn ticks, idle_fn idle) {
    nina_host_t *h = calloc(1, sizeof(*h));
    nina_ready = r;
    nina_select = s;
    h->port = (nina_port_t) { NULL, ready, select_module, transfer, ticks, idle };
    esp_nina_init(&h->esp, &h->port);
    return h;
}

void host_nina_free(nina_host_t *h) {
    free(h);
}

int host_nina_version(nina_host_t *h, char *text, size_t size) {
    return esp_nina_version(&h->esp, text, size);
}

int host_nina_join(nina_host_t *h, const char *ssid, const char *key) {
    int ret = esp_nina_join(&h->esp, ssid, key);
    return ret < 0 ? ret : esp_nina_status(&h->esp);
}

int host_nina_scan(nina_host_t *h, net_ap_t *aps, int most) {
    int n = esp_nina_scan(&h->esp, aps, most);
    for (int i = 0; i < n; ++i) {
        int ret = esp_nina_scan_details(&h->esp, i, &aps[i]);
        if (ret < 0) {
            return ret;
        }
    }
    return n;
}

int host_nina_adc(nina_host_t *h, const uint8_t *channels, int count, uint16_t *values) {
    return esp_nina_adc(&h->esp, channels, count, values);
}

int host_nina_connect(nina_host_t *h, const net_peer_t *to) {
    return esp_nina_sockets.connect(&h->esp, to);
}

int host_nina_send(nina_host_t *h, int link, const uint8_t *data, size_t len, const net_peer_t *to) {
    return esp_nina_sockets.send(&h->esp, link, data, len, to);
}

int host_nina_recv(nina_host_t *h, int link, uint8_t *data, size_t len, net_peer_t *from) {
    return esp_nina_sockets.recv(&h->esp, link, data, len, from);
}

void host_nina_close(nina_host_t *h, int link) {
    esp_nina_sockets.close(&h->esp, link);
}

int host_nina_resolve(nina_host_t *h, const char *name, uint8_t ip[4]) {
    return esp_nina_sockets.resolve(&h->esp, name, ip);
}
