# SPDX-License-Identifier: MIT
"""hashlib, cryptolib and Maix.FFT: the accelerators against software, published vectors and numpy."""

import hashlib

import numpy as np
import pytest

from k210.board import Board
from k210.errors import ScriptError

LENGTHS = (0, 1, 55, 56, 63, 64, 65, 119, 120, 255, 256, 257, 4095, 4096, 4097, 8192, 10000)


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
def test_digests(board: Board, kind: str) -> None:
    """In one piece (sha256: hardware from 256 bytes), in three pieces, from an odd address."""
    code = f"""
from hashlib import {kind} as h
data = memoryview(bytes(i * 31 & 255 for i in range(10003)))[3:]
for n in {LENGTHS}:
    m = data[:n]
    a, b = h(m), h()
    b.update(m[:n // 3])
    b.update(m[n // 3:n // 2])
    b.update(m[n // 2:])
    a, b = a.digest(), b.digest()
    print(a.hex(), a == b)
"""
    data = bytes(i * 31 & 255 for i in range(10003))[3:]
    assert board.exec(code).splitlines() == [f"{hashlib.new(kind, data[:n]).hexdigest()} True" for n in LENGTHS]


def test_digest_is_of_the_data_at_its_time(board: Board) -> None:
    code = """
import hashlib, uhashlib
b = bytearray(1000)
h = hashlib.sha256(b)
b[0] = 1
print(h.digest() == hashlib.sha256(bytes(1000)).digest())
print(hashlib.sha256().calculate_hard(b) == hashlib.sha256(b).digest() == uhashlib.sha256(bytes(b)).digest())
h = hashlib.sha256(b'1')
h.digest()
print(h.digest() == hashlib.sha256(b'1').digest())
try:
    h.update(b'2')
except ValueError as e:
    print(e)
"""
    assert board.exec(code) == "True\nTrue\nTrue\nhash is final\n"


@pytest.mark.k210(icount=True)
def test_accelerators_are_much_faster_than_software(board: Board) -> None:
    code = """
import hashlib, cryptolib, time
data = bytes(range(256)) * 4096
out = bytearray(len(data))
key = bytes(16)
def us(f):
    t = time.ticks_us()
    r = f()
    return time.ticks_diff(time.ticks_us(), t), r
def in_pieces():
    h = hashlib.sha256(b'')
    h.update(data[:64])
    h.update(memoryview(data)[64:])
    return h.digest()
(a, x), (b, y) = us(lambda: hashlib.sha256(data).digest()), us(in_pieces)
print(a, b, x == y)
a, _ = us(lambda: cryptolib.aes(key, 2, key).encrypt(data, out))
x = hashlib.sha256(out).digest()
b, _ = us(lambda: cryptolib.aes(key, 2, key, hard=False).encrypt(data, out))
print(a, b, x == hashlib.sha256(out).digest())
"""
    for line in board.exec(code, timeout=120).splitlines():
        hard, soft, same = line.split()
        assert same == "True"
        assert 5 * int(hard) < int(soft)


def test_aes_vectors(board: Board) -> None:
    """FIPS 197 appendix C, SP 800-38A F.2.5 (first block), the second case of the GCM specification."""
    code = """
import ucryptolib as c
text = bytes.fromhex('00112233445566778899aabbccddeeff')
for n in (16, 24, 32):
    print(c.aes(bytes(range(n)), c.MODE_ECB).encrypt(text).hex())
key = bytes.fromhex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4')
print(c.aes(key, c.MODE_CBC, bytes(range(16))).encrypt(bytes.fromhex('6bc1bee22e409f96e93d7e117393172a')).hex())
g = c.aes(bytes(16), c.MODE_GCM, bytes(12))
print(g.encrypt(bytes(16)).hex(), g.tag().hex())
print(g.decrypt(g.encrypt(b'twenty bytes of text')), g.encrypt(b''), g.tag().hex())
a = c.aes(bytes(16), c.MODE_GCM, bytes(12), b'header')
b = c.aes(bytes(16), c.MODE_GCM, bytes(12), b'Header')
print(a.encrypt(bytes(500)) == b.encrypt(bytes(500)), a.tag() == b.tag())
"""
    assert board.exec(code).splitlines() == [
        "69c4e0d86a7b0430d8cdb78070b4c55a",
        "dda97ca4864cdfe06eaf70a0ec0d7191",
        "8ea2b7ca516745bfeafc49904b496089",
        "f58c4c04d6e5f1ba779eabfb5f7bfbd6",
        "0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf",
        "b'twenty bytes of text' b'' 58e2fccefa7e3061367f1d57a4e7455a",
        "True False",
    ]


