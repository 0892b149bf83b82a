// SPDX-License-Identifier: MIT
#include <string.h>

#include "py/mphal.h"
#include "py/runtime.h"

#include "hal/time.h"
#include "pool.h"
#include "py_image.h"

#include "capture.h"
#include "frames.h"
#include "sensor_hw.h"

#define FRAME_TIMEOUT_US (300 * 1000)      // without any sign of life
#define TOTAL_TIMEOUT_US (5 * 1000 * 1000) // sensor sends frames, but none is stored

// A script that comes back within so many frames gets the one that was stored meanwhile. One that comes
// later wants to see the present: a frame that begins after the call, as with MaixPy's one buffer.
#define STREAM_FRAMES (4)
// A second buffer that nobody asked for leaves at least this much of the pool in one piece.
#define SPARE_LEAVES (1024 * 1024)

static struct {
    frames_t frames;
    image_mem_t *pix[FRAMES_MAX];   // RGB565, NULL for gray
    image_mem_t *ai[FRAMES_MAX];    // planes; the picture itself when gray
    int32_t w, h;                   // what the DVP stores
    image_rect_t cut;               // what of it becomes the Image
    bool gray;
    bool spare;                     // the second buffer may be taken away
    bool refresh;
    uint32_t taken_at;              // frame starts when the last one was handed out
    int last;
} cap = { .last = FRAMES_NONE };

// ---- interrupt side -----------------------------------------------------------------------------

static uint32_t bus_address(const image_mem_t *m) {
    return (uint32_t)(uintptr_t)UNCACHED(m->data);
}

static bool on_start(void *arg, dvp_buffers_t *b) {
    (void)arg;
    int i = frames_begin(&cap.frames);
    if (i == FRAMES_NONE) {
        return false;
    }
    uint32_t plane = (uint32_t)cap.w * (uint32_t)cap.h;
    b->display = cap.gray ? 0 : bus_address(cap.pix[i]);
    b->r = bus_address(cap.ai[i]);
    b->g = cap.gray ? b->r : b->r + plane;
    b->b = cap.gray ? b->r : b->r + 2 * plane;
    return true;
}

static void on_done(void *arg) {
    (void)arg;
    frames_end(&cap.frames);
}

// ---- set-up -------------------------------------------------------------------------------------

static void free_buffer(int i) {
    image_mem_unref(cap.pix[i]);
    image_mem_unref(cap.ai[i]);
    cap.pix[i] = cap.ai[i] = NULL;
}

void capture_free(void) {
    dvp_stop();
    for (int i = 0; i < FRAMES_MAX; i++) {
        free_buffer(i);
    }
    cap.last = FRAMES_NONE;
    cap.spare = false;
    pool_set_reclaim(POOL_CAMERA, NULL);
}

bool capture_ready(void) {
    return cap.ai[0] != NULL;
}

// The pool is short of memory. An Image that holds the buffer keeps it, so give up the other one.
static bool give_spare(void) {
    if (!cap.spare) {
        return false;
    }
    cap.spare = false;
    bool running = dvp_running();
    dvp_stop();
    int keep = cap.last == 1 && cap.ai[1]->refs > 1 ? 1 : 0;
    free_buffer(!keep);
    if (keep) {
        cap.pix[0] = cap.pix[1];
        cap.ai[0] = cap.ai[1];
        cap.pix[1] = cap.ai[1] = NULL;
    }
    cap.last = cap.last == keep ? 0 : FRAMES_NONE;
    frames_shrink(&cap.frames, keep);
    capture_run(running);
    return true;
}

// Buffers that no Image holds can also lie in KPU RAM.
static bool move_to_kpu_ram(image_mem_t **m) {
    image_mem_t *to = NULL;
    if (*m != NULL && !pool_is_kpu(*m) && (*m)->refs == 1) {
        to = image_mem_try_kpu((*m)->size, "camera");
    }
    if (to == NULL) {
        return false;
    }
    bool running = dvp_running();
    dvp_stop();
    image_mem_unref(*m);
    *m = to;
    // What was in there is gone.
    cap.last = FRAMES_NONE;
    capture_run(running);
    return true;
}

static bool reclaim(bool may_move) {
    bool any = give_spare();
    for (int i = 0; i < FRAMES_MAX && may_move && !any; i++) {
        any = move_to_kpu_ram(&cap.ai[i]) || move_to_kpu_ram(&cap.pix[i]);
    }
    return any;
}

static bool in_kpu_ram(void) {
    bool any = false;
    for (int i = 0; i < FRAMES_MAX; i++) {
        any |= pool_is_kpu(cap.ai[i]) || pool_is_kpu(cap.pix[i]);
    }
    return any;
}

