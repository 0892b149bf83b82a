# SPDX-License-Identifier: MIT
"""The byte code of kmodel v5: instructions, and the numbering of tensor functions, which each release changed.

The file does not say which release wrote it. read() decodes with one release's numbers and refuses what
that release cannot have written; the right one is among those that decode to the very end.
"""

from dataclasses import dataclass

from k210.errors import K210Error
from k210.model.reader import Reader

RELEASES = ["1.0 beta", "1.0.0", "1.1", "1.2", "1.3", "1.4 to 1.5", "1.6 to 1.8", "1.6 to 1.9"]
PADDING_INTERIOR, OUTPUT_SHAPES, NEW_NUMBERS, LAST = 2, 5, 6, 7  # releases that brought something
DTYPES = [
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "bfloat16",
]  # fmt: skip

# Instructions without operands are everything else below 0x5E.
PLAIN_OPERANDS = {
    0x02: "i", 0x05: "f", 0x16: "Bi", 0x17: "BBI", 0x28: "I", 0x31: "BB", 0x32: "BB",
    0x56: "i", 0x57: "i", 0x58: "i", 0x5A: "Bi", 0x5B: "B",
}  # fmt: skip
TENSOR = 0x5E

_OLDEST = "batch_to_space binary broadcast call clamp conv2d conv2d_transpose convert copy "
_TO_GATHER = "gather gather_nd "
_TAIL = "reduce_window2d resize_image "
_1_0_BETA = (
    _OLDEST + "dequantize " + _TO_GATHER + "logistic lut1d matmul onehot pad quantize reduce " + _TAIL
    + "slice softmax space_to_batch take transpose unary"
).split()  # fmt: skip
_1_0 = (
    _OLDEST + "cumsum dequantize " + _TO_GATHER + "hardmax logistic lut1d matmul onehot pad quantize "
    "reduce reduce_arg " + _TAIL + "slice softmax space_to_batch take transpose unary"
).split()  # fmt: skip
_FROM_1_1 = (
    _TO_GATHER + "hardmax logistic lut1d matmul onehot pad quantize random_normal random_uniform reduce reduce_arg "
    "reduce_prod " + _TAIL
)
_1_1 = (
    _OLDEST + "cumsum dequantize " + _FROM_1_1 + "slice softmax space_to_batch take ternary transpose unary"
).split()
_FROM_1_2 = _FROM_1_1 + "roi_align sigmoid slice softmax space_to_batch take ternary topk transpose trilu unary"
_1_2 = (_OLDEST + "cumsum dequantize " + _FROM_1_2).split()
_1_3 = (_OLDEST + "cumsum dequantize equal " + _FROM_1_2).split()
_1_6 = (
    _OLDEST.replace("clamp", "compare clamp") + "cumsum dequantize " + _FROM_1_2
    + " gru tflite_detection_postprocess layer_norm compress gather_elements"
).split()  # fmt: skip
NAMES: list[list[str]] = [_1_0_BETA, _1_0, _1_1, _1_2, _1_3, _1_3, _1_6, _1_6]

# d data type, s shape register, t stride register, p padding register, b 0 or 1, B number, H u16, I u32, i i32, q i64,
# f f32; a digit or letter after = : an enumeration with that many values.
OPERANDS = {
    "call": "IHBB", "broadcast": "dstst", "binary": "dststst=Fff",
    "compare": "dststst=6", "conv2d": "dststttHHHHHff",
    "convert": "ddstt", "copy": "dstt", "quantize": "ddstt", "dequantize": "ddstt", "gather": "dssttsB",
    "gather_nd": "dssttsB", "lut1d": "dsttH", "matmul": "stststff", "pad": "dsttp=4", "reduce": "dstt=4sb",
    "reduce_arg": "dstdt=2sbb", "reduce_window2d": "d=4sttHHHHHHff", "resize_image": "dsttbb=2", "sigmoid": "dstt",
    "slice": "dsttsss", "softmax": "dsttif", "transpose": "dstts", "unary": "dstt=U", "space_to_batch": "dsttsp",
    "batch_to_space": "dsttsp", "cumsum": "dsibb", "equal": "dststt", "gather_elements": "ssi", "gru": "ss=3b",
    "hardmax": "dsti", "layer_norm": "dsif", "onehot": "dsstB=2", "reduce_prod": "dsttsb", "ternary": "dstststt",
    "topk": "dststst" + "qibb", "trilu": "dsbq",
}  # fmt: skip

