/*
 * Kendryte K210 DVP: camera port with its SCCB engine
 *
 * A frame: the sensor's start sets frame_start; software that wants the frame
 * writes dvp_en; at the end of an armed frame the pixels are in memory, dvp_en
 * is clear and frame_finish is set. The addresses count when the frame is
 * stored, since MaixPy writes them between start and arming. Whether the
 * silicon drops the lines that went by before arming is not known; here an
 * armed frame is stored whole.
 *
 * SCCB: bit 0 of the device byte set = address phase or register write of
 * byte_num bytes, clear = fetch one byte. There is no acknowledge status, an
 * absent device reads FFh.
 *
 * Facts: k210-hardware 2.20, 4.4.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "exec/address-spaces.h"
#include "hw/i2c/i2c.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "hw/sysbus.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_camera.h"
#include "hw/k210/k210_fpioa.h"
#include "hw/k210/k210_i2c_buses.h"
#include "hw/k210/k210_mmio.h"
#include "hw/k210/k210_sysctl.h"
#include "hw/k210/k210_caches.h"
#include "trace.h"

#define TYPE_K210_DVP "k210-dvp"
OBJECT_DECLARE_SIMPLE_TYPE(K210DvpState, K210_DVP)

REG32(CFG, 0x00)
    FIELD(CFG, START_INT, 0, 1)
    FIELD(CFG, FINISH_INT, 1, 1)
    FIELD(CFG, AI_OUTPUT, 2, 1)
    FIELD(CFG, DISPLAY_OUTPUT, 3, 1)
    FIELD(CFG, AUTO, 4, 1)
    FIELD(CFG, BURST_4BEATS, 8, 1)
    FIELD(CFG, FORMAT, 9, 2)
    FIELD(CFG, HREF_BURST_NUM, 12, 8)
    FIELD(CFG, LINE_NUM, 20, 10)
REG32(R_ADDR, 0x04)
REG32(G_ADDR, 0x08)
REG32(B_ADDR, 0x0c)
REG32(CMOS_CFG, 0x10)
    FIELD(CMOS_CFG, CLK_DIV, 0, 8)
    FIELD(CMOS_CFG, CLK_ENABLE, 8, 1)
    FIELD(CMOS_CFG, RESET, 16, 1)
    FIELD(CMOS_CFG, POWER_DOWN, 24, 1)
REG32(SCCB_CFG, 0x14)
    FIELD(SCCB_CFG, BYTE_NUM, 0, 2)
    FIELD(SCCB_CFG, LCNT, 8, 8)
    FIELD(SCCB_CFG, HCNT, 16, 8)
REG32(SCCB_CTL, 0x18)
REG32(AXI, 0x1c)
REG32(STS, 0x20)
REG32(REVERSE, 0x24)
REG32(RGB_ADDR, 0x28)

#define CFG_WRITABLE 0x3ffff71f
#define CMOS_CFG_WRITABLE 0x010101ff
#define STS_FRAME_START (1u << 0)
#define STS_FRAME_FINISH (1u << 8)
#define STS_DVP_EN (1u << 16)
#define STS_SCCB_EN (1u << 24)
#define STS_BITS (STS_FRAME_START | STS_FRAME_FINISH | STS_DVP_EN | STS_SCCB_EN)

enum { FORMAT_RGB = 0, FORMAT_YUV = 1, FORMAT_Y = 3 };

/* Part of a frame's time in which lines come; the rest is vertical blank. */
#define ACTIVE_PERCENT 92
/* How often to look for a sensor that sends nothing. */
#define IDLE_POLL_NS (10 * SCALE_MS)

