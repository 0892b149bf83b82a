# SPDX-License-Identifier: MIT
"""A TF card on SPI1 with its select on a pad, talked to as K210 drivers do."""

import pytest
from board_io import OUT, Spi, gpiohs_output, map_pad
from qtest import QTest

PADS = {  # CS, SCLK, MOSI, MISO
    "maix_bit": (29, 27, 28, 26),
    "maix_amigo": (26, 11, 10, 6),
    "m5stickv": (32, 30, 33, 31),
}
SIZE = 64 << 20
READY, IDLE, ILLEGAL = 0x00, 0x01, 0x04


def sector(n):
    return bytes((n * 7 + i) & 0xFF for i in range(512))


class Card:
    """A polled driver: GPIOHS29 selects, SPI1 or 0 in standard format, transmit-and-receive."""

    def __init__(self, q, board="maix_bit", controller=1):
        self.q = q
        cs, sclk, mosi, _ = PADS[board]
        map_pad(q, cs, 24 + 29, OUT)
        map_pad(q, sclk, 81 if controller else 17, OUT)
        map_pad(q, mosi, 70 if controller else 4, OUT)
        self.spi = Spi(q, controller)
        self.select(False)

    def select(self, on):
        gpiohs_output(self.q, 29, 0 if on else 1)

    def exchange(self, data):
        """Full duplex, in pieces that fit the FIFO."""
        got = []
        self.spi.setup(tmod=0)
        self.spi.write(0x10, 2)
        for i in range(0, len(data), 16):
            piece = data[i : i + 16]
            for byte in piece:
                self.spi.write(0x60, byte)
            for _ in piece:
                self.q.wait_until(lambda: self.spi.read(0x24), step_ns=5000)
                got.append(self.spi.read(0x60))
        self.spi.write(0x10, 0)
        return bytes(got)

    def frame(self, cmd, arg=0, crc=0x01):
        self.exchange(bytes([0x40 | cmd]) + arg.to_bytes(4, "big") + bytes([crc]))

    def response(self, tries=16):
        for _ in range(tries):
            byte = self.exchange(b"\xff")[0]
            if byte != 0xFF:
                return byte
        return None

    def command(self, cmd, arg=0, crc=0x01, more=0):
        """One command with the card deselected afterwards and a byte clocked, as the drivers do."""
        self.select(True)
        self.frame(cmd, arg, crc)
        r1 = self.response()
        rest = self.exchange(b"\xff" * more)
        self.release()
        return (r1, rest) if more else r1

    def release(self):
        self.select(False)
        self.exchange(b"\xff")

    def start(self):
        self.exchange(b"\xff" * 10)
        assert self.command(0, 0, 0x95) == IDLE
        assert self.command(8, 0x1AA, 0x87, more=4) == (IDLE, b"\x00\x00\x01\xaa")
        for _ in range(255):
            assert self.command(55) == IDLE, "must be 01 on every round"
            if self.command(41, 0x4000_0000) == READY:
                break
        r1, ocr = self.command(58, more=4)
        assert r1 == READY and ocr[0] & 0x80
        self.high_capacity = bool(ocr[0] & 0x40)
        if not self.high_capacity:
            assert self.command(16, 512) == READY

    def address(self, n):
        return n if self.high_capacity else n * 512

    def data(self, count):
        assert self.response(64) == 0xFE
        block = self.exchange(b"\xff" * (count + 2))
        return block[:count], block[count:]

    def read_register(self, cmd):
        self.select(True)
        self.frame(cmd)
        assert self.response() == READY
        value, _ = self.data(16)
        self.release()
        return value

    def read(self, n):
        self.select(True)
        self.frame(17, self.address(n))
        assert self.response() == READY
        block, _ = self.data(512)
        self.release()
        return block

    def write_block(self, token, block):
        self.exchange(bytes([0xFF, token]) + block + bytes([0xFF, token]))
        assert self.response() & 0x1F == 5
        assert self.exchange(b"\xff") == b"\x00", "busy"
        self.q.wait_until(lambda: self.exchange(b"\xff")[0], step_ns=20_000)

    def write(self, n, block):
        self.select(True)
        self.frame(24, self.address(n))
        assert self.response() == READY
        self.write_block(0xFE, block)
        self.release()


def image(path, size=SIZE):
    with open(path, "wb") as f:
        f.truncate(size)
        for n in range(16):
            f.seek(n * 512)
            f.write(sector(n))
    return path


def drive(path):
    return "-drive", f"if=sd,format=raw,file={path}"


@pytest.fixture
def picture(tmp_path):
    return image(tmp_path / "card")


@pytest.fixture
def card(picture):
    with QTest(*drive(picture)) as q:
        card = Card(q)
        card.start()
        yield card


@pytest.mark.parametrize("board", PADS)
def test_start_and_read(picture, board):
    with QTest(*drive(picture), board=board) as q:
        card = Card(q, board)
        card.start()
        assert not card.high_capacity
        assert card.read(3) == sector(3)
        assert len(card.read_register(9)) == 16
        assert card.read_register(10)[3:8].strip(), "product name"


