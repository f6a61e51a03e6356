"""From what a caller gives to a `Batch` that the model and its losses can take."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.data.batch import Batch
from rnnfast.data.class_weight import weights_of_classes
from rnnfast.models.network import Network
from rnnfast.models.scores import Scores


class Reader:
    """Lays x, y and sample_weight out over a model's inputs and outputs, and checks them.

    method: whose arguments these are, for messages. scores: None reads x alone.
    """

    def __init__(self, method: str, model: Network, scores: Scores | None = None, class_weight: Any = None) -> None:
        self.method = method
        self._model = model
        self._scores = scores
        self._class_weight = class_weight

    def inputs(self, x: Any) -> list[np.ndarray]:
        """One array per input, of as many samples each."""
        if x is None:
            raise ValueError(f"{self.method}: x is missing")
        given = self._model.flatten_inputs(f"{self.method}: x", x)
        for one in given:
            if not hasattr(one, "__array__") and not isinstance(one, (list, tuple)):
                raise TypeError(f"{self.method}: x must be an array, got {type(one).__name__}")
        inputs = self._model.prepare_inputs(given)
        rows = [len(array) for array in inputs]
        if len(set(rows)) > 1:
            raise ValueError(f"{self.method}: the inputs in x must have as many samples each, got {rows}")
        return inputs

    def batch(self, x: Any, y: Any, sample_weight: Any = None) -> Batch:
        """ValueError, TypeError: something is missing, or does not fit the model or its losses."""
        inputs = self.inputs(x)
        if len(inputs[0]) == 0:
            raise ValueError(f"{self.method}: x has no samples")
        assert self._scores is not None
        names = self._model.output_names
        self._scores.bind(names)
        self._scores.need_loss(self.method)
        labels = self._labels(y, len(inputs[0]))
        batch = Batch(inputs, labels, self._weights(sample_weight, labels, len(inputs[0])))
        self._scores.check(self.method, batch, self._model.output_shapes_for([a.shape for a in inputs]))
        return batch

    def _labels(self, y: Any, rows: int) -> list[np.ndarray | None]:
        names = self._model.output_names
        if y is None:
            return [None] * len(names)
        labels: list[np.ndarray | None] = []
        for one in self._model.flatten_outputs(f"{self.method}: y", y):
            array = None if one is None else _arguments.numeric(f"{self.method}: y", one)
            if array is not None and (array.ndim == 0 or len(array) != rows):
                raise ValueError(f"{self.method}: x has {rows} samples, y has shape {array.shape}")
            labels.append(array)
        return labels

    def _weights(self, sample_weight: Any, labels: list[np.ndarray | None], rows: int) -> list[np.ndarray | None]:
        if sample_weight is None:
            if self._class_weight is None:
                return [None] * len(labels)
            if len(labels) > 1:
                raise ValueError(f"{self.method}: class_weight is for models of one output; use sample_weight")
            return [weights_of_classes(self.method, a, self._class_weight) for a in labels if a is not None]
        if self._class_weight is not None:
            raise ValueError(f"{self.method}: give either sample_weight or class_weight, got both")
        structured = isinstance(sample_weight, (list, tuple, dict)) or len(labels) == 1
        what = f"{self.method}: sample_weight"
        given = self._model.flatten_outputs(what, sample_weight) if structured else [sample_weight] * len(labels)
        return [None if one is None else self._weight(what, one, rows) for one in given]

    def _weight(self, what: str, value: Any, rows: int) -> np.ndarray:
        array = _arguments.numeric(what, value).astype(np.float64)
        if array.shape[:1] != (rows,):
            raise ValueError(f"{what} must have one entry per sample, {rows}, got shape {array.shape}")
        return array
