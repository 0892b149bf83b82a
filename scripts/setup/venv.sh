#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes build/venv with the Python packages of requirements.txt and our own package (editable);
#   venv.sh [test]
# with "test" also those of requirements-test.txt, which are many times larger.
set -eu
. "$(dirname "$0")/common.sh"

venv=$root/build/venv

python=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(command -v "$candidate")
        break
    fi
done
[ -n "$python" ] || die "Python 3.11 or newer with its venv module is needed (Debian: python3-venv)"

install() { "$venv/bin/python" -m pip install --disable-pip-version-check "$@"; }

# A venv whose interpreter has gone is made anew; one that works is only brought up to date.
# (Steps are chained with && because the shell's -e is off inside a command that `logged` checks.)
fill() {
    { "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$venv"; } &&
        install -r "$root/scripts/requirements.txt" &&
        install --no-deps --no-build-isolation --editable "$root/scripts"
}

fill_test() { install -r "$root/scripts/requirements.txt" -r "$root/scripts/requirements-test.txt"; }

# step STAMP TITLE COMMAND FILE...: runs COMMAND unless it has been done for these FILEs.
step() {
    stamp=$venv/$1 title=$2 command=$3
    shift 3
    want=$(cat "$@" "$0" | sha256sum | cut -d' ' -f1)
    ready() { [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && "$venv/bin/python" -c '' 2>/dev/null; }
    ready && return
    lock setup.lock
    ready && return
    rm -f "$stamp"
    logged venv "$title" "$command"
    printf '%s\n' "$want" >"$stamp"
}

step .k210-stamp "Setting up the Python environment in build/venv" fill \
    "$root/scripts/requirements.txt" "$root/scripts/pyproject.toml"
[ "${1:-}" != test ] || step .k210-stamp-test "Adding what the tests need to build/venv" fill_test \
    "$root/scripts/requirements.txt" "$root/scripts/requirements-test.txt"
