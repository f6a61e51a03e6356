"""What `compile` fixes for one output of a model: its loss, that loss's weight, and metrics."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from rnnfast import losses, metrics


class Slope(NamedTuple):
    """A loss at one output: its value, and its derivative by the output, or by what went into the output's activation
    (`at_logits`)."""

    value: float
    gradient: np.ndarray | None
    at_logits: bool


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
        if self.loss is not None:  # only shape and dtype of the predictions matter here
            self.loss.match(y, np.broadcast_to(np.float32(0), output_shape))
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
        return 0.0 if self.loss is None else self.loss(y, y_pred, sample_weight, mask)

    def slope(self, y: Any, y_pred: np.ndarray, sample_weight: Any, mask: Any, activation: str | None) -> Slope:
        """The loss and its weighted derivative; no derivative where the value is not finite.

        activation: the output's. Softmax or sigmoid and its cross-entropy are differentiated at once: p - y, exact
        where either alone would lose digits.
        """
        loss = self.loss
        if loss is None:
            return Slope(0.0, None, False)
        y_true = loss.match(y, y_pred)
        values = loss.call(y_true, y_pred)
        weights = loss.weights(values.shape, sample_weight, mask)
        value = loss.reduce(values, weights)
        if not math.isfinite(value):
            return Slope(value, None, False)
        at_logits = (
            loss.logits_activation is not None
            and not getattr(loss, "from_logits", False)
            and activation == loss.logits_activation
        )
        gradient = (loss.logit_gradient if at_logits else loss.gradient)(y_true, y_pred)
        share = self.weight / values.size
        gradient = gradient * (share if weights is None else weights[..., None] * share)
        return Slope(value, gradient.astype(y_pred.dtype, copy=False), at_logits)

    def update(self, y: Any, y_pred: np.ndarray, sample_weight: Any, mask: Any, value: float) -> None:
        """Add a batch whose loss is `value`."""
        self.mean_loss.add(value, len(y_pred))
        if self._wanted:
            self._resolve(y.shape, y_pred.shape)
        for metric, weighted in self.metrics:
            metric.update_state(y, y_pred, sample_weight if weighted else None, mask)

    def reset(self) -> None:
        self.mean_loss.reset_state()
        for metric, _ in self.metrics:
            metric.reset_state()
