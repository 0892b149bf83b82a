// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "esp_at.h"

#define ANSWER_MS (1000)
#define HELLO_MS (300)
#define HELLO_TRIES (6)
#define SCAN_MS (15000)
#define DNS_MS (15000)
#define CONNECT_MS (15000)
#define SEND_MS (10000)
#define CLOSE_MS (5000)
#define PING_MS (8000)
#define ALL_LINKS (5)
#define SERVER (AT_LINKS) // the number of the listening link
#define READ_MAX (1460)
#define SERVER_IDLE_S (300)

static int simple(esp_at_t *esp, const char *command, uint32_t timeout_ms) {
    at_begin(&esp->at, command);
    return at_run(&esp->at, timeout_ms);
}

// Does not mind a no: not every firmware knows every command.
static int attempt(esp_at_t *esp, const char *command, uint32_t timeout_ms) {
    int ret = simple(esp, command, timeout_ms);
    return ret == -EIO ? 0 : ret;
}

static int hello(esp_at_t *esp) {
    int ret = -ETIMEDOUT;
    for (int i = 0; i < HELLO_TRIES && ret != 0; ++i) {
        ret = simple(esp, "AT", HELLO_MS);
        if (ret != -ETIMEDOUT && ret != -ECONNRESET && ret != -EIO && ret != -EBUSY && ret != 0) {
            return ret;
        }
        if (i == 1 && ret != 0) {
            // Perhaps it takes all for data: this ends that, with a pause before and behind it.
            ret = esp->at.port->write(esp->at.port->ctx, (const uint8_t *)"+++", 3);
            if (ret < 0) {
                return ret;
            }
            ret = -ETIMEDOUT;
        }
    }
    return ret;
}

int esp_at_start(esp_at_t *esp, const at_port_t *port, at_block_t *block, uint16_t blocks, bool passive) {
    at_init(&esp->at, port, block, blocks);
    esp->server_port = 0;
    esp->server_used = false;
    esp->details_users = 0;
    esp->join_error = 0;
    int ret = hello(esp);
    // What a former program has left: servers and connections.
    static const char *const clean[] = {
        "ATE0", "AT+CIPMODE=0", "AT+CIPSERVER=0", "AT+CIPCLOSE=5", "AT+CIPDINFO=0", "AT+CWLAPOPT=1,127",
    };
    for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]) && ret == 0; ++i) {
        ret = attempt(esp, clean[i], CLOSE_MS);
    }
    if (ret == 0) {
        ret = simple(esp, "AT+CWMODE?", ANSWER_MS);
    }
    if (ret == 0) {
        const char *mode = at_find(&esp->at, "+CWMODE:", NULL);
        int n = 0;
        if (mode == NULL || !at_field_int(&mode, &n) || !(n & 1)) {
            ret = simple(esp, n == 2 ? "AT+CWMODE=3" : "AT+CWMODE=1", ANSWER_MS);
        }
    }
    if (ret == 0) {
        ret = simple(esp, "AT+CIPMUX=1", ANSWER_MS);
    }
    if (ret == 0) {
        ret = simple(esp, passive ? "AT+CIPRECVMODE=1" : "AT+CIPRECVMODE=0", ANSWER_MS);
        esp->at.passive = passive && ret == 0;
        ret = ret == -EIO ? 0 : ret;
    }
    return ret;
}

// ---- station -----------------------------------------------------------------------------------

int esp_at_join(esp_at_t *esp, const char *ssid, const char *key, uint32_t timeout_ms) {
    at_t *at = &esp->at;
    at_begin(at, "AT+CWJAP=");
    at_quoted(at, ssid);
    at_text(at, ",");
    at_quoted(at, key);
    esp->join_error = 0;
    int ret = at_run(at, timeout_ms);
    const char *error = at_find(at, "+CWJAP:", NULL);
    if (ret == -EIO && error != NULL) {
        at_field_int(&error, &esp->join_error);
    }
    at->joined = at->joined || ret == 0;
    return ret;
}

int esp_at_leave(esp_at_t *esp) {
    int ret = simple(esp, "AT+CWQAP", CLOSE_MS);
    if (ret == 0) {
        esp->at.joined = false;
    }
    return ret;
}

