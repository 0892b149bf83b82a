#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes build/venv with the Python packages of requirements.txt and our own package (editable).
set -eu
. "$(dirname "$0")/common.sh"

venv=$root/build/venv
requirements=$root/scripts/requirements.txt

python=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(command -v "$candidate")
        break
    fi
done
[ -n "$python" ] || die "Python 3.11 or newer with its venv module is needed (Debian: python3-venv)"

want=$(cat "$requirements" "$root/scripts/pyproject.toml" "$0" | sha256sum | cut -d' ' -f1)
ready() {
    [ "$(cat "$venv/.k210-stamp" 2>/dev/null)" = "$want" ] && [ -x "$venv/bin/k210" ] &&
        "$venv/bin/python" -c '' 2>/dev/null
}
ready && exit 0
lock setup.lock
ready && exit 0

# A venv whose interpreter has gone is made anew; one that works is only brought up to date.
# (Steps are chained with && because the shell's -e is off inside a command that `logged` checks.)
fill() {
    { "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$venv"; } &&
        "$venv/bin/python" -m pip install --disable-pip-version-check -r "$requirements" &&
        "$venv/bin/python" -m pip install --disable-pip-version-check --no-deps --no-build-isolation \
            --editable "$root/scripts"
}
rm -f "$venv/.k210-stamp"
logged venv "Setting up the Python environment in build/venv" fill
printf '%s\n' "$want" >"$venv/.k210-stamp"
