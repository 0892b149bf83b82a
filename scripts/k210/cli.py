# SPDX-License-Identifier: MIT
"""The k210 command."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from k210 import __version__, camera, cascade, flash, flash_wifi, paths
from k210.emulate import emulate
from k210.emulator import Config
from k210.errors import K210Error
from k210.model.commands import add_commands
from k210.netmodel import Air, module_of
from k210.pack import pack
from k210.run import run

FAILED = 3  # a sentence on stderr says why; 1 and 2 mean something else for `k210 run`
INTERRUPTED = 130

FILE_HELP = (
    "FILE is a .bin (a program: gets the boot header and SHA-256; default address 0), "
    "a .kmodel (default address 0x300000), a .kfpkg (brings its addresses), or anything else raw at ADDR"
)


def _add_board_options(parser: argparse.ArgumentParser) -> None:
    """What an emulated board is made of; the same for emulate and run."""
    parser.add_argument("--board", default=paths.DEFAULT_BOARD, help="folder under boards/ (default: %(default)s)")
    parser.add_argument(
        "--flash",
        action="append",
        default=[],
        metavar="FILE[@ADDR]",
        help=f"put a file into flash; may be given several times. {FILE_HELP}",
    )
    parser.add_argument("--flash-file", type=Path, metavar="IMG", help="keep the flash in this file between runs")
    parser.add_argument("--no-firmware", action="store_true", help="do not add the board's firmware at address 0")
    parser.add_argument(
        "--sdcard", type=Path, metavar="IMG|DIR", help="SD card: an image, or a folder to copy into one"
    )
    parser.add_argument("--camera", metavar="IMAGE|DIR|VIDEO|webcam", help="what the camera sees (default: grey)")
    parser.add_argument(
        "--wifi",
        action="store_true",
        help="the board's Wi-Fi module works and leads to this computer's network, whatever name and key it is given",
    )
    parser.add_argument("--icount", action="store_true", help="virtual time by instruction count: runs repeat exactly")
    parser.add_argument(
        "--strict", action="store_true", help="stop when the program does what a real K210 would not take"
    )
    parser.add_argument("--qemu", action="append", default=[], metavar="ARG", help="one more argument for QEMU itself")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """As argparse does it, but with a status of its own: its 2 would read as a time-out of `k210 run`."""
        self.print_usage(sys.stderr)
        self.exit(FAILED, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="k210", description="Emulator, flash tools and scripts for K210 boards.")
    parser.add_argument("--version", action="version", version=f"k210 {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    p = commands.add_parser(
        "emulate",
        help="start an emulated board",
        description="Starts an emulated board and prints `serial: PORT`; mpremote and others take PORT as it is.",
    )
    _add_board_options(p)
    p.add_argument(
        "--serial", default="pty", metavar="pty|tcp:PORT|rfc2217:PORT|stdio", help="the console (default: %(default)s)"
    )
    p.add_argument("--lcd", default="", metavar="window|PNG", help="show the LCD, or keep it in a PNG file")
    p.add_argument("--isp", action="store_true", help="start in the mask ROM's serial download mode")
    p.add_argument("--gdb", type=int, metavar="PORT", help="wait for gdb connections on this TCP port")
    p.set_defaults(function=_emulate)

    p = commands.add_parser(
        "run",
        help="run a script on a fresh emulated board, or on the board at a port",
        description="Runs one script and hands on what it prints. Exit status: 0 it ended well, 1 it raised an "
        "exception, 2 it took longer than --timeout.",
    )
    p.add_argument("script", type=Path, metavar="SCRIPT")
    p.add_argument("--port", default="", metavar="P", help="a device, socket:// or rfc2217:// instead of the emulator")
    _add_board_options(p)
    p.add_argument("--frames", type=int, metavar="N", help="stop the script after N pictures on the LCD")
    p.add_argument("--timeout", type=float, metavar="S", help="give up after S seconds")
    p.add_argument("--lcd", type=Path, metavar="PNG", help="write what the LCD shows at the end")
    p.set_defaults(function=_run)

    p = commands.add_parser(
        "pack", help="write a .kfpkg", description=f"Writes a .kfpkg for flashing tools. {FILE_HELP}."
    )
    p.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.kfpkg")
    p.add_argument("--board", default=paths.DEFAULT_BOARD, help="its flash size counts (default: %(default)s)")
    p.add_argument("files", nargs="+", metavar="FILE[@ADDR]")
    p.set_defaults(function=_pack)

    p = commands.add_parser(
        "cascade",
        help="make a cascade file for image.HaarCascade() from OpenCV's XML",
        description="Converts a Haar cascade of OpenCV (stumps, no tilted features) to the file that "
        "image.HaarCascade() reads on the board.",
    )
    p.add_argument("xml", type=Path, metavar="XML")
    p.add_argument("output", type=Path, metavar="OUT.cascade")
    p.set_defaults(function=_cascade)

    p = commands.add_parser(
        "flash",
        help="program a board",
        description=f"Programs a board over its serial port and starts it. {FILE_HELP}.",
    )
    p.add_argument("--port", required=True, metavar="P", help="a device, socket:// or rfc2217://")
    p.add_argument("--board", help="its wiring and flash size (default: the wirings are tried, 16 MiB)")
    p.add_argument("--baud", type=int, default=flash.BAUDRATE, help="speed of the transfer (default: %(default)s)")
    p.add_argument("--no-verify", action="store_true", help="do not read the flash back through the firmware")
    p.add_argument("files", nargs="+", metavar="FILE[@ADDR]")
    p.set_defaults(function=_flash)

    p = commands.add_parser(
        "flash-wifi",
        help="program a board's Wi-Fi module",
        description="Programs an ESP8285 through the board that it is on (which has to run this firmware), or an ESP32 "
        "or ESP8285 at a serial port of its own (--direct), with Espressif's esptool.",
    )
    p.add_argument("--port", required=True, metavar="P", help="of the board; with --direct that of the module")
    p.add_argument("--chip", choices=flash_wifi.CHIPS, default="esp8285", help="default: %(default)s")
    p.add_argument("--direct", action="store_true", help="the port leads to the module (Maixduino's second one does)")
    p.add_argument("--boot-pin", type=int, metavar="N", help="the K210's pin that the module's GPIO0 is wired to")
    p.add_argument("--yes", action="store_true", help="GPIO0 is low already: do not ask")
    p.add_argument("--baud", type=int, default=flash_wifi.BAUDRATE, help="between K210 and module (%(default)s)")
    p.add_argument("files", nargs="+", metavar="FILE[@ADDR]", help="ADDR is 0 when left out")
    p.set_defaults(function=_flash_wifi)

    p = commands.add_parser(
        "farm",
        help="offer emulated boards to a labgrid farm",
        description="Starts emulated boards and a labgrid exporter that offers them, with serial port and power "
        "switch, as places NAME-0, NAME-1 ... until Ctrl-C. Needs labgrid (pip install 'k210[farm]').",
    )
    _add_board_options(p)
    p.add_argument("--emulators", type=int, default=1, metavar="N", help="how many boards (default: %(default)s)")
    p.add_argument("--name", default="k210", help="of the exporter and the places (default: %(default)s)")
    p.add_argument("--coordinator", default="", metavar="HOST[:PORT]", help="default: LG_COORDINATOR, or this machine")
    p.add_argument("--host", default="127.0.0.1", help="address at which others reach this machine (%(default)s)")
    p.set_defaults(function=_farm)

    add_commands(commands)
    return parser


def _config(options: argparse.Namespace) -> Config:
    webcam = options.camera == camera.WEBCAM
    return Config(
        board=options.board,
        flash=tuple(options.flash),
        flash_file=options.flash_file,
        firmware=not options.no_firmware,
        sdcard=options.sdcard,
        camera=None if webcam or not options.camera else Path(options.camera),
        strict=options.strict,
        icount=options.icount,
        isp=getattr(options, "isp", False),
        gdb=getattr(options, "gdb", None),
        qemu_arguments=tuple(options.qemu),
        wifi=module_of(options.board, Air(any_network=True)) if options.wifi else None,
    )


def _emulate(options: argparse.Namespace) -> int:
    return emulate(_config(options), options.serial, options.lcd, webcam=options.camera == camera.WEBCAM)


def _run(options: argparse.Namespace) -> int:
    if options.camera == camera.WEBCAM:
        raise K210Error("k210 run takes a picture, folder or video as camera; a webcam goes with k210 emulate")
    if options.port:
        for name in ("flash", "flash_file", "sdcard", "camera", "icount", "strict", "wifi"):
            if getattr(options, name):
                raise K210Error(f"--{name.replace('_', '-')} is for the emulator; it does not go with --port")
    config = None if options.port else _config(options)
    return run(options.script, config, options.port, options.frames, options.timeout, options.lcd)


def _farm(options: argparse.Namespace) -> int:
    if options.camera == camera.WEBCAM or options.flash_file:
        raise K210Error("the boards of a farm have no webcam and no --flash-file: there are several of them")
    if not 1 <= options.emulators <= 64:
        raise K210Error(f"--emulators {options.emulators}: 1 to 64")
    try:
        from k210.farm_server import farm
    except ImportError:
        raise K210Error("k210 farm needs labgrid: pip install 'k210[farm]'") from None
    return farm(_config(options), options.emulators, options.name, options.coordinator, options.host)


def _pack(options: argparse.Namespace) -> int:
    size = paths.flash_size(options.board)
    for part in sorted(pack(options.output, options.files, size), key=lambda p: p.address):
        print(f"0x{part.address:06x}  {len(part.data):>8} bytes  {part.name}")
    return 0


def _cascade(options: argparse.Namespace) -> int:
    print(cascade.convert(options.xml, options.output))
    return 0


def _flash(options: argparse.Namespace) -> int:
    size = paths.flash_size(options.board or paths.DEFAULT_BOARD)
    flash.flash(options.port, options.files, options.board, size, options.baud, check=not options.no_verify)
    return 0


def _flash_wifi(options: argparse.Namespace) -> int:
    if options.boot_pin is not None and not 0 <= options.boot_pin < 48:
        raise K210Error(f"--boot-pin {options.boot_pin}: pins are 0 to 47")
    if options.baud <= 0:
        raise K210Error(f"--baud {options.baud}: it is above 0")
    flash_wifi.flash_wifi(
        options.port,
        options.files,
        options.chip,
        options.direct,
        options.boot_pin,
        options.baud,
        ask=not options.yes,
    )
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.function(options))
    except K210Error as e:
        sys.stdout.flush()
        print(f"k210: {e}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
