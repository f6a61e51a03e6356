"""Losses of regression: how far numbers are from where they should be, averaged over the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.losses.base import EPSILON, NamedLoss, mean_over_last, per_sample


class MeanSquaredError(NamedLoss):
    """Mean over the last axis of `(y_true - y_pred)^2`.

    >>> from rnnfast.losses import MeanSquaredError
    >>> MeanSquaredError()([[0.0, 0.0]], [[1.0, 3.0]])
    5.0
    """

    default_name = "mean_squared_error"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return mean_over_last(np.square(y_pred - y_true))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return (y_pred - y_true) * (2 / y_pred.shape[-1])


class MeanAbsoluteError(NamedLoss):
    """Mean over the last axis of `|y_true - y_pred|`.

    >>> from rnnfast.losses import MeanAbsoluteError
    >>> MeanAbsoluteError()([[0.0, 0.0]], [[1.0, -3.0]])
    2.0
    """

    default_name = "mean_absolute_error"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return mean_over_last(np.abs(y_pred - y_true))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.sign(y_pred - y_true) / y_pred.shape[-1]


class MeanAbsolutePercentageError(NamedLoss):
    """100 times the mean over the last axis of `|y_true - y_pred| / max(|y_true|, 1e-7)`.

    >>> from rnnfast.losses import MeanAbsolutePercentageError
    >>> MeanAbsolutePercentageError()([[2.0, 4.0]], [[3.0, 4.0]])
    25.0
    """

    default_name = "mean_absolute_percentage_error"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return 100 * mean_over_last(np.abs(y_pred - y_true) / self._size(y_true))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return 100 * np.sign(y_pred - y_true) / self._size(y_true) / y_pred.shape[-1]

    @staticmethod
    def _size(y_true: np.ndarray) -> np.ndarray:
        return np.maximum(np.abs(y_true), EPSILON)


class MeanSquaredLogarithmicError(NamedLoss):
    """Mean over the last axis of `(log(1 + y_pred) - log(1 + y_true))^2`, both of at least 1e-7.

    >>> from rnnfast.losses import MeanSquaredLogarithmicError
    >>> round(MeanSquaredLogarithmicError()([[0.0]], [[1.0]]), 4)  # log(2)^2
    0.4805
    """

    default_name = "mean_squared_logarithmic_error"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return mean_over_last(np.square(self._difference(y_true, y_pred)))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        slope = 2 * self._difference(y_true, y_pred) / (np.maximum(y_pred, EPSILON) + 1)
        return np.where(y_pred >= EPSILON, slope, 0) / y_pred.dtype.type(y_pred.shape[-1])

    @staticmethod
    def _difference(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.log1p(np.maximum(y_pred, EPSILON)) - np.log1p(np.maximum(y_true, EPSILON))


class Huber(NamedLoss):
    """Mean over the last axis of `e^2 / 2` where the error `|e| <= delta`, of `delta |e| - delta^2 / 2` elsewhere.

    >>> from rnnfast.losses import Huber
    >>> Huber(delta=1.0)([[0.0, 0.0]], [[1.0, 3.0]])  # (0.5 + 2.5) / 2
    1.5
    """

    default_name = "huber_loss"

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.delta = _arguments.number("Huber: delta", delta)

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        size = np.abs(y_pred - y_true)
        inside = np.minimum(size, self.delta)
        return mean_over_last(inside * (size - 0.5 * inside))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.clip(y_pred - y_true, -self.delta, self.delta) / y_pred.shape[-1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "delta": self.delta}


class LogCosh(NamedLoss):
    """Mean over the last axis of `log(cosh(y_pred - y_true))`.

    >>> from rnnfast.losses import LogCosh
    >>> round(LogCosh()([[0.0]], [[1.0]]), 4)  # log(cosh(1))
    0.4338
    """

    default_name = "log_cosh"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        size = np.abs(y_pred - y_true)
        return mean_over_last(size + np.log1p(np.exp(-2 * size)) - np.log(size.dtype.type(2)))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.tanh(y_pred - y_true) / y_pred.shape[-1]


class CosineSimilarity(NamedLoss):
    """Minus the cosine of the angle between y_true and y_pred along `axis`: -1 for the same direction.

    >>> from rnnfast.losses import CosineSimilarity
    >>> round(CosineSimilarity()([[1.0, 0.0]], [[1.0, 1.0]]), 4)  # 45 degrees
    -0.7071
    """

    default_name = "cosine_similarity"

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        if not _arguments.is_whole(axis):
            raise TypeError(f"CosineSimilarity: axis must be an integer, got {axis!r}")
        self.axis = int(axis)
        self.value_axes = (self.axis,)

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return -(self._unit(y_true)[0] * self._unit(y_pred)[0]).sum(axis=self.axis)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        target, (unit, norm) = self._unit(y_true)[0], self._unit(y_pred)
        return ((target * unit).sum(axis=self.axis, keepdims=True) * unit - target) / norm

    def _unit(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x at length one, and the length."""
        norm = np.maximum(np.sqrt(np.square(x).sum(axis=self.axis, keepdims=True)), EPSILON)
        return x / norm, norm

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


mean_squared_error = per_sample(MeanSquaredError)
mean_absolute_error = per_sample(MeanAbsoluteError)
mean_absolute_percentage_error = per_sample(MeanAbsolutePercentageError)
mean_squared_logarithmic_error = per_sample(MeanSquaredLogarithmicError)
huber = per_sample(Huber)
log_cosh = per_sample(LogCosh)
cosine_similarity = per_sample(CosineSimilarity)
