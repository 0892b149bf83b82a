/*
 * Another master on two pads of the board, for programs in which the K210 is
 * an I2C slave
 *
 * QEMU interface (/machine/i2c-master):
 *  + properties "scl", "sda": the pads
 *  + property "transfer": written, starts a transfer at 100 kHz: the address
 *    in hexadecimal (more than 7f: one of 10 bits), then any number of words
 *    wXX.. (bytes to write) and rN (N bytes to read), for example
 *    "24 w0102 r3"; between them is a RESTART, at the end a STOP
 *  + property "result", read-only: "" while it runs, "nack", "timeout" (SCL
 *    was held low for 25 ms), or "ok" and the bytes that were read
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "hw/k210/k210_i2c_master.h"

#define BYTE_NS     (90 * SCALE_US)
#define LOOK_NS     (5 * SCALE_US)
#define STRETCH_NS  (25 * SCALE_MS)
#define MAX_BYTES   256

static K210I2CState *slave_on_pads(K210I2CMaster *s)
{
    for (unsigned i = 0; i < ARRAY_SIZE(s->controller); i++) {
        unsigned scl = K210_FUNC_I2C0_SCLK + 2 * i;

        if (s->controller[i] &&
            k210_fpioa_func_of(s->fpioa, s->scl) == scl &&
            k210_fpioa_func_of(s->fpioa, s->sda) == scl + 1) {
            return s->controller[i];
        }
    }
    return NULL;
}

static void finish(K210I2CMaster *s, const char *how, bool done)
{
    if (s->slave) {
        k210_i2c_slave_stop(s->slave, done);
        s->slave = NULL;
    }
    g_string_prepend(s->read, how);
    s->running = false;
}

/* The next word of the transfer: START or RESTART */
static void next_word(K210I2CMaster *s)
{
    const char *word;
    bool done = s->reading;

    s->reading = false;
    s->left = 0;
    word = s->words[s->word];
    if (!word) {
        finish(s, "ok", done);
        return;
    }
    s->reading = word[0] == 'r';
    s->left = s->reading ? strtoul(word + 1, NULL, 10) : strlen(word + 1) / 2;
    s->at = word + 1;
    s->word++;
    s->slave = slave_on_pads(s);
    if (!s->slave || !k210_i2c_slave_start(s->slave, s->address, s->reading)) {
        s->slave = NULL;
        finish(s, "nack", false);
        return;
    }
    s->held_since = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + BYTE_NS;
    timer_mod(s->timer, s->held_since);
}

static void master_step(void *opaque)
{
    K210I2CMaster *s = opaque;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    unsigned value;
    uint8_t byte;

    if (!s->left) {
        next_word(s);
        return;
    }
    if (s->reading) {
        if (!k210_i2c_slave_send(s->slave, &byte)) {
            if (now - s->held_since > STRETCH_NS) {
                finish(s, "timeout", false);
            } else {
                timer_mod(s->timer, now + LOOK_NS);
            }
            return;
        }
        g_string_append_printf(s->read, " %02x", byte);
    } else {
        sscanf(s->at, "%2x", &value);
        s->at += 2;
        k210_i2c_slave_receive(s->slave, value);
    }
    s->left--;
    s->held_since = now + BYTE_NS;
    timer_mod(s->timer, s->held_since);
}

static bool word_ok(const char *word)
{
    unsigned long n;

    if (word[0] == 'r') {
        return !qemu_strtoul(word + 1, NULL, 10, &n) && n && n <= MAX_BYTES;
    }
    n = strlen(word + 1);
    return word[0] == 'w' && n % 2 == 0 && n <= 2 * MAX_BYTES &&
           strspn(word + 1, "0123456789abcdefABCDEF") == n;
}

static void set_transfer(Object *obj, const char *value, Error **errp)
{
    K210I2CMaster *s = K210_I2C_MASTER(obj);
    g_auto(GStrv) words = g_strsplit(value, " ", -1);
    unsigned long address;

    if (s->running) {
        error_setg(errp, "the last transfer has not ended");
        return;
    }
    if (!words[0] || qemu_strtoul(words[0], NULL, 16, &address) ||
        address > 0x3ff || !words[1]) {
        error_setg(errp, "'%s': expected an address and words such as w0102 "
                   "and r3", value);
        return;
    }
    for (char **w = words + 1; *w; w++) {
        if (!word_ok(*w)) {
            error_setg(errp, "'%s': expected w and hexadecimal bytes, or r and "
                       "a number up to %u", *w, MAX_BYTES);
            return;
        }
    }
    g_strfreev(s->words);
    s->words = g_steal_pointer(&words);
    s->word = 1;
    s->address = address;
    s->reading = false;
    s->left = 0;
    s->running = true;
    g_string_truncate(s->read, 0);
    timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + BYTE_NS);
}

static char *get_transfer(Object *obj, Error **errp)
{
    K210I2CMaster *s = K210_I2C_MASTER(obj);

    return s->words ? g_strjoinv(" ", s->words) : g_strdup("");
}

static char *get_result(Object *obj, Error **errp)
{
    K210I2CMaster *s = K210_I2C_MASTER(obj);

    return g_strdup(s->running ? "" : s->read->str);
}

static void master_init(Object *obj)
{
    K210I2CMaster *s = K210_I2C_MASTER(obj);

    s->scl = 28;
    s->sda = 29;
    s->read = g_string_new("");
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, master_step, s);
    object_property_add_uint8_ptr(obj, "scl", &s->scl, OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint8_ptr(obj, "sda", &s->sda, OBJ_PROP_FLAG_READWRITE);
}

static void master_class_init(ObjectClass *oc, void *data)
{
    object_class_property_add_str(oc, "transfer", get_transfer, set_transfer);
    object_class_property_add_str(oc, "result", get_result, NULL);
}

static const TypeInfo master_info[] = {
    {
        .name = TYPE_K210_I2C_MASTER,
        .parent = TYPE_OBJECT,
        .instance_size = sizeof(K210I2CMaster),
        .instance_init = master_init,
        .class_init = master_class_init,
    },
};

DEFINE_TYPES(master_info)
