# SPDX-License-Identifier: MIT
#
# Mounts the file system. Nothing in here may keep the REPL from coming up.
import sys

import vfs

import k210


def mount():
    device = k210.Flash()
    try:
        fs = vfs.VfsLfs2(device, progsize=256, readsize=256, lookahead=128)
    except OSError:
        # First start, or a file system of other firmware.
        vfs.VfsLfs2.mkfs(device, progsize=256, readsize=256, lookahead=128)
        fs = vfs.VfsLfs2(device, progsize=256, readsize=256, lookahead=128)
    vfs.mount(fs, "/flash")


try:
    mount()
    import os

    os.chdir("/flash")
except Exception as e:
    print("/flash cannot be mounted:", repr(e))

sys.path.extend(("/flash", "/flash/lib"))
