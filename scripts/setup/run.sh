#!/bin/sh
# SPDX-License-Identifier: MIT
# The last step of `make run`: one script on the emulator, with a model in flash and a picture before the camera.
#   run.sh BOARD MODEL CAMERA SCRIPT FRAMES
set -eu
. "$(dirname "$0")/common.sh"

board=$1 model=$2 camera=$3 script=$4 frames=$5
for f in "$model" "$camera" "$script"; do
    [ -e "$f" ] || die "there is no $f
  make run needs three files. Those that you do not name come from examples/, the picture
  of a face for a MODEL= of yours from the test data (K210_TEST_DATA):
  MODEL=  a .kmodel or .kfpkg for the flash     (now $model)
  CAMERA= a picture, folder or video to look at (now $camera)
  SCRIPT= a Python script for the board         (now $script)"
done
say "running ${script##*/} on an emulated $board, camera: ${camera##*/}, until $frames pictures are on the LCD"
"$root/build/venv/bin/k210" run "$script" --board "$board" --flash "$model" --camera "$camera" \
    --frames "$frames" --timeout 120 --lcd "$root/build/run/lcd.png"
say "the LCD is in build/run/lcd.png"
