# SPDX-License-Identifier: MIT
#
# network.WLAN on the Wi-Fi module that the board's pins name: an ESP32 behind SPI, or an ESP8285 behind a UART.
# MaixPy's classes (network.ESP32_SPI, network.ESP8285) do the work; this gives them MicroPython's methods.
import time

import network
from machine import UART, Pin

_nic = None  # one module, whatever number of WLAN objects


def _pin(name):
    return getattr(Pin.board, name, None)


def _start():
    global _nic
    if network.route():
        _nic = network.route()[0]  # a script's own
    elif _pin("ESP32_CS"):
        _nic = network.ESP32_SPI(
            cs=_pin("ESP32_CS"),
            rst=_pin("ESP32_RST"),
            rdy=_pin("ESP32_RDY"),
            mosi=_pin("ESP32_MOSI"),
            miso=_pin("ESP32_MISO"),
            sclk=_pin("ESP32_SCLK"),
        )
    elif _pin("WIFI_EN"):
        enable = Pin(_pin("WIFI_EN"), Pin.OUT, value=0)
        time.sleep_ms(50)
        enable(1)
        time.sleep_ms(300)
        uart = UART(UART.UART2, 115200, tx=_pin("WIFI_RX"), rx=_pin("WIFI_TX"), timeout_char=0, rxbuf=4096)
        _nic = network.ESP8285(uart)
    else:
        raise OSError(19, "this board has no Wi-Fi module; network.ESP8285(uart) takes one on any UART")
    return _nic


class WLAN:
    IF_STA, IF_AP = network.STA_IF, network.AP_IF
    SEC_OPEN, SEC_WEP, SEC_WPA, SEC_WPA2, SEC_WPA_WPA2, SEC_WPA3 = range(6)

    def __init__(self, interface=network.STA_IF):
        if interface not in (network.STA_IF, network.AP_IF):
            raise ValueError("WLAN(%r): it is network.STA_IF or network.AP_IF" % (interface,))
        self._ap = interface == network.AP_IF
        self._active = _nic is not None and not self._ap
        self._status = network.STAT_IDLE
        self._config = {"ssid": "k210", "key": "", "channel": 5, "security": None}

    def _up(self):
        if not self._active or _nic is None:
            raise OSError(19, "WLAN is not active: call active(True)")
        return _nic

    def active(self, on=None):
        if on is None:
            return self._active
        if on and _nic is None:
            _start()
        if self._ap and on != self._active:
            if on:
                c = self._config
                security = c["security"]
                if security is None:
                    security = 3 if c["key"] else 0
                _nic.enable_ap(c["ssid"], c["key"], c["channel"], security)
            else:
                _nic.disable_ap()
        elif not on and self._active and _nic.isconnected():
            _nic.disconnect()
        self._active = bool(on)
        return self._active

    # Ends when the connection is there or cannot be had; status() tells.
    def connect(self, ssid, key=None, *, bssid=None):
        nic = self._up()
        self._status = network.STAT_CONNECTING
        try:
            nic.connect(ssid, key or None)
            self._status = network.STAT_GOT_IP
        except OSError as e:
            text = str(e)
            if "wrong key" in text:
                self._status = network.STAT_WRONG_PASSWORD
            elif "no such network" in text:
                self._status = network.STAT_NO_AP_FOUND
            else:
                self._status = network.STAT_CONNECT_FAIL

    def disconnect(self):
        self._up().disconnect()
        self._status = network.STAT_IDLE

    def isconnected(self):
        if not self._active or _nic is None:
            return False
        return self._active if self._ap else _nic.isconnected()

    def status(self, param=None):
        if param is not None:
            return self.config(param)
        if self._active and _nic is not None and not self._ap and _nic.isconnected():
            self._status = network.STAT_GOT_IP
        elif self._status == network.STAT_GOT_IP:
            self._status = network.STAT_IDLE
        return self._status

    def scan(self):
        return self._up()._scan()

    def ifconfig(self, config=None):
        nic = self._up()
        if config is not None:
            return nic.ifconfig(config)
        c = nic.ifconfig()
        return c[:3] + (c[3] if len(c) > 3 else "0.0.0.0",)

    def ipconfig(self, *args, **values):
        if args:
            (what,) = args
            ip, mask, gateway, dns = self.ifconfig()
            if what == "addr4":
                return (ip, mask)
            if what in ("gw4", "dns"):
                return gateway if what == "gw4" else dns
            if what == "dhcp4":
                return True
            raise ValueError("unknown ipconfig param %s" % what)
        if values.pop("dhcp4", False) and not values:
            return self._up().ifconfig("dhcp")
        raise ValueError("ipconfig() sets dhcp4=True only; ifconfig() sets addresses")

    def config(self, *args, **values):
        if args:
            if len(args) != 1 or values:
                raise TypeError("config() takes one name, or values to set")
            name = args[0]
            if self._ap:
                name = "ssid" if name == "essid" else name
                if name in self._config:
                    return self._config[name]
            if name == "hostname":
                return network.hostname()
            return self._up().config(name)
        for name, value in values.items():
            if name == "essid":
                name = "ssid"
            elif name == "password":
                name = "key"
            elif name == "authmode":
                name = "security"
            if name == "hostname":
                network.hostname(value)
            elif self._ap and name in self._config:
                self._config[name] = value
            elif name not in ("pm", "txpower", "reconnects"):
                raise ValueError("unknown config param %s" % name)
        return None
