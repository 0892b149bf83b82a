# SPDX-License-Identifier: MIT
"""The display."""

from collections.abc import Sequence

from image import Image

_Color = int | tuple[int, int, int]

BLACK: int
BLUE: int
CYAN: int
DARKCYAN: int
DARKGREEN: int
DARKGREY: int
GREEN: int
GREENYELLOW: int
LIGHTGREY: int
MAGENTA: int
MAROON: int
NAVY: int
OLIVE: int
ORANGE: int
PINK: int
PURPLE: int
RED: int
WHITE: int
XY_LRDU: int
XY_LRUD: int
XY_RLDU: int
XY_RLUD: int
YELLOW: int
YX_LRDU: int
YX_LRUD: int
YX_RLDU: int
YX_RLUD: int

def init(
    type: int = ...,
    freq: int = 15000000,
    color: _Color = 0,
    width: int = ...,
    height: int = ...,
    invert: int = ...,
    offset_w0: int = 0,
    offset_h0: int = 0,
    offset_w1: int = 0,
    offset_h1: int = 0,
    rst: int = ...,
    dcx: int = ...,
    ss: int = ...,
    clk: int = ...,
    *,
    lcd_type: int = ...,
) -> None:
    """Without arguments right for the board."""

def deinit() -> None: ...
def width() -> int | None: ...
def height() -> int | None: ...
def type() -> int | None: ...
def freq(hz: int = ...) -> int: ...
def display(img: Image, roi: Sequence[int] | None = None, oft: Sequence[int] | None = None) -> None:
    """Shows a picture, centred or with its corner at oft."""

def clear(color: _Color = 0) -> None: ...
def draw_string(x: int, y: int, text: str, color: _Color = ..., bg: _Color = ...) -> None: ...
def fill_rectangle(x: int, y: int, w: int, h: int, color: _Color) -> None: ...
def rotation(r: int = ...) -> int: ...
def mirror(on: bool = ...) -> int: ...
def direction(dir: int) -> None: ...
def bgr_to_rgb(on: bool) -> None: ...
def set_backlight(x: int) -> None: ...
def get_backlight() -> None: ...
def register(cmd: int, data: int | Sequence[int]) -> None: ...
def keep_screen(on: bool) -> None:
    """Notes what the glass shows, for tests."""

def screen(row: int = ..., rows: int = ...) -> tuple[int, int] | bytes: ...
