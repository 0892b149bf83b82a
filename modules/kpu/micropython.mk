# SPDX-License-Identifier: MIT
KPU_MOD_DIR := $(USERMOD_DIR)

SRC_USERMOD_LIB_C += $(addprefix $(KPU_MOD_DIR)/, \
	kmodel.c \
	kmodel_v3.c \
	kmodel_v4.c \
	kmodel_v4_nodes.c \
	kmodel_v5.c \
	kmodel_v5_k210.c \
	kmodel_v5_vm.c \
	kpu_layer.c \
	kpu_ops.c \
	kpu_ops_nn.c \
	kpu_ops_tensor.c \
	kpu_run.c \
	yolo2.c \
	)
SRC_USERMOD_C += $(addprefix $(KPU_MOD_DIR)/, \
	modkpu.c \
	modkpu_fmap.c \
	modkpu_info.c \
	modkpu_load.c \
	modkpu_net.c \
	modkpu_yolo2.c \
	)

CFLAGS_USERMOD += -I$(KPU_MOD_DIR)

# Without fused multiply-add the layers give the same numbers as on a PC, so tests can compare them.
$(addprefix $(BUILD)/kpu/, kpu_ops.o kpu_ops_nn.o kpu_ops_tensor.o yolo2.o): CFLAGS += -ffp-contract=off
