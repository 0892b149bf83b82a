# SPDX-License-Identifier: MIT
"""network and socket on both Wi-Fi modules: models of them lead to servers of this computer."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wifi_board import BODY, CONNECT, ESP32, ESP8285, HTTP_GET, air, echo_server, web_server

from k210 import paths
from k210.board import Board
from k210.errors import ScriptError
from k210.netmodel import AtModule, NinaModule

Module = AtModule | NinaModule


class Wifi:
    """A board with a module, and the beginning of a script for it."""

    def __init__(self, board: Board, module: Module, begin: str) -> None:
        self.board, self.module, self.begin = board, module, begin

    def run(self, code: str, timeout: float = 60) -> list[str]:
        return self.board.exec(self.begin + code, timeout=timeout).splitlines()


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    """One of each for all tests, so that the emulator can be kept from test to test."""
    return {"esp8285": AtModule(air()), "esp8285-1.6": AtModule(air(), firmware="1.6"), "esp32": NinaModule(air())}


def make(name: str, modules: dict[str, Module], board_with: Callable[..., Board]) -> Wifi:
    module = modules[name]
    module.air.forward.clear()
    module.lose_network()
    if name == "esp32":
        # The board differs from the default one in its pins only, so that one's firmware runs on it.
        firmware = f"{paths.firmware(paths.DEFAULT_BOARD)}@0"
        return Wifi(board_with(board="maixduino", flash=[firmware], wifi=module), module, ESP32)
    return Wifi(board_with(wifi=module), module, ESP8285)


@pytest.fixture(params=["esp8285", "esp32"])
def wifi(request: pytest.FixtureRequest, modules: dict[str, Module], board_with: Callable[..., Board]) -> Wifi:
    return make(request.param, modules, board_with)


@pytest.fixture(scope="module")
def web() -> Iterator[int]:
    with web_server() as port:
        yield port


def test_station(wifi: Wifi) -> None:
    lines = wifi.run(
        "print(nic.isconnected(), len(nic.scan()), 'house' in str(nic.scan()))\n"
        + CONNECT
        + "print(nic.isconnected(), nic.ifconfig()[:3])\nnic.disconnect()\nprint(nic.isconnected(), nic.ifconfig()[0])"
    )
    assert lines[-3:] == [
        "False 2 True",
        "True ('192.168.4.2', '255.255.255.0', '192.168.4.1')",
        "False 0.0.0.0",
    ]


def test_page_of_a_server(wifi: Wifi, web: int) -> None:
    code = CONNECT + HTTP_GET + f"status, body = get('http://server.test:{web}/page')\n"
    code += "print(status, len(body), body == bytes(range(256)) * 24)\n"
    code += f"print(get('http://127.0.0.1:{web}/none')[0])"
    assert wifi.run(code)[-2:] == [f"b'HTTP/1.0 200 OK' {len(BODY)} True", "b'HTTP/1.0 404 Not Found'"]


def test_page_with_older_firmware(modules: dict[str, Module], board_with: Callable[..., Board], web: int) -> None:
    """It cannot hold data back: they come at once, while the script may do something else."""
    wifi = make("esp8285-1.6", modules, board_with)
    code = (
        "print(nic)\n"
        + CONNECT
        + HTTP_GET
        + f"print(get('http://server.test:{web}/page')[1] == bytes(range(256)) * 24)"
    )
    assert wifi.run(code) == ["<ESP8285 not connected, data at once>", "True"]


def test_stream_methods(wifi: Wifi, web: int) -> None:
    code = f"""
s = socket.socket()
s.connect(("127.0.0.1", {web}))
f = s.makefile("rwb")
print(f.write(b"GET /page HTTP/1.0\\r\\n\\r\\n"))
print(f.readline())
while f.readline() != b"\\r\\n":
    pass
b = bytearray(10)
print(f.readinto(b), b, f.read(3), len(f.read()))
f.close()
"""
    assert wifi.run(CONNECT + code)[-3:] == [
        "22",
        "b'HTTP/1.0 200 OK\\r\\n'",
        f"10 {bytearray(BODY[:10])} {BODY[10:13]} {len(BODY) - 13}",
    ]


def test_long_answer_and_request(wifi: Wifi) -> None:
    code = """
