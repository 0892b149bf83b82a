# SPDX-License-Identifier: MIT
# Shared by the set-up scripts; to be sourced. The caller is under `set -eu`.

root=$(cd "$(dirname "$0")/../.." && pwd)
logs=$root/build/logs
mkdir -p "$logs"

say() { printf 'k210: %s\n' "$*"; }
die() {
    printf 'k210: %s\n' "$*" >&2
    exit 1
}

# lock FILE: holds build/FILE until the script ends, so that two makes at once queue up.
lock() {
    command -v flock >/dev/null || return 0
    exec 9>"$root/build/$1"
    flock -n 9 || {
        say "another build is at work on this step, waiting for it"
        flock 9
    }
}

# One line of progress: ninja's [12/900] when the log has it, else the number of compiled files.
progress_of() {
    mark=$(tail -c 4000 "$1" | tr '\r' '\n' | grep -o '^\[[0-9]*/[0-9]*\]' | tail -n 1)
    if [ -n "$mark" ]; then
        printf '%s' "$mark"
    else
        n=$(grep -c '^\(CC\|AS\|GEN\|Compiling\|Get:\|Unpacking\|Setting up\|Collecting\|Installing\)' "$1" || true)
        [ "$n" = 0 ] || printf '%s steps' "$n"
    fi
}

watch_log() {
    seconds=0
    while sleep 1; do
        seconds=$((seconds + 1))
        if [ -t 1 ]; then
            printf '\r\033[K  %s %ss' "$(progress_of "$1")" "$seconds"
        elif [ $((seconds % 15)) = 0 ]; then
            printf '  %s %ss\n' "$(progress_of "$1")" "$seconds"
        fi
    done
}

# logged NAME TITLE COMMAND...: runs the command into build/logs/NAME.log and shows one moving line;
# on failure shows the end of the log. The command stays in the foreground so that Ctrl-C reaches it.
logged() {
    log=$logs/$1.log
    title=$2
    shift 2
    say "$title (build/logs/${log##*/})"
    : >"$log"
    watch_log "$log" 9>&- &
    watcher=$!
    trap 'kill $watcher 2>/dev/null || true' EXIT
    trap 'exit 130' INT TERM
    status=0
    "$@" >>"$log" 2>&1 </dev/null || status=$?
    kill $watcher 2>/dev/null || true
    wait $watcher 2>/dev/null || true
    trap - EXIT INT TERM
    [ ! -t 1 ] || printf '\r\033[K'
    if [ $status != 0 ]; then
        tail -n 30 "$log" >&2
        die "$title: failed with status $status. The whole log is build/logs/${log##*/}"
    fi
}
