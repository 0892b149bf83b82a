# SPDX-License-Identifier: MIT
"""From a file to a Program: which kind of model it is, and names for the kinds that nothing here can run."""

import struct
from pathlib import Path

from k210.errors import K210Error
from k210.image import load_kfpkg, read_file
from k210.model.kmodel import Program

SUFFIXES = {".smodel": "encrypted for one chip", ".emodel": "read by MaixPy's closed library only"}


def model_bytes(path: Path) -> bytes:
    """The kmodel in the file, or in the .kfpkg."""
    if path.suffix.lower() != ".kfpkg":
        return read_file(path)
    models = [p for p in load_kfpkg(path) if p.name.lower().endswith((".kmodel", *SUFFIXES))]
    if len(models) != 1:
        names = ", ".join(p.name.rpartition(":")[2] for p in models) or "none"
        raise K210Error(f"{path} should hold one kmodel, it has: {names}")
    refuse_suffix(models[0].name)
    return models[0].data


def refuse_suffix(name: str) -> None:
    for suffix, why in SUFFIXES.items():
        if name.lower().endswith(suffix):
            raise K210Error(f"{name} is a {suffix} file ({why}); only .kmodel files can be read")


def parse(data: bytes) -> Program:
    if len(data) < 8:
        raise K210Error(f"with {len(data)} bytes this is no kmodel")
    first, second = struct.unpack("<II", data[:8])
    if data[:4] == b"\x12\x34\x56\x78":
        raise K210Error("this is a model of the Kendryte Model Compiler (2018), which is known but not supported")
    if first == 1:
        raise K210Error("this is a version 1 model of the first SDKs, which is known but not supported")
    if first == 3 or data[:4] == b"\0\0\0\3":
        from k210.model.v3 import ProgramV3

        swapped = first != 3
        if swapped:
            data += bytes(-len(data) % 4)
            data = b"".join(data[i : i + 4][::-1] for i in range(0, len(data), 4))
        return ProgramV3(data, swapped)
    if data[:4] != b"LDMK":
        raise K210Error(f"this is no kmodel: it starts with the bytes {data[:4].hex(' ')}")
    if second == 4:
        from k210.model.v4 import ProgramV4

        return ProgramV4(data)
    if second == 5:
        from k210.model.v5 import ProgramV5

        return ProgramV5(data)
    raise K210Error(f"this is a kmodel of version {second}; versions 3, 4 and 5 can be read")


def load(path: Path) -> Program:
    refuse_suffix(path.name)
    try:
        return parse(model_bytes(path))
    except K210Error as e:
        text = str(e)
        raise K210Error(text if str(path) in text or path.name in text else f"{path}: {text}") from None