data = bytes(i * 7 & 255 for i in range(5000))
s = socket.socket()
s.connect(("127.0.0.1", PORT))
s.sendall(data)
got = b""
while len(got) < len(data):
    got += s.recv(3000)
print(got == data)
s.settimeout(0.3)
try:
    s.recv(1)
except OSError as e:
    print(e.errno)
s.setblocking(False)
try:
    s.recv(1)
except OSError as e:
    print(e.errno)
s.close()
"""
    with echo_server() as port:
        assert wifi.run(CONNECT + code.replace("PORT", str(port)))[-3:] == ["True", "110", "11"]


def test_datagrams(wifi: Wifi) -> None:
    code = """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
to = socket.getaddrinfo("server.test", PORT)[0][-1]
for text in (b"one", b"x" * 700, b"three"):
    print(s.sendto(text, to))
    data, peer = s.recvfrom(1000)
    print(data == text, peer == to)
s.close()
"""
    with echo_server(datagrams=True) as port:
        lines = wifi.run(CONNECT + code.replace("PORT", str(port)))
    assert lines[-6:] == ["3", "True True", "700", "True True", "5", "True True"]


SERVER = """
import select
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("", 8000))
server.listen(2)
print("listening")
poll = select.poll()
poll.register(server, select.POLLIN)
served = 0
while served < 2:
    for s, event in poll.poll(20000):
        if s is server:
            client, address = server.accept()
            print("from", address[0])
            poll.register(client, select.POLLIN)
        else:
            request = s.recv(500)
            if b"/" in request:
                s.send(b"HTTP/1.0 200 OK\\r\\n\\r\\nhello " + request.split()[1])
                served += 1
            poll.unregister(s)
            s.close()
server.close()
print("end")
"""


def test_server(wifi: Wifi) -> None:
    answers: list[bytes] = []
    shown = bytearray()
    threads: list[threading.Thread] = []

    def ask(path: str) -> None:
        with socket.create_connection(("127.0.0.1", wifi.module.air.forward[8000]), 20) as s:
            s.sendall(b"GET " + path.encode() + b" HTTP/1.0\r\n\r\n")
            answer = b""
            while part := s.recv(1000):
                answer += part
            answers.append(answer)

    def output(data: bytes) -> None:
        shown.extend(data)
        if b"listening" in shown and not threads:
            for path in ("/one", "/two"):
                threads.append(threading.Thread(target=ask, args=(path,), daemon=True))
                threads[-1].start()

    wifi.module.air.forward[8000] = 0
    wifi.board.stream(wifi.begin + CONNECT + SERVER, output, timeout=60)
    for thread in threads:
        thread.join(20)
    assert sorted(answers) == [b"HTTP/1.0 200 OK\r\n\r\nhello /one", b"HTTP/1.0 200 OK\r\n\r\nhello /two"]
    assert bytes(shown).split()[-1] == b"end"


ASYNC_SERVER = """
import asyncio
done = asyncio.Event()
async def serve(reader, writer):
    line = await reader.readline()
    writer.write(b"you said " + line)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    done.set()
async def main():
    ticks = 0
    server = await asyncio.start_server(serve, "0.0.0.0", 8001)
    print("listening")
    while not done.is_set():
        ticks += 1
        await asyncio.sleep_ms(20)
    server.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    writer.write(b"ping\\n")
    await writer.drain()
    print(await reader.readline(), ticks > 2)
    writer.close()
    await writer.wait_closed()
asyncio.run(main())
print("end")
"""


def test_asyncio(wifi: Wifi) -> None:
    answers: list[bytes] = []
    shown = bytearray()
    threads: list[threading.Thread] = []

    def ask() -> None:
        with socket.create_connection(("127.0.0.1", wifi.module.air.forward[8001]), 20) as s:
            time.sleep(0.3)  # the board's other task goes on meanwhile
            s.sendall(b"hello\n")
            answer = b""
            while part := s.recv(1000):
                answer += part
            answers.append(answer)

    def output(data: bytes) -> None:
        shown.extend(data)
        if b"listening" in shown and not threads:
            threads.append(threading.Thread(target=ask, daemon=True))
            threads[0].start()

    wifi.module.air.forward[8001] = 0
    with echo_server() as port:
        wifi.board.stream(wifi.begin + CONNECT + ASYNC_SERVER.replace("PORT", str(port)), output, timeout=60)
        threads[0].join(20)
    assert answers == [b"you said hello\n"]
    assert bytes(shown).split(b"\r\n")[-3:] == [b"b'ping\\n' True", b"end", b""]


def test_requests(wifi: Wifi, web: int) -> None:
    code = f"""
