# SPDX-License-Identifier: MIT
"""The byte code of kmodel v5: instructions, and the numbering of tensor functions, which each release changed.

The file does not say which release wrote it. read() decodes with one release's numbers and refuses what
that release cannot have written; the right one is among those that decode to the very end.
"""

from dataclasses import dataclass

from k210.errors import K210Error
from k210.model.reader import Reader

RELEASES = ["1.0 beta", "1.0.0", "1.1", "1.3", "1.4 to 1.5", "1.6 to 1.9"]
PADDING_INTERIOR = 2  # from this release on a padding has three numbers
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
NAMES: list[list[str]] = [
    (_OLDEST + "dequantize " + _TO_GATHER + "logistic lut1d matmul onehot pad quantize reduce " + _TAIL
     + "slice softmax space_to_batch take transpose unary").split(),
    (_OLDEST + "cumsum dequantize " + _TO_GATHER + "hardmax logistic lut1d matmul onehot pad quantize "
     "reduce reduce_arg " + _TAIL + "slice softmax space_to_batch take transpose unary").split(),
    (_OLDEST + "cumsum dequantize " + _TO_GATHER + "hardmax logistic lut1d matmul onehot pad quantize random_normal "
     "random_uniform reduce reduce_arg reduce_prod " + _TAIL
     + "slice softmax space_to_batch take ternary transpose unary").split(),
]  # fmt: skip
_NEWER = (
    " "
    + _TO_GATHER
    + "hardmax logistic lut1d matmul onehot pad quantize random_normal random_uniform reduce reduce_arg "
    "reduce_prod " + _TAIL + "roi_align sigmoid slice softmax space_to_batch take ternary topk transpose trilu unary"
)
NAMES.append((_OLDEST + "cumsum dequantize equal" + _NEWER).split())
NAMES.append(NAMES[3])
NAMES.append(
    (_OLDEST.replace("clamp", "compare clamp") + "cumsum dequantize" + _NEWER
     + " gru tflite_detection_postprocess layer_norm compress gather_elements").split()
)  # fmt: skip

# d data type, s shape register, t stride register, p padding register, b 0 or 1, B number, H u16, I u32, i i32, f f32;
# a digit or letter after = : an enumeration with that many values.
OPERANDS = {
    "call": "IHBB", "broadcast": "dstst", "binary": "dststst=Fff",
    "compare": "dststst=6", "conv2d": "dststttHHHHHff",
    "convert": "ddstt", "copy": "dstt", "quantize": "ddstt", "dequantize": "ddstt", "gather": "dssttsB",
    "gather_nd": "dssttsB", "lut1d": "dsttH", "matmul": "stststff", "pad": "dsttp=4", "reduce": "dstt=4sb",
    "reduce_arg": "dstdt=2sbb", "reduce_window2d": "d=4sttHHHHHHff", "resize_image": "dsttbb=2", "sigmoid": "dstt",
    "slice": "dsttsss", "softmax": "dsttif", "transpose": "dstts", "unary": "dstt=U", "space_to_batch": "dsttsp",
    "batch_to_space": "dsttsp",
}  # fmt: skip

_UNARY_NEW = "abs acos asin ceil cos exp floor log neg round rsqrt sign sin sqrt square tanh bit_not logical_not erf"
UNARY = [
    ["abs", "ceil", "cos", "exp", "floor", "log", "neg", "round", "rsqrt", "sin", "sqrt", "square", "tanh"],
    [
        "abs",
        "acos",
        "asin",
        "ceil",
        "cos",
        "exp",
        "floor",
        "log",
        "neg",
        "round",
        "rsqrt",
        "sin",
        "sqrt",
        "square",
        "tanh",
        "bit_not",
        "logical_not",
    ],
    *[_UNARY_NEW.split()] * 4,
]
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


def _operands(name: str, release: int) -> str:
    if name == "binary" and release < 4:
        return "dststt=Fff"
    if name == "matmul" and release < 4:
        return "ssff"
    return OPERANDS[name]


def _tensor(r: Reader, release: int) -> tuple[str, tuple]:
    number = r.unpack("H")[0]
    if number >= len(NAMES[release]):
        raise _Refused(f"tensor function 0x{number:x}")
    name = NAMES[release][number]
    if name not in OPERANDS:
        raise _Refused(f"tensor function {name!r} (0x{number:x})")
    values: list = []
    kinds = iter(_operands(name, release))
    for kind in kinds:
        if kind == "=":
            top = {"F": BINARY_COUNT, "U": len(UNARY[release])}.get(limit := next(kinds)) or int(limit)
        else:
            top = {"d": len(DTYPES), "b": 2}.get(kind, 256)
        value = r.unpack(kind if kind in "HIif" else "B")[0]
        if kind not in "HIif" and value >= top:
            raise _Refused(f"{name} with the operand {value}")
        values.append(value)
    return name, tuple(values)


def read(text: bytes, release: int) -> list[Instruction]:
    """All instructions of a function; K210Error with what does not fit."""
    r, found = Reader(text, what="the byte code"), []
    try:
        while r.left():
            at, code, name = r.at, r.unpack("B")[0], ""
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
    """Releases whose numbering decodes all functions, newest first."""
    fits, errors = [], []
    for release in reversed(range(len(RELEASES))):
        try:
            for text in texts:
                read(text, release)
            fits.append(release)
        except K210Error as e:
            errors.append(e)
    if not fits:
        raise errors[0]
    return fits
