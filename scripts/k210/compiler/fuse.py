# SPDX-License-Identifier: MIT
"""Makes the graph smaller: batch norm and constants into convolutions, chains of functions into one, dead ends out."""

from __future__ import annotations

import numpy as np

from k210.compiler import expr as ex
from k210.compiler import graph as g
from k210.compiler.expr import Expr, X
from k210.compiler.graph import Graph, Op

MAX_EXPR = 400
MAX_CHANGES = 10_000


def fuse(graph: Graph) -> None:
    """Until nothing changes any more."""
    for _ in range(MAX_CHANGES):
        graph.prune()
        if not any(step(graph) for step in STEPS):
            break
    graph.prune()


def _linear(expr: Expr) -> tuple[float, float] | None:
    """mul and add when the function is mul * x + add."""
    if expr.op == "x":
        return 1.0, 0.0
    if expr.op == "const":
        return 0.0, expr.value
    parts = [_linear(a) for a in expr.args]
    if any(p is None for p in parts):
        return None
    if expr.op == "neg":
        return -parts[0][0], -parts[0][1]
    if expr.op not in ("add", "sub", "mul", "div"):
        return None
    (am, aa), (bm, ba) = parts
    if expr.op == "add":
        return am + bm, aa + ba
    if expr.op == "sub":
        return am - bm, aa - ba
    if expr.op == "mul" and 0 in (am, bm):
        return (aa * bm, aa * ba) if am == 0 else (am * ba, aa * ba)
    if expr.op == "div" and bm == 0 and ba != 0:
        return am / ba, aa / ba
    return None


def _alone(graph: Graph, users: dict[str, list[Op]], name: str) -> bool:
    """Read by one operation only and no output."""
    return len(users[name]) == 1 and name not in graph.outputs


def _merge_functions(graph: Graph) -> bool:
    """Functions of functions of one value, also when two branches of it meet again, become one function."""
    changed = False
    made, users = graph.producers(), graph.consumers()
    for i, op in enumerate(graph.ops):
        new: g.Act | None = None
        if isinstance(op, g.Act):
            before = made.get(op.inputs[0])
            if isinstance(before, g.Act) and _alone(graph, users, before.output):
                new = g.Act(op.name, list(before.inputs), op.output, op.expr.of(before.expr))
        elif isinstance(op, g.Binary) and np.isinf([op.low, op.high]).all() and not _constant(graph, op):
            for source, fa, fb in _branches(graph, made, users, op):
                if graph.shape(source) == graph.shape(op.output):
                    new = g.Act(op.name, [source], op.output, Expr(op.kind, (fa, fb)))
                    break
        if new and new.expr.size() < MAX_EXPR:
            graph.ops[i] = new
            changed = True
            graph.prune()
            break
    return changed


def _constant(graph: Graph, op: Op) -> bool:
    return any(n in graph.constants for n in op.inputs)


def _branches(graph: Graph, made: dict[str, Op], users: dict[str, list[Op]], op: g.Binary) -> list[tuple]:
    """Ways to see both operands as functions of one value: that value and the functions."""
    a, b = op.inputs
    found = [(a, X, X)] if a == b else []
    fa, fb = made.get(a), made.get(b)
    fa = fa if isinstance(fa, g.Act) and _alone(graph, users, a) else None
    fb = fb if isinstance(fb, g.Act) and _alone(graph, users, b) else None
    if fb and fb.inputs[0] == a:
        found.append((a, X, fb.expr))
    if fa and fa.inputs[0] == b:
        found.append((b, fa.expr, X))
    if fa and fb and fa.inputs[0] == fb.inputs[0]:
        found.append((fa.inputs[0], fa.expr, fb.expr))
    return found


def _affine_of_function(graph: Graph) -> bool:
    """x * 2 + 1 on a value with channels is an affine operation, which weights can take up."""
    changed = False
    for i, op in enumerate(graph.ops):
        if isinstance(op, g.Act) and len(graph.shape(op.output)) in (2, 4):
            found = _linear(op.expr)
            if found:
                channels = graph.shape(op.output)[1]
                mul, add = (np.full(channels, v, np.float32) for v in found)
                graph.ops[i] = g.Affine(op.name, op.inputs, op.output, mul, add)
                changed = True
    return changed


