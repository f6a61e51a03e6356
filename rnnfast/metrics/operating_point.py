"""One ratio at the threshold at which another is large enough."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments
from rnnfast.metrics.confusion import ConfusionMetric


def even_thresholds(count: int) -> np.ndarray:
    """`count` thresholds from 0 to 1; one is 0.5."""
    return np.array([0.5]) if count == 1 else np.arange(count) / (count - 1)


class _AtLeast(ConfusionMetric):
    """The largest `wanted` among the thresholds at which `given` is at least a value, 0 where there is none.

    num_thresholds: default 200, evenly from 0 to 1. class_id: look at this class alone.
    """

    direction = "up"
    given: ClassVar[str]
    wanted: ClassVar[str]

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        kind = type(self).__name__
        self.value = _arguments.number(f"{kind}: {self.given}", value)
        if not 0 <= self.value <= 1:
            raise ValueError(f"{kind}: {self.given} must lie in [0, 1], got {value!r}")
        self.num_thresholds = _arguments.whole_number(f"{kind}: num_thresholds", num_thresholds)
        self.class_id = None if class_id is None else _arguments.whole_number(f"{kind}: class_id", class_id, least=0)
        super().__init__(even_thresholds(self.num_thresholds), name, dtype)

    def result(self) -> float:
        return float(np.where(self._ratio(self.given) >= self.value, self._ratio(self.wanted), 0).max())

    def _ratio(self, name: str) -> np.ndarray:
        return getattr(self, {"sensitivity": "recall"}.get(name, name))

    def get_config(self) -> dict[str, Any]:
        options = {"num_thresholds": self.num_thresholds, "class_id": self.class_id, self.given: self.value}
        return {**super().get_config(), **options}


class SensitivityAtSpecificity(_AtLeast):
    """The best sensitivity (recall) at a threshold whose specificity is at least `specificity`.

    >>> from rnnfast.metrics import SensitivityAtSpecificity
    >>> metric = SensitivityAtSpecificity(0.9)
    >>> metric.update_state([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9])
    >>> metric.result()
    0.5
    """

    default_name = "sensitivity_at_specificity"
    given, wanted = "specificity", "sensitivity"

    def __init__(self, specificity: float, num_thresholds: int = 200, *args: Any, **options: Any) -> None:
        super().__init__(specificity, num_thresholds, *args, **options)


class SpecificityAtSensitivity(_AtLeast):
    """The best specificity at a threshold whose sensitivity (recall) is at least `sensitivity`.

    >>> from rnnfast.metrics import SpecificityAtSensitivity
    >>> metric = SpecificityAtSensitivity(0.9)
    >>> metric.update_state([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9])
    >>> metric.result()
    0.5
    """

    default_name = "specificity_at_sensitivity"
    given, wanted = "sensitivity", "specificity"

    def __init__(self, sensitivity: float, num_thresholds: int = 200, *args: Any, **options: Any) -> None:
        super().__init__(sensitivity, num_thresholds, *args, **options)


class PrecisionAtRecall(_AtLeast):
    """The best precision at a threshold whose recall is at least `recall`.

    >>> from rnnfast.metrics import PrecisionAtRecall
    >>> metric = PrecisionAtRecall(0.5)
    >>> metric.update_state([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9])
    >>> metric.result()
    1.0
    """

    default_name = "precision_at_recall"
    given, wanted = "recall", "precision"

    def __init__(self, recall: float, num_thresholds: int = 200, *args: Any, **options: Any) -> None:
        super().__init__(recall, num_thresholds, *args, **options)


class RecallAtPrecision(_AtLeast):
    """The best recall at a threshold whose precision is at least `precision`.

    >>> from rnnfast.metrics import RecallAtPrecision
    >>> metric = RecallAtPrecision(0.9)
    >>> metric.update_state([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9])
    >>> metric.result()
    0.5
    """

    default_name = "recall_at_precision"
    given, wanted = "precision", "recall"

    def __init__(self, precision: float, num_thresholds: int = 200, *args: Any, **options: Any) -> None:
        super().__init__(precision, num_thresholds, *args, **options)
