"""Every precision of inference: sequences per second, and steps per second of a stream. One thread.

Rates: asv's graphs go up where the engine got faster.
"""

from __future__ import annotations

import numpy as np

import rnnfast

from .rates import calls_per_second
from .shapes import CELLS, SIZES, make_layer, make_model

PRECISIONS = ["float32", "high", "bfloat16", "int8"]
STREAM_SIZES = ["128x1", "512x1"]  # weights that fit a second-level cache, and weights that do not in float32
_STEPS = 16  # that one run of a stream takes


def _engine(cell: str, size: str, precision: str) -> tuple[rnnfast.InferenceModel, np.ndarray]:
    """The model in that precision, and its input."""
    layer = make_layer(cell, size)
    high = precision == "high"
    rnnfast.set_float32_matmul_precision("high" if high else "highest")
    dtype = "float32" if high else precision
    return rnnfast.InferenceModel(make_model(layer), dtype=dtype, threads=1), layer.x


class Inference:
    """Whole sequences. float32 is what throughput.Forward tracks."""

    params = (CELLS, SIZES, PRECISIONS[1:])
    param_names = ("cell", "units x batch", "precision")
    unit = "sequences/s"

    def track_rnnfast(self, cell: str, size: str, precision: str) -> float:
        engine, x = _engine(cell, size, precision)
        return len(x) * calls_per_second(lambda: engine(x))


class Streaming:
    """One time step per call, Python included."""

    params = (CELLS, STREAM_SIZES, PRECISIONS)
    param_names = ("cell", "units x batch", "precision")
    unit = "steps/s"

    def track_rnnfast(self, cell: str, size: str, precision: str) -> float:
        engine, x = _engine(cell, size, precision)
        step = engine.stream(batch_size=len(x)).step
        steps = [np.ascontiguousarray(x[:, t]) for t in range(_STEPS)]

        def run() -> None:
            for one in steps:
                step(one)

        return _STEPS * calls_per_second(run)