int esp_at_joined(esp_at_t *esp) {
    int ret = simple(esp, "AT+CIPSTATUS", ANSWER_MS);
    const char *p = at_find(&esp->at, "STATUS:", NULL);
    int status;
    if (ret != 0) {
        return ret;
    }
    if (p == NULL || !at_field_int(&p, &status)) {
        return esp->at.joined;
    }
    // 2 has an address, 3 has connections, 4 had some
    esp->at.joined = status >= 2 && status <= 4;
    return esp->at.joined;
}

static void address_in_quotes(const at_t *at, const char *prefix, uint8_t ip[4]) {
    const char *p = at_find(at, prefix, NULL);
    if (p == NULL || *p != '"' || !net_parse_ip(p + 1, ip, NULL)) {
        memset(ip, 0, 4);
    }
}

int esp_at_config(esp_at_t *esp, net_config_t *config) {
    memset(config, 0, sizeof(*config));
    int ret = simple(esp, "AT+CIPSTA?", ANSWER_MS);
    if (ret != 0) {
        return ret;
    }
    address_in_quotes(&esp->at, "+CIPSTA:ip:", config->ip);
    address_in_quotes(&esp->at, "+CIPSTA:gateway:", config->gateway);
    address_in_quotes(&esp->at, "+CIPSTA:netmask:", config->netmask);
    ret = simple(esp, "AT+CIPDNS?", ANSWER_MS);
    const char *p = ret == 0 ? at_find(&esp->at, "+CIPDNS:", NULL) : NULL;
    int enabled;
    if (p != NULL && at_field_int(&p, &enabled)) {
        net_parse_ip(p + (*p == '"'), config->dns, NULL);
    }
    return ret == -EIO ? 0 : ret; // older firmware does not tell
}

int esp_at_set_config(esp_at_t *esp, const net_config_t *config) {
    static const uint8_t none[4];
    at_t *at = &esp->at;
    if (memcmp(config->ip, none, 4) == 0) {
        return simple(esp, "AT+CWDHCP=1,1", ANSWER_MS);
    }
    at_begin(at, "AT+CIPSTA=");
    at_address(at, config->ip);
    at_text(at, ",");
    at_address(at, config->gateway);
    at_text(at, ",");
    at_address(at, config->netmask);
    int ret = at_run(at, ANSWER_MS);
    if (ret == 0 && memcmp(config->dns, none, 4) != 0) {
        at_begin(at, "AT+CIPDNS=1,");
        at_address(at, config->dns);
        ret = at_run(at, ANSWER_MS);
    }
    return ret;
}

int esp_at_mac(esp_at_t *esp, char *text, size_t size) {
    int ret = simple(esp, "AT+CIFSR", ANSWER_MS);
    const char *p = at_find(&esp->at, "+CIFSR:STAMAC,", NULL);
    text[0] = 0;
    return ret != 0 ? ret : p != NULL && at_field_text(&p, text, size) ? 0 : -EIO;
}

int esp_at_current(esp_at_t *esp, net_ap_t *ap) {
    char mac[18];
    int channel = 0;
    memset(ap, 0, sizeof(*ap));
    int ret = simple(esp, "AT+CWJAP?", ANSWER_MS);
    const char *p = at_find(&esp->at, "+CWJAP:", NULL);
    if (ret != 0) {
        return ret;
    }
    if (p == NULL || !at_field_text(&p, ap->ssid, sizeof(ap->ssid)) || !at_field_text(&p, mac, sizeof(mac))) {
        return -ENOTCONN;
    }
    net_parse_mac(mac, ap->bssid);
    at_field_int(&p, &channel);
    at_field_int(&p, &ap->rssi);
    ap->channel = (uint8_t)channel;
    return 0;
}

int esp_at_version(esp_at_t *esp) {
    return simple(esp, "AT+GMR", ANSWER_MS);
}

int esp_at_ping(esp_at_t *esp, const char *host) {
    at_begin(&esp->at, "AT+PING=");
    at_quoted(&esp->at, host);
    int ret = at_run(&esp->at, PING_MS);
    if (ret != 0) {
        return ret;
    }
    // "+12" or "+PING:12"
    const char *p = at_find(&esp->at, "+PING:", NULL);
    int ms;
    if (p == NULL) {
        p = at_find(&esp->at, "+", NULL);
    }
    return p != NULL && at_field_int(&p, &ms) ? ms : -EIO;
}

