"""Benchmark cases, and the weights and inputs that every contestant is given for them."""

from __future__ import annotations

import importlib
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .terms import Terms
from .work import Work

PUBLIC_CASES = Path(__file__).resolve().parent.parent / "bench_cases.json"
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
MODES = ("infer", "stream", "train")
STREAM_STEPS = 16  # calls that one run of a streaming case makes


@dataclass(frozen=True)
class Case:
    """A stack of recurrent layers that return sequences, and the shape of what it is fed."""

    name: str
    cell: str  # "rnn", "lstm" or "gru" (reset_after)
    layers: int
    bidirectional: bool
    inputs: int
    units: int
    steps: int
    batch: int
    modes: tuple[str, ...]

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def width(self) -> int:
        """Features of the stack's output."""
        return self.directions * self.units

    def layer_inputs(self, layer: int) -> int:
        return self.inputs if layer == 0 else self.width

    def kernels(self) -> list[int]:
        """Weights of W, of every direction of every layer."""
        return [
            self.layer_inputs(layer) * GATES[self.cell] * self.units
            for layer in range(self.layers)
            for _ in range(self.directions)
        ]

    @property
    def recurrent_kernel(self) -> int:
        """Weights of one U."""
        return self.units * GATES[self.cell] * self.units

    def walked_weights(self, mode: str) -> int:
        """Weights that every time step needs again: in a stream those of all layers, else one recurrent kernel."""
        if mode == "stream":
            return sum(self.kernels()) + self.recurrent_kernel * self.layers * self.directions
        return self.recurrent_kernel

    def works(self, contestant: str, mode: str, terms: Terms) -> list[Work]:
        """Every way that a contestant has of doing the case on these terms; none without such a mode or precision."""
        return importlib.import_module(f"{__package__}.{contestant}_side").works(self, mode, terms)


class Weights(NamedTuple):
    """One direction of one layer, in Keras' layout: gates side by side, LSTM i f g o, GRU z r h."""

    kernel: np.ndarray  # (inputs, gates * units)
    recurrent_kernel: np.ndarray  # (units, gates * units)
    bias: np.ndarray  # (gates * units,); GRU: (2, gates * units), input row and recurrent row


def reorder_gates(columns: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Columns (..., gates * units) in another library's gate order: its position p holds our gate order[p]."""
    gates = np.split(columns, len(order), axis=-1)
    return np.concatenate([gates[gate] for gate in order], axis=-1)


def load_cases(path: Path = PUBLIC_CASES) -> list[Case]:
    """The cases of a JSON file laid out as bench_cases.json."""
    return [
        Case(
            name=entry["name"], cell=entry["cell"], layers=entry["layers"], bidirectional=entry["bi"],
            inputs=entry["in"], units=entry["units"], steps=entry["t"], batch=entry["b"], modes=tuple(entry["mode"]),
        )
        for entry in json.loads(path.read_text())["cases"]
    ]  # fmt: skip


def _generator(case: Case, purpose: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(f"{case.name}/{purpose}".encode()))


def weights(case: Case) -> list[list[Weights]]:
    """float32 weights [layer][direction], uniform within 1/sqrt(units), biases too, so that a lost bias shows."""
    rng = _generator(case, "weights")
    limit = np.float32(case.units**-0.5)

    def draw(*shape: int) -> np.ndarray:
        return (2 * rng.random(shape, dtype=np.float32) - 1) * limit

    columns = GATES[case.cell] * case.units
    bias_shape = (2, columns) if case.cell == "gru" else (columns,)
    return [
        [
            Weights(draw(case.layer_inputs(layer), columns), draw(case.units, columns), draw(*bias_shape))
            for _ in range(case.directions)
        ]
        for layer in range(case.layers)
    ]


def flat_weights(case: Case) -> list[np.ndarray]:
    """The same in one list, in the order of Keras' `get_weights`."""
    return [array for layer in weights(case) for direction in layer for array in direction]


def inputs(case: Case, mode: str) -> np.ndarray:
    """float32 input (batch, steps, inputs), standard normal; a streaming case has STREAM_STEPS steps."""
    steps = STREAM_STEPS if mode == "stream" else case.steps
    return _generator(case, "inputs").standard_normal((case.batch, steps, case.inputs), dtype=np.float32)


def stream_steps(case: Case) -> list[np.ndarray]:
    """The input of a streaming case, step by step: (batch, 1, inputs) each."""
    return [np.ascontiguousarray(step) for step in np.split(inputs(case, "stream"), STREAM_STEPS, axis=1)]


def output_gradient(case: Case) -> np.ndarray:
    """float32 gradient of a loss with respect to the stack's output (batch, steps, width)."""
    shape = (case.batch, case.steps, case.width)
    return _generator(case, "gradient").standard_normal(shape, dtype=np.float32)


def gradient_names(case: Case) -> list[str]:
    """Names of all gradients, in the order of Keras' weights."""
    return [
        gradient_name(layer, direction, field)
        for layer in range(case.layers)
        for direction in range(case.directions)
        for field in Weights._fields
    ]


def gradient_name(layer: int, direction: int, weight: str) -> str:
    """The name under which a training contestant answers with the gradient of one of the Weights' fields."""
    return f"layer {layer} {('forward', 'backward')[direction]} {weight}"
