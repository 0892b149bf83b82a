# SPDX-License-Identifier: MIT
"""The emulator's KPU arithmetic against a slow reference and against the layers of real models."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import kpu_arith_lib as kal
import kpu_reference as ref
import numpy as np
import pytest


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    return kal.build(tmp_path_factory.mktemp("kpu"), "-fsanitize=undefined", "-fno-sanitize-recover=undefined")


@pytest.fixture(params=["fastest", "portable"])
def lib(library, request) -> Iterator:
    library.k210_kpu_force_portable(request.param == "portable")
    yield library
    library.k210_kpu_force_portable(False)


def data_file(*parts: str) -> Path:
    path = kal.test_data().joinpath(*parts)
    if not path.exists():
        reason = f"{path} is missing (set K210_TEST_DATA)"
        if os.environ.get("K210_REQUIRE_TEST_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def place_tables(layer: ref.Layer, base: int = 0x8000_0000) -> tuple[bytes, tuple[int, int, int]]:
    weights, bn, act = ref.tables(layer)
    memory, addresses = bytearray(), []
    for table in (weights, bn, act):
        memory += bytes(-len(memory) % 256)
        addresses.append(base + len(memory))
        memory += table
    return bytes(memory), (addresses[0], addresses[1], addresses[2])


def run_layer(lib, layer: ref.Layer, parts: int = 0, **options) -> tuple[np.ndarray, bytes, kal.Kpu]:
    memory, addresses = place_tables(layer)
    kpu = kal.Kpu(lib, memory)
    kpu.ram[:] = 0x5A
    words = ref.words(layer, addresses, **options)
    kal.place_input(kpu, words, layer.x)
    kpu.begin(words, layer.eight_bit)
    kpu.compute(parts)
    kpu.finish()
    out = kal.read_output(kpu, words, layer.out_shape)
    stream = kpu.stream()
    return out, stream, kpu


def check(lib, layer: ref.Layer, **options) -> None:
    expected = ref.run(layer)
    out, stream, kpu = run_layer(lib, layer, send=True, **options)
    kpu.close()
    np.testing.assert_array_equal(out, expected)
    assert stream == expected.tobytes()


@pytest.mark.parametrize("seed", range(60))
def test_random_layer(lib, seed: int) -> None:
    layer = ref.random_layer(np.random.default_rng(seed))
    check(lib, layer, parts=seed % 4)


@pytest.mark.parametrize("pool", range(10))
@pytest.mark.parametrize("kernel", [1, 3])
def test_every_pool_type(lib, pool: int, kernel: int) -> None:
    rng = np.random.default_rng(100 * pool + kernel)
    for size in ((37, 9), (16, 8), (4, 4), (21, 5)):
        check(lib, ref.random_layer(rng, pool=pool, kernel=kernel, width=size[0], height=size[1]))


@pytest.mark.parametrize("width", [1, 15, 16, 17, 32, 33, 64, 65, 128, 130])
@pytest.mark.parametrize("depthwise", [False, True])
def test_every_layout(lib, width: int, depthwise: bool) -> None:
    rng = np.random.default_rng(width)
    check(lib, ref.random_layer(rng, width=width, height=3, pool=0, depthwise=depthwise, channels=6, out=7))


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("eight_bit", [False, True])
def test_slopes_and_weight_sizes(lib, negative: bool, eight_bit: bool) -> None:
    rng = np.random.default_rng(7 + negative)
    for _ in range(8):
        check(lib, ref.random_layer(rng, negative=negative, eight_bit=eight_bit))


def test_results_are_spread() -> None:
    """The random layers would prove little if nearly all results were 0 or 255."""
    inside = total = 0
    for seed in range(40):
        out = ref.run(ref.random_layer(np.random.default_rng(seed)))
        inside += int(((out > 0) & (out < 255)).sum())
        total += out.size
    assert inside > total / 10


@pytest.mark.parametrize("per_load", [1, 2, 3, 5])
def test_parameter_loads(lib, per_load: int) -> None:
    layer = ref.random_layer(np.random.default_rng(per_load), out=7, depthwise=False)
    check(lib, layer, per_load=per_load)


def test_layout_comes_from_the_words(lib) -> None:
    """One channel per line whatever the width is, as MaixPy's image convolution has it."""
    layer = ref.random_layer(np.random.default_rng(3), width=20, height=6, pool=0, channels=3, depthwise=False, out=3)
    layouts = ((1, 1, 6, 18), (1, 2, 12, 36))
    check(lib, layer, layouts=layouts)


