# SPDX-License-Identifier: MIT
#
# MaixPy's helper for the ESP32 of the Maixduino: wifi.reset(), wifi.connect(ssid, key).
import network
from _wifi import Wifi
from fpioa_manager import fm


class wifi(Wifi):
    module = "ESP32"

    @classmethod
    def reset(cls, force=False, reply=5, is_hard=True):
        if not force and cls.nic and cls.isconnected():
            return True
        cls.nic = None
        fm.register(25, fm.fpioa.GPIOHS10)
        fm.register(8, fm.fpioa.GPIOHS11)
        fm.register(9, fm.fpioa.GPIOHS12)
        pins = {"cs": fm.fpioa.GPIOHS10, "rst": fm.fpioa.GPIOHS11, "rdy": fm.fpioa.GPIOHS12}
        if is_hard:
            fm.register(28, fm.fpioa.SPI1_D0)
            fm.register(26, fm.fpioa.SPI1_D1)
            fm.register(27, fm.fpioa.SPI1_SCLK)
            pins["spi"] = 1
        else:
            fm.register(28, fm.fpioa.GPIOHS13)
            fm.register(26, fm.fpioa.GPIOHS14)
            fm.register(27, fm.fpioa.GPIOHS15)
            pins.update(mosi=fm.fpioa.GPIOHS13, miso=fm.fpioa.GPIOHS14, sclk=fm.fpioa.GPIOHS15)
        for _ in range(reply):
            try:
                cls.nic = network.ESP32_SPI(**pins)
                return True
            except OSError:
                pass
        return False
