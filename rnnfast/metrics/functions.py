"""Metrics as functions: a number per sample, but `binary_accuracy` one per element, as in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, losses
from rnnfast.metrics.accuracy import (
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from rnnfast.metrics.reduction import MeanOverSamples


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> np.ndarray:
    """Whether each element is right, whose mean is `BinaryAccuracy`.

    >>> import rnnfast
    >>> rnnfast.metrics.binary_accuracy([[1, 1]], [[0.9, 0.3]]).tolist()
    [[1.0, 0.0]]
    """
    labels, scores = BinaryAccuracy().pair(y_true, y_pred)
    return np.asarray(labels == (scores > threshold), dtype=scores.dtype)


def categorical_accuracy(y_true: Any, y_pred: Any) -> np.ndarray:
    """The values whose mean is `CategoricalAccuracy`.

    >>> import rnnfast
    >>> rnnfast.metrics.categorical_accuracy([[0, 1], [1, 0]], [[0.3, 0.7], [0.4, 0.6]]).tolist()
    [1.0, 0.0]
    """
    return _values(CategoricalAccuracy(), y_true, y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> np.ndarray:
    """The values whose mean is `SparseCategoricalAccuracy`.

    >>> import rnnfast
    >>> rnnfast.metrics.sparse_categorical_accuracy([1, 0], [[0.3, 0.7], [0.4, 0.6]]).tolist()
    [1.0, 0.0]
    """
    return _values(SparseCategoricalAccuracy(), y_true, y_pred)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> np.ndarray:
    """The values whose mean is `TopKCategoricalAccuracy`.

    >>> import rnnfast
    >>> rnnfast.metrics.top_k_categorical_accuracy([[0, 1, 0]], [[0.5, 0.4, 0.1]], k=2).tolist()
    [1.0]
    """
    return _values(TopKCategoricalAccuracy(k), y_true, y_pred)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> np.ndarray:
    """The values whose mean is `SparseTopKCategoricalAccuracy`.

    >>> import rnnfast
    >>> rnnfast.metrics.sparse_top_k_categorical_accuracy([2], [[0.5, 0.4, 0.1]], k=2).tolist()
    [0.0]
    """
    return _values(SparseTopKCategoricalAccuracy(k, from_sorted_ids=from_sorted_ids), y_true, y_pred)


def _values(metric: MeanOverSamples, y_true: Any, y_pred: Any) -> np.ndarray:
    labels = _arguments.numeric(f"{metric.name}: y_true", y_true)
    scores = losses.floating(y_pred, f"{metric.name}: y_pred")
    return np.asarray(metric.values(labels, scores), dtype=scores.dtype)
