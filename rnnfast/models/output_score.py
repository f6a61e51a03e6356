"""What `compile` fixes for one output of a model: its loss, that loss's weight, and metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import losses, metrics
from rnnfast._arguments import unwritable
from rnnfast.losses import Slope

_ZERO = bytes(np.dtype(np.float32).itemsize)


class OutputScore:
    """loss: None if this output has none; weight: None for one. plain and weighted: metrics that do not and that do see
    sample weights, as `compile` takes them; "accuracy" is resolved at the first batch, by the shapes, as in Keras."""

    def __init__(self, loss: losses.Loss | None, weight: float | None, plain: list[Any], weighted: list[Any]) -> None:
        self.loss = loss
        self.weight = 1.0 if weight is None else float(weight)
        self.mean_loss = metrics.Mean("loss")
        self.metrics: list[tuple[metrics.Metric, bool]] = []  # with whether they see weights; once resolved
        self._wanted = [(m, False) for m in plain] + [(m, True) for m in weighted]

    @property
    def needs_y(self) -> bool:
        return self.loss is not None or bool(self._wanted)

    def check(self, y: np.ndarray, output_shape: tuple[int, ...]) -> None:
        """ValueError if labels do not fit predictions of this shape."""
        if self.loss is not None:  # only shape and dtype of the predictions matter here: they are one number throughout
            self.loss.prepared(y, np.ndarray(output_shape, np.float32, _ZERO, strides=(0,) * len(output_shape)))
        self._resolve(y.shape, output_shape)

    def _resolve(self, y_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        if len(self.metrics) != len(self._wanted):
            self.metrics = [
                (
                    metrics.choose_accuracy(wanted, y_shape, output_shape)
                    if metrics.is_plain_accuracy(wanted)
                    else metrics.get(wanted),
                    weighted,
                )
                for wanted, weighted in self._wanted
            ]

    def value(self, y: Any, y_pred: np.ndarray, sample_weight: Any, mask: Any) -> float:
        if self.loss is None:
            return 0.0
        value = self.loss(y, y_pred, sample_weight, mask)
        return value if isinstance(value, float) else float(np.mean(value))

    def slope(self, y: Any, y_pred: np.ndarray, sample_weight: Any, mask: Any, activation: str | None) -> Slope:
        """The loss, and its derivative times the weight of this output's loss; see `Loss.slope`."""
        loss = self.loss
        if loss is None:
            return Slope(0.0, None, False)
        slope = loss.slope(y, y_pred, sample_weight, mask, activation)
        if slope.gradient is None or self.weight == 1.0:
            return slope
        return slope._replace(gradient=slope.gradient * self.weight)

    def update(self, y: Any, y_pred: np.ndarray, sample_weight: Any, mask: Any, value: float, share: float) -> None:
        """Add a batch whose loss is `value`, and which holds a `share` of each of its samples."""
        self.mean_loss.add_number(value, len(y_pred) * share)
        if self._wanted:
            self._resolve(y.shape, y_pred.shape)
            y, y_pred = unwritable(y), unwritable(y_pred)  # the step backwards needs what they hold
        for metric, weighted in self.metrics:
            metric.share = share
            metric.follow(y, y_pred, sample_weight if weighted else None, mask)

    def reset(self) -> None:
        self.mean_loss.reset_state()
        for metric, _ in self.metrics:
            metric.reset_state()
