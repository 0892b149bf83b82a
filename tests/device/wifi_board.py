# SPDX-License-Identifier: MIT
"""What the Wi-Fi tests share: the network that the modules find, a web server of the host, scripts for the board."""

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator

from k210.netmodel import AccessPoint, Air

BODY = bytes(range(256)) * 24

ESP8285 = """
import network, socket, time
from fpioa_manager import fm
from machine import UART
fm.register(6, fm.fpioa.UART2_RX, force=True)
fm.register(7, fm.fpioa.UART2_TX, force=True)
uart = UART(UART.UART2, 115200, timeout=1000, read_buf_len=10240)
nic = network.ESP8285(uart)
"""

ESP32 = """
import network, socket, time
from fpioa_manager import fm
fm.register(25, fm.fpioa.GPIOHS10)
fm.register(8, fm.fpioa.GPIOHS11)
fm.register(9, fm.fpioa.GPIOHS12)
fm.register(28, fm.fpioa.GPIOHS13)
fm.register(26, fm.fpioa.GPIOHS14)
fm.register(27, fm.fpioa.GPIOHS15)
nic = network.ESP32_SPI(cs=fm.fpioa.GPIOHS10, rst=fm.fpioa.GPIOHS11, rdy=fm.fpioa.GPIOHS12,
    mosi=fm.fpioa.GPIOHS13, miso=fm.fpioa.GPIOHS14, sclk=fm.fpioa.GPIOHS15)
"""

CONNECT = 'nic.connect("house", "secret99")\n'

# As the scripts do it that people copy.
HTTP_GET = """
def get(url):
    _, _, host, path = url.split("/", 3)
    name, port = host.split(":")
    s = socket.socket()
    s.settimeout(10)
    s.connect(socket.getaddrinfo(name, int(port))[0][-1])
    s.send(b"GET /" + path.encode() + b" HTTP/1.0\\r\\nHost: " + host.encode() + b"\\r\\n\\r\\n")
    data = b""
    while True:
        part = s.recv(2048)
        if not part:
            break
        data += part
    s.close()
    head, body = data.split(b"\\r\\n\\r\\n", 1)
    return head.split(b"\\r\\n")[0], body
"""


def air() -> Air:
    return Air(
        networks=[AccessPoint("house", "secret99", rssi=-47, channel=11), AccessPoint('odd, "name"', rssi=-80)],
        hosts={"server.test": "127.0.0.1"},
    )


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/page" else 404)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(sum(data)).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def web_server() -> Iterator[int]:
    """Serves BODY as /page; the port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextlib.contextmanager
def echo_server(datagrams: bool = False) -> Iterator[int]:
    """Sends back what comes, until the connection ends; the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            with contextlib.suppress(OSError):
                if not datagrams:
                    server.listen()
                while True:
                    if datagrams:
                        data, peer = server.recvfrom(65536)
                        if peer is None:
                            return  # shut down
                        server.sendto(data, peer)
                        continue
                    client, _ = server.accept()
                    with client:
                        while data := client.recv(65536):
                            client.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
