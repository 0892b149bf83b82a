// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "sdcard.h"

#ifndef EMEDIUMTYPE
#define EMEDIUMTYPE (124)
#endif

#define CMD_GO_IDLE (0)
#define CMD_MMC_OP_COND (1)
#define CMD_IF_COND (8)
#define CMD_CSD (9)
#define CMD_CID (10)
#define CMD_STOP (12)
#define CMD_STATUS (13)
#define CMD_BLOCK_LENGTH (16)
#define CMD_READ (17)
#define CMD_READ_MULTI (18)
#define CMD_WRITE (24)
#define CMD_WRITE_MULTI (25)
#define CMD_APP (55)
#define CMD_OCR (58)
#define CMD_CRC (59)
#define ACMD_WRITE_ERASE_COUNT (23)
#define ACMD_OP_COND (41)

#define R1_IDLE (0x01)
#define R1_ILLEGAL (0x04)
#define R1_CRC (0x08)
#define R1_NONE (0xFF)

#define TOKEN_SINGLE (0xFE)
#define TOKEN_MULTI (0xFC)
#define TOKEN_STOP (0xFD)
#define DATA_ACCEPTED (0x05)
#define DATA_CRC_ERROR (0x0B)

#define IF_COND_PATTERN (0x1AA) // 2.7 to 3.6 V, echo AAh
#define OP_COND_HCS (1u << 30)
#define OCR_CCS (0x40)

#define INIT_HZ (400000)
#define FAST_HZ (25000000)
#define MMC_HZ (20000000)

#define COMMAND_BYTES (10) // a card answers within 8
#define GO_IDLE_TRIES (10)
#define CRC_TRIES (3)
#define INIT_TIMEOUT_US (1000000)
#define READ_TIMEOUT_US (300000) // the specification's 100 ms are not enough for some cards
#define BUSY_TIMEOUT_US (1000000)

// ---- bytes --------------------------------------------------------------------------------------

static uint8_t crc7(const uint8_t *p, size_t n) {
    uint8_t crc = 0;
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) {
            crc = crc & 0x80 ? (uint8_t)(crc << 1 ^ 0x12) : (uint8_t)(crc << 1);
        }
    }
    return crc;
}

static uint16_t crc16(const uint8_t *p, size_t n) {
    uint16_t crc = 0;
    while (n--) {
        crc = (uint16_t)(crc >> 8 | crc << 8) ^ *p++;
        crc ^= (crc & 0xFF) >> 4;
        crc ^= (uint16_t)(crc << 12);
        crc ^= (uint16_t)((crc & 0xFF) << 5);
    }
    return crc;
}

static int get(sd_card_t *c, uint8_t *byte) {
    return c->bus->transfer(c->bus->ctx, NULL, byte, 1);
}

// Waits for a byte other than skip.
static int wait_byte(sd_card_t *c, uint8_t skip, uint32_t timeout_us, uint8_t *byte) {
    uint64_t end = c->bus->now_us(c->bus->ctx) + timeout_us;
    for (;;) {
        bool last = c->bus->now_us(c->bus->ctx) >= end;
        int ret = get(c, byte);
        if (ret || *byte != skip) {
            return ret;
        }
        if (last) {
            return -ETIMEDOUT;
        }
    }
}

static int wait_not_busy(sd_card_t *c) {
    uint64_t end = c->bus->now_us(c->bus->ctx) + BUSY_TIMEOUT_US;
    for (;;) {
        bool last = c->bus->now_us(c->bus->ctx) >= end;
        uint8_t byte;
        int ret = get(c, &byte);
        if (ret || byte == 0xFF) {
            return ret;
        }
        if (last) {
            return -ETIMEDOUT;
        }
    }
}

// ---- commands -----------------------------------------------------------------------------------

static void end(sd_card_t *c) {
    uint8_t byte;
    c->bus->select(c->bus->ctx, false);
    get(c, &byte); // the card lets go of its line with the next clock
}

