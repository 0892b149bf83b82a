# SPDX-License-Identifier: MIT
"""A module with Espressif's AT firmware on a serial line (ESP8285 of the M1W)."""

import contextlib
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from k210.netmodel.air import AccessPoint, Air
from k210.netmodel.server import Watcher

LINKS = 5
WINDOW = 2920  # bytes that the module keeps of a connection that nobody asks
SEND_MAX = 2048
CHUNK = 1460
JOIN_TIMEOUT, WRONG_KEY, NO_NETWORK, REFUSED = 1, 2, 3, 4


@dataclass
class _Link:
    kind: str
    sock: socket.socket
    remote: tuple[str, int]
    server: bool = False
    moving: int = 0
    held: bytearray = field(default_factory=bytearray)
    ended: bool = False


class AtModule:
    """One module.

    firmware: "1.6" sends data at once; "1.7" and "2.2" can hold them back (CIPRECVMODE), with their two spellings.
    Faults, to be set while it runs: `mute` says nothing; `busy` answers so many commands with "busy p...";
    `noise` goes out before the next answer; `refuse` are commands that get ERROR.
    """

    def __init__(self, air: Air | None = None, firmware: str = "1.7") -> None:
        self.air = air or Air()
        self.firmware = firmware
        self.due: float | None = None
        self.log: list[str] = []
        self.mute = False
        self.busy = 0
        self.noise = b""
        self.refuse: set[str] = set()
        self._write: Callable[[bytes], None] = lambda data: None
        self._watcher: Watcher | None = None
        self._links: dict[int, _Link] = {}
        self._listener: socket.socket | None = None
        self._network: AccessPoint | None = None
        self._power_on()

    def attach(self, write: Callable[[bytes], None], watcher: Watcher) -> None:
        self._write = write
        self._watcher = watcher

    def _power_on(self) -> None:
        self._line = bytearray()
        self._echo = True
        self._mode = 1
        self._mux = False
        self._passive = False
        self._details = False
        self._want = 0
        self._send_to: tuple[int, tuple[str, int] | None] = (0, None)
        self._data = bytearray()

    # the line

    def _say(self, text: str) -> None:
        self._out(text.encode() + b"\r\n")

    def _out(self, data: bytes) -> None:
        if not self.mute:
            self._write(data)

    def feed(self, data: bytes) -> None:
        for c in data:
            if self._want:
                self._data.append(c)
                if len(self._data) == self._want:
                    self._want = 0
                    self._send()
            elif c == 0x0A:
                line, self._line = bytes(self._line), bytearray()
                if self._echo:
                    self._out(line + b"\n")
                self._command(line.rstrip(b"\r").decode("latin-1"))
            elif len(self._line) < 1024:
                self._line.append(c)

    def restart(self, clean: bool = False) -> None:
        """As after a power failure: everything is forgotten, and the ROM says something at another speed first."""
        self.close()
        self._network = None
        self._power_on()
        self._out((b"" if clean else b"\xc0\x1c\xff\x00rl\x8e\xe0\r\n") + b"\r\nready\r\n")

    def _command(self, line: str) -> None:
        if not line:
            return
        self.log.append(line)
        if self.noise:
            self._out(self.noise)
            self.noise = b""
        if self.busy:
            self.busy -= 1
            self._say("busy p...")
            return
        match = re.fullmatch(r"AT(?:\+?([A-Z0-9_]*))(\?|=.*)?", line)
        name = match[1] if match else None
        handler = getattr(self, f"_do_{name.lower()}", None) if name else None
        if line in ("AT", "ATE0", "ATE1"):
            self._echo = line == "ATE1" or (self._echo and line == "AT")
            answer: str | None = "OK"
        elif handler is None or line.partition("=")[0] in self.refuse or line in self.refuse:
            answer = "ERROR"
        else:
            rest = (match[2] or "") if match else ""
            try:
                answer = handler("?" if rest == "?" else None if not rest else _arguments(rest[1:]))
            except (ValueError, IndexError, OSError):
                answer = "ERROR"
        if answer:
            self._say("")
            self._say(answer)

    # general

    def _do_rst(self, _: object) -> str:
        self._say("")
        self._say("OK")
        self.restart()
        return ""

    def _do_gmr(self, _: object) -> str:
        self._say(f"AT version:{self.firmware}.0.0(model)")
        self._say("SDK version:model")
        return "OK"

    def _do_cwmode(self, a: list[str] | str | None) -> str:
        if a == "?":
            self._say(f"+CWMODE:{self._mode}")
        elif isinstance(a, list) and a[0] in ("1", "2", "3"):
            self._mode = int(a[0])
        else:
            return "ERROR"
        return "OK"

    def _do_cwlapopt(self, a: object) -> str:
        return "OK"

    def _do_cwdhcp(self, a: object) -> str:
        return "OK"

    def _do_cipmode(self, a: object) -> str:
        return "OK" if a == ["0"] else "ERROR"

    # the network

    def _do_cwlap(self, _: object) -> str:
        for n in self.air.networks:
            self._say(f'+CWLAP:({n.protection},"{_escape(n.ssid)}",{n.rssi},"{n.bssid}",{n.channel})')
        return "OK"

    def _do_cwjap(self, a: list[str] | str | None) -> str:
        if a == "?":
            n = self._network
            self._say(f'+CWJAP:"{_escape(n.ssid)}","{n.bssid}",{n.channel},{n.rssi}' if n else "No AP")
            return "OK"
        if not isinstance(a, list) or len(a) < 2:
            return "ERROR"
        if self._network:
            self._network = None
            self._say("WIFI DISCONNECT")
        found = self.air.find(a[0])
        if found is None or not self.air.key_fits(found, a[1]):
            self._say(f"+CWJAP:{NO_NETWORK if found is None else WRONG_KEY}")
            self._say("")
            return "FAIL"
        self._network = found
        self._say("WIFI CONNECTED")
        self._say("WIFI GOT IP")
        return "OK"

    def _do_cwqap(self, _: object) -> str:
        if self._network:
            self._network = None
            self._say("WIFI DISCONNECT")
        return "OK"

    def lose_network(self) -> None:
        """The access point has gone."""
        self._do_cwqap(None)

    def _do_cwsap(self, a: list[str] | str | None) -> str:
        return "OK" if isinstance(a, list) and len(a) == 4 and (not a[1] or len(a[1]) >= 8) else "ERROR"

    def _do_cipsta(self, a: list[str] | str | None) -> str:
        if isinstance(a, list):
            self.air.ip, self.air.gateway, self.air.netmask = [*a, self.air.gateway, self.air.netmask][:3]
            return "OK"
        up = self._network is not None
        for name, value in (("ip", self.air.ip), ("gateway", self.air.gateway), ("netmask", self.air.netmask)):
            self._say(f'+CIPSTA:{name}:"{value if up else "0.0.0.0"}"')
        return "OK"

    def _do_cipdns(self, a: object) -> str:
        if self.firmware == "1.6":
            return "ERROR"
        if a == "?":
            self._say(f'+CIPDNS:1,"{self.air.dns}"')
        return "OK"

    def _do_cifsr(self, _: object) -> str:
        self._say(f'+CIFSR:STAIP,"{self.air.ip if self._network else "0.0.0.0"}"')
        self._say(f'+CIFSR:STAMAC,"{self.air.mac}"')
        return "OK"

    def _do_cipdomain(self, a: list[str] | str | None) -> str:
        address = self.air.resolve(a[0]) if isinstance(a, list) and self._network else None
        if address is None:
            self._say("DNS Fail")
            return "ERROR"
        quote = '"' if self.firmware >= "2" else ""
        self._say(f"+CIPDOMAIN:{quote}{address}{quote}")
        return "OK"

    def _do_ping(self, a: list[str] | str | None) -> str:
        if not isinstance(a, list) or not self._network or self.air.resolve(a[0]) is None:
            self._say("+timeout")
            return "ERROR"
        self._say("+PING:7" if self.firmware >= "2" else "+7")
        return "OK"

    # links

    def _do_cipmux(self, a: object) -> str:
        if self._links or self._listener:
            self._say("link is builded")
            return "ERROR"
        self._mux = a == ["1"]
        return "OK"

    def _do_cipdinfo(self, a: object) -> str:
        self._details = a == ["1"]
        return "OK"

    def _do_ciprecvmode(self, a: object) -> str:
        if self.firmware == "1.6":
            return "ERROR"
        self._passive = a == ["1"]
        return "OK"

    def _do_cipsto(self, a: object) -> str:
        return "OK" if self._listener else "ERROR"

    def _do_cipstatus(self, _: object) -> str:
        self._say(f"STATUS:{5 if not self._network else 3 if self._links else 2}")
        for n, link in sorted(self._links.items()):
            port = link.sock.getsockname()[1] if link.sock.fileno() >= 0 else 0
            self._say(
                f'+CIPSTATUS:{n},"{link.kind}","{link.remote[0]}",{link.remote[1]},{port},{1 if link.server else 0}'
            )
        return "OK"

    def _do_cipstart(self, a: list[str] | str | None) -> str:
        if not isinstance(a, list) or not self._mux or len(a) < 4 or a[0] not in "01234":
            return "ERROR"
        n, kind, host, port = int(a[0]), a[1], a[2], int(a[3])
        if not self._network:
            self._say("no ip")
            return "ERROR"
        if n in self._links:
            self._say("ALREADY CONNECTED")
            return "ERROR"
        if kind == "UDP":
            sock = self.air.udp(int(a[4]) if len(a) > 4 else 0)
        else:
            sock = self.air.connect(host, port) if kind == "TCP" else None
        if sock is None:
            self._say(f"{n},CLOSED")
            return "ERROR"
        self._links[n] = _Link(kind, sock, (host, port), moving=int(a[5]) if len(a) > 5 else 0)
        self._watch(n)
        self._say(f"{n},CONNECT")
        return "OK"

    def _do_cipserver(self, a: list[str] | str | None) -> str:
        if not isinstance(a, list) or not self._mux:
            return "ERROR"
        if a[0] == "0":
            if self._listener is None:
                return "ERROR"
            self._unwatch(self._listener)
            self._listener = None
            return "OK"
        if self._listener:
            self._say("no change")
            return ""
        self._listener = self.air.listen(int(a[1]) if len(a) > 1 else 333)
        if self._listener is None:
            return "ERROR"
        assert self._watcher
        self._watcher.add(self._listener, self._incoming)
        return "OK"

    def _incoming(self) -> None:
        assert self._listener
        try:
            sock, remote = self._listener.accept()
        except OSError:
            return  # it has gone again
        free = [n for n in range(LINKS) if n not in self._links]
        if not free:
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._links[free[0]] = _Link("TCP", sock, (remote[0], remote[1]), server=True)
        self._watch(free[0])
        self._say(f"{free[0]},CONNECT")

    def _do_cipclose(self, a: list[str] | str | None) -> str:
        which = int(a[0]) if isinstance(a, list) and a[0].isdigit() else -1
        numbers = list(self._links) if which == LINKS else [which]
        if any(n not in self._links for n in numbers):
            return "ERROR"
        for n in numbers:
            self._drop(n)
        return "OK"

    def _do_cipsend(self, a: list[str] | str | None) -> str:
        if not isinstance(a, list) or len(a) < 2 or not a[0].isdigit() or int(a[0]) not in self._links:
            self._say("link is not valid")
            return "ERROR"
        size = int(a[1])
        if not 0 < size <= SEND_MAX or self._links[int(a[0])].ended:
            return "ERROR"
        self._send_to = (int(a[0]), (a[2], int(a[3])) if len(a) > 3 else None)
        self._data = bytearray()
        self._want = size
        self._say("")
        self._say("OK")
        self._out(b"> ")
        return ""

    def _send(self) -> None:
        n, to = self._send_to
        link = self._links.get(n)
        self._say("")
        self._say(f"Recv {len(self._data)} bytes")
        self._say("")
        try:
            if link is None:
                raise OSError
            if link.kind == "UDP":
                host = self.air.resolve((to or link.remote)[0])
                link.sock.sendto(self._data, (host or "", (to or link.remote)[1]))
            else:
                link.sock.settimeout(4)
                link.sock.sendall(self._data)
        except OSError:
            self._say("SEND FAIL")
        else:
            self._say("SEND OK")

    def _watch(self, n: int) -> None:
        link = self._links[n]
        link.sock.setblocking(False)
        if self._watcher and not self._watcher.watches(link.sock):
            self._watcher.add(link.sock, lambda: self._arrived(n))

    def _unwatch(self, sock: socket.socket) -> None:
        if self._watcher:
            self._watcher.remove(sock)
        sock.close()

    def _drop(self, n: int) -> None:
        link = self._links.pop(n)
        self._unwatch(link.sock)
        self._say(f"{n},CLOSED")

    def _arrived(self, n: int) -> None:
        link = self._links[n]
        link.sock.setblocking(False)
        try:
            data, peer = link.sock.recvfrom(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data, peer = b"", None
        if not data and link.kind == "TCP":
            self._ended(n)
            return
        if link.kind == "UDP" and link.moving == 2:
            link.remote = peer
        remote = peer if link.kind == "UDP" else link.remote
        if self._passive and link.kind == "TCP":
            link.held += data
            if len(link.held) >= WINDOW and self._watcher:
                self._watcher.remove(link.sock)  # the window is closed
            self._say("")
            self._say(f"+IPD,{n},{len(data)}")
            return
        quote = '"' if self.firmware >= "2" else ""
        details = f",{quote}{remote[0]}{quote},{remote[1]}" if self._details else ""
        self._out(f"\r\n+IPD,{n},{len(data)}{details}:".encode() + data)

    def _ended(self, n: int) -> None:
        link = self._links[n]
        if self._watcher:
            self._watcher.remove(link.sock)
        link.ended = True
        self._say(f"{n},CLOSED")
        if not link.held:
            link.sock.close()
            del self._links[n]

    def _do_ciprecvdata(self, a: list[str] | str | None) -> str:
        if not isinstance(a, list) or len(a) < 2 or not self._passive:
            return "ERROR"
        link = self._links.get(int(a[0]))
        if link is None or not link.held:
            return "ERROR"
        part = bytes(link.held[: int(a[1])])
        del link.held[: len(part)]
        if self.firmware >= "2":
            details = f'"{link.remote[0]}",{link.remote[1]},' if self._details else ""
            self._out(f"+CIPRECVDATA:{len(part)},{details}".encode() + part + b"\r\n")
        else:
            self._out(f"+CIPRECVDATA,{len(part)}:".encode() + part + b"\r\n")
        if link.ended and not link.held:
            link.sock.close()
            del self._links[int(a[0])]
        elif not link.ended and len(link.held) < WINDOW:
            self._watch(int(a[0]))
        return "OK"

    # life

    def tick(self) -> None:
        self.due = None

    def later(self, seconds: float) -> None:
        self.due = time.monotonic() + seconds

    def close(self) -> None:
        for link in self._links.values():
            self._unwatch(link.sock)
        self._links.clear()
        if self._listener:
            with contextlib.suppress(OSError):
                self._unwatch(self._listener)
            self._listener = None


def _escape(text: str) -> str:
    return re.sub(r'([",\\])', r"\\\1", text)


def _arguments(text: str) -> list[str]:
    """Splits at commas; strings are in quotes, with \\ before a quote, a comma or another \\."""
    result, current, quoted, escaped = [], "", False, False
    for c in text:
        if escaped:
            current, escaped = current + c, False
        elif c == "\\":
            escaped = True
        elif c == '"':
            quoted = not quoted
        elif c == "," and not quoted:
            result.append(current)
            current = ""
        else:
            current += c
    return [*result, current]
