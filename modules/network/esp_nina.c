// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "esp_nina.h"

#define ANSWER_MS (10000)
#define SCAN_MS (15000)
#define CONNECT_MS (20000)
#define ESTABLISH_MS (3000)
#define MODE_TCP (0)
#define MODE_UDP (1)
#define STATE_ESTABLISHED (4)
#define NO_SOCKET (255)
#define DATAGRAM_MAX (1472)

void esp_nina_init(esp_nina_t *esp, const nina_port_t *port) {
    memset(esp, 0, sizeof(*esp));
    esp->opening = -1;
    nina_init(&esp->nina, port);
}

// Commands whose only parameter is a byte; older firmware wants one also where it has no meaning.
static int run_byte(esp_nina_t *esp, enum nina_command command, uint8_t value) {
    nina_begin(&esp->nina, command);
    nina_add_byte(&esp->nina, value);
    return nina_run_byte(&esp->nina, ANSWER_MS);
}

static int run(esp_nina_t *esp, enum nina_command command) {
    nina_begin(&esp->nina, command);
    return nina_run(&esp->nina, ANSWER_MS);
}

static int run_dummy(esp_nina_t *esp, enum nina_command command) {
    nina_begin(&esp->nina, command);
    nina_add_byte(&esp->nina, 0xFF);
    return nina_run(&esp->nina, ANSWER_MS);
}

static void text_of(const esp_nina_t *esp, unsigned n, char *text, size_t size) {
    const nina_param_t *p = &esp->nina.param[n];
    size_t len = n < esp->nina.params ? p->len : 0;
    len = len < size - 1 ? len : size - 1;
    if (len != 0) {
        memcpy(text, p->data, len);
    }
    text[len] = 0;
}

int esp_nina_version(esp_nina_t *esp, char *text, size_t size) {
    int ret = run(esp, NINA_VERSION);
    if (ret < 0) {
        return ret;
    }
    text_of(esp, 0, text, size);
    return text[0] == 0 ? -EBADMSG : 0;
}

int esp_nina_soft_reset(esp_nina_t *esp) {
    return run(esp, NINA_SOFT_RESET);
}

// ---- station -----------------------------------------------------------------------------------

int esp_nina_status(esp_nina_t *esp) {
    nina_begin(&esp->nina, NINA_STATUS);
    int ret = nina_run(&esp->nina, ANSWER_MS);
    return ret < 0 ? ret : ret == 0 || esp->nina.param[0].len == 0 ? -EBADMSG : esp->nina.param[0].data[0];
}

int esp_nina_join(esp_nina_t *esp, const char *ssid, const char *key) {
    nina_begin(&esp->nina, key[0] == 0 ? NINA_SET_NET : NINA_SET_PASSPHRASE);
    nina_add(&esp->nina, ssid, strlen(ssid));
    if (key[0] != 0) {
        nina_add(&esp->nina, key, strlen(key));
    }
    int ret = nina_run_byte(&esp->nina, ANSWER_MS);
    return ret < 0 ? ret : ret == 1 ? 0 : -EIO;
}

int esp_nina_leave(esp_nina_t *esp) {
    int ret = run_dummy(esp, NINA_DISCONNECT);
    return ret < 0 ? ret : 0;
}

int esp_nina_config(esp_nina_t *esp, net_config_t *config) {
    memset(config, 0, sizeof(*config));
    int ret = run_dummy(esp, NINA_GET_IP);
    if (ret < 0) {
        return ret;
    }
    uint8_t *const to[3] = { config->ip, config->netmask, config->gateway };
    for (int i = 0; i < 3; ++i) {
        if (i >= ret || esp->nina.param[i].len != 4) {
            return -EBADMSG;
        }
        memcpy(to[i], esp->nina.param[i].data, 4);
    }
    return 0;
}

// Addresses come last byte first.
static bool mac_of(const esp_nina_t *esp, uint8_t mac[6]) {
    if (esp->nina.params == 0 || esp->nina.param[0].len != 6) {
        return false;
    }
    for (int i = 0; i < 6; ++i) {
        mac[i] = esp->nina.param[0].data[5 - i];
    }
    return true;
}

