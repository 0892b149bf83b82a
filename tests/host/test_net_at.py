# SPDX-License-Identifier: MIT
"""The AT driver of modules/network against the model of the module: its three generations, faults, and wild input."""

from __future__ import annotations

import ctypes as ct
import errno
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from net_core import BUILD, CORE, ROOT, SANITIZE, AccessPoint, AtHost, Peer, compile_c

from k210.netmodel import AccessPoint as ModelPoint
from k210.netmodel import Air, AtModule

NETWORKS = [
    ModelPoint("house", "secret99", rssi=-47, channel=11),
    ModelPoint('odd, "name"\\', "", bssid="aa:bb:cc:dd:ee:ff"),
]
FIRMWARE = ["1.6", "1.7", "2.2"]


def air() -> Air:
    return Air(networks=list(NETWORKS), hosts={"server.test": "127.0.0.1"})


@pytest.fixture(params=FIRMWARE)
def at(request: pytest.FixtureRequest) -> Iterator[AtHost]:
    host = AtHost(AtModule(air(), firmware=request.param), blocks=160)
    assert host.start() == 0
    assert host.call("is_passive") == (request.param != "1.6")
    yield host
    host.close()


@pytest.fixture
def joined(at: AtHost) -> AtHost:
    assert at.call("join", b"house", b"secret99") == 0
    return at


class Server:
    """Sends `data` to whoever connects, after having read what it sends, if anything."""

    def __init__(self, data: bytes, wait_for: int = 0) -> None:
        self.got = b""
        self._data, self._wait_for = data, wait_for
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        s, _ = self._listener.accept()
        with s:
            while len(self.got) < self._wait_for:
                part = s.recv(65536)
                if not part:
                    return
                self.got += part
            s.sendall(self._data)
        self._listener.close()


def test_scan_with_odd_names(at: AtHost) -> None:
    found = (AccessPoint * 8)()
    assert at.call("scan", found, 8) == 2
    assert [(p.ssid, p.rssi, p.security, p.channel) for p in found[:2]] == [
        (b"house", -47, 3, 11),
        (b'odd, "name"\\', -50, 0, 6),
    ]
    assert bytes(found[1].bssid) == b"\xaa\xbb\xcc\xdd\xee\xff"


def test_join_and_leave(at: AtHost) -> None:
    assert at.call("joined") == 0
    assert at.call("join", b"house", b"wrong") == -errno.EIO
    assert at.call("join_error") == 2
    assert at.call("join", b"nowhere", b"") == -errno.EIO
    assert at.call("join_error") == 3
    assert at.call("join", b'odd, "name"\\', b"") == 0
    assert at.call("joined") == 1
    at.module.lose_network()
    assert at.call("joined") == 0


def test_names(joined: AtHost) -> None:
    ip = (ct.c_uint8 * 4)()
    assert joined.call("resolve", b"server.test", ip) == 0
    assert bytes(ip) == b"\x7f\0\0\1"
    assert joined.call("resolve", b"no such name", ip) == -errno.ENOENT


def test_tcp_both_ways(joined: AtHost) -> None:
    data = bytes(range(256)) * 60 + b"\r\nOK\r\n+IPD,0,5:ERROR\r\n0,CLOSED\r\n"
    request = b"> OK\r\n" * 1000
    server = Server(data, wait_for=len(request))
    link = joined.call("connect", joined.peer(server.port))
    assert link >= 0
    sent = 0
    while sent < len(request):
        n = joined.send(link, request[sent:])
        assert n > 0
        sent += n
    assert joined.recv_all(link) == data
    assert server.got == request
    assert joined.send(link, b"late") == -errno.EPIPE
    room = joined.call("room")
    joined.call("close", link)
    assert joined.call("room") == room == 160 * 250
    assert joined.call("recv", link, None, ct.c_size_t(1), ct.byref(Peer())) == -errno.ENOTCONN


@pytest.mark.parametrize("portion", [1, 2, 7])
def test_bytes_come_in_portions(portion: int) -> None:
    at = AtHost(AtModule(air()), portion=portion)
    assert at.start() == 0 and at.call("join", b"house", b"secret99") == 0
    data = bytes(range(256)) * 4
    link = at.call("connect", at.peer(Server(data).port))
    assert at.recv_all(link, 100) == data
    at.close()


