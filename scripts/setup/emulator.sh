#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds build/qemu/qemu-system-riscv64: unmodified QEMU sources plus the files under qemu/.
#   emulator.sh QEMU_SOURCE_DIR
# The sources are shadowed by a tree of links in build/qemu-tree, so that they stay as they came;
# our files are links as well, so an edit under qemu/ is seen by the next build.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
src=$(cd "$1" && pwd)
tree=$root/build/qemu-tree
out=$root/build/qemu
mkdir -p "$root/build"
exec 9>"$root/build/qemu.lock"
flock 9

stamp="$src $(cat "$src/VERSION")"
if [ "$(cat "$tree/.k210-stamp" 2>/dev/null || true)" != "$stamp" ]; then
    echo "emulator: laying out the QEMU sources in build/qemu-tree"
    rm -rf "$tree" "$out"
    cp -rs "$src" "$tree"
    # Files that get a hook must be real files here.
    for f in meson.build hw/meson.build hw/Kconfig pc-bios/meson.build; do
        rm "$tree/$f"
        cp "$src/$f" "$tree/$f"
    done
    echo "subdir('k210')" >>"$tree/hw/meson.build"
    echo "source k210/Kconfig" >>"$tree/hw/Kconfig"
    sed -i "s|^    'hw/i386',\$|    'hw/i386',\n    'hw/k210',|" "$tree/meson.build"
    # Debian's source package leaves the firmware blobs out.
    sed -i "s/^if unpack_edk2_blobs\$/if false/" "$tree/pc-bios/meson.build"
    echo "$stamp" >"$tree/.k210-stamp"
fi
for d in hw/k210 include/hw/k210; do
    mkdir -p "$tree/$d"
    find "$tree/$d" -xtype l -delete
    (cd "$root/qemu/$d" && find . -type f) | while read -r f; do
        mkdir -p "$tree/$d/$(dirname "$f")"
        [ -L "$tree/$d/$f" ] || ln -s "$root/qemu/$d/$f" "$tree/$d/$f"
    done
done
mkdir -p "$tree/configs/devices/riscv64-softmmu"
cp "$root/qemu/hw/k210/k210-devices.mak" "$tree/configs/devices/riscv64-softmmu/k210.mak"

if [ ! -f "$out/build.ninja" ]; then
    echo "emulator: configuring QEMU $(cat "$src/VERSION")"
    mkdir -p "$out"
    cc=cc
    command -v ccache >/dev/null && cc="ccache cc"
    (cd "$out" && "$tree/configure" --cc="$cc" --python="$root/build/venv/bin/python" \
        --target-list=riscv64-softmmu \
        --without-default-features --without-default-devices --with-devices-riscv64=k210 \
        --enable-tcg --enable-fdt=system --enable-pixman --enable-trace-backends=log \
        --disable-install-blobs --disable-docs --disable-werror)
fi
echo "emulator: building (the first time takes a few minutes)"
ninja -C "$out" qemu-system-riscv64
