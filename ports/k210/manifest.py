# SPDX-License-Identifier: MIT
freeze("$(PORT_DIR)/frozen")
include("$(MPY_DIR)/extmod/asyncio")
