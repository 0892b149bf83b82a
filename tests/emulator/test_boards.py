# SPDX-License-Identifier: MIT
"""The boards: keys and LEDs by QMP, I2C parts on their pads, LCD panels as they are mounted."""

import io

import pytest
from board_io import GPIOHS, I2C, IN, OUT, Spi, gpiohs_output, map_pad
from PIL import Image
from qtest import QemuError, QTest

I2C_PADS = {"maix_cube": (30, 31), "maix_amigo": (24, 27), "m5stickv": (28, 29), "maix_go": (30, 31)}
INVERTED, PLAIN = 0x21, 0x20


class Bus:
    """An I2C controller on two pads."""

    def __init__(self, q, pads, index=0):
        self.q, self.base, self.address = q, 0x5028_0000 + 0x1_0000 * index, None
        for n, pad in enumerate(pads):
            map_pad(q, pad, 126 + 2 * index + n, I2C)
        q.writel(self.base, 0x63)
        q.writel(self.base + 0x14, 100)
        q.writel(self.base + 0x18, 100)

    def run(self, address, *entries):
        """True if everything was acknowledged."""
        q, base = self.q, self.base
        q.writel(base + 0x6C, 0)
        q.writel(base + 0x04, address)
        q.writel(base + 0x6C, 1)
        for entry in entries:
            q.writel(base + 0x10, entry)
        q.wait_until(lambda: q.readl(base + 0x70) & 5 == 4, step_ns=5000)
        return not q.readl(base + 0x80)

    def read(self, address, register, count=1):
        assert self.run(address, register, *[0x100] * count)
        return [self.q.readl(self.base + 0x10) for _ in range(count)]

    def write(self, address, register, *values):
        assert self.run(address, register, *values)


@pytest.fixture
def start():
    machines = []

    def start(board, **options):
        machines.append(QTest("-action", "shutdown=pause", board=board, **options))
        return machines[-1]

    yield start
    for q in machines:
        q.close()


# Keys and LEDs

KEYS = {
    "maix_bit": {"boot": 16},
    "maix_go": {"boot": 16, "up": 15, "press": 16, "down": 17},
    "maix_cube": {"back": 11, "enter": 10, "next": 16},
    "maix_amigo": {"boot": 16, "back": 31, "enter": 23, "next": 20},
    "m5stickv": {"boot": 16, "a": 36, "b": 37},
}
LEDS = {
    "maix_bit": {"red": 13, "green": 12, "blue": 14},
    "maix_dock": {"red": 14, "green": 13, "blue": 12},
    "maix_cube": {"red": 13, "green": 12, "blue": 14, "white": 32},
    "maix_amigo": {"red": 14, "green": 15, "blue": 17, "white": 32},
    "m5stickv": {"red": 6, "green": 9, "blue": 8, "white": 7},
}


@pytest.mark.parametrize("board", KEYS)
def test_keys_pull_their_pad_down(start, board):
    q = start(board)
    map_pad(q, 47, 120, 0)  # has GPIOHS31 after reset
    q.writel(GPIOHS + 0x04, 1 << 31)
    for name, pad in KEYS[board].items():
        map_pad(q, pad, 24 + 31, IN)
        assert q.readl(GPIOHS) >> 31, f"{name} is up"
        q.qom_set("/machine/keys", name, True)
        assert not q.readl(GPIOHS) >> 31, f"{name} is down"
        q.qom_set("/machine/keys", name, False)
        assert q.readl(GPIOHS) >> 31
        map_pad(q, pad, 120, 0)


@pytest.mark.parametrize("board", LEDS)
def test_leds_are_lit_by_a_low_pad(start, board):
    q = start(board)
    assert not any(q.qom_get("/machine/leds", name) for name in LEDS[board]), "nothing drives them after reset"
    for name, pad in LEDS[board].items():
        gpiohs_output(q, 3, 0)
        map_pad(q, pad, 27, OUT)
        assert [n for n in LEDS[board] if q.qom_get("/machine/leds", n)] == [name]
        gpiohs_output(q, 3, 1)
        assert not q.qom_get("/machine/leds", name)
        map_pad(q, pad, 120, 0)


def test_isp_property_is_the_boot_key(start):
    q = start("maix_bit", isp="on")
    assert q.qom_get("/machine/keys", "boot") is True
    q.qom_set("/machine/keys", "boot", False)
    assert q.qom_get("/machine", "isp") is False
    q.qom_set("/machine", "isp", True)
    assert not q.qom_get("/machine/soc/fpioa", "pads") >> 16 & 1