// The card stays selected. R1_NONE when nobody answers.
static int command(sd_card_t *c, uint8_t cmd, uint32_t arg, uint8_t *r1) {
    uint8_t frame[6] = {
        (uint8_t)(0x40 | cmd), (uint8_t)(arg >> 24), (uint8_t)(arg >> 16), (uint8_t)(arg >> 8), (uint8_t)arg,
    };
    frame[5] = crc7(frame, 5) | 1;
    c->bus->select(c->bus->ctx, true);
    *r1 = R1_NONE;
    int ret = cmd == CMD_STOP || cmd == CMD_GO_IDLE ? 0 : wait_not_busy(c);
    if (ret == 0) {
        ret = c->bus->transfer(c->bus->ctx, frame, NULL, sizeof(frame));
    }
    if (ret == 0 && cmd == CMD_STOP) {
        uint8_t stuff;
        ret = get(c, &stuff);
    }
    for (int i = 0; i < COMMAND_BYTES && ret == 0; i++) {
        ret = get(c, r1);
        if (!(*r1 & 0x80)) {
            return ret;
        }
    }
    *r1 = R1_NONE;
    return ret;
}

// A whole command without data: R1, and more bytes of the answer if there are any.
static int simple(sd_card_t *c, uint8_t cmd, uint32_t arg, uint8_t *r1, uint8_t *more, size_t n) {
    int ret = command(c, cmd, arg, r1);
    if (ret == 0 && *r1 != R1_NONE && n) {
        ret = c->bus->transfer(c->bus->ctx, NULL, more, n);
    }
    end(c);
    return ret ? ret : *r1 == R1_NONE ? -ENODEV : 0;
}

static int app(sd_card_t *c, uint8_t cmd, uint32_t arg, uint8_t *r1) {
    int ret = simple(c, CMD_APP, 0, r1, NULL, 0);
    if (ret == 0 && *r1 & R1_ILLEGAL) {
        return 0; // an MMC
    }
    return ret ? ret : simple(c, cmd, arg, r1, NULL, 0);
}

static int expect_ok(int ret, uint8_t r1) {
    return ret ? ret : r1 == R1_NONE ? -ENODEV : r1 ? -EIO : 0;
}

static int receive(sd_card_t *c, uint8_t *data, size_t n) {
    uint8_t token, crc[2];
    int ret = wait_byte(c, 0xFF, READ_TIMEOUT_US, &token);
    if (ret == 0 && token != TOKEN_SINGLE) {
        ret = -EIO; // an error token
    }
    if (ret == 0) {
        ret = c->bus->transfer(c->bus->ctx, NULL, data, n);
    }
    if (ret == 0) {
        ret = c->bus->transfer(c->bus->ctx, NULL, crc, 2);
    }
    return ret ? ret : crc16(data, n) != (crc[0] << 8 | crc[1]) ? -EIO : 0;
}

static int read_register(sd_card_t *c, uint8_t cmd, uint8_t data[16]) {
    uint8_t r1;
    int ret = command(c, cmd, 0, &r1);
    ret = expect_ok(ret, r1);
    if (ret == 0) {
        ret = receive(c, data, 16);
    }
    end(c);
    return ret;
}

// ---- start --------------------------------------------------------------------------------------

void sd_open(sd_card_t *c, const sd_bus_t *bus) {
    memset(c, 0, sizeof(*c));
    c->bus = bus;
}

static int go_idle(sd_card_t *c) {
    uint8_t r1 = R1_NONE;
    int ret = -ENODEV;
    for (int i = 0; i < GO_IDLE_TRIES; i++) {
        // A card may be in the middle of a block: clocks without a command let it finish.
        c->bus->select(c->bus->ctx, false);
        int err = c->bus->transfer(c->bus->ctx, NULL, NULL, 10);
        if (err) {
            return err;
        }
        ret = simple(c, CMD_GO_IDLE, 0, &r1, NULL, 0);
        if (ret == 0 && r1 == R1_IDLE) {
            return 0;
        }
    }
    return ret ? ret : -EIO;
}

