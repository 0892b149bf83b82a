# SPDX-License-Identifier: MIT
#
# A board leaves groups out with IMAGE_WITHOUT = FILTERS FEATURES ... (image_config.h lists them).
IMAGE_MOD_DIR := $(USERMOD_DIR)

# The core: plain C that also runs on a PC.
IMAGE_CORE = affine image image_codecs compose convert draw font8x12 io_bmp io_pnm jpeg_decode jpeg_encode scale text
IMAGE_VISION = arith binary blobs color displacement edges filter geometry haar hough keypoints lbp_hog rects region \
	segments selective stats template tone work
IMAGE_BINDING = image_mem modimage py_args py_image py_image_bytes py_image_desc py_image_draw py_image_file \
	py_image_filter py_image_find py_image_ops py_image_stats py_result py_vision

SRC_USERMOD_C += $(patsubst %, $(IMAGE_MOD_DIR)/%.c, $(IMAGE_CORE) $(IMAGE_BINDING))
SRC_USERMOD_C += $(patsubst %, $(IMAGE_MOD_DIR)/vision/%.c, $(IMAGE_VISION))

CFLAGS_USERMOD += -I$(IMAGE_MOD_DIR) $(patsubst %, -DIMAGE_WITH_%=0, $(IMAGE_WITHOUT))

# What runs once per call, or hardly ever, is built for size.
IMAGE_SMALL = $(patsubst %, image/%.o, $(IMAGE_BINDING)) $(patsubst %, image/vision/%.o, haar selective keypoints lbp_hog)
$(addprefix $(BUILD)/, $(IMAGE_SMALL)): CFLAGS += -Os
