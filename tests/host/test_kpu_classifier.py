# SPDX-License-Identifier: MIT
"""Learning classes from feature vectors: the C core against numpy."""

from __future__ import annotations

import ctypes as ct

import numpy as np
import pytest
from kpu_core import lib

F32 = np.float32


def train(named: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    named, samples = np.ascontiguousarray(named, F32), np.ascontiguousarray(samples, F32)
    centres, belongs = np.zeros_like(named), np.zeros(max(len(samples), 1), np.uint32)
    lib().kpu_classifier_train(
        named.ctypes.data_as(ct.c_void_p), len(named), samples.ctypes.data_as(ct.c_void_p), len(samples),
        named.shape[1], centres.ctypes.data_as(ct.c_void_p), belongs.ctypes.data_as(ct.c_void_p),
    )  # fmt: skip
    return centres, belongs[: len(samples)]


def nearest(centres: np.ndarray, x: np.ndarray) -> tuple[int, float]:
    centres, x, distance = np.ascontiguousarray(centres, F32), np.ascontiguousarray(x, F32), ct.c_float()
    i = lib().kpu_classifier_nearest(
        centres.ctypes.data_as(ct.c_void_p), len(centres), x.ctypes.data_as(ct.c_void_p), len(x), ct.byref(distance)
    )
    return i, distance.value


def reference(named: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centres, belongs = named.astype(float), np.full(len(samples), -1)
    for _ in range(100):
        found = np.array([((centres - s) ** 2).sum(1).argmin() for s in samples])
        if np.array_equal(found, belongs):
            break
        belongs = found
        centres = np.array([np.vstack([named[i : i + 1], samples[belongs == i]]).mean(0) for i in range(len(named))])
    return centres, belongs


@pytest.mark.parametrize("seed", range(20))
def test_training(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes, per_class, length = int(rng.integers(1, 8)), int(rng.integers(1, 12)), int(rng.integers(1, 700))
    middle = rng.normal(0, 3, (classes, length))
    named = middle + rng.normal(0, 1, (classes, length))
    samples = np.repeat(middle, per_class, 0) + rng.normal(0, 1, (classes * per_class, length))
    rng.shuffle(samples)
    centres, belongs = train(named, samples)
    want, want_belongs = reference(named, samples)
    assert np.array_equal(belongs, want_belongs)
    assert np.allclose(centres, want, atol=1e-4)
    x = samples[0]
    distances = np.sqrt(((want - x) ** 2).sum(1))
    i, distance = nearest(centres, x)
    assert i == distances.argmin() and abs(distance - distances.min()) < 1e-3


def test_without_samples_the_named_vectors_are_the_centres() -> None:
    named = np.arange(12).reshape(3, 4)
    assert np.array_equal(train(named, np.zeros((0, 4)))[0], named)


def test_numbers_that_are_none() -> None:
    """NaN and infinity end in some class and do no harm."""
    named = np.array([[0, 0], [np.nan, 1], [5, 5]])
    centres, belongs = train(named, np.array([[5, 6], [np.inf, 0], [np.nan, np.nan]]))
    assert belongs[0] == 2 and (belongs < 3).all()
    assert centres[2].tolist() == [5, 5.5]
    assert nearest(centres, np.array([np.nan, 0]))[1] == np.inf
