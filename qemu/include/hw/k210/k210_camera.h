/*
 * Camera sensors on the K210 boards: what all of them have in common
 *
 * A sensor is an I2C (SCCB) target and a source of frames. It sees the host's
 * pictures: property "source" names a file of one or more concatenated binary
 * PPM (P6) pictures; sensor frame n shows picture n, the last one stays
 * (property "loop": starts over). A picture fills the whole field of view.
 * Without a source the sensor looks at a mid-grey wall.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_CAMERA_H
#define HW_K210_CAMERA_H

#include "hw/i2c/i2c.h"
#include "migration/vmstate.h"
#include "qom/object.h"

#define TYPE_K210_CAMERA "k210-camera"
OBJECT_DECLARE_TYPE(K210CameraState, K210CameraClass, K210_CAMERA)

typedef enum {
    K210_CAM_YUYV,
    K210_CAM_UYVY,
    K210_CAM_RGB565,        /* high byte first */
    K210_CAM_RGB565_LE,     /* low byte first */
} K210CameraFormat;

/* What a sensor sends, as its registers say. */
typedef struct K210CameraMode {
    uint32_t width, height;         /* pixels sent */
    uint32_t array_w, array_h;      /* the field of view, in array pixels */
    uint32_t x, y, w, h;            /* the part of it that is sent */
    K210CameraFormat format;
    bool mirror, flip;              /* as seen in the picture */
    bool colorbar;
    int64_t period_ns;              /* from frame to frame */
} K210CameraMode;

struct K210CameraState {
    I2CSlave parent_obj;

    char *source;
    bool loop;
    GPtrArray *pictures;

    bool unplugged;         /* its flat cable hangs loose */
    bool reset_n;
    bool pwdn;
    uint32_t xclk_hz;

    uint16_t reg;                   /* survives a STOP */
    uint8_t reg_bytes_seen;
    uint64_t frame;
    uint64_t frames_sent;

    /* The last frame as it went over the wires, and what it was made from. */
    K210CameraMode shown_mode;
    const void *shown_picture;
    uint8_t *wire;
};

struct K210CameraClass {
    I2CSlaveClass parent_class;

    uint8_t reg_bytes;              /* bytes of a register number: 1 or 2 */
    void (*reset_regs)(K210CameraState *s);
    uint8_t (*read_reg)(K210CameraState *s, uint16_t reg);
    void (*write_reg)(K210CameraState *s, uint16_t reg, uint8_t value);
    /* False: the sensor sends nothing as it is programmed. */
    bool (*get_mode)(K210CameraState *s, K210CameraMode *mode);
};

/* For the VMState of a sensor: its parent_obj. */
extern const VMStateDescription vmstate_k210_camera;

/* The master clock on the sensor's XCLK pin; 0 = none. */
void k210_camera_set_xclk(K210CameraState *s, uint32_t hz);

/* True and *mode when frames come: clocked, not in reset, not powered down. */
bool k210_camera_get_mode(K210CameraState *s, K210CameraMode *mode);

/*
 * The next frame as the bytes on D7..D0: mode->width * mode->height * 2. The
 * buffer belongs to the sensor and stays valid until the next call.
 */
const uint8_t *k210_camera_frame(K210CameraState *s,
                                 const K210CameraMode *mode);

/* The next frame goes by without anybody looking. */
void k210_camera_skip(K210CameraState *s);

#endif
