#!/bin/sh
# SPDX-License-Identifier: MIT
# Prepares training: build/train/venv with PyTorch, build/train/fonts with the typefaces of fonts.txt.
set -eu
. "$(dirname "$0")/../../scripts/setup/common.sh"

here=$root/examples/train
target=$root/build/train
mkdir -p "$target"
lock train.lock

fill_venv() {
    python3 -m venv "$target/venv" &&
        "$target/venv/bin/python" -m pip install --disable-pip-version-check -r "$here/requirements.txt" &&
        "$target/venv/bin/python" -m pip install --disable-pip-version-check --no-deps --no-build-isolation \
            --editable "$root/scripts"
}

unpack_fonts() {
    rm -rf "$target/fonts" "$target/debs" && mkdir -p "$target/debs" "$target/fonts" || return 1
    sed 's/#.*//; /^ *$/d' "$here/fonts.txt" | while read -r package _; do
        (cd "$target/debs" && apt-get download "$package") &&
            dpkg-deb --extract "$target"/debs/"$package"_*.deb "$target/fonts/$package" || exit 1
    done
}

want=$(cat "$here/requirements.txt" "$root"/scripts/requirements*.txt | sha256sum)
if [ "$(cat "$target/venv/.stamp" 2>/dev/null)" != "$want" ]; then
    logged train-venv "Setting up PyTorch in build/train/venv" fill_venv
    printf '%s\n' "$want" >"$target/venv/.stamp"
fi
want=$(sha256sum <"$here/fonts.txt")
if [ "$(cat "$target/fonts.stamp" 2>/dev/null)" != "$want" ]; then
    command -v apt-get >/dev/null || die "the typefaces come as Debian packages (fonts.txt), and there is no apt here.
  Unpack them yourself: one folder per package under build/train/fonts"
    logged train-fonts "Fetching typefaces into build/train/fonts" unpack_fonts
    printf '%s\n' "$want" >"$target/fonts.stamp"
fi
say "training is ready: build/train/venv/bin/python examples/train/train_detector.py"
