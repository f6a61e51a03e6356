"""Sequences per second of one layer, rnnfast beside the float32 NumPy reference, forward and as a training step.

One thread: for rnnfast it is set here, for NumPy's BLAS by the environment in asv.conf.json.

The unit is a rate, so more is better: asv's graphs go up where the engine got faster.
"""

from __future__ import annotations

import rnnfast
from rnnfast import reference

from .rates import calls_per_second
from .shapes import CELLS, SIZES, make_layer, make_model


class _Throughput:
    params = (CELLS, SIZES)
    param_names = ("cell", "units x batch")
    unit = "sequences/s"

    def setup(self, cell: str, size: str) -> None:
        rnnfast.set_num_threads(1)
        self.layer = make_layer(cell, size)
        self.batch = len(self.layer.x)
        self.model = make_model(self.layer)

    def reference_forward(self) -> tuple:
        layer = self.layer
        return reference.rnn_forward(layer.cell, layer.x, *layer.weights, return_sequences=True)


class Forward(_Throughput):
    """Inference over whole sequences."""

    def track_rnnfast(self, cell: str, size: str) -> float:
        engine = rnnfast.InferenceModel(self.model, threads=1)
        return self.batch * calls_per_second(lambda: engine(self.layer.x))

    def track_reference(self, cell: str, size: str) -> float:
        return self.batch * calls_per_second(self.reference_forward)


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

        return self.batch * calls_per_second(step)

    def track_reference(self, cell: str, size: str) -> float:
        def step() -> None:
            _, _, cache = self.reference_forward()
            reference.rnn_backward(cache, self.layer.dy)

        return self.batch * calls_per_second(step)
