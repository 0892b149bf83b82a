# SPDX-License-Identifier: MIT
#
# The time of day from a server: ntptime.settime() sets the clock to UTC.
import socket
import struct
from time import gmtime

host = "pool.ntp.org"
timeout = 2

_NTP_TO_2000 = 3155673600  # seconds from 1900 to 2000


def _ask():
    address = socket.getaddrinfo(host, 123)[0][-1]
    query = bytearray(48)
    query[0] = 0x1B  # version 3, client
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.settimeout(timeout)
        s.sendto(query, address)
        answer = s.recv(48)
    finally:
        s.close()
    if len(answer) < 48 or answer[0] & 7 != 4 or answer[1] == 0:
        raise OSError(5, "%s sends no time" % host)
    return struct.unpack(">I", answer[40:44])[0]


# Seconds since 2000, as time.time() gives them.
def time():
    seconds = _ask()
    if seconds < 0x80000000:
        seconds += 1 << 32  # after 2036
    return seconds - _NTP_TO_2000


def settime():
    import machine

    t = gmtime(time())
    machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))
