# SPDX-License-Identifier: MIT
"""kpu.classifier: learning from a few pictures, and its files."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
from kpu_board import PREAMBLE

from k210 import paths
from k210.board import Board

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
import v4_builder
from v3_builder import u32
from v4_builder import FLT_MAX

pytestmark = [pytest.mark.timeout(120)]


def doubles(n: int) -> bytes:
    """A model whose output is twice its input, n floats."""
    shape = u32(1, 1, 1, n)
    model = v4_builder.Model()
    x = model.input(np.zeros((1, 1, n), np.float32))
    clamp = np.array([-FLT_MAX, FLT_MAX], "<f4").tobytes()
    model.add(0x00, x, x, model.output(n), u32(0), shape, shape, shape, clamp)
    return model.build()


START = f"""
net = kpu.load({doubles(4)!r})
c = kpu.classifier(net, 3, 6)
"""

# Three groups; the class pictures lie at their edges.
NAMED = [[0.0, 0.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0], [0.0, 9.0, 0.0, 0.0]]
SAMPLES = [
    [1.0, 0, 0, 1.0],
    [0, 1.0, 0, 1.0],
    [10.0, 0, 2.0, 0],
    [11.0, 1.0, 1.0, 0],
    [0, 11.0, 0, 0],
    [1.0, 10.0, 0, 0],
]


def k_means(named: list, samples: list) -> np.ndarray:
    """The centres, with the doubled numbers that the model gives."""
    named, samples = (2 * np.array(v, np.float32) for v in (named, samples))
    centres = named.copy()
    for _ in range(100):
        nearest = [int(np.argmin(((centres - s) ** 2).sum(1))) for s in samples]
        new = np.array([np.mean([named[i], *(s for s, n in zip(samples, nearest, strict=True) if n == i)], 0)
                        for i in range(len(named))])  # fmt: skip
        if np.array_equal(new, centres):
            break
        centres = new
    return centres


def test_learning(board: Board) -> None:
    probes = [[0.5, 0.5, 0, 1], [10.0, 1, 1, 1], [0, 12.0, 0, 0], [5.0, 4.0, 0, 0]]
    out = board.exec(
        PREAMBLE
        + START
        + f"""
print(c, error(c.predict, [0.0] * 4))
print([c.add_class_img(x) for x in {NAMED}], [c.add_sample_img(x) for x in {SAMPLES}])
print(error(c.add_class_img, [0.0] * 4), '|', error(c.add_sample_img, [0.0] * 4))
print(c.train(), [c.predict(x) for x in {probes}])
print(c.rm_sample_img(), c.rm_class_img(), error(c.train))
print(c.add_class_img({NAMED[2]}), c.add_sample_img({SAMPLES[5]}), c.add_class_img({NAMED[1]}, 1))
print(c.train(), c.predict({probes[0]}))
print(c)
"""
    ).splitlines()
    assert out[0].startswith('{"classes": 0, "class_num": 3') and "OSError" in out[0] and "train()" in out[0]
    assert out[1] == "[0, 1, 2] [0, 1, 2, 3, 4, 5]"
    assert "room for 3" in out[2].split("|")[0] and "room for 6" in out[2].split("|")[1]
    centres = k_means(NAMED, SAMPLES)
    want = []
    for probe in probes:
        distance = np.sqrt(((centres - 2 * np.array(probe)) ** 2).sum(1))
        want.append((int(distance.argmin()), float(distance.min())))
    got = ast.literal_eval(out[3].removeprefix("None "))
    assert [i for i, _ in got] == [i for i, _ in want] and got[0][0] == 0 and got[1][0] == 1 and got[2][0] == 2
    assert np.allclose([d for _, d in got], [d for _, d in want], rtol=1e-5)
    assert out[4].startswith("5 2 OSError: 2 class pictures of 3")
    assert out[5] == "2 5 1"
    assert ast.literal_eval(out[6].removeprefix("None "))[0] == 0
    assert out[7] == '{"classes": 3, "class_num": 3, "samples": 6, "sample_num": 6, "fea_len": 4, "trained": 1}'


def test_files(board: Board) -> None:
    out = board.exec(
        PREAMBLE
        + START
        + f"""
import os
for x in {NAMED}:
    c.add_class_img(x)
for x in {SAMPLES}[:4]:
    c.add_sample_img(x)