// Starts the card's own initialisation and waits for its end.
static int leave_idle(sd_card_t *c, bool v2) {
    uint64_t end = c->bus->now_us(c->bus->ctx) + INIT_TIMEOUT_US;
    for (;;) {
        bool last = c->bus->now_us(c->bus->ctx) >= end;
        uint8_t r1;
        int ret = c->mmc ? simple(c, CMD_MMC_OP_COND, 0, &r1, NULL, 0)
            : app(c, ACMD_OP_COND, v2 ? OP_COND_HCS : 0, &r1);
        if (ret || r1 == 0) {
            return ret;
        }
        if (r1 & R1_ILLEGAL) {
            if (c->mmc || v2) {
                return -EIO;
            }
            c->mmc = true;
        } else if (r1 & (uint8_t) ~R1_IDLE) {
            return -EIO;
        }
        if (last) {
            return -ETIMEDOUT;
        }
    }
}

static uint32_t bits(const uint8_t *reg, unsigned high, unsigned low) {
    uint32_t v = 0;
    for (unsigned i = high + 1; i-- > low;) {
        v = v << 1 | (reg[15 - i / 8] >> (i % 8) & 1);
    }
    return v;
}

uint32_t sd_csd_blocks(const uint8_t csd[16], bool mmc) {
    unsigned structure = bits(csd, 127, 126);
    if (!mmc && structure == 1) {
        uint64_t n = ((uint64_t)bits(csd, 69, 48) + 1) * 1024;
        return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    }
    if (!mmc && structure != 0) {
        return 0;
    }
    unsigned shift = bits(csd, 49, 47) + 2 + bits(csd, 83, 80);
    return shift < 9 ? 0 : (bits(csd, 73, 62) + 1) << (shift - 9);
}

static int identify(sd_card_t *c) {
    uint8_t r1, answer[4] = { 0 };
    c->bus->set_hz(c->bus->ctx, INIT_HZ);
    c->mmc = c->by_block = false;
    int ret = go_idle(c);
    if (ret) {
        return ret;
    }
    ret = simple(c, CMD_CRC, 1, &r1, NULL, 0);
    if (ret) {
        return ret;
    }
    ret = simple(c, CMD_IF_COND, IF_COND_PATTERN, &r1, answer, 4);
    bool v2 = !(r1 & R1_ILLEGAL);
    if (ret == 0 && v2 && ((answer[2] & 0x0F) << 8 | answer[3]) != IF_COND_PATTERN) {
        ret = -EIO;
    }
    if (ret == 0) {
        ret = leave_idle(c, v2);
    }
    if (ret == 0 && v2) {
        ret = simple(c, CMD_OCR, 0, &r1, answer, 4);
        ret = expect_ok(ret, r1);
        c->by_block = answer[0] & OCR_CCS;
    }
    if (ret == 0 && !c->by_block) {
        ret = simple(c, CMD_BLOCK_LENGTH, SD_BLOCK, &r1, NULL, 0);
        ret = expect_ok(ret, r1);
    }
    if (ret == 0) {
        c->bus->set_hz(c->bus->ctx, c->mmc ? MMC_HZ : FAST_HZ);
        ret = read_register(c, CMD_CSD, c->csd);
    }
    return ret;
}

int sd_init(sd_card_t *c) {
    uint8_t cid[16];
    c->ready = false;
    int ret = identify(c);
    if (ret == 0) {
        ret = read_register(c, CMD_CID, cid);
    }
    if (ret) {
        return ret;
    }
    if (c->known && memcmp(cid, c->cid, sizeof(cid)) != 0) {
        return -EMEDIUMTYPE;
    }
    memcpy(c->cid, cid, sizeof(cid));
    c->known = true;
    c->blocks = sd_csd_blocks(c->csd, c->mmc);
    c->ready = c->blocks != 0;
    return c->ready ? 0 : -EIO;
}

// ---- blocks -------------------------------------------------------------------------------------

static uint32_t address(const sd_card_t *c, uint32_t block) {
    return c->by_block ? block : block * SD_BLOCK;
}

static int check(sd_card_t *c, uint32_t block, uint32_t n) {
    int ret = c->ready ? 0 : sd_init(c);
    return ret ? ret : block > c->blocks || n > c->blocks - block ? -EINVAL : 0;
}

// CMD12 after the last block, or to end an unfinished one.
static int stop_reading(sd_card_t *c) {
    uint8_t r1;
    int ret = command(c, CMD_STOP, 0, &r1);
    return ret ? ret : wait_not_busy(c);
}

