"""Carried: programs of the engine whose stateful layers go on from call to call."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _structure
from rnnfast.layers import states


class CarryingProgram:
    """A program under construction, or finished, to which a stateful layer's states are further inputs and outputs.

    A layer asks `start_of` for the handles of the states that it starts from, and hands those that it ends with to
    `leave`: from there a second call of it in the program goes on. `run` reads what the layers keep, and has them keep
    what they are left with. All else is done by `program`, one of the engine, whose numbers are of this dtype.
    """

    def __init__(self, program: Any, dtype: str) -> None:
        self._program = program
        self._dtype = dtype
        self._starts: dict[Any, list[int]] = {}  # by layer: handles of the states before the first call
        self._ends: dict[Any, Any] = {}  # and after the last one, nested as `state_size`
        self._outputs = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._program, name)

    def start_of(self, layer: Any) -> list[int]:
        if layer in self._ends:
            return _structure.flatten(self._ends[layer])
        sizes = _structure.flatten(_structure.listed(layer.state_size))
        self._starts[layer] = [self._program.input((size,), self._dtype, f"state of {layer.name}") for size in sizes]
        return self._starts[layer]

    def leave(self, layer: Any, last: list[int]) -> None:
        self._ends[layer] = _structure.pack(_structure.listed(layer.state_size), last)

    def finish(self, outputs: list[int]) -> None:
        self._outputs = len(outputs)
        self._program.finish([*outputs, *_structure.flatten(list(self._ends.values()))])

    def run(self, inputs: list[Any], threads: int) -> list[np.ndarray]:
        """ValueError: a layer keeps states of another number of rows; then none has changed."""
        rows = len(inputs[0])
        for layer in self._starts:
            inputs = [*inputs, *_structure.flatten(_kept(layer, rows))]
        made = self._program.run(inputs, threads)
        rest = iter(made[self._outputs :])
        for layer, last in self._ends.items():
            layer.keep(_structure.map_leaves(lambda _: next(rest), last))
        return made[: self._outputs]


def _kept(layer: Any, rows: int) -> Any:
    kept = layer.kept_states(rows)
    return states.zeros(layer.state_size, rows, layer.dtype) if kept is None else kept