_UNARY_NEW = "abs acos asin ceil cos exp floor log neg round rsqrt sign sin sqrt square tanh bit_not logical_not erf"
_UNARY_NO_SIGN = [name for name in _UNARY_NEW.split()[:-1] if name != "sign"]
_UNARY_OLDEST = [name for name in _UNARY_NO_SIGN[:-2] if name not in ("acos", "asin")]
UNARY = [_UNARY_OLDEST, _UNARY_NO_SIGN, *[_UNARY_NEW.split()] * 6]
BINARY_COUNT = 15


@dataclass(frozen=True)
class Instruction:
    at: int
    end: int
    code: int
    operands: tuple
    name: str = ""  # of a tensor function


class _Refused(Exception):
    pass


# Operands of a release that differ from OPERANDS: (first release that has them as they are now, what came before).
_BEFORE = {
    "binary": (OUTPUT_SHAPES, "dststt=Fff"), "matmul": (OUTPUT_SHAPES, "ssff"), "reduce_prod": (NEW_NUMBERS, "sttsb"),
    "gru": (LAST, "ss=3"), "sigmoid": (4, "dst"),
}  # fmt: skip
# First release whose compiler can write it.
_FIRST = {"matmul": 4, "softmax": NEW_NUMBERS, "space_to_batch": NEW_NUMBERS}


def _operands(name: str, release: int) -> str:
    since, before = _BEFORE.get(name, (0, ""))
    return before if release < since else OPERANDS[name]


def _tensor(r: Reader, release: int) -> tuple[str, tuple]:
    number = r.unpack("H")[0]
    if number >= len(NAMES[release]):
        raise _Refused(f"tensor function 0x{number:x}")
    name = NAMES[release][number]
    if name not in OPERANDS or release < _FIRST.get(name, 0):
        raise _Refused(f"tensor function {name!r} (0x{number:x})")
    values: list = []
    kinds = iter(_operands(name, release))
    for kind in kinds:
        if kind == "=":
            top = {"F": BINARY_COUNT, "U": len(UNARY[release])}.get(limit := next(kinds)) or int(limit)
        else:
            top = {"d": len(DTYPES), "b": 2}.get(kind, 256)
        value = r.unpack(kind if kind in "HIiqf" else "B")[0]
        if kind not in "HIiqf" and value >= top:
            raise _Refused(f"{name} with the operand {value}")
        values.append(value)
    return name, tuple(values)


def read(text: bytes, release: int, nops: bool = True) -> list[Instruction]:
    """All instructions of a function; K210Error with what does not fit."""
    r, found = Reader(text, what="the byte code"), []
    try:
        while r.left():
            at, code, name = r.at, r.unpack("B")[0], ""
            if code == 0 and not nops:
                raise _Refused("an instruction without effect")
            if code == TENSOR:
                name, operands = _tensor(r, release)
            elif code > TENSOR:
                raise _Refused(f"instruction 0x{code:02x}")
            else:
                operands = r.unpack(PLAIN_OPERANDS[code]) if code in PLAIN_OPERANDS else ()
            found.append(Instruction(at, r.at, code, operands, name))
    except _Refused as e:
        raise K210Error(f"at byte {at} of the byte code there is {e}, which nncase {RELEASES[release]} does not know"
                        " or this program does not") from None  # fmt: skip
    return found


def candidates(texts: list[bytes]) -> list[int]:
    """Releases whose numbering decodes all functions, newest first. Compilers write no instructions without effect;
    they appear where the last operand belongs to another release, so readings with them come last."""
    fits, errors = [], []
    for nops in (False, True):
        for release in reversed(range(len(RELEASES))):
            try:
                for text in texts:
                    read(text, release, nops)
                if release not in fits:
                    fits.append(release)
            except K210Error as e:
                errors.append(e)
    if not fits:
        raise errors[0]
    return fits
