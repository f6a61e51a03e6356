"""StackedRNNCells: several cells as one."""

from __future__ import annotations

from typing import Any

from rnnfast._custom_objects import CustomObjectScope
from rnnfast.layers import cell_protocol
from rnnfast.layers.base import Layer, Shape
from rnnfast.variable import Variable


class StackedRNNCells(Layer):
    """Cells one upon the other, each fed with the output of the one below, as one cell.

    cells: a list of cells, built-in ones or others (`rnnfast.layers.cell_protocol` says what makes a cell). States: an
    item per cell, a list where the cell has several. `RNN` runs a stack cell after cell, each over the whole sequence,
    which gives the same.

    >>> import numpy as np
    >>> from rnnfast.layers import RNN, LSTMCell, StackedRNNCells
    >>> output, (h, c), last = RNN(StackedRNNCells([LSTMCell(4), LSTMCell(6)]), return_state=True)(np.ones((2, 5, 3)))
    >>> output.shape, h.shape, last[0].shape
    ((2, 6), (2, 4), (2, 6))
    """

    def __init__(self, cells: Any, **options: Any) -> None:
        super().__init__(**options)
        self.cells = list(cells)
        if not self.cells:
            raise ValueError(f"{self.label}: expected at least one cell, got none")
        for cell in self.cells:
            cell_protocol.check(self.label, cell)

    @property
    def sublayers(self) -> list[Layer]:
        return [cell for cell in self.cells if isinstance(cell, Layer)]

    @property
    def state_size(self) -> list[Any]:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        return cell_protocol.output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """An item per cell: what the cell starts from."""
        starts = [cell_protocol.initial_state(cell, batch_size, self.dtype) for cell in self.cells]
        return [pack(cell, start) for cell, start in zip(self.cells, starts, strict=True)]

    def create_variables(self, input_shape: Shape) -> None:
        for cell in self.cells:
            cell_protocol.build(cell, input_shape)
            input_shape = (input_shape[0], cell_protocol.output_size(cell))

    # One step

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:  # type: ignore[override]
        """The output of the last cell and the new states of all."""
        output, states, _ = self.forward(self.prepare(inputs), states, training)
        return output, states

    def __call__(self, inputs: Any, states: Any, training: bool = False) -> Any:  # type: ignore[override]
        return self.call(inputs, states, training)

    def forward(self, inputs: Any, states: Any, training: bool = False) -> Any:  # type: ignore[override]
        """Output, new states, and what `backward` needs."""
        new_states, caches = [], []
        for cell, state in zip(self.cells, states, strict=True):
            inputs, state, cache = cell_protocol.stepper(cell)(inputs, unpack(cell, state), training)
            new_states.append(pack(cell, state))
            caches.append(cache)
        return inputs, new_states, caches

    def backward(self, d_output: Any, d_states: Any, cache: Any) -> Any:  # type: ignore[override]
        """Gradients of the inputs and of the states; those of the weights are added to their `grad`."""
        d_before = []
        for cell, d_state, part in zip(self.cells[::-1], d_states[::-1], cache[::-1], strict=True):
            d_output, d_old = cell.backward(d_output, unpack(cell, d_state), part)
            d_before.append(pack(cell, d_old))
        return d_output, d_before[::-1]

    # Weights and description

    @property
    def weights(self) -> list[Variable]:
        return [v for cell in self.cells for v in cell_protocol.weights(cell)]

    @property
    def trainable_weights(self) -> list[Variable]:
        held = [v for cell in self.cells for v in cell_protocol.weights(cell, "trainable_weights")]
        return held if self.trainable else []

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": [cell_protocol.to_config(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> StackedRNNCells:
        with CustomObjectScope(custom_objects):
            return cls(**{**config, "cells": [cell_protocol.from_config(cell) for cell in config["cells"]]})


def pack(cell: Any, states: list[Any]) -> Any:
    """The states of one cell as an item of its stack's states."""
    return states[0] if cell_protocol.has_one_state(cell) else states


def unpack(cell: Any, states: Any) -> list[Any]:
    """The other way; also where a list of the one state came, and where None stands for no gradient at all."""
    if states is None:
        return [None] * len(cell_protocol.state_sizes(cell))
    return cell_protocol.as_list(states)