int esp_nina_mac(esp_nina_t *esp, uint8_t mac[6]) {
    int ret = run_dummy(esp, NINA_GET_MAC);
    return ret < 0 ? ret : mac_of(esp, mac) ? 0 : -EBADMSG;
}

int esp_nina_current(esp_nina_t *esp, net_ap_t *ap) {
    memset(ap, 0, sizeof(*ap));
    int ret = run_dummy(esp, NINA_GET_SSID);
    if (ret < 0) {
        return ret;
    }
    text_of(esp, 0, ap->ssid, sizeof(ap->ssid));
    ret = run_dummy(esp, NINA_GET_RSSI);
    ap->rssi = ret < 0 ? 0 : (int32_t)nina_value(&esp->nina, 0);
    return ret < 0 ? ret : ap->ssid[0] == 0 ? -ENOTCONN : 0;
}

uint8_t esp_nina_security(uint8_t encryption) {
    return encryption == 7 ? NET_OPEN : encryption == 5 ? NET_WEP : encryption == 2 ? NET_WPA_PSK
           : encryption == 8 ? NET_WPA_WPA2_PSK : NET_WPA2_PSK;
}

int esp_nina_scan(esp_nina_t *esp, net_ap_t *aps, int most) {
    int ret = run(esp, NINA_START_SCAN);
    if (ret < 0) {
        return ret;
    }
    nina_begin(&esp->nina, NINA_SCAN);
    ret = nina_run(&esp->nina, SCAN_MS);
    if (ret < 0) {
        return ret;
    }
    int count = ret < most ? ret : most;
    for (int i = 0; i < count; ++i) {
        memset(&aps[i], 0, sizeof(aps[i]));
        text_of(esp, (unsigned)i, aps[i].ssid, sizeof(aps[i].ssid));
    }
    for (int i = 0; i < count; ++i) {
        ret = run_byte(esp, NINA_SCANNED_RSSI, (uint8_t)i);
        if (ret < 0) {
            return ret;
        }
        aps[i].rssi = (int32_t)nina_value(&esp->nina, 0);
        ret = run_byte(esp, NINA_SCANNED_ENCRYPTION, (uint8_t)i);
        if (ret < 0) {
            return ret;
        }
        aps[i].security = (uint8_t)ret;
    }
    return count;
}

int esp_nina_scan_details(esp_nina_t *esp, int n, net_ap_t *ap) {
    int ret = run_byte(esp, NINA_SCANNED_BSSID, (uint8_t)n);
    if (ret >= 0 && mac_of(esp, ap->bssid)) {
        ret = run_byte(esp, NINA_SCANNED_CHANNEL, (uint8_t)n);
        ap->channel = ret < 0 ? 0 : (uint8_t)ret;
    }
    return ret == -EIO ? 0 : ret; // Maixduino's own firmware may not have them
}

int esp_nina_ping(esp_nina_t *esp, const uint8_t ip[4], uint8_t ttl) {
    nina_begin(&esp->nina, NINA_PING);
    nina_add(&esp->nina, ip, 4);
    nina_add_byte(&esp->nina, ttl);
    int ret = nina_run(&esp->nina, ANSWER_MS);
    if (ret < 0) {
        return ret;
    }
    int16_t ms = (int16_t)nina_value(&esp->nina, 0);
    return ret == 0 || ms < 0 ? -EHOSTUNREACH : ms;
}

// One parameter with all channels; for each one comes channel, high byte, low byte.
int esp_nina_adc(esp_nina_t *esp, const uint8_t *channels, int count, uint16_t *values) {
    nina_begin(&esp->nina, NINA_ADC);
    nina_add(&esp->nina, channels, (size_t)count);
    int ret = nina_run(&esp->nina, ANSWER_MS);
    if (ret < 0) {
        return ret;
    }
    for (int i = 0; i < count; ++i) {
        if (i >= ret || esp->nina.param[i].len != 3) {
            return -EBADMSG;
        }
        values[i] = (uint16_t)(esp->nina.param[i].data[1] << 8 | esp->nina.param[i].data[2]);
    }
    return 0;
}