struct K210DvpState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    qemu_irq irq;
    qemu_irq rst, pwdn, xclk;
    Clock *clk;
    QEMUTimer *frame_timer;
    QEMUTimer *sccb_timer;

    K210SysctlState *sysctl;
    K210FpioaState *fpioa;
    K210CameraState *sensor;
    K210I2CBuses *buses;
    bool data_en;

    uint32_t cfg, r_addr, g_addr, b_addr, rgb_addr;
    uint32_t cmos_cfg, sccb_cfg, sccb_ctl, axi, sts, reverse;
    uint8_t sccb_rdata;

    bool in_frame;
    int64_t frame_start_ns;
    int64_t next_ns;            /* when the next frame starts */
    uint64_t frames;
    K210CameraMode mode;        /* of the frame under way */
};

static void update_irq(K210DvpState *s)
{
    qemu_set_irq(s->irq, (s->sts & STS_FRAME_START
                          && s->cfg & R_CFG_START_INT_MASK)
                         || (s->sts & STS_FRAME_FINISH
                             && s->cfg & R_CFG_FINISH_INT_MASK));
}

static uint64_t apb1_hz(K210DvpState *s)
{
    return s->sysctl
           ? clock_get_hz(qdev_get_clock_out(DEVICE(s->sysctl), "apb1"))
           : clock_get_hz(s->clk);
}

static bool on_pad(K210DvpState *s, unsigned func)
{
    return !s->fpioa || k210_fpioa_pad_of(s->fpioa, func) >= 0;
}

/* ---- lines to the sensor ---- */

static void update_lines(K210DvpState *s)
{
    bool on = s->cmos_cfg & R_CMOS_CFG_CLK_ENABLE_MASK;
    unsigned div = s->cmos_cfg & R_CMOS_CFG_CLK_DIV_MASK;

    qemu_set_irq(s->rst, !!(s->cmos_cfg & R_CMOS_CFG_RESET_MASK));
    qemu_set_irq(s->pwdn, !!(s->cmos_cfg & R_CMOS_CFG_POWER_DOWN_MASK));
    qemu_set_irq(s->xclk, on);
    if (s->sensor) {
        k210_camera_set_xclk(s->sensor, on && on_pad(s, K210_FUNC_CMOS_XCLK)
                             ? apb1_hz(s) / (2 * (div + 1)) : 0);
    }
}

/* ---- frames ---- */

static uint8_t clamp8(int v)
{
    return v < 0 ? 0 : v > 255 ? 255 : v;
}

/*
 * The matrix of the silicon is not published. Full-range BT.601, rounded, is
 * what the sensors' own RGB to YUV conversion is the inverse of.
 */
static void yuv_to_rgb(int y, int u, int v, uint8_t *rgb)
{
    u -= 128;
    v -= 128;
    rgb[0] = clamp8(y + ((91881 * v + 32768) >> 16));
    rgb[1] = clamp8(y - ((22554 * u + 46802 * v + 32768) >> 16));
    rgb[2] = clamp8(y + ((116130 * u + 32768) >> 16));
}

static void decode_line(const uint8_t *wire, unsigned width, unsigned format,
                        uint8_t *r, uint8_t *g, uint8_t *b)
{
    for (unsigned x = 0; x < width; x += 2, wire += 4) {
        uint8_t rgb[6];

        switch (format) {
        case FORMAT_YUV:
            yuv_to_rgb(wire[1], wire[0], wire[2], rgb);
            yuv_to_rgb(wire[3], wire[0], wire[2], rgb + 3);
            break;
        case FORMAT_Y:
            memset(rgb, wire[1], 3);
            memset(rgb + 3, wire[3], 3);
            break;
        default:
            for (int k = 0; k < 2; k++) {
                unsigned p = lduw_be_p(wire + 2 * k);
                unsigned r5 = p >> 11, g6 = p >> 5 & 0x3f, b5 = p & 0x1f;

                rgb[3 * k] = r5 << 3 | r5 >> 2;
                rgb[3 * k + 1] = g6 << 2 | g6 >> 4;
                rgb[3 * k + 2] = b5 << 3 | b5 >> 2;
            }
            break;
        }
        r[x] = rgb[0], r[x + 1] = rgb[3];
        g[x] = rgb[1], g[x + 1] = rgb[4];
        b[x] = rgb[2], b[x + 1] = rgb[5];
    }
}

