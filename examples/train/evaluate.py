# SPDX-License-Identifier: MIT
"""Measures detector and classifier: in float, as `k210 model simulate` computes them, and on the emulated board.
Prints a Markdown table and writes it into docs/models.md between the marks for it."""

import argparse
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pictures
from boxes import Found, decode, mean_average_precision
from network import ANCHORS
from PIL import Image
from tqdm import tqdm
from typefaces import ROOT

from k210.board import Board
from k210.emulator import Config
from k210.model import simulate
from k210.model.load import load

MODELS = ROOT / "examples/models"
DOCS = ROOT / "docs/models.md"
NNCASE = ROOT / "build/train/nncase"
SEED, UNSEEN_SEED = 11, 12  # training uses others
THRESHOLD, OVERLAP = 0.05, 0.4
PLANES = 3 * 240 * 320  # bytes of a picture
PLANES_AT, EXACT = 0x400000, 40  # where in flash, and how many fit


@dataclass
class Test:
    """Pictures as planes, and what is on them."""

    inputs: list[np.ndarray]
    truth: list[tuple[np.ndarray, np.ndarray]]

    @classmethod
    def make(cls, seed: int, count: int, unseen: bool) -> "Test":
        scenes = [pictures.make(seed, i, unseen) for i in tqdm(range(count), "making pictures", leave=False)]
        planes = [np.ascontiguousarray(np.asarray(s.picture).transpose(2, 0, 1)) for s in scenes]
        return cls(planes, [(s.boxes, s.digits) for s in scenes])


