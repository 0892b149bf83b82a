// SPDX-License-Identifier: MIT
#include <string.h>

#include "net.h"

bool net_parse_ip(const char *text, uint8_t ip[4], const char **end) {
    for (int i = 0; i < 4; ++i) {
        unsigned value = 0;
        int digits = 0;
        while (*text >= '0' && *text <= '9' && digits < 3) {
            value = 10 * value + (unsigned)(*text++ - '0');
            ++digits;
        }
        if (digits == 0 || value > 255 || (i < 3 && *text++ != '.')) {
            return false;
        }
        ip[i] = (uint8_t)value;
    }
    if (end != NULL) {
        *end = text;
    }
    return true;
}

static int hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void net_parse_mac(const char *text, uint8_t mac[6]) {
    memset(mac, 0, 6);
    for (int i = 0; i < 6; ++i, text += 3) {
        if (hex(text[0]) < 0 || hex(text[1]) < 0 || (i < 5 && text[2] != ':')) {
            return;
        }
        mac[i] = (uint8_t)(hex(text[0]) << 4 | hex(text[1]));
    }
}
