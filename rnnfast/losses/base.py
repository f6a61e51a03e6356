"""What every loss has: labels, weights and masks, a reduction, and the derivative of the reduced value."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rnnfast import _arguments
from rnnfast._arguments import unwritable
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
    """Base class. A subclass defines `call`, which gives one value per sample, per sample and step, or per element, or
    one number for all; and, to be trained with, `gradient`, the derivative of each value by its part of y_pred, in the
    shape of y_pred. Both are given y_true in the dtype of y_pred, and in its shape where one axis of size 1 is all that
    differs; neither may be written to.

    `loss(y_true, y_pred, sample_weight)` is the reduction of the values:

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

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None):
        if reduction not in REDUCTIONS:
            expected = ", ".join(map(repr, REDUCTIONS))
            raise ValueError(f"{type(self).__name__}: reduction must be one of {expected}, got {reduction!r}")
        self.reduction = reduction
        self.name = name or self.default_name or auto_name(type(self).__name__)

    # What a subclass may define

    def match(self, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
        """y_true in the dtype of y_pred, and in its shape where ranks differ by a last axis of size 1 alone."""
        return fitted(f"loss {self.name!r}", y_true, y_pred)

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
        known = activation is not None and activation == self.logits_activation
        return known and not self._older_than("logit_gradient")

    @property
    def untrainable(self) -> str | None:
        """Why nothing can be trained with it, or None."""
        if not self._older_than("gradient"):
            return None
        return (
            f"loss {self.name!r} can be evaluated and not be trained with: there is no automatic differentiation; "
            f"define gradient(self, y_true, y_pred) in {type(self).__name__}, the derivative of each value that call "
            "gives by y_pred, as an array of the shape of y_pred"
        )

    def _older_than(self, method: str) -> bool:
        """Whether a subclass has defined `call` anew, and not this derivative of it."""
        order = type(self).__mro__
        places = [next(i for i, cls in enumerate(order) if name in vars(cls)) for name in ("call", method)]
        return places[0] < places[1]

    # For losses that look at more than single steps

    def values(self, y_true: np.ndarray, y_pred: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        """`call`, checked. The mask of the time steps may change the values themselves."""
        try:
            given = self.call(unwritable(y_true), unwritable(y_pred))
        except (ValueError, IndexError) as error:
            raise ValueError(
                f"loss {self.name!r}, given y_true of shape {y_true.shape} and y_pred of shape {y_pred.shape}: {error}"
            ) from error
        values = floating(given, f"loss {self.name!r}: its value")
        while values.ndim and values.shape != y_pred.shape[: values.ndim] and values.shape[-1] == 1:
            values = values[..., 0]
        if values.shape != y_pred.shape[: values.ndim]:
            raise ValueError(
                f"loss {self.name!r}: expected a number, or an array of shape {y_pred.shape} or its first axes, for "
                f"y_true of shape {y_true.shape} and y_pred of shape {y_pred.shape}, got shape {np.shape(given)}"
            )
        return values

    def values_and_slope(
        self, y_true: np.ndarray, y_pred: np.ndarray, mask: np.ndarray | None, at_logits: bool
    ) -> tuple[np.ndarray, Callable[[Any], np.ndarray]]:
        """`values`, and a function that gives the derivative of each times a scale, as `scaled_gradient` does."""
        return self.values(y_true, y_pred, mask), partial(self.scaled_gradient, y_true, y_pred, at_logits)

    def scaled_gradient(self, y_true: np.ndarray, y_pred: np.ndarray, at_logits: bool, scale: Any) -> np.ndarray:
        """`gradient`, or `logit_gradient`, times a scale: a number, or an array that is broadcast to y_pred."""
        derive = self.logit_gradient if at_logits else self.gradient
        given = _arguments.numeric(f"loss {self.name!r}: gradient", derive(unwritable(y_true), unwritable(y_pred)))
        if given.shape != y_pred.shape:
            raise ValueError(
                f"loss {self.name!r}: gradient must have the shape {y_pred.shape} of y_pred, got {given.shape}"
            )
        return given * scale

    def value_mask(self, y_true: np.ndarray, shape: tuple[int, ...], mask: np.ndarray | None) -> np.ndarray | None:
        """Which values count, by the matched labels and the mask of the time steps; None: all."""
        return mask

    def spread_over_axes(self, weights: np.ndarray, rank: int) -> np.ndarray:
        """A number per value, laid out so that it can be multiplied with predictions of this rank."""
        return weights.reshape(weights.shape + (1,) * (rank - weights.ndim))

    def axes_of_a_value(self, rank: int) -> list[int]:
        """The axes that one value is computed from, of predictions of this rank, counted from 0, as far as known."""
        return []

    def check_weights(self, what: str, shape: tuple[int, ...], **weights: Any) -> None:
        """ValueError: a mask, or weights, over axes of predictions of this shape that the values do not have."""

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
        shape = y_pred.shape
        (y_true, y_pred), at_logits = self.prepared(y_true, y_pred), self.sees_through(activation)
        values, scaled_gradient = self.values_and_slope(y_true, y_pred, mask, at_logits)
        weights = self._weights(y_true, values, sample_weight, mask)
        divisor = self._divisor(values, weights)
        value = _sum(values, weights) / divisor
        if not math.isfinite(value):
            return Slope(value, None, at_logits)
        share: Any = 1 / divisor
        if weights is not None:
            weights = weights * share
            share = self.spread_over_axes(weights, y_pred.ndim) if values.ndim else weights.sum()
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            gradient = self.restored(scaled_gradient(share).astype(y_pred.dtype, copy=False))
        return Slope(value, gradient.reshape(shape), at_logits)

    def _weights(self, y_true: np.ndarray, values: np.ndarray, sample_weight: Any, mask: Any) -> np.ndarray | None:
        return self.weights(values.shape, sample_weight, self.value_mask(y_true, values.shape, mask))

    def weights(self, shape: tuple[int, ...], sample_weight: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """What each value is multiplied by before the reduction, or None for one. One number for all, which has no
        shape, is there as often as there are weights."""
        if sample_weight is None and mask is None:
            return None
        if not shape:
            given = (without_last_ones(np.asarray(part)) for part in (sample_weight, mask) if part is not None)
            shape = max((part.shape for part in given), key=len)
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
        return max(1.0, float(values.size if weights is None else weights.size))

    # Configuration

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)


class NamedLoss(Loss):
    """A built-in loss: with a name of its own, Keras' order of arguments, the reduction first, and labels that must
    have the shape of y_pred."""

    value_axes: tuple[int, ...] = (-1,)  # the axes of y_pred that one value is computed from

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None):
        super().__init__(name, reduction, dtype)

    def match(self, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
        """y_true in the shape and dtype of y_pred; ranks may differ by a last axis of size 1. ValueError otherwise."""
        return matched(f"loss {self.name!r}", y_true, y_pred)

    def values(self, y_true: np.ndarray, y_pred: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        return self.call(y_true, y_pred)

    def scaled_gradient(self, y_true: np.ndarray, y_pred: np.ndarray, at_logits: bool, scale: Any) -> np.ndarray:
        return (self.logit_gradient if at_logits else self.gradient)(y_true, y_pred) * scale

    def spread_over_axes(self, weights: np.ndarray, rank: int) -> np.ndarray:
        return np.expand_dims(weights, self.value_axes)

    def axes_of_a_value(self, rank: int) -> list[int]:
        return sorted(axis % rank for axis in self.value_axes)

    def check_weights(self, what: str, shape: tuple[int, ...], **weights: Any) -> None:
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
    """`x.mean(axis=-1)` of floats or bools, to the bit; NumPy takes several times as long where there is little."""
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
    y_true = fitted(what, y_true, y_pred)
    if y_true.shape != y_pred.shape:
        raise ValueError(f"{what}: expected y_true of shape {y_pred.shape}, got {y_true.shape}")
    return y_true


def fitted(what: str, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
    """y_true in the dtype of y_pred, and in its shape if their ranks differ by a last axis of size 1."""
    if type(y_true) is np.ndarray and y_true.shape == y_pred.shape and y_true.dtype == y_pred.dtype:
        return y_true
    y_true = _arguments.numeric(f"{what}: y_true", y_true).astype(y_pred.dtype, copy=False)
    one_axis = abs(y_true.ndim - y_pred.ndim) == 1 and (y_true.shape[-1:] == (1,) or y_pred.shape[-1:] == (1,))
    return y_true.reshape(y_pred.shape) if one_axis and y_true.size == y_pred.size else y_true
