// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "at.h"

#define CHUNK (64)
#define BUSY_PAUSE_MS (50)
#define SETTLE_MS (1000)
#define DATAGRAM_HEAD (8) // length, port, address before each datagram in a link's blocks

static bool begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// ---- received data -----------------------------------------------------------------------------

size_t at_room(const at_t *at) {
    return (size_t)at->free_count * AT_BLOCK_DATA;
}

static uint16_t take_block(at_t *at) {
    uint16_t b = at->free_block;
    if (b != AT_NONE) {
        at->free_block = at->block[b].next;
        --at->free_count;
        at->block[b].next = AT_NONE;
        at->block[b].start = at->block[b].end = 0;
    }
    return b;
}

static void give_block(at_t *at, uint16_t b) {
    at->block[b].next = at->free_block;
    at->free_block = b;
    ++at->free_count;
}

static void store(at_t *at, int n, const uint8_t *data, size_t len) {
    at_link_t *link = &at->link[n];
    while (len != 0) {
        at_block_t *tail = link->tail == AT_NONE ? NULL : &at->block[link->tail];
        if (tail == NULL || tail->end == AT_BLOCK_DATA) {
            uint16_t b = take_block(at);
            if (b == AT_NONE) {
                link->lost = true;
                return;
            }
            if (tail == NULL) {
                link->head = b;
            } else {
                tail->next = b;
            }
            link->tail = b;
            tail = &at->block[b];
        }
        size_t part = AT_BLOCK_DATA - tail->end;
        part = part < len ? part : len;
        memcpy(tail->data + tail->end, data, part);
        tail->end += (uint16_t)part;
        link->count += (uint32_t)part;
        data += part;
        len -= part;
    }
}

size_t at_take(at_t *at, int n, uint8_t *data, size_t len) {
    at_link_t *link = &at->link[n];
    size_t got = 0;
    while (got < len && link->head != AT_NONE) {
        at_block_t *head = &at->block[link->head];
        size_t part = head->end - head->start;
        part = part < len - got ? part : len - got;
        if (data != NULL) {
            memcpy(data + got, head->data + head->start, part);
        }
        head->start += (uint16_t)part;
        got += part;
        if (head->start == head->end) {
            uint16_t next = head->next;
            give_block(at, link->head);
            link->head = next;
            if (next == AT_NONE) {
                link->tail = AT_NONE;
            }
        }
    }
    link->count -= (uint32_t)got;
    return got;
}

void at_forget(at_t *at, int n) {
    at_take(at, n, NULL, at->link[n].count);
    at->link[n] = (at_link_t) { .head = AT_NONE, .tail = AT_NONE };
}

static void links_gone(at_t *at) {
    for (int i = 0; i < AT_LINKS; ++i) {
        at->link[i].open = at->link[i].waiting = at->link[i].drop = false;
        if (at->link[i].incoming) {
            at_forget(at, i);
        }
    }
    at->joined = false;
}

void at_init(at_t *at, const at_port_t *port, at_block_t *block, uint16_t blocks) {
    memset(at, 0, sizeof(*at));
    at->port = port;
    at->block = block;
    at->blocks = blocks;
    at->free_block = AT_NONE;
    at->data_link = at->active_link = at->owed_link = -1;
    for (uint16_t i = 0; i < blocks; ++i) {
        give_block(at, i);
    }
    for (int i = 0; i < AT_LINKS; ++i) {
        at->link[i].head = at->link[i].tail = AT_NONE;
    }
}

// ---- the reader --------------------------------------------------------------------------------

bool at_field_int(const char **p, int *value) {
    const char *s = *p;
    bool negative = *s == '-';
    int result = 0, digits = 0;
    s += negative;
    while (*s >= '0' && *s <= '9' && digits < 9) {
        result = 10 * result + (*s++ - '0');
        ++digits;
    }
    if (digits == 0) {
        return false;
    }
    *value = negative ? -result : result;
    *p = *s == ',' || *s == ')' ? s + 1 : s;
    return true;
}

bool at_field_text(const char **p, char *text, size_t size) {
    const char *s = *p;
    size_t n = 0;
    bool escaped = false;
    if (*s++ != '"') {
        return false;
    }
    while (*s != 0 && *s != '\n' && (escaped || *s != '"')) {
        escaped = !escaped && *s == '\\';
        if (!escaped && n + 1 < size) {
            text[n++] = *s;
        }
        ++s;
    }
    text[n] = 0;
    if (*s != '"') {
        return false;
    }
    ++s;
    *p = *s == ',' || *s == ')' ? s + 1 : s;
    return true;
}