// ---- links -------------------------------------------------------------------------------------

static int resolve(void *self, const char *name, uint8_t ip[4]) {
    esp_nina_t *esp = self;
    nina_begin(&esp->nina, NINA_REQUEST_HOST);
    nina_add(&esp->nina, name, strlen(name));
    int ret = nina_run_byte(&esp->nina, CONNECT_MS);
    if (ret <= 0) {
        return ret == 0 || ret == -EIO ? -ENOENT : ret;
    }
    ret = run(esp, NINA_GET_HOST);
    if (ret < 0) {
        return ret;
    }
    if (ret == 0 || esp->nina.param[0].len != 4) {
        return -ENOENT;
    }
    memcpy(ip, esp->nina.param[0].data, 4);
    return 0;
}

static void stop(esp_nina_t *esp, int n) {
    run_byte(esp, NINA_STOP_CLIENT, (uint8_t)n);
}

static int new_socket(esp_nina_t *esp) {
    if (esp->opening >= 0) { // an exception came while it was being connected
        stop(esp, esp->opening);
        esp->opening = -1;
    }
    int n = run(esp, NINA_GET_SOCKET);
    if (n >= 0) {
        n = n == 0 || esp->nina.param[0].len == 0 ? NO_SOCKET : esp->nina.param[0].data[0];
    }
    if (n >= ESP_NINA_SOCKETS) {
        return -EMFILE;
    }
    if (n >= 0) {
        memset(&esp->socket[n], 0, sizeof(esp->socket[n]));
        esp->socket[n].waiting = -1;
    }
    return n;
}

static int start_client(esp_nina_t *esp, int n, const net_peer_t *to, uint8_t mode) {
    nina_begin(&esp->nina, NINA_START_CLIENT);
    nina_add(&esp->nina, to->ip, 4);
    nina_add_port(&esp->nina, to->port);
    nina_add_byte(&esp->nina, (uint8_t)n);
    nina_add_byte(&esp->nina, mode);
    int ret = nina_run_byte(&esp->nina, CONNECT_MS);
    return ret == 1 ? 0 : ret < 0 && ret != -EIO ? ret : -ECONNREFUSED;
}

static int start_server(esp_nina_t *esp, int n, uint16_t port, uint8_t mode) {
    nina_begin(&esp->nina, NINA_START_SERVER);
    nina_add_port(&esp->nina, port);
    nina_add_byte(&esp->nina, (uint8_t)n);
    nina_add_byte(&esp->nina, mode);
    int ret = nina_run_byte(&esp->nina, ANSWER_MS);
    return ret == 1 ? 0 : ret < 0 && ret != -EIO ? ret : -EADDRINUSE;
}

static int tcp_connect(void *self, const net_peer_t *to) {
    esp_nina_t *esp = self;
    int n = new_socket(esp);
    if (n < 0) {
        return n;
    }
    esp->opening = (int8_t)n;
    int ret = start_client(esp, n, to, MODE_TCP);
    uint32_t start = esp->nina.port->ticks_ms(esp->nina.port->ctx);
    while (ret == 0) {
        int state = run_byte(esp, NINA_CLIENT_STATE, (uint8_t)n);
        if (state == STATE_ESTABLISHED) {
            break;
        }
        // It may have come and gone: then there can be data.
        bool late = esp->nina.port->ticks_ms(esp->nina.port->ctx) - start >= ESTABLISH_MS;
        ret = state < 0 ? state : late ? -ECONNREFUSED : 0;
        if (ret == 0) {
            esp->nina.port->idle(esp->nina.port->ctx);
        }
    }
    esp->opening = -1;
    if (ret != 0) {
        stop(esp, n);
        return ret;
    }
    esp->socket[n].used = true;
    return n;
}

static int udp_open(void *self, const net_peer_t *to, uint16_t port) {
    esp_nina_t *esp = self;
    int n = new_socket(esp);
    if (n < 0) {
        return n;
    }
    int ret = port != 0 ? start_server(esp, n, port, MODE_UDP) : start_client(esp, n, to, MODE_UDP);
    if (ret != 0) {
        return ret;
    }
    esp->socket[n].used = true;
    esp->socket[n].udp = true;
    esp->socket[n].bound = port != 0;
    esp->socket[n].to = *to;
    return n;
}