import urequests as requests
r = requests.get("http://server.test:{web}/page")
print(r.status_code, r.reason, len(r.content), r.content[:3], r.headers["Content-Length"])
r = requests.post("http://server.test:{web}/add", data=b"\\x01\\x02" * 700, timeout=10)
print(r.status_code, r.text, r.json())
with requests.get("http://server.test:{web}/none") as r:
    print(r.status_code)
try:
    requests.get("https://server.test/")
except ValueError as e:
    print(e)
"""
    assert wifi.run(CONNECT + code)[-4:] == [
        f"200 OK {len(BODY)} {BODY[:3]} {len(BODY)}",
        "200 2100 2100",
        "404",
        "https://server.test/: it is http://HOST/PATH; there is no TLS here",
    ]


def test_time_of_day(wifi: Wifi) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def answer() -> None:
            _, peer = server.recvfrom(100)
            seconds = 3155673600 + 1_000_000_000  # of 1900: 2031-09-09 01:46:40
            server.sendto(bytes([0x1C, 1]) + bytes(38) + seconds.to_bytes(4, "big") + bytes(4), peer)

        threading.Thread(target=answer, daemon=True).start()
        code = f"""
import ntptime
find = socket.getaddrinfo
socket_of = ntptime.socket
class Local:
    AF_INET, SOCK_DGRAM, socket = socket.AF_INET, socket.SOCK_DGRAM, socket.socket
    @staticmethod
    def getaddrinfo(host, port):
        return find("server.test", {server.getsockname()[1]} if port == 123 else port)
ntptime.socket = Local
ntptime.timeout = 10
ntptime.settime()
print(time.gmtime()[:5])
"""
        assert wifi.run(CONNECT + code)[-1] == "(2031, 9, 9, 1, 46)"


def test_errors_have_names(wifi: Wifi) -> None:
    code = """
def attempt(f, *args):
    try:
        f(*args)
        print("no error")
    except (OSError, ValueError) as e:
        print(type(e).__name__, e)
attempt(nic.connect, "nowhere", "12345678")
attempt(nic.connect, "house", "wrong key")
attempt(nic.connect, "x" * 33, "12345678")
"""
    lines = wifi.run(code)[-3:]
    assert "no such network" in lines[0] and "wrong key" in lines[1]
    assert lines[2].startswith("ValueError ssid of 33 bytes")
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    code = f"""
try:
    socket.socket().connect(("127.0.0.1", {port}))
except OSError as e:
    print(e.errno)
try:
    socket.getaddrinfo("no-such-name.invalid", 80)
except OSError as e:
    print(e.errno)
try:
    socket.socket().send(b"x")
except OSError as e:
    print(e.errno)
