# SPDX-License-Identifier: MIT
#
# MaixPy's touch screen: resistive NS2009, or capacitive FT6X36 (FT62XX to scripts).
import time

from micropython import const

NS2009 = const(0)
FT62XX = const(1)
STATUS_IDLE = const(0)
STATUS_RELEASE = const(1)
STATUS_PRESS = const(2)
STATUS_MOVE = const(3)

# x = (a * tx + b * ty + c) / g and y = (d * tx + e * ty + f) / g, tslib's order: a, b, c, d, e, f, g
_CALIBRATION = (-6, -5941, 22203576, 4232, -8, -700369, 65536)

_NS2009_ADDRESS = const(0x48)
_NS2009_X = const(0xC0)
_NS2009_Y = const(0xD0)
_NS2009_Z1 = const(0xE0)
_NS2009_PRESSED = const(70)  # of 4095
_FT_ADDRESS = const(0x38)
_FT_POINTS = const(2)

_STEADY_SAMPLES = const(8)
_CALIBRATE_TIMEOUT_MS = const(30000)


class _Screen:
    def __init__(self, i2c, kind, calibration):
        self.i2c = i2c
        self.kind = kind
        self.calibration = calibration
        self.down = False
        self.x = self.y = 0
        self.raw()  # OSError when there is none

    def _sample(self, command):
        data = self.i2c.readfrom_mem(_NS2009_ADDRESS, command, 2)
        return data[0] << 4 | data[1] >> 4

    # Where it is touched, in the controller's own numbers, or None.
    def raw(self):
        if self.kind == FT62XX:
            data = self.i2c.readfrom_mem(_FT_ADDRESS, _FT_POINTS, 5)
            if not 1 <= data[0] & 15 <= 2:
                return None
            return (data[1] & 15) << 8 | data[2], (data[3] & 15) << 8 | data[4]
        if self._sample(_NS2009_Z1) < _NS2009_PRESSED:
            return None
        return self._sample(_NS2009_X), self._sample(_NS2009_Y)

    # On the screen.
    def place(self, raw):
        if self.kind == FT62XX:
            # The glass stands upright, the picture on it lies on its side.
            import lcd

            height = lcd.height() or 320
            return raw[1], min(max(height - 1 - raw[0], 0), height - 1)
        a, b, c, d, e, f, g = self.calibration
        return (a * raw[0] + b * raw[1] + c) // g, (d * raw[0] + e * raw[1] + f) // g

    def read(self):
        raw = self.raw()
        if raw is None:
            status = STATUS_RELEASE if self.down else STATUS_IDLE
            self.down = False
        else:
            status = STATUS_MOVE if self.down else STATUS_PRESS
            self.down = True
            self.x, self.y = self.place(raw)
        return status, self.x, self.y


_screen = None


def _board_i2c():
    from board import board_info
    from machine import I2C

    scl, sda = board_info.get("I2C_SCL"), board_info.get("I2C_SDA")
    if scl is None or sda is None:
        raise ValueError("this board has no I2C bus for a touch screen: touchscreen.init(i2c=...)")
    return I2C(I2C.I2C0, freq=100000, scl=scl, sda=sda)


def init(i2c=None, type=None, cal=None):
    global _screen
    if cal is not None and len(cal) != 7:
        raise ValueError("tuple size must be 7")
    if cal is not None and cal[6] == 0:
        raise ValueError("the last number of cal is a divisor and must not be 0")
    if type is None:
        import os

        type = FT62XX if "Amigo" in os.uname().machine else NS2009
    if type not in (NS2009, FT62XX):
        raise ValueError("type must be NS2009 or FT62XX, not %r" % (type,))
    _screen = _Screen(i2c or _board_i2c(), type, cal or _CALIBRATION)


def _need():
    if _screen is None:
        raise OSError("touchscreen.init() was not called")
    return _screen


def read():
    return _need().read()


# Least squares of three sums: the plane v = p * x + q * y + r through the points.
def _plane(points, values):
    n = len(points)
    sx = sum(p[0] for p in points)
    sy = sum(p[1] for p in points)
    sxx = sum(p[0] * p[0] for p in points)
    sxy = sum(p[0] * p[1] for p in points)
    syy = sum(p[1] * p[1] for p in points)
    sv = sum(values)
    sxv = sum(p[0] * v for p, v in zip(points, values))
    syv = sum(p[1] * v for p, v in zip(points, values))
    det = n * (sxx * syy - sxy * sxy) - sx * (sx * syy - sxy * sy) + sy * (sx * sxy - sxx * sy)
    if det == 0:
        raise OSError("the points that were touched lie on a line")
    p = (n * (sxv * syy - syv * sxy) - sx * (sv * syy - syv * sy) + sy * (sv * sxy - sxv * sy)) / det
    q = (n * (sxx * syv - sxy * sxv) - sx * (sx * syv - sxv * sy) + sv * (sx * sxy - sxx * sy)) / det
    return p, q, (sv - p * sx - q * sy) / n


def _touch(x, y):
    import lcd

    lcd.fill_rectangle(x - 5, y, 11, 1, lcd.RED)
    lcd.fill_rectangle(x, y - 5, 1, 11, lcd.RED)
    end = time.ticks_add(time.ticks_ms(), _CALIBRATE_TIMEOUT_MS)
    samples = []
    while len(samples) < _STEADY_SAMPLES:
        raw = _screen.raw()
        if raw is None:
            samples = []
        else:
            samples.append(raw)
        if time.ticks_diff(end, time.ticks_ms()) < 0:
            raise OSError("nobody touched the cross at (%d, %d) for %d s" % (x, y, _CALIBRATE_TIMEOUT_MS // 1000))
        time.sleep_ms(10)
    while _screen.raw() is not None and time.ticks_diff(end, time.ticks_ms()) > 0:
        time.sleep_ms(10)
    lcd.fill_rectangle(x - 5, y - 5, 11, 11, lcd.BLACK)
    return sum(s[0] for s in samples) / len(samples), sum(s[1] for s in samples) / len(samples)


def calibrate():
    import lcd

    _need()
    w, h = lcd.width(), lcd.height()
    if w is None:
        raise OSError("lcd.init() was not called")
    lcd.clear(lcd.BLACK)
    crosses = ((20, 20), (w - 20, 20), (w - 20, h - 20), (20, h - 20), (w // 2, h // 2))
    points = [_touch(*c) for c in crosses]
    scale = 65536
    x = _plane(points, [c[0] for c in crosses])
    y = _plane(points, [c[1] for c in crosses])
    _screen.calibration = tuple(round(v * scale) for v in x + y) + (scale,)
    return _screen.calibration


def __del__():
    global _screen
    _screen = None
