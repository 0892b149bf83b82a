# SPDX-License-Identifier: MIT
"""An ESP32 with NINA firmware as an SPI slave (Maixduino): whole frames, each behind its length in two bytes.

The emulator's device keeps the chip select and ready lines. A length of 0xFFFF says that the reset line has moved; it
goes back, so that the device can tell answers from before and after.
"""

import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from k210.netmodel.air import AccessPoint, Air
from k210.netmodel.server import Watcher

START, END, ERROR, REPLY = 0xE0, 0xEE, 0xEF, 0x80
RESET = 0xFFFF
SOCKETS = 10
NONE = 255
TCP, UDP = 0, 1
CHUNK = 1500
WINDOW = 5744
IDLE, NO_SSID, CONNECTED, CONNECT_FAILED, DISCONNECTED = 0, 1, 3, 4, 6
LONG = {0x44, 0x45, 0x46}  # commands whose parameters have lengths of 16 bits
LONG_REPLY = {0x45}
ENCRYPTION = {0: 7, 1: 5, 2: 2, 3: 4, 4: 8}  # what the firmware calls the AT firmware's 0..4


@dataclass
class _Socket:
    mode: int
    sock: socket.socket
    remote: tuple[str, int] = ("0.0.0.0", 0)
    server: bool = False
    held: bytearray = field(default_factory=bytearray)
    packets: list[tuple[bytes, tuple[str, int]]] = field(default_factory=list)
    outgoing: bytearray = field(default_factory=bytearray)
    pending: list[socket.socket] = field(default_factory=list)
    ended: bool = False


