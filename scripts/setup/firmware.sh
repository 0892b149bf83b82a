#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds build/<BOARD>/firmware.{elf,bin,kfpkg}:
#   firmware.sh BOARD MICROPYTHON_SOURCE_DIR
set -eu
. "$(dirname "$0")/common.sh"

board=$1
[ -f "$2/py/mkrules.mk" ] || die "$2 does not hold the sources of MicroPython (MICROPY_DIR)"
src=$(cd "$2" && pwd)
[ -f "$root/boards/$board/mpconfigboard.h" ] ||
    die "no board $board; there are: $(cd "$root/boards" && echo */)"
lock firmware.lock
logged firmware "Building the firmware for $board" \
    make --no-print-directory -C "$root/ports/k210" -j"$(nproc)" BOARD="$board" MICROPY_DIR="$src"
# The size table stands at the end of the log.
sed -n '/^ *text[[:space:]]*data/,$p' "$logs/firmware.log"
