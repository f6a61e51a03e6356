"""Sequences per second of one layer, rnnfast beside the float32 NumPy reference, forward and as a training step.

One thread: for rnnfast it is set here, for NumPy's BLAS by the environment in asv.conf.json.

The unit is a rate, so more is better: asv's graphs go up where the engine got faster.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import rnnfast
from rnnfast import reference

from .shapes import CELLS, SIZES, make_layer

_SECONDS = 0.3  # measuring time of one figure
_LEAST_RUNS = 3
_LAYERS = {
    "simple_rnn": rnnfast.layers.SimpleRNN,
    "lstm": rnnfast.layers.LSTM,
    "gru": rnnfast.layers.GRU,
}


def _sequences_per_second(run: Callable[[], object], batch: int) -> float:
    """From the quickest of the runs that fit into _SECONDS, after one to warm up."""
    run()
    times: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(times) < _LEAST_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return batch / min(times)


class _Throughput:
    params = (CELLS, SIZES)
    param_names = ("cell", "units x batch")
    unit = "sequences/s"

    def setup(self, cell: str, size: str) -> None:
        rnnfast.set_num_threads(1)
        self.layer = make_layer(cell, size)
        batch, steps, units = self.layer.x.shape
        self.batch = batch
        self.model = rnnfast.Sequential(
            [rnnfast.layers.Input((steps, units)), _LAYERS[cell](units, return_sequences=True)]
        )
        self.model.set_weights(self.layer.weights)

    def reference_forward(self) -> tuple:
        layer = self.layer
        return reference.rnn_forward(layer.cell, layer.x, *layer.weights, return_sequences=True)


class Forward(_Throughput):
    """Inference over whole sequences."""

    def track_rnnfast(self, cell: str, size: str) -> float:
        engine = rnnfast.InferenceModel(self.model, threads=1)
        return _sequences_per_second(lambda: engine(self.layer.x), self.batch)

    def track_reference(self, cell: str, size: str) -> float:
        return _sequences_per_second(self.reference_forward, self.batch)


class TrainingStep(_Throughput):
    """Forward and backward; gradients of the weights and of the input. rnnfast's weights are updated each time."""

    def track_rnnfast(self, cell: str, size: str) -> float:
        layer = self.model.layers[-1]
        optimizer = rnnfast.optimizers.SGD(1e-8)

        def step() -> None:
            for variable in layer.trainable_weights:
                variable.grad = None
            _, tape = layer.forward(self.layer.x, training=True)
            layer.backward(self.layer.dy, tape)
            optimizer.apply(layer.trainable_weights)

        return _sequences_per_second(step, self.batch)

    def track_reference(self, cell: str, size: str) -> float:
        def step() -> None:
            _, _, cache = self.reference_forward()
            reference.rnn_backward(cache, self.layer.dy)

        return _sequences_per_second(step, self.batch)
