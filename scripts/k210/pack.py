# SPDX-License-Identifier: MIT
"""Writes .kfpkg archives: a zip with flash-list.json and the files it names."""

import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from k210.errors import K210Error
from k210.image import FlashPart, load_arguments

VERSION = "0.1.0"


def archive_names(parts: Sequence[FlashPart]) -> list[str]:
    """A name for each part inside the archive; equal file names get the address in front."""
    names = [part.name.rpartition(":")[2] for part in parts]
    return [n if names.count(n) == 1 else f"{part.address:06x}-{n}" for n, part in zip(names, parts, strict=True)]


def write_kfpkg(output: Path, parts: Sequence[FlashPart]) -> None:
    """Writes the archive. The same parts give the same bytes: no time stamps, fixed order."""
    in_order = sorted(parts, key=lambda p: p.address)
    names = archive_names(in_order)
    listing = {
        "version": VERSION,
        "files": [
            {"address": part.address, "bin": name, "sha256Prefix": part.bootable}
            for name, part in zip(names, in_order, strict=True)
        ],
    }
    members = [("flash-list.json", json.dumps(listing, indent=2).encode())]
    members += [(name, part.data) for name, part in zip(names, in_order, strict=True)]
    temporary = output.with_name(output.name + ".new")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members:
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
        os.replace(temporary, output)
    except OSError as e:
        raise K210Error(f"cannot write {output}: {e.strerror}") from None


def pack(output: Path, arguments: Sequence[str], flash_size: int) -> list[FlashPart]:
    """`k210 pack`: checks the FILE@ADDR arguments against each other and writes the archive."""
    parts = load_arguments(arguments, flash_size)
    write_kfpkg(output, parts)
    return parts
