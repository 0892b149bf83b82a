# SPDX-License-Identifier: MIT
freeze("$(PORT_DIR)/frozen", ("_boot.py", "flashfs.py", "kpu.py"))
