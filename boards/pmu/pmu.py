# SPDX-License-Identifier: MIT
#
# The power chip of M5StickV and UnitV (AXP192) and of Amigo and Cube (AXP173), with the names that M5Stack's
# firmware gives it. Voltages in mV, currents in mA, power in mW. Register meanings: data sheets of the chips.
from machine import I2C, Timer

_ADDRESS = 0x34
_POWER, _OFF, _WAKE, _KEY, _IRQ = 0x12, 0x32, 0x31, 0x36, 0x46
_ADC, _BACKLIGHT, _COUNTER = 0x82, 0x91, 0xB8
_PERIOD_MS = 500


class _AXP:
    _pins = ()

    def __init__(self, i2cDev=None):
        self._i2c = i2cDev or I2C(I2C.I2C0, freq=400000, scl=self._pins[0], sda=self._pins[1])
        self._timer = self._pressed = self._held = None
        self._read(_POWER)  # OSError when there is none

    def _read(self, reg, n=1):
        return int.from_bytes(self._i2c.readfrom_mem(_ADDRESS, reg, n), "big")

    def _write(self, reg, value):
        self._i2c.writeto_mem(_ADDRESS, reg, value)

    # Eight upper bits, then the lower ones in a byte of their own.
    def _adc(self, reg, low):
        v = self._read(reg, 2)
        return v >> 8 << low | v & ((1 << low) - 1)

    def enableADCs(self, enable):
        self._write(_ADC, 0xFF if enable else 0)

    def getVbatVoltage(self):
        return self._adc(0x78, 4) * 1.1

    def getUSBVoltage(self):
        return self._adc(0x5A, 4) * 1.7

    def getUSBInputCurrent(self):
        return self._adc(0x5C, 4) * 0.375

    def getConnextVoltage(self):
        return self._adc(0x56, 4) * 1.7

    def getConnextInputCurrent(self):
        return self._adc(0x58, 4) * 0.625

    def getBatteryChargeCurrent(self):
        return self._adc(0x7A, 5) * 0.5

    def getBatteryDischargeCurrent(self):
        return self._adc(0x7C, 5) * 0.5

    def getBatteryInstantWatts(self):
        return self._read(0x70, 3) * 1.1 * 0.5 / 1000

    def getTemperature(self):
        return self._adc(0x5E, 4) * 0.1 - 144.7

    def enableCoulombCounter(self, enable):
        self._write(_COUNTER, 0x80 if enable else 0)

    def stopCoulombCounter(self):
        self._write(_COUNTER, 0xC0)

    def clearCoulombCounter(self):
        self._write(_COUNTER, 0xA0)

    # mAh, at the ADC's 25 samples per second
    def getCoulombCounterData(self):
        return 65536 * 0.5 * (self._read(0xB0, 4) - self._read(0xB4, 4)) / 3600 / 25

    # 7 (dark) to 15
    def setScreenBrightness(self, brightness):
        if not 0 <= brightness <= 15:
            raise ValueError(f"brightness: 0 to 15, not {brightness}")
        self._write(_BACKLIGHT, int(brightness) << 4)

    # -1: not pressed, 1: short, 2: long
    def getKeyStatus(self):
        v = self._read(_IRQ)
        self._write(_IRQ, 0xFF)
        return 2 if v & 1 else 1 if v & 2 else -1

    getKeyStuatus = getKeyStatus

    def setOnPressedListener(self, listener):
        self._pressed = listener

    def setOnLongPressedListener(self, listener):
        self._held = listener

    def setEnterSleepMode(self):
        self._write(_WAKE, 0x0F)  # the key wakes it
        self._write(_BACKLIGHT, self._read(_BACKLIGHT) & 0x0F)
        self._write(_POWER, 0)

    def powerOff(self):
        self._write(_OFF, self._read(_OFF) | 0x80)

    # A long press of the key is sleep, or what a listener does.
    def _look(self, timer):
        try:
            key = self.getKeyStatus()
        except OSError:
            return  # the program has the bus elsewhere
        if key == 2:
            (self._held or _AXP.setEnterSleepMode)(self)
        elif key == 1 and self._pressed:
            self._pressed(self)

    def enablePMICSleepMode(self, enable):
        if self._timer:
            self._timer.deinit()
            self._timer = None
        self._write(_KEY, 0x27 if enable else 0x6C)
        self._write(_IRQ, 0xFF)
        if enable:
            self._timer = Timer(-1, period=_PERIOD_MS, mode=Timer.PERIODIC, callback=self._look)


class axp192(_AXP):
    _pins = (28, 29)


class axp173(_AXP):
    _pins = (24, 27)
