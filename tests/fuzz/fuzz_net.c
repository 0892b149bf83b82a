// SPDX-License-Identifier: MIT
//
// Fuzz target for the network modules' protocols: the module's side of the line is the input. With libFuzzer (clang
// -fsanitize=fuzzer -DFUZZER) or alone: `fuzz_net RUNS SEED` makes up input of its own, half of it from a dictionary.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_at.h"
#include "esp_nina.h"

typedef struct {
    const uint8_t *data;
    size_t left;
    uint32_t now;
} line_t;

static int line_read(void *ctx, uint8_t *data, size_t len) {
    line_t *l = ctx;
    // In portions, as a line does.
    size_t n = len < 37 ? len : 37;
    n = n < l->left ? n : l->left;
    if (n != 0) {
        memcpy(data, l->data, n);
    }
    l->data += n;
    l->left -= n;
    return (int)n;
}

static int line_write(void *ctx, const uint8_t *data, size_t len) {
    // What is sent must be memory that can be read.
    uint32_t sum = 0;
    for (size_t i = 0; i < len; ++i) {
        sum += data[i];
    }
    ((line_t *)ctx)->now += sum & 1;
    return 0;
}

static uint32_t line_ticks(void *ctx) {
    return ((line_t *)ctx)->now;
}

static void line_idle(void *ctx) {
    ((line_t *)ctx)->now += 200;
}

static bool line_ready(void *ctx) {
    line_t *l = ctx;
    ++l->now;
    return l->now & 2;
}

static void line_select(void *ctx, bool on) {
    (void)ctx;
    (void)on;
}

static int line_transfer(void *ctx, const uint8_t *tx, uint8_t *rx, size_t len) {
    line_t *l = ctx;
    if (tx != NULL) {
        return line_write(ctx, tx, len);
    }
    for (size_t i = 0; i < len; ++i) {
        rx[i] = l->left != 0 ? (--l->left, *l->data++) : 0;
    }
    ++l->now;
    return 0;
}

static void check(bool good, const char *what) {
    if (!good) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}

// Every block is in one list, once.
static void check_blocks(const at_t *at) {
    unsigned count = 0, bytes;
    for (uint16_t b = at->free_block; b != AT_NONE; b = at->block[b].next) {
        check(b < at->blocks && ++count <= at->blocks, "free blocks");
    }
    check(count == at->free_count, "number of free blocks");
    for (int i = 0; i < AT_LINKS; ++i) {
        bytes = 0;
        for (uint16_t b = at->link[i].head; b != AT_NONE; b = at->block[b].next) {
            check(b < at->blocks && ++count <= at->blocks, "blocks of a link");
            check(at->block[b].start <= at->block[b].end && at->block[b].end <= AT_BLOCK_DATA, "a block");
            bytes += at->block[b].end - at->block[b].start;
        }
        check(bytes == at->link[i].count, "bytes of a link");
    }
    check(count == at->blocks, "all blocks");
}

static void use_links(const net_sockets_t *s, void *driver, unsigned choice) {
    static const net_peer_t to = { { 10, 0, 0, 1 }, 80 };
    static const uint8_t text[3000] = "hello";
    uint8_t data[600], ip[4];
    net_peer_t from;
    char ssid[40];
    int tcp = s->connect(driver, &to);
    int udp = choice & 1 ? s->udp(driver, &to, choice & 2 ? 99 : 0) : -1;
    int server = choice & 4 ? s->listen(driver, 80) : -1;
    s->resolve(driver, "name", ip);
    for (int i = 0; i < 6; ++i) {
        if (tcp >= 0) {
            int n = s->recv(driver, tcp, data, choice & 8 ? 1 : sizeof(data), &from);
            check(n <= (int)sizeof(data), "recv");
            n = s->send(driver, tcp, text, choice & 16 ? sizeof(text) : 5, NULL);
            check(n <= (int)sizeof(text), "send");
        }
        if (udp >= 0) {
            check(s->recv(driver, udp, data, sizeof(data), &from) <= (int)sizeof(data), "recv of a datagram");
            s->send(driver, udp, text, 7, &to);
            s->readable(driver, udp);
        }
        if (server >= 0) {
            int client = s->readable(driver, server) == 1 ? s->accept(driver, server, &from) : -1;
            if (client >= 0) {
                check(s->recv(driver, client, data, sizeof(data), &from) <= (int)sizeof(data), "recv of a client");
                s->close(driver, client);
            }
        }
    }
    (void)ssid;
    s->close(driver, tcp);
    s->close(driver, udp);
    s->close(driver, server);
}

static void run_at(const uint8_t *data, size_t len, unsigned choice) {
    static esp_at_t esp;
    static at_block_t block[24];
    char text[20];
    net_ap_t ap;
    net_config_t config;
    const char *line = NULL;
    line_t l = { data, len, 0 };
    at_port_t port = { &l, line_read, line_write, line_ticks, line_idle };
    esp_at_start(&esp, &port, block, 24, choice & 32);
    esp.at.passive = choice & 64;
    esp.at.details = choice & 128;
    check_blocks(&esp.at);
    use_links(&esp_at_sockets, &esp, choice);
    check_blocks(&esp.at);
    esp_at_join(&esp, "ssid \"x\"", "key,\\", 1000);
    esp_at_joined(&esp);
    esp_at_config(&esp, &config);
    esp_at_mac(&esp, text, sizeof(text));
    esp_at_current(&esp, &ap);
    esp_at_ping(&esp, "host");
    esp_at_scan(&esp);
    for (int i = 0; i < 100 && esp_at_scanned(&esp, &line, &ap); ++i) {
        check(strlen(ap.ssid) <= NET_SSID_MAX, "ssid");
    }
    check_blocks(&esp.at);
    for (int i = 0; i < AT_LINKS; ++i) {
        at_forget(&esp.at, i);
    }
    check_blocks(&esp.at);
    check(esp.at.free_count == 24, "a block is lost");
}