static bool put(uint32_t addr, const void *buf, size_t len)
{
    k210_caches_device("k210-dvp", addr, len, true);
    return address_space_write(&address_space_memory, addr,
                               MEMTXATTRS_UNSPECIFIED, buf, len) == MEMTX_OK;
}

/* The port writes behind the cache, which may hold older lines of it. */
static void check_address(uint32_t addr, const char *what)
{
    /* There are no caches here, so only a strict machine minds. */
    if (k210_is_strict() && addr >= 0x80000000 && addr < 0x80800000) {
        k210_guest_error("k210-dvp: cached address 0x%08x of the %s", addr,
                         what);
    }
}

static void store_frame(K210DvpState *s, const uint8_t *wire)
{
    unsigned burst = s->cfg & R_CFG_BURST_4BEATS_MASK ? 32 : 8;
    unsigned pitch = FIELD_EX32(s->cfg, CFG, HREF_BURST_NUM) * burst;
    unsigned width = MIN(pitch, s->mode.width);
    unsigned height = MIN(FIELD_EX32(s->cfg, CFG, LINE_NUM), s->mode.height);
    unsigned format = FIELD_EX32(s->cfg, CFG, FORMAT);
    bool ai = s->cfg & R_CFG_AI_OUTPUT_MASK;
    bool display = s->cfg & R_CFG_DISPLAY_OUTPUT_MASK;
    g_autofree uint8_t *r = g_malloc0(MAX(pitch, 8));
    g_autofree uint8_t *g = g_malloc0(MAX(pitch, 8));
    g_autofree uint8_t *b = g_malloc0(MAX(pitch, 8));
    g_autofree uint32_t *pairs = g_new0(uint32_t, MAX(pitch / 2, 4));
    bool ok = true;

    if (ai && pitch && height) {
        check_address(s->r_addr, "R or Y plane");
        if (format != FORMAT_Y) {
            check_address(s->g_addr, "G plane");
            check_address(s->b_addr, "B plane");
        }
    }
    if (display && pitch && height) {
        check_address(s->rgb_addr, "display picture");
    }
    for (unsigned y = 0; y < height && ok; y++) {
        size_t at = (size_t)y * pitch;

        if (wire) {
            decode_line(wire + (size_t)y * s->mode.width * 2, width & ~1u,
                        format, r, g, b);
        }
        if (ai) {
            ok = put(s->r_addr + at, r, width)
                 && (format == FORMAT_Y || (put(s->g_addr + at, g, width)
                                            && put(s->b_addr + at, b, width)));
        }
        if (display) {
            for (unsigned x = 0; x + 1 < width; x += 2) {
                uint32_t p0 = (r[x] >> 3) << 11 | (g[x] >> 2) << 5 | b[x] >> 3;
                uint32_t p1 = (r[x + 1] >> 3) << 11 | (g[x + 1] >> 2) << 5
                              | b[x + 1] >> 3;

                pairs[x / 2] = cpu_to_le32(p0 << 16 | p1);
            }
            ok &= put(s->rgb_addr + at * 2, pairs, width * 2);
        }
    }
    if (!ok) {
        k210_guest_error("k210-dvp: a frame of %ux%u does not fit into memory"
                         " at display 0x%08x, planes 0x%08x 0x%08x 0x%08x",
                         pitch, height, s->rgb_addr, s->r_addr, s->g_addr,
                         s->b_addr);
    }
    trace_k210_dvp_store(pitch, height, display ? s->rgb_addr : 0,
                         ai ? s->r_addr : 0);
}

static bool port_connected(K210DvpState *s)
{
    return clock_is_enabled(s->clk) && on_pad(s, K210_FUNC_CMOS_VSYNC)
           && on_pad(s, K210_FUNC_CMOS_HREF) && on_pad(s, K210_FUNC_CMOS_PCLK);
}

