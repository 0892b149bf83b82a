// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "nina.h"

#define FRAME_START (0xE0)
#define FRAME_END (0xEE)
#define FRAME_ERROR (0xEF)
#define REPLY_FLAG (0x80)
#define SELECT_MS (1000)
#define START_BYTES (1000) // before the reply's first byte
#define DRAIN_BYTES (32)

void nina_init(nina_t *n, const nina_port_t *port) {
    memset(n, 0, sizeof(*n));
    n->port = port;
}

static bool long_lengths(uint8_t command) {
    return command == NINA_SEND_DATA || command == NINA_GET_DATA || command == NINA_INSERT_DATA;
}

static void put(nina_t *n, uint8_t byte) {
    // The end and the padding must fit, too.
    if (n->len + 4u >= NINA_FRAME_MAX) {
        n->too_long = true;
    } else {
        n->frame[n->len++] = byte;
    }
}

void nina_begin(nina_t *n, enum nina_command command) {
    n->command = (uint8_t)command;
    n->len = 0;
    n->too_long = false;
    put(n, FRAME_START);
    put(n, (uint8_t)command);
    put(n, 0); // how many parameters there are
}

void nina_add(nina_t *n, const void *data, size_t len) {
    if (len > (long_lengths(n->command) ? NINA_DATA_MAX : 255) || n->frame[2] == 255) {
        n->too_long = true;
        return;
    }
    if (long_lengths(n->command)) {
        put(n, (uint8_t)(len >> 8));
    }
    put(n, (uint8_t)len);
    for (size_t i = 0; i < len; ++i) {
        put(n, ((const uint8_t *)data)[i]);
    }
    ++n->frame[2];
}

void nina_add_byte(nina_t *n, uint8_t value) {
    nina_add(n, &value, 1);
}

void nina_add_port(nina_t *n, uint16_t port) {
    uint8_t bytes[2] = { (uint8_t)(port >> 8), (uint8_t)port };
    nina_add(n, bytes, 2);
}

static uint32_t now(nina_t *n) {
    return n->port->ticks_ms(n->port->ctx);
}

static int wait_ready(nina_t *n, uint32_t timeout_ms) {
    uint32_t start = now(n);
    for (;;) {
        bool late = now(n) - start >= timeout_ms;
        if (n->port->ready(n->port->ctx)) {
            return 0;
        }
        if (late) {
            return -ETIMEDOUT;
        }
        n->port->idle(n->port->ctx);
    }
}

// The module shows that it has seen the select by not being ready any more.
static int begin_transfer(nina_t *n, uint32_t timeout_ms) {
    int ret = wait_ready(n, timeout_ms);
    if (ret != 0) {
        return ret;
    }
    n->port->select(n->port->ctx, true);
    uint32_t start = now(n);
    while (n->port->ready(n->port->ctx)) {
        if (now(n) - start >= SELECT_MS) {
            n->port->select(n->port->ctx, false);
            return -ETIMEDOUT;
        }
    }
    return 0;
}

static int read(nina_t *n, uint8_t *data, size_t len) {
    return n->port->transfer(n->port->ctx, NULL, data, len);
}

// Reads the frame behind its first byte. The parameters go where the command was.
static int read_reply(nina_t *n) {
    uint8_t byte[2];
    int ret;
    for (int i = 0;; ++i) {
        ret = read(n, byte, 1);
        if (ret < 0 || byte[0] == FRAME_START) {
            break;
        }
        if (byte[0] == FRAME_ERROR) {
            return -EIO;
        }
        if (i == START_BYTES) {
            return -EBADMSG;
        }
    }
    if (ret == 0) {
        ret = read(n, byte, 2);
    }
    if (ret == 0 && byte[0] != (n->command | REPLY_FLAG)) {
        return -EBADMSG;
    }
    unsigned params = byte[1];
    size_t used = 0;
    n->params = 0;
    for (unsigned i = 0; i < params && ret == 0; ++i) {
        bool two = n->command == NINA_GET_DATA;
        ret = read(n, byte, two ? 2 : 1);
        size_t len = two ? (size_t)byte[0] << 8 | byte[1] : byte[0];
        if (ret == 0 && len > NINA_FRAME_MAX - used) {
            return -EBADMSG;
        }
        if (ret == 0 && len != 0) {
            ret = read(n, n->frame + used, len);
        }
        if (n->params < NINA_PARAMS_MAX) {
            n->param[n->params++] = (nina_param_t) { n->frame + used, (uint16_t)len };
            used += len;
        }
    }
    if (ret == 0) {
        ret = read(n, byte, 1);
    }
    return ret != 0 ? ret : byte[0] == FRAME_END ? n->params : -EBADMSG;
}

// An exception has come between a command and its reply: fetch that and throw it away.
static int settle(nina_t *n, uint32_t timeout_ms) {
    if (!n->unanswered) {
        return 0;
    }
    int ret = begin_transfer(n, timeout_ms);
    if (ret == 0) {
        uint8_t bytes[DRAIN_BYTES];
        ret = read(n, bytes, sizeof(bytes));
        n->port->select(n->port->ctx, false);
        n->unanswered = false;
    }
    return ret;
}

int nina_run(nina_t *n, uint32_t timeout_ms) {
    if (n->too_long) {
        return -E2BIG;
    }
    n->frame[n->len++] = FRAME_END;
    while (n->len % 4 != 0) {
        n->frame[n->len++] = 0;
    }
    int ret = settle(n, timeout_ms);
    if (ret == 0) {
        ret = begin_transfer(n, timeout_ms);
    }
    if (ret != 0) {
        return ret;
    }
    n->unanswered = true;
    ret = n->port->transfer(n->port->ctx, n->frame, NULL, n->len);
    n->port->select(n->port->ctx, false);
    if (ret == 0) {
        ret = begin_transfer(n, timeout_ms);
    }
    if (ret != 0) {
        return ret;
    }
    ret = read_reply(n);
    n->port->select(n->port->ctx, false);
    n->unanswered = false;
    return ret;
}

int nina_run_byte(nina_t *n, uint32_t timeout_ms) {
    int ret = nina_run(n, timeout_ms);
    return ret < 0 ? ret : ret == 0 || n->param[0].len == 0 ? 0 : n->param[0].data[0];
}

uint32_t nina_value(const nina_t *n, unsigned param) {
    uint32_t value = 0;
    if (param < n->params) {
        for (unsigned i = n->param[param].len < 4 ? n->param[param].len : 4; i-- != 0;) {
            value = value << 8 | n->param[param].data[i];
        }
    }
    return value;
}
