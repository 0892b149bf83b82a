#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages of debian-packages.txt that are missing; asks dpkg first, so it costs
# nothing when all are there. On a system without apt it says what is needed.
set -eu
. "$(dirname "$0")/common.sh"

packages=$(sed 's/#.*//' "$root/scripts/setup/debian-packages.txt")

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    missing=
    for tool in riscv64-unknown-elf-gcc cc ninja pkg-config flex bison python3; do
        command -v $tool >/dev/null || missing="$missing $tool"
    done
    for library in glib-2.0 pixman-1; do
        pkg-config --exists $library 2>/dev/null || missing="$missing $library"
    done
    [ -z "$missing" ] && exit 0
    die "this system has no apt, so please install by hand what is missing:$missing
  Needed are: a riscv64-unknown-elf GCC with picolibc, a C compiler, ninja, pkg-config, flex, bison,
  Python 3.11 or newer with venv, and the development files of glib, pixman and libfdt.
  The sources come from you as well: make MICROPY_DIR=<MicroPython 1.25> QEMU_DIR=<QEMU 10.0>"
fi

missing_packages() {
    # shellcheck disable=SC2086
    for p in $packages; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)
        [ "$state" = installed ] || printf '%s ' "$p"
    done
}

[ -n "$(missing_packages)" ] || exit 0
lock setup.lock
missing=$(missing_packages)
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "these Debian packages are missing and there is no sudo; as root please run:
  apt-get install --no-install-recommends $missing"
    as_root=sudo
    sudo -v || die "sudo is needed to install: $missing"
fi
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300"

# shellcheck disable=SC2086
can_install() { apt-get install --simulate --no-install-recommends $missing >/dev/null 2>&1; }

# shellcheck disable=SC2086
install() { $apt install -y --no-install-recommends $missing; }

can_install || logged apt-update "Refreshing the package lists" $apt update
if ! can_install; then
    apt-get install --simulate --no-install-recommends $missing 2>&1 | tail -n 5 >&2
    die "apt cannot install: $missing"
fi
say "installing Debian packages: $missing"
# Lists that are older than the mirror name files that are gone; then one refresh helps.
if ! (logged apt-install "Installing Debian packages" install); then
    logged apt-update "Refreshing the package lists" $apt update
    logged apt-install "Installing Debian packages again" install
fi
