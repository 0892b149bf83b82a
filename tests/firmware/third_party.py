# SPDX-License-Identifier: MIT
"""Finds programs that other people made; they are never part of this repository."""

import hashlib
import os
from pathlib import Path

import pytest


def third_party(name: str, digest: str) -> Path:
    """The path of a file in K210_THIRD_PARTY_DIR, checked by its SHA-256; skips the test when it is not there."""
    folder = os.environ.get("K210_THIRD_PARTY_DIR")
    if not folder:
        pytest.skip("K210_THIRD_PARTY_DIR is not set")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"there is no {path}")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, f"{path} is another version"
    return path
