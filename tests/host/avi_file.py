# SPDX-License-Identifier: MIT
"""AVI files for the tests: a writer of our own for what no library here writes (sound), and a reader that checks."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field

from PIL import Image


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)


def listed(name: bytes, *parts: bytes) -> bytes:
    return chunk(b"LIST", name + b"".join(parts))


def jpeg(picture: Image.Image, quality: int = 75) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


@dataclass
class Film:
    """pictures: JPEG files; sound: PCM bytes, cut into one piece per picture."""

    pictures: list[bytes]
    size: tuple[int, int]
    scale: int = 1
    rate: int = 10
    sound: bytes = b""
    channels: int = 2
    bits: int = 16
    sample_rate: int = 16000
    codec: bytes = b"MJPG"
    sound_format: int = 1
    extra: bytes = b""  # between hdrl and movi
    rec: bool = False  # 'rec ' lists
    replace: dict[str, int] = field(default_factory=dict)

    def headers(self) -> bytes:
        w, h = self.size
        block = self.channels * self.bits // 8
        us = self.replace.get("us", 1000000 * self.scale // self.rate)
        count = self.replace.get("frames", len(self.pictures))
        streams = 2 if self.sound else 1
        avih = struct.pack("<14I", us, 0, 0, 0x10, count, 0, streams, 0, w, h, 0, 0, 0, 0)
        scale, rate = self.replace.get("scale", self.scale), self.replace.get("rate", self.rate)
        strh = struct.pack(
            "<4s4sIHHIIIIIIiIhhhh", b"vids", self.codec, 0, 0, 0, 0, scale, rate, 0, count, 0, -1, 0, 0, 0, w, h
        )
        strf = struct.pack("<IiiHH4sIiiII", 40, w, h, 1, 24, self.codec, w * h * 3, 0, 0, 0, 0)
        parts = [chunk(b"avih", avih), listed(b"strl", chunk(b"strh", strh), chunk(b"strf", strf))]
        if self.sound:
            sound_rate = self.sample_rate * block
            strh = struct.pack(
                "<4sIIHHIIIIIIiIhhhh",
                b"auds",
                0,
                0,
                0,
                0,
                0,
                block,
                sound_rate,
                0,
                len(self.sound) // block,
                0,
                -1,
                block,
                0,
                0,
                0,
                0,
            )
            strf = struct.pack(
                "<HHIIHH", self.sound_format, self.channels, self.sample_rate, sound_rate, block, self.bits
            )
            parts.append(listed(b"strl", chunk(b"strh", strh), chunk(b"strf", strf)))
        return listed(b"hdrl", *parts)

    def chunks(self) -> list[bytes]:
        block = self.channels * self.bits // 8
        each = -(-len(self.sound) // block // len(self.pictures)) * block
        out = []
        for i, picture in enumerate(self.pictures):
            out.append(chunk(b"00dc", picture))
            piece = self.sound[i * each : (i + 1) * each]
            if piece:
                out.append(chunk(b"01wb", piece))
        return out

    def bytes(self) -> bytes:
        chunks = self.chunks()
        at, index = 4, b""
        for c in chunks:
            index += c[:4] + struct.pack("<III", 0x10, at, struct.unpack_from("<I", c, 4)[0])
            at += len(c)
        movi = listed(b"movi", *([listed(b"rec ", c) for c in chunks] if self.rec else chunks))
        body = self.headers() + self.extra + movi + (b"" if self.rec else chunk(b"idx1", index))
        return b"RIFF" + struct.pack("<I", len(body) + 4) + b"AVI " + body


@dataclass
class Parsed:
    frames: list[bytes]
    sound: bytes
    avih: tuple[int, ...]
    video: tuple[int, ...]  # strh from scale on: scale, rate, start, length, suggested, quality, sample size
    format: tuple[int, ...]  # of the sound


def parse(data: bytes) -> Parsed:
    """A finished AVI file; every size and every entry of the index is checked."""
    assert data[:4] == b"RIFF" and data[8:12] == b"AVI "
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    out = Parsed([], b"", (), (), ())
    places: list[tuple[bytes, int, int]] = []
    kind = b""

    def walk(at: int, end: int) -> None:
        nonlocal kind
        while at < end:
            name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
            body = data[at + 8 : at + 8 + size]
            assert at + 8 + size <= end, (name, at, size, end)
            if name == b"LIST":
                walk(at + 12, at + 8 + size)
            elif name == b"avih":
                out.avih = struct.unpack("<14I", body)
            elif name == b"strh":
                kind = body[:4]
                if kind == b"vids":
                    out.video = struct.unpack_from("<7I", body, 20)
            elif name == b"strf" and kind == b"auds":
                out.format = struct.unpack_from("<HHIIHH", body)
            elif name == b"00dc":
                places.append((name, at, size))
                out.frames.append(body)
            elif name == b"01wb":
                places.append((name, at, size))
                out.sound += body
            elif name == b"idx1":
                movi = data.index(b"movi")
                entries = [struct.unpack_from("<4sIII", body, i) for i in range(0, size, 16)]
                assert [(n, movi + off, length) for n, _, off, length in entries] == places
            at += 8 + size + (size & 1)
        assert at == end or at == end + 1

    walk(12, len(data))
    assert data[data.index(b"idx1") :]
    return out
