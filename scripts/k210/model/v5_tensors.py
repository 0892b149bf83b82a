# SPDX-License-Identifier: MIT
"""What the tensor functions of v5 share: tensors at addresses of the stack, and their checks."""

from collections.abc import Callable

import numpy as np

from k210.errors import K210Error
from k210.model import stackvm
from k210.model.kmodel import elements
from k210.model.v5_vm import Vm

Found = tuple[list[np.ndarray], np.ndarray, Callable[[], np.ndarray]]


def check_writable(y: np.ndarray) -> None:
    if not y.flags.writeable:
        raise K210Error("the model writes to its constants: it is damaged")


def view(vm: Vm, dtype: int, shape: tuple[int, ...], strides: int) -> np.ndarray:
    return vm.address().strided(stackvm.DTYPES[dtype], shape, vm.shape(strides))


def damaged(name: str, why: str) -> K210Error:
    return K210Error(f"the operation {name!r} has {why}: the model is damaged")


def axes_of(values: tuple[int, ...], rank: int, name: str) -> tuple[int, ...]:
    axes = tuple(v + rank if v < 0 else v for v in values)
    if any(not 0 <= a < rank for a in axes) or len(set(axes)) != len(axes):
        raise damaged(name, f"the axes {values} for {rank} dimensions")
    return axes


def in_out(vm: Vm, dt: int, s: int, t: int, out: tuple[int, ...], t_out: int, dt_out: int | None = None):
    y = view(vm, dt if dt_out is None else dt_out, out, t_out)
    return view(vm, dt, vm.shape(s), t), y


def dense(vm: Vm, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """The tensor at the address on the stack whose elements follow each other."""
    return vm.address().flat(dtype, elements(shape, "a tensor")).reshape(shape)
