"""The examples in docstrings run as they stand."""

import doctest
import importlib
import pkgutil

import pytest

import rnnfast

ROOMS = ["activations", "callbacks", "initializers", "layers", "losses", "metrics", "models", "optimizers", "utils",
         "variable"]  # fmt: skip


def modules():
    for room in ROOMS:
        module = importlib.import_module(f"rnnfast.{room}")
        yield module
        for inner in pkgutil.iter_modules(getattr(module, "__path__", [])):
            yield importlib.import_module(f"rnnfast.{room}.{inner.name}")


@pytest.mark.parametrize("module", [rnnfast, *modules()], ids=lambda module: module.__name__)
def test_examples(module):
    assert doctest.testmod(module).failed == 0
