/*
 * Kendryte K210: OTP
 *
 * The registers have never been described. How a byte is read is known from
 * the accesses that MaixPy's machine.unique_id() makes: wait for READY, write
 * the bit address, wait for VALID, look at ERROR, take DATA; before the last
 * byte LAST is set. The other registers that it initialises only store.
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
#include "migration/vmstate.h"
#include "trace.h"

REG32(LAST, 0x20)
REG32(DATA, 0x24)
REG32(ADDR, 0x30)
REG32(READY, 0x3c)
REG32(ERROR, 0x60)
REG32(FUSE_A, 0x68)
REG32(VALID, 0xac)
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
    case A_READY:
        return 1;
    case A_VALID:
        return s->valid;
    case A_DATA:
        s->valid = false;
        return s->error ? 0 : s->array[s->address];
    case A_ERROR:
        return s->error;
    case A_FUSE_A:
        return s->fuse_a;
    case A_FUSE_B_LOW:
        return (uint32_t)s->fuse_b;
    case A_FUSE_B_HIGH:
        return s->fuse_b >> 32;
    default:
        if (addr / 4 < K210_OTP_NREGS) {
            return s->regs[addr / 4];
        }
        qemu_log_mask(LOG_UNIMP, "k210-otp: read of register 0x%02"
                      HWADDR_PRIx "\n", addr);
        return 0;
    }
}

static void k210_otp_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    K210OtpState *s = opaque;

    if (addr >= K210_OTP_WINDOW) {
        k210_guest_error("k210-otp: write to the read-only array window");
        return;
    }
    switch (addr) {
    case A_ADDR:
        s->address = value / 8 % K210_OTP_SIZE;
        s->error = s->address >= OTP_AES_KEY;
        s->valid = true;
        if (s->error) {
            k210_guest_error("k210-otp: the AES key cannot be read");
        }
        break;
    case A_ERROR:
        s->error = false;
        break;
    case A_READY:
    case A_VALID:
    case A_DATA:
    case A_FUSE_A:
    case A_FUSE_B_LOW:
    case A_FUSE_B_HIGH:
        k210_guest_error("k210-otp: write of 0x%" PRIx64 " to read-only"
                         " register 0x%02" HWADDR_PRIx, value, addr);
        break;
    case A_LAST:
        break;
    default:
        if (addr / 4 < K210_OTP_NREGS) {
            s->regs[addr / 4] = value;
            break;
        }
        qemu_log_mask(LOG_UNIMP, "k210-otp: write of 0x%" PRIx64
                      " to register 0x%02" HWADDR_PRIx "\n", value, addr);
    }
}

static void k210_otp_reset_hold(Object *obj, ResetType type)
{
    K210OtpState *s = K210_OTP(obj);

    memset(s->regs, 0, sizeof(s->regs));
    s->address = 0;
    s->valid = false;
    s->error = false;
}

static const VMStateDescription vmstate_k210_otp = {
    .name = TYPE_K210_OTP,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, K210OtpState, K210_OTP_NREGS),
        VMSTATE_UINT32(address, K210OtpState),
        VMSTATE_BOOL(valid, K210OtpState),
        VMSTATE_BOOL(error, K210OtpState),
        VMSTATE_END_OF_LIST()
    }
};

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

    RESETTABLE_CLASS(klass)->phases.hold = k210_otp_reset_hold;
    dc->vmsd = &vmstate_k210_otp;
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
