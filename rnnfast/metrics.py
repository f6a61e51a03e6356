"""Metrics: means over all samples seen since `reset_state`, with Keras 3's names and formulas.

>>> import rnnfast
>>> accuracy = rnnfast.metrics.BinaryAccuracy()
>>> accuracy.update_state([[1], [0]], [[0.9], [0.8]]); accuracy.result()
0.5
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, losses
from rnnfast._registry import Registry


class Metric:
    """Base class: a subclass defines `values(y_true, y_pred)`, one number per sample (and step); the metric is their
    mean, weighted by `sample_weight` and over unmasked samples where there is a mask."""

    default_name: ClassVar[str] = "metric"

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = self.default_name if name is None else name
        self.reset_state()

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        raise TypeError(f"metric {self.name!r} does not define values(y_true, y_pred)")

    def reset_state(self) -> None:
        self.total = 0.0
        self.count = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: np.ndarray | None = None) -> None:
        y_pred = losses.floating(y_pred, f"metric {self.name!r}: y_pred")
        values = self.values(_arguments.numeric(f"metric {self.name!r}: y_true", y_true), y_pred)
        weights: np.ndarray | None = None
        for part, what in ((sample_weight, "sample_weight"), (mask, "mask")):
            if part is not None:
                one = losses.spread(part, values.shape, f"metric {self.name!r}: {what}")
                weights = one if weights is None else weights * one
        self.add(values, weights)

    def add(self, values: Any, weights: Any = None) -> None:
        """Add numbers to the mean, each with its weight (one where None)."""
        values = np.asarray(values, np.float64)
        self.total += float(values.sum() if weights is None else (values * weights).sum())
        self.count += float(values.size if weights is None else np.sum(weights))

    def result(self) -> float:
        return self.total / self.count if self.count else 0.0

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": "float32"}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        return cls(**config)


class Mean(Metric):
    """The mean of numbers: `update_state(values, sample_weight)`."""

    default_name = "mean"

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        self.add(values, sample_weight)


class Accuracy(Metric):
    """Share of elements of y_pred that equal y_true."""

    default_name = "accuracy"

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return (_same_shape(self, y_true, y_pred) == y_pred).mean(axis=-1)


class BinaryAccuracy(Metric):
    """Share of elements where `y_pred > threshold` says what y_true (0 or 1) says."""

    default_name = "binary_accuracy"

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name)
        self.threshold = _arguments.number(f"{type(self).__name__}: threshold", threshold)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return (_same_shape(self, y_true, y_pred) == (y_pred > self.threshold)).mean(axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}


class CategoricalAccuracy(Metric):
    """Share of samples whose largest y_pred is where y_true (one-hot) is largest."""

    default_name = "categorical_accuracy"

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return _same_shape(self, y_true, y_pred).argmax(axis=-1) == y_pred.argmax(axis=-1)


class SparseCategoricalAccuracy(Metric):
    """Share of samples whose largest y_pred is at the class number y_true."""

    default_name = "sparse_categorical_accuracy"

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if y_true.shape == (*y_pred.shape[:-1], 1):
            y_true = y_true[..., 0]
        if y_true.shape != y_pred.shape[:-1]:
            raise ValueError(f"metric {self.name!r}: expected y_true of shape {y_pred.shape[:-1]}, got {y_true.shape}")
        return y_true == y_pred.argmax(axis=-1)


class _LossMetric(Metric):
    """The values of a loss."""

    loss: ClassVar[type[losses.Loss]]

    def __init__(self, name: str | None = None, dtype: Any = None, **options: Any) -> None:
        self.default_name = self.loss.default_name  # type: ignore[misc]
        super().__init__(name)
        self._loss = self.loss(**options)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return self._loss.call(self._loss.match(y_true, y_pred), y_pred)

    def get_config(self) -> dict[str, Any]:
        options = {k: v for k, v in self._loss.get_config().items() if k not in ("name", "reduction")}
        return {**super().get_config(), **options}


class MeanSquaredError(_LossMetric):
    """See `losses.MeanSquaredError`."""

    loss = losses.MeanSquaredError


class MeanAbsoluteError(_LossMetric):
    """See `losses.MeanAbsoluteError`."""

    loss = losses.MeanAbsoluteError


class BinaryCrossentropy(_LossMetric):
    """See `losses.BinaryCrossentropy`."""

    loss = losses.BinaryCrossentropy


class CategoricalCrossentropy(_LossMetric):
    """See `losses.CategoricalCrossentropy`."""

    loss = losses.CategoricalCrossentropy


class SparseCategoricalCrossentropy(_LossMetric):
    """See `losses.SparseCategoricalCrossentropy`."""

    loss = losses.SparseCategoricalCrossentropy


class MeanMetricWrapper(Metric):
    """The mean of `fn(y_true, y_pred)`, a function that gives one number per sample."""

    def __init__(self, fn: Callable[[Any, Any], Any], name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name if name is not None else getattr(fn, "__name__", "metric"))
        self.fn = fn

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.asarray(self.fn(y_true, y_pred))


def _same_shape(metric: Metric, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    if y_true.shape != y_pred.shape:
        if y_true.shape not in (y_pred.shape[:-1], (*y_pred.shape, 1)) or y_true.size != y_pred.size:
            raise ValueError(f"metric {metric.name!r}: expected y_true of shape {y_pred.shape}, got {y_true.shape}")
        y_true = y_true.reshape(y_pred.shape)
    return y_true


_registry: Registry[Metric] = Registry("metric", Metric, "keras.metrics")
_registry.add(Accuracy)
_registry.add(BinaryAccuracy)
_registry.add(CategoricalAccuracy)
_registry.add(SparseCategoricalAccuracy)
_registry.add(MeanSquaredError, "mse", "MSE", function=losses.mean_squared_error)
_registry.add(MeanAbsoluteError, "mae", "MAE", function=losses.mean_absolute_error)
_registry.add(BinaryCrossentropy, "bce", "BCE", function=losses.binary_crossentropy)
_registry.add(CategoricalCrossentropy, function=losses.categorical_crossentropy)
_registry.add(SparseCategoricalCrossentropy, function=losses.sparse_categorical_crossentropy)

_PLAIN_ACCURACY = ("accuracy", "acc")

serialize = _registry.serialize


def get(identifier: Any) -> Metric:
    """A metric from a name, class, instance, function of (y_true, y_pred) or serialised dictionary.

    A metric given by name goes by that name in logs, as in Keras. "accuracy" is an element-wise `Accuracy` here; in
    `compile` it is chosen by the shapes, see `choose_accuracy`.
    """
    if isinstance(identifier, str):
        name = "accuracy" if identifier == "acc" else identifier
        metric = _registry.lookup(name)()
        metric.name = identifier
        return metric
    if callable(identifier) and not isinstance(identifier, (type, Metric)) and not _registry.knows(identifier):
        return MeanMetricWrapper(identifier)
    return _registry.get(identifier)


def is_plain_accuracy(identifier: Any) -> bool:
    return isinstance(identifier, str) and identifier.lower() in _PLAIN_ACCURACY


def choose_accuracy(name: str, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> Metric:
    """The accuracy that Keras means by "accuracy": by the shapes of labels and predictions."""
    if y_pred_shape[-1] == 1:
        return BinaryAccuracy(name=name)
    if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
        return SparseCategoricalAccuracy(name=name)
    return CategoricalAccuracy(name=name)
