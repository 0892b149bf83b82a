# SPDX-License-Identifier: MIT
"""`k210 model simulate`: what a model computes; KPU layers exact to the bit."""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from k210.camera import open_picture
from k210.errors import K210Error
from k210.model.kmodel import Program, Step, Tensor, shape_text
from k210.model.load import load
from k210.model.yolo2 import Box, yolo2


def picture_input(path: Path, tensor: Tensor) -> np.ndarray:
    """A picture scaled to the input, planes one after the other."""
    shape = tensor.shape
    if shape is None or len(shape) < 3 or shape[-3] not in (1, 3) or tensor.count != np.prod(shape[-3:]):
        raise K210Error(f"the model's input is {tensor.describe()}, which no picture fits; give a .npy file")
    channels, height, width = shape[-3:]
    picture = open_picture(path).convert("L" if channels == 1 else "RGB")
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture).reshape(height, width, channels).transpose(2, 0, 1)
    return np.ascontiguousarray(pixels, tensor.dtype)


def array_input(path: Path, tensor: Tensor) -> np.ndarray:
    try:
        data = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as e:
        raise K210Error(f"{path} is no .npy file that can be read: {e}") from None
    if not isinstance(data, np.ndarray) or data.size != tensor.count:
        shape = shape_text(data.shape) if isinstance(data, np.ndarray) else "no array"
        raise K210Error(f"{path} has {shape} values, the model's input is {tensor.describe()}")
    if data.dtype.kind not in "iuf":
        raise K210Error(f"{path} has values of type {data.dtype}, the model's input is {tensor.dtype}")
    if tensor.dtype != data.dtype.name:
        converted = data.astype(tensor.dtype)
        if np.dtype(tensor.dtype).kind != "f" and (converted != data).any():
            raise K210Error(f"{path} has values that do not fit the model's input of type {tensor.dtype}")
        data = converted
    return data


def read_input(path: Path, tensor: Tensor) -> np.ndarray:
    return array_input(path, tensor) if path.suffix.lower() == ".npy" else picture_input(path, tensor)


def run(program: Program, inputs: Sequence[np.ndarray], on_step: Callable[[Step, np.ndarray | None], None]) -> None:
    """Computes all steps; on_step gets each one with the result of a KPU layer."""
    for number, data in enumerate(inputs):
        program.set_input(number, data)
    for step in program.steps():
        on_step(step, step.run())


def outputs(program: Program, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    run(program, inputs, lambda step, result: None)
    return [program.output(i) for i in range(len(program.outputs))]


def describe(number: int, data: np.ndarray) -> str:
    shown = " ".join(f"{v:g}" for v in data.ravel()[:8].tolist())
    limits = f"{data.min():g} to {data.max():g}" if data.size else "empty"
    more = " ..." if data.size > 8 else ""
    return f"output {number}: {data.dtype} {shape_text(data.shape)}, {limits}: {shown}{more}"


def simulate(
    path: Path,
    images: Sequence[Path],
    out: Path | None = None,
    layers: bool = False,
    anchors: Sequence[float] | None = None,
    threshold: float = 0.5,
    nms: float = 0.3,
) -> int:
    program = load(path)
    if len(images) != len(program.inputs):
        raise K210Error(f"the model has {len(program.inputs)} inputs, --image was given {len(images)} times")
    inputs = [read_input(p, t) for p, t in zip(images, program.inputs, strict=True)]
    sums: list[tuple[str, int]] = []
    with tqdm(total=sum(1 for _ in program.steps()), unit="step", disable=None, leave=False) as bar:

        def progress(step: Step, result: np.ndarray | None) -> None:
            if result is not None:
                sums.append((shape_text(step.out_shape), zlib.crc32(result.tobytes())))
            bar.update()

        run(program, inputs, progress)
    if layers:
        for number, (shape, crc) in enumerate(sums):
            print(f"KPU layer {number:3}  {crc:08x}  {shape}")
    for number in range(len(program.outputs)):
        data = program.output(number)
        print(describe(number, data))
        if out:
            write(out, number, data)
        if anchors and number == 0:
            for box in yolo2(data, program, anchors, threshold, nms):
                print(describe_box(box))
    return 0


def describe_box(box: Box) -> str:
    return f"box: class {box.class_id}, {box.prob:.4f}, x {box.x1}..{box.x2}, y {box.y1}..{box.y2}"


def write(folder: Path, number: int, data: np.ndarray) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"output{number}.npy", data)
    except OSError as e:
        raise K210Error(f"cannot write to {folder}: {e.strerror}") from None