static int read_once(sd_card_t *c, uint32_t block, uint8_t *data, uint32_t n, uint32_t *done) {
    uint8_t r1;
    int ret = command(c, n > 1 ? CMD_READ_MULTI : CMD_READ, address(c, block), &r1);
    ret = expect_ok(ret, r1);
    bool started = ret == 0;
    for (*done = 0; *done < n && ret == 0; ++*done) {
        ret = receive(c, data + *done * SD_BLOCK, SD_BLOCK);
        if (ret) {
            break;
        }
    }
    if (started && n > 1) {
        int err = stop_reading(c);
        ret = ret ? ret : err;
    }
    end(c);
    return ret;
}

static int send(sd_card_t *c, uint8_t token, const uint8_t *data) {
    uint16_t sum = crc16(data, SD_BLOCK);
    uint8_t head[2] = { 0xFF, token }, tail[2] = { (uint8_t)(sum >> 8), (uint8_t)sum }, answer;
    int ret = c->bus->transfer(c->bus->ctx, head, NULL, 2);
    if (ret == 0) {
        ret = c->bus->transfer(c->bus->ctx, data, NULL, SD_BLOCK);
    }
    if (ret == 0) {
        ret = c->bus->transfer(c->bus->ctx, tail, NULL, 2);
    }
    if (ret == 0) {
        ret = get(c, &answer);
    }
    if (ret == 0 && (answer & 0x1F) != DATA_ACCEPTED) {
        return (answer & 0x1F) == DATA_CRC_ERROR ? -EAGAIN : answer == 0xFF ? -ENODEV : -EIO;
    }
    return ret ? ret : wait_not_busy(c);
}

static int write_once(sd_card_t *c, uint32_t block, const uint8_t *data, uint32_t n, uint32_t *done) {
    uint8_t r1;
    bool multi = n > 1;
    *done = 0;
    if (multi && !c->mmc) {
        int ret = app(c, ACMD_WRITE_ERASE_COUNT, n, &r1); // only a hint
        if (ret) {
            return ret;
        }
    }
    int ret = command(c, multi ? CMD_WRITE_MULTI : CMD_WRITE, address(c, block), &r1);
    ret = expect_ok(ret, r1);
    bool started = ret == 0;
    for (; *done < n && ret == 0; ++*done) {
        ret = send(c, multi ? TOKEN_MULTI : TOKEN_SINGLE, data + *done * SD_BLOCK);
        if (ret) {
            break;
        }
    }
    if (started && multi) {
        const uint8_t stop[2] = { TOKEN_STOP, 0xFF };
        int err = c->bus->transfer(c->bus->ctx, stop, NULL, 2);
        err = err ? err : wait_not_busy(c);
        ret = ret ? ret : err;
    }
    end(c);
    if (ret == 0) {
        // Programming errors show only here; and a card that has been taken out meanwhile looked ready.
        uint8_t status;
        ret = simple(c, CMD_STATUS, 0, &r1, &status, 1);
        ret = ret ? ret : r1 || status ? -EIO : 0;
        *done = ret ? 0 : n;
    }
    return ret;
}

// Goes on after the last good block when one was damaged on the way, or the card has to be woken up.
static int retry(sd_card_t *c, uint32_t block, uint8_t *to, const uint8_t *from, uint32_t n) {
    int ret = check(c, block, n);
    for (int tries = 0; ret == 0 && n;) {
        uint32_t done = 0;
        int err = to ? read_once(c, block, to, n, &done) : write_once(c, block, from, n, &done);
        block += done;
        n -= done;
        to = to ? to + done * SD_BLOCK : NULL;
        from = from ? from + done * SD_BLOCK : NULL;
        if (err == 0) {
            break;
        }
        tries = done ? 1 : tries + 1;
        ret = tries >= CRC_TRIES ? (err == -EAGAIN ? -EIO : err) : sd_init(c);
    }
    if (ret && ret != -EINVAL) {
        c->ready = false;
    }
    return ret;
}

int sd_read(sd_card_t *c, uint32_t block, uint8_t *data, uint32_t n) {
    return retry(c, block, data, NULL, n);
}

int sd_write(sd_card_t *c, uint32_t block, const uint8_t *data, uint32_t n) {
    return retry(c, block, NULL, data, n);
}
