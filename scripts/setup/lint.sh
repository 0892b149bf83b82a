#!/bin/sh
# SPDX-License-Identifier: MIT
# Formatting and static checks on the files that git tracks.
set -u
. "$(dirname "$0")/common.sh"
cd "$root" || exit 1
bin=build/venv/bin
failed=0
check() {
    say "$1"
    shift
    "$@" || failed=1
}
check "ruff check" $bin/ruff check --quiet .
check "ruff format" $bin/ruff format --quiet --check .
check "codespell" $bin/codespell --config scripts/setup/codespell.cfg $(git ls-files '*.py' '*.md' '*.c' '*.h' '*.sh')
check "house rules" $bin/python scripts/setup/houserules.py
[ $failed = 0 ] || die "make lint found something"
say "make lint: all good"
