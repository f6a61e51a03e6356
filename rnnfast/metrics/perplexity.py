"""Perplexity of a language model."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import losses
from rnnfast.metrics.reduction import MeanOverSamples


class Perplexity(MeanOverSamples):
    """e to the mean cross-entropy of tokens: y_true are class numbers, y_pred probabilities or, `from_logits`, logits.

    mask_token_id: a token that does not count, usually padding. Arguments and meaning are KerasHub's.

    >>> import numpy as np
    >>> from rnnfast.metrics import Perplexity
    >>> round(Perplexity()([[0, 1]], np.full((1, 2, 4), 0.25)), 4)
    4.0
    """

    default_name = "perplexity"
    direction = "down"

    def __init__(
        self, from_logits: bool = False, mask_token_id: int | None = None, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(name, dtype)
        self._loss = losses.SparseCategoricalCrossentropy(from_logits, ignore_class=mask_token_id)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        labels = self._loss.match(y_true, y_pred)
        self._counted = self._loss.own_mask(labels)
        return self._loss.call(labels, y_pred)

    def add(self, values: Any, weights: Any = None) -> None:
        weights = np.ones(values.shape) if weights is None else weights
        if self._counted is not None:
            weights = weights * self._counted
        self.total += float((values * weights).sum(dtype=np.float64))  # every token counts the same
        self.count += float(weights.sum())

    def result(self) -> float:
        return float(np.exp(super().result()))

    def get_config(self) -> dict[str, Any]:
        options = {"from_logits": self._loss.from_logits, "mask_token_id": self._loss.ignore_class}
        return {**super().get_config(), **options}