static bool take_address(const char **p, uint8_t ip[4], int *port) {
    const char *s = *p;
    bool quoted = *s == '"';
    if (!net_parse_ip(s + quoted, ip, &s) || (quoted && *s++ != '"') || *s++ != ',' || !at_field_int(&s, port)) {
        return false;
    }
    *p = s;
    return true;
}

static void begin_data(at_t *at, int link, uint32_t len, const uint8_t ip[4], int port) {
    at->data_left = len;
    at->data_link = link >= 0 && link < AT_LINKS && (at->link[link].open || at->link[link].used) ? link : -1;
    if (at->data_link >= 0 && at->link[link].udp) {
        // A datagram is there as a whole or not at all.
        if (len > 0xFFFF || len + DATAGRAM_HEAD + AT_BLOCK_DATA > at_room(at)) {
            at->data_link = -1;
            return;
        }
        uint8_t head[DATAGRAM_HEAD] = {
            (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)port, (uint8_t)(port >> 8), ip[0], ip[1], ip[2], ip[3],
        };
        store(at, link, head, sizeof(head));
    }
}

// +IPD,<link>,<length>[,<address>,<port>]: before data, or alone in a line when the module holds them back.
static void ipd(at_t *at, const char *p, bool data_follow) {
    uint8_t ip[4] = { 0 };
    int link, len, port = 0;
    if (!at_field_int(&p, &link) || !at_field_int(&p, &len) || len < 0) {
        return;
    }
    take_address(&p, ip, &port);
    if (data_follow) {
        begin_data(at, link, (uint32_t)len, ip, port);
    } else if (link >= 0 && link < AT_LINKS) {
        at->link[link].waiting = true;
    }
}

static void reply_line(at_t *at) {
    if (at->reply_len + at->line_len + 2u > AT_REPLY_MAX) {
        at->reply_cut = true;
        return;
    }
    memcpy(at->reply + at->reply_len, at->line, at->line_len);
    at->reply_len += at->line_len;
    at->reply[at->reply_len++] = '\n';
    at->reply[at->reply_len] = 0;
}

// <link>,CONNECT and <link>,CLOSED
static bool link_event(at_t *at) {
    const char *l = at->line;
    if (l[0] < '0' || l[0] >= '0' + AT_LINKS || l[1] != ',') {
        return false;
    }
    int n = l[0] - '0';
    at_link_t *link = &at->link[n];
    if (strcmp(l + 2, "CONNECT") == 0) {
        if (!link->used) {
            // Not ours, so it came to the server.
            at_forget(at, n);
            link->incoming = true;
        }
        link->open = true;
        return true;
    }
    if (strcmp(l + 2, "CLOSED") == 0 || strcmp(l + 2, "CONNECT FAIL") == 0) {
        link->open = false;
        if (link->incoming && link->count == 0 && !link->waiting) {
            at_forget(at, n);
        }
        return true;
    }
    return false;
}

static const struct {
    const char *text;
    enum at_final final;
} finals[] = {
    { "OK", AT_OK }, { "ERROR", AT_ERROR }, { "FAIL", AT_FAIL }, { "SEND OK", AT_SENT }, { "SEND FAIL", AT_SEND_FAIL },
    { "no change", AT_OK }, { "link is not", AT_ERROR }, { "Link is builded", AT_ERROR },
};

static void end_line(at_t *at) {
    at->line[at->line_len] = 0;
    const char *l = at->line;
    if (at->line_len == 0 || begins(l, "Recv ") || link_event(at)) {
        return;
    }
    if (begins(l, "+IPD,")) {
        ipd(at, l + 5, false);
    } else if (begins(l, "busy ")) {
        // "busy s": it is sending, and the command at hand will still be answered.
        if (l[5] == 'p') {
            at->final = AT_BUSY;
        }
    } else if (begins(l, "WIFI ")) {
        at->joined = strcmp(l + 5, "GOT IP") == 0 || (at->joined && strcmp(l + 5, "DISCONNECT") != 0);
    } else if (strcmp(l, "ready") == 0) {
        links_gone(at);
        ++at->restarts;
        at->final = AT_RESTARTED;
    } else {
        for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); ++i) {
            if (strcmp(l, finals[i].text) == 0) {
                at->final = finals[i].final;
                return;
            }
        }
        reply_line(at);
    }
}

