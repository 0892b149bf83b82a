# SPDX-License-Identifier: MIT
"""Models of the boards' Wi-Fi modules: they speak the modules' protocols and use this computer's own network."""

from k210 import paths
from k210.netmodel.air import AccessPoint, Air
from k210.netmodel.at import AtModule
from k210.netmodel.nina import NinaModule
from k210.netmodel.rom import EspRom
from k210.netmodel.server import ModuleServer

__all__ = ["AccessPoint", "Air", "AtModule", "EspRom", "ModuleServer", "NinaModule", "module_of"]


def module_of(board: str, air: Air | None = None) -> AtModule | NinaModule:
    """The module that a board has: an ESP32 behind SPI, or an ESP8285 behind a UART."""
    kind = paths.board_data(board).get("k210", {}).get("wifi", "esp8285")
    return NinaModule(air) if kind == "esp32" else AtModule(air)
