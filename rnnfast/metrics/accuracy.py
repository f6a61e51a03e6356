"""Accuracies: the share of samples that are predicted right."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.losses.base import mean_over_last
from rnnfast.metrics.base import Metric
from rnnfast.metrics.reduction import MeanOverSamples


class Accuracy(MeanOverSamples):
    """Share of elements of y_pred that equal y_true.

    >>> from rnnfast.metrics import Accuracy
    >>> metric = Accuracy()
    >>> metric.update_state([1, 2, 3, 4], [1, 2, 0, 4])
    >>> metric.result()
    0.75
    """

    default_name = "accuracy"
    direction = "up"

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return _per_sample(self.pair(y_true, y_pred)[0] == y_pred)


class BinaryAccuracy(MeanOverSamples):
    """Share of elements where `y_pred > threshold` says what y_true (0 or 1) says.

    >>> from rnnfast.metrics import BinaryAccuracy
    >>> metric = BinaryAccuracy()
    >>> metric.update_state([1, 1, 0, 0], [0.9, 0.3, 0.6, 0.2])
    >>> metric.result()
    0.5
    """

    default_name = "binary_accuracy"
    direction = "up"

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        self.threshold = _arguments.number(f"{type(self).__name__}: threshold", threshold)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return _per_sample(self.pair(y_true, y_pred)[0] == (y_pred > self.threshold))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}


class CategoricalAccuracy(MeanOverSamples):
    """Share of samples whose largest y_pred is where y_true (one-hot) is largest.

    >>> from rnnfast.metrics import CategoricalAccuracy
    >>> metric = CategoricalAccuracy()
    >>> metric.update_state([[0, 1], [1, 0]], [[0.3, 0.7], [0.4, 0.6]])
    >>> metric.result()
    0.5
    """

    default_name = "categorical_accuracy"
    direction = "up"

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return self.pair(y_true, y_pred)[0].argmax(axis=-1) == y_pred.argmax(axis=-1)


class SparseCategoricalAccuracy(MeanOverSamples):
    """Share of samples whose largest y_pred is at the class number y_true.

    >>> from rnnfast.metrics import SparseCategoricalAccuracy
    >>> metric = SparseCategoricalAccuracy()
    >>> metric.update_state([1, 0], [[0.3, 0.7], [0.4, 0.6]])
    >>> metric.result()
    0.5
    """

    default_name = "sparse_categorical_accuracy"
    direction = "up"

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return class_numbers(self, y_true, y_pred) == y_pred.argmax(axis=-1)


class _TopK(MeanOverSamples):
    direction = "up"

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.k = _arguments.whole_number(f"{type(self).__name__}: k", k)

    def _among_the_largest(self, labels: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Whether fewer than k elements of y_pred are larger than the one of the label, which is finite."""
        with np.errstate(invalid="ignore"):
            index = np.nan_to_num(labels, nan=-1.0).astype(np.int64)
        known = (index >= 0) & (index < y_pred.shape[-1])
        own = np.take_along_axis(y_pred, np.where(known, index, 0)[..., None], axis=-1)
        return known & np.isfinite(own[..., 0]) & ((y_pred > own).sum(axis=-1) < self.k)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k}


class TopKCategoricalAccuracy(_TopK):
    """Share of samples whose class, the largest of y_true (one-hot), is among the k largest y_pred.

    >>> from rnnfast.metrics import TopKCategoricalAccuracy
    >>> metric = TopKCategoricalAccuracy(k=2)
    >>> metric.update_state([[0, 1, 0], [0, 0, 1]], [[0.5, 0.4, 0.1], [0.5, 0.4, 0.1]])
    >>> metric.result()
    0.5
    """

    default_name = "top_k_categorical_accuracy"

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return self._among_the_largest(self.pair(y_true, y_pred)[0].argmax(axis=-1), y_pred)


class SparseTopKCategoricalAccuracy(_TopK):
    """Share of samples whose class number y_true is among the k largest y_pred.

    from_sorted_ids: y_pred holds class numbers, the best first, instead of scores.

    >>> from rnnfast.metrics import SparseTopKCategoricalAccuracy
    >>> metric = SparseTopKCategoricalAccuracy(k=2)
    >>> metric.update_state([1, 2], [[0.5, 0.4, 0.1], [0.5, 0.4, 0.1]])
    >>> metric.result()
    0.5
    """

    default_name = "sparse_top_k_categorical_accuracy"

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None, from_sorted_ids: bool = False) -> None:
        super().__init__(k, name, dtype)
        self.from_sorted_ids = bool(from_sorted_ids)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        labels = class_numbers(self, y_true, y_pred)
        if self.from_sorted_ids:
            return (labels[..., None] == y_pred[..., : self.k]).any(axis=-1)
        return self._among_the_largest(labels, y_pred)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **({"from_sorted_ids": True} if self.from_sorted_ids else {})}


def class_numbers(metric: Metric, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """y_true in the shape of y_pred without its last axis. ValueError: it is none of class numbers."""
    if y_true.shape == (*y_pred.shape[:-1], 1):
        y_true = y_true[..., 0]
    if y_true.shape != y_pred.shape[:-1]:
        raise ValueError(f"metric {metric.name!r}: expected y_true of shape {y_pred.shape[:-1]}, got {y_true.shape}")
    return y_true


def _per_sample(right: np.ndarray) -> np.ndarray:
    return mean_over_last(right) if right.ndim > 1 else right


_PLAIN = ("accuracy", "acc")


def is_plain_accuracy(identifier: Any) -> bool:
    """Whether this is the "accuracy" that the shapes of labels and predictions make one of the others."""
    return isinstance(identifier, str) and identifier.lower() in _PLAIN


def choose_accuracy(name: str, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> Metric:
    """The accuracy that Keras means by "accuracy": by the shapes of labels and predictions."""
    if y_pred_shape[-1] == 1:
        return BinaryAccuracy(name=name)
    if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
        return SparseCategoricalAccuracy(name=name)
    return CategoricalAccuracy(name=name)
