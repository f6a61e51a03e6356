"""F scores: precision and recall as one number per class."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.metrics.base import Metric

_EPSILON = 1e-7
_AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """`(1 + beta^2) precision recall / (beta^2 precision + recall)`; y_true and y_pred are (samples, classes).

    average: None (default), one number per class; "micro", of all together; "macro", their mean; "weighted", their mean
    weighted by how often a class occurs. threshold: above which a class is predicted, in (0, 1]; None: the largest is.

    >>> from rnnfast.metrics import FBetaScore
    >>> metric = FBetaScore(beta=2.0, threshold=0.5)
    >>> metric.update_state([[1], [1], [0]], [[0.9], [0.2], [0.7]])
    >>> metric.result().round(4)
    array([0.5])
    """

    default_name = "fbeta_score"
    direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        kind = type(self).__name__
        if average not in _AVERAGES:
            raise ValueError(f"{kind}: average must be one of {_AVERAGES}, got {average!r}")
        self.average = average
        self.beta = _arguments.number(f"{kind}: beta", beta)
        if self.beta <= 0:
            raise ValueError(f"{kind}: beta must be above 0, got {beta!r}")
        self.threshold = None if threshold is None else _arguments.number(f"{kind}: threshold", threshold)
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise ValueError(f"{kind}: threshold must be above 0 and at most 1, got {threshold!r}")
        super().__init__(name, dtype)

    def reset_state(self) -> None:
        self.true_positives: Any = 0.0
        self.false_positives: Any = 0.0
        self.false_negatives: Any = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = self.pair(y_true, y_pred)
        if y_pred.ndim != 2:
            raise ValueError(f"metric {self.name!r}: expected y_pred of shape (samples, classes), got {y_pred.shape}")
        if self.threshold is None:
            predicted = (y_pred >= y_pred.max(axis=-1, keepdims=True)) & (np.abs(y_pred) > 1e-9)
        else:
            predicted = y_pred > self.threshold
        weights: np.ndarray = np.ones(len(y_pred))
        if sample_weight is not None:
            weights = _arguments.numeric(f"metric {self.name!r}: sample_weight", sample_weight).astype(float)
            if weights.shape not in ((len(y_pred),), (len(y_pred), 1)):
                raise ValueError(f"metric {self.name!r}: expected {len(y_pred)} sample weights, got {weights.shape}")
        axis = None if self.average == "micro" else 0
        weights = weights.reshape(-1, 1)
        self.true_positives = self.true_positives + (weights * predicted * y_true).sum(axis=axis)
        self.false_positives = self.false_positives + (weights * predicted * (1 - y_true)).sum(axis=axis)
        self.false_negatives = self.false_negatives + (weights * ~predicted * y_true).sum(axis=axis)

    def result(self) -> Any:
        precision = self.true_positives / (self.true_positives + self.false_positives + _EPSILON)
        positives = self.true_positives + self.false_negatives
        recall = self.true_positives / (positives + _EPSILON)
        square = self.beta**2
        scores = (1 + square) * precision * recall / (square * precision + recall + _EPSILON)
        if self.average == "weighted":
            return float((scores * positives).sum() / (np.sum(positives) + _EPSILON))
        return scores if self.average is None else float(np.mean(scores))

    def get_config(self) -> dict[str, Any]:
        options = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **options}


class F1Score(FBetaScore):
    """`FBetaScore` with beta 1: the harmonic mean of precision and recall.

    >>> from rnnfast.metrics import F1Score
    >>> metric = F1Score(average="macro", threshold=0.5)
    >>> metric.update_state([[1], [1], [0]], [[0.9], [0.2], [0.7]])
    >>> round(metric.result(), 4)
    0.5
    """

    default_name = "f1_score"

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