"""
    assert wifi.run(CONNECT + code)[-3:] == ["111", "2", "32"]


def test_without_a_network_module(board: Board) -> None:
    code = "import socket\ntry:\n socket.socket().connect(('1.2.3.4', 80))\nexcept OSError as e:\n print(e)"
    assert board.exec(code) == "no available NIC\n"
    assert board.exec("import network\nprint(network.route())") == "[]\n"


def test_module_that_does_not_answer(wifi: Wifi) -> None:
    wifi.module.mute = True
    try:
        with pytest.raises(ScriptError, match="(ESP8285|ESP32) did not answer to .* in time"):
            wifi.run("")
        assert wifi.board.eval("6 * 7") == 42
    finally:
        wifi.module.mute = False
    assert wifi.run("print('up')")[-1] == "up"


def test_ctrl_c_while_waiting(wifi: Wifi) -> None:
    """Ctrl-C ends a recv() without time-out, and the next connection works."""
    with echo_server() as port, wifi.board.console() as c:
        code = (
            wifi.begin
            + CONNECT
            + f"s = socket.socket()\ns.connect(('127.0.0.1', {port}))\nprint('wait' + 'ing')\ns.recv(1)\n"
        )
        c.send(b"\x05" + code.encode() + b"\x04")
        c.read_until(b"waiting\r\n", timeout=30)
        c.send(b"\x03")
        c.read_until(b"KeyboardInterrupt", timeout=30)
        c.send(b"s.send(b'ab'), s.recv(10)\r")
        c.read_until(b"(2, b'ab')", timeout=30)


def test_soft_resets_leave_nothing(wifi: Wifi) -> None:
    """Connections that are open at a soft reset, or forgotten by the script, take nothing from the next program."""
    code = CONNECT + "import gc\ndef forget():\n s = socket.socket()\n s.connect(('127.0.0.1', PORT))\n s.send(b'x')\n"
    code += "for i in range(12):\n forget()\n gc.collect()\n"
    code += "s = socket.socket()\ns.connect(('127.0.0.1', PORT))\nprint('ok')"
    with echo_server() as port:
        for _ in range(3):
            assert wifi.run(code.replace("PORT", str(port)))[-1] == "ok"
            wifi.board.reset()


def test_helper_modules_and_wlan(wifi: Wifi, web: int) -> None:
    helper = "network_esp32" if isinstance(wifi.module, NinaModule) else "network_espat"
    code = f"""
import network, socket
from {helper} import wifi
print(wifi.reset(), wifi.isconnected())
wifi.connect("house", "secret99")
print(wifi.isconnected(), wifi.ifconfig()[0])
wlan = network.WLAN(network.STA_IF)
print(wlan.active(), wlan.active(True), wlan.isconnected(), wlan.status() == network.STAT_GOT_IP)
wlan.disconnect()
print(wlan.isconnected(), wlan.status() == network.STAT_IDLE)
print([(n[0], n[2], n[3], n[4]) for n in wlan.scan()])
wlan.connect("house", "no")
print(wlan.status() == network.STAT_WRONG_PASSWORD)
wlan.connect("house", "secret99")
print(wlan.ifconfig()[:3], wlan.config("ssid"), wlan.config("mac"), wlan.status("rssi"))
"""
    wifi.begin = ""
    lines = wifi.run(code + HTTP_GET + f"print(get('http://server.test:{web}/page')[0])")
    lines = [line for line in lines if "[Warning]" not in line]
    assert lines == [
        "True False",
        "True 192.168.4.2",
        "False True True True",
        "False True",
        "[(b'house', 11, -47, 3), (b'odd, \"name\"', 6, -80, 0)]",
        "True",
        "('192.168.4.2', '255.255.255.0', '192.168.4.1') house b'\\\\\\xcf\\x7f\\x00\\x02\\x10' -47",
        "b'HTTP/1.0 200 OK'",
    ]


def test_wlan_finds_the_board_s_module(wifi: Wifi) -> None:
    """The pins are named as on the boards that have the module; the firmware under test is made for another one."""
    esp32 = "dict(ESP32_CS=25, ESP32_RST=8, ESP32_RDY=9, ESP32_MOSI=28, ESP32_MISO=26, ESP32_SCLK=27, WIFI_EN=8)"
    esp8285 = "dict(WIFI_EN=8, WIFI_RX=7, WIFI_TX=6)"
    wifi.begin = f"""
