/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In-system programming over UARTHS: SLIP frames, see the K210 reference. */

#include "rom.h"

#define END         0xc0
#define ESC         0xdb
#define ESC_END     0xdc
#define ESC_ESC     0xdd

#define OP_NOP      0xc2
#define OP_WRITE    0xc3
#define OP_BOOT     0xc5
#define OP_BAUD     0xc6

#define CODE_OK         0xe0
#define CODE_LENGTH     0xe1
#define CODE_CHECKSUM   0xe2
#define CODE_COMMAND    0xe3

#define HEADER      16
#define MAX_DATA    8192

static uint8_t frame[HEADER + MAX_DATA];

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t crc32(const uint8_t *p, uint32_t size)
{
    uint32_t crc = ~0u;

    while (size--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }
    return ~crc;
}

/* One frame without its delimiters; returns its size, too long = 0. */
static uint32_t receive(void)
{
    uint32_t n = 0;
    bool in_frame = false, overflow = false;

    for (;;) {
        uint8_t c = uart_wait();

        if (c == END) {
            if (in_frame && n) {
                return overflow ? 0 : n;
            }
            in_frame = true;
            continue;
        }
        if (!in_frame) {
            continue;
        }
        if (c == ESC) {
            c = uart_wait();
            c = c == ESC_END ? END : c == ESC_ESC ? ESC : c;
        }
        if (n < sizeof(frame)) {
            frame[n++] = c;
        } else {
            overflow = true;
        }
    }
}

static void send(uint8_t c)
{
    if (c == END || c == ESC) {
        uart_put(ESC);
        c = c == END ? ESC_END : ESC_ESC;
    }
    uart_put(c);
}

static void reply(uint8_t op, uint8_t code)
{
    uart_put(END);
    send(op);
    send(code);
    uart_put(END);
}

static void memory_write(uint32_t address, const uint8_t *data, uint32_t size)
{
    volatile uint8_t *to = (volatile uint8_t *)(uintptr_t)address;

    while (size--) {
        *to++ = *data++;
    }
}

void isp_run(void)
{
    for (;;) {
        uint32_t size = receive();
        uint8_t op = frame[0];
        uint32_t address, length;

        if (!size) {
            reply(op, CODE_LENGTH);
            continue;
        }
        if (op == OP_NOP) {         /* tools send it without a checksum */
            reply(op, CODE_OK);
            continue;
        }
        if (op != OP_WRITE && op != OP_BOOT && op != OP_BAUD) {
            reply(op, CODE_COMMAND);
            continue;
        }
        address = get32(frame + 8);
        length = get32(frame + 12);
        if (size < HEADER || length != size - HEADER) {
            reply(op, CODE_LENGTH);
            continue;
        }
        if (crc32(frame + 8, size - 8) != get32(frame + 4)) {
            reply(op, CODE_CHECKSUM);
            continue;
        }
        switch (op) {
        case OP_WRITE:
            memory_write(address, frame + HEADER, length);
            reply(op, CODE_OK);
            break;
        case OP_BOOT:
            uart_flush();
            uart_wait_end();
            rom_jump(address);
        case OP_BAUD:
            if (length == 4 && get32(frame + HEADER)) {
                uart_flush();
                uart_set_baud(get32(frame + HEADER));
            } else {
                reply(op, CODE_LENGTH);
            }
            break;
        }
    }
}
