"""The recurrent layers with activations of the user's own: `rnn_forward` and `rnn_backward` of `_kernels`, in NumPy.

The formulas are those of SimpleRNN, LSTM and GRU; the loop over time is that of cells of the user's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.activations import AnyActivation
from rnnfast.layers.step_by_step import StepByStep


def rnn_forward(
    cell: str,
    x: np.ndarray,
    kernel: np.ndarray,
    recurrent_kernel: np.ndarray,
    bias: np.ndarray | None,
    peephole: None,
    *,
    activation: AnyActivation,
    recurrent_activation: AnyActivation,
    reset_after: bool,
    initial_state: list[np.ndarray] | None,
    mask: np.ndarray | None,
    lengths: np.ndarray | None,
    go_backwards: bool,
    zero_output_for_mask: bool,
    return_sequences: bool,
    training: bool,
    x_factors: np.ndarray | None = None,
    h_factors: np.ndarray | None = None,
    projection: None = None,
    index: None = None,
) -> tuple[np.ndarray, list[np.ndarray], Any]:
    """Output, last states and what `rnn_backward` takes. Arguments and shapes as in `_kernels`; what is None here the
    layer does not combine with activations of the user's own."""
    step = _STEPS[cell](kernel, recurrent_kernel, bias, activation, recurrent_activation, x_factors, h_factors)
    if cell == "gru":
        step.reset_after = reset_after
    run = StepByStep(
        step, x.dtype.name, return_sequences=return_sequences, go_backwards=go_backwards,
        zero_output_for_mask=zero_output_for_mask,
    )  # fmt: skip
    (output, *states), tape = run.forward(x, mask=mask, lengths=lengths, training=training, initial_state=initial_state)
    return output, states, (run, tape)


def rnn_backward(cache: Any, d_output: Any, d_states: Any, *, need_dx: bool) -> tuple[Any, ...]:
    """Gradients of x, kernel, recurrent kernel, bias, peephole (None) and the initial states."""
    run, tape = cache
    dx = run.backward([d_output, *(d_states or [])], tape, need_dx=need_dx)
    step = run.cell
    return dx, step.kernel.gradient, step.recurrent.gradient, step.d_bias, None, tape.d_initial_state


class _Product:
    """`rows @ weights`, gate by gate where dropout gives each gate factors (gates, batch, k) of its own."""

    def __init__(self, weights: np.ndarray, gates: int, factors: np.ndarray | None) -> None:
        self.weights = weights
        self.gradient = np.zeros_like(weights)
        self.width = weights.shape[1] // gates
        self.factors = factors

    def _parts(self, first: int, last: int) -> list[tuple[slice, Any]]:
        """Columns, and what their rows are multiplied with."""
        if self.factors is None:
            return [(slice(first * self.width, last * self.width), 1)]
        return [(slice(g * self.width, (g + 1) * self.width), self.factors[g]) for g in range(first, last)]

    def forward(self, rows: np.ndarray, first: int, last: int) -> np.ndarray:
        """The columns of gates `first` up to `last`."""
        parts = self._parts(first, last)
        return np.concatenate([(rows * factor) @ self.weights[:, columns] for columns, factor in parts], axis=1)

    def backward(self, d: np.ndarray, rows: np.ndarray, first: int, last: int) -> np.ndarray:
        """The gradient of the rows; that of the weights is added up."""
        d_rows = np.zeros_like(rows)
        start = first * self.width
        for columns, factor in self._parts(first, last):
            part = d[:, columns.start - start : columns.stop - start]
            self.gradient[:, columns] += (rows * factor).T @ part
            d_rows += (part @ self.weights[:, columns].T) * factor
        return d_rows


class _Step:
    """Base of a step: a cell as `cell_protocol` describes it, with the weights and the noise of one call."""

    gates: int
    states = 1

    def __init__(
        self,
        kernel: np.ndarray,
        recurrent_kernel: np.ndarray,
        bias: np.ndarray | None,
        activation: AnyActivation,
        recurrent_activation: AnyActivation,
        x_factors: np.ndarray | None,
        h_factors: np.ndarray | None,
    ) -> None:
        self.kernel = _Product(kernel, self.gates, x_factors)
        self.recurrent = _Product(recurrent_kernel, self.gates, h_factors)
        self.bias = bias
        self.d_bias = None if bias is None else np.zeros_like(bias)
        self.activation = activation
        self.recurrent_activation = recurrent_activation
        self.state_size = [len(recurrent_kernel)] * self.states

    def input_part(self, x: np.ndarray) -> np.ndarray:
        """x W, with the bias where there is one row of it."""
        z = self.kernel.forward(x, 0, self.gates)
        return z + self.bias if self.bias is not None and self.bias.ndim == 1 else z

    def input_part_backward(self, dz: np.ndarray, x: np.ndarray) -> np.ndarray:
        if self.d_bias is not None and self.d_bias.ndim == 1:
            self.d_bias += dz.sum(axis=0)
        return self.kernel.backward(dz, x, 0, self.gates)