static void frame_end(K210DvpState *s)
{
    bool armed = s->sts & STS_DVP_EN || s->cfg & R_CFG_AUTO_MASK;

    if (armed) {
        const uint8_t *wire = k210_camera_frame(s->sensor, &s->mode);

        /* Without the data pins' enable the port sees low levels. */
        store_frame(s, s->data_en ? wire : NULL);
        s->frames++;
        s->sts &= ~STS_DVP_EN;
        s->sts |= STS_FRAME_FINISH;
    } else {
        k210_camera_skip(s->sensor);
    }
}

static void frame_tick(void *opaque)
{
    K210DvpState *s = opaque;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    if (s->in_frame) {
        s->in_frame = false;
        frame_end(s);
        timer_mod(s->frame_timer, s->next_ns);
    } else if (s->sensor && port_connected(s)
               && k210_camera_get_mode(s->sensor, &s->mode)) {
        s->in_frame = true;
        /* No drift while frames follow each other. */
        s->frame_start_ns = now - s->next_ns < s->mode.period_ns
                            ? s->next_ns : now;
        s->next_ns = s->frame_start_ns + s->mode.period_ns;
        s->sts |= STS_FRAME_START;
        trace_k210_dvp_start(s->mode.width, s->mode.height);
        timer_mod(s->frame_timer, s->frame_start_ns
                  + s->mode.period_ns * ACTIVE_PERCENT / 100);
    } else {
        s->next_ns = now + IDLE_POLL_NS;
        timer_mod(s->frame_timer, s->next_ns);
    }
    update_irq(s);
}

/* The generator runs while the sensor has its clock. */
static void update_generator(K210DvpState *s)
{
    if (!s->sensor || !(s->cmos_cfg & R_CMOS_CFG_CLK_ENABLE_MASK)) {
        timer_del(s->frame_timer);
        s->in_frame = false;
    } else if (!timer_pending(s->frame_timer)) {
        s->next_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + IDLE_POLL_NS;
        timer_mod(s->frame_timer, s->next_ns);
    }
}

/* ---- SCCB ---- */

static void sccb_run(K210DvpState *s)
{
    I2CBus *bus = k210_i2c_buses_find(s->buses, s->fpioa, K210_FUNC_SCCB_SCLK);
    uint8_t dev = s->sccb_ctl;
    bool read = !(dev & 1);
    unsigned n = read ? 1 : FIELD_EX32(s->sccb_cfg, SCCB_CFG, BYTE_NUM);

    trace_k210_dvp_sccb(dev & 0xfe, read, n);
    if (read) {
        s->sccb_rdata = 0xff;
    }
    if (!bus || i2c_start_transfer(bus, dev >> 1, read)) {
        return;
    }
    if (read) {
        s->sccb_rdata = i2c_recv(bus);
    } else {
        /* byte_num counts the device byte as the first. */
        for (unsigned i = 0; i < n; i++) {
            i2c_send(bus, s->sccb_ctl >> (8 * (i + 1)));
        }
    }
    i2c_end_transfer(bus);
}

static void sccb_tick(void *opaque)
{
    K210DvpState *s = opaque;

    sccb_run(s);
    s->sts &= ~STS_SCCB_EN;
}

static void sccb_start(K210DvpState *s)
{
    unsigned n = s->sccb_ctl & 1
                 ? FIELD_EX32(s->sccb_cfg, SCCB_CFG, BYTE_NUM) + 1 : 2;
    uint64_t hz = MAX(apb1_hz(s), 1);
    uint64_t cycles = FIELD_EX32(s->sccb_cfg, SCCB_CFG, LCNT)
                      + FIELD_EX32(s->sccb_cfg, SCCB_CFG, HCNT) + 2;

    timer_mod(s->sccb_timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL)
              + cycles * (9 * n + 2) * NANOSECONDS_PER_SECOND / hz);
}

/* ---- registers ---- */

