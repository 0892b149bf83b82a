# SPDX-License-Identifier: MIT
"""Sound from and to WAV files."""

from Maix import Audio as Audio
