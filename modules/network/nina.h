/*
 * SPDX-License-Identifier: MIT
 *
 * The SPI protocol of Arduino's NINA firmware as Maixduino's ESP32 has it: a command frame, and when the module is
 * ready again a reply frame. Nothing that is read is believed: every length is checked against what there is room for.
 */
#ifndef NETWORK_NINA_H
#define NETWORK_NINA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NINA_FRAME_MAX (2304)
#define NINA_PARAMS_MAX (32)
#define NINA_DATA_MAX (2048) // of one parameter with a length of 16 bits

typedef struct {
    void *ctx;
    bool (*ready)(void *ctx); // the module takes a transfer (its line is low)
    void (*select)(void *ctx, bool on);
    int (*transfer)(void *ctx, const uint8_t *tx, uint8_t *rx, size_t len); // tx or rx may be NULL; negative errno
    uint32_t (*ticks_ms)(void *ctx);
    // Waits a millisecond or so. An exception may leave through it; it is not called while the module is selected.
    void (*idle)(void *ctx);
} nina_port_t;

typedef struct {
    const uint8_t *data;
    uint16_t len;
} nina_param_t;

typedef struct {
    const nina_port_t *port;
    uint8_t frame[NINA_FRAME_MAX];
    uint16_t len;
    bool too_long;
    uint8_t command;
    bool unanswered; // its reply has not been fetched
    uint8_t params;
    nina_param_t param[NINA_PARAMS_MAX];
} nina_t;

enum nina_command {
    NINA_SET_NET = 0x10, NINA_SET_PASSPHRASE = 0x11, NINA_SET_IP = 0x14, NINA_SET_DNS = 0x15, NINA_SET_AP = 0x18,
    NINA_SET_AP_PASSPHRASE = 0x19, NINA_STATUS = 0x20, NINA_GET_IP = 0x21, NINA_GET_MAC = 0x22, NINA_GET_SSID = 0x23,
    NINA_GET_BSSID = 0x24, NINA_GET_RSSI = 0x25, NINA_SCAN = 0x27, NINA_START_SERVER = 0x28, NINA_AVAILABLE = 0x2B,
    NINA_START_CLIENT = 0x2D, NINA_STOP_CLIENT = 0x2E, NINA_CLIENT_STATE = 0x2F, NINA_DISCONNECT = 0x30,
    NINA_SCANNED_RSSI = 0x32, NINA_SCANNED_ENCRYPTION = 0x33, NINA_REQUEST_HOST = 0x34, NINA_GET_HOST = 0x35,
    NINA_START_SCAN = 0x36, NINA_VERSION = 0x37, NINA_SEND_PACKET = 0x39, NINA_REMOTE = 0x3A, NINA_SCANNED_BSSID = 0x3C,
    NINA_SCANNED_CHANNEL = 0x3D, NINA_PING = 0x3E, NINA_GET_SOCKET = 0x3F, NINA_SEND_DATA = 0x44, NINA_GET_DATA = 0x45,
    NINA_INSERT_DATA = 0x46, NINA_ADC = 0x53, NINA_SOFT_RESET = 0x54,
};

void nina_init(nina_t *nina, const nina_port_t *port);

// A command is put together and then run.
void nina_begin(nina_t *nina, enum nina_command command);
void nina_add(nina_t *nina, const void *data, size_t len);
void nina_add_byte(nina_t *nina, uint8_t value);
void nina_add_port(nina_t *nina, uint16_t port);

// Number of parameters of the reply, which are in param[] until the next command; -ETIMEDOUT; -EIO = the module
// calls it an error; -EBADMSG = what came is no reply to the command; -E2BIG.
int nina_run(nina_t *nina, uint32_t timeout_ms);

// The same for a command that answers with a byte; that byte.
int nina_run_byte(nina_t *nina, uint32_t timeout_ms);

// Little-endian, 0 when there is no such parameter.
uint32_t nina_value(const nina_t *nina, unsigned param);

#endif