def test_two_names_of_one_key(start):
    q = start("maix_cube")
    q.qom_set("/machine/keys", "boot", True)
    q.qom_set("/machine/keys", "next", True)
    q.qom_set("/machine/keys", "boot", False)
    assert not q.qom_get("/machine/soc/fpioa", "pads") >> 16 & 1, "next is still down"
    q.qom_set("/machine/keys", "next", False)
    assert q.qom_get("/machine/soc/fpioa", "pads") >> 16 & 1


def test_leds_cannot_be_set(start):
    with pytest.raises(QemuError):
        start("maix_bit").qom_set("/machine/leds", "red", True)


def test_unknown_board_names_those_there_are():
    with pytest.raises(QemuError, match="m5stickv"):
        QTest(board="maix_none")


# I2C parts

AXP, FT, MSA, MPU, CODEC = 0x34, 0x38, 0x26, 0x68, 0x10
PARTS = {
    "maix_cube": {AXP, MSA, CODEC},
    "maix_amigo": {AXP, FT, CODEC},
    "m5stickv": {AXP, MPU},
    "maix_go": {MSA},
}


@pytest.mark.parametrize("board", PARTS)
def test_who_is_on_the_bus(start, board):
    bus = Bus(start(board), I2C_PADS[board])
    assert {a for a in range(8, 0x78) if bus.run(a, 0)} == PARTS[board]


def test_any_controller_reaches_the_bus_through_the_pads_only(start):
    q = start("m5stickv")
    for index in range(3):
        bus = Bus(q, (28, 29), index)
        assert bus.read(AXP, 0x03) == [0x03]
        map_pad(q, 29, 120, 0)
        assert not bus.run(AXP, 0x03)
    assert not Bus(q, (29, 28)).run(AXP, 0x03), "clock and data exchanged"


def test_a_controller_changes_between_two_buses(start):
    q = start("maix_amigo", sensor="none")
    assert not Bus(q, (41, 40)).run(AXP, 0x03)
    map_pad(q, 41, 120, 0)
    map_pad(q, 40, 120, 0)
    assert Bus(q, (24, 27)).read(AXP, 0x03) == [0xAD]


def test_axp_keeps_registers_and_clears_flags(start):
    bus = Bus(start("maix_amigo"), (24, 27))
    assert bus.read(AXP, 0x36) == [0x5D]
    for register, value in ((0x27, 0x20), (0x28, 0x0C), (0x36, 0xCC)):
        bus.write(AXP, register, value)
        assert bus.read(AXP, register) == [value]
    bus.write(AXP, 0x03, 0x55)
    assert bus.read(AXP, 0x03) == [0xAD]


def test_axp_measures_the_battery(start):
    q = start("m5stickv")
    bus = Bus(q, (28, 29))
    bus.write(AXP, 0x82, 0xFF)
    q.qom_set("/machine/pmu", "battery-mv", 3700)
    high, low = bus.read(AXP, 0x78, 2)
    assert (high << 4 | low) * 1.1 == pytest.approx(3700, abs=2)
    high, low = bus.read(AXP, 0x5E, 2)
    assert (high << 4 | low) * 0.1 - 144.7 == pytest.approx(35, abs=0.2)
    assert bus.read(AXP, 0x00)[0] & 0x24 == 0x24, "USB is there, the battery charges"
    q.qom_set("/machine/pmu", "usb", False)
    assert bus.read(AXP, 0x00) == [0] and not bus.read(AXP, 0x01)[0] & 0x40
    discharge = bus.read(AXP, 0x7C, 2)
    assert discharge[0] << 5 | discharge[1]
    bus.write(AXP, 0x82, 0x00)
    assert bus.read(AXP, 0x78, 2) == [0, 0], "the ADC is off"
    with pytest.raises(QemuError, match="2500"):
        q.qom_set("/machine/pmu", "battery-mv", 100)


