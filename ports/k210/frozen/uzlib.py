# SPDX-License-Identifier: MIT
import zlib

DecompIO = zlib.DecompIO
compress = zlib.compress
decompress = zlib.decompress
