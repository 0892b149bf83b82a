# SPDX-License-Identifier: MIT
#
# What MaixPy's helpers network_espat and network_esp32 have in common.


class Wifi:
    nic = None
    module = ""  # its name

    @classmethod
    def connect(cls, ssid="wifi_name", pasw="pass_word"):
        if cls.nic is None and not cls.reset():
            raise OSError(19, "the " + cls.module + " does not answer")
        return cls.nic.connect(ssid, pasw)

    @classmethod
    def ifconfig(cls):
        return cls.nic.ifconfig() if cls.nic else None

    @classmethod
    def isconnected(cls):
        return bool(cls.nic and cls.nic.isconnected())