def test_identity_leaves_the_rest_of_the_lines_alone(lib) -> None:
    layer = ref.Layer(
        np.arange(5 * 18, dtype=np.uint8).reshape(1, 5, 18),
        np.ones((1, 1, 1, 1), np.int64),
        [(1, 0, 0)],
        [(-(1 << 35), 0, 0, 0), (-1, 1, 0, 255 - 256 + 1)] + [((1 << 35) - 1, 0, 0, 255)] * 14,
    )
    layer.segments[1] = (0, 1, 0, 0)
    out, stream, kpu = run_layer(lib, layer)
    np.testing.assert_array_equal(out, layer.x)
    assert stream == b""
    touched = kpu.ram[16384 * 64 :].reshape(-1, 64)[:5]
    assert (touched[:, 18:] == 0x5A).all()
    assert (kpu.ram[(16384 + 5) * 64 :] == 0x5A).all()
    kpu.close()


def test_first_stride_is_every_second_pixel(lib) -> None:
    rng = np.random.default_rng(11)
    layer = ref.random_layer(rng, pool=0, width=22, height=10, kernel=3)
    layer.first_stride = True
    check(lib, layer)


def test_first_stride_with_full_size_output_is_no_stride(lib) -> None:
    layer = ref.random_layer(np.random.default_rng(12), pool=0, width=22, height=10)
    expected = ref.run(layer)
    memory, addresses = place_tables(layer)
    kpu = kal.Kpu(lib, memory)
    words = ref.words(layer, addresses)
    words[4] |= 1 << 8
    kal.place_input(kpu, words, layer.x)
    kpu.run(words, layer.eight_bit)
    np.testing.assert_array_equal(kal.read_output(kpu, words, layer.out_shape), expected)
    kpu.close()


def test_bypass_has_only_activation_and_pooling(lib) -> None:
    layer = ref.random_layer(np.random.default_rng(13), depthwise=True, kernel=1, pool=1, width=20, height=8)
    layer.bypass = True
    check(lib, layer)


def test_full_add_streams_one_sum_per_channel(lib) -> None:
    layer = ref.random_layer(np.random.default_rng(14), pool=0, width=20, height=8)
    expected = ref.run(layer).reshape(layer.out_channels, -1).sum(axis=1, dtype=np.uint64)
    _, stream, kpu = run_layer(lib, layer, send=True, full_add=True)
    np.testing.assert_array_equal(np.frombuffer(stream, "<u8"), expected)
    assert (kpu.ram[16384 * 64 :] == 0x5A).all()
    kpu.close()


def test_tables_of_the_layer_before_are_kept(lib) -> None:
    layer = ref.random_layer(np.random.default_rng(15))
    expected = ref.run(layer)
    memory, addresses = place_tables(layer)
    kpu = kal.Kpu(lib, memory)
    words = ref.words(layer, addresses)
    kal.place_input(kpu, words, layer.x)
    kept = list(words)
    kept[4] &= ~(1 << 10)
    kept[5] &= ~1
    kept[7] &= ~(1 << 31)
    with pytest.raises(kal.KpuError, match="earlier layer"):
        kpu.run(kept, layer.eight_bit)
    kpu.run(words, layer.eight_bit)
    kpu.memory = b""
    kpu.ram[16384 * 64 :] = 0
    kpu.run(kept, layer.eight_bit)
    np.testing.assert_array_equal(kal.read_output(kpu, words, layer.out_shape), expected)
    kpu.close()


def changed(words: list[int], word: int, shift: int, length: int, value: int) -> list[int]:
    out = list(words)
    out[word] = out[word] & ~(((1 << length) - 1) << shift) | value << shift
    return out


@pytest.mark.parametrize(
    ("word", "shift", "length", "value", "message"),
    [
        (4, 0, 3, 2, "kernel_type 2"),
        (4, 4, 4, 10, "pool_type 10"),
        (4, 4, 4, 1, "output of 20x6, but 20x6 pooled by type 1 gives 10x3"),
        (7, 28, 3, 0, "input has 0 channels per line"),
        (8, 20, 3, 3, "output has 3 channels per line"),
        (1, 0, 15, 32767, "input of .* ends outside KPU RAM"),
        (1, 32, 15, 32760, "output of .* ends outside KPU RAM"),
        (7, 0, 15, 32767, "input of .* ends outside KPU RAM"),
        (2, 0, 10, 1023, "parameter load"),
        (0, 3, 1, 1, "without a sum over channels"),
        (5, 32, 32, 0x1000_0000, "parameter memory at 0x10000000 cannot be read"),
        (4, 32, 32, 0xFFFF_FFFC, "BN table at 0xfffffffc cannot be read"),
        (7, 32, 32, 0x4000_0000, "activation table at 0x40000000 cannot be read"),
        (2, 48, 10, 0, "1 loads of 1 channels"),
        (5, 15, 17, 5, "in a parameter load of 5 bytes"),
    ],
)
def test_illegal_layer_is_refused(lib, word: int, shift: int, length: int, value: int, message: str) -> None:
    layer = ref.random_layer(
        np.random.default_rng(16), pool=0, width=20, height=6, channels=4, out=5, depthwise=False, eight_bit=True
    )
    memory, addresses = place_tables(layer)
    kpu = kal.Kpu(lib, memory)
    words = ref.words(layer, addresses)
    if word == 2 and value == 1023:
        words = changed(words, 7, 0, 15, 0)  # so that 1024 channels are inside KPU RAM
    kpu.ram[:] = 1
    with pytest.raises(kal.KpuError, match=message):
        kpu.run(changed(words, word, shift, length, value))
    assert (kpu.ram == 1).all()
    kpu.run(words)
    kpu.close()


