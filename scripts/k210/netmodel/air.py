# SPDX-License-Identifier: MIT
"""What a Wi-Fi module finds around it: networks, names, and hosts that are those of this computer."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field

CONNECT_TIMEOUT = 4.0


@dataclass(frozen=True)
class AccessPoint:
    """A network. security: 0 open, 1 WEP, 2 WPA, 3 WPA2, 4 WPA and WPA2."""

    ssid: str
    key: str = ""
    rssi: int = -50
    channel: int = 6
    bssid: str = "02:00:00:00:00:01"
    security: int | None = None

    @property
    def protection(self) -> int:
        return self.security if self.security is not None else 3 if self.key else 0


DEFAULT = AccessPoint("k210", "", rssi=-40)


@dataclass
class Air:
    """networks: what a scan finds. hosts: names besides those that this computer knows.

    forward: the board's server ports and where they are on this computer (0 = any free one).
    """

    networks: list[AccessPoint] = field(default_factory=lambda: [DEFAULT])
    hosts: dict[str, str] = field(default_factory=dict)
    forward: dict[int, int] = field(default_factory=dict)
    ip: str = "192.168.4.2"
    gateway: str = "192.168.4.1"
    netmask: str = "255.255.255.0"
    dns: str = "192.168.4.1"
    mac: str = "5c:cf:7f:00:02:10"
    any_network: bool = False  # every name and key is right: for people who just want a network

    def find(self, ssid: str) -> AccessPoint | None:
        for network in self.networks:
            if network.ssid == ssid:
                return network
        return AccessPoint(ssid) if self.any_network else None

    def key_fits(self, network: AccessPoint, key: str) -> bool:
        return self.any_network or network.key == key

    def resolve(self, name: str) -> str | None:
        if name in self.hosts:
            return self.hosts[name]
        try:
            return socket.gethostbyname(name)
        except (OSError, UnicodeError):
            return None

    def connect(self, host: str, port: int) -> socket.socket | None:
        """A TCP connection, or None."""
        address = self.resolve(host)
        if address is None or not 0 < port < 65536:
            return None
        try:
            connection = socket.create_connection((address, port), CONNECT_TIMEOUT)
        except OSError:
            return None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def udp(self, port: int) -> socket.socket | None:
        """A UDP socket on the host's port that stands for the board's; 0 = any."""
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            s.bind(("127.0.0.1" if port else "", self.forward.get(port, port)))
        except OSError:
            s.close()
            return None
        if port:
            self.forward[port] = s.getsockname()[1]
        return s

    def listen(self, port: int) -> socket.socket | None:
        """A listening TCP socket on the host's port that stands for the board's; forward[port] then tells which."""
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", self.forward.get(port, port)))
            s.listen(8)
        except OSError:
            s.close()
            return None
        self.forward[port] = s.getsockname()[1]
        return s


def close_all(sockets: Iterable[socket.socket | None]) -> None:
    for s in sockets:
        if s is not None:
            s.close()