// Data begin in the middle of a line. True when they do.
static bool data_begin(at_t *at, char c) {
    const char *p = at->line;
    uint8_t ip[4] = { 0 };
    int len, port = 0;
    at->line[at->line_len] = 0;
    if (c == ':' && begins(p, "+IPD,")) {
        ipd(at, p + 5, true);
        return true;
    }
    if (!begins(p, "+CIPRECVDATA")) {
        return false;
    }
    p += 12;
    if (c == ':' && *p == ',') {
        // the older firmware: +CIPRECVDATA,<length>:
        ++p;
        if (!at_field_int(&p, &len)) {
            return false;
        }
    } else if (c == ',' && *p == ':') {
        // the newer: +CIPRECVDATA:<length>, and with CIPDINFO address and port
        ++p;
        if (!at_field_int(&p, &len)) {
            return false;
        }
        if (at->details) { // then this comma may be one of those before the data
            if (!take_address(&p, ip, &port)) {
                return false;
            }
        }
    } else {
        return false;
    }
    if (len < 0) {
        return false;
    }
    at->read_left += (uint32_t)len;
    begin_data(at, at->active_link, (uint32_t)len, ip, port);
    return true;
}

void at_feed(at_t *at, const uint8_t *data, size_t len) {
    while (len != 0) {
        if (at->data_left != 0) {
            size_t part = at->data_left < len ? at->data_left : len;
            if (at->data_link >= 0) {
                store(at, at->data_link, data, part);
            }
            at->data_left -= (uint32_t)part;
            data += part;
            len -= part;
            continue;
        }
        char c = (char)*data++;
        --len;
        if (c == '\n' || c == '\r') {
            end_line(at);
            at->line_len = 0;
            at->line_cut = false;
        } else if (at->line_len == 0 && (c == ' ' || c == 0)) {
            // the blank behind the prompt
        } else if (at->line_len == 0 && c == '>') {
            at->prompt = true;
        } else if ((c == ':' || c == ',') && data_begin(at, c)) {
            at->line_len = 0;
            at->line_cut = false;
        } else if (at->line_len < AT_LINE_MAX) {
            at->line[at->line_len++] = c;
        } else {
            at->line_cut = true;
        }
    }
}

int at_poll(at_t *at) {
    uint8_t chunk[CHUNK];
    int total = 0;
    for (;;) {
        int n = at->port->read(at->port->ctx, chunk, sizeof(chunk));
        if (n < 0) {
            return n;
        }
        at_feed(at, chunk, (size_t)n);
        total += n;
        if (n < CHUNK || total >= 1 << 16) {
            return total;
        }
    }
}

// ---- commands ----------------------------------------------------------------------------------

static void put(at_t *at, char c) {
    if (at->command_len + 3u > AT_COMMAND_MAX) {
        at->command_cut = true;
    } else {
        at->command[at->command_len++] = c;
    }
}

void at_begin(at_t *at, const char *text) {
    at->command_len = 0;
    at->command_cut = false;
    at_text(at, text);
}

void at_text(at_t *at, const char *text) {
    while (*text != 0) {
        put(at, *text++);
    }
}

void at_number(at_t *at, uint32_t value) {
    char digits[10];
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (n != 0) {
        put(at, digits[--n]);
    }
}

void at_quoted(at_t *at, const char *text) {
    put(at, '"');
    for (; *text != 0; ++text) {
        if (*text == '"' || *text == ',' || *text == '\\') {
            put(at, '\\');
        }
        // A line end would end the command.
        put(at, *text == '\r' || *text == '\n' ? '?' : *text);
    }
    put(at, '"');
}

void at_address(at_t *at, const uint8_t ip[4]) {
    put(at, '"');
    for (int i = 0; i < 4; ++i) {
        at_number(at, ip[i]);
        put(at, i < 3 ? '.' : '"');
    }
}

static uint32_t since(at_t *at, uint32_t start) {
    return at->port->ticks_ms(at->port->ctx) - start;
}

// Waits for the end of what is under way. -ETIMEDOUT when that does not come.
static int wait_final(at_t *at, uint32_t start, uint32_t timeout_ms, bool prompt_too) {
    for (;;) {
        bool late = since(at, start) >= timeout_ms;
        int n = at_poll(at);
        if (n < 0) {
            return n;
        }
        if (at->final != AT_WAITING || (prompt_too && at->prompt)) {
            return 0;
        }
        if (late) {
            return -ETIMEDOUT;
        }
        if (n == 0) {
            at->port->idle(at->port->ctx);
        }
    }
}

