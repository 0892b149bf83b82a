# SPDX-License-Identifier: MIT
#
# MaixPy's names of the board's pins. This firmware is made for one board, so they are there without
# /flash/config.json; the file's "board_info" adds to them and overrides them.
from machine import Pin


class board_info:
    @staticmethod
    def set(key, value=None):
        setattr(board_info, key, value)

    @staticmethod
    def get(key, default=None):
        return getattr(board_info, key, default)

    @staticmethod
    def all():
        return dir(board_info)

    @staticmethod
    def load(values):
        for key, value in values.items():
            setattr(board_info, key, value)


def _load():
    for name in dir(Pin.board):
        if not name.startswith("_"):
            board_info.set(name, getattr(Pin.board, name).id())
    header = [board_info.get("PIN%d" % n) for n in range(14)]
    if None not in header:
        board_info.set("D", header)  # the pins of an Arduino's header by number
    try:
        import json

        with open("/flash/config.json") as f:
            board_info.load(json.load(f).get("board_info", {}))
    except OSError:
        pass
    except Exception as e:
        print("[Warning] /flash/config.json:", repr(e))


_load()
