# SPDX-License-Identifier: MIT
SENSOR_MOD_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(addprefix $(SENSOR_MOD_DIR)/, \
	capture.c \
	frames.c \
	galaxycore.c \
	modsensor.c \
	ov2640.c \
	ov5640.c \
	ov7740.c \
	sensor_core.c \
	sensor_hw.c \
	)

CFLAGS_USERMOD += -I$(SENSOR_MOD_DIR)
