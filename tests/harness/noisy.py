# SPDX-License-Identifier: MIT
"""A serial line on which a word of the board turns into what a wrong baud rate makes of it."""

import contextlib
import socket
import threading

TRIGGER = b"(ten bad bytes)"
NOISE = bytes.fromhex("f8 00 e0 fe 80 9c ff 06 c0 f3")


class NoisyLine:
    """A TCP proxy to a board; a board that prints TRIGGER is heard as NOISE."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                board = socket.create_connection(("127.0.0.1", self._target), timeout=5)
                board.settimeout(None)
                threading.Thread(target=self._copy, args=(client, board, False), daemon=True).start()
                self._copy(board, client, True)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket, noisy: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                if noisy and TRIGGER[:1] in data:
                    # The whole word may come in several pieces.
                    while len(data) - data.rindex(TRIGGER[:1]) < len(TRIGGER) and (more := source.recv(4096)):
                        data += more
                    data = data.replace(TRIGGER, NOISE)
                target.sendall(data)
        for end in (source, target):
            end.close()

    def close(self) -> None:
        self._server.close()
