/*
 * SD card slot in SPI mode
 *
 * Stands between the SSI bus and QEMU's SD card, as ssi-sd does, but answers
 * as cards do where K210 drivers look closely: the idle bit of R1 falls with
 * ACMD41 itself and is the same in every response, so CMD58 shows 00 after
 * it; CMD9 and CMD10 work in the transfer state; deselecting the card drops a
 * half-sent command; a command where a data token is due ends the multiple
 * write; the card is busy after a write. A card that is taken out or put in
 * starts over.
 *
 * The card itself is in SD mode: ACMD41 takes it through identification, and
 * its identity is kept here.
 *
 * SD Physical Layer Simplified Specification 8.00, chapter 7; uses of it:
 * k210-hardware 4.5.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "hw/qdev-properties.h"
#include "hw/sd/sd.h"
#include "hw/ssi/ssi.h"
#include "migration/vmstate.h"
#include "trace.h"

#define TYPE_K210_SD_SPI "k210-sd-spi"
OBJECT_DECLARE_SIMPLE_TYPE(K210SdSpiState, K210_SD_SPI)

#define TYPE_K210_SD_BUS "k210-sd-bus"

#define BLOCK 512
#define NO_OUTPUT 0xff
#define OCR_VOLTAGES 0x00ff8000     /* 2.7 to 3.6 V */

/* How long a card is busy with a block, an erasure. */
#define WRITE_NS (250 * SCALE_US)
#define ERASE_NS (2 * SCALE_MS)

enum { TOKEN_SINGLE = 0xfe, TOKEN_MULTI = 0xfc, TOKEN_STOP = 0xfd };
enum { DATA_ACCEPTED = 0xe5, DATA_CRC_ERROR = 0xeb, DATA_WRITE_ERROR = 0xed };
enum {
    R1_IDLE = 0x01, R1_ILLEGAL = 0x04, R1_CRC = 0x08, R1_ERASE_SEQ = 0x10,
    R1_ADDRESS = 0x20, R1_PARAMETER = 0x40,
};

enum Writing { WRITE_NONE, WRITE_TOKEN, WRITE_DATA };

struct K210SdSpiState {
    SSIPeripheral parent_obj;

    SDBus bus;
    bool spi_mode;          /* has seen CMD0 */
    bool idle;
    bool acmd;              /* the last command was CMD55 */
    bool crc_on;
    int64_t busy_until;

    uint16_t rca;           /* of the card in SD mode */
    uint8_t ocr[4], csd[16], cid[16];
    bool own_data;          /* reading own[], not the card */
    uint8_t own[16];

    uint8_t frame[6];
    uint8_t nframe;
    uint8_t out[8];
    uint8_t nout, out_pos;

    bool reading;
    int32_t read_pos;       /* -2 gap, -1 token, data, two bytes of CRC */
    int32_t read_left;      /* bytes of CRC to send */
    uint16_t read_crc;

    uint8_t writing;
    bool multi;
    uint32_t nblock;
    uint8_t block[BLOCK + 2];
};

static void start_over(K210SdSpiState *s)
{
    s->spi_mode = false;
    s->idle = true;
    s->acmd = false;
    s->crc_on = false;
    s->busy_until = 0;
    s->nframe = 0;
    s->nout = s->out_pos = 0;
    s->reading = false;
    s->own_data = false;
    s->writing = WRITE_NONE;
}

static bool busy(K210SdSpiState *s)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) < s->busy_until;
}

static void be_busy(K210SdSpiState *s, int64_t ns)
{
    s->busy_until = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + ns;
}

static void put(K210SdSpiState *s, uint8_t byte)
{
    assert(s->nout < sizeof(s->out));
    s->out[s->nout++] = byte;
}

static uint8_t crc7(const uint8_t *p, unsigned n)
{
    uint8_t crc = 0;

    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) {
            crc = crc & 0x80 ? (crc << 1) ^ (0x09 << 1) : crc << 1;
        }
    }
    return crc | 1;
}

static uint16_t crc16(uint16_t crc, uint8_t byte)
{
    crc ^= byte << 8;
    for (int i = 0; i < 8; i++) {
        crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    }
    return crc;
}

static int card_command(K210SdSpiState *s, uint8_t cmd, uint32_t arg,
                        uint8_t *response)
{
    SDRequest request = { .cmd = cmd, .arg = arg };

    return sdbus_do_command(&s->bus, &request, response);
}