class NinaModule:
    """One module. Faults, to be set while it runs: `mute` never answers; `garble` replaces the next answer."""

    def __init__(self, air: Air | None = None, version: str = "1.4.0") -> None:
        self.air = air or Air()
        self.version = version
        self.due: float | None = None
        self.mute = False
        self.garble: bytes | None = None
        self.log: list[int] = []
        self.adc = [100, 200, 300, 400, 500, 600]
        self._write: Callable[[bytes], None] = lambda data: None
        self._watcher: Watcher | None = None
        self._in = bytearray()
        self._sockets: dict[int, _Socket] = {}
        self._network: AccessPoint | None = None
        self._status = IDLE
        self._resolved = bytes(4)

    def attach(self, write: Callable[[bytes], None], watcher: Watcher) -> None:
        self._write = write
        self._watcher = watcher

    def tick(self) -> None:
        self.due = None

    def close(self) -> None:
        for n in list(self._sockets):
            self._stop(n)

    def feed(self, data: bytes) -> None:
        self._in += data
        while len(self._in) >= 2:
            size = struct.unpack_from(">H", self._in)[0]
            if size == RESET:
                del self._in[:2]
                self._restart()
                self._write(struct.pack(">H", RESET))
                continue
            if len(self._in) < 2 + size:
                return
            frame = bytes(self._in[2 : 2 + size])
            del self._in[: 2 + size]
            answer = self.answer(frame)
            if self.garble is not None:
                answer, self.garble = self.garble, None
            if not self.mute:
                self._write(struct.pack(">H", len(answer)) + answer)

    def _restart(self) -> None:
        self.close()
        self._network = None
        self._status = IDLE

    def answer(self, frame: bytes) -> bytes:
        """The frame that follows a command."""
        command, parameters = _parse(frame)
        handler = HANDLERS.get(command)
        if parameters is None or handler is None:
            return bytes([ERROR, 0, END])
        self.log.append(command)
        try:
            result = handler(self, parameters)
        except (IndexError, struct.error, KeyError, OSError):
            return bytes([ERROR, 0, END])
        reply = bytearray([START, command | REPLY, len(result)])
        for value in result:
            reply += struct.pack(">H" if command in LONG_REPLY else "B", len(value)) + value
        return bytes(reply) + bytes([END])

    # the network

    def _join(self, ssid: bytes, key: bytes) -> list[bytes]:
        found = self.air.find(ssid.decode("latin-1"))
        if found is None:
            self._network, self._status = None, NO_SSID
        elif not self.air.key_fits(found, key.decode("latin-1")):
            self._network, self._status = None, CONNECT_FAILED
        else:
            self._network, self._status = found, CONNECTED
        return [b"\1"]

    def _set_net(self, p: list[bytes]) -> list[bytes]:
        return self._join(p[0], b"")

    def _set_passphrase(self, p: list[bytes]) -> list[bytes]:
        return self._join(p[0], p[1])

    def _get_status(self, _: list[bytes]) -> list[bytes]:
        return [bytes([self._status])]

    def lose_network(self) -> None:
        """The access point has gone."""
        self._network, self._status = None, DISCONNECTED

    def _disconnect(self, _: list[bytes]) -> list[bytes]:
        self.lose_network()
        return [b"\1"]

    def _get_ip(self, _: list[bytes]) -> list[bytes]:
        up = self._network is not None
        names = (self.air.ip, self.air.netmask, self.air.gateway)
        return [socket.inet_aton(n if up else "0.0.0.0") for n in names]

    def _get_mac(self, _: list[bytes]) -> list[bytes]:
        return [bytes(int(part, 16) for part in reversed(self.air.mac.split(":")))]

    def _get_ssid(self, _: list[bytes]) -> list[bytes]:
        return [self._network.ssid.encode("latin-1") if self._network else b""]

    def _get_bssid(self, _: list[bytes]) -> list[bytes]:
        n = self._network
        return [bytes(int(part, 16) for part in reversed(n.bssid.split(":"))) if n else bytes(6)]

    def _get_rssi(self, _: list[bytes]) -> list[bytes]:
        return [struct.pack("<i", self._network.rssi if self._network else 0)]

    def _get_encryption(self, _: list[bytes]) -> list[bytes]:
        return [bytes([ENCRYPTION[self._network.protection] if self._network else 0])]

    def _start_scan(self, _: list[bytes]) -> list[bytes]:
        return [b"\1"]

    def _scan(self, _: list[bytes]) -> list[bytes]:
        return [n.ssid.encode("latin-1") for n in self.air.networks[:20]]

    def _scanned_rssi(self, p: list[bytes]) -> list[bytes]:
        return [struct.pack("<i", self.air.networks[p[0][0]].rssi)]

    def _scanned_encryption(self, p: list[bytes]) -> list[bytes]:
        return [bytes([ENCRYPTION[self.air.networks[p[0][0]].protection]])]

    def _scanned_bssid(self, p: list[bytes]) -> list[bytes]:
        parts = self.air.networks[p[0][0]].bssid.split(":")
        return [bytes(int(part, 16) for part in reversed(parts))]

    def _scanned_channel(self, p: list[bytes]) -> list[bytes]:
        return [bytes([self.air.networks[p[0][0]].channel])]

    def _request_host(self, p: list[bytes]) -> list[bytes]:
        address = self.air.resolve(p[0].decode("latin-1")) if self._network else None
        self._resolved = socket.inet_aton(address or "255.255.255.255")
        return [bytes([address is not None])]

    def _get_host(self, _: list[bytes]) -> list[bytes]:
        return [self._resolved]

    def _get_version(self, _: list[bytes]) -> list[bytes]:
        return [self.version.encode() + b"\0"]

    def _ping(self, p: list[bytes]) -> list[bytes]:
        return [struct.pack("<h", 9 if self._network and len(p[0]) == 4 else -1)]

    def _get_adc(self, p: list[bytes]) -> list[bytes]:
        return [bytes([channel]) + struct.pack(">H", self.adc[channel]) for channel in p[0]]

    def _soft_reset(self, _: list[bytes]) -> list[bytes]:
        self._restart()
        return [b"\1"]

    # sockets

    def _get_socket(self, _: list[bytes]) -> list[bytes]:
        free = [n for n in range(SOCKETS) if n not in self._sockets]
        return [bytes([free[0] if free else NONE])]

    def _keep(self, n: int, s: _Socket, callback: Callable[[], None]) -> None:
        s.sock.setblocking(False)
        self._sockets[n] = s
        if self._watcher:
            self._watcher.add(s.sock, callback)

    def _start_client(self, p: list[bytes]) -> list[bytes]:
        host = p[0].decode("latin-1") if len(p) == 5 else socket.inet_ntoa(p[0])
        port = struct.unpack(">H", p[-3])[0]
        n, mode = p[-2][0], p[-1][0]
        if not self._network or n >= SOCKETS:
            return []
        if mode == UDP:
            if n not in self._sockets:
                sock = self.air.udp(0)
                if sock is None:
                    return []
                self._keep(n, _Socket(UDP, sock), lambda: self._arrived(n))
            self._sockets[n].remote = (self.air.resolve(host) or "0.0.0.0", port)
            self._sockets[n].outgoing.clear()
            return [b"\1"]
        if n in self._sockets or mode != TCP:
            return []
        sock = self.air.connect(host, port)
        if sock is None:
            return []
        self._keep(n, _Socket(TCP, sock, (self.air.resolve(host) or "", port)), lambda: self._arrived(n))
        return [b"\1"]

    def _start_server(self, p: list[bytes]) -> list[bytes]:
        port = struct.unpack(">H", p[-3])[0]
        n, mode = p[-2][0], p[-1][0]
        if n in self._sockets or n >= SOCKETS:
            return [b"\0"]
        sock = self.air.udp(port) if mode == UDP else self.air.listen(port)
        if sock is None:
            return [b"\0"]
        server = mode == TCP
        self._keep(n, _Socket(mode, sock, server=server), lambda: self._incoming(n) if server else self._arrived(n))
        return [b"\1"]

    def _incoming(self, n: int) -> None:
        try:
            sock, _ = self._sockets[n].sock.accept()
        except OSError:
            return  # it has gone again
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets[n].pending.append(sock)

    def _arrived(self, n: int) -> None:
        s = self._sockets[n]
        try:
            data, peer = s.sock.recvfrom(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data, peer = b"", None
        if s.mode == UDP:
            s.packets.append((data, peer))
            del s.packets[:-8]
            return
        s.held += data
        if (not data or len(s.held) >= WINDOW) and self._watcher:
            self._watcher.remove(s.sock)
        s.ended = s.ended or not data

    def _server_state(self, p: list[bytes]) -> list[bytes]:
        s = self._sockets.get(p[0][0])
        return [bytes([s is not None and s.server])]

    def _client_state(self, p: list[bytes]) -> list[bytes]:
        s = self._sockets.get(p[0][0])
        connected = s is not None and s.mode == TCP and not s.server and (not s.ended or bool(s.held))
        return [bytes([4 if connected else 0])]

    def _available(self, p: list[bytes]) -> list[bytes]:
        s = self._sockets.get(p[0][0])
        value = 0
        if s is not None and s.server:
            value = NONE
            free = [n for n in range(SOCKETS) if n not in self._sockets]
            if s.pending and free:
                sock = s.pending.pop(0)
                n = free[0]
                remote = sock.getpeername()
                self._keep(n, _Socket(TCP, sock, (remote[0], remote[1])), lambda: self._arrived(n))
                value = n
        elif s is not None and s.mode == UDP:
            if not s.held and s.packets:
                data, s.remote = s.packets.pop(0)
                s.held += data
            value = len(s.held)
        elif s is not None:
            value = len(s.held)
        return [struct.pack("<H", value)]

    def _get_data(self, p: list[bytes]) -> list[bytes]:
        s = self._sockets.get(p[0][0])
        size = struct.unpack("<H", p[1])[0]
        if s is None:
            return [b""]
        part = bytes(s.held[:size])
        del s.held[: len(part)]
        if s.mode == TCP and not s.ended and self._watcher and not self._watcher.watches(s.sock):
            n = p[0][0]
            self._watcher.add(s.sock, lambda: self._arrived(n))
        return [part]

    def _send_data(self, p: list[bytes]) -> list[bytes]:
        s = self._sockets.get(p[0][0])
        if s is None or s.ended:
            return [bytes(2)]
        try:
            s.sock.settimeout(4)
            s.sock.sendall(p[1])
        except OSError:
            return [bytes(2)]
        finally:
            with contextlib.suppress(OSError):
                s.sock.setblocking(False)
        return [struct.pack("<H", len(p[1]))]

    def _data_sent(self, _: list[bytes]) -> list[bytes]:
        return [b"\1"]

    def _insert_data(self, p: list[bytes]) -> list[bytes]:
        s = self._sockets.get(p[0][0])
        if s is None or s.mode != UDP or len(s.outgoing) + len(p[1]) > CHUNK:
            return [b"\0"]
        s.outgoing += p[1]
        return [b"\1"]

    def _send_packet(self, p: list[bytes]) -> list[bytes]:
        s = self._sockets.get(p[0][0])
        if s is None or s.mode != UDP:
            return [b"\0"]
        try:
            s.sock.sendto(bytes(s.outgoing), s.remote)
        except OSError:
            return [b"\0"]
        s.outgoing.clear()
        return [b"\1"]

    def _remote(self, p: list[bytes]) -> list[bytes]:
        s = self._sockets.get(p[0][0])
        host, port = s.remote if s else ("0.0.0.0", 0)
        return [socket.inet_aton(host), struct.pack(">H", port)]

    def _stop(self, n: int) -> None:
        s = self._sockets.pop(n, None)
        if s is None:
            return
        for sock in (s.sock, *s.pending):
            if self._watcher:
                self._watcher.remove(sock)
            sock.close()

    def _stop_client(self, p: list[bytes]) -> list[bytes]:
        self._stop(p[0][0])
        return [b"\1"]


def _parse(frame: bytes) -> tuple[int, list[bytes] | None]:
    """Command and parameters; None when the frame is not whole."""
    if len(frame) < 4 or frame[0] != START:
        return -1, None
    command, count, at = frame[1], frame[2], 3
    width = 2 if command in LONG else 1
    parameters = []
    for _ in range(count):
        size = int.from_bytes(frame[at : at + width], "big")
        at += width
        if at + size >= len(frame):
            return command, None
        parameters.append(frame[at : at + size])
        at += size
    return command, parameters if frame[at] == END else None


HANDLERS: dict[int, Callable[[NinaModule, list[bytes]], list[bytes]]] = {
    0x10: NinaModule._set_net,
    0x11: NinaModule._set_passphrase,
    0x20: NinaModule._get_status,
    0x21: NinaModule._get_ip,
    0x22: NinaModule._get_mac,
    0x23: NinaModule._get_ssid,
    0x24: NinaModule._get_bssid,
    0x25: NinaModule._get_rssi,
    0x26: NinaModule._get_encryption,
    0x27: NinaModule._scan,
    0x28: NinaModule._start_server,
    0x29: NinaModule._server_state,
    0x2A: NinaModule._data_sent,
    0x2B: NinaModule._available,
    0x2D: NinaModule._start_client,
    0x2E: NinaModule._stop_client,
    0x2F: NinaModule._client_state,
    0x30: NinaModule._disconnect,
    0x32: NinaModule._scanned_rssi,
    0x33: NinaModule._scanned_encryption,
    0x34: NinaModule._request_host,
    0x35: NinaModule._get_host,
    0x36: NinaModule._start_scan,
    0x37: NinaModule._get_version,
    0x39: NinaModule._send_packet,
    0x3A: NinaModule._remote,
    0x3C: NinaModule._scanned_bssid,
    0x3D: NinaModule._scanned_channel,
    0x3E: NinaModule._ping,
    0x3F: NinaModule._get_socket,
    0x44: NinaModule._send_data,
    0x45: NinaModule._get_data,
    0x46: NinaModule._insert_data,
    0x53: NinaModule._get_adc,
    0x54: NinaModule._soft_reset,
}