int esp_at_access_point(esp_at_t *esp, const char *ssid, const char *key, int channel, int security) {
    int ret = simple(esp, "AT+CWMODE=3", ANSWER_MS);
    if (ret != 0) {
        return ret;
    }
    at_begin(&esp->at, "AT+CWSAP=");
    at_quoted(&esp->at, ssid);
    at_text(&esp->at, ",");
    at_quoted(&esp->at, key);
    at_text(&esp->at, ",");
    at_number(&esp->at, (uint32_t)channel);
    at_text(&esp->at, ",");
    at_number(&esp->at, (uint32_t)security);
    return at_run(&esp->at, CLOSE_MS);
}

int esp_at_access_point_off(esp_at_t *esp) {
    return simple(esp, "AT+CWMODE=1", ANSWER_MS);
}

int esp_at_scan(esp_at_t *esp) {
    return simple(esp, "AT+CWLAP", SCAN_MS);
}

bool esp_at_scanned(esp_at_t *esp, const char **line, net_ap_t *ap) {
    while ((*line = at_find(&esp->at, "+CWLAP:(", *line)) != NULL) {
        const char *p = *line;
        char mac[18] = "";
        int security, channel = 0;
        memset(ap, 0, sizeof(*ap));
        if (at_field_int(&p, &security) && at_field_text(&p, ap->ssid, sizeof(ap->ssid)) && at_field_int(&p, &ap->rssi)) {
            if (at_field_text(&p, mac, sizeof(mac))) {
                net_parse_mac(mac, ap->bssid);
                at_field_int(&p, &channel);
            }
            ap->security = (uint8_t)security;
            ap->channel = (uint8_t)channel;
            return true;
        }
    }
    return false;
}

// ---- links -------------------------------------------------------------------------------------

static int resolve(void *self, const char *name, uint8_t ip[4]) {
    esp_at_t *esp = self;
    at_begin(&esp->at, "AT+CIPDOMAIN=");
    at_quoted(&esp->at, name);
    int ret = at_run(&esp->at, DNS_MS);
    const char *p = at_find(&esp->at, "+CIPDOMAIN:", NULL);
    if (ret != 0) {
        return ret == -EIO ? -ENOENT : ret;
    }
    // in quotes or not, as the firmware likes
    return p != NULL && net_parse_ip(p + (*p == '"'), ip, NULL) ? 0 : -ENOENT;
}

static int command_for(esp_at_t *esp, const char *text, int link, uint32_t timeout_ms) {
    at_begin(&esp->at, text);
    at_number(&esp->at, (uint32_t)link);
    return at_run(&esp->at, timeout_ms);
}

static void details(esp_at_t *esp, bool on) {
    if (simple(esp, on ? "AT+CIPDINFO=1" : "AT+CIPDINFO=0", ANSWER_MS) == 0) {
        esp->at.details = on;
    }
}

// Connections that were to be closed when nobody could wait.
static int close_dropped(esp_at_t *esp) {
    int ret = 0;
    for (int i = 0; i < AT_LINKS && ret == 0; ++i) {
        at_link_t *link = &esp->at.link[i];
        if (link->drop) {
            link->drop = false;
            if (link->open) {
                ret = command_for(esp, "AT+CIPCLOSE=", i, CLOSE_MS);
                ret = ret == -EIO ? 0 : ret;
            }
            link->open = false;
            if (!link->used) {
                at_forget(&esp->at, i);
            }
        }
    }
    return ret;
}

static int free_link(esp_at_t *esp) {
    // From the top: the module gives its server's connections the lowest.
    for (int i = AT_LINKS - 1; i >= 0; --i) {
        const at_link_t *link = &esp->at.link[i];
        if (!link->used && !link->open && !link->incoming && !link->drop) {
            return i;
        }
    }
    return -EMFILE;
}