/* Takes the card from power-up to the transfer state of SD mode. */
static bool identify(K210SdSpiState *s)
{
    uint8_t response[16];

    card_command(s, 0, 0, response);
    card_command(s, 8, 0x1aa, response);
    card_command(s, 55, 0, response);
    if (card_command(s, 41, 0x40000000 | OCR_VOLTAGES, s->ocr) != 4 ||
        card_command(s, 2, 0, s->cid) != 16 ||
        card_command(s, 3, 0, response) != 4) {
        return false;
    }
    s->rca = lduw_be_p(response);
    return card_command(s, 9, s->rca << 16, s->csd) == 16 &&
           card_command(s, 7, s->rca << 16, response) == 4;
}

/*
 * The errors of a 32-bit card status as bits of R1. Those of illegal commands
 * and CRC are left out: in SD mode they are about the command before.
 */
static uint8_t r1_errors(uint32_t status)
{
    uint8_t r1 = 0;

    r1 |= status & (OUT_OF_RANGE | BLOCK_LEN_ERROR) ? R1_PARAMETER : 0;
    r1 |= status & ADDRESS_ERROR ? R1_ADDRESS : 0;
    r1 |= status & ERASE_SEQ_ERROR ? R1_ERASE_SEQ : 0;
    return r1;
}

/* Commands that there are in SPI mode besides those handled here. */
static bool is_spi_command(bool acmd, uint8_t cmd)
{
    switch (cmd) {
    case 13: case 42:
        return true;
    case 22: case 23: case 51:
        return acmd;
    case 6: case 12: case 16: case 17: case 18: case 24: case 25: case 27:
    case 28: case 29: case 30: case 32: case 33: case 38: case 56:
        return !acmd;
    default:
        return false;
    }
}

/* Gives a command to the card; returns the errors of R1. */
static uint8_t forward(K210SdSpiState *s, bool acmd, uint8_t cmd, uint32_t arg)
{
    uint8_t response[16];
    int n;

    if (s->idle || !is_spi_command(acmd, cmd)) {
        return R1_ILLEGAL;
    }
    if (acmd) {
        card_command(s, 55, s->rca << 16, response);
    }
    n = card_command(s, cmd, cmd == 13 ? s->rca << 16 : arg, response);
    if (n != 4) {
        return R1_ILLEGAL;
    }
    if (cmd == 28 || cmd == 29 || cmd == 38) {
        be_busy(s, ERASE_NS);
    }
    return r1_errors(ldl_be_p(response));
}

static void start_reading(K210SdSpiState *s)
{
    s->reading = true;
    s->read_pos = -2;
}

static void read_own(K210SdSpiState *s, const uint8_t *data)
{
    memcpy(s->own, data, sizeof(s->own));
    s->own_data = true;
    start_reading(s);
}

static void execute(K210SdSpiState *s)
{
    uint8_t cmd = s->frame[0] & 0x3f;
    uint32_t arg = ldl_be_p(s->frame + 1);
    uint8_t response[16];
    bool acmd = s->acmd;
    uint8_t r1 = 0;

    trace_k210_sd_spi_command(acmd, cmd, arg);
    if (!s->spi_mode && cmd) {
        return;             /* still in the mode with six lines */
    }
    s->acmd = false;
    s->nout = s->out_pos = 0;
    put(s, NO_OUTPUT);
    if ((!cmd || cmd == 8 || s->crc_on) && crc7(s->frame, 5) != s->frame[5]) {
        put(s, R1_CRC | (s->idle ? R1_IDLE : 0));
        return;
    }
    if (s->writing) {
        s->writing = WRITE_NONE;
        card_command(s, 12, 0, response);
    }
    switch (cmd) {
    case 0:
        start_over(s);
        s->spi_mode = true;
        put(s, NO_OUTPUT);
        break;
    case 1:
    case 41:
        if ((cmd == 41) != acmd) {
            r1 = R1_ILLEGAL;
        } else if (s->idle) {
            s->idle = !identify(s);
        }
        break;
    case 8:
    case 58:
        break;
    case 9:
    case 10:
        if (s->idle) {
            r1 = R1_ILLEGAL;
        } else {
            read_own(s, cmd == 9 ? s->csd : s->cid);
        }
        break;
    case 55:
        s->acmd = true;
        break;
    case 59:
        s->crc_on = arg & 1;
        break;
    case 12:
        s->reading = s->own_data = false;
        put(s, NO_OUTPUT);  /* the stuff byte */
        /* fall through */
    default:
        r1 = forward(s, acmd, cmd, arg);
        break;
    }
    put(s, r1 | (s->idle ? R1_IDLE : 0));
    if (cmd == 8) {
        stl_be_p(response, arg & 0xfff);
    } else if (cmd == 58 && s->idle) {
        stl_be_p(response, OCR_VOLTAGES);
    } else if (cmd == 58) {
        memcpy(response, s->ocr, 4);
    }
    for (int i = 0; i < 4 && (cmd == 8 || cmd == 58); i++) {
        put(s, response[i]);
    }
    if (cmd == 13) {
        put(s, 0);
    }
    if (s->own_data || s->idle) {
        return;
    }
    if (sdbus_data_ready(&s->bus)) {
        if (!s->reading) {
            start_reading(s);
        }
    } else if (sdbus_receive_ready(&s->bus)) {
        s->writing = WRITE_TOKEN;
        s->multi = cmd == 25;
        s->nblock = 0;
    }
}

