# SPDX-License-Identifier: MIT
# Sound and film: modules audio and video. Needs the modules image, lcd and maix.
MEDIA_MOD_DIR := $(USERMOD_DIR)
MEDIA_CORE = avi avi_write wav
MEDIA_BINDING = modaudio modvideo py_audio py_media_io video_play video_record

SRC_USERMOD_C += $(patsubst %, $(MEDIA_MOD_DIR)/%.c, $(MEDIA_CORE) $(MEDIA_BINDING))
CFLAGS_USERMOD += -DMICROPY_PY_MEDIA=1
$(addprefix $(BUILD)/media/, $(addsuffix .o, $(MEDIA_CORE) $(MEDIA_BINDING))): CFLAGS += -Os
