# SPDX-License-Identifier: MIT
LCD_MOD_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(addprefix $(LCD_MOD_DIR)/, \
	lcd_bus.c \
	lcd_core.c \
	modlcd.c \
	)

CFLAGS_USERMOD += -I$(LCD_MOD_DIR)
