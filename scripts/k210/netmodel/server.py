# SPDX-License-Identifier: MIT
"""Runs a module's model: one thread between the emulator's line to the module and the host's sockets."""

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

LINE_BYTES = 4096


class Module(Protocol):
    """What a model offers: it gets bytes of the line, and a chance to act at `due` (seconds of time.monotonic())."""

    due: float | None

    def attach(self, write: Callable[[bytes], None], watcher: "Watcher") -> None: ...
    def feed(self, data: bytes) -> None: ...
    def tick(self) -> None: ...
    def close(self) -> None: ...


class Watcher:
    """Calls back when a socket has something to read."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, s: socket.socket, callback: Callable[[], None]) -> None:
        self._selector.register(s, selectors.EVENT_READ, callback)

    def remove(self, s: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(s)

    def watches(self, s: socket.socket) -> bool:
        try:
            return s in self._selector.get_map()
        except (KeyError, ValueError):
            return False

    def wait(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            # One of the calls before may have taken this socket away, and given its number to another.
            now = self._selector.get_map().get(key.fd)
            if now is not None and now.data is key.data:
                key.data()

    def close(self) -> None:
        self._selector.close()


class ModuleServer:
    """A listening Unix socket for the emulator's character device, with the model behind it."""

    def __init__(self, path: Path, module: Module) -> None:
        self.path = path
        self.module = module
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._wake, self._woken = socket.socketpair()
        self._watcher = Watcher()
        self._line: socket.socket | None = None
        self._ending = False
        self._watcher.add(self._listener, self._accept)
        self._watcher.add(self._woken, self._end)
        module.attach(self._write, self._watcher)
        self._thread = threading.Thread(target=self._run, name="wifi", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._wake.send(b".")
        self._thread.join(5)

    def _accept(self) -> None:
        line, _ = self._listener.accept()
        if self._line is not None:
            self._watcher.remove(self._line)
            self._line.close()
        self._line = line
        self._watcher.add(line, self._read)

    def _read(self) -> None:
        assert self._line is not None
        try:
            data = self._line.recv(LINE_BYTES)
        except OSError:
            data = b""
        if data:
            self.module.feed(data)
        else:
            self._watcher.remove(self._line)
            self._line.close()
            self._line = None

    def _write(self, data: bytes) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.sendall(data)

    def _end(self) -> None:
        self._ending = True

    def _run(self) -> None:

        while not self._ending:
            due = self.module.due
            self._watcher.wait(None if due is None else max(0.0, due - time.monotonic()))
            if self.module.due is not None and time.monotonic() >= self.module.due:
                self.module.tick()
        self.module.close()
        for s in (self._listener, self._line, self._wake, self._woken):
            if s is not None:
                s.close()
        self._watcher.close()
