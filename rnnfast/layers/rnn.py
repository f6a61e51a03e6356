"""RNN: a layer over time made of any cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast._custom_objects import CustomObjectScope, get_registered_name, make
from rnnfast._warnings import warn_caller
from rnnfast.layers import cell_protocol
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.cell_runs import Chain, over_time, slow_parts
from rnnfast.layers.lowered import NoLoweringError
from rnnfast.layers.over_time import OverTime, handed_on
from rnnfast.layers.recurrent import Recurrent
from rnnfast.layers.stacked_cells import StackedRNNCells
from rnnfast.variable import Variable

_RUN_OPTIONS = ("return_sequences", "go_backwards", "zero_output_for_mask")


class RNN(OverTime):
    """Run a cell over time: input (batch, time, ...), output (batch, output_size), or (batch, time, output_size) with
    `return_sequences`; with `return_state` a list of that and the last states, of a list of cells an item per cell.

    cell: SimpleRNNCell, LSTMCell, GRUCell, a list of cells (see `StackedRNNCells`), or any object that is a cell
    (`rnnfast.layers.cell_protocol` says what makes one). The built-in ones, stacked or not, run on the kernels of the
    layers of their names. Others run step by step, in Python, which a UserWarning says once per layer. To be trained, a
    cell of your own defines `forward` and `backward`; one that defines only `call` can predict, and a TypeError says so
    in training. dtype: default that of the cell.

    Call arguments are those of `OverTime`: mask, lengths, initial_state (nested as the states are), training.
    ValueError: an object that is no cell, or a layer and a cell of different dtypes.

    >>> import numpy as np
    >>> from rnnfast.layers import RNN, LSTMCell
    >>> RNN([LSTMCell(4), LSTMCell(6)], return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 6)
    """

    rank = None
    min_rank = 3
    axes = "(batch, time, ...)"

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **options: Any,
    ) -> None:
        if isinstance(cell, (list, tuple)):
            dtypes = [part.dtype for part in cell if isinstance(part, Layer)]
            cell = StackedRNNCells(cell, dtype=dtypes[0] if dtypes else options.get("dtype"))
        if options.get("dtype") is None and isinstance(cell, Layer):
            options["dtype"] = cell.dtype
        super().__init__(
            return_sequences=return_sequences, return_state=return_state, go_backwards=go_backwards, stateful=stateful,
            unroll=unroll, zero_output_for_mask=zero_output_for_mask, **options,
        )  # fmt: skip
        cell_protocol.check(self.label, cell)
        for part in (cell, *cell_protocol.parts(cell)):
            if isinstance(part, Layer) and part.dtype != self.dtype:
                raise ValueError(
                    f"{self.label}: its dtype is {self.dtype}, that of its {cell_protocol.name(part)} {part.dtype}; "
                    "give them the same"
                )
        self.cell = cell
        self._made_run: Any = None
        self._made_for: list[Any] = []

    @property
    def state_size(self) -> list[Any]:
        return cell_protocol.state_sizes(self.cell)

    @property
    def output_size(self) -> int:
        return cell_protocol.output_size(self.cell)

    @property
    def sublayers(self) -> list[Layer]:
        return [self.cell] if isinstance(self.cell, Layer) else []

    def create_variables(self, input_shape: Shape) -> None:
        if None in input_shape[2:]:
            raise ValueError(f"{self.label}: the number of features must be known, got input shape {input_shape}")
        cell_protocol.build(self.cell, (input_shape[0], *input_shape[2:]))
        for slow in slow_parts(self.cell):
            warn_caller(
                f"{self.label}: {cell_protocol.name(slow)} is none of rnnfast's own: it runs step by step, in Python, "
                "which is much slower than SimpleRNNCell, LSTMCell and GRUCell",
            )

    def _run(self) -> Any:
        """How the built cell runs, with its options and the layer's as they are now."""
        options = {option: getattr(self, option) for option in _RUN_OPTIONS}
        made_for = [options, *(getattr(part, "changes", None) for part in cell_protocol.parts(self.cell))]
        if made_for != self._made_for:
            self._made_run = over_time(self.cell, self.dtype, **options)
            self._made_for = made_for
        return self._made_run

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        first = cell_protocol.parts(self.cell)[0]
        if isinstance(first, Layer):
            first.check_shape((shape[0], *shape[2:]))

    # The two passes

    def forward(
        self,
        x: np.ndarray,
        *,
        mask: Any = None,
        training: bool = False,
        initial_state: Any = None,
        lengths: Any = None,
    ) -> tuple[Any, Any]:
        batch, time = x.shape[:2]
        mask, lengths = self.check_steps(mask, lengths, batch, time)
        start = self.starting_state(initial_state, batch)
        (output, *states), tape = self._run().forward(
            x, mask=mask, lengths=lengths, training=training, initial_state=start
        )
        self.keep(states)
        y = [output, *states] if self.return_state else output
        self.penalize(y)
        if tape is not None and self.activity_regularizer is not None:
            tape.outputs = y
        return y, tape

    def backward(self, dy: Any, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        """dy: the gradient of the output; with `return_state` a list, with None where a part has no gradient."""
        dy = self.penalized(dy, cache.outputs)
        return self._run().backward(list(dy) if self.return_state else [dy], cache, need_dx=need_dx)

    def option_costs(self) -> dict[str, str]:
        costs = super().option_costs()
        for slow in slow_parts(self.cell):
            costs[cell_protocol.name(slow)] = "a call of Python per step: the one thing that leaves the fast path"
        return costs

    @property
    def runs_on(self) -> str:
        return "Python" if slow_parts(self.cell) else super().runs_on

    @property
    def untrainable(self) -> str | None:
        return next(filter(None, map(cell_protocol.untrainable, slow_parts(self.cell))), super().untrainable)

    def lower_run(
        self, program: Any, value: Any, start: list[Any], return_state: bool, *, heed_mask: bool
    ) -> list[Any]:
        parts = self._engine_layers(self.cell, self._run())
        if self.go_backwards and len(parts) > 1 and (heed_mask or not start) and program.masked(value):
            raise NoLoweringError(f"{self.label}: the engine does not turn the mask of a stack that goes backwards")
        starts = iter(start)
        states: list[Any] = []
        for layer in parts:
            own = [next(starts) for _ in layer.state_size] if start else []
            value, *last = layer.lower_run(program, value, own, return_state, heed_mask=heed_mask)
            states += last
        return [value, *states]

    def _engine_layers(self, cell: Any, run: Any) -> list[Recurrent]:
        if isinstance(run, Recurrent):
            return [cell.over_time(**{key: getattr(run, key) for key in _RUN_OPTIONS})]
        if isinstance(run, Chain):
            parts = zip(run.cells, run.runs, strict=True)
            return [layer for part, inner in parts for layer in self._engine_layers(part, inner)]
        raise NoLoweringError(f"{self.label}: {cell_protocol.name(cell)} cannot be run by the inference engine")

    # Weights and description

    @property
    def weights(self) -> list[Variable]:
        return cell_protocol.weights(self.cell)

    @property
    def trainable_weights(self) -> list[Variable]:
        return cell_protocol.weights(self.cell, "trainable_weights") if self.trainable else []

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cell": cell_protocol.to_config(self.cell)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> RNN:
        """custom_objects: classes of the user's own, by name."""
        with CustomObjectScope(custom_objects):
            return cls(**{**config, "cell": cell_protocol.from_config(config["cell"])})

    def replica(self, **changes: Any) -> RNN:
        return super().replica(cell=_replica(self.cell), **changes)  # type: ignore[return-value]


def _replica(cell: Any) -> Any:
    """A cell of the same configuration, with weights of its own."""
    config = cell_protocol.to_config(cell)["config"]
    cells = {"cells": list(map(_replica, cell.cells))} if isinstance(cell, StackedRNNCells) else {}
    with CustomObjectScope({get_registered_name(type(part)): type(part) for part in cell_protocol.parts(cell)}):
        return make(type(cell), {"config": {**config, **handed_on(cell, config), **cells}})
