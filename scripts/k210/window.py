# SPDX-License-Identifier: MIT
"""The emulated LCD in a window (Tk), or in a PNG file that follows it."""

import io
import threading
import time
from pathlib import Path

from k210.emulator import Emulator, save_picture
from k210.errors import K210Error

PERIOD = 0.05
FILE_PERIOD = 1.0
SCALE = 2


def show_window(emulator: Emulator, ending: threading.Event) -> None:
    """Opens a window with the LCD and returns when it is closed, or the emulator or `ending` says so."""
    try:
        import tkinter
    except ImportError:
        raise K210Error("--lcd window needs Tk for Python (Debian package python3-tk)") from None
    try:
        root = tkinter.Tk(className="k210")
    except tkinter.TclError as e:
        raise K210Error(f"cannot open a window: {e}") from None
    root.title(f"K210 {emulator.config.board}")
    label = tkinter.Label(root, borderwidth=0)
    label.pack()
    shown = -1

    def refresh() -> None:
        nonlocal shown
        if ending.is_set():
            root.destroy()
            return
        try:
            pictures = emulator.pictures()
            if pictures != shown:
                data = io.BytesIO()
                emulator.screenshot().save(data, format="PPM")
                image = tkinter.PhotoImage(data=data.getvalue()).zoom(SCALE)
                label.configure(image=image)
                label.image = image  # type: ignore[attr-defined]  # Tk itself keeps no reference
                shown = pictures
        except K210Error:
            root.destroy()
            return
        root.after(int(PERIOD * 1000), refresh)

    refresh()
    root.mainloop()


def follow_in_file(emulator: Emulator, path: Path) -> None:
    """Writes the LCD to a PNG whenever it has changed, until the emulator ends."""
    shown = -1
    while emulator.alive:
        pictures = emulator.pictures()
        if pictures != shown:
            save_picture(emulator.screenshot(), path)
            shown = pictures
        time.sleep(FILE_PERIOD)
