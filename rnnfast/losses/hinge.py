"""Losses with a margin of one: nothing to gain beyond it. Labels are -1 and 1, or, if all are 0 or 1, made so."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.losses.base import NamedLoss, mean_over_last, per_sample


class _Margin(NamedLoss):
    def match(self, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
        labels = super().match(y_true, y_pred)
        return 2 * labels - 1 if ((labels == 0) | (labels == 1)).all() else labels

    @staticmethod
    def _lack(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """What is missing to the margin."""
        return np.maximum(1 - y_true * y_pred, 0)


class Hinge(_Margin):
    """Mean over the last axis of `max(1 - y_true y_pred, 0)`.

    y_true: -1 or 1; 0 and 1 are read as these.

    >>> from rnnfast.losses import Hinge
    >>> Hinge()([[-1.0, 1.0]], [[0.5, 3.0]])  # (1.5 + 0) / 2
    0.75
    """

    default_name = "hinge"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return mean_over_last(self._lack(y_true, y_pred))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return -y_true * (self._lack(y_true, y_pred) > 0) / y_pred.dtype.type(y_pred.shape[-1])


class SquaredHinge(_Margin):
    """Mean over the last axis of `max(1 - y_true y_pred, 0)^2`.

    y_true as in `Hinge`.

    >>> from rnnfast.losses import SquaredHinge
    >>> SquaredHinge()([[-1.0, 1.0]], [[0.5, 3.0]])  # (1.5^2 + 0) / 2
    1.125
    """

    default_name = "squared_hinge"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return mean_over_last(np.square(self._lack(y_true, y_pred)))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return -2 * y_true * self._lack(y_true, y_pred) / y_pred.shape[-1]


class CategoricalHinge(NamedLoss):
    """`max(1 + neg - pos, 0)` over the last axis: pos is the sum of `y_true y_pred`, neg the largest
    `(1 - y_true) y_pred`; y_true is one-hot.

    >>> from rnnfast.losses import CategoricalHinge
    >>> CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.25]])  # 1 + 0.5 - 0.25
    1.25
    """

    default_name = "categorical_hinge"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.maximum(((1 - y_true) * y_pred).max(axis=-1) - (y_true * y_pred).sum(axis=-1) + 1, 0)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        others = (1 - y_true) * y_pred
        largest = others == others.max(axis=-1, keepdims=True)  # where several are, they share, as in Keras
        share = largest / largest.sum(axis=-1, keepdims=True, dtype=y_pred.dtype)
        return ((1 - y_true) * share - y_true) * (self.call(y_true, y_pred) > 0)[..., None]


hinge = per_sample(Hinge)
squared_hinge = per_sample(SquaredHinge)
categorical_hinge = per_sample(CategoricalHinge)
