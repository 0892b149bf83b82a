# SPDX-License-Identifier: MIT
#
# Mounts the file systems, and leaves MaixPy's names in scope. Nothing in here may keep the REPL from coming up.
import gc
import os
import sys
import time

import machine as _machine


def _mount_flash():
    import flashfs

    if flashfs.mount():
        return True
    print("/flash: neither littlefs nor blank (SPIFFS of MaixPy?). os.flash_format() makes one; what is there is lost.")
    return False


def _mount_sd():
    try:
        card = _machine.SDCard()
    except (AttributeError, OSError):
        return False  # there is no card, or this variant knows none
    os.mount(card, "/sd")
    return True


def _mount():
    mounted = []
    for name, mount in (("/sd", _mount_sd), ("/flash", _mount_flash)):
        try:
            if mount():
                mounted.append(name)
        except Exception as e:
            print(name, "cannot be mounted:", repr(e))
    if mounted:
        os.chdir(mounted[0])
    sys.path[:] = ["", ".frozen"] + mounted + [name + "/lib" for name in mounted]


_mount()
del _mount, _mount_sd, _mount_flash, _machine

# Boards and variants without a camera have fewer modules.
try:
    import image
    import lcd
except ImportError:
    pass
try:
    import os as uos

    import machine
    from board import board_info
    from fpioa_manager import fm
    from Maix import FPIOA, GPIO
except ImportError:
    pass
