# SPDX-License-Identifier: MIT
SRC_USERMOD_C += $(USERMOD_DIR)/modhashlib.c
SRC_USERMOD_C += $(USERMOD_DIR)/modcryptolib.c
SRC_USERMOD_LIB_C += $(USERMOD_DIR)/hash.c
SRC_USERMOD_LIB_C += $(USERMOD_DIR)/aes_soft.c
