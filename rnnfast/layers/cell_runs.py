"""How a cell runs over time: a built-in one as its layer, a stack cell after cell, any other step by step.

Each way has `forward(x, mask, lengths, training, initial_state)`, which gives the list of the output and the last
states, and a tape, and `backward(dy, tape)` for the list of their gradients: as a layer with `return_state` has.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.layers.cells import RecurrentCell
from rnnfast.layers.over_time import RecurrentTape
from rnnfast.layers.stacked_cells import StackedRNNCells, pack, unpack
from rnnfast.layers.step_by_step import StepByStep


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