/* Data are left for the block under way. */
static bool more_data(K210SdSpiState *s)
{
    return s->own_data ? s->read_pos < sizeof(s->own)
                       : s->read_pos < BLOCK && sdbus_data_ready(&s->bus);
}

static uint8_t read_output(K210SdSpiState *s)
{
    uint8_t byte;

    if (s->read_pos < 0) {
        s->read_crc = 0;
        s->read_left = 2;
        return s->read_pos++ == -2 ? NO_OUTPUT : TOKEN_SINGLE;
    }
    if (more_data(s)) {
        byte = s->own_data ? s->own[s->read_pos] : sdbus_read_byte(&s->bus);
        s->read_crc = crc16(s->read_crc, byte);
        s->read_pos++;
        return byte;
    }
    byte = s->read_left == 2 ? s->read_crc >> 8 : s->read_crc & 0xff;
    if (!--s->read_left) {
        s->read_pos = -2;
        s->reading = !s->own_data && sdbus_data_ready(&s->bus);
        s->own_data = false;
    }
    return byte;
}

static uint8_t output(K210SdSpiState *s)
{
    if (s->out_pos < s->nout) {
        return s->out[s->out_pos++];
    }
    s->nout = s->out_pos = 0;
    if (busy(s)) {
        return 0;
    }
    return s->reading ? read_output(s) : NO_OUTPUT;
}

static void block_written(K210SdSpiState *s)
{
    uint16_t crc = 0;

    for (int i = 0; i < BLOCK; i++) {
        crc = crc16(crc, s->block[i]);
    }
    s->writing = s->multi ? WRITE_TOKEN : WRITE_NONE;
    if (s->crc_on && crc != lduw_be_p(s->block + BLOCK)) {
        put(s, DATA_CRC_ERROR);
        return;
    }
    if (!sdbus_receive_ready(&s->bus)) {
        put(s, DATA_WRITE_ERROR);
        return;
    }
    for (int i = 0; i < BLOCK && sdbus_receive_ready(&s->bus); i++) {
        sdbus_write_byte(&s->bus, s->block[i]);
    }
    put(s, DATA_ACCEPTED);
    be_busy(s, WRITE_NS);
}

static void input(K210SdSpiState *s, uint8_t byte)
{
    uint8_t response[16];

    if (s->nframe) {
        s->frame[s->nframe++] = byte;
        if (s->nframe == sizeof(s->frame)) {
            s->nframe = 0;
            execute(s);
        }
        return;
    }
    if (s->writing == WRITE_DATA) {
        s->block[s->nblock++] = byte;
        if (s->nblock == sizeof(s->block)) {
            s->nblock = 0;
            block_written(s);
        }
        return;
    }
    if (busy(s)) {
        return;
    }
    if ((byte & 0xc0) == 0x40) {
        s->frame[s->nframe++] = byte;
    } else if (s->writing == WRITE_TOKEN) {
        if (byte == (s->multi ? TOKEN_MULTI : TOKEN_SINGLE)) {
            s->writing = WRITE_DATA;
        } else if (s->multi && byte == TOKEN_STOP) {
            s->writing = WRITE_NONE;
            card_command(s, 12, 0, response);
            put(s, NO_OUTPUT);
            be_busy(s, WRITE_NS);
        }
    }
}

static uint32_t sd_transfer(SSIPeripheral *dev, uint32_t value)
{
    K210SdSpiState *s = K210_SD_SPI(dev);
    uint8_t out;

    if (!sdbus_get_inserted(&s->bus)) {
        return NO_OUTPUT;
    }
    out = output(s);
    input(s, value);
    return out;
}