static int start_link(esp_at_t *esp, bool udp, const net_peer_t *to, uint16_t port) {
    at_t *at = &esp->at;
    int ret = close_dropped(esp);
    if (ret < 0) {
        return ret;
    }
    int n = free_link(esp);
    if (n < 0) {
        return n;
    }
    at_begin(at, "AT+CIPSTART=");
    at_number(at, (uint32_t)n);
    at_text(at, udp ? ",\"UDP\"," : ",\"TCP\",");
    at_address(at, to->ip);
    at_text(at, ",");
    at_number(at, to->port);
    if (udp && port != 0) {
        at_text(at, ",");
        at_number(at, port);
        at_text(at, ",0");
    }
    at_link_t *link = &at->link[n];
    at_forget(at, n);
    link->used = true;
    link->udp = udp;
    // If an exception comes through here the number is free again, and the connection is closed by whom it disturbs.
    link->drop = true;
    ret = at_run(at, CONNECT_MS);
    if (ret == 0 && !link->open) {
        // Some tell of the connection only after OK, some of UDP not at all.
        link->open = true;
    }
    link->drop = false;
    if (ret != 0) {
        bool refused = ret == -EIO;
        link->used = false;
        link->drop = link->open || ret == -ETIMEDOUT;
        if (!link->drop) {
            at_forget(at, n);
        }
        return refused ? -ECONNREFUSED : ret;
    }
    return n;
}

static int tcp_connect(void *self, const net_peer_t *to) {
    return start_link(self, false, to, 0);
}

static int udp_open(void *self, const net_peer_t *to, uint16_t port) {
    esp_at_t *esp = self;
    if (esp->details_users == 0) {
        details(esp, true);
    }
    int n = start_link(esp, true, to, port);
    if (n >= 0) {
        ++esp->details_users;
    } else if (esp->details_users == 0) {
        details(esp, false);
    }
    return n;
}

static int tcp_listen(void *self, uint16_t port) {
    esp_at_t *esp = self;
    if (esp->server_used) {
        return -EADDRINUSE; // the module has one server
    }
    at_begin(&esp->at, "AT+CIPSERVER=1,");
    at_number(&esp->at, port);
    int ret = at_run(&esp->at, ANSWER_MS);
    if (ret != 0) {
        return ret == -EIO ? -EADDRINUSE : ret;
    }
    esp->server_used = true;
    esp->server_port = port;
    at_begin(&esp->at, "AT+CIPSTO=");
    at_number(&esp->at, SERVER_IDLE_S);
    ret = at_run(&esp->at, ANSWER_MS);
    return ret == 0 || ret == -EIO ? SERVER : ret;
}

// Who is at the other end of a link.
static int peer_of(esp_at_t *esp, int n, net_peer_t *from) {
    memset(from, 0, sizeof(*from));
    int ret = simple(esp, "AT+CIPSTATUS", ANSWER_MS);
    const char *line = NULL;
    while (ret == 0 && (line = at_find(&esp->at, "+CIPSTATUS:", line)) != NULL) {
        const char *p = line;
        char text[20];
        int link, port;
        if (at_field_int(&p, &link) && link == n && at_field_text(&p, text, sizeof(text)) &&
            at_field_text(&p, text, sizeof(text)) && net_parse_ip(text, from->ip, NULL) && at_field_int(&p, &port)) {
            from->port = (uint16_t)port;
        }
    }
    return ret;
}

static int tcp_accept(void *self, int listener, net_peer_t *from) {
    esp_at_t *esp = self;
    int ret = at_poll(&esp->at);
    if (ret < 0) {
        return ret;
    }
    if (listener != SERVER || !esp->server_used) {
        return -EINVAL;
    }
    for (int i = 0; i < AT_LINKS; ++i) {
        at_link_t *link = &esp->at.link[i];
        if (link->incoming && !link->drop) {
            ret = peer_of(esp, i, from);
            if (ret != 0) {
                return ret;
            }
            if (link->incoming) { // it may have gone meanwhile
                link->incoming = false;
                link->used = true;
                return i;
            }
        }
    }
    return -EAGAIN;
}

static int send(void *self, int n, const uint8_t *data, size_t len, const net_peer_t *to) {
    esp_at_t *esp = self;
    at_t *at = &esp->at;
    int ret = at_poll(at);
    if (ret < 0) {
        return ret;
    }
    if (n < 0 || n >= AT_LINKS || !at->link[n].open || at->link[n].drop) {
        return -EPIPE;
    }
    if (len > AT_SEND_MAX) {
        if (at->link[n].udp) {
            return -E2BIG;
        }
        len = AT_SEND_MAX;
    }
    if (len == 0) {
        return 0;
    }
    at_begin(at, "AT+CIPSEND=");
    at_number(at, (uint32_t)n);
    at_text(at, ",");
    at_number(at, (uint32_t)len);
    if (to != NULL) {
        at_text(at, ",");
        at_address(at, to->ip);
        at_text(at, ",");
        at_number(at, to->port);
    }
    ret = at_run_with_data(at, n, data, len, SEND_MS);
    return ret == 0 ? (int)len : ret == -EIO ? -EPIPE : ret;
}

