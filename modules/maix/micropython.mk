# SPDX-License-Identifier: MIT
SRC_USERMOD_C += $(USERMOD_DIR)/modmaix.c
SRC_USERMOD_C += $(USERMOD_DIR)/maix_fpioa.c
SRC_USERMOD_C += $(USERMOD_DIR)/maix_gpio.c
SRC_USERMOD_C += $(USERMOD_DIR)/maix_fft.c
SRC_USERMOD_C += $(USERMOD_DIR)/maix_audio.c
SRC_USERMOD_C += $(USERMOD_DIR)/maix_i2s.c
