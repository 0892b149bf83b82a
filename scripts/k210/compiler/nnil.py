# SPDX-License-Identifier: MIT
"""Element-wise functions as the byte code of v4's `nnil unary` node."""

from __future__ import annotations

import struct

from k210.compiler import expr as ex
from k210.compiler.expr import Expr

UNARY = {"abs": 0x20, "ceil": 0x21, "cos": 0x22, "exp": 0x23, "floor": 0x24, "log": 0x25, "neg": 0x26, "sin": 0x28}
RSQRT = 0x27
BINARY = {"add": 0x40, "sub": 0x41, "mul": 0x42, "div": 0x43, "min": 0x44, "max": 0x45}
RETURN = 0xA0
MAX_DEPTH = 60


def assemble(expr: Expr) -> bytes | None:
    """The code, or None when the machine has no instructions for the function."""
    code = bytearray()
    depth = _emit(expr, code)
    return None if depth is None or depth > MAX_DEPTH else bytes(code) + bytes([RETURN])


def _number(code: bytearray, value: float) -> int:
    if value in (0.0, 1.0):
        code.append(0x04 if value == 0 else 0x05)
    else:
        code.append(0x06)
        code.extend(struct.pack("<f", max(min(value, 3.4e38), -3.4e38)))
    return 1


def _emit(e: Expr, code: bytearray) -> int | None:
    """Appends code that leaves the value on the stack; gives the depth that it needs."""
    if e.op == "x":
        code.append(0x03)
        return 1
    if e.op == "const":
        return _number(code, e.value)
    if e.op == "sqrt":
        # 1 / (1 / sqrt(x)) is right for 0, too; x * rsqrt(x) is not.
        _number(code, 1.0)
        depth = _emit(e.args[0], code)
        code.extend((RSQRT, BINARY["div"]))
        return None if depth is None else depth + 1
    if e.op in UNARY:
        depth = _emit(e.args[0], code)
        code.append(UNARY[e.op])
        return depth
    if e.op in BINARY:
        a = _emit(e.args[0], code)
        b = _emit(e.args[1], code)
        if a is None or b is None:
            return None
        code.append(BINARY[e.op])
        return max(a, b + 1)
    other = rewritten(e)
    return None if other is None else _emit(other, code)


def rewritten(e: Expr) -> Expr | None:
    """Functions without an instruction by those that have one."""
    x = e.args[0]
    if e.op == "sigmoid":
        return ex.apply("div", 1.0, ex.apply("add", ex.apply("exp", ex.apply("neg", x)), 1.0))
    if e.op == "tanh":
        # 2 / (1 + e^-2x) - 1
        down = ex.apply("add", ex.apply("exp", ex.apply("mul", x, -2.0)), 1.0)
        return ex.apply("sub", ex.apply("div", 2.0, down), 1.0)
    if e.op == "log1p":
        return ex.apply("log", ex.apply("add", x, 1.0))
    if e.op == "expm1":
        return ex.apply("sub", ex.apply("exp", x), 1.0)
    if e.op == "round":
        return ex.apply("floor", ex.apply("add", x, 0.5))
    if e.op == "sign":
        return ex.apply("div", x, ex.apply("max", ex.apply("abs", x), 1e-30))
    if e.op == "pow" and e.args[1].op == "const":
        power = e.args[1].value
        if power == int(power) and 1 <= power <= 8:
            result = x
            for _ in range(int(power) - 1):
                result = ex.apply("mul", result, x)
            return result
        return ex.apply("exp", ex.apply("mul", ex.apply("log", x), power))
    if e.op == "erf":
        return _erf(x)
    return None


def _erf(x: Expr) -> Expr:
    """1 - (a1 t + ... + a5 t^5) e^(-x^2), t = 1 / (1 + 0.3275911 |x|): to 1.5e-7 (Abramowitz and Stegun 7.1.26)."""
    size = ex.apply("abs", x)
    t = ex.apply("div", 1.0, ex.apply("add", ex.apply("mul", size, 0.3275911), 1.0))
    poly: Expr = ex.const(1.061405429)
    for a in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        poly = ex.apply("add", ex.apply("mul", poly, t), a)
    bell = ex.apply("exp", ex.apply("neg", ex.apply("mul", x, x)))
    upper = ex.apply("sub", 1.0, ex.apply("mul", ex.apply("mul", poly, t), bell))
    return ex.apply("mul", upper, ex.apply("div", x, ex.apply("max", size, 1e-30)))