// KPU RAM does not answer while the KPU computes.
static void capture_quiet(bool quiet) {
    static bool paused;
    if (quiet && dvp_running() && in_kpu_ram()) {
        dvp_stop();
        paused = true;
    } else if (!quiet && paused) {
        paused = false;
        capture_run(capture_ready());
    }
}

static void try_spare(size_t pix_size, size_t ai_size) {
    // What it is for, capturing while the KPU computes, does not work in KPU RAM.
    if (in_kpu_ram()) {
        return;
    }
    if (pool_largest() < SPARE_LEAVES + pix_size + ai_size) {
        return;
    }
    cap.ai[1] = image_mem_try_uncached(ai_size, "camera spare");
    cap.pix[1] = pix_size ? image_mem_try_uncached(pix_size, "camera spare") : NULL;
    if (cap.ai[1] == NULL || (pix_size && cap.pix[1] == NULL)) {
        free_buffer(1);
        return;
    }
    cap.spare = true;
}

static void alloc_buffers(int count, size_t pix_size, size_t ai_size) {
    capture_free();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        capture_free(); // all or nothing
        nlr_jump(nlr.ret_val);
    }
    for (int i = 0; i < count; i++) {
        cap.ai[i] = image_mem_new_uncached(ai_size, "camera");
        cap.pix[i] = pix_size ? image_mem_new_uncached(pix_size, "camera") : NULL;
    }
    nlr_pop();
    pool_set_quiet(POOL_CAMERA, capture_quiet);
    pool_set_reclaim(POOL_CAMERA, reclaim);
}

void capture_setup(int32_t w, int32_t h, enum dvp_format format, bool dual) {
    size_t plane = (size_t)w * (size_t)h;
    bool gray = format == DVP_Y;
    dvp_stop();
    size_t pix_size = gray ? 0 : plane * 2, ai_size = gray ? plane : plane * 3;
    bool same = cap.gray == gray && cap.ai[0] && cap.ai[0]->size == ai_size && (!dual || (cap.ai[1] && !cap.spare));
    if (!same) {
        alloc_buffers(dual ? 2 : 1, pix_size, ai_size);
        if (!dual) {
            try_spare(pix_size, ai_size);
        }
        frames_init(&cap.frames, cap.ai[1] ? 2 : 1);
    }
    cap.gray = gray;
    dvp_set_format(format);
    capture_window(w, h, (image_rect_t) { 0, 0, w, h });
}

void capture_window(int32_t w, int32_t h, image_rect_t cut) {
    dvp_stop();
    cap.w = w;
    cap.h = h;
    cap.cut = cut;
    cap.last = FRAMES_NONE;
    frames_restart(&cap.frames);
    dvp_set_size((unsigned)w, (unsigned)h);
}

void capture_run(bool on) {
    if (on && !dvp_running()) {
        frames_restart(&cap.frames);
        cap.refresh = true;
        dvp_start(&(dvp_handler_t) { on_start, on_done, NULL });
    } else if (!on) {
        dvp_stop();
    }
}

bool capture_running(void) {
    return dvp_running();
}

void capture_flush(void) {
    uintptr_t state = hal_irq_disable();
    frames_flush(&cap.frames);
    hal_irq_restore(state);
}

void capture_refresh(void) {
    cap.refresh = true;
}

// ---- frames -------------------------------------------------------------------------------------

// Moves the wanted part of rows of w*bytes to the front; it never moves a byte towards the end.
static void cut_rows(uint8_t *to, const uint8_t *from, size_t bytes) {
    size_t row = (size_t)cap.cut.w * bytes, pitch = (size_t)cap.w * bytes;
    from += (size_t)cap.cut.y * pitch + (size_t)cap.cut.x * bytes;
    for (int32_t y = 0; y < cap.cut.h; y++, to += row, from += pitch) {
        memmove(to, from, row);
    }
}

static void cut_frame(int i) {
    size_t stored = (size_t)cap.w * (size_t)cap.h, kept = (size_t)cap.cut.w * (size_t)cap.cut.h;
    if (stored == kept) {
        return;
    }
    uint8_t *ai = UNCACHED(cap.ai[i]->data);
    for (unsigned plane = 0; plane < (cap.gray ? 1 : 3); plane++) {
        cut_rows(ai + plane * kept, ai + plane * stored, 1);
    }
    if (!cap.gray) {
        cut_rows(UNCACHED(cap.pix[i]->data), UNCACHED(cap.pix[i]->data), 2);
    }
}

