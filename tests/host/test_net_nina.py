# SPDX-License-Identifier: MIT
"""The ESP32's driver of modules/network against the model of its firmware."""

from __future__ import annotations

import ctypes as ct
import errno
import socket
from collections.abc import Iterator

import pytest
from net_core import AccessPoint, NinaHost
from test_net_at import Server, air

from k210.netmodel import NinaModule

CONNECTED = 3


@pytest.fixture
def nina() -> Iterator[NinaHost]:
    host = NinaHost(NinaModule(air()))
    yield host
    host.close()


def version(nina: NinaHost) -> int | bytes:
    text = ct.create_string_buffer(16)
    ret = nina.call("version", text, ct.c_size_t(16))
    return text.value if ret == 0 else ret


def test_station(nina: NinaHost) -> None:
    assert version(nina) == b"1.4.0"
    found = (AccessPoint * 8)()
    assert nina.call("scan", found, 8) == 2
    assert (found[0].ssid, found[0].rssi, found[0].security, found[0].channel) == (b"house", -47, 4, 11)
    assert bytes(found[1].bssid) == b"\xaa\xbb\xcc\xdd\xee\xff"
    assert nina.call("scan", found, 1) == 1
    assert nina.call("join", b"house", b"wrong") == 4
    assert nina.call("join", b"nowhere", b"") == 1
    assert nina.call("join", b"house", b"secret99") == CONNECTED


def test_tcp_both_ways(nina: NinaHost) -> None:
    assert nina.call("join", b"house", b"secret99") == CONNECTED
    data = bytes(range(256)) * 40 + b"\xee\xe0\xef"
    request = b"\xe0\xee\xef!" * 1500
    server = Server(data, wait_for=len(request))
    link = nina.call("connect", nina.peer(server.port))
    sent = 0
    while sent < len(request):
        n = nina.send(link, request[sent:])
        assert 0 < n <= 2048
        sent += n
    assert nina.recv_all(link, 3000) == data
    assert server.got == request
    nina.call("close", link)
    assert nina.send(link, b"x") == -errno.EPIPE


def test_sockets_run_out_and_come_back(nina: NinaHost) -> None:
    assert nina.call("join", b"house", b"secret99") == CONNECTED
    with socket.create_server(("127.0.0.1", 0), backlog=30) as s:
        port = s.getsockname()[1]
        links = [nina.call("connect", nina.peer(port)) for _ in range(10)]
        assert sorted(links) == list(range(10))
        assert nina.call("connect", nina.peer(port)) == -errno.EMFILE
        nina.call("close", links[3])
        assert nina.call("connect", nina.peer(port)) == links[3]
    ip = (ct.c_uint8 * 4)()
    assert nina.call("resolve", b"no such name", ip) == -errno.ENOENT


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (b"", -errno.EBADMSG),
        (b"\xef\0\xee", -errno.EIO),
        (b"\xe0\xb8\x01\x051.4.0\xee", -errno.EBADMSG),
        (b"\xe0\xb7\x01\xff1.4.0\xee", -errno.EBADMSG),
        (b"\xe0\xb7\x00\xee", -errno.EBADMSG),
        (b"\0\0\xff\xe0\xb7\x01\x031.4\xee", b"1.4"),
        (b"\xe0\xb7\x01\x28" + b"x" * 40 + b"\xee", b"x" * 15),
        (b"\xe0\xb7\xff" + b"\xff" * 5000, -errno.EBADMSG),
    ],
)
def test_answers_of_all_kinds(nina: NinaHost, answer: bytes, result: int | bytes) -> None:
    nina.module.garble = answer
    assert version(nina) == result
    assert version(nina) == b"1.4.0"


def test_module_that_is_never_ready(nina: NinaHost) -> None:
    nina.dead = True
    assert version(nina) == -errno.ETIMEDOUT
    assert 10000 <= nina.now < 10500
    nina.dead = False
    assert version(nina) == b"1.4.0"


def test_adc(nina: NinaHost) -> None:
    values = (ct.c_uint16 * 6)()
    assert nina.call("adc", bytes([5, 0]), 2, values) == 0
    assert list(values[:2]) == [600, 100]
    assert nina.call("adc", bytes([9]), 1, values) == -errno.EIO