static uint64_t dvp_read(void *opaque, hwaddr addr, unsigned size)
{
    K210DvpState *s = opaque;

    if (!k210_mmio_ok("k210-dvp", false, addr, size)) {
        return 0;
    }
    switch (addr) {
    case A_CFG:
        return s->cfg;
    case A_R_ADDR:
        return s->r_addr;
    case A_G_ADDR:
        return s->g_addr;
    case A_B_ADDR:
        return s->b_addr;
    case A_CMOS_CFG:
        return s->cmos_cfg;
    case A_SCCB_CFG:
        return s->sccb_cfg | (uint32_t)s->sccb_rdata << 24;
    case A_SCCB_CTL:
        return s->sccb_ctl;
    case A_AXI:
        return s->axi;
    case A_STS:
        return s->sts;          /* the write enables read 0 */
    case A_REVERSE:
        return s->reverse;
    case A_RGB_ADDR:
        return s->rgb_addr;
    default:
        k210_mmio_no_register("k210-dvp", false, addr);
        return 0;
    }
}

static void write_sts(K210DvpState *s, uint32_t value)
{
    uint32_t we = value >> 1 & STS_BITS;
    uint32_t set = value & we;

    /* The frame flags are cleared by writing 1, the enables are set by it. */
    s->sts &= ~(set & (STS_FRAME_START | STS_FRAME_FINISH));
    if (we & STS_DVP_EN) {
        s->sts = (s->sts & ~STS_DVP_EN) | (set & STS_DVP_EN);
    }
    if (set & STS_SCCB_EN && !(s->sts & STS_SCCB_EN)) {
        s->sts |= STS_SCCB_EN;
        sccb_start(s);
    }
}

static void dvp_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    K210DvpState *s = opaque;

    if (!k210_mmio_ok("k210-dvp", true, addr, size)) {
        return;
    }
    switch (addr) {
    case A_CFG:
        s->cfg = value & CFG_WRITABLE;
        break;
    case A_R_ADDR:
        s->r_addr = value;
        break;
    case A_G_ADDR:
        s->g_addr = value;
        break;
    case A_B_ADDR:
        s->b_addr = value;
        break;
    case A_CMOS_CFG:
        s->cmos_cfg = value & CMOS_CFG_WRITABLE;
        update_lines(s);
        update_generator(s);
        break;
    case A_SCCB_CFG:
        s->sccb_cfg = value & 0x00ffff03;
        break;
    case A_SCCB_CTL:
        if (s->sts & STS_SCCB_EN) {
            k210_guest_error("k210-dvp: SCCB_CTL written while the engine is"
                             " busy");
        }
        s->sccb_ctl = value;
        break;
    case A_AXI:
        s->axi = value & 0xff;
        break;
    case A_STS:
        write_sts(s, value);
        break;
    case A_REVERSE:
        s->reverse = value;
        if (value) {
            qemu_log_mask(LOG_UNIMP, "k210-dvp: REVERSE is not modelled\n");
        }
        break;
    case A_RGB_ADDR:
        s->rgb_addr = value;
        break;
    default:
        k210_mmio_no_register("k210-dvp", true, addr);
        return;
    }
    update_irq(s);
}

static const MemoryRegionOps dvp_ops = K210_MMIO_OPS(dvp_read, dvp_write);

/* ---- QOM ---- */

static void dvp_data_en(void *opaque, int n, int level)
{
    K210_DVP(opaque)->data_en = level;
}

static void dvp_reset_hold(Object *obj, ResetType type)
{
    K210DvpState *s = K210_DVP(obj);

    timer_del(s->frame_timer);
    timer_del(s->sccb_timer);
    s->in_frame = false;
    s->cfg = s->r_addr = s->g_addr = s->b_addr = s->rgb_addr = 0;
    s->cmos_cfg = s->sccb_cfg = s->sccb_ctl = s->axi = s->sts = 0;
    s->reverse = 0;
    s->sccb_rdata = 0;
    qemu_set_irq(s->irq, 0);
    if (s->sensor) {
        k210_camera_set_xclk(s->sensor, 0);
    }
}

static void dvp_reset_exit(Object *obj, ResetType type)
{
    update_lines(K210_DVP(obj));
}

