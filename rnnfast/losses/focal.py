"""Focal cross-entropies: what is predicted well already counts less, by a power `gamma` of what is missing to one."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, activations
from rnnfast.losses.base import EPSILON, mean_over_last, per_sample
from rnnfast.losses.crossentropy import CrossEntropy, binary_entropy, binary_labels, inside, one_hot_labels, through_sum


class _Focal(CrossEntropy):
    """What both share. `p`: y_pred as probabilities, clipped; the gradient goes through it."""

    activation: Any

    def __init__(self, alpha: float, gamma: float, from_logits: bool, label_smoothing: float, **options: Any) -> None:
        super().__init__(from_logits, label_smoothing, **options)
        self.alpha = _arguments.number(f"{type(self).__name__}: alpha", alpha)
        self.gamma = _arguments.number(f"{type(self).__name__}: gamma", gamma)

    def sees_through(self, activation: str | None) -> bool:
        return False

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "gamma": self.gamma}


class BinaryFocalCrossentropy(_Focal):
    """Mean over the last axis of `(1 - p_t)^gamma` times the binary cross-entropy, p_t the probability of the label.

    apply_class_balancing: times `alpha` where y is 1 and `1 - alpha` where it is 0, too. from_logits, label_smoothing:
    as in `BinaryCrossentropy`. Lin et al., 2018, https://arxiv.org/abs/1708.02002.

    >>> from rnnfast.losses import BinaryFocalCrossentropy
    >>> round(BinaryFocalCrossentropy()([[1.0]], [[0.5]]), 4)  # log(2) / 4
    0.1733
    """

    default_name = "binary_focal_crossentropy"

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(alpha, gamma, from_logits, label_smoothing, axis=axis, reduction=reduction, name=name)
        self.apply_class_balancing = bool(apply_class_balancing)

    match = binary_labels

    def _parts(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, ...]:
        """Probability, clipped probability, cross-entropy of each element, what is missing to one, and its weight."""
        p = activations.sigmoid(y_pred) if self.from_logits else y_pred
        q = np.clip(p, EPSILON, 1 - EPSILON)
        entropy = binary_entropy(y_true, q)
        missing = 1 - (y_true * p + (1 - y_true) * (1 - p))
        weight = y_true * self.alpha + (1 - y_true) * (1 - self.alpha) if self.apply_class_balancing else y_true * 0 + 1
        return p, q, entropy, missing, weight

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        _, _, entropy, missing, weight = self._parts(y_true, y_pred)
        return mean_over_last(weight * missing**self.gamma * entropy)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        p, q, entropy, missing, weight = self._parts(y_true, y_pred)
        d_entropy = np.where(q == p, (q - y_true) / (q * (1 - q)), 0)
        # Where nothing is missing, nothing is lost either: the factor's slope may be infinite there, times zero.
        with np.errstate(divide="ignore", invalid="ignore"):
            d_factor = np.where(missing > 0, self.gamma * missing ** (self.gamma - 1), 0) * (1 - 2 * y_true)
        d_p = weight * (missing**self.gamma * d_entropy + d_factor * entropy) / y_pred.shape[-1]
        return d_p * p * (1 - p) if self.from_logits else d_p

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "apply_class_balancing": self.apply_class_balancing}


class CategoricalFocalCrossentropy(_Focal):
    """Sum over the last axis of `-alpha (1 - p)^gamma y log p`, y one-hot, p as in `CategoricalCrossentropy`.
    Lin et al., 2018.

    >>> from rnnfast.losses import CategoricalFocalCrossentropy
    >>> round(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 4)  # log(2) / 16
    0.0433
    """

    default_name = "categorical_focal_crossentropy"

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(alpha, gamma, from_logits, label_smoothing, axis=axis, reduction=reduction, name=name)

    match = one_hot_labels

    def _parts(self, y_pred: np.ndarray) -> tuple[np.ndarray, ...]:
        """Probabilities, what they add up to, what they are when brought to sum one, and that clipped."""
        p = activations.softmax(y_pred) if self.from_logits else y_pred
        total = p.sum(axis=-1, keepdims=True)
        shares = p / total
        return p, total, shares, np.clip(shares, EPSILON, 1 - EPSILON)

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        *_, q = self._parts(y_pred)
        return -(self.alpha * (1 - q) ** self.gamma * y_true * np.log(q)).sum(axis=-1)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        p, total, shares, q = self._parts(y_pred)
        slope = self.gamma * (1 - q) ** (self.gamma - 1) * np.log(q) - (1 - q) ** self.gamma / q
        d_p = through_sum(np.where(inside(shares), self.alpha * y_true * slope, 0), shares, total)
        return p * (d_p - (d_p * p).sum(axis=-1, keepdims=True)) if self.from_logits else d_p


binary_focal_crossentropy = per_sample(BinaryFocalCrossentropy)
categorical_focal_crossentropy = per_sample(CategoricalFocalCrossentropy)
