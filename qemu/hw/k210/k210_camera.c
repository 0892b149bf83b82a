/*
 * Camera sensors on the K210 boards: what all of them have in common
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_camera.h"
#include "trace.h"

/* Larger than any sensor here; keeps a damaged header from eating memory. */
#define MAX_SIDE 8192
#define GREY 128

typedef struct Picture {
    uint32_t w, h;
    uint8_t rgb[];
} Picture;

/* ---- host pictures ---- */

/* One number of a PNM header; comments run from # to the end of the line. */
static bool pnm_number(const uint8_t **p, const uint8_t *end, unsigned *value)
{
    const uint8_t *q = *p;
    unsigned v = 0;

    while (q < end && (g_ascii_isspace(*q) || *q == '#')) {
        if (*q == '#') {
            while (q < end && *q != '\n') {
                q++;
            }
        } else {
            q++;
        }
    }
    if (q == end || !g_ascii_isdigit(*q)) {
        return false;
    }
    while (q < end && g_ascii_isdigit(*q)) {
        v = v * 10 + (*q++ - '0');
        if (v > 65535) {
            return false;
        }
    }
    *p = q;
    *value = v;
    return true;
}

static GPtrArray *load_pictures(const char *path, Error **errp)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) err = NULL;
    g_autofree char *data = NULL;
    const uint8_t *p, *end;
    gsize len;

    if (!g_file_get_contents(path, &data, &len, &err)) {
        error_setg(errp, "camera: %s", err->message);
        return NULL;
    }
    p = (const uint8_t *)data;
    end = p + len;
    while (p < end && g_ascii_isspace(*p)) {
        p++;
    }
    while (p < end) {
        unsigned n = list->len + 1, w, h, max;
        Picture *pic;
        size_t bytes;

        if (end - p < 2 || p[0] != 'P' || p[1] != '6') {
            error_setg(errp, "camera: %s: picture %u is not a binary PPM (P6)",
                       path, n);
            return NULL;
        }
        p += 2;
        if (!pnm_number(&p, end, &w) || !pnm_number(&p, end, &h) ||
            !pnm_number(&p, end, &max) || p == end) {
            error_setg(errp, "camera: %s: picture %u has a damaged header",
                       path, n);
            return NULL;
        }
        p++;
        if (!w || !h || w > MAX_SIDE || h > MAX_SIDE || max != 255) {
            error_setg(errp, "camera: %s: picture %u is %ux%u with maximum %u;"
                       " sides of 1..%u and a maximum of 255 are possible",
                       path, n, w, h, max, MAX_SIDE);
            return NULL;
        }
        bytes = (size_t)w * h * 3;
        if (bytes > end - p) {
            error_setg(errp, "camera: %s: picture %u needs %zu bytes of pixels,"
                       " the file has %zu", path, n, bytes, (size_t)(end - p));
            return NULL;
        }
        pic = g_malloc(sizeof(*pic) + bytes);
        pic->w = w;
        pic->h = h;
        memcpy(pic->rgb, p, bytes);
        g_ptr_array_add(list, pic);
        p += bytes;
        while (p < end && g_ascii_isspace(*p)) {
            p++;
        }
    }
    if (!list->len) {
        error_setg(errp, "camera: %s: the file is empty", path);
        return NULL;
    }
    return g_steal_pointer(&list);
}

static const Picture *current_picture(K210CameraState *s)
{
    uint64_t n = s->frame;

    if (!s->pictures) {
        return NULL;
    }
    n = s->loop ? n % s->pictures->len : MIN(n, s->pictures->len - 1);
    return g_ptr_array_index(s->pictures, n);
}

/* ---- from picture to wire ---- */

/*
 * Area average along one axis: output pixel o of n covers the stretch
 * [start + o*len/n, start + (o+1)*len/n) of the source, all in 1/(n*unit)
 * source pixels, so a picture of the output's size comes through unchanged.
 */
typedef struct Span {
    uint32_t first, count;
    uint32_t *weights;
} Span;

