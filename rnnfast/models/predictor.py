"""How `predict` and `evaluate` get an output: through the inference engine where it can, else through the layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast.layers import NoLoweringError
from rnnfast.lowering import LoweredModel

# Rows per call where the caller does not say: the engine spreads a call's rows over the threads.
ENGINE_ROWS = 1024
LAYER_ROWS = 32

Function = Callable[[np.ndarray], np.ndarray]


class Predictor:
    """Chooses, and keeps the engine as long as no weight has changed."""

    def __init__(self) -> None:
        self._versions: tuple[tuple[int, int], ...] | None = None
        self._engine: Any = None

    def function(self, model: Any) -> tuple[Function, int]:
        """What maps checked input rows to output rows, and how many rows to hand it at a time."""
        engine = None if model.stateful else self._current_engine(model)
        if engine is None:
            return lambda x: model.forward(x)[0], LAYER_ROWS
        return engine, ENGINE_ROWS

    def forget(self) -> None:
        """After a change of the layers."""
        self._versions = None

    def _current_engine(self, model: Any) -> Any:
        versions = tuple((id(v), v.version) for v in model.weights)
        if versions != self._versions:
            self._engine = _build_engine(model)
            self._versions = versions
        return self._engine


def _build_engine(model: Any) -> Any:
    """The model as a program of the engine, or None where a layer has no lowering or dtypes are mixed."""
    dtypes = {layer.dtype for layer in model.layers}
    if len(dtypes) != 1:
        return None
    try:
        lowered = LoweredModel(model, dtypes.pop())
    except NoLoweringError:
        return None
    return lambda x: lowered.run([x], 0)[0]