static mp_obj_t image_of(int i) {
    image_t img = { cap.cut.w, cap.cut.h, IMAGE_GRAYSCALE, UNCACHED(cap.ai[i]->data), UNCACHED(cap.ai[i]->data), 0 };
    if (cap.gray) {
        img.size = image_bytes(img.w, img.h, img.format);
        return py_image_from(&img, image_mem_ref(cap.ai[i]), image_mem_ref(cap.ai[i]));
    }
    img.format = IMAGE_RGB565;
    img.size = image_bytes(img.w, img.h, img.format);
    img.pix = UNCACHED(cap.pix[i]->data);
    return py_image_from(&img, image_mem_ref(cap.pix[i]), image_mem_ref(cap.ai[i]));
}

mp_obj_t capture_last(void) {
    return cap.last == FRAMES_NONE ? mp_const_none : image_of(cap.last);
}

// How long the sensor has been silent. A gap between two looks counts at most LOOK_US: an emulator on a
// busy host stands still now and then, and its camera with it.
#define LOOK_US (5000)

typedef struct {
    uint32_t starts;            // frame starts seen
    uint64_t now, silent, total;
} watch_t;

static watch_t watch_begin(void) {
    uint32_t starts, stored;
    dvp_counts(&starts, &stored);
    return (watch_t) { starts, hal_time_us(), 0, 0 };
}

// Raises when the sensor is dead.
static void watch_check(watch_t *w, const char *sensor, const char *text) {
    uint32_t starts, stored;
    dvp_counts(&starts, &stored);
    uint64_t now = hal_time_us(), gap = now - w->now < LOOK_US ? now - w->now : LOOK_US;
    w->now = now;
    w->total += gap;
    w->silent = starts != w->starts ? 0 : w->silent + gap;
    w->starts = starts;
    if (w->silent > FRAME_TIMEOUT_US) {
        mp_raise_msg_varg(&mp_type_RuntimeError, MP_ERROR_TEXT("%s %s sent no frame for %d ms (frames so far: %u)"),
            text, sensor, FRAME_TIMEOUT_US / 1000, (unsigned)starts);
    }
    if (w->total > TOTAL_TIMEOUT_US) {
        mp_raise_msg_varg(&mp_type_RuntimeError, MP_ERROR_TEXT("%s %s sends frames, but the DVP stored %u of %u"), text,
            sensor, (unsigned)stored, (unsigned)starts);
    }
}

mp_obj_t capture_snapshot(const char *sensor) {
    if (!dvp_running()) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("Sensor timeout! capture is stopped: call sensor.run(1)"));
    }
    watch_t watch = watch_begin();
    uintptr_t state = hal_irq_disable();
    frames_want(&cap.frames, cap.refresh || watch.starts - cap.taken_at > STREAM_FRAMES);
    hal_irq_restore(state);
    cap.refresh = false;
    int i;
    for (;;) {
        state = hal_irq_disable();
        i = frames_take(&cap.frames);
        hal_irq_restore(state);
        if (i != FRAMES_NONE) {
            break;
        }
        watch_check(&watch, sensor, "Sensor timeout!");
        mp_event_wait_ms(1);
        // A callback may have stopped the camera.
        if (!dvp_running()) {
            mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("Sensor timeout! capture was stopped meanwhile"));
        }
    }
    if (!cap.gray) {
        size_t n = (size_t)cap.w * (size_t)cap.h * 2;
        sensor_hw_fix_pixels(UNCACHED(cap.pix[i]->data), (n + 7) & ~(size_t)7);
    }
    cut_frame(i);
    cap.last = i;
    uint32_t stored;
    dvp_counts(&cap.taken_at, &stored);
    return image_of(i);
}

void capture_skip(const char *sensor, mp_int_t n, mp_int_t time_ms) {
    uint64_t begin = hal_time_us();
    watch_t watch = watch_begin();
    uint32_t first = watch.starts;
    for (;;) {
        uint32_t starts, stored;
        dvp_counts(&starts, &stored);
        if (n >= 0 && (mp_int_t)(starts - first) >= n) {
            return;
        }
        if (time_ms >= 0 && (int64_t)(hal_time_us() - begin) >= (int64_t)time_ms * 1000) {
            return;
        }
        if (dvp_running()) {
            watch.total = 0;
            watch_check(&watch, sensor, "Sensor Timeout!!");
        } else if (n >= 0) {
            mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("Sensor Timeout!! capture is stopped: call sensor.run(1)"));
        }
        mp_event_wait_ms(1);
    }
}
