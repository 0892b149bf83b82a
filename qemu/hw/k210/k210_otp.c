/*
 * Kendryte K210: OTP
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "hw/k210/k210_otp.h"
#include "hw/k210/k210_strict.h"
#include "trace.h"

REG32(FUSE_A, 0x68)
REG32(FUSE_B_LOW, 0xb8)
REG32(FUSE_B_HIGH, 0xbc)

#define OTP_RUN_ID 0x3d91
#define OTP_RUN_ID_SIZE 11
#define OTP_CHIP_ID 0x3d9c
#define OTP_CHIP_ID_SIZE 20
#define OTP_AES_KEY 0x3ff0

static uint64_t k210_otp_read(void *opaque, hwaddr addr, unsigned size)
{
    K210OtpState *s = opaque;
    uint64_t r = 0;

    if (addr >= K210_OTP_WINDOW) {
        hwaddr offset = addr - K210_OTP_WINDOW;

        if (offset + size > OTP_AES_KEY) {
            k210_guest_error("k210-otp: the AES key cannot be read");
            return 0;
        }
        r = ldn_le_p(s->array + offset, size);
        trace_k210_otp_read(offset, r);
        return r;
    }
    switch (addr) {
    case A_FUSE_A:
        return s->fuse_a;
    case A_FUSE_B_LOW:
        return (uint32_t)s->fuse_b;
    case A_FUSE_B_HIGH:
        return s->fuse_b >> 32;
    default:
        qemu_log_mask(LOG_UNIMP, "k210-otp: read of register 0x%02"
                      HWADDR_PRIx "\n", addr);
        return 0;
    }
}

static void k210_otp_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    if (addr >= K210_OTP_WINDOW) {
        k210_guest_error("k210-otp: write to the read-only array window");
        return;
    }
    qemu_log_mask(LOG_UNIMP, "k210-otp: write of 0x%" PRIx64 " to register "
                  "0x%02" HWADDR_PRIx "\n", value, addr);
}

static const MemoryRegionOps k210_otp_ops = {
    .read = k210_otp_read,
    .write = k210_otp_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

static void k210_otp_realize(DeviceState *dev, Error **errp)
{
    K210OtpState *s = K210_OTP(dev);
    const char *id = s->chip_id ? s->chip_id : "";
    size_t digits = strlen(id);

    memset(s->array, 0, sizeof(s->array));
    if (digits % 2 || digits > 2 * OTP_CHIP_ID_SIZE ||
        strspn(id, "0123456789abcdefABCDEF") != digits) {
        error_setg(errp, "k210-otp: chip-id takes up to %d bytes as "
                   "hexadecimal digits, not '%s'", OTP_CHIP_ID_SIZE, id);
        return;
    }
    for (size_t i = 0; i < digits / 2; i++) {
        s->array[OTP_CHIP_ID + i] = g_ascii_xdigit_value(id[2 * i]) << 4 |
                                    g_ascii_xdigit_value(id[2 * i + 1]);
    }
    if (s->run_id && strlen(s->run_id) > OTP_RUN_ID_SIZE) {
        error_setg(errp, "k210-otp: run-id takes up to %d characters, not "
                   "'%s'", OTP_RUN_ID_SIZE, s->run_id);
        return;
    }
    if (s->run_id) {
        memcpy(s->array + OTP_RUN_ID, s->run_id, strlen(s->run_id));
    }
}

static void k210_otp_init(Object *obj)
{
    K210OtpState *s = K210_OTP(obj);

    memory_region_init_io(&s->mmio, obj, &k210_otp_ops, s, TYPE_K210_OTP,
                          K210_OTP_WINDOW + K210_OTP_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    s->clk = qdev_init_clock_in(DEVICE(obj), "clk", NULL, NULL, 0);
    s->chip_id = g_strdup("4b323130454d5500000000000000000000000001");
}

static const Property k210_otp_properties[] = {
    DEFINE_PROP_STRING("chip-id", K210OtpState, chip_id),
    DEFINE_PROP_STRING("run-id", K210OtpState, run_id),
    DEFINE_PROP_UINT32("fuse-a", K210OtpState, fuse_a, 0),
    DEFINE_PROP_UINT64("fuse-b", K210OtpState, fuse_b, 0),
};

static void k210_otp_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    /* Nothing in here changes while the machine runs. */
    dc->realize = k210_otp_realize;
    dc->desc = "K210 one-time programmable memory";
    device_class_set_props(dc, k210_otp_properties);
}

static const TypeInfo k210_otp_types[] = {
    {
        .name = TYPE_K210_OTP,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210OtpState),
        .instance_init = k210_otp_init,
        .class_init = k210_otp_class_init,
    },
};
DEFINE_TYPES(k210_otp_types)
