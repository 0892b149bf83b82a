/*
 * SPDX-License-Identifier: MIT
 *
 * Espressif's AT commands over a serial line: one command at a time and its answer, and between them what
 * the module says unasked (data, connections that open and close, Wi-Fi that comes and goes).
 *
 * The reader takes bytes in any portions. Nothing that comes over the line is believed: lengths are checked,
 * lines that are too long are cut, links that do not exist are ignored.
 */
#ifndef NETWORK_AT_H
#define NETWORK_AT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

#define AT_LINKS (5)
#define AT_LINE_MAX (200)
#define AT_COMMAND_MAX (320)
#define AT_REPLY_MAX (4096)
#define AT_SEND_MAX (2048) // bytes of one CIPSEND
#define AT_BLOCK_DATA (250)
#define AT_NONE (0xFFFF)

typedef struct {
    void *ctx;
    int (*read)(void *ctx, uint8_t *data, size_t len); // what is there now: 0 and more; negative errno
    int (*write)(void *ctx, const uint8_t *data, size_t len); // all of it; negative errno
    uint32_t (*ticks_ms)(void *ctx);
    // Waits a millisecond or so. It need not come back: an exception may leave through it, and through write().
    void (*idle)(void *ctx);
} at_port_t;

// How the last command ended.
enum at_final { AT_WAITING, AT_OK, AT_ERROR, AT_FAIL, AT_SENT, AT_SEND_FAIL, AT_BUSY, AT_RESTARTED };

typedef struct {
    uint16_t next, start, end;
    uint8_t data[AT_BLOCK_DATA];
} at_block_t;

typedef struct {
    bool open; // there is a connection, or a UDP port
    bool used; // somebody holds the number
    bool udp;
    bool incoming; // opened by the peer, and not accepted yet
    bool waiting; // the module holds data back until it is asked
    bool lost; // data came for which there was no room
    bool drop; // to be closed when there is time
    uint16_t head, tail; // blocks of received data
    uint32_t count;
} at_link_t;

typedef struct {
    const at_port_t *port;

    // the reader
    char line[AT_LINE_MAX + 1];
    uint16_t line_len;
    bool line_cut;
    uint32_t data_left; // bytes of data under way
    int data_link; // their link, -1 = nobody's
    uint32_t read_left; // bytes that CIPRECVDATA has brought in
    bool details; // +IPD tells address and port (CIPDINFO)
    bool passive; // data wait in the module (CIPRECVMODE)

    // the command
    char command[AT_COMMAND_MAX];
    uint16_t command_len;
    bool command_cut;
    bool unanswered; // a command has been sent and its end not been seen
    uint32_t owed; // bytes of a CIPSEND that the module still waits for
    int owed_link;
    enum at_final final;
    bool prompt;
    int active_link; // the one that CIPRECVDATA asks
    char reply[AT_REPLY_MAX]; // its lines, each with \n
    uint16_t reply_len;
    bool reply_cut;

    bool joined; // WIFI GOT IP, until WIFI DISCONNECT
    uint32_t restarts;
    at_link_t link[AT_LINKS];
    at_block_t *block;
    uint16_t blocks, free_block, free_count;
} at_t;

// blocks is memory for received data.
void at_init(at_t *at, const at_port_t *port, at_block_t *block, uint16_t blocks);

// Takes bytes of the module.
void at_feed(at_t *at, const uint8_t *data, size_t len);

// Reads what there is; negative errno.
int at_poll(at_t *at);

// A command is put together and then run.
void at_begin(at_t *at, const char *text);
void at_text(at_t *at, const char *text);
void at_number(at_t *at, uint32_t value);
void at_quoted(at_t *at, const char *text); // with " , and \ escaped
void at_address(at_t *at, const uint8_t ip[4]); // in quotes

// Sends the command and waits for its end. 0 = OK; -EIO = the module says no (at->final tells how);
// -ETIMEDOUT; -EBUSY = it was busy all the time; -ECONNRESET = it has started anew; -E2BIG = too long.
int at_run(at_t *at, uint32_t timeout_ms);

// A command that makes the module ask for data (CIPSEND), then the data.
int at_run_with_data(at_t *at, int link, const uint8_t *data, size_t len, uint32_t timeout_ms);

// The reply's line that begins with prefix, behind it; NULL if there is none. after: the place to go on from.
const char *at_find(const at_t *at, const char *prefix, const char *after);

// Takes the next field of a line, and the comma (or bracket) behind it. False at the end or if it is no such field.
bool at_field_int(const char **p, int *value);
bool at_field_text(const char **p, char *text, size_t size);

// Received data of a link.
size_t at_take(at_t *at, int link, uint8_t *data, size_t len);
void at_forget(at_t *at, int link);
size_t at_room(const at_t *at);

#endif
