"""A model's layers as one program of the engine: the way from Python objects to the graph that runs in C++."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _engine
from rnnfast.layers import InputLayer, Layer, NoLoweringError
from rnnfast.layers.carried import CarryingProgram
from rnnfast.layers.lowered import lower_call
from rnnfast.layers.traced import NotOfLayersError
from rnnfast.precision import weight_format


class LoweredModel:
    """A snapshot of a built model, packed for this machine.

    Each layer describes itself through `Layer.lower`. dtype and optimize_for: as InferenceModel takes them; from them
    follow `weights`, the format of the weights of recurrent and dense layers, and `why` it was chosen.
    carry: stateful layers start from the states that they keep, and keep those that they end with; else from zeros.
    `run(inputs, threads)` takes and gives lists of arrays (threads 0: as many as `rnnfast.get_num_threads()`);
    `nodes_of` lists each layer with its nodes in the program, [first, last), once for every call of it; `specs` are the
    shapes and dtypes of the inputs.

    layers.NoLoweringError: a layer, an option of it, or the way in which layers are joined, has no node.
    """

    def __init__(self, model: Any, dtype: str, optimize_for: str = "latency", carry: bool = False) -> None:
        self.weights, self.why = weight_format(dtype, optimize_for)
        self._dtype, self._carry = dtype, carry
        self.specs = model.input_specs
        try:
            self._build(model)
        except NoLoweringError:
            if model.first_specs == self.specs:
                raise
            self.specs = model.first_specs  # values of any sizes may have no way to meet
            self._build(model)
        self.run: Callable[[list[Any], int], list[np.ndarray]] = self.program.run

    def _build(self, model: Any) -> None:
        # Narrow weights go with inputs, states and outputs in float32.
        kind = _engine.Program64 if self._dtype == "float64" else _engine.Program32
        program = kind(weights=self.weights)
        self.program: Any = CarryingProgram(program, self._dtype) if self._carry else program
        self.nodes_of: list[tuple[Layer, int, int]] = []
        try:
            named = zip(self.specs, model.input_names, strict=True)
            inputs = [self.program.input(shape[1:], given, name) for (shape, given), name in named]
            self.program.finish(model.lower_through(self._lower, inputs))
        except (ValueError, NotOfLayersError) as error:  # a program takes fewer graphs than layers do
            raise NoLoweringError(str(error)) from None

    def _lower(self, layer: Any, x: Any, options: dict[str, Any]) -> Any:
        if layer.is_model:
            return layer.pack_outputs(layer.lower_through(self._lower, layer.by_name(x)))
        if layer.runs_own_call:
            return layer.lower_calls(self.program, self._lower, x, options)
        first = self.program.node_count
        y = lower_call(layer, self.program, x, options)
        self.nodes_of.append((layer, first, self.program.node_count))
        return y


def flat_layers(model: Any) -> list[Layer]:
    """The layers that compute something, those of nested models in their place."""
    flat: list[Layer] = []
    for layer in model.layers:
        flat += flat_layers(layer) if layer.is_model else [layer] * (not isinstance(layer, InputLayer))
    return flat


def trace_of_calls(layer: Any) -> list[Any]:
    """What is equal as long as every `call` of the user's, of a model and of all in it, does the same, and no attribute
    of another layer has been set."""
    by_call = layer.is_model or layer.runs_own_call
    own = layer.trace_call() if by_call else [layer.changes]
    return [*own, *(part for inner in layer.sublayers for part in trace_of_calls(inner))]
