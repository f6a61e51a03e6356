"""Peak memory of a process that runs one wide layer."""

from __future__ import annotations

import rnnfast

from .shapes import make_layer, make_model

_SIZE = "256x64"


class PeakMemory:
    def setup(self) -> None:
        self.layer = make_layer("lstm", _SIZE)
        self.model = make_model(self.layer)

    def peakmem_import(self) -> None:
        """The floor: the packages, the weights and the data."""

    def peakmem_inference(self) -> None:
        rnnfast.InferenceModel(self.model, threads=1)(self.layer.x)

    def peakmem_training_step(self) -> None:
        layer = self.model.layers[-1]
        _, tape = layer.forward(self.layer.x, training=True)
        layer.backward(self.layer.dy, tape)
