#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches the sources of a package into build/src, mostly from Debian's suite trixie:
#   sources.sh qemu|micropython|quirc|apriltag|libdmtx FOLDER
# FOLDER is what QEMU_DIR, MICROPY_DIR ... says; when it is not ours in build/src, there is nothing to fetch.
# apt does the work (signature, hashes, proxies, credentials of the machine's own set-up), but with a
# list and a state directory of our own: nothing of the machine's apt changes.
set -eu
. "$(dirname "$0")/common.sh"

name=$1
case $name in
    qemu) versions='10.0.*' variable=QEMU_DIR ;;
    micropython) versions='1.25.*' variable=MICROPY_DIR ;;
    apriltag) versions='3.4.*' variable=APRILTAG_DIR ;;
    libdmtx) versions='0.7.*' variable=LIBDMTX_DIR ;;
    quirc) variable=QUIRC_DIR ;;
    *) die "usage: sources.sh qemu|micropython|quirc|apriltag|libdmtx FOLDER" ;;
esac
target=$root/build/src/$name-src
[ "${2:-}" = "build/src/$name-src" ] || [ "${2:-$target}" = "$target" ] || exit 0

# The folder gets its name only when it is complete.
[ ! -d "$target" ] || exit 0
lock setup.lock
[ ! -d "$target" ] || exit 0

own="Or point to sources of your own: make $variable=<folder>"
mkdir -p "$root/build/src"

# quirc is no source package in Debian; PyPI has it inside a Python binding.
if [ $name = quirc ]; then
    work=$root/build/pypi
    hash=sha256:91cfa5ab076b7764903b263f4362cd78fefbf1dcda3921e624d52e02123f43f5
    fetch_quirc() {
        rm -rf "$work" "$target.new" && mkdir -p "$work" "$target.new" &&
            echo "pyquirc==0.2.0.post1 --hash=$hash" >"$work/requirements.txt" &&
            "$root/build/venv/bin/python" -m pip download --disable-pip-version-check --no-deps --no-binary pyquirc \
                --require-hashes -r "$work/requirements.txt" -d "$work" &&
            tar -xzf "$work"/pyquirc-*.tar.gz -C "$target.new" --strip-components=3 --wildcards '*/extern/quirc' &&
            mv "$target.new" "$target"
    }
    logged "fetch-$name" "Fetching the sources of $name" fetch_quirc
    exit 0
fi

command -v apt-get >/dev/null || die "$name comes as a Debian source package, and this system has no apt. $own"

keyring=
for k in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
    [ -r $k ] && keyring=$k && break
done
[ -n "$keyring" ] || die "the Debian archive's keys are missing (package debian-archive-keyring). $own"

# The mirror that this machine uses for the main archive. Origin and label stand in the lists that
# apt-get update fetched; without lists the name of the release has to do.
mirror=$(apt-get indextargets --format '$(REPO_URI)|$(ORIGIN)|$(LABEL)' 'Created-By: Packages' |
    sed -n 's/|Debian|Debian$//p' | head -n 1)
if [ -z "$mirror" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)|$(RELEASE)' 'Created-By: Packages' |
        sed -n 's/|\(bookworm\|trixie\|stable\)$//p' | head -n 1)
fi
[ -n "$mirror" ] || die "found no mirror of the Debian archive in this machine's apt sources. $own"

work=$root/build/apt
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/download"
printf 'deb-src [signed-by=%s] %s trixie main\n' "$keyring" "$mirror" >"$work/sources.list"

private_apt() {
    apt-get -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}

# Libraries are compiled without Debian's patches: their packaging is not fetched.
case $name in
    qemu | micropython) only= ;;
    *) only=--tar-only ;;
esac

fetch() {
    private_apt update && (cd "$work/download" && private_apt source $only --download-only --only-source "$name/trixie")
}

check_version() {
    case $1 in
        $versions) ;;
        *) echo "$name $1 is not $versions" && return 1 ;;
    esac
}

unpack_tar() {
    tar=$(ls -t "$work/download/${name}_"*.orig.tar.* | head -n 1)
    version=${tar##*_}
    check_version "${version%.orig.tar.*}" && rm -rf "$target.new" && mkdir "$target.new" &&
        tar -xf "$tar" -C "$target.new" --strip-components=1 && mv "$target.new" "$target"
}

unpack() {
    [ -z "$only" ] || { unpack_tar && return 0 || return 1; }
    dsc=$(ls -t "$work/download/${name}_"*.dsc | head -n 1)
    version=$(sed -n 's/^Version: //p' "$dsc" | head -n 1 | sed 's/^[0-9]*://')
    check_version "$version" || return 1
    # apt has checked the files against the signed index. The patches are Debian's own packaging.
    rm -rf "$target.new" && dpkg-source --no-check --no-copy --skip-patches -x "$dsc" "$target.new" &&
        mv "$target.new" "$target"
}

logged "fetch-$name" "Fetching the source package of $name" fetch
logged "unpack-$name" "Unpacking $name" unpack
