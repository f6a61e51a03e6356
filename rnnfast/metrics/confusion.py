"""What a threshold makes of predictions: true and false positives and negatives, and ratios of them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, losses
from rnnfast.metrics.base import Metric

_BELOW_ALL = -1e10


class ConfusionMetric(Metric):
    """Base class: counts, at each threshold, the weights of `true_positives`, `false_positives`, `true_negatives` and
    `false_negatives`. y_true: positive where it is not zero; a prediction is positive above the threshold.

    top_k: only the k largest predictions of a sample can be positive. class_id: look at this element of the last axis
    alone. by_label: count for each element of the last axis of its own, arrays (thresholds, labels).
    """

    top_k: int | None = None
    class_id: int | None = None
    by_label = False

    def __init__(self, thresholds: Any, name: str | None, dtype: Any = None) -> None:
        self.levels = np.asarray(thresholds, np.float64)
        super().__init__(name, dtype)

    def reset_state(self) -> None:
        zero = np.zeros((len(self.levels), 1) if self.by_label else len(self.levels))
        self.true_positives, self.false_positives = zero, zero
        self.true_negatives, self.false_negatives = zero, zero

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        positive, y_pred = self.pair(y_true, y_pred)
        positive = positive != 0
        weights = np.ones(y_pred.shape)
        if sample_weight is not None:
            weights = losses.spread(sample_weight, y_pred.shape, f"metric {self.name!r}: sample_weight")
        weights = self.weigh_labels(weights)
        if self.top_k is not None:
            y_pred = _largest_alone(y_pred, self.top_k)
        if self.class_id is not None:
            if y_pred.ndim < 2 or not 0 <= self.class_id < y_pred.shape[-1]:
                raise ValueError(
                    f"metric {self.name!r}: class_id={self.class_id} needs y_pred of shape (samples, classes), with "
                    f"more than {self.class_id} of them, got {y_pred.shape}"
                )
            positive, y_pred, weights = (a[..., self.class_id] for a in (positive, y_pred, weights))
        above, rising = self._thresholds_below(y_pred)
        found = self._totals(above, weights * positive), self._totals(above, weights * ~positive)
        (tp, positives), (fp, negatives) = ((_from(totals)[rising], totals.sum(axis=0)) for totals in found)
        self.true_positives = self.true_positives + tp
        self.false_positives = self.false_positives + fp
        self.false_negatives = self.false_negatives + (positives - tp)
        self.true_negatives = self.true_negatives + (negatives - fp)

    def weigh_labels(self, weights: np.ndarray) -> np.ndarray:
        """The weights, times those of labels where there are some."""
        return weights

    def _thresholds_below(self, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many thresholds each prediction exceeds, and the place of each threshold among the sorted ones."""
        order = np.argsort(self.levels, kind="stable")
        levels = self.levels[order].astype(y_pred.dtype)
        return np.searchsorted(levels, y_pred, side="left"), np.argsort(order, kind="stable")

    def _totals(self, above: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Sums of weights by the number of thresholds exceeded, (thresholds + 1,) or (thresholds + 1, labels)."""
        count = len(self.levels) + 1
        if not self.by_label:
            return np.bincount(above.ravel(), weights.ravel(), count)
        columns = [np.bincount(above[:, i], weights[:, i], count) for i in range(above.shape[1])]
        return np.stack(columns, axis=1)

    @property
    def recall(self) -> np.ndarray:
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def precision(self) -> np.ndarray:
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def specificity(self) -> np.ndarray:
        return ratio(self.true_negatives, self.true_negatives + self.false_positives)


class _AtThresholds(ConfusionMetric):
    """One number per threshold, or a number if there is one. thresholds: in [0, 1], default 0.5."""

    def __init__(
        self, thresholds: Any = None, name: str | None = None, dtype: Any = None, default: float = 0.5
    ) -> None:
        self.thresholds = default if thresholds is None else thresholds
        if thresholds is not None:
            for level in np.ravel(_arguments.numeric(f"{type(self).__name__}: thresholds", thresholds)):
                if not 0 <= level <= 1:
                    raise ValueError(f"{type(self).__name__}: thresholds must lie in [0, 1], got {level}")
        self._given = thresholds
        super().__init__(np.ravel(self.thresholds), name, dtype)

    def numbers(self) -> np.ndarray:
        raise TypeError(f"metric {self.name!r} does not define numbers()")

    def result(self) -> Any:
        numbers = self.numbers()
        return float(numbers[0]) if len(numbers) == 1 else numbers.copy()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self._given}


class _Count(_AtThresholds):
    counted: ClassVar[str]

    def numbers(self) -> np.ndarray:
        return getattr(self, self.counted)


class TruePositives(_Count):
    """Number, or weight, of what is positive and predicted so. thresholds: one or more in [0, 1], default 0.5.

    >>> from rnnfast.metrics import TruePositives
    >>> metric = TruePositives()
    >>> metric.update_state([1, 1, 0, 0], [0.9, 0.3, 0.6, 0.2])
    >>> metric.result()
    1.0
    """

    default_name = counted = "true_positives"


class FalsePositives(_Count):
    """Number, or weight, of what is negative and predicted positive; thresholds as in `TruePositives`.

    >>> from rnnfast.metrics import FalsePositives
    >>> metric = FalsePositives()
    >>> metric.update_state([1, 1, 0, 0], [0.9, 0.3, 0.6, 0.2])
    >>> metric.result()
    1.0
    """

    default_name = counted = "false_positives"


class TrueNegatives(_Count):
    """Number, or weight, of what is negative and predicted so; thresholds as in `TruePositives`.

    >>> from rnnfast.metrics import TrueNegatives
    >>> metric = TrueNegatives()
    >>> metric.update_state([1, 1, 0, 0], [0.9, 0.3, 0.6, 0.2])
    >>> metric.result()
    1.0
    """

    default_name = counted = "true_negatives"


class FalseNegatives(_Count):
    """Number, or weight, of what is positive and predicted negative; thresholds as in `TruePositives`.

    >>> from rnnfast.metrics import FalseNegatives
    >>> metric = FalseNegatives()
    >>> metric.update_state([1, 1, 0, 0], [0.9, 0.3, 0.6, 0.2])
    >>> metric.result()
    1.0
    """

    default_name = counted = "false_negatives"


class _Ratio(_AtThresholds):
    direction = "up"

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        kind = type(self).__name__
        self.top_k = None if top_k is None else _arguments.whole_number(f"{kind}: top_k", top_k)
        self.class_id = None if class_id is None else _arguments.whole_number(f"{kind}: class_id", class_id, least=0)
        super().__init__(thresholds, name, dtype, 0.5 if top_k is None else _BELOW_ALL)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "top_k": self.top_k, "class_id": self.class_id}


class Precision(_Ratio):
    """Share of what is predicted positive that is positive; 0 where nothing is.

    thresholds: one or more in [0, 1], default 0.5, or, with top_k, none. top_k: only the k largest predictions of a
    sample count as positive. class_id: look at this class alone.

    >>> from rnnfast.metrics import Precision
    >>> metric = Precision()
    >>> metric.update_state([1, 1, 0, 0], [0.9, 0.3, 0.6, 0.2])
    >>> metric.result()
    0.5
    """

    default_name = "precision"

    def numbers(self) -> np.ndarray:
        return self.precision


class Recall(_Ratio):
    """Share of what is positive that is predicted so; 0 where nothing is. Arguments as in `Precision`.

    >>> from rnnfast.metrics import Recall
    >>> metric = Recall(thresholds=0.75)
    >>> metric.update_state([1, 1, 1, 0], [0.9, 0.8, 0.7, 0.6])
    >>> round(metric.result(), 4)
    0.6667
    """

    default_name = "recall"

    def numbers(self) -> np.ndarray:
        return self.recall


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where whole is."""
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole != 0)


def _from(totals: np.ndarray) -> np.ndarray:
    """At each threshold, rising: the sum over predictions that exceed it."""
    return totals[:0:-1].cumsum(axis=0)[::-1]


def _largest_alone(y_pred: np.ndarray, k: int) -> np.ndarray:
    """y_pred with all but the k largest of the last axis, the first ones where equal, below every threshold."""
    kept = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    low = np.full_like(y_pred, _BELOW_ALL)
    np.put_along_axis(low, kept, np.take_along_axis(y_pred, kept, axis=-1), axis=-1)
    return low
