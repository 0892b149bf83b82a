# SPDX-License-Identifier: MIT
"""machine.I2S and Maix.I2S: what a microphone hears, what a loudspeaker gets, rates, errors."""

import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from k210.board import Board
from k210.errors import ScriptError

RATE = 16000


def tone(hz: float, seconds: float) -> list[int]:
    return [int(8000 * math.sin(2 * math.pi * hz * i / RATE)) for i in range(int(RATE * seconds))]


@pytest.fixture
def sound(tmp_path: Path, board_with: Callable[..., Board]) -> tuple[Board, Path]:
    """A board that hears a tone of 1 kHz for ever (right: the negative), and a file with what I2S2 plays."""
    with wave.open(str(tmp_path / "in.wav"), "wb") as f:
        f.setnchannels(2)
        f.setsampwidth(2)
        f.setframerate(RATE)
        f.writeframes(b"".join(struct.pack("<hh", v, -v) for v in tone(1000, 0.5)))
    arguments = (
        *("-global", f"k210-i2s.wav-in={tmp_path}/in.wav", "-global", "k210-i2s.wav-loop=on"),
        *("-global", f"k210-i2s.wav-out={tmp_path}/out%d.wav"),
    )
    return board_with(icount=True, qemu_arguments=arguments), tmp_path / "out2.wav"


def played(path: Path) -> list[tuple[int, int]]:
    """The header of a file that is being written counts no frames yet."""
    data = path.read_bytes()[44:]
    return [struct.unpack_from("<hh", data, i) for i in range(0, len(data) - 3, 4)]


@pytest.mark.emulator_only
def test_maixpy_records_and_analyses(sound: tuple[Board, Path]) -> None:
    code = """
from Maix import I2S, FFT
from fpioa_manager import fm
fm.register(20, fm.fpioa.I2S0_IN_D0)
fm.register(19, fm.fpioa.I2S0_WS)
fm.register(18, fm.fpioa.I2S0_SCLK)
rx = I2S(I2S.DEVICE_0)
print(rx.channel_config(rx.CHANNEL_0, rx.RECEIVER, align_mode=I2S.STANDARD_MODE), rx.set_sample_rate(16000))
print(rx)
audio = rx.record(1024)
rx.wait_record()
words = audio.to_bytes()
import struct
left = [struct.unpack_from('<h', words, 8 * i)[0] for i in range(512)]
right = [struct.unpack_from('<h', words, 8 * i + 4)[0] for i in range(512)]
print(len(words), all(a == -b for a, b in zip(left, right)), max(left) > 7900)
mono = b''.join(struct.pack('<hh', v, 0) for v in left)
a = FFT.amplitude(FFT.run(mono, 512, 0x1FF))[:256]
print(FFT.freq(512, 16000)[a.index(max(a))])
"""
    lines = sound[0].exec(code).splitlines()
    assert lines[0] == "True True"
    assert lines[1] == "[MAIXPY]i2s0:(sampling rate=16000, sampling points=1024)"
    assert lines[2] == "[MAIXPY]channle0:(resolution=2, cycles=2, align_mode=1, mode=1)"
    assert lines[-2:] == ["4096 True True", "1000"]


@pytest.mark.emulator_only
def test_maixpy_plays(sound: tuple[Board, Path]) -> None:
    board, path = sound
    code = """
from Maix import I2S, Audio
import struct, time
tx = I2S(I2S.DEVICE_2)
tx.channel_config(tx.CHANNEL_1, tx.TRANSMITTER, resolution=I2S.RESOLUTION_16_BIT, cycles=I2S.SCLK_CYCLES_32)
tx.set_sample_rate(16000)
a = Audio(b''.join(struct.pack('<ii', i & 0xFFFF, -i & 0xFFFF) for i in range(1, 2001)))
t = time.ticks_ms()
tx.play(a)
tx.play(a)
tx.play(Audio(points=1000))
print(time.ticks_diff(time.ticks_ms(), t))
time.sleep_ms(300)
"""
    assert int(board.exec(code)) == pytest.approx(250, abs=5)
    frames = played(path)
    ramp = [(i, -i) for i in range(1, 2001)]
    assert frames[:2000] == ramp
    rest = frames[2000:]
    at = rest.index((1, -1))
    assert at < 40  # silence until the program had the next block
    assert rest[at : at + 2000] == ramp


