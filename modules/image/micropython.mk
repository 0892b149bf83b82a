# SPDX-License-Identifier: MIT
#
# A board leaves groups out with IMAGE_WITHOUT = FILTERS FEATURES ... (image_config.h lists them).
IMAGE_MOD_DIR := $(USERMOD_DIR)

# The core: plain C that also runs on a PC.
IMAGE_CORE = affine image image_codecs image_stream compose convert draw font8x12 inflate io_bmp io_png io_pnm jpeg_blocks jpeg_decode jpeg_encode jpeg_levels scale text
IMAGE_VISION = arith binary blobs color displacement edges filter geometry haar hough keypoints lbp_hog rects region \
	segments selective stats template tone work
IMAGE_BINDING = image_mem modimage py_args py_image py_image_bytes py_image_desc py_image_draw py_image_file \
	py_image_codes py_image_font py_image_filter py_image_find py_image_ops py_image_stats py_image_stream py_result py_vision

# Readers of codes: libraries that scripts/setup/sources.sh fetched, or those that QUIRC_DIR,
# APRILTAG_DIR and LIBDMTX_DIR point to. Without its library a reader is left out.
QUIRC_DIR ?= $(PROJECT_DIR)/build/src/quirc-src
APRILTAG_DIR ?= $(PROJECT_DIR)/build/src/apriltag-src
LIBDMTX_DIR ?= $(PROJECT_DIR)/build/src/libdmtx-src
IMAGE_CODES = bars_decode bars_scan lib_heap tag_pose

define image_library
ifeq ($(filter $(1), $(IMAGE_WITHOUT)),)
ifneq ($(wildcard $(3)),)
IMAGE_CODES += $(2)
else
$$(info image: no $(3), so this firmware is without $(1))
IMAGE_WITHOUT += $(1)
endif
endif
endef
$(eval $(call image_library,QRCODES,quirc_port,$(QUIRC_DIR)/lib/quirc.c))
$(eval $(call image_library,APRILTAGS,apriltag_port,$(APRILTAG_DIR)/apriltag.c))
$(eval $(call image_library,DATAMATRICES,dmtx_port,$(LIBDMTX_DIR)/dmtx.c))

# Built-in cascades, from OpenCV's files (Debian: opencv-data), or those in CASCADE_DIR. Only on request: their 70 KiB
# would be missing for models of 4.5 MiB.
IMAGE_CASCADES ?= 0
ifneq ($(IMAGE_CASCADES),1)
IMAGE_WITHOUT += CASCADES
endif
CASCADE_DIR ?= /usr/share/opencv4/haarcascades
CASCADE_XML = $(addprefix $(CASCADE_DIR)/haarcascade_, frontalface_default.xml eye.xml)
CASCADE_FILES = $(addprefix $(BUILD)/image/, frontalface.cascade eye.cascade)
ifneq ($(filter FEATURES, $(IMAGE_WITHOUT)),)
IMAGE_WITHOUT += CASCADES
endif
ifeq ($(filter CASCADES, $(IMAGE_WITHOUT)),)
ifeq ($(words $(wildcard $(CASCADE_XML))),2)
SRC_USERMOD_LIB_C += $(IMAGE_MOD_DIR)/cascades.c
$(BUILD)/image/frontalface.cascade: $(CASCADE_DIR)/haarcascade_frontalface_default.xml
$(BUILD)/image/eye.cascade: $(CASCADE_DIR)/haarcascade_eye.xml
$(CASCADE_FILES): $(PROJECT_DIR)/scripts/k210/cascade.py
	$(ECHO) "GEN $@"
	$(Q)mkdir -p $(@D)
	$(Q)PYTHONPATH=$(PROJECT_DIR)/scripts $(PYTHON) -m k210.cascade $(filter %.xml, $^) $@
$(BUILD)/image/cascades.o: $(CASCADE_FILES)
$(BUILD)/image/cascades.o: CFLAGS += -DIMAGE_CASCADES=\"$(BUILD)/image\"
else
$(info image: not both of $(CASCADE_XML), so this firmware is without CASCADES)
IMAGE_WITHOUT += CASCADES
endif
endif

SRC_USERMOD_LIB_C += $(patsubst %, $(IMAGE_MOD_DIR)/codes/%.c, $(IMAGE_CODES))
SRC_USERMOD_C += $(patsubst %, $(IMAGE_MOD_DIR)/%.c, $(IMAGE_CORE) $(IMAGE_BINDING))
SRC_USERMOD_C += $(patsubst %, $(IMAGE_MOD_DIR)/vision/%.c, $(IMAGE_VISION))

CFLAGS_USERMOD += -I$(IMAGE_MOD_DIR) $(patsubst %, -DIMAGE_WITH_%=0, $(IMAGE_WITHOUT))

# What runs once per call, or hardly ever, is built for size.
IMAGE_SMALL = $(patsubst %, image/%.o, $(IMAGE_BINDING)) $(patsubst %, image/vision/%.o, selective keypoints lbp_hog) \
	image/inflate.o image/io_png.o
$(addprefix $(BUILD)/, $(IMAGE_SMALL)): CFLAGS += -Os

# Helpers that only a group without a place here needs.
ifneq ($(strip $(IMAGE_WITHOUT)),)
$(addprefix $(BUILD)/image/, $(addsuffix .o, $(IMAGE_BINDING))): CFLAGS += -Wno-unused-function -Wno-unused-const-variable
endif

# Other people's code has other people's warnings.
$(BUILD)/image/codes/quirc_port.o: CFLAGS += -w -I$(QUIRC_DIR)/lib
$(BUILD)/image/codes/apriltag_port.o: CFLAGS += -w -I$(IMAGE_MOD_DIR)/codes/stub -I$(APRILTAG_DIR)
$(BUILD)/image/codes/dmtx_port.o: CFLAGS += -Os -w -I$(LIBDMTX_DIR)
