"""From what a caller gives to a `Batch` that the model and its losses can take."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.data.batch import Batch
from rnnfast.data.class_weight import weights_of_classes
from rnnfast.data.foreign import columns_of, is_array_like, is_table, to_array
from rnnfast.models.network import Network
from rnnfast.models.scores import Scores


class InputReader:
    """Lays x out over a model's inputs, and checks it; what comes with it is left alone."""

    def __init__(self, model: Network) -> None:
        self._model = model

    def __call__(self, x: Any, y: Any = None, sample_weight: Any = None) -> Batch:
        return Batch(self._inputs(x), [], [])

    def _inputs(self, x: Any) -> list[np.ndarray]:
        """One array per input, of as many samples each."""
        if x is None:
            raise ValueError("x is missing")
        model = self._model
        if is_table(x) and len(model.input_names) > 1:
            x = columns_of(x)
        given = model.flatten_inputs("x", x)
        for one in given:
            if not is_array_like(one):
                raise TypeError(f"x must be an array, got {type(one).__name__}")
        inputs = model.prepare_inputs([to_array("x", one, column_as_matrix=True) for one in given])
        rows = [len(array) for array in inputs]
        if rows.count(rows[0]) != len(rows):
            raise ValueError(f"the inputs in x must have as many samples each, got {rows}")
        return inputs


class Reader(InputReader):
    """Lays x, y and sample_weight out over a model's inputs and outputs, and checks them.

    class_weight: class number -> weight, for the samples of data that has no weights of its own.
    """

    def __init__(self, model: Network, scores: Scores, class_weight: Any = None) -> None:
        super().__init__(model)
        self._scores = scores
        self._class_weight = class_weight

    def __call__(self, x: Any, y: Any = None, sample_weight: Any = None) -> Batch:
        """ValueError, TypeError: something is missing, or does not fit the model or its losses."""
        inputs = self._inputs(x)
        rows = len(inputs[0])
        if rows == 0:
            raise ValueError("x has no samples")
        self._scores.bind(self._model.output_names)
        labels = self._labels(y, rows)
        batch = Batch(inputs, labels, self._weights(sample_weight, labels, rows))
        self._scores.check(batch, self._model.output_shapes_for([array.shape for array in inputs]))
        return batch

    def _labels(self, y: Any, rows: int) -> list[np.ndarray | None]:
        labels: list[np.ndarray | None] = []
        for one in self._per_output("y", y):
            array = None if one is None else _arguments.numeric("y", to_array("y", one))
            if array is not None and (array.ndim == 0 or len(array) != rows):
                raise ValueError(f"x has {rows} samples, y has shape {array.shape}")
            labels.append(array)
        return labels

    def _weights(self, given: Any, labels: list[np.ndarray | None], rows: int) -> list[np.ndarray | None]:
        if self._class_weight is not None:
            if given is not None:
                raise ValueError("give either sample_weight or class_weight, got both")
            if len(labels) > 1:
                raise ValueError("class_weight is for models of one output; give sample_weight for each output")
            return [None if y is None else weights_of_classes(y, self._class_weight) for y in labels]
        if given is None or isinstance(given, (list, tuple, dict)) or len(labels) == 1:
            per_output = self._per_output("sample_weight", given)
        else:
            per_output = [given] * len(labels)  # one array for all of them
        return [None if weight is None else _weight(weight, rows) for weight in per_output]

    def _per_output(self, what: str, values: Any) -> list[Any]:
        names = self._model.output_names
        if values is None:
            return [None] * len(names)
        if is_table(values) and len(names) > 1:
            values = columns_of(values)
        with_loss = self._scores.with_loss
        if isinstance(values, (list, tuple)) and len(values) == sum(with_loss) < len(names) > 1:
            left = iter(values)  # only for the outputs that have a loss, as Keras takes them
            return [next(left) if wanted else None for wanted in with_loss]
        return self._model.flatten_outputs(what, values)


def _weight(value: Any, rows: int) -> np.ndarray:
    array = _arguments.numeric("sample_weight", to_array("sample_weight", value)).astype(np.float64)
    if array.shape[:1] != (rows,):
        raise ValueError(f"sample_weight must have one entry per sample, {rows}, got shape {array.shape}")
    return array
