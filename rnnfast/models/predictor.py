"""How `predict` and `evaluate` get an output: through the inference engine where it can, else through the layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast.layers import NoLoweringError
from rnnfast.lowering import LoweredModel, flat_layers, trace_of_calls
from rnnfast.precision import get_float32_matmul_precision

# Rows per call where the caller does not say: the engine spreads a call's rows over the threads.
ENGINE_ROWS = 1024
LAYER_ROWS = 32

# Checked inputs -> outputs and their masks, one array each.
Function = Callable[[list[np.ndarray]], tuple[list[np.ndarray], list[np.ndarray | None]]]


class Predictor:
    """Chooses, and keeps the engine as long as no layer, no weight and no wish for precision has changed."""

    def __init__(self) -> None:
        self._snapshot: list[Any] = []  # precision, calls, layers, weights and their versions, as the engine has them
        self._engine: LoweredModel | None = None

    def function(self, model: Any, for_scores: bool = False) -> Function:
        """What runs the model. for_scores: outputs' masks and penalties are wanted, too, which the engine does not
        give."""
        by_layers = for_scores and (model.creates_mask or model.penalizes_outputs)
        engine = None if by_layers else self._current_engine(model)
        specs = engine.specs if engine is not None and model.has_own_call else []

        def run(inputs: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
            # A `call` of the user's may take other sizes than it was built for.
            if engine is None or any(not _fits(x.shape, shape) for x, (shape, _) in zip(inputs, specs, strict=False)):
                return model.run(inputs, [None] * len(inputs), training=False)[:2]
            outputs = engine.run(inputs, 0)
            return outputs, [None] * len(outputs)

        return run

    def rows(self, model: Any) -> int:
        """How many rows to hand to `function` at a time: by what ran the model last, for the result does not depend
        on it. A stateful layer keeps states of as many rows as it got, which is Keras' number."""
        if model.stateful:
            return LAYER_ROWS
        if not self._snapshot:
            self._current_engine(model)
        return LAYER_ROWS if self._engine is None else ENGINE_ROWS

    def __getstate__(self) -> dict[str, Any]:
        """A copied or pickled model builds an engine of its own."""
        return Predictor().__dict__

    def _current_engine(self, model: Any) -> LoweredModel | None:
        precision = get_float32_matmul_precision()
        # A `call` of the user's may do something else with every call.
        own = trace_of_calls(model)
        snapshot = [precision, own, *flat_layers(model), *((v, v.version) for v in model.weights)]
        if snapshot != self._snapshot:
            try:
                self._engine = _build_engine(model)
            except NoLoweringError:
                self._engine = None
            self._snapshot = snapshot
        return self._engine


def obstacle(model: Any) -> str | None:
    """Why `predict` does not run on the engine, or None where it does."""
    try:
        _build_engine(model)
    except NoLoweringError as error:
        return str(error)
    return None


def _fits(shape: tuple[int, ...], known: tuple[int | None, ...]) -> bool:
    return len(shape) == len(known) and all(b in (None, a) for a, b in zip(shape, known, strict=True))


def _build_engine(model: Any) -> LoweredModel:
    """The model as a program of the engine. NoLoweringError: a layer has no lowering, or dtypes are mixed."""
    dtypes = sorted({layer.dtype for layer in flat_layers(model)})
    if len(dtypes) != 1:
        raise NoLoweringError(f"{model.label}: expected layers of one dtype, got {' and '.join(dtypes) or 'no layer'}")
    return LoweredModel(model, dtypes[0], carry=model.stateful)
