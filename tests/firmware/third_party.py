# SPDX-License-Identifier: MIT
"""Finds programs that other people made; they are never part of this repository."""

import hashlib
import os
from pathlib import Path

import pytest


def third_party(name: str, digest: str | None = None) -> Path:
    """The path of a file in K210_THIRD_PARTY_DIR; skips the test when it is not there.

    Its SHA-256 is checked, but for files that everybody builds for themselves.
    """
    folder = os.environ.get("K210_THIRD_PARTY_DIR")
    if not folder:
        pytest.skip("K210_THIRD_PARTY_DIR is not set")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"there is no {path}")
    if digest:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, f"{path} is another version"
    return path
