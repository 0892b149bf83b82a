# SPDX-License-Identifier: MIT
#
# MaixPy's drivers of small parts.
import time

import machine
from machine import Pin
from Maix import FPIOA

_fpioa = FPIOA()

# A 0 is high for 400 ns of 1250, a 1 for 800.
_WS2812_NS = (400, 850, 800, 450)


class ws2812:
    # The remaining arguments chose the I2S block that made the signal in MaixPy.
    def __init__(self, led_pin, led_num, i2s_num=2, i2s_chn=3, i2s_dma_chn=2):
        if led_num < 1:
            raise ValueError("led_num must be at least 1, not %d" % led_num)
        self._pin = Pin(led_pin, Pin.OUT, value=0)
        self._grb = bytearray(3 * led_num)

    def ws_num(self):
        return len(self._grb) // 3

    def set_led(self, num, color):
        if not 0 <= num < self.ws_num():
            raise ValueError("led %d is not 0 to %d" % (num, self.ws_num() - 1))
        r, g, b = color
        self._grb[3 * num : 3 * num + 3] = bytes((g & 255, r & 255, b & 255))

    def display(self):
        machine.bitstream(self._pin, 0, _WS2812_NS, self._grb)
        time.sleep_us(300)  # the LEDs take over after a pause


def _pin_of(gpio):
    pad = _fpioa.get_Pin_num(gpio)
    if pad is None:
        raise ValueError("function %d is on no pin: fm.register() it first" % gpio)
    return Pin(pad)


# Grove's sensor with one data line: it is asked and answers on the same one.
class ultrasonic:
    UNIT_CM = 0
    UNIT_INCH = 1

    def __init__(self, gpio):
        self._pin = _pin_of(gpio)

    def measure(self, unit=UNIT_CM, timeout=1000000):
        self._pin.init(Pin.OUT, value=0)
        time.sleep_us(2)
        self._pin(1)
        time.sleep_us(10)
        self._pin(0)
        self._pin.init(Pin.IN)
        us = machine.time_pulse_us(self._pin, 1, timeout)
        if us < 0:
            return 0
        # There and back at 343 m/s.
        return us // 58 if unit == self.UNIT_CM else us // 148


class onewire:
    def __init__(self, gpio):
        import _onewire

        self._bus = _onewire
        self._pin = _pin_of(gpio)
        self._pin.init(Pin.OPEN_DRAIN, Pin.PULL_UP, value=1)

    def reset(self):
        return bool(self._bus.reset(self._pin))

    def readbit(self):
        return self._bus.readbit(self._pin)

    def readbyte(self):
        return self._bus.readbyte(self._pin)

    def readbuffer(self, n):
        return bytearray(self._bus.readbyte(self._pin) for _ in range(n))

    def writebit(self, value):
        self._bus.writebit(self._pin, value)

    def writebyte(self, value, power=False):
        self._bus.writebyte(self._pin, value)
        if power:
            self._pin(1)

    def writebuffer(self, buf):
        for b in buf:
            self._bus.writebyte(self._pin, b)

    def select(self, rom):
        self.writebyte(0x55)
        self.writebuffer(rom)

    def skip(self):
        self.writebyte(0xCC)

    def depower(self):
        self._pin.init(Pin.IN)

    def crc8(self, buf):
        return self._bus.crc8(bytes(buf))

    # All parts on the line, as 8 bytes each.
    def search(self, command=0xF0):
        found = []
        last = 0  # the bit, from 1, at which the next pass goes the other way
        rom = bytearray(8)
        while True:
            if not self.reset():
                return found
            self.writebyte(command)
            zero = 0
            for bit in range(1, 65):
                i, mask = (bit - 1) // 8, 1 << (bit - 1) % 8
                one, other = self.readbit(), self.readbit()
                if one and other:
                    return found  # it went away
                if one == other:
                    take = bit == last or (bit < last and rom[i] & mask)
                    if not take:
                        zero = bit
                else:
                    take = one
                rom[i] = rom[i] | mask if take else rom[i] & ~mask
                self.writebit(1 if take else 0)
            if self.crc8(rom) == 0:
                found.append(bytes(rom))
            last = zero
            if last == 0:
                return found
