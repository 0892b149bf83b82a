# SPDX-License-Identifier: MIT
"""kmodel files on the host: what is in them, and what they compute. Shares no code with the firmware."""