static Span *make_spans(uint32_t src, uint32_t array, uint32_t at,
                        uint32_t size, uint32_t n, bool reverse)
{
    /* Positions in units of 1/(array * n) source pixels. */
    uint64_t unit = (uint64_t)array * n;
    Span *spans = g_new0(Span, n);

    for (uint32_t o = 0; o < n; o++) {
        uint64_t a = (uint64_t)src * ((uint64_t)at * n + (uint64_t)o * size);
        uint64_t b = a + (uint64_t)src * size;
        Span *span = &spans[reverse ? n - 1 - o : o];
        uint32_t sum = 0, largest = 0;

        span->first = MIN(a / unit, src - 1);
        span->count = MIN((b + unit - 1) / unit, src) - span->first;
        span->count = MAX(span->count, 1);
        span->weights = g_new(uint32_t, span->count);
        for (uint32_t i = 0; i < span->count; i++) {
            uint64_t lo = MAX(a, (span->first + i) * unit);
            uint64_t hi = MIN(b, (span->first + i + 1) * unit);

            span->weights[i] = hi > lo ? (hi - lo) * 65536 / (b - a) : 0;
            sum += span->weights[i];
            if (span->weights[i] > span->weights[largest]) {
                largest = i;
            }
        }
        /* Nothing gets darker by rounding. */
        span->weights[largest] += 65536 - sum;
    }
    return spans;
}

static void free_spans(Span *spans, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        g_free(spans[i].weights);
    }
    g_free(spans);
}

static void scale(const Picture *pic, const K210CameraMode *m, uint8_t *out)
{
    Span *xs = make_spans(pic->w, m->array_w, m->x, m->w, m->width, m->mirror);
    Span *ys = make_spans(pic->h, m->array_h, m->y, m->h, m->height, m->flip);
    g_autofree uint32_t *row = g_new(uint32_t, (size_t)pic->w * 3);

    for (uint32_t y = 0; y < m->height; y++) {
        memset(row, 0, (size_t)pic->w * 3 * sizeof(*row));
        for (uint32_t i = 0; i < ys[y].count; i++) {
            const uint8_t *src = pic->rgb
                                 + (size_t)(ys[y].first + i) * pic->w * 3;

            for (uint32_t k = 0; k < pic->w * 3; k++) {
                row[k] += src[k] * ys[y].weights[i];
            }
        }
        for (uint32_t x = 0; x < m->width; x++) {
            uint64_t sum[3] = { 0 };

            for (uint32_t i = 0; i < xs[x].count; i++) {
                for (int c = 0; c < 3; c++) {
                    sum[c] += (uint64_t)row[(xs[x].first + i) * 3 + c]
                              * xs[x].weights[i];
                }
            }
            for (int c = 0; c < 3; c++) {
                *out++ = MIN((sum[c] + (1ull << 31)) >> 32, 255);
            }
        }
    }
    free_spans(xs, m->width);
    free_spans(ys, m->height);
}

/* Eight bars from white to black, as the test pattern of such sensors. */
static void bars(const K210CameraMode *m, uint8_t *out)
{
    static const uint8_t colors[8][3] = {
        { 255, 255, 255 }, { 255, 255, 0 }, { 0, 255, 255 }, { 0, 255, 0 },
        { 255, 0, 255 }, { 255, 0, 0 }, { 0, 0, 255 }, { 0, 0, 0 },
    };

    for (uint32_t y = 0; y < m->height; y++) {
        for (uint32_t x = 0; x < m->width; x++) {
            memcpy(out, colors[x * 8 / m->width], 3);
            out += 3;
        }
    }
}

static uint8_t clamp8(int v)
{
    return v < 0 ? 0 : v > 255 ? 255 : v;
}

