# SPDX-License-Identifier: MIT
"""AES against Python's cryptography and published vectors, in the vendor driver's register sequence."""

import struct

import dma
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from qtest import QTest

BASE, SYSCTL = 0x50450000, 0x50440000
KEY, ENCRYPT_SEL, MODE_CTL, IV, ENDIAN, FINISH, DMA_SEL = 0x00, 0x10, 0x14, 0x18, 0x28, 0x2C, 0x30
AAD_NUM, PC_NUM, TEXT, AAD, TAG_CHK, IN_FLAG, IN_TAG = 0x34, 0x3C, 0x40, 0x44, 0x48, 0x4C, 0x50
OUT, EN, OUT_FLAG, TAG_FLAG, TAG_CLEAR, OUT_TAG, KEY_EXT = 0x60, 0x64, 0x68, 0x6C, 0x70, 0x74, 0x84
ECB, CBC, GCM = 0, 1, 2
SIZES = [16, 24, 32]


@pytest.fixture
def q():
    with QTest() as q:
        yield q


def pattern(n, seed):
    return bytes((seed + 31 * i + (i * i >> 3)) & 0xFF for i in range(n))


def setup(q, mode, key, iv, text_bytes, aad_bytes=0, decrypt=False):
    """What the driver does from the reset pulse to EN."""
    q.setbits(SYSCTL + 0x34, 1 << 19)
    q.clearbits(SYSCTL + 0x34, 1 << 19)
    q.setbits(BASE + ENDIAN, 1)
    n = len(key)
    for i in range(n // 4):
        (word,) = struct.unpack("<I", key[n - 4 * i - 4 : n - 4 * i])
        q.writel(BASE + (KEY + 4 * i if i < 4 else KEY_EXT + 4 * (i - 4)), word)
    for i in range(len(iv) // 4):
        (word,) = struct.unpack("<I", iv[len(iv) - 4 * i - 4 : len(iv) - 4 * i])
        q.writel(BASE + IV + 4 * i, word)
    q.writel(BASE + MODE_CTL, (q.readl(BASE + MODE_CTL) & ~0x18) | (n // 8 - 2) << 3)
    q.writel(BASE + MODE_CTL, (q.readl(BASE + MODE_CTL) & ~7) | mode)
    q.writel(BASE + ENCRYPT_SEL, decrypt)
    q.writel(BASE + AAD_NUM, aad_bytes - 1)
    q.writel(BASE + PC_NUM, text_bytes - 1)
    q.setbits(BASE + EN, 1)


def words(data):
    return [w for (w,) in struct.iter_unpack("<I", data + bytes(-len(data) % 4))]


def cpu_text(q, data, chunk=80):
    """At most 80 bytes go in before as many come out."""
    out = b""
    for i in range(0, len(data), chunk):
        piece = words(data[i : i + chunk])
        for w in piece:
            assert q.readl(BASE + IN_FLAG) == 1
            q.writel(BASE + TEXT, w)
        for _ in piece:
            assert q.readl(BASE + OUT_FLAG) == 1
            out += struct.pack("<I", q.readl(BASE + OUT))
    assert q.readl(BASE + OUT_FLAG) == 0
    return out[: len(data)]


def tag_step(q, tag):
    """Writes the expected tag; returns TAG_CHK (1 mismatch, 2 match)."""
    assert q.readl(BASE + TAG_FLAG) == 1
    for i in range(4):
        q.writel(BASE + IN_TAG + 4 * i, struct.unpack(">I", tag[12 - 4 * i : 16 - 4 * i])[0])
    result = q.readl(BASE + TAG_CHK)
    q.writel(BASE + TAG_CLEAR, 0)
    assert q.readl(BASE + TAG_CHK) == 0
    return result


def out_tag(q):
    return b"".join(struct.pack(">I", q.readl(BASE + OUT_TAG + 4 * (3 - i))) for i in range(4))


def reference(mode, key, iv, data, decrypt):
    cipher = Cipher(algorithms.AES(key), modes.ECB() if mode == ECB else modes.CBC(iv))
    engine = cipher.decryptor() if decrypt else cipher.encryptor()
    return engine.update(data) + engine.finalize()


@pytest.mark.parametrize("decrypt", [False, True])
@pytest.mark.parametrize("mode", [ECB, CBC])
@pytest.mark.parametrize("size", SIZES)
def test_ecb_and_cbc(q, mode, size, decrypt):
    key, iv, data = pattern(size, 3), pattern(16, 90), pattern(16 * 21, 17)
    setup(q, mode, key, iv if mode == CBC else b"", len(data), decrypt=decrypt)
    assert q.readl(BASE + FINISH) == 0
    assert cpu_text(q, data) == reference(mode, key, iv, data, decrypt)
    assert q.readl(BASE + FINISH) == 1


def test_fips_197_vector(q):
    key = bytes(range(16))
    setup(q, ECB, key, b"", 16)
    assert cpu_text(q, bytes.fromhex("00112233445566778899aabbccddeeff")).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


@pytest.mark.parametrize("decrypt", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text_bytes, aad_bytes", [(64, 20), (33, 0), (7, 5), (160, 16), (100, 33)])
def test_gcm(q, size, text_bytes, aad_bytes, decrypt):
    key, iv = pattern(size, 5), pattern(12, 60)
    plain, aad = pattern(text_bytes, 1), pattern(aad_bytes, 200)
    sealed = AESGCM(key).encrypt(iv, plain, aad)
    cipher, tag = sealed[:-16], sealed[-16:]
    setup(q, GCM, key, iv, text_bytes, aad_bytes, decrypt)
    for w in words(aad):
        assert q.readl(BASE + IN_FLAG) == 1
        q.writel(BASE + AAD, w)
    assert cpu_text(q, cipher if decrypt else plain) == (plain if decrypt else cipher)
    assert out_tag(q) == tag
    assert q.readl(BASE + FINISH) == 0
    assert tag_step(q, tag) == 2
    assert q.readl(BASE + FINISH) == 1


def test_gcm_wrong_tag(q):
    setup(q, GCM, bytes(16), bytes(12), 16)
    cpu_text(q, bytes(16))
    assert out_tag(q).hex() == "ab6e47d42cec13bdf53a67b21257bddf"  # test case 2 of the GCM paper
    assert tag_step(q, bytes(16)) == 1


def test_gcm_authenticates_aad_alone(q):
    key, iv, aad = pattern(16, 5), pattern(12, 60), pattern(24, 8)
    setup(q, GCM, key, iv, 0, len(aad))
    for w in words(aad):
        q.writel(BASE + AAD, w)
    assert tag_step(q, AESGCM(key).encrypt(iv, b"", aad)) == 2


def test_twenty_words_fit_before_the_first_read(q):
    setup(q, ECB, bytes(16), b"", 160)
    for i in range(20):
        assert q.readl(BASE + IN_FLAG) == 1
        q.writel(BASE + TEXT, i)
    assert q.readl(BASE + OUT_FLAG) == 1


@pytest.mark.parametrize("mode", [ECB, CBC, GCM])
@pytest.mark.parametrize("text_bytes", [16, 80, 4096, 60_000])
def test_dma(q, mode, text_bytes):
    """Output by handshake 20 is started first, then the input as a memory write stream."""
    key, iv, data = pattern(16, 9), pattern(12 if mode == GCM else 16, 2), pattern(text_bytes, 77)
    setup(q, mode, key, b"" if mode == ECB else iv, text_bytes)
    q.write(0x80010000, data)
    q.writel(BASE + DMA_SEL, 1)
    dma.start(q, 1, BASE + OUT, 0x80040000, text_bytes // 4, request=20, kind=dma.PER_MEM, msize=4)
    dma.start(q, 0, 0x80010000, BASE + TEXT, text_bytes // 4, request=None, kind=dma.MEM_MEM, msize=4)
    dma.wait(q, 0)
    dma.wait(q, 1)
    expected = AESGCM(key).encrypt(iv, data, b"") if mode == GCM else reference(mode, key, iv, data, False)
    assert q.read(0x80040000, text_bytes) == expected[:text_bytes]
    if mode == GCM:
        assert tag_step(q, expected[-16:]) == 2
    assert q.readl(BASE + FINISH) == 1


def test_misuse_is_reported():
    with QTest("-d", "guest_errors") as q:
        q.readl(BASE + OUT)
        assert "OUT_DATA read while DATA_OUT_FLAG is 0" in q.log
        q.writel(BASE + TEXT, 0)
        assert "text while no operation runs" in q.log
        setup(q, ECB, bytes(16), b"", 160)
        for _ in range(25):
            q.writel(BASE + TEXT, 0)
        assert "text word while DATA_IN_FLAG is 0, lost" in q.log
