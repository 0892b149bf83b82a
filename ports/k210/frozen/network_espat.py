# SPDX-License-Identifier: MIT
#
# MaixPy's helper for the ESP8285 on pins 6 (its output), 7 (its input) and 8 (enable): wifi.reset(), wifi.connect(...).
import time

import network
from _wifi import Wifi
from fpioa_manager import fm
from machine import UART
from Maix import GPIO


class wifi(Wifi):
    module = "ESP8285"
    uart = None
    eb = None

    @classmethod
    def init(cls):
        if cls.uart is None:
            fm.register(8, fm.fpioa.GPIOHS0)
            cls.eb = GPIO(GPIO.GPIOHS0, GPIO.OUT)
            fm.register(7, fm.fpioa.UART2_TX)
            fm.register(6, fm.fpioa.UART2_RX)
            cls.uart = UART(UART.UART2, 115200, timeout=1000, timeout_char=0, read_buf_len=10240)

    @classmethod
    def enable(cls, en):
        cls.init()
        cls.eb.value(en)

    # Sends a command; the answer, or "" when resp has not come within timeout ms.
    @classmethod
    def at_cmd(cls, cmd="AT\r\n", resp="OK\r\n", timeout=1000):
        cls.uart.read()
        cls.uart.write(cmd)
        start, got = time.ticks_ms(), b""
        while time.ticks_diff(time.ticks_ms(), start) < timeout:
            got += cls.uart.read() or b""
            if resp.encode() in got:
                return got.decode()
            time.sleep_ms(5)
        return ""

    @classmethod
    def reset(cls, force=False, reply=5):
        if not force and cls.nic and cls.isconnected():
            return True
        cls.nic = None
        for _ in range(reply):
            cls.enable(False)
            time.sleep_ms(100)
            cls.enable(True)
            time.sleep_ms(500)
            try:
                cls.nic = network.ESP8285(cls.uart)
                return True
            except OSError:
                pass
        return False
