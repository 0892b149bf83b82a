# SPDX-License-Identifier: MIT
"""What the tests of `k210 model` share: the pairs of the data pack and a stand-in for the C core's Net."""

from __future__ import annotations

import inspect
import json
from types import ModuleType, SimpleNamespace

import numpy as np
from kpu_core import F32, U8, KpuError, data_path, planes

from k210.errors import K210Error
from k210.model.load import parse
from k210.model.simulate import run

ALL_MODELS = [
    "detect.kmodel", "yolo.kmodel", "mnist.kmodel", "iris_v3.kmodel", "iris_v4.kmodel", "yolo_v4.kmodel",
    "slim-320_v4.kmodel", "yolox_nano_224_v5.kmodel", *[f"synth_v5/n_{n}.kmodel" for n in "abcde"],
]  # fmt: skip
CASES = ["detect_astronaut", "slim_astronaut", "yolo_v4_dog", "iris_v3", "iris_v4"]


def case(name: str) -> dict:
    return next(c for c in json.loads(data_path("expected/expected.json").read_text())["cases"] if c["name"] == name)


def case_input(name: str) -> np.ndarray:
    if name.startswith("iris"):
        return np.array([5.1, 3.5, 1.4, 0.2], np.float32)
    return np.frombuffer(planes(f"{name.rpartition('_')[2]}_320x240.ppm"), np.uint8)


class SimulatedNet:
    """The part of kpu_core.Net that the tests of operations use, on the simulator."""

    def __init__(self, data: bytes, compute: bool = True) -> None:
        try:
            self.program = parse(data)
        except K210Error as e:
            raise KpuError(0, str(e)) from None

    def __enter__(self) -> SimulatedNet:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        pass

    def set_input(self, data: bytes) -> None:
        self.data = np.frombuffer(data, self.program.inputs[0].dtype)

    def run(self) -> None:
        try:
            run(self.program, [self.data], lambda step, result: None)
        except K210Error as e:
            raise KpuError(0, str(e)) from None

    def output(self, i: int = 0) -> np.ndarray:
        return self.program.output(i).ravel()

    @property
    def outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(dtype=F32 if t.dtype == "float32" else U8, size=t.count) for t in self.program.outputs]


def computing_tests(module: ModuleType) -> dict[str, object]:
    """The tests of a module that compare results; those of error texts belong to the C core."""
    return {n: f for n, f in vars(module).items() if n.startswith("test_") and "KpuError" not in inspect.getsource(f)}
