"""Keras' own test files, run on rnnfast.

They are read from the installed package, and what they import from Keras is what stands here in its place: rnnfast's
layers, NumPy for its operations, and a TestCase that asks of a layer what Keras' asks. Keras itself is never imported.
"""

from __future__ import annotations

import builtins
import importlib.util
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
from keras_test_case import TestCase

import rnnfast


def source_folder() -> Path | None:
    """Where the installed Keras keeps its recurrent layers and their tests; None where there is none."""
    spec = importlib.util.find_spec("keras")
    folder = None if spec is None or spec.origin is None else Path(spec.origin).parent / "src/layers/rnn"
    return folder if folder is not None and (folder / "lstm_test.py").exists() else None


class SeedGenerator:
    """In Keras, whose random numbers are functions of a state, a variable; here a generator."""

    def __init__(self, seed=None):
        self.generator = np.random.default_rng(seed)


def dropout(inputs, rate, seed):
    return inputs * (seed.generator.random(inputs.shape) >= rate) / (1 - rate)


class Operations:
    """`keras.ops` on arrays."""

    random = types.SimpleNamespace(uniform=lambda shape: np.random.default_rng(0).random(shape, np.float32))

    @staticmethod
    def cast(x, dtype):
        return np.asarray(x).astype(dtype)

    def __getattr__(self, name):
        return getattr(np, name)


NAMES = {
    "keras.src": {
        "layers": rnnfast.layers,
        "initializers": rnnfast.initializers,
        "ops": Operations(),
        "testing": types.SimpleNamespace(TestCase=TestCase, tensorflow_uses_gpu=lambda: False),
        "backend": types.SimpleNamespace(
            backend=lambda: "rnnfast",
            config=types.SimpleNamespace(image_data_format=lambda: "channels_last"),
            random=types.SimpleNamespace(SeedGenerator=SeedGenerator, dropout=dropout),
        ),
    },
    "keras.src.models": vars(rnnfast.models),
}

_loaded: dict[str, types.SimpleNamespace] = {}


def load(name: str) -> types.SimpleNamespace:
    """A file of Keras' recurrent layers, executed with the names above."""
    if name not in _loaded:
        path = source_folder() / f"{name}.py"
        names = {"__name__": f"keras_suite.{name}", "__file__": str(path)}
        names["__builtins__"] = {**vars(builtins), "__import__": _import}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pytest.PytestUnknownMarkWarning)  # marks that Keras' own settings define
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
        _loaded[name] = types.SimpleNamespace(**names)
    return _loaded[name]


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    if name.split(".")[0] != "keras":
        return builtins.__import__(name, globals, locals, fromlist, level)
    room, _, file = name.rpartition(".")
    if room == "keras.src.layers.rnn":
        return load(file)
    return types.SimpleNamespace(**{wanted: NAMES[name][wanted] for wanted in fromlist if wanted in NAMES[name]})