def in_float(network: Path, inputs: list[np.ndarray]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(network)
    name = session.get_inputs()[0].name
    return [session.run(None, {name: x[None].astype(np.float32) / 255})[0][0] for x in inputs]


def simulated(model: Path, inputs: list[np.ndarray]) -> list[np.ndarray]:
    program = load(model)
    return [simulate.outputs(program, [x])[0] for x in tqdm(inputs, "simulating", leave=False)]


def same(outputs: list[np.ndarray], sums: list[int]) -> int:
    """How many outputs are to the bit what the board computed."""
    return sum(zlib.crc32(o.tobytes()) == s for o, s in zip(outputs, sums, strict=False))


DETECT = f"""
import KPU as kpu, binascii, k210, sensor
net = kpu.load(0x300000)
def sums(n):
    for i in range(n):
        print(binascii.crc32(kpu.forward(net, k210.flash_read({PLANES_AT} + i * {PLANES}, {PLANES}))))
kpu.init_yolo2(net, {THRESHOLD}, {OVERLAP}, {len(ANCHORS)}, {tuple(v for a in ANCHORS for v in a)})
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)
def look():
    for i in range(3):  # frames that were on their way
        sensor.snapshot()
    for d in kpu.run_yolo2(net, sensor.snapshot()) or ():
        print(d.x(), d.y(), d.w(), d.h(), d.classid(), d.value())
"""


def detect_on_board(inputs: list[np.ndarray]) -> tuple[list[Found], list[int]]:
    """What a script finds on the pictures before the camera; and for some of them, put into flash, the sum of the
    network's output."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        planes = Path(folder) / "planes.rgb"
        planes.write_bytes(b"".join(x.tobytes() for x in inputs[:EXACT]))
        flash = (f"{MODELS}/digit_detector.kmodel@0x300000", f"{planes}@0x{PLANES_AT:x}")
        with Board.start(Config(flash=flash)) as board:
            board.exec(DETECT)
            sums = [int(line) for line in board.exec(f"sums({min(EXACT, len(inputs))})", timeout=900).split()]
            for x in tqdm(inputs, "on the board", leave=False):
                board.show(Image.fromarray(x.transpose(1, 2, 0)))
                lines = board.exec("look()", timeout=300).splitlines()
                rows = np.array([[float(v) for v in line.split()] for line in lines]).reshape(-1, 6)
                boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], 1)
                found.append((boxes, rows[:, 4].astype(int), rows[:, 5]))
    return found, sums


CLASSIFY = """
import KPU as kpu
net = kpu.load(0x300000)
def guess(data):
    out = kpu.forward(net, data)
    p = out[:]
    print(p.index(max(p)))
"""


def classify_on_board(inputs: list[np.ndarray]) -> list[int]:
    digits = []
    with Board.start(Config(flash=(f"{MODELS}/digit_classifier.kmodel@0x300000",))) as board:
        board.exec(CLASSIFY)
        for start in tqdm(range(0, len(inputs), 50), "on the board", leave=False):
            code = "".join(f"guess(bytes.fromhex('{x.tobytes().hex()}'))\n" for x in inputs[start : start + 50])
            digits += [int(line.split()[0]) for line in board.exec(code, timeout=300).split("\n") if line.strip()]
    return digits


def detector(count: int, device: int) -> list[str]:
    rows = []
    kinds = (("digits, new pictures", SEED, False), ("digits, typefaces it has never seen", UNSEEN_SEED, True))
    for title, seed, unseen in kinds:
        test = Test.make(seed, count, unseen)
        floats = in_float(MODELS / "digit_detector.onnx", test.inputs)
        fixed = simulated(MODELS / "digit_detector.kmodel", test.inputs)
        values = [
            mean_average_precision([decode(o, THRESHOLD, OVERLAP) for o in outputs], test.truth)
            for outputs in (floats, fixed)
        ]
        number = device if not unseen else 0
        if number:
            found, sums = detect_on_board(test.inputs[:number])
            on_board = f"{mean_average_precision(found, test.truth[:number]):.3f} ({number} pictures)"
            print(f"{same(fixed, sums)} of {len(sums)} outputs of the board equal the simulated ones to the bit")
        else:
            on_board = ""
        digits = sum(len(d) for _, d in test.truth)
        rows.append(
            f"| {title}: mAP@0.5 | {count} ({digits} digits) | {values[0]:.3f} | {values[1]:.3f} | {on_board} |"
        )
        print(rows[-1], flush=True)
    return rows


def classifier() -> list[str]:
    from train_classifier import handwritten

    _, _, pixels, digits = handwritten()
    inputs = [p[None] for p in pixels]
    guesses = [
        np.array([o.ravel().argmax() for o in outputs])
        for outputs in (
            in_float(MODELS / "digit_classifier.onnx", inputs),
            simulated(MODELS / "digit_classifier.kmodel", inputs),
        )
    ]
    guesses.append(np.array(classify_on_board(inputs)))
    right = [f"{100 * (g == digits).mean():.2f} %" for g in guesses]
    return [f"| handwritten digits, right | {len(digits)} | " + " | ".join(right) + " |"]


def against_nncase(pictures_count: int) -> list[str]:
    """The same networks compiled by nncase 1.9 (nncase_compile.py), computed by the same simulator."""
    from train_classifier import handwritten

    test = Test.make(SEED, pictures_count, False)
    pixels, digits = handwritten()[2:]
    rows = []
    for name, inputs in (("digit_detector", test.inputs), ("digit_classifier", [p[None] for p in pixels])):
        floats = in_float(MODELS / f"{name}.onnx", inputs)
        for maker, model in (("k210", MODELS / f"{name}.kmodel"), ("nncase 1.9", NNCASE / f"{name}.kmodel")):
            outputs = simulated(model, inputs)
            if name == "digit_detector":
                value = mean_average_precision([decode(o, THRESHOLD, OVERLAP) for o in outputs], test.truth)
                right = f"mAP {value:.3f}"
            else:
                right = f"{100 * (np.array([o.argmax() for o in outputs]) == digits).mean():.2f} %"
            a, b = np.concatenate([o.ravel() for o in floats]), np.concatenate([o.ravel() for o in outputs])
            noise = 10 * np.log10(np.square(a).sum() / np.square(a - b).sum())
            size, main = model.stat().st_size, load(model).main_memory
            rows.append(f"| {name} | {maker} | {size:,} | {main:,} | {noise:.1f} dB | {right} |")
    return rows


def write(what: str, table: str) -> None:
    """Between the marks for it in the documentation."""
    begin, end = f"<!-- {what}: begin -->", f"<!-- {what}: end -->"
    text = DOCS.read_text()
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"{DOCS} has no marks {begin} and {end}")
    before, rest = text.split(begin)
    DOCS.write_text(f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}")
    print(f"{table}\nwritten into {DOCS}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--device", type=int, default=120, help="pictures that the emulated board looks at, too")
    parser.add_argument("--only", choices=["detector", "classifier", "nncase"], help="this part, to the screen")
    args = parser.parse_args()
    rows = []
    if args.only in (None, "detector"):
        rows += detector(args.pictures, min(args.device, args.pictures))
    if args.only in (None, "classifier"):
        rows += classifier()
    head = ["| | Test set | Float (onnxruntime) | Simulated | Emulated board |", "|---|---|---|---|---|"]
    if args.only in (None, "nncase") and NNCASE.exists():
        other = against_nncase(min(60, args.pictures))
        titles = [
            "| Network | Compiler | kmodel, bytes | Main memory, bytes | SNR to float | Right |",
            "|---|---|---|---|---|---|",
        ]
        table = "\n".join([*titles, *other])
        write("nncase", table) if not args.only else print(table)
    table = "\n".join([*head, *rows])
    write("evaluate", table) if not args.only else print(table)


if __name__ == "__main__":
    main()
