#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds build/<BOARD>/firmware.{elf,bin,kfpkg}, or those of build/<BOARD>-<VARIANT>:
#   firmware.sh BOARD MICROPYTHON_SOURCE_DIR [VARIANT]
set -eu
. "$(dirname "$0")/common.sh"

board=$1
variant=${3-}
[ -f "$2/py/mkrules.mk" ] || die "$2 does not hold the sources of MicroPython (MICROPY_DIR)"
src=$(cd "$2" && pwd)
[ -f "$root/boards/$board/mpconfigboard.h" ] ||
    die "no board $board; there are: $(cd "$root/boards" && echo */)"

# Libraries of the image module; without one of them the firmware is built without what needs it.
for lib in "quirc ${QUIRC_DIR:-}" "apriltag ${APRILTAG_DIR:-}" "libdmtx ${LIBDMTX_DIR:-}"; do
    [ -n "${lib#* }" ] || "$root/scripts/setup/sources.sh" ${lib% *} || say "going on without ${lib% *}"
done
lock firmware.lock

build() {
    make --no-print-directory -C "$root/ports/k210" -j"$(nproc)" BOARD="$board" VARIANT="$variant" MICROPY_DIR="$src" &&
        "$root/build/venv/bin/k210" pack -o "$out/firmware.kfpkg" --board "$board" "$out/firmware.bin@0"
}
out=$root/build/$board${variant:+-$variant}
before=$(stat -c %Y "$out/firmware.elf" 2>/dev/null || true)
logged firmware "Building the firmware for $board${variant:+ ($variant)}" build
if [ "$before" != "$(stat -c %Y "$out/firmware.elf")" ]; then
    sed -n '/^firmware.elf .*bytes/,/^0x000000 /{/^0x000000 /!p}' "$logs/firmware.log"
fi