def test_axp_power_key(start):
    q = start("m5stickv")
    bus = Bus(q, (28, 29))
    q.qom_set("/machine/keys", "power", True)
    q.clock_step(200_000_000)
    assert bus.read(AXP, 0x46)[0] & 3 == 0
    q.qom_set("/machine/keys", "power", False)
    assert bus.read(AXP, 0x46)[0] & 3 == 2, "short"
    bus.write(AXP, 0x46, 0x02)
    assert bus.read(AXP, 0x46)[0] & 3 == 0
    q.qom_set("/machine/keys", "power", True)
    q.clock_step(1_600_000_000)
    assert bus.read(AXP, 0x46)[0] & 3 == 1, "long, at 1.5 s"
    q.clock_step(4_500_000_000)
    assert q.wait_event("SHUTDOWN")["data"]["guest"], "6 s switch the board off"


def test_axp_switches_the_board_off(start):
    q = start("maix_cube")
    bus = Bus(q, (30, 31))
    bus.write(AXP, 0x32, 0x46)
    bus.write(AXP, 0x32, 0xC6)
    assert q.wait_event("SHUTDOWN")["data"]["guest"]


def test_touch_points_and_interrupt(start):
    q = start("maix_amigo")
    bus = Bus(q, (24, 27))
    touch_int = lambda: q.qom_get("/machine/soc/fpioa", "pads") >> 33 & 1  # noqa: E731
    assert bus.read(FT, 0xA8) == [0x11] and bus.read(FT, 0x02) == [0]
    bus.write(FT, 0xA4, 0)  # polling mode: a level
    assert touch_int()
    q.qom_set("/machine/touch", "points", "300,470 5,6")
    assert not touch_int()
    assert bus.read(FT, 0x02, 5) == [2, 0x00 | 300 >> 8, 300 & 255, 470 >> 8, 470 & 255]
    assert bus.read(FT, 0x03)[0] >> 6 == 2, "still there: contact"
    assert bus.read(FT, 0x09, 4) == [0x00, 5, 0x10, 6]
    q.qom_set("/machine/touch", "points", "")
    assert touch_int() and bus.read(FT, 0x02) == [0]
    assert bus.read(FT, 0x03)[0] >> 6 == 1, "lifted"
    for bad in ("1", "1,2 3,4 5,6", "5000,1", "a,b"):
        with pytest.raises(QemuError, match="points"):
            q.qom_set("/machine/touch", "points", bad)


def test_touch_pulses_in_trigger_mode(start):
    q = start("maix_amigo")
    q.qom_set("/machine/touch", "points", "1,2")
    levels = []
    for _ in range(24):
        levels.append(q.qom_get("/machine/soc/fpioa", "pads") >> 33 & 1)
        q.clock_step(2_000_000)
    assert 6 <= sum(levels) <= 18
    q.qom_set("/machine/touch", "points", "")
    q.clock_step(50_000_000)
    assert q.qom_get("/machine/soc/fpioa", "pads") >> 33 & 1


def signed(low, high, shift):
    value = high << 8 | low
    return (value - 0x1_0000 if value & 0x8000 else value) >> shift


def test_accelerometer_of_the_cube(start):
    q = start("maix_cube")
    bus = Bus(q, (30, 31))
    assert bus.read(MSA, 0x01) == [0x13]
    bus.write(MSA, 0x11, 0x1E)
    assert signed(*bus.read(MSA, 0x06, 2), 2) == 4096, "1 g at 2 g of 14 bits"
    q.qom_set("/machine/accelerometer", "x", -500)
    assert signed(*bus.read(MSA, 0x02, 2), 2) == -2048
    bus.write(MSA, 0x0F, 0x01)
    assert signed(*bus.read(MSA, 0x02, 2), 2) == -1024, "at 4 g"
    q.qom_set("/machine/accelerometer", "x", -9000)
    assert signed(*bus.read(MSA, 0x02, 2), 2) == -8192, "clipped"
    bus.write(MSA, 0x00, 0x24)
    assert bus.read(MSA, 0x0F) == [0]


def test_imu_of_the_m5stickv(start):
    q = start("m5stickv")
    bus = Bus(q, (28, 29))
    assert bus.read(MPU, 0x75) == [0x19]
    assert bus.read(MPU, 0x3F, 2) == [0, 0], "asleep"
    bus.write(MPU, 0x6B, 0x01)
    high, low = bus.read(MPU, 0x3F, 2)
    assert signed(low, high, 0) == 16384
    bus.write(MPU, 0x1B, 0x18)
    q.qom_set("/machine/imu", "rate-z", -1_000_000)
    high, low = bus.read(MPU, 0x47, 2)
    assert signed(low, high, 0) == -16384, "1000 of 2000 degrees a second"