def test_card_on_spi0(picture):
    """The slot's pads are free: some programs use the LCD's controller for the card, too."""
    with QTest(*drive(picture)) as q:
        card = Card(q, controller=0)
        card.start()
        assert card.read(3) == sector(3)
        map_pad(q, PADS["maix_bit"][2], 0, OUT)
        card.select(True)
        card.exchange(bytes([0x40 | 17, 0, 0, 2, 0]))  # the pad has another function: nobody hears this
        map_pad(q, PADS["maix_bit"][2], 4, OUT)
        assert card.read(4) == sector(4)


def test_high_capacity_card_counts_in_sectors(tmp_path):
    with QTest(*drive(image(tmp_path / "big", 4 << 30))) as q:
        card = Card(q)
        card.start()
        assert card.high_capacity
        assert card.read(5) == sector(5)
        csd = card.read_register(9)
        assert csd[0] >> 6 == 1
        assert (int.from_bytes(csd[7:10], "big") & 0x3F_FFFF) + 1 == 4 << 30 >> 19


def test_data_carries_its_crc(card):
    card.select(True)
    card.frame(17, 0)
    assert card.response() == READY
    block, crc = card.data(512)
    value = 0
    for byte in block:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    assert crc == value.to_bytes(2, "big")


def test_several_sectors_until_cmd12(card):
    card.select(True)
    card.frame(18, 0)
    assert card.response() == READY
    assert [card.data(512)[0] for _ in range(3)] == [sector(n) for n in range(3)]
    card.frame(12)
    assert card.response() == READY
    card.release()
    assert card.read(9) == sector(9)


def test_write_a_sector(card, picture):
    new = bytes(range(255, -1, -1)) * 2
    card.write(2, new)
    assert card.read(2) == new and card.read(1) == sector(1) and card.read(3) == sector(3)
    assert picture.read_bytes()[1024:1536] == new


@pytest.mark.parametrize("stop", [True, False], ids=["stop token", "no stop token"])
def test_write_several_sectors(card, stop):
    """MaixPy announces the number by CMD23 without CMD55 and never sends the stop token."""
    card.command(23, 2)
    card.select(True)
    card.frame(25, card.address(4))
    assert card.response() == READY
    card.write_block(0xFC, sector(100))
    card.write_block(0xFC, sector(101))
    if stop:
        card.exchange(b"\xfd\xff")
        card.q.wait_until(lambda: card.exchange(b"\xff")[0], step_ns=20_000)
    card.release()
    assert [card.read(n) for n in range(3, 7)] == [sector(3), sector(100), sector(101), sector(6)]


def test_wrong_crc_is_refused_where_it_counts(card):
    assert card.command(8, 0x1AA, 0x01) & 0x08
    assert card.command(13) == READY, "elsewhere it is not looked at"
    assert card.command(59, 1) == READY
    assert card.command(13) & 0x08, "until CMD59"


def test_illegal_command_and_half_a_command(card):
    assert card.command(60) & ILLEGAL
    card.select(True)
    card.exchange(b"\x51\x00")
    card.release()
    assert card.read(1) == sector(1)


def test_nothing_answers_before_cmd0(picture):
    with QTest(*drive(picture)) as q:
        card = Card(q)
        assert card.command(58) is None
        assert card.command(0, 0, 0x95) == IDLE


def test_deselected_card_is_not_disturbed(card):
    card.exchange(b"\x40\x00\x00\x00\x00\x95")
    assert card.command(13) == READY, "that CMD0 was for somebody else"


def test_response_waits_for_the_next_selection(card):
    """Controllers that drive the select pad themselves raise it after every transfer."""

    def transfer(data):
        card.select(True)
        got = card.exchange(data)
        card.select(False)
        return got

    transfer(b"\x51" + card.address(3).to_bytes(4, "big") + b"\x01")
    answers = [transfer(b"\xff")[0] for _ in range(16)]
    assert [a for a in answers if a != 0xFF][:2] == [READY, 0xFE]
    data = bytes(answers[answers.index(0xFE) + 1 :])
    while len(data) < 512:
        data += transfer(b"\xff" * 16)
    assert data[:512] == sector(3)


def test_voltages_before_initialisation(picture):
    with QTest(*drive(picture)) as q:
        card = Card(q)
        assert card.command(0, 0, 0x95) == IDLE
        assert card.command(58, more=4) == (IDLE, b"\x00\xff\x80\x00")


def test_put_in_take_out(picture, tmp_path):
    with QTest() as q:
        card = Card(q)
        assert card.command(0, 0, 0x95) is None, "the slot is empty"
        q.qmp("blockdev-change-medium", id="/machine/sd/card", filename=str(picture), format="raw")
        card.start()
        assert card.read(1) == sector(1)
        q.qmp("eject", id="/machine/sd/card")
        assert card.command(13) is None
        other = image(tmp_path / "other", 4 << 30)
        q.qmp("blockdev-change-medium", id="/machine/sd/card", filename=str(other), format="raw")
        assert card.command(13) is None, "the new card is not in SPI mode"
        card.start()
        assert card.high_capacity and card.read(4) == sector(4)
