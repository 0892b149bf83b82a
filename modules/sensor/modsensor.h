// SPDX-License-Identifier: MIT
#ifndef K210_MODSENSOR_H
#define K210_MODSENSOR_H

// Stops the camera and gives its buffers back (Images on them stay valid); for sensor.deinit() and
// soft reset.
void k210_sensor_deinit(void);

#endif
