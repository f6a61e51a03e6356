"""What `compile` fixes: the loss, and the metrics that are followed beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import losses, metrics
from rnnfast.models.data import Dataset


class Scores:
    """A loss and metrics over batches. "accuracy" is resolved at the first batch, by the shapes, as in Keras."""

    def __init__(self, loss: Any, plain: Any, weighted: Any) -> None:
        self.loss = None if loss is None else losses.get(loss)
        self._wanted = [(m, False) for m in _as_list("metrics", plain)]
        self._wanted += [(m, True) for m in _as_list("weighted_metrics", weighted)]
        self._metrics: list[tuple[metrics.Metric, bool]] | None = None
        self._mean_loss = metrics.Mean("loss")
        for identifier, _ in self._wanted:  # names are checked now, not in the first epoch
            if not metrics.is_plain_accuracy(identifier):
                metrics.get(identifier)

    def needed_loss(self, method: str) -> losses.Loss:
        if self.loss is None:
            raise ValueError(f"{method}: the model was compiled without a loss; give compile(loss=...)")
        return self.loss

    def check(self, method: str, data: Dataset, output_shape: tuple[int, ...]) -> None:
        """ValueError if the labels do not fit predictions of this shape."""
        # Only shape and dtype of the predictions matter here.
        self.needed_loss(method).match(data.y, np.broadcast_to(np.float32(0), output_shape))
        self._resolve(data.y.shape, output_shape)

    def _resolve(self, y_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        if self._metrics is None:
            self._metrics = [(self._metric(m, y_shape, output_shape), weighted) for m, weighted in self._wanted]

    @staticmethod
    def _metric(identifier: Any, y_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> metrics.Metric:
        if metrics.is_plain_accuracy(identifier):
            return metrics.choose_accuracy(identifier, y_shape, output_shape)
        return metrics.get(identifier)

    def reset(self) -> None:
        self._mean_loss.reset_state()
        for metric, _ in self._metrics or []:
            metric.reset_state()

    def update(self, data: Dataset, y_pred: np.ndarray, mask: np.ndarray | None, loss_value: float) -> None:
        self._mean_loss.add(loss_value, len(data))
        self._resolve(data.y.shape, y_pred.shape)
        for metric, weighted in self._metrics or []:
            metric.follow(data.y, y_pred, data.sample_weight if weighted else None, mask)

    def results(self) -> dict[str, float]:
        """Means since `reset`: `loss` first, then the metrics by name."""
        return {"loss": self._mean_loss.result()} | {m.name: m.result() for m, _ in self._metrics or []}

    def config(self) -> dict[str, Any]:
        def one(identifier: Any) -> Any:
            return identifier if isinstance(identifier, str) else metrics.serialize(metrics.get(identifier))

        plain = [one(m) for m, weighted in self._wanted if not weighted]
        weighted_ones = [one(m) for m, weighted in self._wanted if weighted]
        return {
            "loss": None if self.loss is None else losses.serialize(self.loss),
            "loss_weights": None,
            "metrics": plain or None,
            "weighted_metrics": weighted_ones or None,
        }


def _as_list(argument: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, dict):
        raise TypeError(f"compile: {argument} must be a list for a model with one output, got a dictionary")
    return list(value) if isinstance(value, (list, tuple)) else [value]
