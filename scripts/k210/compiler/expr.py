# SPDX-License-Identifier: MIT
"""Element-wise functions of one variable as trees, so that chains of activations become one function."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Expr:
    """op: "x" (the variable), "const" (value), or an operation on args."""

    op: str
    args: tuple[Expr, ...] = ()
    value: float = 0.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if self.op == "x":
            return x
        if self.op == "const":
            return np.asarray(self.value, x.dtype)
        with np.errstate(all="ignore"):
            return OPERATIONS[self.op](*(a(x) for a in self.args))

    def of(self, inner: Expr) -> Expr:
        """This function after `inner`."""
        if self.op == "x":
            return inner
        return Expr(self.op, tuple(a.of(inner) for a in self.args), self.value) if self.args else self

    @property
    def identity(self) -> bool:
        return self.op == "x"

    def size(self) -> int:
        return 1 + sum(a.size() for a in self.args)

    def __str__(self) -> str:
        if self.op == "x":
            return "x"
        if self.op == "const":
            return f"{self.value:g}"
        if self.op in INFIX:
            return f"({self.args[0]} {INFIX[self.op]} {self.args[1]})"
        return f"{self.op}({', '.join(map(str, self.args))})"


X = Expr("x")
INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def const(value: float) -> Expr:
    return Expr("const", (), float(value))


def apply(op: str, *args: Expr | float) -> Expr:
    return Expr(op, tuple(a if isinstance(a, Expr) else const(a) for a in args))


def _erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf, otypes=[np.float64])(x).astype(x.dtype) if np.size(x) else x


def _fast_erf(x: np.ndarray) -> np.ndarray:
    """Exact on a fine grid with straight lines between; large arrays would take too long otherwise."""
    if np.size(x) < 4096:
        return _erf(x)
    grid = np.linspace(-4, 4, 4097)
    return np.interp(x, grid, _erf(grid)).astype(x.dtype)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


OPERATIONS: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "min": np.minimum, "max": np.maximum,
    "abs": np.abs, "ceil": np.ceil, "cos": np.cos, "exp": np.exp, "floor": np.floor, "log": np.log,
    "neg": np.negative, "sin": np.sin, "tanh": np.tanh, "sqrt": np.sqrt, "sigmoid": _sigmoid, "erf": _fast_erf,
    "log1p": np.log1p, "expm1": np.expm1, "pow": np.power, "round": np.rint, "sign": np.sign,
}  # fmt: skip


def clip(x: Expr, low: float | None, high: float | None) -> Expr:
    if low is not None and low > -3e38:
        x = apply("max", x, low)
    if high is not None and high < 3e38:
        x = apply("min", x, high)
    return x


def relu(x: Expr) -> Expr:
    return apply("max", x, 0.0)


def leaky(x: Expr, slope: float) -> Expr:
    """slope * x below zero. As max or min, so that the slope may be any number."""
    return apply("max" if slope <= 1 else "min", x, apply("mul", x, slope))


def hard_sigmoid(x: Expr, alpha: float, beta: float) -> Expr:
    return clip(apply("add", apply("mul", x, alpha), beta), 0.0, 1.0)


def softplus(x: Expr) -> Expr:
    """log(1 + e^x) that does not overflow: max(x, 0) + log1p(e^-|x|)."""
    return apply("add", relu(x), apply("log1p", apply("exp", apply("neg", apply("abs", x)))))


def elu(x: Expr, alpha: float, gamma: float = 1.0) -> Expr:
    below = apply("mul", apply("expm1", apply("min", x, 0.0)), alpha)
    return apply("mul", apply("add", relu(x), below), gamma)


def gelu(x: Expr, tanh: bool) -> Expr:
    if tanh:
        inner = apply("mul", apply("add", x, apply("mul", apply("mul", x, apply("mul", x, x)), 0.044715)), 0.7978845608)
        gate = apply("tanh", inner)
    else:
        gate = apply("erf", apply("mul", x, math.sqrt(0.5)))
    return apply("mul", apply("mul", x, 0.5), apply("add", gate, 1.0))


def limits(e: Expr) -> tuple[float, float] | None:
    """low and high when the function only limits its variable."""
    if e.op == "x":
        return -math.inf, math.inf
    if e.op in ("min", "max") and e.args[1].op == "const":
        inner, value = limits(e.args[0]), e.args[1].value
        if inner is None:
            return None
        low, high = inner
        if e.op == "max" and value <= high:
            return max(low, value), high
        if e.op == "min" and value >= low:
            return low, min(high, value)
    return None
