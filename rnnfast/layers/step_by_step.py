"""StepByStep: a cell over time in a loop of Python, the one there is."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.layers import cell_protocol
from rnnfast.layers.over_time import RecurrentTape
from rnnfast.layers.states import choose, each


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
            # What stands in a masked step may be anything, and a backward pass would multiply with it.
            inputs = x[:, t] if mask is None else choose(mask[:, t], x[:, t], None)
            new_output, new_states, cache = step(inputs, states, training)
            new_output = np.asarray(new_output, self.dtype)
            if mask is None:
                output, states = new_output, new_states
            else:
                output = choose(mask[:, t], new_output, None if self.zero_output_for_mask else output)
                states = choose(mask[:, t], new_states, states)
            if self.return_sequences:
                outputs.append(output)
            caches.append(cache)
        result = np.stack(outputs, axis=1) if self.return_sequences else output
        states = each(lambda state: np.asarray(state, self.dtype), states)
        tape = RecurrentTape((caches, mask, x.shape, result.shape, states)) if training else None
        return [result, *states], tape

    def backward(self, dy: list[Any], tape: RecurrentTape, *, need_dx: bool = True) -> Any:
        reason = cell_protocol.untrainable(self.cell)
        if reason is not None:
            raise TypeError(reason)
        d_output, *d_last = dy
        caches, mask, x_shape, shape, states = tape.kernel_cache
        d_output = np.zeros(shape, self.dtype) if d_output is None else d_output
        d_states = each(lambda state, d: np.zeros_like(state) if d is None else d, states, d_last or None)
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
            real, masked = mask[:, t], ~mask[:, t]
            d_repeated = nothing if self.zero_output_for_mask else choose(masked, d, None)
            carried = choose(masked, d_states, None)
            dx[:, t], d_states = self.cell.backward(choose(real, d, None), choose(real, d_states, None), caches[j])
            d_states = each(np.add, carried, d_states)
        tape.d_initial_state = list(d_states)
        return dx if need_dx else None
