# SPDX-License-Identifier: MIT
freeze("$(PORT_DIR)/frozen", ("_boot.py", "kpu.py"))
