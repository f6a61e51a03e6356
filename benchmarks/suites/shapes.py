"""The layers that the suites measure, with weights and data that are the same in every run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import rnnfast

GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
CELLS = list(GATES)
_CLASSES = {"simple_rnn": rnnfast.layers.SimpleRNN, "lstm": rnnfast.layers.LSTM, "gru": rnnfast.layers.GRU}
STEPS = 50
# "units x batch": a sequence at a time, a small layer over a batch, a wide one
SIZES = ["128x1", "64x32", "256x64"]


class Layer(NamedTuple):
    """One recurrent layer, as many inputs as units, and a batch for it. GRU is reset_after."""

    cell: str
    kernel: np.ndarray  # (units, gates * units)
    recurrent_kernel: np.ndarray  # (units, gates * units)
    bias: np.ndarray  # (gates * units,); GRU: (2, gates * units)
    x: np.ndarray  # (batch, STEPS, units)
    dy: np.ndarray  # gradient of the output, (batch, STEPS, units)

    @property
    def weights(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.kernel, self.recurrent_kernel, self.bias


def make_layer(cell: str, size: str) -> Layer:
    """A float32 layer of one of SIZES."""
    units, batch = map(int, size.split("x"))
    rng = np.random.default_rng(0)
    columns = GATES[cell] * units
    bias_shape = (2, columns) if cell == "gru" else (columns,)

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    scale = np.float32(units**-0.5)
    return Layer(
        cell,
        scale * draw(units, columns),
        scale * draw(units, columns),
        scale * draw(*bias_shape),
        draw(batch, STEPS, units),
        draw(batch, STEPS, units),
    )


def make_model(layer: Layer) -> rnnfast.Sequential:
    """The layer as a model that returns sequences."""
    units = len(layer.recurrent_kernel)
    recurrent = _CLASSES[layer.cell](units, return_sequences=True)
    model = rnnfast.Sequential([rnnfast.layers.Input((None, units)), recurrent])
    model.set_weights(layer.weights)
    return model
