# SPDX-License-Identifier: MIT
"""Builds the C core of sound and film for the host and wraps it for the tests."""

from __future__ import annotations

import ctypes as ct
import os
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "tests" / "media"
MODULE = ROOT / "modules" / "media"
CORE = [MODULE / f"{name}.c" for name in ("avi", "avi_write", "wav")]
FUZZ = ROOT / "tests" / "fuzz" / "fuzz_media.c"
CFLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", f"-I{MODULE}"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
ERR_LEN = 120


def build(out: Path, sources: list[Path], flags: list[str]) -> Path:
    """Compiles when something has changed; only a finished file gets the name."""
    deps = [*sources, *MODULE.glob("*.h")]
    if not out.exists() or out.stat().st_mtime < max(p.stat().st_mtime for p in deps):
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = out.with_suffix(f".{os.getpid()}")
        cc = os.environ.get("CC", "gcc").split()
        subprocess.run([*cc, *CFLAGS, *flags, *map(str, sources), "-o", str(partial)], check=True)
        partial.rename(out)
    return out


MoveFn = ct.CFUNCTYPE(ct.c_size_t, ct.c_void_p, ct.c_void_p, ct.c_size_t)
SeekFn = ct.CFUNCTYPE(ct.c_bool, ct.c_void_p, ct.c_uint32)


class Io(ct.Structure):
    _fields_ = [("read", MoveFn), ("write", MoveFn), ("seek", SeekFn), ("size", ct.c_uint32)]


class Format(ct.Structure):
    _fields_ = [
        *((name, ct.c_uint16) for name in ("format", "channels", "block", "bits")),
        *((name, ct.c_uint32) for name in ("rate", "byte_rate")),
    ]


class Wav(ct.Structure):
    _fields_ = [("format", Format), ("data_at", ct.c_uint32), ("data_size", ct.c_uint32)]


class Avi(ct.Structure):
    _fields_ = [
        *((name, ct.c_uint32) for name in ("w", "h", "scale", "rate", "frames")),
        ("video", ct.c_int),
        ("audio", ct.c_int),
        ("sound", Format),
        ("movi_at", ct.c_uint32),
        ("unfinished", ct.c_bool),
    ]


class Cursor(ct.Structure):
    _fields_ = [("io", ct.c_void_p), ("stream", ct.c_int), ("unfinished", ct.c_bool), ("at", ct.c_uint32)]


class Chunk(ct.Structure):
    _fields_ = [("at", ct.c_uint32), ("size", ct.c_uint32)]


class Writer(ct.Structure):
    _fields_ = [
        ("io", ct.c_void_p),
        *(
            (name, ct.c_uint32)
            for name in ("w", "h", "us", "channels", "rate", "pos", "frames", "sound_bytes", "largest")
        ),
        ("index", ct.c_void_p),
        ("entries", ct.c_uint32),
        ("room", ct.c_uint32),
    ]


@cache
def lib() -> ct.CDLL:
    so = ct.CDLL(str(build(BUILD / "libmedia.so", CORE, ["-O1", "-shared", "-fPIC"])))
    so.avi_due_us.restype = ct.c_uint64
    so.avi_due_us.argtypes = [ct.c_void_p, ct.c_uint64]
    return so


class MediaError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class File:
    """Bytes in memory as the core's file. room: how large it may become."""

    def __init__(self, data: bytes = b"", room: int = 1 << 30) -> None:
        self.data, self.pos, self.room = bytearray(data), 0, room
        self.c = Io(MoveFn(self._read), MoveFn(self._write), SeekFn(self._seek), len(data))

    @property
    def ref(self) -> ct.c_void_p:
        return ct.byref(self.c)

    def _read(self, _: int, buf: int, n: int) -> int:
        part = bytes(self.data[self.pos : self.pos + n])
        ct.memmove(buf, part, len(part))
        self.pos += len(part)
        return len(part)

    def _write(self, _: int, buf: int, n: int) -> int:
        n = min(n, max(self.room - self.pos, 0))
        self.data[self.pos : self.pos + n] = ct.string_at(buf, n)
        self.pos += n
        return n

    def _seek(self, _: int, pos: int) -> bool:
        self.pos = pos
        return True


def call(function: str, *args: object) -> int:
    err = ct.create_string_buffer(ERR_LEN)
    ret = getattr(lib(), function)(*args, err)
    if ret < 0:
        assert err.value
        raise MediaError(ret, err.value.decode())
    return ret


def wav_open(data: bytes) -> Wav:
    info, f = Wav(), File(data)
    call("wav_open", f.ref, ct.byref(info))
    return info


def avi_open(data: bytes) -> tuple[Avi, File]:
    info, f = Avi(), File(data)
    call("avi_open", f.ref, ct.byref(info))
    return info, f


def chunks(info: Avi, f: File, stream: int) -> list[bytes]:
    cursor, chunk, out = Cursor(), Chunk(), []
    lib().avi_rewind(ct.byref(cursor), f.ref, ct.byref(info), stream)
    while call("avi_next", ct.byref(cursor), ct.byref(chunk)):
        out.append(bytes(f.data[chunk.at : chunk.at + chunk.size]))
    return out