def test_arbitrary_words_never_leave_the_ram(tmp_path: Path) -> None:
    """Random words with guards around KPU RAM: an error or a result, and nothing else is touched."""
    library = kal.build(tmp_path, "-fsanitize=undefined", "-fno-sanitize-recover=undefined")
    rng = np.random.default_rng(17)
    kpu = kal.Kpu(library, bytes(rng.integers(0, 256, 1 << 16).astype(np.uint8)))
    whole = np.full(kal.RAM_SIZE + 8192, 0xA5, np.uint8)
    kpu.ram = whole[4096:-4096]
    layer = ref.random_layer(rng, width=18, height=6, channels=4, pool=0, depthwise=False)
    base = ref.words(layer, (0x8000_0000, 0x8000_1000, 0x8000_2000))
    ran = 0
    for _ in range(1500):
        words = list(base)
        for _ in range(int(rng.integers(1, 4))):
            word, bit = int(rng.integers(0, 12)), int(rng.integers(0, 64))
            words[word] ^= 1 << bit
        try:
            kpu.run(words, bool(rng.integers(0, 2)))
            ran += 1
        except kal.KpuError:
            pass
        assert (whole[:4096] == 0xA5).all() and (whole[-4096:] == 0xA5).all()
    assert 200 < ran < 1500
    kpu.close()


def case(name: str) -> dict:
    cases = json.loads(data_file("expected", "expected.json").read_text())["cases"]
    return next(c for c in cases if c["name"] == name)


@pytest.mark.parametrize(
    ("name", "convs", "picture"),
    [
        ("detect_astronaut", kal.convs_v3, "astronaut_320x240.ppm"),
        ("yolo_v4_dog", kal.convs_v4, "dog_320x240.ppm"),
    ],
)
def test_model_layer_by_layer(lib, name: str, convs, picture: str) -> None:
    expected = case(name)
    data = data_file("models", expected["model"]).read_bytes()
    kpu = kal.Kpu(lib, data)
    layers = list(convs(data))
    assert len(layers) == len(expected["layers_crc32"])
    kal.place_input(kpu, layers[0].words, kal.read_ppm(data_file("images", picture)))
    out = np.empty(0)
    for i, (conv, crc) in enumerate(zip(layers, expected["layers_crc32"], strict=True)):
        last = i == len(layers) - 1
        kpu.run(conv.placed(kpu.base, last), conv.eight_bit)
        out = kal.read_output(kpu, conv.words, conv.out_shape)
        assert f"{zlib.crc32(out.tobytes()):08x}" == crc, f"layer {i}"
    np.testing.assert_array_equal(out, np.load(data_file("expected", expected["lastconv_u8"])).reshape(out.shape))
    assert kpu.stream() == out.tobytes()
    kpu.close()


def test_timing_meets_the_published_measurement(library) -> None:
    """16-bit weights, 128 to 128 channels, 3x3, 300 MHz (Sipeed forum)."""
    measured = {
        (4, 4): 0.339, (16, 4): 0.339, (16, 16): 0.417, (32, 16): 0.692, (32, 32): 1.138,
        (64, 32): 2.125, (64, 64): 3.891, (128, 64): 7.709, (128, 128): 14.778,
    }  # fmt: skip
    kpu = kal.Kpu(library, bytes(1 << 20))
    for (width, height), ms in measured.items():
        layer = ref.Layer(
            np.zeros((128, height, width), np.uint8),
            np.zeros((128, 128, 3, 3), np.int64),
            [(1, 0, 0)] * 128,
            [(0, 0, 0, 0)] * 16,
            eight_bit=False,
        )
        kpu.begin(ref.words(layer, (0x8000_0000, 0x8008_0000, 0x8009_0000), (0, 0), per_load=26), False)
        assert kpu.cycles() / 300e3 == pytest.approx(ms, rel=0.12)
    kpu.close()
