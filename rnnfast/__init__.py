"""rnnfast: recurrent networks on CPUs, with Keras' names.

>>> import rnnfast
>>> from rnnfast.layers import LSTM, Dense, Input
>>> model = rnnfast.Sequential([Input((8, 8)), LSTM(64), Dense(10, activation="softmax")])

All but the compiled core is loaded when it is first used: `import rnnfast` itself costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rnnfast._absent import stand_in
from rnnfast._openmp import load_core

if TYPE_CHECKING:
    from rnnfast import (
        activations,
        backend,
        callbacks,
        config,
        constraints,
        datasets,
        initializers,
        keras,
        layers,
        losses,
        metrics,
        models,
        ops,
        optimizers,
        preprocessing,
        random,
        reference,
        regularizers,
        saving,
        utils,
    )
    from rnnfast._engine import cpu_info, get_num_threads, set_num_threads
    from rnnfast.inference import InferenceModel
    from rnnfast.layers import Input
    from rnnfast.models import Model, Sequential, load_model, save_model
    from rnnfast.precision import get_float32_matmul_precision, set_float32_matmul_precision

__version__ = "0.1.0"

load_core()  # first of all: whoever loads it otherwise would load OpenMP with its long waits

_MODULES = (
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "initializers",
    "keras",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "reference",
    "regularizers",
    "saving",
    "utils",
)
_HOMES = {
    "InferenceModel": "rnnfast.inference",
    "Input": "rnnfast.layers",
    "Model": "rnnfast.models",
    "Sequential": "rnnfast.models",
    "cpu_info": "rnnfast._engine",
    "get_float32_matmul_precision": "rnnfast.precision",
    "get_num_threads": "rnnfast._engine",
    "load_model": "rnnfast.models",
    "save_model": "rnnfast.models",
    "set_float32_matmul_precision": "rnnfast.precision",
    "set_num_threads": "rnnfast._engine",
}

__all__ = [
    "InferenceModel",
    "Input",
    "Model",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "cpu_info",
    "datasets",
    "get_float32_matmul_precision",
    "get_num_threads",
    "initializers",
    "keras",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "reference",
    "regularizers",
    "save_model",
    "saving",
    "set_float32_matmul_precision",
    "set_num_threads",
    "utils",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"rnnfast.{name}")
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    return stand_in(__name__, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