class _SimpleRNNStep(_Step):
    gates = 1

    def forward(self, x: np.ndarray, states: list[np.ndarray], training: bool) -> Any:
        z = self.input_part(x) + self.recurrent.forward(states[0], 0, 1)
        h = self.activation.forward(z)
        return h, [h], (x, states[0], z, h)

    def backward(self, d_output: np.ndarray, d_states: list[np.ndarray], cache: Any) -> Any:
        x, before, z, h = cache
        dz = self.activation.backward(z, h, d_output + d_states[0])
        return self.input_part_backward(dz, x), [self.recurrent.backward(dz, before, 0, 1)]


class _LSTMStep(_Step):
    gates = 4
    states = 2

    def forward(self, x: np.ndarray, states: list[np.ndarray], training: bool) -> Any:
        before, c_before = states
        z = np.split(self.input_part(x) + self.recurrent.forward(before, 0, 4), 4, axis=1)
        i, f, o = (self.recurrent_activation.forward(z[gate]) for gate in (0, 1, 3))
        g = self.activation.forward(z[2])
        c = f * c_before + i * g
        shown = self.activation.forward(c)
        return o * shown, [o * shown, c], (x, before, c_before, z, (i, f, g, o), c, shown)

    def backward(self, d_output: np.ndarray, d_states: list[np.ndarray], cache: Any) -> Any:
        x, before, c_before, z, (i, f, g, o), c, shown = cache
        dh = d_output + d_states[0]
        dc = d_states[1] + self.activation.backward(c, shown, dh * o)
        gate = self.recurrent_activation.backward
        dz = np.concatenate(
            [
                gate(z[0], i, dc * g),
                gate(z[1], f, dc * c_before),
                self.activation.backward(z[2], g, dc * i),
                gate(z[3], o, dh * shown),
            ],
            axis=1,
        )
        return self.input_part_backward(dz, x), [self.recurrent.backward(dz, before, 0, 4), dc * f]


class _GRUStep(_Step):
    gates = 3
    reset_after = True

    def forward(self, x: np.ndarray, states: list[np.ndarray], training: bool) -> Any:
        before = states[0]
        bias = self.bias if self.bias is not None and self.bias.ndim == 2 else (0, 0)  # of input and recurrent part
        xz, xr, xh = np.split(self.input_part(x) + bias[0], 3, axis=1)
        recurrent = self.recurrent.forward(before, 0, 3 if self.reset_after else 2) + bias[1]
        width = before.shape[1]
        zz, zr = xz + recurrent[:, :width], xr + recurrent[:, width : 2 * width]
        update, reset = (self.recurrent_activation.forward(z) for z in (zz, zr))
        shown = recurrent[:, 2 * width :] if self.reset_after else reset * before
        zh = xh + (reset * shown if self.reset_after else self.recurrent.forward(shown, 2, 3))
        candidate = self.activation.forward(zh)
        h = update * before + (1 - update) * candidate
        return h, [h], (x, before, zz, zr, zh, update, reset, candidate, shown)

    def backward(self, d_output: np.ndarray, d_states: list[np.ndarray], cache: Any) -> Any:
        x, before, zz, zr, zh, update, reset, candidate, shown = cache
        dh = d_output + d_states[0]
        d_before = dh * update
        d_zz = self.recurrent_activation.backward(zz, update, dh * (before - candidate))
        d_zh = self.activation.backward(zh, candidate, dh * (1 - update))
        if self.reset_after:
            d_reset = d_zh * shown
        else:
            d_shown = self.recurrent.backward(d_zh, shown, 2, 3)
            d_reset = d_shown * before
            d_before = d_before + d_shown * reset
        d_zr = self.recurrent_activation.backward(zr, reset, d_reset)
        d_input = np.concatenate([d_zz, d_zr, d_zh], axis=1)
        d_recurrent = np.concatenate([d_zz, d_zr, *([d_zh * reset] if self.reset_after else [])], axis=1)
        if self.d_bias is not None and self.d_bias.ndim == 2:
            self.d_bias += np.stack([d_input.sum(axis=0), d_recurrent.sum(axis=0)])
        d_before = d_before + self.recurrent.backward(d_recurrent, before, 0, 3 if self.reset_after else 2)
        return self.input_part_backward(d_input, x), [d_before]


_STEPS: dict[str, Any] = {"simple_rnn": _SimpleRNNStep, "lstm": _LSTMStep, "gru": _GRUStep}
