"""Random recurrent layers and masks to test with, and the reference's answer for them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnfast import reference

# A name for each kind of cell: the cell of the kernels, and its own options.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "simple_rnn": ("simple_rnn", {}),
    "lstm": ("lstm", {}),
    "lstm_peephole": ("lstm", {}),
    "gru": ("gru", {"reset_after": True}),
    "gru_reset_before": ("gru", {"reset_after": False}),
    "lstm_norm": ("lstm", {}),
    "gru_norm": ("gru", {"reset_after": True}),
    "gru_reset_before_norm": ("gru", {"reset_after": False}),
}
# Those that only the layers have, no engine.
ALL_KINDS = KINDS | {"lstm_projection": ("lstm", {})}
GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
STATES = {"simple_rnn": 1, "lstm": 2, "gru": 1}

GRADIENTS = ("dx", "dkernel", "drecurrent_kernel", "dbias", "dpeephole")


def glorot_uniform(rng, rows: int, cols: int) -> np.ndarray:
    limit = np.sqrt(6.0 / (rows + cols))
    return rng.uniform(-limit, limit, (rows, cols))


def orthogonal(rng, rows: int, cols: int) -> np.ndarray:
    """Orthonormal rows (rows <= cols)."""
    q, r = np.linalg.qr(rng.standard_normal((cols, rows)))
    return (q * np.sign(np.diag(r))).T


@dataclass
class Layer:
    """A recurrent layer's weights in one dtype, with the options that belong to its cell."""

    kind: str
    kernel: np.ndarray
    recurrent_kernel: np.ndarray
    bias: np.ndarray | None
    peephole: np.ndarray | None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def cell(self) -> str:
        return ALL_KINDS[self.kind][0]

    @property
    def units(self) -> int:
        return self.kernel.shape[1] // GATES[self.cell]

    @property
    def state_sizes(self) -> list[int]:
        return [self.recurrent_kernel.shape[0], self.units][: self.states]

    @property
    def states(self) -> int:
        return STATES[self.cell]

    @property
    def weights(self) -> tuple:
        return self.kernel, self.recurrent_kernel, self.bias, self.peephole

    @property
    def option_weights(self) -> dict[str, np.ndarray]:
        """The arrays among the options, by the names of their gradients."""
        arrays = {name: value for name, value in self.options.items() if isinstance(value, np.ndarray)}
        return arrays | self.options.get("layer_norm", {})

    def astype(self, dtype) -> "Layer":
        options = {name: cast(v, dtype) for name, v in self.options.items()}
        return Layer(self.kind, *(cast(w, dtype) for w in self.weights), options)

    def random_states(self, rng, batch: int, dtype=np.float64) -> list[np.ndarray]:
        return [normal(rng, (batch, size), dtype) for size in self.state_sizes]


def normal(rng, shape, dtype=np.float64, scale: float = 1.0) -> np.ndarray:
    return (scale * rng.standard_normal(shape)).astype(dtype)


def cast(value, dtype):
    """A C-contiguous array of another dtype, from an array; likewise arrays in a list or by name; others stay."""
    if isinstance(value, list | tuple):
        return [cast(item, dtype) for item in value]
    if isinstance(value, dict):
        return {name: cast(item, dtype) for name, item in value.items()}
    if isinstance(value, float | bool):
        return value
    return None if value is None else np.ascontiguousarray(value, dtype)


def make_layer(kind: str, inputs: int, units: int, rng, *, use_bias: bool = True, dtype=np.float64) -> Layer:
    """Keras' default initialisers; biases (and peepholes) N(0, 0.3), so that a lost one shows, and gammas about 1."""
    cell, options = ALL_KINDS[kind]
    columns = GATES[cell] * units
    bias_shape = (2, columns) if options.get("reset_after") else (columns,)
    state = units
    if kind == "lstm_projection":
        state = units // 2 + 1
        options = {"projection": glorot_uniform(rng, units, state)}
    if kind.endswith("_norm"):
        sizes = {"kernel_gamma": columns, "recurrent_gamma": columns}
        if cell == "lstm":
            sizes |= {"cell_gamma": units, "cell_beta": units}
        weights = {name: normal(rng, size, scale=0.3) + (name != "cell_beta") for name, size in sizes.items()}
        options = options | {"layer_norm": weights, "layer_norm_epsilon": 0.01}
    return Layer(
        kind,
        glorot_uniform(rng, inputs, columns),
        orthogonal(rng, state, columns),
        normal(rng, bias_shape, scale=0.3) if use_bias else None,
        normal(rng, (3, units), scale=0.3) if kind == "lstm_peephole" else None,
        options,
    ).astype(dtype)


def make_noise(layer: Layer, batch: int, time: int, rng, dtype=np.float64) -> dict[str, dict[str, Any]]:
    """Options of dropout and zoneout by name, for `make_layer`'s layer; zoneout where the kernels have it."""
    inputs, gates = layer.kernel.shape[0], GATES[layer.cell]

    def factors(width):
        return ((rng.random((gates, batch, width)) < 0.7) / 0.7).astype(dtype)

    noise: dict[str, dict[str, Any]] = {}
    if "layer_norm" not in layer.options:
        noise = {
            "input dropout": {"x_factors": factors(inputs)},
            "state dropout": {"h_factors": factors(layer.state_sizes[0])},
            "both dropouts": {"x_factors": factors(inputs), "h_factors": factors(layer.state_sizes[0])},
        }
    if layer.kind.removesuffix("_norm") in ("lstm", "gru", "gru_reset_before"):
        drawn = [rng.random((batch, time, layer.units)) < 0.4 for _ in range(layer.states)]
        noise["zoneout drawn"] = {"zoneout": drawn}
        noise["zoneout expected"] = {"zoneout": [0.3, 0.15][: layer.states]}
        one = {"zoneout": [0.0, drawn[-1]] if layer.states == 2 else drawn}
        if noise.get("state dropout"):
            one["h_factors"] = factors(layer.units)
        noise["one state's zoneout, and dropout"] = one
    return noise


def make_masks(batch: int, time: int, rng) -> dict[str, np.ndarray]:
    """Masks of every pattern by name; True is real."""
    steps = np.arange(time)
    counts = rng.integers(1, time + 1, (batch, 1))
    some_rows_masked = rng.random((batch, time)) < 0.6
    some_rows_masked[:: max(2, batch // 2)] = False
    return {
        "post": steps < counts,
        "pre": steps >= time - counts,
        "gaps": rng.random((batch, time)) < 0.6,
        "first and last step": np.broadcast_to((steps > 0) & (steps < time - 1), (batch, time)).copy(),
        "some rows all masked": some_rows_masked,
        "all masked": np.zeros((batch, time), bool),
        "none masked": np.ones((batch, time), bool),
    }


def mask_of_lengths(lengths, time: int) -> np.ndarray:
    return np.arange(time) < np.asarray(lengths)[:, None]


def reference_forward(layer: Layer, x: np.ndarray, **options):
    """``reference.rnn_forward`` in float64, whatever the dtype of layer and x. ``lengths`` becomes a mask."""
    lengths = options.pop("lengths", None)
    if lengths is not None:
        options["mask"] = mask_of_lengths(lengths, x.shape[1])
    if options.get("initial_state") is not None:
        options["initial_state"] = cast(options["initial_state"], np.float64)
    for name in ("x_factors", "h_factors", "zoneout"):
        if options.get(name) is not None:
            options[name] = cast(options[name], np.float64)
    layer = layer.astype(np.float64)
    return reference.rnn_forward(layer.cell, x.astype(np.float64), *layer.weights, **layer.options, **options)