def test_nobody_answers_at_the_other_end(joined: AtHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    assert joined.call("connect", joined.peer(port)) == -errno.ECONNREFUSED
    links = [joined.call("connect", joined.peer(Server(b"x").port)) for _ in range(5)]
    assert sorted(links) == [0, 1, 2, 3, 4]
    assert joined.call("connect", joined.peer(port)) == -errno.EMFILE


def test_server(joined: AtHost) -> None:
    listener = joined.call("listen", 8080)
    assert listener >= 0
    assert joined.call("listen", 8081) == -errno.EADDRINUSE
    peer = Peer()
    assert joined.call("accept", listener, ct.byref(peer)) == -errno.EAGAIN
    host_port = joined.module.air.forward[8080]
    with socket.create_connection(("127.0.0.1", host_port)) as client:
        link = joined.wait(lambda: joined.call("accept", listener, ct.byref(peer)))
        assert link >= 0
        assert (bytes(peer.ip), peer.port) == (b"\x7f\0\0\1", client.getsockname()[1])
        client.sendall(b"question")
        assert joined.recv(link)[1] == b"question"
        assert joined.send(link, b"answer") == 6
        assert client.recv(100) == b"answer"
        client.shutdown(socket.SHUT_WR)
        assert joined.recv(link) == (0, b"")
        joined.call("close", link)
    joined.call("close", listener)
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", host_port), 1)


def test_datagrams(joined: AtHost) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(5)
        link = joined.call("udp", joined.peer(s.getsockname()[1]), 0)
        assert link >= 0
        assert joined.send(link, b"one\r\nOK\r\n") == 9
        data, sender = s.recvfrom(100)
        assert data == b"one\r\nOK\r\n"
        s.sendto(b"A" * 300, ("127.0.0.1", sender[1]))
        s.sendto(b"+IPD,1,2:", ("127.0.0.1", sender[1]))
        # What does not fit is gone, and the next one is whole.
        assert joined.recv(link, 10) == (10, b"A" * 10)
        assert joined.last_peer == ((127, 0, 0, 1), s.getsockname()[1])
        assert joined.recv(link) == (9, b"+IPD,1,2:")


def test_too_much_for_the_memory() -> None:
    """Older firmware sends all at once: what does not fit is told, and no byte is believed to be another."""
    at = AtHost(AtModule(air(), firmware="1.6"), blocks=8)
    assert at.start() == 0 and at.call("join", b"house", b"secret99") == 0
    link = at.call("connect", at.peer(Server(bytes(range(250)) * 40).port))
    for _ in range(100):
        at.call("readable", link)
        at._idle(None)
    got = b""
    while (part := at.recv(link))[0] > 0:
        got += part[1]
    assert part[0] == -errno.ENOBUFS
    assert got == (bytes(range(250)) * 40)[: len(got)] and len(got) >= 2000 - 250
    at.close()


def test_busy_and_noise(at: AtHost) -> None:
    at.module.busy = 3
    at.module.noise = b"\xff\0\xfe+IPD,\r\n\r\n:::>,,\r\n"
    assert at.call("command", b"AT+GMR", 2000) == 0
    assert "SDK version" in at.reply()
    at.module.busy = 1 << 30
    assert at.call("command", b"AT+GMR", 500) == -errno.EBUSY


def test_silence(at: AtHost) -> None:
    at.module.mute = True
    before = at.now
    assert at.call("command", b"AT+GMR", 1000) == -errno.ETIMEDOUT
    assert 1000 <= at.now - before < 1200
    at.module.mute = False
    assert at.call("command", b"AT+GMR", 3000) == 0
    assert at.start() == 0


def test_late_answer_belongs_to_its_command(at: AtHost) -> None:
    at.module.mute = True
    assert at.call("command", b"AT+GMR", 100) == -errno.ETIMEDOUT
    at.module.mute = False
    at.incoming += b"late line\r\n\r\nERROR\r\n"
    assert at.call("command", b"AT+CWMODE?", 1000) == 0
    assert at.reply() == "+CWMODE:1\n"


def test_module_starts_anew(joined: AtHost) -> None:
    link = joined.call("connect", joined.peer(Server(b"", wait_for=1).port))
    assert link >= 0
    joined.module.restart()
    assert joined.recv(link) == (0, b"")
    assert joined.call("joined") == 0
    assert joined.start() == 0


def test_commands_that_are_too_long(at: AtHost) -> None:
    assert at.call("command", b"AT+X=" + b"y" * 400, 100) == -errno.E2BIG
    # A line end in a name cannot become a command of its own.
    assert at.call("join", b"a\r\nAT+RST\r\n", b"") == -errno.EIO
    assert "AT+RST" not in at.module.log


def test_former_program_has_left_connections(joined: AtHost) -> None:
    assert joined.call("listen", 8090) >= 0
    assert joined.call("connect", joined.peer(Server(b"", wait_for=1).port)) >= 0
    assert joined.start() == 0
    assert joined.call("listen", 8090) >= 0


@pytest.fixture(scope="module")
def fuzzer() -> Path:
    source = ROOT / "tests" / "fuzz" / "fuzz_net.c"
    return compile_c(BUILD / "fuzz_net", [*CORE, source], ["-O1", *SANITIZE])


def test_wild_input(fuzzer: Path) -> None:
    runs = os.environ.get("K210_FUZZ_RUNS", "5000")
    done = subprocess.run([fuzzer, runs, "5"], capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
