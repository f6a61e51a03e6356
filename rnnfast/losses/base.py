"""What every loss has: matched labels, weights and masks, a reduction, and the derivative of the reduced value."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rnnfast import _arguments
from rnnfast._registry import auto_name, snake_case

EPSILON = 1e-7

_MEANS = ("sum_over_batch_size", "mean")
REDUCTIONS = (*_MEANS, "mean_with_sample_weight", "sum", "none", None)


class Slope(NamedTuple):
    """A reduced loss, and its derivative by y_pred, or by what went into the output's activation (`at_logits`)."""

    value: float
    gradient: np.ndarray | None  # None where the value is not finite
    at_logits: bool


class Loss:
    """Base class. A subclass defines `call` (one value per sample) and `gradient` (of each value, shape of y_pred).

    `loss(y_true, y_pred, sample_weight)` is their reduction:

    * "sum_over_batch_size" (default) or "mean": the mean of value times weight; over the unmasked ones where there is
      a mask;
    * "mean_with_sample_weight": the sum of value times weight over the sum of the weights;
    * "sum": the sum of value times weight;
    * "none" or None: each value times its weight, an array; nothing to train with.

    name: default the class's. dtype: accepted as Keras' argument; losses are computed in the dtype of y_pred.

    >>> import numpy as np
    >>> from rnnfast.losses import Loss
    >>> class Cubed(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)
    ...     def gradient(self, y_true, y_pred):
    ...         return 3 * (y_pred - y_true) * np.abs(y_pred - y_true) / y_pred.shape[-1]
    >>> Cubed(reduction="sum")([[1.0], [2.0]], [[3.0], [1.0]])
    9.0
    """

    default_name: ClassVar[str | None] = None  # None: a free name of the class
    logits_activation: ClassVar[str | None] = None  # the output activation that `logit_gradient` sees through
    value_axes: tuple[int, ...] = (-1,)  # the axes of y_pred that one value is computed from

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None):
        if reduction not in REDUCTIONS:
            expected = ", ".join(map(repr, REDUCTIONS))
            raise ValueError(f"{type(self).__name__}: reduction must be one of {expected}, got {reduction!r}")
        self.reduction = reduction
        self.name = name or self.default_name or auto_name(type(self).__name__)

    # What a subclass may define

    def match(self, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
        """y_true in the shape and dtype of y_pred; ranks may differ by a last axis of size 1. ValueError otherwise."""
        return matched(f"loss {self.name!r}", y_true, y_pred)

    def prepared(self, y_true: Any, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Matched labels and y_pred as the methods below take them; `restored` brings a gradient back."""
        return self.match(y_true, y_pred), y_pred

    def restored(self, gradient: np.ndarray) -> np.ndarray:
        return gradient

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """One value per sample, shape y_pred.shape[:-1], for a matched y_true."""
        raise TypeError(f"loss {self.name!r} does not define call(y_true, y_pred)")

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Derivative of each sample's value by its part of y_pred."""
        raise TypeError(f"loss {self.name!r} does not define gradient(y_true, y_pred): training needs it")

    def logit_gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """`gradient` by what went into the activation `logits_activation`: exact where y_pred is close to 0 or 1."""
        raise TypeError(f"loss {self.name!r} has no logit_gradient")

    def sees_through(self, activation: str | None) -> bool:
        """Whether `logit_gradient` is the one to take for an output that ends with this activation."""
        return activation is not None and activation == self.logits_activation

    # For losses that look at more than single steps

    def values(self, y_true: np.ndarray, y_pred: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        """`call`, where the mask of the time steps may change the values themselves."""
        return self.call(y_true, y_pred)

    def values_and_slope(
        self, y_true: np.ndarray, y_pred: np.ndarray, mask: np.ndarray | None, at_logits: bool
    ) -> tuple[np.ndarray, Callable[[Any], np.ndarray]]:
        """`values`, and a function that gives the derivative of each times a scale, as `scaled_gradient` does."""
        return self.values(y_true, y_pred, mask), partial(self.scaled_gradient, y_true, y_pred, at_logits)

    def scaled_gradient(self, y_true: np.ndarray, y_pred: np.ndarray, at_logits: bool, scale: Any) -> np.ndarray:
        """`gradient`, or `logit_gradient`, times a scale: a number, or an array that is broadcast to y_pred."""
        return (self.logit_gradient if at_logits else self.gradient)(y_true, y_pred) * scale

    def value_mask(self, y_true: np.ndarray, shape: tuple[int, ...], mask: np.ndarray | None) -> np.ndarray | None:
        """Which values count, by the matched labels and the mask of the time steps; None: all."""
        return mask

    def axes_of_a_value(self, rank: int) -> list[int]:
        """The axes that one value is computed from, of predictions of this rank, counted from 0."""
        return sorted(axis % rank for axis in self.value_axes)

    def check_weights(self, what: str, shape: tuple[int, ...], **weights: Any) -> None:
        """ValueError: a mask, or weights, over axes of predictions of this shape that the values do not have."""
        for name, given in weights.items():
            if given is None or len(shape) < 2:
                continue
            array = without_last_ones(np.asarray(given))
            if array.ndim == len(shape) or array.shape != shape[: array.ndim]:
                continue
            first, *_ = self.axes_of_a_value(len(shape))
            if first < array.ndim:
                raise ValueError(
                    f"{what}: expected no {name} over axis {first}, which each value is computed from, got one of "
                    f"shape {np.shape(given)} with predictions of shape {shape}"
                )

    # The reduced loss

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: np.ndarray | None = None) -> Any:
        """The loss of a batch: a number, or, without reduction, an array of one value per sample."""
        y_pred = floating(y_pred, f"loss {self.name!r}: y_pred")
        self.check_weights(f"loss {self.name!r}", y_pred.shape, sample_weight=sample_weight, mask=mask)
        y_true, y_pred = self.prepared(y_true, y_pred)
        values = self.values(y_true, y_pred, mask)
        return self.reduce(values, self._weights(y_true, values, sample_weight, mask))

    def slope(
        self,
        y_true: Any,
        y_pred: np.ndarray,
        sample_weight: Any = None,
        mask: np.ndarray | None = None,
        activation: str | None = None,
    ) -> Slope:
        """The reduced loss and its derivative.

        activation: that of the output. Softmax or sigmoid and its cross-entropy are differentiated at once: p - y,
        exact where either alone would lose digits. ValueError: reduction None, which leaves nothing to minimise.
        """
        if self.reduction in ("none", None):
            raise ValueError(f"loss {self.name!r}: reduction={self.reduction!r} is no number to minimise")
        if sample_weight is not None or mask is not None:
            self.check_weights(f"loss {self.name!r}", y_pred.shape, sample_weight=sample_weight, mask=mask)
        (y_true, y_pred), at_logits = self.prepared(y_true, y_pred), self.sees_through(activation)
        values, scaled_gradient = self.values_and_slope(y_true, y_pred, mask, at_logits)
        weights = self._weights(y_true, values, sample_weight, mask)
        divisor = self._divisor(values, weights)
        value = _sum(values, weights) / divisor
        if not math.isfinite(value):
            return Slope(value, None, at_logits)
        share: Any = 1 / divisor
        if weights is not None:
            share = np.expand_dims(weights * share, self.value_axes)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            return Slope(value, self.restored(scaled_gradient(share).astype(y_pred.dtype, copy=False)), at_logits)

    def _weights(self, y_true: np.ndarray, values: np.ndarray, sample_weight: Any, mask: Any) -> np.ndarray | None:
        return self.weights(values.shape, sample_weight, self.value_mask(y_true, values.shape, mask))

    def weights(self, shape: tuple[int, ...], sample_weight: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """What each value is multiplied by before the reduction, or None for one."""
        if sample_weight is None and mask is None:
            return None
        combined = None if sample_weight is None else spread(sample_weight, shape, f"loss {self.name!r}: sample_weight")
        if mask is not None:
            scaled = spread(mask, shape, f"loss {self.name!r}: mask")
            if self.reduction in _MEANS:
                scaled = scaled * (scaled.size / max(1.0, scaled.sum()))
            combined = scaled if combined is None else combined * scaled
        return combined

    def reduce(self, values: np.ndarray, weights: np.ndarray | None) -> Any:
        """The reduction of one value per sample."""
        if self.reduction in ("none", None):
            return values if weights is None else values * weights
        return _sum(values, weights) / self._divisor(values, weights)

    def _divisor(self, values: np.ndarray, weights: np.ndarray | None) -> float:
        if self.reduction == "sum":
            return 1.0
        if self.reduction == "mean_with_sample_weight" and weights is not None:
            return float(weights.sum()) or 1.0  # all zero: the sum above is, too
        return max(1.0, float(values.size))

    # Configuration

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)


class NamedLoss(Loss):
    """A loss with a name of its own, and Keras' order of arguments: the reduction first."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None):
        super().__init__(name, reduction, dtype)


def per_sample(cls: type[Loss]) -> Callable[..., np.ndarray]:
    """The function that goes with a loss class: `(y_true, y_pred, *options)`, one value per sample."""

    def function(y_true: Any, y_pred: Any, *args: Any, **options: Any) -> np.ndarray:
        loss = cls(*args, **options)
        y_pred = floating(y_pred, f"loss {loss.name!r}: y_pred")
        return loss.call(*loss.prepared(y_true, y_pred))

    function.__name__ = function.__qualname__ = snake_case(cls.__name__)
    function.__doc__ = f"One value per sample; see `{cls.__name__}`, whose options it takes."
    return function


def _sum(values: np.ndarray, weights: np.ndarray | None) -> float:
    return float(np.add.reduce(values if weights is None else values * weights, axis=None, dtype=np.float64))


def mean_over_last(x: np.ndarray) -> np.ndarray:
    """`x.mean(axis=-1)` to the bit, of floats; NumPy's own takes several times as long where there is little."""
    return np.add.reduce(x, axis=-1) / x.shape[-1]


def floating(x: Any, what: str) -> np.ndarray:
    """As float64 if it is that, else as float32. TypeError: no numbers."""
    array = _arguments.numeric(what, x)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)


def spread(weights: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Weights per sample, or per sample and step, as an array of `shape`."""
    array = without_last_ones(_arguments.numeric(what, weights).astype(np.float64))
    if array.shape != shape[: array.ndim]:
        raise ValueError(f"{what} must have shape {shape} or its first axes, got {np.shape(weights)}")
    return np.broadcast_to(array.reshape(array.shape + (1,) * (len(shape) - array.ndim)), shape)


def without_last_ones(weights: np.ndarray) -> np.ndarray:
    """Without last axes of size 1: what has one is for all steps."""
    while weights.ndim > 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    return weights


def matched(what: str, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
    """y_true in the shape and dtype of y_pred; ranks may differ by a last axis of size 1. ValueError otherwise."""
    if type(y_true) is np.ndarray and y_true.shape == y_pred.shape and y_true.dtype == y_pred.dtype:
        return y_true
    y_true = _arguments.numeric(f"{what}: y_true", y_true)
    if y_true.shape != y_pred.shape:
        one_axis = abs(y_true.ndim - y_pred.ndim) == 1 and (y_true.shape[-1:] == (1,) or y_pred.shape[-1:] == (1,))
        if not one_axis or y_true.size != y_pred.size:
            raise ValueError(f"{what}: expected y_true of shape {y_pred.shape}, got {y_true.shape}")
    return y_true.astype(y_pred.dtype, copy=False).reshape(y_pred.shape)