def test_hardware_is_equal_to_software(board: Board) -> None:
    """All key lengths and modes; short texts are polled, long ones go by DMA; two calls go on from each other."""
    code = """
from cryptolib import aes
data = bytes(i * 13 & 255 for i in range(9221))
iv = bytes(range(1, 17))
ok = 0
for k in (16, 24, 32):
    key = data[100:100 + k]
    for mode in (2, 3, 6):
        for n in (16, 240, 256, 4096, 4112, 9216):
            new = lambda hard: aes(key, mode, iv if mode != 3 else None, hard=hard)
            p, a, s = data[5:5 + n], new(True), new(False)
            x = a.encrypt(p) + a.encrypt(p)
            assert x == s.encrypt(p) + s.encrypt(p), (k, mode, n)
            assert new(True).decrypt(x) == p + p == new(False).decrypt(x), (k, mode, n)
            place = bytearray(p)
            assert new(True).encrypt(place, place) is place and place == x[:n], (k, mode, n)
            ok += 1
c = aes(data[:16], 6, iv)
parts = b''.join(c.encrypt(data[i:i + 7]) for i in range(0, 700, 7))
print(ok, parts == aes(data[:16], 6, iv).encrypt(data[:700]))
"""
    assert board.exec(code) == "54 True\n"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("aes(bytes(15), 1)", "key"),
        ("aes(bytes(16), 4)", "mode"),
        ("aes(bytes(16), 2)", "IV"),
        ("aes(bytes(16), 2, bytes(12))", "IV"),
        ("aes(bytes(16), 1, bytes(16))", "IV"),
        ("aes(bytes(16), 1).encrypt(b'15 bytes of text')[:0] or aes(bytes(16), 1).encrypt(b'1')", "blksize % 16"),
        ("aes(bytes(16), 1).encrypt(bytes(16), bytearray(15))", "output too small"),
        ("a = aes(bytes(16), 2, bytes(16)); a.encrypt(bytes(16)); a.decrypt(bytes(16))", "can't encrypt & decrypt"),
        ("aes(bytes(16), 1).tag()", "MODE_GCM only"),
    ],
)
def test_errors(board: Board, call: str, message: str) -> None:
    with pytest.raises(ScriptError, match=f"ValueError: .*{message}"):
        board.exec(f"from cryptolib import aes\n{call}")


@pytest.mark.parametrize("points", [64, 128, 256, 512])
def test_fft_agrees_with_numpy(board: Board, points: int) -> None:
    stages = points.bit_length() - 1
    code = f"""
from Maix import FFT
import math, struct
n = {points}
x = [int(9000 * math.sin(2 * math.pi * 5 * i / n) + 3000 * math.cos(2 * math.pi * 20 * i / n)) for i in range(n)]
data = b''.join(struct.pack('<hh', v, 0) for v in x)
print(FFT.run(data, n, (1 << {stages}) - 1))
print(FFT.amplitude([(3, 4), (-6, 8)]), FFT.freq(n, 16000)[:3], len(FFT.freq(n)))
"""
    lines = board.exec(code).splitlines()
    i = np.arange(points)
    x = np.trunc(9000 * np.sin(2 * np.pi * 5 * i / points) + 3000 * np.cos(2 * np.pi * 20 * i / points))
    wanted = np.fft.fft(x) / points
    got = np.array([complex(*pair) for pair in eval(lines[0])])
    assert np.abs(got - wanted).max() < 12
    assert lines[1] == f"[5, 10] [0, {16000 // points}, {32000 // points}] {points}"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("FFT.run(bytes(256), 100)", "invalid points"),
        ("FFT.run(5, 64)", "invalid byte"),
        ("FFT.run(bytes(255), 64)", "multiple of 4"),
        ("FFT.run(bytes(256), 64, 512)", "invalid shift"),
        ("FFT.amplitude((1, 2))", "obj is not a list"),
        ("FFT.freq(65)", "invalid points"),
    ],
)
def test_fft_errors(board: Board, call: str, message: str) -> None:
    with pytest.raises(ScriptError, match=f"ValueError: .*{message}"):
        board.exec(f"from Maix import FFT\n{call}")


def test_fft_pads_short_data(board: Board) -> None:
    assert board.exec("from Maix import FFT\nprint(len(FFT.run(bytes(40), 64)))") == "[MAIXPY]FFT:Zero padding\n64\n"
