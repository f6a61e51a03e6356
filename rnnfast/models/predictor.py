"""How `predict` and `evaluate` get an output: through the inference engine where it can, else through the layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast.layers import NoLoweringError
from rnnfast.lowering import LoweredModel, flat_layers
from rnnfast.precision import get_float32_matmul_precision

# Rows per call where the caller does not say: the engine spreads a call's rows over the threads.
ENGINE_ROWS = 1024
LAYER_ROWS = 32

Function = Callable[[list[np.ndarray]], list[np.ndarray]]


class Predictor:
    """Chooses, and keeps the engine as long as no layer, no weight and no wish for precision has changed."""

    def __init__(self) -> None:
        self._snapshot: list[Any] = []  # precision, layers, weights and their versions, as the engine has them
        self._engine: Any = None

    def function(self, model: Any) -> tuple[Function, int]:
        """What maps checked inputs to outputs, one array each, and how many rows to hand it at a time."""
        engine = None if model.stateful else self._current_engine(model)
        if engine is None:
            return lambda inputs: model.run(inputs, [None] * len(inputs), training=False)[0], LAYER_ROWS
        return engine, ENGINE_ROWS

    def __getstate__(self) -> dict[str, Any]:
        """A copied or pickled model builds an engine of its own."""
        return Predictor().__dict__

    def _current_engine(self, model: Any) -> Any:
        precision = get_float32_matmul_precision()
        snapshot = [precision, *flat_layers(model), *((v, v.version) for v in model.weights)]
        if snapshot != self._snapshot:
            self._engine = _build_engine(model)
            self._snapshot = snapshot
        return self._engine


def _build_engine(model: Any) -> Any:
    """The model as a program of the engine, or None where a layer has no lowering or dtypes are mixed."""
    dtypes = {layer.dtype for layer in flat_layers(model)}
    if len(dtypes) != 1:
        return None
    try:
        lowered = LoweredModel(model, dtypes.pop())
    except NoLoweringError:
        return None
    return lambda inputs: lowered.run(inputs, 0)
