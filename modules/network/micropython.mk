# SPDX-License-Identifier: MIT
NETWORK_MOD_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(addprefix $(NETWORK_MOD_DIR)/, \
	at.c \
	esp_at.c \
	esp_nina.c \
	net.c \
	net_nic.c \
	network_esp32.c \
	network_esp8285.c \
	network_wlan.c \
	nina.c \
	)

CFLAGS_USERMOD += -I$(NETWORK_MOD_DIR) -DK210_MODULE_NETWORK=1