c.train()
print(c.save('/flash/a.classifier'), os.stat('/flash/a.classifier')[6])
d, n, s = kpu.classifier.load(net, '/flash/a.classifier')
x = [3.0, 2.0, 1.0, 0.0]
print(n, s, d.predict(x) == c.predict(x), d.add_sample_img({SAMPLES[4]}), d.rm_class_img())
d, n, s = kpu.classifier.load(net, '/flash/a.classifier', 4, 8, fea_len=4)
print(n, s, d.predict(x) == c.predict(x), d.add_class_img(x))
d.train()
print(d.predict(x))
b = bytearray(open('/flash/a.classifier', 'rb').read())
def file(b):
    with open('/flash/b.classifier', 'wb') as f:
        f.write(b)
    return error(kpu.classifier.load, net, '/flash/b.classifier')
bad = bytearray(b)
bad[60] ^= 1
print(file(bad))
print(file(b[:-5]))
print(file(b'x' * 200))
for at in range(8, 36, 4):
    bad = bytearray(b)
    bad[at + 3] = 255
    print(file(bad))
print(error(kpu.classifier.load, net, '/flash/a.classifier', 1))
print(error(kpu.classifier.load, kpu.load({doubles(5)!r}), '/flash/a.classifier'))
print(error(kpu.classifier.load, net, '/flash/none'))
load = kpu.classifier.load
print(error(load, c, '/flash/a.classifier'), error(load, 5, 'x'), error(load, net, 5))
os.remove('/flash/a.classifier')
os.remove('/flash/b.classifier')
"""
    ).splitlines()
    size = 40 + 4 * (3 * 4 + 4 * 4 + 3 * 4) + 4
    assert out[0] == f"None {size}"
    assert out[1] == "3 6 True 4 2"
    assert out[2] == "4 8 True 3"
    assert out[3] == "(3, 0.0)"
    assert "damaged" in out[4] and "ends early" in out[5] and "no file of classifier.save()" in out[6]
    assert all(line.startswith(("OSError: ", "ValueError: ", "MemoryError: ")) for line in out[7:14])
    assert out[14] == "ValueError: the file has 3 classes and 4 samples"
    assert "made with 4 features, the model gives 5" in out[15]
    assert "OSError" in out[16]
    assert out[17] == "ValueError: must be class ValueError: must be model ValueError: path err"


CLASSIFIER = paths.ROOT / "examples" / "models" / "digit_classifier.kmodel"


@pytest.mark.k210(flash=[f"{CLASSIFIER}@0x300000"])
def test_wrong_calls_and_pictures(board: Board) -> None:
    """MaixPy's errors; pictures, features of a layer in the middle, a model that was deinitialised."""
    out = board.exec(
        PREAMBLE
        + f"""
import image
net = kpu.load({doubles(4)!r})
print(error(kpu.classifier, net, 3), error(kpu.classifier, 5, 3, 3), error(kpu.classifier))
long = lambda: kpu.classifier(net, 3, 3, fea_len=5)
print(error(kpu.classifier, net, 0, 3), error(kpu.classifier, net, 3, 10**7), error(long))
c = kpu.classifier(net, 1, 0, fea_len=2)
print(c.add_class_img([1.0, 2.0, 3.0, 4.0]), c.train(), c.predict([1.0, 2.0, 9.0, 9.0]))
add = c.add_class_img
print(error(add, [0.0] * 4, 0), error(add, [0.0] * 4, 1), error(c.predict, 'x'), error(c.predict, [1.0]))
net.deinit()
print(error(c.predict, [0.0] * 4))
def picture(x, y, w, h):
    img = image.Image(size=(8, 8)).to_grayscale()
    img.draw_rectangle(x, y, w, h, color=255, fill=True)
    img.pix_to_ai()
    return img
one, bar = picture(3, 1, 2, 6), picture(1, 3, 6, 2)
net = kpu.load(0x300000)
for layers in (0, 1):
    kpu.set_layers(net, layers)
    c = kpu.classifier(net, 2, 2)
    print(c.add_class_img(one), c.add_class_img(bar), c.add_sample_img(picture(4, 1, 1, 6)), c.train())
    print([c.predict(img)[0] for img in (picture(3, 0, 2, 7), picture(0, 4, 7, 1))], c.predict(bar)[1])
kpu.set_layers(net, 0)
print(error(c.predict, one))
c.__del__()
"""
    ).splitlines()
    assert (
        out[0] == "ValueError: model, class num, sample num ValueError: model ValueError: model, class num, sample num"
    )
    assert "0 classes" in out[1] and "10000000 samples" in out[1] and "the model gives 4 features" in out[1]
    assert out[2] == "0 None (0, 0.0)"
    assert (
        out[3].startswith("no error OSError: class 1")
        and "input not support" in out[3]
        and "the model wants 4" in out[3]
    )
    assert "deinitialised" in out[4]
    assert out[5:9] == ["0 1 0 None", "[0, 1] 0.0"] * 2
    assert out[9].startswith("OSError: the classifier wants") and out[9].endswith("the model gives 10")