/* Full-range BT.601, chroma of a pair averaged. */
static void pair_to_yuv(const uint8_t *rgb, uint8_t *y0, uint8_t *y1,
                        uint8_t *u, uint8_t *v)
{
    int r = rgb[0] + rgb[3], g = rgb[1] + rgb[4], b = rgb[2] + rgb[5];

    *y0 = (19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16;
    *y1 = (19595 * rgb[3] + 38470 * rgb[4] + 7471 * rgb[5] + 32768) >> 16;
    *u = clamp8(128 + ((-11059 * r - 21709 * g + 32768 * b + 65536) >> 17));
    *v = clamp8(128 + ((32768 * r - 27439 * g - 5329 * b + 65536) >> 17));
}

static void to_wire(const uint8_t *rgb, const K210CameraMode *m, uint8_t *out)
{
    size_t pairs = (size_t)m->width * m->height / 2;

    for (size_t i = 0; i < pairs; i++, rgb += 6, out += 4) {
        uint8_t y0, y1, u, v;
        uint16_t p[2];

        switch (m->format) {
        case K210_CAM_YUYV:
            pair_to_yuv(rgb, &y0, &y1, &u, &v);
            out[0] = y0, out[1] = u, out[2] = y1, out[3] = v;
            break;
        case K210_CAM_UYVY:
            pair_to_yuv(rgb, &y0, &y1, &u, &v);
            out[0] = u, out[1] = y0, out[2] = v, out[3] = y1;
            break;
        default:
            for (int k = 0; k < 2; k++) {
                p[k] = (rgb[3 * k] & 0xf8) << 8 | (rgb[3 * k + 1] & 0xfc) << 3
                       | rgb[3 * k + 2] >> 3;
                if (m->format == K210_CAM_RGB565) {
                    stw_be_p(out + 2 * k, p[k]);
                } else {
                    stw_le_p(out + 2 * k, p[k]);
                }
            }
            break;
        }
    }
}

static bool same_view(const K210CameraMode *a, const K210CameraMode *b)
{
    return a->width == b->width && a->height == b->height
           && a->array_w == b->array_w && a->array_h == b->array_h
           && a->x == b->x && a->y == b->y && a->w == b->w && a->h == b->h
           && a->format == b->format && a->mirror == b->mirror
           && a->flip == b->flip && a->colorbar == b->colorbar;
}

const uint8_t *k210_camera_frame(K210CameraState *s,
                                 const K210CameraMode *mode)
{
    const Picture *pic = current_picture(s);
    size_t pixels = (size_t)mode->width * mode->height;

    if (!s->wire || s->shown_picture != pic
        || !same_view(&s->shown_mode, mode)) {
        g_autofree uint8_t *rgb = g_malloc(pixels * 3);

        if (mode->colorbar) {
            bars(mode, rgb);
        } else if (pic) {
            scale(pic, mode, rgb);
        } else {
            memset(rgb, GREY, pixels * 3);
        }
        s->wire = g_realloc(s->wire, pixels * 2);
        to_wire(rgb, mode, s->wire);
        s->shown_mode = *mode;
        s->shown_picture = pic;
    }
    trace_k210_camera_frame(s->frame, mode->width, mode->height);
    s->frame++;
    s->frames_sent++;
    return s->wire;
}

void k210_camera_skip(K210CameraState *s)
{
    s->frame++;
    s->frames_sent++;
}

/* ---- lines and state ---- */

static bool awake(K210CameraState *s)
{
    return !s->unplugged && s->reset_n && !s->pwdn && s->xclk_hz;
}

void k210_camera_set_xclk(K210CameraState *s, uint32_t hz)
{
    s->xclk_hz = hz;
}

bool k210_camera_get_mode(K210CameraState *s, K210CameraMode *mode)
{
    memset(mode, 0, sizeof(*mode));
    if (!awake(s) || !K210_CAMERA_GET_CLASS(s)->get_mode(s, mode)) {
        return false;
    }
    /* Whatever the guest has programmed: pairs of pixels inside the array. */
    mode->width &= ~1;
    mode->array_w = MAX(mode->array_w, 2);
    mode->array_h = MAX(mode->array_h, 2);
    mode->x = MIN(mode->x, mode->array_w - 1);
    mode->y = MIN(mode->y, mode->array_h - 1);
    mode->w = MIN(MAX(mode->w, 1), mode->array_w - mode->x);
    mode->h = MIN(MAX(mode->h, 1), mode->array_h - mode->y);
    mode->period_ns = MAX(mode->period_ns, 1000000);
    return mode->width && mode->height && mode->width <= MAX_SIDE
           && mode->height <= MAX_SIDE;
}

static void camera_reset_pin(void *opaque, int n, int level)
{
    K210CameraState *s = opaque;

    if (s->reset_n && !level) {
        K210_CAMERA_GET_CLASS(s)->reset_regs(s);
    }
    s->reset_n = level;
}

static void camera_pwdn_pin(void *opaque, int n, int level)
{
    K210_CAMERA(opaque)->pwdn = level;
}

/* ---- SCCB ---- */

static int camera_event(I2CSlave *i2c, enum i2c_event event)
{
    K210CameraState *s = K210_CAMERA(i2c);

    switch (event) {
    case I2C_START_SEND:
        s->reg_bytes_seen = 0;
        /* fall through */
    case I2C_START_RECV:
        return awake(s) ? 0 : -1;
    default:
        return 0;
    }
}

static int camera_send(I2CSlave *i2c, uint8_t byte)
{
    K210CameraState *s = K210_CAMERA(i2c);
    K210CameraClass *k = K210_CAMERA_GET_CLASS(s);

    if (s->reg_bytes_seen < k->reg_bytes) {
        s->reg = s->reg_bytes_seen ? s->reg << 8 | byte : byte;
        s->reg_bytes_seen++;
    } else {
        trace_k210_camera_write(s->reg, byte);
        k->write_reg(s, s->reg++, byte);
    }
    return 0;
}

static uint8_t camera_recv(I2CSlave *i2c)
{
    K210CameraState *s = K210_CAMERA(i2c);
    K210CameraClass *k = K210_CAMERA_GET_CLASS(s);

    /*
     * Half a register number selects nothing: MaixPy's probe with one-byte
     * numbers must read 00 from a sensor with two-byte ones.
     */
    if (s->reg_bytes_seen < k->reg_bytes) {
        return 0;
    }
    return k->read_reg(s, s->reg);
}

/* ---- QOM ---- */

static char *camera_get_source(Object *obj, Error **errp)
{
    return g_strdup(K210_CAMERA(obj)->source ?: "");
}

static void camera_set_source(Object *obj, const char *value, Error **errp)
{
    K210CameraState *s = K210_CAMERA(obj);
    GPtrArray *pictures = NULL;

    if (*value) {
        pictures = load_pictures(value, errp);
        if (!pictures) {
            return;
        }
    }
    g_clear_pointer(&s->pictures, g_ptr_array_unref);
    s->pictures = pictures;
    g_free(s->source);
    s->source = g_strdup(value);
    s->frame = 0;
    g_clear_pointer(&s->wire, g_free);
}

static bool camera_get_plugged(Object *obj, Error **errp)
{
    return !K210_CAMERA(obj)->unplugged;
}

/* Put back, it starts with the registers of a sensor that gets its power. */
static void camera_set_plugged(Object *obj, bool value, Error **errp)
{
    K210CameraState *s = K210_CAMERA(obj);

    if (value && s->unplugged) {
        K210_CAMERA_GET_CLASS(s)->reset_regs(s);
        s->reg = 0;
        s->reg_bytes_seen = 0;
    }
    s->unplugged = !value;
}

static void camera_reset_hold(Object *obj, ResetType type)
{
    K210CameraState *s = K210_CAMERA(obj);

    K210_CAMERA_GET_CLASS(s)->reset_regs(s);
    s->reg = 0;
    s->reg_bytes_seen = 0;
}

static void camera_init(Object *obj)
{
    K210CameraState *s = K210_CAMERA(obj);

    /* Boards pull the lines so that an unconnected sensor runs. */
    s->reset_n = true;
    qdev_init_gpio_in_named(DEVICE(obj), camera_reset_pin, "reset", 1);
    qdev_init_gpio_in_named(DEVICE(obj), camera_pwdn_pin, "pwdn", 1);
    object_property_add_uint64_ptr(obj, "frames", &s->frames_sent,
                                   OBJ_PROP_FLAG_READ);
}

static void camera_finalize(Object *obj)
{
    K210CameraState *s = K210_CAMERA(obj);

    g_clear_pointer(&s->pictures, g_ptr_array_unref);
    g_free(s->source);
    g_free(s->wire);
}

const VMStateDescription vmstate_k210_camera = {
    .name = TYPE_K210_CAMERA,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_I2C_SLAVE(parent_obj, K210CameraState),
        VMSTATE_BOOL(reset_n, K210CameraState),
        VMSTATE_BOOL(pwdn, K210CameraState),
        VMSTATE_BOOL(unplugged, K210CameraState),
        VMSTATE_UINT32(xclk_hz, K210CameraState),
        VMSTATE_UINT16(reg, K210CameraState),
        VMSTATE_UINT8(reg_bytes_seen, K210CameraState),
        VMSTATE_UINT64(frame, K210CameraState),
        VMSTATE_UINT64(frames_sent, K210CameraState),
        VMSTATE_END_OF_LIST()
    },
};

