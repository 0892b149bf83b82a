# SPDX-License-Identifier: MIT
#
# Arrays with one or two dimensions, for scripts that use the ulab of MaixPy: everything is in the module itself, and
# shape(), size() and transpose() are methods. Written in Python, floats are doubles.
import math
import sys
from array import array as _store

_float, _sum, _min, _max = float, sum, min, max  # the names of Python that ulab has for itself
uint8, int8, uint16, int16, float = 66, 98, 72, 104, 102  # the letters of their codes
_CODES = {uint8: "B", int8: "b", uint16: "H", int16: "h", float: "d"}
_NAMES = {uint8: "uint8", int8: "int8", uint16: "uint16", int16: "int16", float: "float"}


def _dtype(dtype):
    dtype = ord(dtype) if isinstance(dtype, str) and len(dtype) == 1 else dtype
    if dtype not in _CODES:
        raise ValueError("dtype must be uint8, int8, uint16, int16 or float of ulab, not %r" % (dtype,))
    return dtype


def _fit(value, dtype):
    if dtype == float:
        return value
    value = int(value) & (0xFF if dtype in (uint8, int8) else 0xFFFF)
    sign = 0x80 if dtype == int8 else 0x8000 if dtype == int16 else 0
    return value - 2 * sign if value & sign else value


def _new(data, rows, columns, dtype):
    self = object.__new__(array)
    self._a, self._m, self._n, self.dtype = data, rows, columns, dtype
    return self


def _made(values, rows, columns, dtype):
    return _new(_store(_CODES[dtype], [_fit(v, dtype) for v in values]), rows, columns, dtype)


def _wider(a, b):
    if a == b:
        return a
    pair = {a, b}
    if float in pair or pair == {int16, uint16}:
        return float
    return uint16 if uint16 in pair else int16


def _number(value):
    return isinstance(value, (int, _float))


def _array(value):
    return value if isinstance(value, array) else array(value)


