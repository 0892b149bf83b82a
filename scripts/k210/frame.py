# SPDX-License-Identifier: MIT
"""The LCD's picture of a board that nobody looks at: the firmware notes what goes to the panel, and
sends it over the prompt, packed."""

import ast
import binascii
import zlib

import numpy as np
from PIL import Image

from k210.errors import K210Error

# Before anything is drawn. Firmware of others has no such thing, and that is no error yet.
KEEP = """
try:
    __import__('lcd').keep_screen(True)
except (ImportError, AttributeError):
    pass
"""

ROWS = 16
# Packed in pieces: a picture is larger than what a script may have left of the heap. Rows are packed by a
# window of 512 bytes, nearly one row.
SEND = f"""
def _send():
    import lcd
    if not hasattr(lcd, 'screen'):
        print("'the firmware has no lcd.screen()'")
        return
    size = lcd.screen()
    print(size)
    if size is None:
        return
    import binascii, deflate, io
    for y in range(0, size[1], {ROWS}):
        packed = io.BytesIO()
        with deflate.DeflateIO(packed, deflate.ZLIB, 9) as d:
            d.write(lcd.screen(y, min({ROWS}, size[1] - y)))
        print(binascii.b2a_base64(packed.getvalue()).decode(), end='')
_send()
del _send
"""


def from_text(text: str) -> Image.Image | str:
    """The picture that SEND printed, or why there is none."""
    first, *lines = text.splitlines() or [""]
    try:
        size = ast.literal_eval(first)
        if size is None:
            return "nothing has been shown on the LCD since the test began, or there was no memory to note it"
        if isinstance(size, str):
            return size
        width, height = size
        raw = b"".join(zlib.decompress(binascii.a2b_base64(line)) for line in lines)
        pixels = np.frombuffer(raw, ">u2").astype(np.uint16).reshape(height, width)
    except (ValueError, SyntaxError, TypeError, zlib.error) as e:
        raise K210Error(f"the picture of the LCD came damaged over the serial line: {e}") from None
    red, green, blue = pixels >> 11, pixels >> 5 & 63, pixels & 31
    planes = (red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2)
    return Image.fromarray(np.stack(planes, axis=2).astype(np.uint8))
