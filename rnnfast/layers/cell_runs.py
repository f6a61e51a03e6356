"""How a cell runs over time: a built-in one as its layer, a stack cell after cell, any other step by step.

Each way has `forward(x, mask, lengths, training, initial_state)`, which gives the list of the output and the last
states, and a tape, and `backward(dy, tape)` for the list of their gradients: as a layer with `return_state` has.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.layers import cell_protocol
from rnnfast.layers.cells import RecurrentCell
from rnnfast.layers.over_time import RecurrentTape
from rnnfast.layers.stacked_cells import StackedRNNCells, pack, unpack


def over_time(cell: Any, dtype: str, **options: Any) -> Any:
    """The way in which a built cell runs. options: return_sequences, go_backwards, zero_output_for_mask."""
    if _is_ours(cell, RecurrentCell):
        return cell.over_time(**options)
    if _is_ours(cell, StackedRNNCells):
        return Chain(cell.cells, dtype, **options)
    return StepByStep(cell, dtype, **options)


def slow_parts(cell: Any) -> list[Any]:
    """The cells in it that run step by step, in Python."""
    if _is_ours(cell, StackedRNNCells):
        return [slow for part in cell.cells for slow in slow_parts(part)]
    return [] if _is_ours(cell, RecurrentCell) else [cell]


def _is_ours(cell: Any, cls: type) -> bool:
    """Whether a cell is of this class, and a subclass has not replaced its step."""
    steps = ("call", "forward", "backward")
    return isinstance(cell, cls) and all(getattr(type(cell), step) is getattr(cls, step) for step in steps)


class Chain:
    """A stack: each cell runs over the whole sequence, then the next one over its outputs."""

    def __init__(
        self, cells: list[Any], dtype: str, *, return_sequences: bool, go_backwards: bool, zero_output_for_mask: bool
    ) -> None:
        self.cells = cells
        self.go_backwards = go_backwards
        last = len(cells) - 1
        self.runs = [
            over_time(
                cell,
                dtype,
                return_sequences=return_sequences if i == last else True,
                go_backwards=go_backwards and i == 0,  # what it gives is in the order of processing
                zero_output_for_mask=zero_output_for_mask and i == last,
            )
            for i, cell in enumerate(cells)
        ]

    def forward(self, x: Any, *, mask: Any, lengths: Any, training: bool, initial_state: Any) -> tuple[Any, Any]:
        starts = [None] * len(self.cells) if initial_state is None else initial_state
        last_states, tapes = [], []
        for i, (cell, run, start) in enumerate(zip(self.cells, self.runs, starts, strict=True)):
            if i == 1 and self.go_backwards:
                mask, lengths = _reversed(mask, lengths, x.shape[1])
            state = None if start is None else unpack(cell, start)
            (x, *last), tape = run.forward(x, mask=mask, lengths=lengths, training=training, initial_state=state)
            last_states.append(pack(cell, last))
            tapes.append(tape)
        return [x, *last_states], RecurrentTape(tapes) if training else None

    def backward(self, dy: list[Any], tape: RecurrentTape, *, need_dx: bool = True) -> Any:
        d, *d_states = dy
        d_states = d_states or [None] * len(self.cells)
        tapes = tape.kernel_cache
        for i in reversed(range(len(self.cells))):
            dy = [d, *unpack(self.cells[i], d_states[i])]
            d = self.runs[i].backward(dy, tapes[i], need_dx=need_dx or i > 0)
        tape.d_initial_state = [pack(c, t.d_initial_state) for c, t in zip(self.cells, tapes, strict=True)]
        return d


def _reversed(mask: Any, lengths: Any, time: int) -> tuple[Any, None]:
    """Which steps are real, seen from the end: lengths count from the start and become a mask."""
    if lengths is not None:
        mask = np.arange(time) < lengths[:, None]
    return None if mask is None else mask[:, ::-1], None


class StepByStep:
    """Any cell: one call of it per step. A masked row keeps its states, and its output is as `OverTime` says."""

    def __init__(
        self, cell: Any, dtype: str, *, return_sequences: bool, go_backwards: bool, zero_output_for_mask: bool
    ) -> None:
        self.cell = cell
        self.dtype = dtype
        self.return_sequences = return_sequences
        self.go_backwards = go_backwards
        self.zero_output_for_mask = zero_output_for_mask

    def _order(self, time: int) -> range:
        return range(time - 1, -1, -1) if self.go_backwards else range(time)

    def forward(self, x: Any, *, mask: Any, lengths: Any, training: bool, initial_state: Any) -> tuple[Any, Any]:
        batch, time = x.shape[:2]
        if lengths is not None:
            mask = np.arange(time) < lengths[:, None]
        states = cell_protocol.initial_state(self.cell, batch, self.dtype) if initial_state is None else initial_state
        step = cell_protocol.stepper(self.cell)
        output: Any = None
        outputs, caches = [], []
        for t in self._order(time):
            new_output, new_states, cache = step(x[:, t], states, training)
            new_output = np.asarray(new_output, self.dtype)
            if mask is None:
                output, states = new_output, new_states
            else:
                repeated = np.zeros_like(new_output) if output is None or self.zero_output_for_mask else output
                output = _choose(mask[:, t], new_output, repeated)
                states = _choose(mask[:, t], new_states, states)
            if self.return_sequences:
                outputs.append(output)
            caches.append(cache)
        result = np.stack(outputs, axis=1) if self.return_sequences else output
        states = _arrays(states, self.dtype)
        tape = RecurrentTape((caches, mask, x.shape, result.shape, states)) if training else None
        return [result, *states], tape

    def backward(self, dy: list[Any], tape: RecurrentTape, *, need_dx: bool = True) -> Any:
        if not cell_protocol.is_trainable(self.cell):
            raise TypeError(
                f"{cell_protocol.name(self.cell)} can predict and not be trained: it defines call alone; define "
                "forward(inputs, states, training), which gives output, new states and cache, and "
                "backward(d_output, d_new_states, cache), which gives d_inputs and d_states"
            )
        d_output, *d_last = dy
        caches, mask, x_shape, shape, states = tape.kernel_cache
        d_output = np.zeros(shape, self.dtype) if d_output is None else d_output
        d_states = _filled(d_last or [None] * len(states), states)
        nothing = np.zeros((shape[0], *shape[2:]) if self.return_sequences else shape, self.dtype)
        dx = np.empty(x_shape, self.dtype)
        d_repeated = nothing  # by what masked steps have repeated
        order = self._order(x_shape[1])
        for j in reversed(range(len(order))):
            t = order[j]
            d = d_repeated
            if self.return_sequences or j == len(order) - 1:
                d = d + (d_output[:, j] if self.return_sequences else d_output)
            if mask is None:
                dx[:, t], d_states = self.cell.backward(d, d_states, caches[j])
                continue
            d_repeated = nothing if self.zero_output_for_mask else _choose(mask[:, t], nothing, d)
            none = _choose(mask[:, t], _zeros(d_states), d_states)
            dx[:, t], d_before = self.cell.backward(
                _choose(mask[:, t], d, nothing), _choose(mask[:, t], d_states, _zeros(d_states)), caches[j]
            )
            d_states = _sum(d_before, none)
        tape.d_initial_state = list(d_states)
        return dx if need_dx else None


# States may be nested: what follows goes through lists, item by item.


def _choose(real: np.ndarray, new: Any, old: Any) -> Any:
    """`new` in the rows that are real, `old` in the others."""
    if isinstance(new, (list, tuple)):
        return [_choose(real, n, o) for n, o in zip(new, old, strict=True)]
    return np.where(real.reshape(-1, *[1] * (np.ndim(new) - 1)), new, old)


def _zeros(like: Any) -> Any:
    return [_zeros(item) for item in like] if isinstance(like, (list, tuple)) else np.zeros_like(like)


def _arrays(states: Any, dtype: str) -> Any:
    return [_arrays(s, dtype) for s in states] if isinstance(states, (list, tuple)) else np.asarray(states, dtype)


def _sum(a: Any, b: Any) -> Any:
    return [_sum(x, y) for x, y in zip(a, b, strict=True)] if isinstance(b, list) else a + b


def _filled(gradients: Any, states: Any) -> Any:
    """The gradients of states, zeros where there is none."""
    if gradients is None:
        return _zeros(states)
    if isinstance(states, list):
        return [_filled(g, s) for g, s in zip(gradients, states, strict=True)]
    return gradients
