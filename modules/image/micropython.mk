# SPDX-License-Identifier: MIT
IMAGE_MOD_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(addprefix $(IMAGE_MOD_DIR)/, \
	affine.c \
	image.c \
	image_codecs.c \
	compose.c \
	convert.c \
	draw.c \
	font8x12.c \
	io_bmp.c \
	io_pnm.c \
	jpeg_decode.c \
	jpeg_encode.c \
	scale.c \
	text.c \
	)
SRC_USERMOD_C += $(addprefix $(IMAGE_MOD_DIR)/, \
	image_mem.c \
	modimage.c \
	py_args.c \
	py_image.c \
	py_image_bytes.c \
	py_image_draw.c \
	py_image_file.c \
	)

CFLAGS_USERMOD += -I$(IMAGE_MOD_DIR)