static const Property k210_camera_properties[] = {
    DEFINE_PROP_BOOL("loop", K210CameraState, loop, false),
};

static void camera_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    I2CSlaveClass *i2c = I2C_SLAVE_CLASS(klass);

    i2c->event = camera_event;
    i2c->send = camera_send;
    i2c->recv = camera_recv;
    RESETTABLE_CLASS(klass)->phases.hold = camera_reset_hold;
    device_class_set_props(dc, k210_camera_properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    object_class_property_add_str(klass, "source", camera_get_source,
                                  camera_set_source);
    object_class_property_set_description(klass, "source",
        "file of binary PPM pictures that the sensor sees, one per frame");
    object_class_property_add_bool(klass, "plugged", camera_get_plugged,
                                   camera_set_plugged);
    object_class_property_set_description(klass, "plugged",
        "false while the sensor is taken off the board");
}

static const TypeInfo k210_camera_info = {
    .name = TYPE_K210_CAMERA,
    .parent = TYPE_I2C_SLAVE,
    .abstract = true,
    .instance_size = sizeof(K210CameraState),
    .instance_init = camera_init,
    .instance_finalize = camera_finalize,
    .class_size = sizeof(K210CameraClass),
    .class_init = camera_class_init,
};

static void k210_camera_register_types(void)
{
    type_register_static(&k210_camera_info);
}

type_init(k210_camera_register_types)