@pytest.mark.emulator_only
@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("direction", ["RX", "TX"])
def test_micropython_rates(sound: tuple[Board, Path], rate: int, direction: str) -> None:
    code = f"""
from machine import I2S, Pin
import time
i = I2S(2, sck=Pin(30), ws=Pin(31), sd=Pin(32), mode=I2S.{direction}, bits=16, format=I2S.STEREO, rate={rate},
        ibuf=2000)
b = bytearray({rate} // 10 * 4)
f = i.write if I2S.{direction} == I2S.TX else i.readinto
f(b)
t = time.ticks_us()
f(b)
f(b)
print(time.ticks_diff(time.ticks_us(), t))
i.deinit()
"""
    assert int(sound[0].exec(code, timeout=20)) == pytest.approx(200_000, rel=1e-2)


@pytest.mark.emulator_only
def test_micropython_formats_and_callbacks(sound: tuple[Board, Path]) -> None:
    board, path = sound
    code = """
from machine import I2S
import time, struct, asyncio
pins = dict(sck=30, ws=31, sd=32)
r = I2S(0, mode=I2S.RX, bits=32, format=I2S.MONO, rate=16000, ibuf=8000, **pins)
b = bytearray(4000)
print(r.readinto(b), max(struct.unpack('<1000i', b)) > 500000000)
r.deinit()
done = []
r = I2S(0, mode=I2S.RX, bits=16, format=I2S.MONO, rate=16000, ibuf=8000, **pins)
r.irq(lambda i: done.append(time.ticks_ms()))
print(r.readinto(b), done)
time.sleep_ms(300)
print(len(done), max(struct.unpack('<2000h', b)) > 7900)
r.deinit()
t = I2S(2, mode=I2S.TX, bits=16, format=I2S.MONO, rate=16000, ibuf=8000, **pins)
async def main():
    w = asyncio.StreamWriter(t)
    w.write(struct.pack('<1000h', *range(1, 1001)))
    await w.drain()
asyncio.run(main())
time.sleep_ms(200)
t.deinit()
"""
    assert board.exec(code) == "4000 True\n4000 []\n1 True\n"
    frames = played(path)
    start = frames.index((1, 1))
    assert frames[start : start + 1000] == [(i, i) for i in range(1, 1001)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("I2S(3)", r"\[MAIXPY\]I2S3:does not exist"),
        ("I2S(0, sample_points=65537)", "invalid buffer length"),
        ("I2S(0).channel_config(4, I2S.RECEIVER)", "invalid i2s channle"),
        ("I2S(0).channel_config(0, 2)", "invalid mode"),
        ("I2S(0).channel_config(0, I2S.RECEIVER, resolution=6)", "invalid resolution"),
        ("I2S(0).channel_config(0, I2S.RECEIVER, cycles=3)", "invalid cycles"),
        ("I2S(0).channel_config(0, I2S.RECEIVER, align_mode=3)", "invalid align mode"),
        ("I2S(0).set_sample_rate(0)", "invalid sample rate"),
        ("I2S(0).set_sample_rate(5000000)", "invalid sample rate"),
        ("I2S(0).record(100)", "please set sample rate"),
        ("i = I2S(0); i.channel_config(0, I2S.RECEIVER); i.set_sample_rate(8000); i.record(65537)", "Too many points"),
        ("i = I2S(0); i.channel_config(0, I2S.RECEIVER); i.set_sample_rate(8000); i.record(time=1)", "out of bounds"),
        ("i = I2S(0); i.set_sample_rate(8000); i.record(5)", "no channel is a receiver"),
        ("I2S(0).record()", "please input recording points or time"),
        ("machine.I2S(3, **ok)", "does not exist"),
        ("machine.I2S(0, **dict(ok, bits=24))", "invalid bits"),
        ("machine.I2S(0, **dict(ok, rate=0))", "invalid rate"),
        ("machine.I2S(0, **dict(ok, ibuf=0))", "invalid ibuf"),
        ("machine.I2S(0, **dict(ok, sd=5))", "it is used by UARTHS_TX"),
    ],
)
def test_errors(board: Board, call: str, message: str) -> None:
    ok = "ok = dict(sck=30, ws=31, sd=32, mode=0, bits=16, format=0, rate=8000, ibuf=1000)\n"
    with pytest.raises(ScriptError, match=f"ValueError: .*{message}"):
        board.exec(f"import machine\nfrom Maix import I2S\n{ok}{call}")
