# SPDX-License-Identifier: MIT
#
# A board leaves the newest model format out with KPU_WITHOUT = V5, and the help of the second hart with SHARING.
KPU_MOD_DIR := $(USERMOD_DIR)

SRC_USERMOD_LIB_C += $(addprefix $(KPU_MOD_DIR)/, \
	detect.c \
	kmodel.c \
	kmodel_plan.c \
	kmodel_v3.c \
	kmodel_v4.c \
	kmodel_v4_nn.c \
	kmodel_v4_nodes.c \
	kpu_classifier.c \
	kpu_face.c \
	kpu_layer.c \
	kpu_map.c \
	kpu_ops.c \
	kpu_ops_nn.c \
	kpu_ops_tensor.c \
	kpu_ram.c \
	kpu_rows.c \
	kpu_run.c \
	kpu_stream.c \
	yolo2.c \
	)
KPU_V5 = kmodel_v5 kmodel_v5_axis kmodel_v5_functions kmodel_v5_k210 kmodel_v5_math kmodel_v5_move kmodel_v5_tensors \
	kmodel_v5_vm kpu_ops_axis kpu_ops_v5
ifeq ($(filter V5, $(KPU_WITHOUT)),)
SRC_USERMOD_LIB_C += $(patsubst %, $(KPU_MOD_DIR)/%.c, $(KPU_V5))
endif
ifeq ($(filter SHARING, $(KPU_WITHOUT)),)
SRC_USERMOD_LIB_C += $(KPU_MOD_DIR)/kpu_share.c
endif
SRC_USERMOD_C += $(addprefix $(KPU_MOD_DIR)/, \
	modkpu.c \
	modkpu_classifier.c \
	modkpu_face.c \
	modkpu_fmap.c \
	modkpu_hw.c \
	modkpu_info.c \
	modkpu_load.c \
	modkpu_net.c \
	modkpu_post.c \
	modkpu_source.c \
	modkpu_yolo2.c \
	)

CFLAGS_USERMOD += -I$(KPU_MOD_DIR) $(patsubst %, -DKPU_WITH_%=0, $(KPU_WITHOUT))

# Without fused multiply-add the layers give the same numbers as on a PC, so tests can compare them.
$(addprefix $(BUILD)/kpu/, detect.o kpu_ops.o kpu_ops_axis.o kpu_ops_nn.o kpu_ops_tensor.o kpu_ops_v5.o kpu_rows.o yolo2.o): CFLAGS += -ffp-contract=off

# Rounding and roots are single instructions when nobody looks at errno.
$(addprefix $(BUILD)/kpu/, kpu_ops.o kpu_ops_axis.o kpu_ops_nn.o kpu_ops_tensor.o kpu_ops_v5.o kpu_rows.o): CFLAGS += -fno-math-errno

# Loading and binding are not worth their size at -O2: every byte of code is one less for a model.
$(addprefix $(BUILD)/kpu/, kmodel.o kmodel_plan.o kpu_classifier.o kpu_face.o kpu_ram.o kpu_share.o kpu_stream.o kmodel_v3.o kmodel_v4.o kmodel_v4_nn.o kmodel_v4_nodes.o kmodel_v5.o kmodel_v5_axis.o kmodel_v5_functions.o \
	kmodel_v5_k210.o kmodel_v5_math.o kmodel_v5_move.o kmodel_v5_tensors.o kpu_ops_axis.o kpu_ops_v5.o \
	kmodel_v5_vm.o modkpu.o modkpu_classifier.o modkpu_face.o modkpu_fmap.o modkpu_info.o modkpu_load.o modkpu_net.o modkpu_post.o modkpu_source.o modkpu_yolo2.o): CFLAGS += -Os
