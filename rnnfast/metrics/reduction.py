"""Sums and means: of numbers, and of a number per sample that y_true and y_pred give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, _custom_objects, losses
from rnnfast._registry import object_name
from rnnfast.metrics.base import Metric


class Sum(Metric):
    """The sum of numbers: `update_state(values, sample_weight)`.

    >>> from rnnfast.metrics import Sum
    >>> metric = Sum()
    >>> metric.update_state([1.0, 2.0]); metric.update_state(3.0)
    >>> metric.result()
    6.0
    """

    default_name = "sum"

    def reset_state(self) -> None:
        self.total = 0.0

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        values, weights = _weighed(self, values, sample_weight)
        self.total += float(values.sum() if weights is None else (values * weights).sum())

    def result(self) -> float:
        return self.total


class Mean(Metric):
    """The mean of numbers: `update_state(values, sample_weight)`. Each sample, on the first axis, counts once: its
    other axes are averaged first. The mean of nothing is 0.

    >>> from rnnfast.metrics import Mean
    >>> metric = Mean()
    >>> metric.update_state([1.0, 2.0]); metric.update_state(6.0)
    >>> metric.result()
    3.0
    """

    default_name: ClassVar[str | None] = "mean"

    def reset_state(self) -> None:
        self.total = 0.0
        self.count = 0.0

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        self.add(*_weighed(self, values, sample_weight))

    def add(self, values: Any, weights: Any = None) -> None:
        """Add numbers, each with its weight (one where None), of the same shape."""
        values = np.asarray(values, np.float64)
        inner = values.size / len(values) if values.ndim and values.size else 1
        weighted = values if weights is None else values * weights
        self.total += float(np.add.reduce(weighted, axis=None)) / inner * self.share
        self.count += float(values.size if weights is None else np.sum(weights)) / inner * self.share

    def add_number(self, value: float, weight: float) -> None:
        """`add` of one number."""
        self.total += value * weight
        self.count += weight

    def result(self) -> float:
        return self.total / self.count if self.count else 0.0


class MeanOverSamples(Mean):
    """The mean of a number per sample (and step), weighted by `sample_weight` and over unmasked samples where there is
    a mask. A subclass defines `values(y_true, y_pred)`."""

    default_name: ClassVar[str | None] = None

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        raise TypeError(f"metric {self.name!r} does not define values(y_true, y_pred)")

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: np.ndarray | None = None
    ) -> None:
        y_pred = losses.floating(y_pred, f"metric {self.name!r}: y_pred")
        values = self.values(_arguments.numeric(f"metric {self.name!r}: y_true", y_true), y_pred)
        weights: np.ndarray | None = None
        for part, what in ((sample_weight, "sample_weight"), (mask, "mask")):
            if part is not None:
                one = losses.spread(part, values.shape, f"metric {self.name!r}: {what}")
                weights = one if weights is None else weights * one
        self.add(values, weights)

    def follow(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: np.ndarray | None) -> None:
        self.update_state(y_true, y_pred, sample_weight, mask)


class MeanMetricWrapper(MeanOverSamples):
    """The mean of `fn(y_true, y_pred, **options)`, a function that gives one number per sample.

    >>> import numpy as np
    >>> from rnnfast.metrics import MeanMetricWrapper
    >>> metric = MeanMetricWrapper(lambda y_true, y_pred: np.abs(y_true - y_pred).max(axis=-1))
    >>> metric.update_state([[0.0, 0.0], [1.0, 1.0]], [[1.0, 2.0], [1.0, 5.0]])
    >>> metric.result()
    3.0
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **options: Any) -> None:
        super().__init__(name if name is not None else object_name(fn), dtype)
        self.fn = fn
        self.options = options

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return _arguments.numeric(f"metric {self.name!r}: what it gives", self.fn(y_true, y_pred, **self.options))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fn": _custom_objects.to_config(self.fn), **self.options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MeanMetricWrapper:
        fn = config.get("fn")
        if isinstance(fn, dict):
            own = _custom_objects.find(fn)
            if own is None:
                raise ValueError(f"{cls.__name__}: fn {fn.get('config')!r} is not known; name it in custom_objects")
            fn = _custom_objects.make(own, fn)
        return cls(**{**config, "fn": fn})


def _weighed(metric: Metric, values: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray | None]:
    array = _arguments.numeric(f"metric {metric.name!r}: values", values)
    if sample_weight is None:
        return array, None
    return array, losses.spread(sample_weight, array.shape, f"metric {metric.name!r}: sample_weight")