# LCD panels

RED, GREEN = (0xF8, 0x00), (0x07, 0xE0)


class Lcd:
    def __init__(self, q, *, cs, rst, dc, clk, lanes):
        self.q, self.lanes = q, lanes
        for pad, function in ((cs, 15), (rst, 54), (dc, 55), (clk, 17)):
            map_pad(q, pad, function, OUT)
        q.setbits(0x5044_0054, 1 << 10)
        gpiohs_output(q, 30, 0)
        gpiohs_output(q, 30, 1)
        self.spi = Spi(q, 0)

    def command(self, command, *data):
        for level, what in ((0, [command]), (1, list(data))):
            if what:
                gpiohs_output(self.q, 31, level)
                self.spi.send(what, select=3, lanes=self.lanes, command=0x202 if self.lanes else 0)

    def start(self, madctl, invert):
        for command, *data in ([0x01], [0x11], [0x3A, 0x55], [0x36, madctl], [invert], [0x29]):
            self.command(command, *data)

    def pixel(self, x, y, colour):
        self.command(0x2A, x >> 8, x & 255, x >> 8, x & 255)
        self.command(0x2B, y >> 8, y & 255, y >> 8, y & 255)
        self.command(0x2C, *colour)

    def lit(self):
        path = self.q.directory / "shot.ppm"
        self.q.qmp("screendump", filename=str(path))
        shot = Image.open(io.BytesIO(path.read_bytes())).convert("RGB")
        return shot.size, {
            (x, y): shot.getpixel((x, y))
            for x in range(shot.width)
            for y in range(shot.height)
            if shot.getpixel((x, y)) != (0, 0, 0)
        }


M1_PADS = {"cs": 36, "rst": 37, "dc": 38, "clk": 39, "lanes": 3}
STICK_PADS = {"cs": 22, "rst": 21, "dc": 20, "clk": 19, "lanes": 0}


# Of each panel: direction of its scripts, size, and where the picture's corners are in coordinates of the controller.
@pytest.mark.parametrize(
    "board, pads, madctl, invert, size, corners",
    [
        ("maix_cube", M1_PADS, 0x60, INVERTED, (240, 240), [(0, 0), (239, 239)]),
        ("maix_amigo", M1_PADS, 0x28, PLAIN, (480, 320), [(0, 0), (479, 319)]),
        ("m5stickv", STICK_PADS, 0x60, INVERTED, (240, 135), [(40, 53), (279, 187)]),
        ("maix_bit", M1_PADS, 0xA0, PLAIN, (320, 240), [(0, 0), (319, 239)]),
    ],
)
def test_panel_as_its_scripts_see_it(start, board, pads, madctl, invert, size, corners):
    lcd = Lcd(start(board), **pads)
    lcd.start(madctl, invert)
    black = lcd.lit()[1] if invert == PLAIN else {}
    assert not black
    if invert == INVERTED:  # the memory is 0 after reset, which IPS glass shows black under INVON
        assert not lcd.lit()[1]
    lcd.pixel(*corners[0], RED)
    lcd.pixel(*corners[1], GREEN)
    for x, y in ((corners[0][0] - 1, corners[0][1]), (corners[1][0], corners[1][1] + 1)):
        if x >= 0:
            lcd.pixel(x, y, RED)  # beside the glass
    assert lcd.lit() == (size, {(0, 0): (255, 0, 0), (size[0] - 1, size[1] - 1): (0, 255, 0)})


def test_ips_glass_shows_the_complement_without_invon(start):
    lcd = Lcd(start("maix_cube"), **M1_PADS)
    lcd.start(0x60, PLAIN)
    lcd.pixel(0, 0, RED)
    _, lit = lcd.lit()
    assert lit[0, 0] == (0, 255, 255) and lit[1, 0] == (255, 255, 255)


def test_the_other_rotation_of_the_m5stickv(start):
    """As the panel is made, without MY and MX: columns 52..186 and rows 40..279."""
    lcd = Lcd(start("m5stickv"), **STICK_PADS)
    lcd.start(0x00, INVERTED)
    lcd.pixel(52, 40, RED)
    lcd.pixel(186, 279, GREEN)
    assert lcd.lit()[1] == {(0, 134): (255, 0, 0), (239, 0): (0, 255, 0)}
