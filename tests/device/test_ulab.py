# SPDX-License-Identifier: MIT
"""ulab on the board against numpy."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from k210.board import Board, ScriptError

A = np.array([[1, 2, 3], [4, 5, 7.5]])
M = np.array([[2, 1, 0], [1, 3, 1], [0, 1, 4.0]])
R = np.array([3.0, -1, 2.5, 0, 7, 1, -4, 2])

CASES: dict[str, Callable[[], object]] = {
    "2 - a * 3 / (a + 1)": lambda: 2 - A * 3 / (A + 1),
    "a ** 2 + u.array([1, 2, 3])": lambda: A**2 + [1, 2, 3],
    "abs(-r)": lambda: abs(R),
    "u.sum(a), u.mean(a), u.std(a), u.min(r), u.max(r), u.median(r)": lambda: (
        *(A.sum(), A.mean(), A.std(), R.min(), R.max(), np.median(R)),
    ),
    "u.sum(a, axis=0)": lambda: A.sum(0),
    "u.mean(a, axis=1)": lambda: A.mean(1),
    "u.argmax(r), u.argmin(r)": lambda: (R.argmax(), R.argmin()),
    "u.sort(r)": lambda: np.sort(R),
    "u.argsort(r)": lambda: np.argsort(R),
    "u.roll(r, 3)": lambda: np.roll(R, 3),
    "u.flip(r)": lambda: R[::-1],
    "u.diff(r)": lambda: np.diff(R),
    "u.array(a).transpose()": lambda: A.T,
    "a[:, 1:]": lambda: A[:, 1:],
    "r[r > 2]": lambda: R[R > 2],
    "u.dot(a, m)": lambda: A @ M,
    "u.inv(m)": lambda: np.linalg.inv(M),
    "u.det(m), u.trace(m)": lambda: (np.linalg.det(M), np.trace(M)),
    "u.sort(u.eig(m)[0])": lambda: np.linalg.eigvalsh(M),
    "u.vector.sin(a)": lambda: np.sin(A),
    "u.sqrt(abs(r))": lambda: np.sqrt(abs(R)),
    "u.polyfit(u.array([0, 1, 2, 3]), u.array([1, 3, 7, 13]), 2)": lambda: [1, 1, 1],
    "u.polyval([1, 2, 3], r)": lambda: np.polyval([1, 2, 3], R),
    "u.convolve(r, u.array([1, 2]))": lambda: np.convolve(R, [1, 2]),
    "u.spectrum(r)": lambda: abs(np.fft.fft(R)),
    "u.ifft(*u.fft(r))[0]": lambda: R,
    "u.linspace(0, 1, 5)": lambda: np.linspace(0, 1, 5),
    "u.eye(2)": lambda: np.eye(2),
    "u.concatenate([a, a])": lambda: np.concatenate([A, A]),
    "u.array([1, 2, 300], dtype=u.uint8)": lambda: [1, 2, 44],
}


def test_ulab_computes_as_numpy(board: Board) -> None:
    code = f"import ulab as u, json\na, m, r = u.array({A.tolist()}), u.array({M.tolist()}), u.array({R.tolist()})\n"
    code += "def show(*x):\n"
    code += " x = x[0] if len(x) == 1 else x\n"
    code += " print(json.dumps([list(v.flatten()) if isinstance(v, u.array) else v for v in x]))\n"
    code += "\n".join(f"show({case})" for case in CASES)
    wrong = []
    for (case, expected), line in zip(CASES.items(), board.exec(code).splitlines(), strict=True):
        found = np.hstack([np.ravel(v) for v in json.loads(line)])
        if not np.allclose(found, np.ravel(expected()), atol=1e-9):
            wrong.append(f"{case}: {line}")
    assert not wrong, "\n".join(wrong)


def test_arrays_look_as_in_maixpy(board: Board) -> None:
    code = """
from ulab import array, zeros, uint8, linalg
a = array([[1, 2], [3, 4]], dtype=uint8)
print(a, a.shape(), len(a), a[1], a[1][0], a[0, 1], linalg.size(a), zeros(2))
a[0] = [9, 8]
print(a + 1.5, a == 9)
"""
    assert board.exec(code).splitlines() == [
        "array([[1, 2], [3, 4]], dtype=uint8) (2, 2) 2 array([3, 4], dtype=uint8) 3 2 4 array([0.0, 0.0], dtype=float)",
        "array([[10.5, 9.5], [4.5, 5.5]], dtype=float) [True, False, False, False]",
    ]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("u.inv(u.zeros((2, 2)))", "ValueError: input matrix is singular"),
        ("u.array([[1], [1, 2]])", "ValueError: iterables are not of the same length: [1, 2]"),
        ("u.array([1], dtype=7)", "ValueError: dtype must be uint8, int8, uint16, int16 or float of ulab, not 7"),
        ("u.ones(3) + u.ones(2)", "ValueError: operands have shapes (1, 3) and (1, 2)"),
        ("u.ones(3)[5]", "IndexError: index 5 is not in 0 to 2"),
        ("u.fft(u.ones(3))", "ValueError: input array length must be power of 2, not 3"),
        ("u.polyfit([1], [1], 2)", "ValueError: polyfit of degree 2 needs as many x as y, and more than 2"),
        ("u.array('ab')", "TypeError"),
    ],
)
def test_wrong_calls(board: Board, code: str, error: str) -> None:
    with pytest.raises(ScriptError) as e:
        board.exec(f"import ulab as u\n{code}")
    assert error in str(e.value)
