# SPDX-License-Identifier: MIT
#
# os.VfsSpiffs for scripts that bring their own storage, such as a disk in memory. What lies on it is littlefs2.
from vfs import VfsLfs2


class _Blocks:
    """MaixPy's device, with read(), write(), erase() and sizes in bytes, as MicroPython's block device."""

    def __init__(self, device):
        self.device = device
        self.size = int(device.erase_block)
        self.count = int(device.fs_size) // self.size if self.size > 0 else 0
        if self.size < 256 or self.count < 2:
            raise ValueError("VfsSpiffs needs two erase_blocks of 256 bytes or more in fs_size")

    def readblocks(self, n, buffer, offset=0):
        self.device.read(buffer, len(buffer), n * self.size + offset)

    def writeblocks(self, n, buffer, offset=0):
        self.device.write(buffer, len(buffer), n * self.size + offset)

    def ioctl(self, op, value):
        if op == 4:
            return self.count
        if op == 5:
            return self.size
        if op == 6:
            self.device.erase(self.size, value * self.size)
        return 0


class VfsSpiffs:
    def __init__(self, device):
        self._blocks = _Blocks(device)
        self._fs = None

    def mkfs(self, *_):
        VfsLfs2.mkfs(self._blocks)

    def mount(self, readonly, mkfs):
        self._fs = VfsLfs2(self._blocks)
        self._fs.mount(readonly, mkfs)

    # The methods of a file system that is mounted: open(), stat() ...
    def __getattr__(self, name):
        if self._fs is None:
            raise AttributeError(name)
        return getattr(self._fs, name)