static int sd_set_cs(SSIPeripheral *dev, bool high)
{
    K210SdSpiState *s = K210_SD_SPI(dev);

    if (high) {
        /* What the card has to say waits: some drivers select it anew to read. */
        s->nframe = 0;
    }
    return 0;
}

static void sd_set_inserted(DeviceState *dev, bool inserted)
{
    trace_k210_sd_spi_inserted(inserted);
    start_over(K210_SD_SPI(dev));
}

static void sd_realize(SSIPeripheral *dev, Error **errp)
{
    K210SdSpiState *s = K210_SD_SPI(dev);

    qbus_init(&s->bus, sizeof(s->bus), TYPE_K210_SD_BUS, DEVICE(dev),
              "sd-bus");
}

static void sd_reset_hold(Object *obj, ResetType type)
{
    start_over(K210_SD_SPI(obj));
}

static bool sd_state_valid(K210SdSpiState *s)
{
    return s->nframe < sizeof(s->frame) && s->nout <= sizeof(s->out) &&
           s->out_pos <= s->nout && s->nblock < sizeof(s->block) &&
           s->read_pos >= -2 && s->read_pos <= BLOCK;
}

static int sd_post_load(void *opaque, int version_id)
{
    return sd_state_valid(opaque) ? 0 : -EINVAL;
}

static const VMStateDescription vmstate_sd_spi = {
    .name = TYPE_K210_SD_SPI,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = sd_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_SSI_PERIPHERAL(parent_obj, K210SdSpiState),
        VMSTATE_BOOL(spi_mode, K210SdSpiState),
        VMSTATE_BOOL(idle, K210SdSpiState),
        VMSTATE_BOOL(acmd, K210SdSpiState),
        VMSTATE_BOOL(crc_on, K210SdSpiState),
        VMSTATE_INT64(busy_until, K210SdSpiState),
        VMSTATE_UINT16(rca, K210SdSpiState),
        VMSTATE_UINT8_ARRAY(ocr, K210SdSpiState, 4),
        VMSTATE_UINT8_ARRAY(csd, K210SdSpiState, 16),
        VMSTATE_UINT8_ARRAY(cid, K210SdSpiState, 16),
        VMSTATE_BOOL(own_data, K210SdSpiState),
        VMSTATE_UINT8_ARRAY(own, K210SdSpiState, 16),
        VMSTATE_UINT8_ARRAY(frame, K210SdSpiState, 6),
        VMSTATE_UINT8(nframe, K210SdSpiState),
        VMSTATE_UINT8_ARRAY(out, K210SdSpiState, 8),
        VMSTATE_UINT8(nout, K210SdSpiState),
        VMSTATE_UINT8(out_pos, K210SdSpiState),
        VMSTATE_BOOL(reading, K210SdSpiState),
        VMSTATE_INT32(read_pos, K210SdSpiState),
        VMSTATE_INT32(read_left, K210SdSpiState),
        VMSTATE_UINT16(read_crc, K210SdSpiState),
        VMSTATE_UINT8(writing, K210SdSpiState),
        VMSTATE_BOOL(multi, K210SdSpiState),
        VMSTATE_UINT32(nblock, K210SdSpiState),
        VMSTATE_UINT8_ARRAY(block, K210SdSpiState, BLOCK + 2),
        VMSTATE_END_OF_LIST()
    },
};

static void sd_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    SSIPeripheralClass *k = SSI_PERIPHERAL_CLASS(klass);

    k->realize = sd_realize;
    k->transfer = sd_transfer;
    k->set_cs = sd_set_cs;
    k->cs_polarity = SSI_CS_LOW;
    RESETTABLE_CLASS(klass)->phases.hold = sd_reset_hold;
    dc->vmsd = &vmstate_sd_spi;
    dc->desc = "SD card slot in SPI mode";
    dc->user_creatable = false;
}

static void sd_bus_class_init(ObjectClass *klass, void *data)
{
    SD_BUS_CLASS(klass)->set_inserted = sd_set_inserted;
}

static const TypeInfo sd_spi_types[] = {
    {
        .name = TYPE_K210_SD_SPI,
        .parent = TYPE_SSI_PERIPHERAL,
        .instance_size = sizeof(K210SdSpiState),
        .class_init = sd_class_init,
    },
    {
        .name = TYPE_K210_SD_BUS,
        .parent = TYPE_SD_BUS,
        .instance_size = sizeof(SDBus),
        .class_init = sd_bus_class_init,
    },
};
DEFINE_TYPES(sd_spi_types)
