"""The area under a curve that a threshold draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _arguments, activations, losses
from rnnfast.metrics.confusion import ConfusionMetric, ratio
from rnnfast.metrics.operating_point import even_thresholds

_EPSILON = 1e-7
_HEIGHTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "interpolation": lambda a, b: (a + b) / 2,
    "minoring": np.minimum,
    "majoring": np.maximum,
}


class AUC(ConfusionMetric):
    """Area under the curve of recall over the rate of false positives ("ROC") or of precision over recall ("PR").

    num_thresholds: default 200, evenly from 0 to 1; thresholds: those between 0 and 1 instead. curve: "ROC" or "PR".
    summation_method: "interpolation" (trapezoids for ROC; for PR Davis & Goadrich 2006), "minoring" or "majoring".
    multi_label: the mean of the areas of the labels, the last axis of y_pred (samples, labels). num_labels: how many
    those are, or None. label_weights: of the labels in that mean, or else of what each label adds to the counts.
    from_logits: y_pred has not been through sigmoid.

    >>> import numpy as np
    >>> from rnnfast.metrics import AUC
    >>> round(AUC(num_thresholds=3)([0, 0, 1, 1], np.array([0, 0.5, 0.3, 0.9])), 4)
    0.75
    """

    default_name = "auc"
    direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        self.curve, self.summation_method = str(curve).upper(), str(summation_method).lower()
        if self.curve not in ("ROC", "PR"):
            raise ValueError(f"AUC: curve must be 'ROC' or 'PR', got {curve!r}")
        if self.summation_method not in _HEIGHTS:
            raise ValueError(f"AUC: summation_method must be one of {sorted(_HEIGHTS)}, got {summation_method!r}")
        if thresholds is None:
            inner = even_thresholds(_arguments.whole_number("AUC: num_thresholds", num_thresholds, least=2))[1:-1]
        else:
            inner = np.sort(_arguments.numeric("AUC: thresholds", thresholds).astype(np.float64))
            if inner.ndim != 1 or not ((inner >= 0) & (inner <= 1)).all():
                raise ValueError(f"AUC: thresholds must be numbers in [0, 1], got {thresholds!r}")
        if num_labels is not None and not multi_label:
            raise ValueError(f"AUC: num_labels={num_labels!r} is for multi_label=True only")
        self._from_thresholds = thresholds is not None
        self.num_thresholds = len(inner) + 2
        self.multi_label = self.by_label = bool(multi_label)
        self.num_labels = num_labels
        self.label_weights = (
            None if label_weights is None else _arguments.numeric("AUC: label_weights", label_weights).astype(float)
        )
        self.from_logits = bool(from_logits)
        super().__init__([-_EPSILON, *inner, 1 + _EPSILON], name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = losses.floating(y_pred, f"metric {self.name!r}: y_pred")
        labels = y_pred.shape[-1] if y_pred.ndim else 0
        expected = self.num_labels or labels
        if self.multi_label and (y_pred.ndim != 2 or labels != expected):
            raise ValueError(
                f"metric {self.name!r}: expected y_pred of shape (samples, {expected}), got {y_pred.shape}"
            )
        if self.label_weights is not None and self.label_weights.shape != (labels,):
            raise ValueError(f"metric {self.name!r}: {labels} labels, but label_weights {self.label_weights.tolist()}")
        super().update_state(y_true, activations.sigmoid(y_pred) if self.from_logits else y_pred, sample_weight)

    def weigh_labels(self, weights: np.ndarray) -> np.ndarray:
        return weights if self.multi_label or self.label_weights is None else weights * self.label_weights

    def result(self) -> float:
        if self.curve == "PR" and self.summation_method == "interpolation":
            pieces = self._interpolated_precision()
        else:
            x, y = (1 - self.specificity, self.recall) if self.curve == "ROC" else (self.recall, self.precision)
            if self.curve == "ROC":  # without negatives the rate is 0, not 1
                x = ratio(self.false_positives, self.false_positives + self.true_negatives)
            pieces = (x[:-1] - x[1:]) * _HEIGHTS[self.summation_method](y[:-1], y[1:])
        areas = pieces.sum(axis=0)
        if not self.multi_label or self.label_weights is None:
            return float(areas.mean())
        return float(ratio((areas * self.label_weights).sum(), self.label_weights.sum()))

    def _interpolated_precision(self) -> np.ndarray:
        """Area between thresholds: true positives are linear in predicted positives there, precision is not."""
        tp, p = self.true_positives, self.true_positives + self.false_positives
        d_tp, d_p = tp[:-1] - tp[1:], p[:-1] - p[1:]
        slope = ratio(d_tp, np.maximum(d_p, 0))
        intercept = tp[1:] - slope * p[1:]
        both = (p[:-1] > 0) & (p[1:] > 0)
        growth = np.log(np.divide(p[:-1], p[1:], out=np.ones_like(d_p), where=both))
        return ratio(slope * (d_tp + intercept * growth), np.maximum(tp[1:] + self.false_negatives[1:], 0))

    def get_config(self) -> dict[str, Any]:
        config = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self.from_logits,
        }
        if self._from_thresholds:
            config["thresholds"] = self.levels[1:-1].tolist()
        return {**super().get_config(), **config}