static void dvp_init(Object *obj)
{
    K210DvpState *s = K210_DVP(obj);
    SysBusDevice *sbd = SYS_BUS_DEVICE(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &dvp_ops, s, TYPE_K210_DVP, 0x100);
    sysbus_init_mmio(sbd, &s->mmio);
    sysbus_init_irq(sbd, &s->irq);
    s->clk = qdev_init_clock_in(dev, "clk", NULL, NULL, 0);
    qdev_init_gpio_out_named(dev, &s->rst, "rst", 1);
    qdev_init_gpio_out_named(dev, &s->pwdn, "pwdn", 1);
    qdev_init_gpio_out_named(dev, &s->xclk, "xclk", 1);
    qdev_init_gpio_in_named(dev, dvp_data_en, "data-en", 1);
    s->frame_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, frame_tick, s);
    s->sccb_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, sccb_tick, s);
    object_property_add_link(obj, "i2c-buses", TYPE_K210_I2C_BUSES,
                             (Object **)&s->buses,
                             object_property_allow_set_link, 0);
    object_property_add_link(obj, "sensor", TYPE_K210_CAMERA,
                             (Object **)&s->sensor,
                             object_property_allow_set_link, 0);
    object_property_add_uint64_ptr(obj, "frames", &s->frames,
                                   OBJ_PROP_FLAG_READ);
}

static int dvp_post_load(void *opaque, int version)
{
    K210DvpState *s = opaque;

    /* What the sensor sends follows from its registers. */
    if (s->in_frame && !(s->sensor
                         && k210_camera_get_mode(s->sensor, &s->mode))) {
        s->in_frame = false;
    }
    return 0;
}

static const VMStateDescription vmstate_k210_dvp = {
    .name = TYPE_K210_DVP,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = dvp_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_TIMER_PTR(frame_timer, K210DvpState),
        VMSTATE_TIMER_PTR(sccb_timer, K210DvpState),
        VMSTATE_BOOL(data_en, K210DvpState),
        VMSTATE_UINT32(cfg, K210DvpState),
        VMSTATE_UINT32(r_addr, K210DvpState),
        VMSTATE_UINT32(g_addr, K210DvpState),
        VMSTATE_UINT32(b_addr, K210DvpState),
        VMSTATE_UINT32(rgb_addr, K210DvpState),
        VMSTATE_UINT32(cmos_cfg, K210DvpState),
        VMSTATE_UINT32(sccb_cfg, K210DvpState),
        VMSTATE_UINT32(sccb_ctl, K210DvpState),
        VMSTATE_UINT32(axi, K210DvpState),
        VMSTATE_UINT32(sts, K210DvpState),
        VMSTATE_UINT32(reverse, K210DvpState),
        VMSTATE_UINT8(sccb_rdata, K210DvpState),
        VMSTATE_BOOL(in_frame, K210DvpState),
        VMSTATE_INT64(frame_start_ns, K210DvpState),
        VMSTATE_INT64(next_ns, K210DvpState),
        VMSTATE_UINT64(frames, K210DvpState),
        VMSTATE_END_OF_LIST()
    },
};

static const Property k210_dvp_properties[] = {
    DEFINE_PROP_LINK("sysctl", K210DvpState, sysctl, TYPE_K210_SYSCTL,
                     K210SysctlState *),
    DEFINE_PROP_LINK("fpioa", K210DvpState, fpioa, TYPE_K210_FPIOA,
                     K210FpioaState *),
};

static void dvp_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    rc->phases.hold = dvp_reset_hold;
    rc->phases.exit = dvp_reset_exit;
    dc->vmsd = &vmstate_k210_dvp;
    dc->desc = "K210 camera port";
    device_class_set_props(dc, k210_dvp_properties);
}

static const TypeInfo k210_dvp_info = {
    .name = TYPE_K210_DVP,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(K210DvpState),
    .instance_init = dvp_init,
    .class_init = dvp_class_init,
};

static void k210_dvp_register_types(void)
{
    type_register_static(&k210_dvp_info);
}

type_init(k210_dvp_register_types)
