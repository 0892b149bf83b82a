#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds build/qemu/qemu-system-riscv64: unmodified QEMU sources plus the files under qemu/.
#   emulator.sh QEMU_SOURCE_DIR
# The sources are shadowed by a tree of links in build/qemu-tree, so that they stay as they came;
# our files are links as well, so an edit under qemu/ is seen by the next build.
set -eu
. "$(dirname "$0")/common.sh"

[ -f "$1/VERSION" ] && [ -f "$1/hw/Kconfig" ] || die "$1 does not hold the sources of QEMU (QEMU_DIR)"
src=$(cd "$1" && pwd -P)
tree=$root/build/qemu-tree
out=$root/build/qemu
case $(cat "$src/VERSION") in
    10.0.*) ;;
    *) die "$src is QEMU $(cat "$src/VERSION"); this machine model is for 10.0.x" ;;
esac
lock qemu.lock

lay_out() {
    rm -rf "$tree" "$out" && cp -rs "$src" "$tree" || return 1
    # Files that get a hook must be real files here.
    for f in meson.build hw/meson.build hw/Kconfig pc-bios/meson.build; do
        rm "$tree/$f" && cp "$src/$f" "$tree/$f" || return 1
    done
    echo "subdir('k210')" >>"$tree/hw/meson.build"
    echo "source k210/Kconfig" >>"$tree/hw/Kconfig"
    sed -i "s|^    'hw/i386',\$|    'hw/i386',\n    'hw/k210',|" "$tree/meson.build"
    # Debian's source package leaves the firmware blobs out.
    sed -i "s/^if unpack_edk2_blobs\$/if false/" "$tree/pc-bios/meson.build"
}

stamp="$src $(cat "$src/VERSION")"
if [ "$(cat "$tree/.k210-stamp" 2>/dev/null || true)" != "$stamp" ]; then
    logged emulator-tree "Laying out the QEMU sources" lay_out
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
# The boot ROM is embedded in the machine; a new one is a new dependency of it.
make -s -C "$root/qemu/rom" OUT="$root/build/rom"
cmp -s "$root/build/rom/k210_rom_image.h" "$tree/hw/k210/k210_rom_image.h" ||
    cp "$root/build/rom/k210_rom_image.h" "$tree/hw/k210/k210_rom_image.h"
mkdir -p "$tree/configs/devices/riscv64-softmmu"
devices=$tree/configs/devices/riscv64-softmmu/k210.mak
cmp -s "$root/qemu/hw/k210/k210-devices.mak" "$devices" || cp "$root/qemu/hw/k210/k210-devices.mak" "$devices"

configure() {
    mkdir -p "$out"
    cc=cc
    command -v ccache >/dev/null && cc="ccache cc"
    (cd "$out" && "$tree/configure" --cc="$cc" --python="$root/build/venv/bin/python" \
        --target-list=riscv64-softmmu \
        --without-default-features --without-default-devices --with-devices-riscv64=k210 \
        --enable-tcg --enable-fdt=system --enable-pixman --enable-trace-backends=log \
        --disable-install-blobs --disable-docs --disable-werror)
}
[ -f "$out/build.ninja" ] || logged emulator-configure "Configuring QEMU $(cat "$src/VERSION")" configure

title="Building the emulator"
[ -x "$out/qemu-system-riscv64" ] || title="$title (the first time it takes a few minutes)"
logged emulator "$title" ninja -C "$out" qemu-system-riscv64
