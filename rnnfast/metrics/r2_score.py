"""The share of variance that predictions explain."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from rnnfast import _arguments, losses
from rnnfast.metrics.base import Metric

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """`1 - sum((y_true - y_pred)^2) / sum((y_true - mean)^2)`; y_true and y_pred are (samples, outputs).

    class_aggregation: "uniform_average" (default), the mean over the outputs; "variance_weighted_average"; None, an
    array of one score per output. num_regressors: number of independent regressors; above 0 the score is the adjusted
    one. An output whose y_true never varies scores 0.

    >>> from rnnfast.metrics import R2Score
    >>> metric = R2Score()
    >>> metric.update_state([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]])
    >>> metric.result()
    0.5
    """

    default_name = "r2_score"
    direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(f"R2Score: class_aggregation must be one of {_AGGREGATIONS}, got {class_aggregation!r}")
        self.class_aggregation = class_aggregation
        self.num_regressors = _arguments.whole_number("R2Score: num_regressors", num_regressors, least=0)
        super().__init__(name, dtype)

    def reset_state(self) -> None:
        self.num_samples = 0
        self.sum: Any = 0.0
        self.squared_sum: Any = 0.0
        self.residual: Any = 0.0
        self.count: Any = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = self.pair(y_true, y_pred)
        if y_pred.ndim != 2:
            raise ValueError(f"metric {self.name!r}: expected y_pred of shape (samples, outputs), got {y_pred.shape}")
        y_true, y_pred = y_true.astype(np.float64), y_pred.astype(np.float64)
        weights = np.ones(y_true.shape)
        if sample_weight is not None:
            weights = losses.spread(sample_weight, y_true.shape, f"metric {self.name!r}: sample_weight")
        self.sum = self.sum + (weights * y_true).sum(axis=0)
        self.squared_sum = self.squared_sum + (weights * y_true**2).sum(axis=0)
        self.residual = self.residual + (weights * (y_true - y_pred) ** 2).sum(axis=0)
        self.count = self.count + weights.sum(axis=0)
        self.num_samples += y_true.size

    def result(self) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            total = self.squared_sum - np.square(self.sum) / self.count
            scores = 1 - np.asarray(self.residual / total)
        scores = np.where(np.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = scores.mean()
        elif self.class_aggregation == "variance_weighted_average":
            scores = (total * scores).sum() / np.sum(total)
        scores = self._adjusted(scores)
        return float(scores) if scores.ndim == 0 else scores

    def _adjusted(self, scores: Any) -> np.ndarray:
        freedom = self.num_samples - 1 - self.num_regressors
        if self.num_regressors and freedom <= 0:
            message = f"R2Score: {self.num_regressors} regressors for {self.num_samples} numbers: not adjusted"
            warnings.warn(message, stacklevel=3)
        elif self.num_regressors:
            scores = 1 - (1 - scores) * (self.num_samples - 1) / freedom
        return np.asarray(scores)

    def get_config(self) -> dict[str, Any]:
        options = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **options}