static void run_nina(const uint8_t *data, size_t len, unsigned choice) {
    static esp_nina_t esp;
    static net_ap_t aps[24];
    char text[16];
    uint8_t mac[6];
    uint16_t values[ESP_NINA_CHANNELS];
    net_ap_t ap;
    net_config_t config;
    line_t l = { data, len, 0 };
    nina_port_t port = { &l, line_ready, line_select, line_transfer, line_ticks, line_idle };
    esp_nina_init(&esp, &port);
    esp_nina_version(&esp, text, sizeof(text));
    use_links(&esp_nina_sockets, &esp, choice);
    esp_nina_join(&esp, "ssid", "key");
    esp_nina_status(&esp);
    esp_nina_config(&esp, &config);
    esp_nina_mac(&esp, mac);
    esp_nina_current(&esp, &ap);
    esp_nina_ping(&esp, mac, 64);
    esp_nina_adc(&esp, mac, ESP_NINA_CHANNELS, values);
    int n = esp_nina_scan(&esp, aps, 24);
    check(n <= 24, "networks");
    for (int i = 0; i < n; ++i) {
        check(strlen(aps[i].ssid) <= NET_SSID_MAX, "ssid");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len < 2) {
        return 0;
    }
    (data[0] & 1 ? run_nina : run_at)(data + 2, len - 2, data[1]);
    return 0;
}

#ifndef FUZZER
static uint32_t state;

static uint32_t next(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static const char *const at_words[] = {
    "\r\nOK\r\n", "\r\nERROR\r\n", "> ", "busy p...\r\n", "busy s...\r\n", "0,CONNECT\r\n", "4,CONNECT\r\n", "3,CONNECT\r\n",
    "4,CLOSED\r\n", "0,CLOSED\r\n", "+IPD,4,10:0123456789", "+IPD,4,300:", "+IPD,0,5,1.2.3.4,80:abcde", "+IPD,4,99999999:",
    "+IPD,4,-5:", "+IPD,9,5:abcde", "+IPD,3,4,\"1.2.3.4\",80:abcd", "+IPD,4,20\r\n", "+CIPRECVDATA,5:abcde\r\n",
    "+CIPRECVDATA:5,abcde\r\n", "+CIPRECVDATA:5,\"1.2.3.4\",80,abcde\r\n", "+CIPRECVDATA:,", "SEND OK\r\n", "SEND FAIL\r\n",
    "ready\r\n", "WIFI GOT IP\r\n", "WIFI DISCONNECT\r\n", "+CWLAP:(3,\"name\",-60,\"aa:bb:cc:dd:ee:ff\",1)\r\n",
    "+CWLAP:(3,\"na\\\"me", "STATUS:3\r\n", "+CIPSTATUS:0,\"TCP\",\"1.2.3.4\",5,6,1\r\n", "FAIL\r\n", "+CWJAP:2\r\n",
    "+CIPSTA:ip:\"1.2.3.4\"\r\n", "+CIPDOMAIN:1.2.3.4\r\n", "+CIPDOMAIN:\"1.2.3.400\"\r\n", "no change\r\n", "\r\n", ":", ",", "\"",
};

static size_t make_up(uint8_t *data, size_t size) {
    static const uint8_t commands[] = {
        0x37, 0x3F, 0x2D, 0x2F, 0x2B, 0x45, 0x44, 0x46, 0x39, 0x3A, 0x28, 0x34, 0x35, 0x20, 0x21, 0x27, 0x32, 0x33, 0x36,
    };
    size_t len = 2 + next() % (size - 2), n = 2;
    data[0] = (uint8_t)next();
    data[1] = (uint8_t)next();
    while (n < len) {
        if (next() % 4 == 0) {
            data[n++] = (uint8_t)next();
        } else if (data[0] & 1) {
            static const uint8_t sizes[] = { 0, 1, 2, 3, 4, 6, 255 };
            uint8_t command = commands[next() % sizeof(commands)], count = next() % 8 ? 1 + next() % 3 : (uint8_t)next();
            uint8_t head[] = { 0xE0, command | 0x80, count };
            for (size_t i = 0; i < 3 && n < len; ++i) {
                data[n++] = head[i];
            }
            for (int p = 0; p < count && n < len; ++p) {
                uint8_t size = sizes[next() % 7];
                if (command == 0x45 && n < len) {
                    data[n++] = next() % 8 ? 0 : (uint8_t)next();
                }
                for (unsigned i = 0; i <= size && n < len; ++i) {
                    data[n++] = i == 0 ? size : next() % 3 ? 1 : (uint8_t)next();
                }
            }
            if (n < len) {
                data[n++] = 0xEE;
            }
        } else {
            const char *word = at_words[next() % (sizeof(at_words) / sizeof(at_words[0]))];
            size_t size = strlen(word);
            size = size < len - n ? size : len - n;
            memcpy(data + n, word, size);
            n += size;
        }
    }
    return len;
}

int main(int argc, char **argv) {
    static uint8_t data[2500];
    long runs = argc > 1 ? atol(argv[1]) : 1000;
    state = argc > 2 ? (uint32_t)atol(argv[2]) : 1;
    for (long i = 0; i < runs; ++i) {
        size_t len = make_up(data, sizeof(data));
        // A copy of just that size, so that reading beyond it shows.
        uint8_t *copy = malloc(len);
        memcpy(copy, data, len);
        LLVMFuzzerTestOneInput(copy, len);
        free(copy);
    }
    printf("%ld inputs\n", runs);
    return 0;
}
#endif