static int tcp_listen(void *self, uint16_t port) {
    esp_nina_t *esp = self;
    int n = new_socket(esp);
    if (n < 0) {
        return n;
    }
    int ret = start_server(esp, n, port, MODE_TCP);
    if (ret != 0) {
        return ret;
    }
    esp->socket[n].used = true;
    esp->socket[n].server = true;
    return n;
}

static bool valid(const esp_nina_t *esp, int n) {
    return n >= 0 && n < ESP_NINA_SOCKETS && esp->socket[n].used;
}

static int available(esp_nina_t *esp, int n) {
    int ret = run_byte(esp, NINA_AVAILABLE, (uint8_t)n);
    return ret < 0 ? ret : (int)(nina_value(&esp->nina, 0) & 0xFFFF);
}

// 1 when a connection waits to be accepted. The module hands it out once, so it is kept here.
static int incoming(esp_nina_t *esp, int n) {
    if (esp->socket[n].waiting >= 0) {
        return 1;
    }
    int client = available(esp, n);
    if (client < 0) {
        return client;
    }
    // Some firmware also names connections that have data, which have been accepted long ago.
    if (client >= ESP_NINA_SOCKETS || client == n || esp->socket[client].used) {
        return 0;
    }
    memset(&esp->socket[client], 0, sizeof(esp->socket[client]));
    esp->socket[client].used = true;
    esp->socket[client].waiting = -1;
    esp->socket[n].waiting = (int8_t)client;
    return 1;
}

static int remote(esp_nina_t *esp, int n, net_peer_t *from) {
    memset(from, 0, sizeof(*from));
    int ret = run_byte(esp, NINA_REMOTE, (uint8_t)n);
    if (ret < 0) {
        return ret;
    }
    const nina_param_t *p = esp->nina.param;
    if (esp->nina.params != 2 || p[0].len != 4 || p[1].len != 2) {
        return -EBADMSG;
    }
    memcpy(from->ip, p[0].data, 4);
    from->port = (uint16_t)(p[1].data[0] << 8 | p[1].data[1]);
    return 0;
}

static int tcp_accept(void *self, int n, net_peer_t *from) {
    esp_nina_t *esp = self;
    if (!valid(esp, n) || !esp->socket[n].server) {
        return -EINVAL;
    }
    int ret = incoming(esp, n);
    if (ret <= 0) {
        return ret == 0 ? -EAGAIN : ret;
    }
    int client = esp->socket[n].waiting;
    ret = remote(esp, client, from);
    if (ret < 0 && ret != -EIO) {
        return ret;
    }
    esp->socket[n].waiting = -1;
    return client;
}

static int send_packet(esp_nina_t *esp, int n, const uint8_t *data, size_t len, const net_peer_t *to) {
    if (len > DATAGRAM_MAX) {
        return -E2BIG;
    }
    int ret = start_client(esp, n, to, MODE_UDP);
    if (ret != 0) {
        return ret;
    }
    nina_begin(&esp->nina, NINA_INSERT_DATA);
    nina_add_byte(&esp->nina, (uint8_t)n);
    nina_add(&esp->nina, data, len);
    ret = nina_run_byte(&esp->nina, ANSWER_MS);
    if (ret == 1) {
        ret = run_byte(esp, NINA_SEND_PACKET, (uint8_t)n);
    }
    return ret == 1 ? (int)len : ret < 0 && ret != -EIO ? ret : -EHOSTUNREACH;
}

