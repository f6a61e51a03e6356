"""A model's layers as one program of the engine: the way from Python objects to the graph that runs in C++."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _engine
from rnnfast.layers.base import Layer
from rnnfast.precision import weight_format


class LoweredModel:
    """A snapshot of a built sequential model, packed for this machine.

    Each layer describes itself through `Layer.lower`. dtype and optimize_for: as InferenceModel takes them; from them
    follow `weights`, the format of the weights of recurrent and dense layers, and `why` it was chosen.
    `run([x], threads)` gives the outputs as a list (threads 0: as many as `rnnfast.get_num_threads()`);
    `nodes_of` lists each layer with its nodes in the program, [first, last).

    layers.NoLoweringError: a layer, or an option of it, has no node.
    """

    def __init__(self, model: Any, dtype: str, optimize_for: str = "latency") -> None:
        self.weights, self.why = weight_format(dtype, optimize_for)
        # Narrow weights go with inputs, states and outputs in float32.
        program = _engine.Program64 if dtype == "float64" else _engine.Program32
        self.program = program(weights=self.weights)
        self.nodes_of: list[tuple[Layer, int, int]] = []
        value = self.program.input(model.input_shape[1:], model.input_dtype)
        for layer in flat_layers(model):
            first = self.program.node_count
            value = layer.lower(self.program, value)
            self.nodes_of.append((layer, first, self.program.node_count))
        self.program.finish([value])
        self.run: Callable[[list[Any], int], list[np.ndarray]] = self.program.run


def flat_layers(model: Any) -> list[Layer]:
    """The layers in the order they run, those of nested models in their place."""
    flat: list[Layer] = []
    for layer in model.layers:
        flat += flat_layers(layer) if hasattr(layer, "layers") else [layer]
    return flat
