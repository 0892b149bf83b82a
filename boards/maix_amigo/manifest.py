# SPDX-License-Identifier: MIT
include("$(PORT_DIR)/manifest.py")
module("pmu.py", base_path="$(BOARD_DIR)/../pmu")
