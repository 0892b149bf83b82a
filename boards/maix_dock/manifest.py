# SPDX-License-Identifier: MIT
include("$(PORT_DIR)/manifest.py")
