"""Losses, followed as metrics."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import losses
from rnnfast.metrics.base import Metric
from rnnfast.metrics.reduction import MeanOverSamples


class LossMetric(MeanOverSamples):
    """The mean of a loss; options are those of the loss."""

    direction = "down"
    loss: ClassVar[type[losses.Loss]]

    def __init__(self, name: str | None = None, dtype: Any = None, **options: Any) -> None:
        super().__init__(name or self.default_name or self.loss.default_name, dtype)
        self._loss = self.loss(**options)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return self._loss.call(*self._loss.prepared(y_true, y_pred))

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: np.ndarray | None = None
    ) -> None:
        shape = np.shape(y_pred)
        self._loss.check_weights(f"metric {self.name!r}", shape, sample_weight=sample_weight, mask=mask)
        super().update_state(y_true, y_pred, sample_weight, mask)

    def get_config(self) -> dict[str, Any]:
        options = {k: v for k, v in self._loss.get_config().items() if k not in ("name", "reduction")}
        return {**super().get_config(), **options}


class MeanSquaredError(LossMetric):
    """See `losses.MeanSquaredError`."""

    loss = losses.MeanSquaredError


class RootMeanSquaredError(MeanSquaredError):
    """The square root of the mean of `(y_true - y_pred)^2`.

    >>> from rnnfast.metrics import RootMeanSquaredError
    >>> metric = RootMeanSquaredError()
    >>> metric.update_state([0.0, 0.0], [3.0, 3.0])
    >>> metric.result()
    3.0
    """

    default_name = "root_mean_squared_error"
    follow = Metric.follow  # with masked steps, as Keras has it

    def result(self) -> float:
        return float(np.sqrt(super().result()))


class MeanAbsoluteError(LossMetric):
    """See `losses.MeanAbsoluteError`."""

    loss = losses.MeanAbsoluteError


class MeanAbsolutePercentageError(LossMetric):
    """See `losses.MeanAbsolutePercentageError`."""

    loss = losses.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(LossMetric):
    """See `losses.MeanSquaredLogarithmicError`."""

    loss = losses.MeanSquaredLogarithmicError


class LogCoshError(LossMetric):
    """See `losses.LogCosh`."""

    default_name = "logcosh"
    loss = losses.LogCosh


class CosineSimilarity(LossMetric):
    """The cosine of the angle between y_true and y_pred: 1 for the same direction. axis: default -1.

    >>> from rnnfast.metrics import CosineSimilarity
    >>> metric = CosineSimilarity()
    >>> metric.update_state([[1.0, 0.0]], [[1.0, 1.0]])
    >>> round(metric.result(), 4)
    0.7071
    """

    direction = "up"
    loss = losses.CosineSimilarity

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return -super().values(y_true, y_pred)


class Hinge(LossMetric):
    """See `losses.Hinge`."""

    loss = losses.Hinge


class SquaredHinge(LossMetric):
    """See `losses.SquaredHinge`."""

    loss = losses.SquaredHinge


class CategoricalHinge(LossMetric):
    """See `losses.CategoricalHinge`."""

    loss = losses.CategoricalHinge


class KLDivergence(LossMetric):
    """See `losses.KLDivergence`."""

    loss = losses.KLDivergence


class Poisson(LossMetric):
    """See `losses.Poisson`."""

    loss = losses.Poisson


class BinaryCrossentropy(LossMetric):
    """See `losses.BinaryCrossentropy`: from_logits, label_smoothing."""

    loss = losses.BinaryCrossentropy

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["axis"]  # Keras' metric does not know it
        return config


class CategoricalCrossentropy(LossMetric):
    """See `losses.CategoricalCrossentropy`: from_logits, label_smoothing, axis."""

    loss = losses.CategoricalCrossentropy


class SparseCategoricalCrossentropy(LossMetric):
    """See `losses.SparseCategoricalCrossentropy`: from_logits, ignore_class, axis. Samples of the class that is ignored
    are left out where there are weights or a mask, and count as 0 where there are not, as in Keras."""

    loss = losses.SparseCategoricalCrossentropy
    _loss: losses.SparseCategoricalCrossentropy

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        labels, y_pred = self._loss.prepared(y_true, y_pred)
        self._counted = self._loss.counted(labels)
        return self._loss.call(labels, y_pred)

    def add(self, values: Any, weights: Any = None) -> None:
        super().add(values, None if weights is None else weights * self._counted)
