# SPDX-License-Identifier: MIT
"""RustSBI and xv6, which use the supervisor mode and the paging of privileged specification 1.9.1.

The file is not part of this repository. Put it into the folder that K210_THIRD_PARTY_DIR names:

| Name there | From |
|---|---|
| xv6.bin | target/k210.bin of github.com/xikao-hx/xv6-k210 at fda5050 |

Its first process wants programs of the same age on the card; what is looked at here comes before that.
"""

import subprocess
import time

from third_party import third_party

from k210.emulator import Config, Emulator

SHA256 = "3779944b569ec5f202f21c944fb64e6b8dcc5ed6826309c8c830e401b0c20675"


def test_xv6_pages_and_reads_the_card(tmp_path):
    card = tmp_path / "card.img"
    with card.open("wb") as image:
        image.truncate(64 << 20)
    subprocess.run(["mkfs.fat", "-F", "32", str(card)], check=True, stdout=subprocess.DEVNULL)
    config = Config(flash=(str(third_party("xv6.bin", SHA256)),), firmware=False, sdcard=card, icount=True)
    with Emulator(config) as emulator:
        deadline = time.monotonic() + 60
        while "hart 1 starting" not in emulator.serial_log():
            assert emulator.alive and time.monotonic() < deadline, emulator.serial_log()
            time.sleep(0.2)
        log = emulator.serial_log()
    # The card must be known before the second hart is started by a pulse of its msip.
    steps = ["medeleg: 0x1ab", "xv6 kernel is booting", "SDSC detected", "hart 0 init done", "hart 1 starting"]
    positions = [log.find(step) for step in steps]
    assert -1 not in positions and positions == sorted(positions), log
