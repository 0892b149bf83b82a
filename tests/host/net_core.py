# SPDX-License-Identifier: MIT
"""The cores of modules/network on the host, with the modules' models at the other end of the line."""

from __future__ import annotations

import ctypes as ct
import os
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from k210.netmodel import AtModule, NinaModule
from k210.netmodel.server import Watcher

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build" / "tests" / "net"
MODULE = ROOT / "modules" / "network"
CORE = [MODULE / f"{name}.c" for name in ("net", "at", "esp_at", "nina", "esp_nina")]
CFLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Wpointer-arith", "-Werror", "-g", f"-I{MODULE}"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]


class Peer(ct.Structure):
    _fields_ = [("ip", ct.c_uint8 * 4), ("port", ct.c_uint16)]


class AccessPoint(ct.Structure):
    _fields_ = [
        ("ssid", ct.c_char * 33),
        ("bssid", ct.c_uint8 * 6),
        ("channel", ct.c_uint8),
        ("security", ct.c_uint8),
        ("rssi", ct.c_int),
    ]


READ = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.POINTER(ct.c_uint8), ct.c_size_t)
WRITE = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.POINTER(ct.c_uint8), ct.c_size_t)
TICKS = ct.CFUNCTYPE(ct.c_uint32, ct.c_void_p)
READY = ct.CFUNCTYPE(ct.c_int, ct.c_void_p)
SELECT = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_int)
TRANSFER = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_void_p, ct.c_void_p, ct.c_size_t)
IDLE = ct.CFUNCTYPE(None, ct.c_void_p)


def compile_c(out: Path, sources: list[Path], flags: list[str]) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    newest = max(p.stat().st_mtime for p in [*sources, *MODULE.glob("*.h")])
    if not out.exists() or out.stat().st_mtime < newest:
        new = out.with_name(f"{out.name}.{os.getpid()}")
        cc = os.environ.get("CC", "gcc").split()
        subprocess.run([*cc, *CFLAGS, *flags, *map(str, sources), "-o", str(new)], check=True)
        new.replace(out)
    return out


@cache
def library() -> ct.CDLL:
    lib = ct.CDLL(str(compile_c(BUILD / "libnet.so", [*CORE, HERE / "net_host.c"], ["-O1", "-shared", "-fPIC"])))
    lib.host_at_new.restype = ct.c_void_p
    lib.host_at_new.argtypes = [READ, WRITE, TICKS, IDLE, ct.c_int]
    lib.host_at_reply.restype = ct.c_char_p
    lib.host_nina_new.restype = ct.c_void_p
    lib.host_nina_new.argtypes = [READY, SELECT, TRANSFER, TICKS, IDLE]
    return lib


class Host:
    """What both drivers' hosts do alike."""

    prefix = ""
    now = 0

    def call(self, name: str, *arguments: object) -> int:
        return getattr(self.lib, f"host_{self.prefix}_{name}")(self._h, *arguments)

    def peer(self, port: int, ip: tuple[int, int, int, int] = (127, 0, 0, 1)) -> object:
        return ct.byref(Peer((ct.c_uint8 * 4)(*ip), port))

    def wait(self, what: Callable[[], int], timeout: float = 10.0) -> int:
        """Asks again and again, as net_nic.c does, until the answer is not -EAGAIN."""
        deadline = time.monotonic() + timeout
        while True:
            result = what()
            if result != -11:
                return result
            assert time.monotonic() < deadline, "still -EAGAIN"
            self._idle(None)

    def recv(self, link: int, size: int = 1000) -> tuple[int, bytes]:
        data = (ct.c_uint8 * size)()
        peer = Peer()
        n = self.wait(lambda: self.call("recv", link, data, ct.c_size_t(size), ct.byref(peer)))
        self.last_peer = (tuple(peer.ip), peer.port)
        return n, bytes(data[: max(n, 0)])

    def recv_all(self, link: int, size: int = 1000) -> bytes:
        result = b""
        while True:
            n, data = self.recv(link, size)
            assert n >= 0, n
            if n == 0:
                return result
            result += data

    def send(self, link: int, data: bytes, to: object = None) -> int:
        return self.call("send", link, data, ct.c_size_t(len(data)), to)


class NinaHost(Host):
    """The ESP32's driver, and the model behind an SPI without bus: select, ready and whole frames."""

    prefix = "nina"

    def __init__(self, module: NinaModule | None = None) -> None:
        self.lib = library()
        self.module = module or NinaModule()
        self.watcher = Watcher()
        self.module.attach(lambda data: None, self.watcher)
        self.selected = False
        self.command = bytearray()
        self.reply: bytes | None = None
        self.dead = False
        self._callbacks = (
            READY(lambda _: int(not self.selected and not self.dead)),
            SELECT(self._select),
            TRANSFER(self._transfer),
            TICKS(lambda _: self.now),
            IDLE(self._idle),
        )
        self._h = ct.c_void_p(self.lib.host_nina_new(*self._callbacks))

    def close(self) -> None:
        self.lib.host_nina_free(self._h)
        self.module.close()
        self.watcher.close()

    def _idle(self, _: object) -> None:
        self.now += 5
        self.watcher.wait(0.0005)

    def _select(self, _: object, on: int) -> None:
        if self.selected and not on:
            if self.reply is None and self.command:
                self.reply = self.module.garble if self.module.garble is not None else None
                self.module.garble = None
                self.reply = self.reply if self.reply is not None else self.module.answer(bytes(self.command))
            elif self.reply is not None:
                self.reply = None
            self.command.clear()
        self.selected = bool(on)

    def _transfer(self, _: object, tx: int | None, rx: int | None, size: int) -> int:
        self.now += 1
        if tx:
            self.command += ct.string_at(tx, size)
        if rx:
            part = (self.reply or b"")[:size]
            self.reply = (self.reply or b"")[size:]
            ct.memmove(rx, part + bytes(size - len(part)), size)
        return 0


class AtHost(Host):
    """The driver, and the model behind a line that loses nothing and brings bytes in portions."""

    prefix = "at"

    def __init__(self, module: AtModule | None = None, blocks: int = 32, portion: int = 1 << 20) -> None:
        self.lib = library()
        self.module = module or AtModule()
        self.blocks = blocks
        self.portion = portion
        self.now = 0
        self.incoming = bytearray()
        self.watcher = Watcher()
        self.module.attach(self._from_module, self.watcher)
        self.on_write: Callable[[bytes], None] | None = None
        self._callbacks = (READ(self._read), WRITE(self._write), TICKS(lambda _: self.now), IDLE(self._idle))
        self._h = ct.c_void_p(self.lib.host_at_new(*self._callbacks, blocks))

    def close(self) -> None:
        self.lib.host_at_free(self._h)
        self.module.close()
        self.watcher.close()

    def _from_module(self, data: bytes) -> None:
        self.incoming += data

    def _read(self, _: object, data: object, size: int) -> int:
        part = bytes(self.incoming[: min(size, self.portion)])
        del self.incoming[: len(part)]
        ct.memmove(data, part, len(part))
        return len(part)

    def _write(self, _: object, data: object, size: int) -> int:
        sent = ct.string_at(data, size)
        if self.on_write:
            self.on_write(sent)
        self.module.feed(sent)
        return 0

    def _idle(self, _: object) -> None:
        self.now += 5
        self.watcher.wait(0.0005)

    def start(self, passive: bool = True) -> int:
        return self.call("start", self.blocks, int(passive))

    def reply(self) -> str:
        return self.lib.host_at_reply(self._h).decode("latin-1")