def _into_weights(graph: Graph) -> bool:
    """Affine operations into the convolution or matrix before or behind them; functions into the one before."""
    made, users = graph.producers(), graph.consumers()
    for op in graph.ops:
        before = made.get(op.inputs[0])
        if isinstance(op, g.Affine):
            if _alone(graph, users, op.inputs[0]) and _take_affine(graph, before, op):
                return True
            user = users[op.output][0] if _alone(graph, users, op.output) else None
            if isinstance(user, g.Affine):
                user.add = user.mul * op.add + user.add
                user.mul = user.mul * op.mul
                user.inputs = list(op.inputs)
                return _drop(graph, op)
            if isinstance(user, g.Conv) and (not any(user.pads) or not op.add.any()):
                _scale_inputs(user, op)
                user.inputs = list(op.inputs)
                return _drop(graph, op)
        if (
            isinstance(op, g.Act)
            and isinstance(before, g.Conv)
            and before.act.identity
            and not before.pool
            and _alone(graph, users, op.inputs[0])
        ):
            before.act, before.output = op.expr, op.output
            return _drop(graph, op)
    return False


def _limits(graph: Graph) -> bool:
    """ReLU and ReLU6 behind an operation of two values."""
    made, users = graph.producers(), graph.consumers()
    for op in graph.ops:
        before = made.get(op.inputs[0])
        if not (isinstance(op, g.Act) and isinstance(before, g.Binary) and _alone(graph, users, before.output)):
            continue
        found = ex.limits(op.expr)
        if found:
            before.low, before.high = max(before.low, found[0]), min(before.high, found[1])
            before.output = op.output
            return _drop(graph, op)
    return False


def _drop(graph: Graph, op: Op) -> bool:
    graph.ops = [o for o in graph.ops if o is not op]
    return True


def _take_affine(graph: Graph, before: Op | None, op: g.Affine) -> bool:
    if isinstance(before, g.Conv) and before.act.identity and not before.pool:
        before.weight = before.weight * op.mul[:, None, None, None]
        before.bias = before.bias * op.mul + op.add
    elif (
        isinstance(before, g.MatMul) and len(op.mul) == graph.shape(op.output)[-1] and len(graph.shape(op.output)) == 2
    ):
        if before.inputs[1] not in graph.constants:
            return False
        scaled = graph.constants[before.inputs[1]] * op.mul
        bias = np.zeros(len(op.mul), np.float32) if before.bias is None else before.bias
        before.inputs[1], before.bias = graph.constant(scaled), bias * op.mul + op.add
    else:
        return False
    before.output = op.output
    return _drop(graph, op)


def _scale_inputs(conv: g.Conv, op: g.Affine) -> None:
    """The convolution of x * mul + add as one of x. Only right where no padding is met, or add is 0."""
    outs, per = conv.weight.shape[:2]
    group = np.arange(outs) // (outs // conv.groups)
    channel = group[:, None] * per + np.arange(per)
    conv.bias = conv.bias + np.einsum("oikl,oi->o", conv.weight, op.add[channel])
    conv.weight = conv.weight * op.mul[channel][:, :, None, None]


def _functions_after_pools(graph: Graph) -> bool:
    """ReLU-like functions behind a max pool go before it: the KPU computes them with the convolution."""
    made, users = graph.producers(), graph.consumers()
    changed = False
    for op in list(graph.ops):
        pool = made.get(op.inputs[0])
        if not (isinstance(op, g.Act) and isinstance(pool, g.Pool) and pool.kind == "max"):
            continue
        conv = made.get(pool.inputs[0])
        if not isinstance(conv, (g.Conv, g.Affine)) or not rising(op.expr):
            continue
        if not (_alone(graph, users, pool.output) and _alone(graph, users, conv.output)):
            continue
        middle = graph.new(graph.shape(conv.output), "act")
        where = graph.ops.index(pool)
        graph.ops.remove(op)
        graph.ops.insert(where, g.Act(op.name, [conv.output], middle, op.expr))
        pool.inputs, pool.output = [middle], op.output
        made, users = graph.producers(), graph.consumers()
        changed = True
    return changed