static int take_datagram(at_t *at, int n, uint8_t *data, size_t len, net_peer_t *from) {
    uint8_t head[8];
    if (at_take(at, n, head, sizeof(head)) != sizeof(head)) {
        return -EAGAIN;
    }
    size_t size = head[0] | (size_t)head[1] << 8;
    from->port = (uint16_t)(head[2] | head[3] << 8);
    memcpy(from->ip, head + 4, 4);
    size_t part = size < len ? size : len;
    size_t got = at_take(at, n, data, part);
    at_take(at, n, NULL, size - part); // what does not fit is gone, as with any datagram
    return (int)got;
}

// Fetches data that the module holds back.
static int fetch(esp_at_t *esp, int n, size_t len) {
    at_t *at = &esp->at;
    at_link_t *link = &at->link[n];
    size_t room = at_room(at);
    size_t most = len < READ_MAX ? len : READ_MAX;
    most = most < room ? most : room;
    if (most == 0) {
        return 0;
    }
    at->active_link = n;
    at->read_left = 0;
    link->waiting = false;
    at_begin(at, "AT+CIPRECVDATA=");
    at_number(at, (uint32_t)n);
    at_text(at, ",");
    at_number(at, (uint32_t)most);
    int ret = at_run(at, ANSWER_MS);
    if (ret == 0 && at->read_left >= most) {
        link->waiting = true; // there may be more
    } else if (ret == -ETIMEDOUT) {
        link->waiting = true;
    }
    return ret == -EIO ? 0 : ret; // nothing there
}

static int recv(void *self, int n, uint8_t *data, size_t len, net_peer_t *from) {
    esp_at_t *esp = self;
    at_t *at = &esp->at;
    int ret = at_poll(at);
    if (ret < 0) {
        return ret;
    }
    if (n < 0 || n >= AT_LINKS || !at->link[n].used) {
        return -ENOTCONN;
    }
    at_link_t *link = &at->link[n];
    if (link->count == 0 && link->waiting && !link->udp) {
        ret = fetch(esp, n, len);
        if (ret < 0) {
            return ret;
        }
    }
    if (link->udp && at->data_link == n && at->data_left != 0) {
        return -EAGAIN; // the rest of a datagram is still under way
    }
    if (link->count != 0) {
        return link->udp ? take_datagram(at, n, data, len, from) : (int)at_take(at, n, data, len);
    }
    if (link->lost) {
        link->lost = false;
        return -ENOBUFS;
    }
    return link->open ? -EAGAIN : 0;
}

static int readable(void *self, int n) {
    esp_at_t *esp = self;
    int ret = at_poll(&esp->at);
    if (ret < 0) {
        return ret;
    }
    if (n == SERVER) {
        for (int i = 0; i < AT_LINKS; ++i) {
            if (esp->at.link[i].incoming && !esp->at.link[i].drop) {
                return 1;
            }
        }
        return 0;
    }
    const at_link_t *link = &esp->at.link[n];
    return link->count != 0 || link->waiting || link->lost || !link->open;
}

static void close(void *self, int n) {
    esp_at_t *esp = self;
    at_t *at = &esp->at;
    if (n == SERVER) {
        esp->server_used = false;
        attempt(esp, "AT+CIPSERVER=0", ANSWER_MS);
        for (int i = 0; i < AT_LINKS; ++i) {
            if (at->link[i].incoming) {
                at->link[i].incoming = false;
                at->link[i].drop = true;
            }
        }
    } else if (n >= 0 && n < AT_LINKS && at->link[n].used) {
        bool udp = at->link[n].udp;
        at->link[n].used = false;
        at->link[n].drop = true;
        if (udp && esp->details_users != 0 && --esp->details_users == 0) {
            details(esp, false);
        }
    }
    close_dropped(esp);
}

const net_sockets_t esp_at_sockets = {
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
