# SPDX-License-Identifier: MIT
"""Reads the pictures or arrays of a calibration folder as inputs of the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from k210.compiler.graph import Graph
from k210.compiler.importer import shape_text
from k210.compiler.layer import Quant
from k210.errors import K210Error

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".gif", ".webp", ".tif", ".tiff")
ARRAYS = (".npy", ".npz")


@dataclass(frozen=True)
class InputRange:
    """What the bytes 0..255 of an input stand for: one pair for all channels, or mean and deviation for each."""

    low: float = 0.0
    high: float = 1.0

    @property
    def quant(self) -> Quant:
        scale = (self.high - self.low) / 255
        return Quant(scale, -self.low / scale)


def parse_range(text: str) -> InputRange:
    try:
        low, high = (float(v) for v in text.split(","))
    except ValueError:
        raise K210Error(
            f"--input-range takes two numbers, what 0 and 255 stand for, like 0,1 or -1,1; not {text!r}"
        ) from None
    if not np.isfinite([low, high]).all() or not high - low > 1e-9:
        raise K210Error(f"--input-range {text}: the second number must be larger than the first")
    return InputRange(low, high)


class Calibration:
    """The folder's files for each input. `as_bytes`: the model takes u8; else floats as they are."""

    def __init__(self, graph: Graph, folder: Path, given: InputRange | None, limit: int) -> None:
        self.graph = graph
        if not folder.is_dir():
            raise K210Error(f"--calibration {folder}: there is no such folder")
        names = [graph.labels[n] for n in graph.inputs]
        self.files: list[list[Path]] = []
        for name in names:
            own = folder / name.replace("/", "_")
            place = own if len(names) > 1 or own.is_dir() else folder
            found = (
                sorted(p for p in place.iterdir() if p.suffix.lower() in PICTURES + ARRAYS) if place.is_dir() else []
            )
            if len(names) > 1 and not found and not own.is_dir():
                found = sorted(folder.glob("*.npz"))
            if not found:
                hint = f" in a folder {own.name}" if len(names) > 1 else ""
                raise K210Error(
                    f"--calibration {folder}: no pictures ({', '.join(PICTURES[:5])} ...) and no .npy for input "
                    f"{name}{hint}; put 20 to 200 typical ones there"
                )
            self.files.append(found)
        counts = {len(f) for f in self.files}
        if len(counts) > 1:
            raise K210Error(
                "--calibration: the inputs have different numbers of files: "
                + ", ".join(f"{n} {len(f)}" for n, f in zip(names, self.files, strict=True))
            )
        count = len(self.files[0])
        if limit and count > limit:
            picked = np.linspace(0, count - 1, limit).round().astype(int)
            self.files = [[f[i] for i in picked] for f in self.files]
        self.count = len(self.files[0])
        # Floats in files are what the network computes with, so the model takes floats too, unless told otherwise.
        first = [self._raw(f[0], n) for f, n in zip(self.files, graph.inputs, strict=True)]
        self.ranges: dict[str, InputRange] = {}
        for name, data in zip(graph.inputs, first, strict=True):
            if given is not None or data.dtype == np.uint8:
                self.ranges[name] = given or InputRange()

    def _raw(self, path: Path, name: str) -> np.ndarray:
        """u8 or float values with the shape of the input."""
        shape = self.graph.shape(name)
        if path.suffix.lower() in ARRAYS:
            return self._array(path, name, shape)
        if len(shape) not in (3, 4) or shape[-3] not in (1, 3):
            label = self.graph.labels[name]
            raise K210Error(f"{path}: input {label} is {shape_text(shape)}, which no picture fits; give .npy files")
        channels, height, width = shape[-3:]
        try:
            with Image.open(path) as opened:
                picture = opened.convert("L" if channels == 1 else "RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as e:
            raise K210Error(f"--calibration: {path} is no picture that can be read: {e}") from None
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(picture, np.uint8).reshape(height, width, channels).transpose(2, 0, 1)
        return np.ascontiguousarray(pixels).reshape(shape)

    def _array(self, path: Path, name: str, shape: tuple[int, ...]) -> np.ndarray:
        label = self.graph.labels[name]
        try:
            found = np.load(path, allow_pickle=False)
            if path.suffix.lower() == ".npz":
                if label not in found:
                    raise K210Error(
                        f"--calibration: {path} has no array {label!r}; it has {', '.join(found) or 'none'}"
                    )
                found = found[label]
        except (OSError, ValueError, EOFError, KeyError) as e:
            raise K210Error(f"--calibration: {path} is no array that can be read: {e}") from None
        if found.size != np.prod(shape, dtype=np.int64):
            raise K210Error(
                f"--calibration: {path} has the shape {shape_text(found.shape)}, input {label} is {shape_text(shape)}"
            )
        if found.dtype.kind not in "iuf" or not np.isfinite(found).all():
            raise K210Error(f"--calibration: {path} has values that are no finite numbers")
        return found.reshape(shape) if found.dtype == np.uint8 else found.astype(np.float32).reshape(shape)

    def inputs(self) -> Iterator[dict[str, np.ndarray]]:
        """What the network gets, one calibration input after the other."""
        for number in range(self.count):
            yield self.one(number)

    def one(self, number: int) -> dict[str, np.ndarray]:
        return {
            name: self.real(name, self._raw(files[number], name))
            for name, files in zip(self.graph.inputs, self.files, strict=True)
        }

    def real(self, name: str, data: np.ndarray) -> np.ndarray:
        """As the network sees it: bytes by the input's range; floats on the nearest of its steps."""
        known = self.ranges.get(name)
        if known is None:
            return data.astype(np.float32)
        if data.dtype == np.uint8:
            return known.quant.real(data)
        return known.quant.real(known.quant.steps(data))

    def model_input(self, name: str, real: np.ndarray) -> np.ndarray:
        """What the kmodel gets for it."""
        known = self.ranges.get(name)
        return real if known is None else known.quant.steps(real)
