# SPDX-License-Identifier: MIT
#
# The file system in flash: littlefs2 at /flash.
import vfs

import k210

_OPTIONS = {"progsize": 256, "readsize": 256, "lookahead": 128}


def _blank(device):
    # The beginning of every sector: other file systems leave something in one of them.
    part = bytearray(256)
    for n in range(device.ioctl(4, 0)):
        device.readblocks(n, part, 0)
        if part.count(b"\xff") != len(part):
            return False
    return True


def mount():
    # False when there is something that is no file system of this kind: it may be worth keeping.
    device = k210.Flash()
    try:
        fs = vfs.VfsLfs2(device, **_OPTIONS)
    except OSError:
        if not _blank(device):
            return False
        vfs.VfsLfs2.mkfs(device, **_OPTIONS)
        fs = vfs.VfsLfs2(device, **_OPTIONS)
    vfs.mount(fs, "/flash")
    return True


def format():
    try:
        vfs.umount("/flash")
    except OSError:
        pass
    device = k210.Flash()
    # Whatever the first sectors hold must not be taken for a superblock again.
    for n in range(2):
        device.ioctl(6, n)
    vfs.VfsLfs2.mkfs(device, **_OPTIONS)
    return mount()
