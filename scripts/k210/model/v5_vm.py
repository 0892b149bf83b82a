# SPDX-License-Identifier: MIT
"""Runs the byte code of a v5 stackvm function. Each tensor function becomes a step to run or only to look at."""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from k210.errors import K210Error
from k210.model import stackvm
from k210.model.kmodel import Step, elements, span

if TYPE_CHECKING:
    from k210.model.v5 import Function, Module, ProgramV5

MAX_INSTRUCTIONS = 1_000_000
MAX_STACK = 4096
RET = 0x59
ARITHMETIC = {0x33: "neg", 0x34: "add", 0x35: "sub", 0x36: "mul"}


@dataclass(frozen=True)
class Address:
    """A byte of some memory; what the program puts on its stack for a pointer."""

    memory: np.ndarray
    offset: int

    def flat(self, dtype: str, count: int) -> np.ndarray:
        if dtype == "bfloat16":
            raise K210Error("the model uses values of type bfloat16, which is not supported")
        return span(self.memory, self.offset, count * np.dtype(dtype).itemsize, "a tensor").view(dtype)

    def strided(self, dtype: str, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
        """Strides in elements. Every element is checked to lie in the memory."""
        if len(shape) != len(strides):
            raise K210Error("a tensor has a stride for some of its dimensions only: the model is damaged")
        elements(shape, "a tensor")
        if any(s < 0 for s in strides):
            raise K210Error("a tensor has a negative stride: the model is damaged")
        last = sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if all(shape) else -1
        base = self.flat(dtype, last + 1)
        item = base.dtype.itemsize
        return np.lib.stride_tricks.as_strided(base, shape, [s * item for s in strides])


class Vm:
    """One call of a function. Arguments: (start in the pool, address) each."""

    def __init__(
        self, program: "ProgramV5", module: "Module", function: "Function",
        inputs: list[tuple[int, Address]], outputs: list[tuple[int, Address]], depth: int = 0,
    ) -> None:  # fmt: skip
        self.program, self.module, self.depth = program, module, depth
        self.release = program.release
        self.arguments = {0: inputs, 1: outputs}
        self.text = program.text(module, function)
        self.stack: list[int | float | Address] = []
        self.shapes: dict[int, tuple[int, ...]] = {}
        self.paddings: dict[int, list[tuple[int, ...]]] = {}

    def pop(self) -> int | float | Address:
        if not self.stack:
            raise K210Error("the byte code takes a value from an empty stack: the model is damaged")
        return self.stack.pop()

    def number(self) -> float:
        value = self.pop()
        if isinstance(value, Address):
            raise K210Error("the byte code uses an address as a number: the model is damaged")
        return value

    def int(self) -> int:
        value = self.pop()
        if not isinstance(value, int):
            raise K210Error("the byte code needs a whole number and has none: the model is damaged")
        return value

    def address(self) -> Address:
        value = self.pop()
        if not isinstance(value, Address):
            raise K210Error("the byte code uses a number as an address: the model is damaged")
        return value

    def padding(self) -> tuple[int, int, int]:
        """Before, after, and between elements, which is on top."""
        between = self.int() if self.release >= stackvm.PADDING_INTERIOR else 0
        after, before = self.int(), self.int()
        return before, after, between

    def window_padding(self) -> tuple[int, int]:
        before, after, between = self.padding()
        if between:
            raise K210Error("the model pads between the pixels of a window, which is not supported")
        return before, after

    def shape(self, register: int) -> tuple[int, ...]:
        if register not in self.shapes:
            raise K210Error(f"the byte code reads shape register {register} before it is set: the model is damaged")
        return self.shapes[register]

    def locate(self, location: int, offset: int) -> Address:
        if location in self.arguments:
            fits = [(start, a) for start, a in self.arguments[location] if start <= offset]
            if not fits:
                raise K210Error("the byte code uses an argument that does not exist: the model is damaged")
            start, a = max(fits, key=lambda f: f[0])
            return Address(a.memory, a.offset + offset - start)
        memory = self.module.memory.get((location, 0))
        if memory is None:
            raise K210Error(f"the byte code uses memory {location}, which does not exist: the model is damaged")
        return Address(memory, offset)

    def run(self) -> Iterator[Step]:
        from k210.model.v5_ops import tensor_step

        code = stackvm.read(self.text, self.release)
        index = {c.at: i for i, c in enumerate(code)}
        i = done = 0
        while i < len(code):
            instruction = code[i]
            i, done = i + 1, done + 1
            if done > MAX_INSTRUCTIONS or len(self.stack) > MAX_STACK:
                raise K210Error("the byte code does not come to an end: the model is damaged")
            if instruction.code == RET:
                break
            if instruction.code == stackvm.TENSOR:
                if instruction.name == "call":
                    yield from self._call(*instruction.operands)
                else:
                    yield tensor_step(self, instruction.name, instruction.operands)
            elif instruction.code in (0x56, 0x57, 0x58):
                taken = instruction.code == 0x56 or bool(self.number()) == (instruction.code == 0x57)
                if taken:
                    target = instruction.end + instruction.operands[0]
                    if target not in index and target != len(self.text):
                        raise K210Error("the byte code jumps into the middle of an instruction: the model is damaged")
                    i = index.get(target, len(code))
            else:
                self._plain(instruction)
        if self.stack:
            raise K210Error("the byte code leaves numbers on its stack: the model is damaged")

    def _plain(self, instruction: stackvm.Instruction) -> None:
        code, operands, stack = instruction.code, instruction.operands, self.stack
        if code in (0x00, 0x5D):
            return
        if code in (0x01, 0x03):
            stack.append(0)
        elif code == 0x04:
            stack.append(1)
        elif code in (0x02, 0x05):
            stack.append(operands[0])
        elif code == 0x17:
            stack.append(self.locate(operands[0], operands[2]))
        elif code == 0x2F:
            value = self.pop()
            stack += [value, value]
        elif code == 0x30:
            self.pop()
        elif code == 0x31:
            self.shapes[operands[0]] = tuple(self.int() for _ in range(operands[1]))[::-1]
        elif code == 0x32:
            self.paddings[operands[0]] = [self.padding() for _ in range(operands[1])][::-1]
        elif code in ARITHMETIC:
            self._arithmetic(ARITHMETIC[code])
        elif 0x06 <= code <= 0x0F and code != 0x0E:
            kind = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "", "f4"][code - 0x06]
            stack.append(self.address().flat(np.dtype(kind).name, 1)[0].item())
        else:
            raise K210Error(f"the byte code has the instruction 0x{code:02x}, which is not supported")

    def _arithmetic(self, name: str) -> None:
        b = self.number()
        if name == "neg":
            self.stack.append(-b)
            return
        a = self.number()
        value = {"add": a + b, "sub": a - b, "mul": a * b}[name]
        if isinstance(value, int):
            value = struct.unpack("<i", struct.pack("<I", value & 0xFFFFFFFF))[0]
        self.stack.append(value if math.isfinite(value) else 0.0)

    def _call(self, function: int, module: int, n_in: int, n_out: int) -> Iterator[Step]:
        lists: list[list[Address]] = []
        for count in (n_out, n_in):
            found = []
            for _ in range(count):
                stride, shape = self.shape(self.int()), self.shape(self.int())
                dtype = self.int()
                if not 0 <= dtype < len(stackvm.DTYPES):
                    raise K210Error(f"the byte code passes values of type {dtype}: the model is damaged")
                a = self.address()
                a.strided(stackvm.DTYPES[dtype], shape, stride)
                found.append(a)
            lists.append(found[::-1])
        yield from self.program.call(module, function, lists[1], lists[0], self.depth + 1)