static int send(void *self, int n, const uint8_t *data, size_t len, const net_peer_t *to) {
    esp_nina_t *esp = self;
    if (!valid(esp, n)) {
        return -EPIPE;
    }
    if (esp->socket[n].udp) {
        return send_packet(esp, n, data, len, to != NULL ? to : &esp->socket[n].to);
    }
    if (len == 0) {
        return 0;
    }
    nina_begin(&esp->nina, NINA_SEND_DATA);
    nina_add_byte(&esp->nina, (uint8_t)n);
    nina_add(&esp->nina, data, len < NINA_DATA_MAX ? len : NINA_DATA_MAX);
    int ret = nina_run(&esp->nina, ANSWER_MS);
    if (ret < 0) {
        return ret == -EIO ? -EPIPE : ret;
    }
    size_t written = nina_value(&esp->nina, 0) & 0xFFFF;
    if (written == 0) {
        int state = run_byte(esp, NINA_CLIENT_STATE, (uint8_t)n);
        return state == STATE_ESTABLISHED ? -EAGAIN : state < 0 ? state : -EPIPE;
    }
    return written <= len ? (int)written : -EBADMSG;
}

static int get_data(esp_nina_t *esp, int n, uint8_t *data, size_t len) {
    size_t most = len < NINA_DATA_MAX ? len : NINA_DATA_MAX;
    uint8_t size[2] = { (uint8_t)most, (uint8_t)(most >> 8) };
    nina_begin(&esp->nina, NINA_GET_DATA);
    nina_add_byte(&esp->nina, (uint8_t)n);
    nina_add(&esp->nina, size, 2);
    int ret = nina_run(&esp->nina, ANSWER_MS);
    if (ret < 0) {
        return ret;
    }
    size_t got = ret == 0 ? 0 : esp->nina.param[0].len;
    if (got > most) {
        return -EBADMSG;
    }
    if (data != NULL && got != 0) {
        memcpy(data, esp->nina.param[0].data, got);
    }
    return (int)got;
}

static int recv(void *self, int n, uint8_t *data, size_t len, net_peer_t *from) {
    esp_nina_t *esp = self;
    if (!valid(esp, n)) {
        return -ENOTCONN;
    }
    int there = available(esp, n);
    if (there < 0) {
        return there;
    }
    if (esp->socket[n].udp) {
        if (there == 0) {
            return -EAGAIN;
        }
        int ret = remote(esp, n, from);
        int got = ret < 0 ? ret : get_data(esp, n, data, (size_t)there < len ? (size_t)there : len);
        // What does not fit is gone, as with any datagram.
        for (int rest = got < 0 ? 0 : there - got; rest > 0;) {
            ret = get_data(esp, n, NULL, (size_t)rest);
            if (ret <= 0) {
                break;
            }
            rest -= ret;
        }
        return got;
    }
    if (there == 0) {
        int state = run_byte(esp, NINA_CLIENT_STATE, (uint8_t)n);
        if (state < 0 || state == STATE_ESTABLISHED) {
            return state < 0 ? state : -EAGAIN;
        }
        // The last data may have come before the end of the connection.
        there = available(esp, n);
        if (there <= 0) {
            return there;
        }
    }
    int got = get_data(esp, n, data, (size_t)there < len ? (size_t)there : len);
    return got == 0 ? -EAGAIN : got;
}

static int readable(void *self, int n) {
    esp_nina_t *esp = self;
    if (!valid(esp, n)) {
        return 1;
    }
    if (esp->socket[n].server) {
        return incoming(esp, n);
    }
    int there = available(esp, n);
    if (there != 0 || esp->socket[n].udp) {
        return there < 0 ? there : there != 0;
    }
    int state = run_byte(esp, NINA_CLIENT_STATE, (uint8_t)n);
    return state < 0 ? state : state != STATE_ESTABLISHED;
}

static void close(void *self, int n) {
    esp_nina_t *esp = self;
    if (valid(esp, n)) {
        int waiting = esp->socket[n].waiting;
        esp->socket[n].used = false;
        stop(esp, n);
        if (esp->socket[n].server && waiting >= 0) {
            esp->socket[waiting].used = false;
            stop(esp, waiting);
        }
    }
}

const net_sockets_t esp_nina_sockets = {
    .resolve = resolve,
    .connect = tcp_connect,
    .udp = udp_open,
    .listen = tcp_listen,
    .accept = tcp_accept,
    .send = send,
    .recv = recv,
    .readable = readable,
    .close = close,
};