import network, _wlan
from machine import Pin
pins = {esp32 if isinstance(wifi.module, NinaModule) else esp8285}
_wlan._pin = lambda name: Pin(pins[name]) if name in pins else None
wlan = network.WLAN()
"""
    code = "wlan.active(True)\nwlan.connect('house', 'secret99')\nprint(wlan.isconnected(), len(network.route()))\n"
    assert wifi.run(code + "wlan.active(False)\nprint(wlan.isconnected())") == ["True 1", "False"]
    with pytest.raises(ScriptError, match="this board has no Wi-Fi module"):
        wifi.board.reset()
        wifi.board.exec(wifi.begin + "pins.clear()\nwlan.active(True)")


def test_at_module_that_is_switched_off(modules: dict[str, Module], board_with: Callable[..., Board]) -> None:
    wifi = make("esp8285", modules, board_with)
    off = "from machine import Pin\nen = Pin(8, Pin.OUT, value=0)\n"
    with pytest.raises(ScriptError, match="did not answer to AT"):
        wifi.board.exec(off + wifi.begin)
    wifi.board.exec("from machine import Pin\nen = Pin(8, Pin.OUT, value=1)\n" + wifi.begin)


def test_access_point_and_versions(modules: dict[str, Module], board_with: Callable[..., Board]) -> None:
    wifi = make("esp8285", modules, board_with)
    code = (
        "nic.enable_ap('mine', '12345678')\nnic.disable_ap()\nprint(nic.version())\n"
        + CONNECT
        + "print(nic.ping('server.test'))"
    )
    assert wifi.run(code) == ["AT version:1.7.0.0(model)", "SDK version:model", "7"]
    with pytest.raises(ScriptError, match="wifi enable fail"):
        wifi.run("nic.enable_ap('mine', 'short')")


def test_esp32_adc_version_and_ping(modules: dict[str, Module], board_with: Callable[..., Board]) -> None:
    wifi = make("esp32", modules, board_with)
    code = "print(nic.version(), nic.adc(), nic.adc((0, 3)), nic.adc(5))\n" + CONNECT + "print(nic.ping('server.test'))"
    assert wifi.run(code)[-2:] == ["1.4.0 (100, 200, 300, 400, 500, 600) (100, 400) (600,)", "9"]
    lines = wifi.run("for bad in (6, -1):\n try:\n  nic.adc(bad)\n except OSError as e:\n  print(e.errno)")
    assert lines[-2:] == ["22", "22"]


@pytest.mark.parametrize(
    "answer", [b"", b"\xe0", b"\xef\0\xee", b"\xe0\xb7\x01\xff1.4", bytes(60), b"\xe0\xb7\xff" + b"\xff" * 4000]
)
def test_esp32_that_sends_nonsense(modules: dict[str, Module], board_with: Callable[..., Board], answer: bytes) -> None:
    wifi = make("esp32", modules, board_with)
    wifi.module.garble = answer
    try:
        wifi.run("")
    except ScriptError as e:
        assert "OSError" in e.traceback
    assert wifi.run("print(nic.version())")[-1] == "1.4.0"


def test_esp32_by_moving_pins(modules: dict[str, Module], board_with: Callable[..., Board]) -> None:
    """As MaixPy's own driver does it without hardware SPI: the emulator's module takes that as well."""
    wifi = make("esp32", modules, board_with)
    code = """
import time
from machine import Pin, SoftSPI
cs, rst, rdy = Pin(25, Pin.OUT, value=1), Pin(8, Pin.OUT, value=0), Pin(9, Pin.IN)
spi = SoftSPI(baudrate=200000, sck=Pin(27), mosi=Pin(28), miso=Pin(26))
time.sleep_ms(10)
rst(1)
def wait(level):
    start = time.ticks_ms()
    while rdy() != level:
        if time.ticks_diff(time.ticks_ms(), start) > 5000:
            raise OSError("ready line is not %d" % level)
def transfer(out):
    wait(0)
    cs(0)
    wait(1)
    data = bytearray(len(out))
    spi.write_readinto(out, data)
    cs(1)
    return data
transfer(b"\\xe0\\x37\\x00\\xee")
print(bytes(transfer(bytes(12))))
"""
    assert wifi.board.exec(code, timeout=60) == "b'\\xe0\\xb7\\x01\\x061.4.0\\x00\\xee\\x00'\n"


def test_esp32_shares_pins_with_the_card(
    modules: dict[str, Module], board_with: Callable[..., Board], web: int, tmp_path: Path
) -> None:
    module = modules["esp32"]
    (tmp_path / "hello.txt").write_text("from the card")
    firmware = f"{paths.firmware(paths.DEFAULT_BOARD)}@0"
    wifi = Wifi(board_with(board="maixduino", flash=[firmware], wifi=module, sdcard=tmp_path), module, ESP32)
    code = CONNECT + HTTP_GET + "for i in range(3):\n print(open('/sd/hello.txt').read())\n"
    code += f" print(len(get('http://127.0.0.1:{web}/page')[1]))\n"
    code += " with open('/sd/new%d' % i, 'w') as f:\n  f.write('x' * 2000)\n"
    assert wifi.run(code)[-6:] == ["from the card", str(len(BODY))] * 3