def rising(expr: Expr) -> bool:
    """Whether the function never falls, as far as a fine grid shows it."""
    y = expr(np.concatenate([np.linspace(-1000, 1000, 8001), np.linspace(-10, 10, 8001)[1:-1]]).astype(np.float64))
    y = np.asarray(y)
    if y.shape != (16000,):
        return False
    first, second = y[:8001], y[8001:]
    return bool(np.isfinite(y).all() and (np.diff(first) >= 0).all() and (np.diff(second) >= 0).all())


def _simplify_moves(graph: Graph) -> bool:
    """Moves that do nothing, and two of a kind in a row."""
    made, users = graph.producers(), graph.consumers()
    for op in graph.ops:
        before = made.get(op.inputs[0])
        same = graph.shape(op.inputs[0]) == graph.shape(op.output)
        if op.output not in graph.outputs and (
            (isinstance(op, g.Reshape) and same)
            or (isinstance(op, g.Transpose) and op.order == tuple(range(len(op.order))))
            or (isinstance(op, g.Act) and op.expr.identity)
        ):
            graph.replace(op.output, op.inputs[0])
            return _drop(graph, op)
        if isinstance(op, g.Reshape) and isinstance(before, g.Reshape):
            op.inputs = list(before.inputs)
            return True
        if isinstance(op, g.Transpose) and isinstance(before, g.Transpose):
            op.order = tuple(before.order[i] for i in op.order)
            op.inputs = list(before.inputs)
            return True
        if isinstance(op, g.Slice) and isinstance(before, g.Slice) and _alone(graph, users, op.inputs[0]):
            pairs = list(zip(before.begin, before.step, op.begin, op.step, strict=True))
            op.begin = tuple(b + s * b2 for b, s, b2, _ in pairs)
            op.step = tuple(s * s2 for _, s, _, s2 in pairs)
            op.inputs = list(before.inputs)
            return True
        if isinstance(op, g.Pad) and isinstance(before, g.Pad) and _alone(graph, users, op.inputs[0]):
            signs = [min(a + b) >= 0 for a, b in zip(op.pads, before.pads, strict=True)]
            if op.value == before.value and all(signs) and min(min(p) for p in (*op.pads, *before.pads)) >= 0:
                op.pads = tuple((a[0] + b[0], a[1] + b[1]) for a, b in zip(op.pads, before.pads, strict=True))
                op.inputs = list(before.inputs)
                return True
        if isinstance(op, g.Conv) and isinstance(before, g.Pad) and before.value == 0 and _only_sides(before.pads):
            (top, bottom), (left, right) = before.pads[2:]
            op.pads = (op.pads[0] + top, op.pads[1] + left, op.pads[2] + bottom, op.pads[3] + right)
            op.inputs = list(before.inputs)
            return True
    return False


def _only_sides(pads: tuple[tuple[int, int], ...]) -> bool:
    return len(pads) == 4 and not any(pads[0] + pads[1]) and min(min(p) for p in pads) >= 0


def _behind_moves(graph: Graph) -> bool:
    """A function of a reshaped or transposed value goes before the move, where a convolution may take it up."""
    made, users = graph.producers(), graph.consumers()
    for op in graph.ops:
        before = made.get(op.inputs[0])
        if (
            isinstance(op, g.Act)
            and isinstance(before, (g.Reshape, g.Transpose, g.Slice))
            and _alone(graph, users, before.output)
            and _leads_to_conv(made, before)
            and len(users[before.inputs[0]]) == 1
            and before.inputs[0] not in graph.outputs
        ):
            middle = graph.new(graph.shape(before.inputs[0]), "act")
            where = graph.ops.index(before)
            graph.ops.remove(op)
            graph.ops.insert(where, g.Act(op.name, list(before.inputs), middle, op.expr))
            before.inputs, before.output = [middle], op.output
            return True
    return False


def _leads_to_conv(made: dict[str, Op], op: Op) -> bool:
    found = made.get(op.inputs[0])
    while isinstance(found, (g.Reshape, g.Transpose, g.Slice)):
        found = made.get(found.inputs[0])
    return isinstance(found, g.Conv) and found.act.identity and not found.pool


STEPS = (
    _simplify_moves,
    _merge_functions,
    _affine_of_function,
    _into_weights,
    _behind_moves,
    _functions_after_pools,
    _limits,
)
