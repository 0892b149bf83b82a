# SPDX-License-Identifier: MIT
#
# Reading of compressed data by the names that MaixPy's programs know; MicroPython has module deflate for it now.
import io

import deflate


# wbits: negative for data without a header, more than 15 for gzip, else zlib; its size is that of the window.
def DecompIO(stream, wbits=0):
    kind = deflate.RAW if wbits < 0 else deflate.GZIP if wbits > 15 else deflate.ZLIB
    return deflate.DeflateIO(stream, kind, -wbits if wbits < 0 else wbits & 15 or 15)


def decompress(data, wbits=0, bufsize=0):
    return DecompIO(io.BytesIO(data), wbits).read()


def compress(data, level=None, wbits=15):
    kind = deflate.RAW if wbits < 0 else deflate.GZIP if wbits > 15 else deflate.ZLIB
    out = io.BytesIO()
    with deflate.DeflateIO(out, kind, -wbits if wbits < 0 else wbits & 15) as stream:
        stream.write(data)
    return out.getvalue()