// An exception or a time-out has left a command in its middle: bring it to an end.
static int settle(at_t *at) {
    if (!at->unanswered) {
        return 0;
    }
    if (at->owed != 0) {
        // The module waits for data. How many of them have gone is not known when the exception came through
        // write(), so it gets them all again, and a line end; the connection has had wrong data then.
        static const uint8_t filler[CHUNK];
        uint32_t owed = at->owed;
        at->owed = 0;
        if (at->owed_link >= 0) {
            at->link[at->owed_link].drop = true;
        }
        while (owed != 0) {
            uint32_t part = owed < CHUNK ? owed : CHUNK;
            int ret = at->port->write(at->port->ctx, filler, part);
            if (ret < 0) {
                return ret;
            }
            owed -= part;
        }
        int ret = at->port->write(at->port->ctx, (const uint8_t *)"\r\n", 2);
        if (ret < 0) {
            return ret;
        }
    }
    at->final = AT_WAITING;
    int ret = wait_final(at, at->port->ticks_ms(at->port->ctx), SETTLE_MS, false);
    at->unanswered = false;
    return ret == -ETIMEDOUT ? 0 : ret;
}

static int result(const at_t *at) {
    switch (at->final) {
        case AT_OK:
        case AT_SENT:
            return 0;
        case AT_BUSY:
            return -EBUSY;
        case AT_RESTARTED:
            return -ECONNRESET;
        default:
            return -EIO;
    }
}

static int start(at_t *at, uint32_t began, uint32_t timeout_ms, bool prompt_too) {
    if (at->command_cut) {
        return -E2BIG;
    }
    int ret = settle(at);
    if (ret == 0) {
        ret = at_poll(at);
    }
    at->command[at->command_len] = '\r';
    at->command[at->command_len + 1] = '\n';
    while (ret >= 0) {
        at->reply_len = 0;
        at->reply[0] = 0;
        at->reply_cut = false;
        at->final = AT_WAITING;
        at->prompt = false;
        at->unanswered = true;
        ret = at->port->write(at->port->ctx, (const uint8_t *)at->command, at->command_len + 2u);
        if (ret >= 0) {
            ret = wait_final(at, began, timeout_ms, prompt_too);
        }
        if (ret != 0) {
            return ret;
        }
        at->unanswered = false;
        if (at->final != AT_BUSY || since(at, began) >= timeout_ms) {
            return at->final == AT_WAITING ? 0 : result(at);
        }
        uint32_t pause = at->port->ticks_ms(at->port->ctx);
        while (since(at, pause) < BUSY_PAUSE_MS) {
            at->port->idle(at->port->ctx);
        }
    }
    return ret;
}

int at_run(at_t *at, uint32_t timeout_ms) {
    return start(at, at->port->ticks_ms(at->port->ctx), timeout_ms, false);
}

int at_run_with_data(at_t *at, int link, const uint8_t *data, size_t len, uint32_t timeout_ms) {
    uint32_t began = at->port->ticks_ms(at->port->ctx);
    int ret = start(at, began, timeout_ms, true);
    // The prompt comes behind OK, or alone.
    if (ret == 0 && !at->prompt) {
        at->final = AT_WAITING;
        at->unanswered = true;
        ret = wait_final(at, began, timeout_ms, true);
        if (ret == 0 && !at->prompt) {
            at->unanswered = false;
            ret = -EIO;
        }
    }
    if (ret != 0) {
        return ret;
    }
    at->final = AT_WAITING;
    at->unanswered = true;
    at->owed = (uint32_t)len;
    at->owed_link = link;
    ret = at->port->write(at->port->ctx, data, len);
    if (ret < 0) {
        return ret;
    }
    at->owed = 0;
    for (;;) {
        ret = wait_final(at, began, timeout_ms, false);
        if (ret != 0) {
            return ret;
        }
        // The OK of the command itself may come between prompt and data.
        if (at->final != AT_OK) {
            at->unanswered = false;
            return result(at);
        }
        at->final = AT_WAITING;
    }
}

const char *at_find(const at_t *at, const char *prefix, const char *after) {
    const char *p = at->reply;
    if (after != NULL) {
        p = strchr(after, '\n');
        if (p == NULL) {
            return NULL;
        }
        ++p;
    }
    while (*p != 0) {
        if (begins(p, prefix)) {
            return p + strlen(prefix);
        }
        p = strchr(p, '\n');
        if (p == NULL) {
            return NULL;
        }
        ++p;
    }
    return NULL;
}