class array:
    """A matrix; what has one dimension is one row."""

    def __init__(self, values, dtype=None):
        if isinstance(values, array):
            dtype = values.dtype if dtype is None else _dtype(dtype)
            self._m, self._n, self.dtype = values._m, values._n, dtype
            self._a = _store(_CODES[dtype], [_fit(v, dtype) for v in values._a])
            return
        self.dtype = dtype = _dtype(float if dtype is None else dtype)
        rows = list(values)
        self._m = 1
        if rows and not _number(rows[0]):
            rows = [r._a if isinstance(r, array) else list(r) for r in rows]
            self._m, lengths = len(rows), {len(r) for r in rows}
            if len(lengths) != 1:
                raise ValueError("iterables are not of the same length: " + str(sorted(lengths)))
            rows = [v for r in rows for v in r]
        self._n = len(rows) // self._m
        self._a = _store(_CODES[dtype], [_fit(v, dtype) for v in rows])

    def shape(self):
        return (self._m, self._n)

    def size(self, axis=0):
        return (self._m * self._n, self._m, self._n)[axis]

    def rawsize(self):
        return (self._m, self._n, len(self._a), len(bytes(self._a)), len(bytes(self._a)) // _max(1, len(self._a)))

    def __len__(self):
        return self._m if self._m > 1 else self._n

    def _row(self, i):
        return _new(self._a[i * self._n : (i + 1) * self._n], 1, self._n, self.dtype)

    def _column(self, i):
        return [self._a[k] for k in range(i, len(self._a), self._n)]

    def __iter__(self):
        if self._m == 1:
            return iter(self._a)
        return iter([self._row(i) for i in range(self._m)])

    def _where(self, key):
        # Rows and columns that a key names, and whether it is one element.
        if not isinstance(key, tuple):
            key = (key, None) if self._m > 1 else (0, key)  # None: all of them
        found = []
        for k, most in zip(key, (self._m, self._n)):
            if k is None:
                found.append(list(range(most)))
            elif isinstance(k, slice):
                found.append(list(range(most))[k])
            else:
                k = k + most if k < 0 else k
                if not 0 <= k < most:
                    raise IndexError("index %d is not in 0 to %d" % (k, most - 1))
                found.append([k])
        return found[0], found[1], not any(k is None or isinstance(k, slice) for k in key)

    def _mask(self, key):
        flags = [bool(v) for v in (key._a if isinstance(key, array) else key)]
        if len(flags) != len(self._a):
            raise IndexError("a mask needs %d values, not %d" % (len(self._a), len(flags)))
        return [i for i, flag in enumerate(flags) if flag]

    def __getitem__(self, key):
        if isinstance(key, (list, array)):
            picked = [self._a[i] for i in self._mask(key)]
            return _made(picked, 1, len(picked), self.dtype)
        rows, columns, one = self._where(key)
        if one:
            return self._a[rows[0] * self._n + columns[0]]
        return _made([self._a[r * self._n + c] for r in rows for c in columns], len(rows), len(columns), self.dtype)

    def __setitem__(self, key, value):
        if isinstance(key, (list, array)):
            places = self._mask(key)
        else:
            rows, columns, _ = self._where(key)
            places = [r * self._n + c for r in rows for c in columns]
        values = [value] * len(places) if _number(value) else list(_array(value)._a)
        if len(values) == 1:
            values *= len(places)
        if len(values) != len(places):
            raise ValueError("%d values for %d places" % (len(values), len(places)))
        for place, v in zip(places, values):
            self._a[place] = _fit(v, self.dtype)

    def __repr__(self):
        def row(a):
            return "[" + ", ".join([str(v) for v in a]) + "]"

        text = row(self._a) if self._m == 1 else row([row(self._row(i)._a) for i in range(self._m)])
        return "array(%s, dtype=%s)" % (text, _NAMES[self.dtype])

    def copy(self):
        return array(self)

    def flatten(self, order="C"):
        flat = self.copy()
        if order == "F":
            flat.transpose()
        flat._m, flat._n = 1, len(flat._a)
        return flat

    def reshape(self, shape):
        m, n = (
            shape
            if isinstance(shape, tuple) and len(shape) == 2
            else (1, shape[0] if isinstance(shape, tuple) else shape)
        )
        if m * n != len(self._a):
            raise ValueError("cannot reshape %d values to %d x %d" % (len(self._a), m, n))
        self._m, self._n = m, n
        return self

    def transpose(self):
        m, n, a = self._m, self._n, self._a
        self._a = _store(_CODES[self.dtype], [a[r * n + c] for c in range(n) for r in range(m)])
        self._m, self._n = n, m
        return self

    def sort(self, axis=-1):
        self._a = sort(self, axis)._a

    def _binary(self, other, f, dtype=None):
        if _number(other):
            kind = self.dtype if isinstance(other, int) else float
            return _made([f(v, other) for v in self._a], self._m, self._n, dtype or kind)
        other = _array(other)
        m, n = _max(self._m, other._m), _max(self._n, other._n)
        if {self._m, other._m} - {m, 1} or {self._n, other._n} - {n, 1}:
            raise ValueError("operands have shapes %s and %s" % (self.shape(), other.shape()))
        if self.shape() == other.shape():
            values = [f(x, y) for x, y in zip(self._a, other._a)]
        else:
            a, b = self, other
            values = [
                f(a._a[(r % a._m) * a._n + c % a._n], b._a[(r % b._m) * b._n + c % b._n])
                for r in range(m)
                for c in range(n)
            ]
        return _made(values, m, n, dtype or _wider(self.dtype, other.dtype))

    def __add__(self, other):
        return self._binary(other, lambda x, y: x + y)

    def __sub__(self, other):
        return self._binary(other, lambda x, y: x - y)

    def __mul__(self, other):
        return self._binary(other, lambda x, y: x * y)

    def __truediv__(self, other):
        return self._binary(other, _divide, float)

    def __pow__(self, other):
        return self._binary(other, lambda x, y: x**y, float)

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return self._binary(other, lambda x, y: y - x)

    def __rtruediv__(self, other):
        return self._binary(other, lambda x, y: _divide(y, x), float)

    def __neg__(self):
        return self._binary(0, lambda x, _: -x)

    def __abs__(self):
        return self._binary(0, lambda x, _: abs(x))

    def __invert__(self):
        return self._binary(0, lambda x, _: ~int(x))

    # Comparisons are lists of bools, which are masks.
    def _compare(self, other, f):
        return [bool(v) for v in self._binary(other, f, uint8)._a]

    def __lt__(self, other):
        return self._compare(other, lambda x, y: x < y)

    def __le__(self, other):
        return self._compare(other, lambda x, y: x <= y)

    def __gt__(self, other):
        return self._compare(other, lambda x, y: x > y)

    def __ge__(self, other):
        return self._compare(other, lambda x, y: x >= y)

    def __eq__(self, other):
        return self._compare(other, lambda x, y: x == y)

    def __ne__(self, other):
        return self._compare(other, lambda x, y: x != y)


ndarray = array


def _divide(x, y):
    if y:
        return x / y
    return math.nan if not x or x != x else math.inf if x > 0 else -math.inf


# ---- making arrays


def _full(shape, value, dtype):
    m, n = (
        shape if isinstance(shape, tuple) and len(shape) == 2 else (1, shape[0] if isinstance(shape, tuple) else shape)
    )
    return _made([value] * (m * n), m, n, _dtype(dtype))


def zeros(shape, dtype=float):
    return _full(shape, 0, dtype)


def ones(shape, dtype=float):
    return _full(shape, 1, dtype)


def full(shape, fill_value, dtype=float):
    return _full(shape, fill_value, dtype)


def eye(N, M=None, k=0, dtype=float):
    M = N if M is None else M
    return _made([1 if c == r + k else 0 for r in range(N) for c in range(M)], N, M, _dtype(dtype))


def arange(start, stop=None, step=1, dtype=None):
    start, stop = (0, start) if stop is None else (start, stop)
    count = _max(0, math.ceil((stop - start) / step))
    if dtype is None:
        dtype = int16 if all(isinstance(v, int) for v in (start, stop, step)) else float
    return _made([start + i * step for i in range(count)], 1, count, _dtype(dtype))


def linspace(start, stop, num=50, endpoint=True, dtype=float):
    if num < 2:
        raise ValueError("linspace needs num of 2 or more")
    step = (stop - start) / (num - 1 if endpoint else num)
    return _made([start + i * step for i in range(num)], 1, num, _dtype(dtype))


def concatenate(arrays, axis=0):
    arrays = [_array(a) for a in arrays]
    if arrays[0]._m == 1 and all(a._m == 1 for a in arrays):
        axis = 1
    if axis:
        return array([[v for a in arrays for v in a._row(r)._a] for r in range(arrays[0]._m)], dtype=arrays[0].dtype)
    return array([a._row(r) for a in arrays for r in range(a._m)], dtype=arrays[0].dtype)


# ---- along an axis


def _along(a, axis, f, dtype=None):
    a = _array(a)
    if axis is None:
        return f(a._a)
    if axis in (0, -2):
        lines = [a._column(c) for c in range(a._n)]
    elif axis in (1, -1):
        lines = [a._row(r)._a for r in range(a._m)]
    else:
        raise ValueError("axis must be None, 0 or 1, not %r" % (axis,))
    return _made([f(line) for line in lines], 1, len(lines), dtype or a.dtype)


def sum(a, axis=None):
    return _along(a, axis, _sum, float)


def mean(a, axis=None):
    return _along(a, axis, lambda v: _sum(v) / len(v), float)


def std(a, axis=None, ddof=0):
    def f(v):
        middle = _sum(v) / len(v)
        return math.sqrt(_sum((x - middle) ** 2 for x in v) / (len(v) - ddof))

    return _along(a, axis, f, float)


def median(a, axis=None):
    def f(v):
        v, half = sorted(v), len(v) // 2
        return v[half] if len(v) % 2 else (v[half - 1] + v[half]) / 2

    return _along(a, axis, f, float)


def min(a, axis=None):
    return _along(a, axis, _min)


def max(a, axis=None):
    return _along(a, axis, _max)


def argmin(a, axis=None):
    return _along(a, axis, lambda v: list(v).index(_min(v)), int16)


def argmax(a, axis=None):
    return _along(a, axis, lambda v: list(v).index(_max(v)), int16)


def _lines(a, axis, f, dtype=None):
    # Every row or column replaced by what f makes of it.
    a = array(_array(a))
    if axis is None:
        a = a.flatten()
    down = axis in (0, -2) and a._m > 1
    if down:
        a.transpose()
    made = array([f(list(a._row(r)._a)) for r in range(a._m)], dtype=dtype or a.dtype)
    return made.transpose() if down else made


def sort(a, axis=-1):
    return _lines(a, axis, sorted)


def argsort(a, axis=-1):
    return _lines(a, axis, lambda v: sorted(range(len(v)), key=lambda i: v[i]), int16)


def flip(a, axis=None):
    a = _array(a)
    if axis is None:
        return _made(list(reversed(a._a)), a._m, a._n, a.dtype)
    return _lines(a, axis, lambda v: list(reversed(v)))


def roll(a, distance, axis=None):
    shape = _array(a).shape()

    def f(v):
        d = distance % len(v)
        return v[-d:] + v[:-d] if d else v

    return _lines(a, axis, f).reshape(shape)


def diff(a, n=1, axis=-1):
    for _ in range(n):
        a = _lines(a, axis, lambda v: [v[i + 1] - v[i] for i in range(len(v) - 1)])
    return a


# ---- element by element


def _vector(f):
    def function(x):
        if _number(x):
            return f(x)
        x = _array(x)
        return _made([f(v) for v in x._a], x._m, x._n, float)

    return function


sin, cos, tan = _vector(math.sin), _vector(math.cos), _vector(math.tan)
asin, acos, atan = _vector(math.asin), _vector(math.acos), _vector(math.atan)
sinh, cosh, tanh = _vector(math.sinh), _vector(math.cosh), _vector(math.tanh)
asinh, acosh, atanh = _vector(math.asinh), _vector(math.acosh), _vector(math.atanh)
exp, expm1, log, log2, log10 = [_vector(f) for f in (math.exp, math.expm1, math.log, math.log2, math.log10)]
sqrt, ceil, floor, degrees, radians = [
    _vector(f) for f in (math.sqrt, math.ceil, math.floor, math.degrees, math.radians)
]
erf, erfc, gamma, lgamma = [_vector(f) for f in (math.erf, math.erfc, math.gamma, math.lgamma)]


def around(a, decimals=0):
    return _vector(lambda v: round(v * 10**decimals) / 10**decimals)(a)


def arctan2(y, x):
    if _number(y) and _number(x):
        return math.atan2(y, x)
    return _array(y)._binary(x, math.atan2, float)


# ---- linear algebra


def size(a, axis=0):
    return _array(a).size(axis)


def dot(a, b):
    a, b = _array(a), _array(b)
    if a._m == b._m == 1 and a._n == b._n:
        return _sum(x * y for x, y in zip(a._a, b._a))
    if a._n != b._m:
        raise ValueError("matrix dimensions do not match: %s and %s" % (a.shape(), b.shape()))
    columns = [b._column(c) for c in range(b._n)]
    rows = [a._row(r)._a for r in range(a._m)]
    return _made([_sum(x * y for x, y in zip(r, c)) for r in rows for c in columns], a._m, b._n, float)


def _eliminate(a, right):
    # Gauss and Jordan with pivots: rows of `a` become the identity. Returns the determinant.
    n, det = len(a), 1.0
    for i in range(n):
        p = _max(range(i, n), key=lambda r: abs(a[r][i]))
        if abs(a[p][i]) < 1e-300:
            return 0.0
        if p != i:
            a[i], a[p], right[i], right[p], det = a[p], a[i], right[p], right[i], -det
        pivot = a[i][i]
        det *= pivot
        a[i], right[i] = [v / pivot for v in a[i]], [v / pivot for v in right[i]]
        for r in range(n):
            f = a[r][i]
            if r != i and f:
                a[r] = [x - f * y for x, y in zip(a[r], a[i])]
                right[r] = [x - f * y for x, y in zip(right[r], right[i])]
    return det


def _square(a):
    a = _array(a)
    if a._m != a._n:
        raise ValueError("a square matrix is needed, not %d x %d" % a.shape())
    return [list(a._row(r)._a) for r in range(a._m)]


def inv(a):
    rows = _square(a)
    right = [list(eye(len(rows))._row(r)._a) for r in range(len(rows))]
    if not _eliminate(rows, right):
        raise ValueError("input matrix is singular")
    return array(right)


def det(a):
    rows = _square(a)
    return _eliminate(rows, [[] for _ in rows])


def trace(a):
    return _sum(row[i] for i, row in enumerate(_square(a)))


def eig(a):
    """Eigenvalues and the matrix of eigenvectors (its columns) of a symmetric matrix."""
    s = _square(a)
    n = len(s)
    if any(abs(s[r][c] - s[c][r]) > 1e-9 * (abs(s[r][c]) + 1e-9) for r in range(n) for c in range(r)):
        raise ValueError("input matrix is asymmetric")
    v = [[1.0 if r == c else 0.0 for c in range(n)] for r in range(n)]
    for _ in range(50 * n * n):
        p, q = 0, 1 if n > 1 else 0
        for r in range(n):
            for c in range(r + 1, n):
                if abs(s[r][c]) > abs(s[p][q]):
                    p, q = r, c
        if p == q or abs(s[p][q]) < 1e-14:
            break
        angle = 0.5 * math.atan2(2 * s[p][q], s[q][q] - s[p][p])
        co, si = math.cos(angle), math.sin(angle)
        for m in (s, v):
            for row in m:
                row[p], row[q] = co * row[p] - si * row[q], si * row[p] + co * row[q]
        s[p], s[q] = [co * x - si * y for x, y in zip(s[p], s[q])], [si * x + co * y for x, y in zip(s[p], s[q])]
    return array([s[i][i] for i in range(n)]), array(v)


# ---- polynomials, filters, Fourier


def polyval(p, x):
    def f(v):
        total = 0
        for c in p._a if isinstance(p, array) else p:
            total = total * v + c
        return total

    return _vector(f)(x)


def polyfit(x, y, deg=None):
    if deg is None:
        x, y, deg = range(len(x)), x, y
    x, y = list(_array(x)._a), list(_array(y)._a)
    if len(x) != len(y) or len(x) <= deg:
        raise ValueError("polyfit of degree %d needs as many x as y, and more than %d" % (deg, deg))
    rows = [[_sum(v ** (2 * deg - r - c) for v in x) for c in range(deg + 1)] for r in range(deg + 1)]
    right = [[_sum(w * v ** (deg - r) for v, w in zip(x, y))] for r in range(deg + 1)]
    if not _eliminate(rows, right):
        raise ValueError("could not invert Vandermonde matrix")
    return array([r[0] for r in right])


def convolve(a, v):
    a, v = list(_array(a)._a), list(_array(v)._a)
    made = [0.0] * (len(a) + len(v) - 1)
    for i, x in enumerate(a):
        for k, y in enumerate(v):
            made[i + k] += x * y
    return array(made)


def _transform(real, imaginary, sign):
    x = [
        complex(*pair)
        for pair in zip(_array(real)._a, _array(imaginary)._a if imaginary is not None else zeros(len(real))._a)
    ]
    n = len(x)
    if n & (n - 1) or n == 0:
        raise ValueError("input array length must be power of 2, not %d" % n)
    k = 0
    for i in range(1, n):
        bit = n >> 1
        while k & bit:
            k ^= bit
            bit >>= 1
        k |= bit
        if i < k:
            x[i], x[k] = x[k], x[i]
    width = 2
    while width <= n:
        turn = [complex(math.cos(t), sign * math.sin(t)) for t in [2 * math.pi * i / width for i in range(width // 2)]]
        for start in range(0, n, width):
            for i, w in enumerate(turn):
                low, high = x[start + i], w * x[start + i + width // 2]
                x[start + i], x[start + i + width // 2] = low + high, low - high
        width *= 2
    return x


def fft(real, imaginary=None):
    x = _transform(real, imaginary, -1)
    return array([v.real for v in x]), array([v.imag for v in x])


def ifft(real, imaginary=None):
    x = _transform(real, imaginary, 1)
    return array([v.real / len(x) for v in x]), array([v.imag / len(x) for v in x])


def spectrum(real, imaginary=None):
    return array([abs(v) for v in _transform(real, imaginary, -1)])


# Later versions of MaixPy have the same functions in parts.
vector = numerical = linalg = poly = filter = extras = compare = approx = sys.modules[__name__]
