// SPDX-License-Identifier: MIT
#ifndef K210_MODSENSOR_H
#define K210_MODSENSOR_H

// Stops the camera and gives its buffers back (Images on them stay valid); for sensor.deinit() and
// soft reset.
void k210_sensor_deinit(void);

// Somebody types at the prompt, or sends the next piece of a script: the next snapshot shows what is
// before the camera after that, not what was there before.
void k210_sensor_at_prompt(void);

#endif
