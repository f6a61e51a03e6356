"""Losses: a number per batch, and its gradient by hand.

A loss compares `y_true` and `y_pred` over the last axis and gives one value per sample (per time step, for sequences);
`loss(y_true, y_pred)` is their mean over all samples, with Keras' weights and masks. Formulas and the clipping of
probabilities to [1e-7, 1 - 1e-7] are Keras 3's.

>>> import numpy as np, rnnfast
>>> float(rnnfast.losses.MeanSquaredError()(np.zeros((2, 1)), np.ones((2, 1))))
1.0
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, activations
from rnnfast._registry import Registry

EPSILON = 1e-7


class Loss:
    """Base class. A subclass defines `call` (one value per sample) and `gradient` (of each value, shape of y_pred).

    reduction: only "sum_over_batch_size", Keras' default, which is the mean. name: default the class's.
    """

    default_name: ClassVar[str] = "loss"
    logits_activation: ClassVar[str | None] = None  # the output activation that `logit_gradient` sees through

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None, dtype: Any = None) -> None:
        if reduction not in ("sum_over_batch_size", "mean"):
            raise ValueError(f"{type(self).__name__}: reduction must be 'sum_over_batch_size', got {reduction!r}")
        self.reduction = reduction
        self.name = self.default_name if name is None else name

    def match(self, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
        """y_true in the shape and dtype of y_pred; ranks may differ by a last axis of size 1. ValueError otherwise."""
        y_true = _arguments.numeric(f"loss {self.name!r}: y_true", y_true)
        if y_true.shape != y_pred.shape:
            one_axis = abs(y_true.ndim - y_pred.ndim) == 1 and (y_true.shape[-1:] == (1,) or y_pred.shape[-1:] == (1,))
            if not one_axis or y_true.size != y_pred.size:
                raise ValueError(f"loss {self.name!r}: expected y_true of shape {y_pred.shape}, got {y_true.shape}")
        return y_true.astype(y_pred.dtype, copy=False).reshape(y_pred.shape)

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """One value per sample, shape y_pred.shape[:-1], for a matched y_true."""
        raise TypeError(f"loss {self.name!r} does not define call(y_true, y_pred)")

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Derivative of each sample's value by its part of y_pred."""
        raise TypeError(f"loss {self.name!r} does not define gradient(y_true, y_pred): training needs it")

    def logit_gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """`gradient` by what went into the activation `logits_activation`: exact where y_pred is close to 0 or 1."""
        raise TypeError(f"loss {self.name!r} has no logit_gradient")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: np.ndarray | None = None) -> float:
        """The mean over the samples, each times its weight; over the unmasked ones where there is a mask."""
        y_pred = floating(y_pred, f"loss {self.name!r}: y_pred")
        values = self.call(self.match(y_true, y_pred), y_pred)
        return self.reduce(values, self.weights(values.shape, sample_weight, mask))

    def weights(self, shape: tuple[int, ...], sample_weight: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """What each value is multiplied by before the mean, or None for one."""
        combined = None if sample_weight is None else spread(sample_weight, shape, f"loss {self.name!r}: sample_weight")
        if mask is not None:
            real = spread(mask, shape, f"loss {self.name!r}: mask")
            scaled = real * (real.size / max(1.0, real.sum()))
            combined = scaled if combined is None else combined * scaled
        return combined

    def reduce(self, values: np.ndarray, weights: np.ndarray | None) -> float:
        return float(np.mean(values if weights is None else values * weights, dtype=np.float64))

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)


def floating(x: Any, what: str) -> np.ndarray:
    array = _arguments.numeric(what, x)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)


def spread(weights: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Weights per sample, or per sample and step, as an array of `shape`."""
    array = _arguments.numeric(what, weights).astype(np.float64)
    while array.ndim > 1 and array.shape[-1] == 1:  # one for all steps
        array = array[..., 0]
    if array.shape != shape[: array.ndim]:
        raise ValueError(f"{what} must have shape {shape} or its first axes, got {np.shape(weights)}")
    return np.broadcast_to(array.reshape(array.shape + (1,) * (len(shape) - array.ndim)), shape)


class MeanSquaredError(Loss):
    """Mean over the last axis of `(y_true - y_pred)^2`."""

    default_name = "mean_squared_error"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.square(y_pred - y_true).mean(axis=-1)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return 2 * (y_pred - y_true) / y_pred.shape[-1]


class MeanAbsoluteError(Loss):
    """Mean over the last axis of `|y_true - y_pred|`."""

    default_name = "mean_absolute_error"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.abs(y_pred - y_true).mean(axis=-1)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return np.sign(y_pred - y_true) / y_pred.shape[-1]


class _CrossEntropy(Loss):
    """What the cross-entropies share. from_logits: y_pred has not been through sigmoid or softmax."""

    def __init__(
        self,
        from_logits: bool = False,
        *,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name)
        if axis != -1:
            raise ValueError(f"{type(self).__name__}: axis must be -1, got {axis!r}")
        if not 0.0 <= _arguments.number(f"{type(self).__name__}: label_smoothing", label_smoothing) <= 1.0:
            raise ValueError(f"{type(self).__name__}: label_smoothing must lie in [0, 1], got {label_smoothing!r}")
        self.from_logits = bool(from_logits)
        self.label_smoothing = float(label_smoothing)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_logits": self.from_logits}


class BinaryCrossentropy(_CrossEntropy):
    """Mean over the last axis of `-(y log p + (1 - y) log(1 - p))`, p = y_pred or, `from_logits`, its sigmoid.

    label_smoothing s: y becomes `y (1 - s) + s / 2`.
    """

    default_name = "binary_crossentropy"
    logits_activation = "sigmoid"

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, **options: Any) -> None:
        super().__init__(from_logits, label_smoothing=label_smoothing, **options)

    def match(self, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
        return super().match(y_true, y_pred) * (1 - self.label_smoothing) + self.label_smoothing / 2

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            values = np.maximum(y_pred, 0) - y_pred * y_true + np.log1p(np.exp(-np.abs(y_pred)))
        else:
            p = np.clip(y_pred, EPSILON, 1 - EPSILON)
            values = -(y_true * np.log(p) + (1 - y_true) * np.log1p(-p))
        return values.mean(axis=-1)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            return self.logit_gradient(y_true, activations.sigmoid(y_pred))
        p = np.clip(y_pred, EPSILON, 1 - EPSILON)
        return np.where(p == y_pred, (p - y_true) / (p * (1 - p)), 0) / y_pred.dtype.type(y_pred.shape[-1])

    def logit_gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return (y_pred - y_true) / y_pred.shape[-1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing, "axis": -1}


def _log_probabilities(y_pred: np.ndarray, from_logits: bool) -> np.ndarray:
    """log p over the last axis: of softmax(y_pred), or of y_pred brought to sum one and clipped."""
    if from_logits:
        return activations.log_softmax(y_pred)
    return np.log(np.clip(y_pred / y_pred.sum(axis=-1, keepdims=True), EPSILON, 1 - EPSILON))


def _through_normalization(d_log_p: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Gradient by y_pred of a function of `_log_probabilities(y_pred, False)`, given the one by the logs."""
    total = y_pred.sum(axis=-1, keepdims=True)
    p = y_pred / total
    inside = (p >= EPSILON) & (p <= 1 - EPSILON)
    dp = np.where(inside, d_log_p / np.where(inside, p, 1), 0)
    return (dp - (dp * p).sum(axis=-1, keepdims=True)) / total


class CategoricalCrossentropy(_CrossEntropy):
    """`-sum(y log p)` over the last axis, y one-hot, p = y_pred (brought to sum one) or, `from_logits`, its softmax.

    label_smoothing s over C classes: y becomes `y (1 - s) + s / C`.
    """

    default_name = "categorical_crossentropy"
    logits_activation = "softmax"

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, **options: Any) -> None:
        super().__init__(from_logits, label_smoothing=label_smoothing, **options)

    def match(self, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
        shape = np.shape(y_true)
        if shape != y_pred.shape and shape in (y_pred.shape[:-1], (*y_pred.shape[:-1], 1)):
            raise ValueError(
                f"loss {self.name!r}: expected one-hot y_true of shape {y_pred.shape}, got {shape}; "
                "for class numbers use 'sparse_categorical_crossentropy'"
            )
        smooth = self.label_smoothing
        return super().match(y_true, y_pred) * (1 - smooth) + smooth / y_pred.shape[-1]

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return -(y_true * _log_probabilities(y_pred, self.from_logits)).sum(axis=-1)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            return self.logit_gradient(y_true, activations.softmax(y_pred))
        return _through_normalization(-y_true, y_pred)

    def logit_gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return y_pred * y_true.sum(axis=-1, keepdims=True) - y_true

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing, "axis": -1}


class SparseCategoricalCrossentropy(_CrossEntropy):
    """`-log p[y]`, y the number of the class, shape y_pred.shape[:-1] with or without a last axis of size 1.

    p as in `CategoricalCrossentropy`. ValueError: y out of range. ignore_class: only None.
    """

    default_name = "sparse_categorical_crossentropy"
    logits_activation = "softmax"

    def __init__(self, from_logits: bool = False, ignore_class: int | None = None, **options: Any) -> None:
        if ignore_class is not None:
            raise ValueError("SparseCategoricalCrossentropy: ignore_class is not supported yet; use sample_weight")
        super().__init__(from_logits, **options)

    def match(self, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
        y_true = _arguments.numeric(f"loss {self.name!r}: y_true", y_true)
        if y_true.shape == (*y_pred.shape[:-1], 1):
            y_true = y_true[..., 0]
        if y_true.shape != y_pred.shape[:-1]:
            raise ValueError(
                f"loss {self.name!r}: expected y_true of shape {y_pred.shape[:-1]} for predictions of shape "
                f"{y_pred.shape}, got {y_true.shape}"
            )
        classes = y_pred.shape[-1]
        with np.errstate(invalid="ignore"):  # NaN is no class either
            labels = y_true.astype(np.int64)
        bad = (labels < 0) | (labels >= classes) | (labels != y_true)
        if bad.any():
            raise ValueError(
                f"loss {self.name!r}: class {y_true[bad][0]} in y_true is out of range: expected an integer from 0 to "
                f"{classes - 1}"
            )
        return labels

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            return -_at(activations.log_softmax(y_pred), y_true)
        return -np.log(np.clip(_at(y_pred, y_true) / y_pred.sum(axis=-1), EPSILON, 1 - EPSILON))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            return self.logit_gradient(y_true, activations.softmax(y_pred))
        d_log_p = np.zeros(y_pred.shape, y_pred.dtype)
        _subtract_one(d_log_p, y_true)
        return _through_normalization(d_log_p, y_pred)

    def logit_gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        gradient = y_pred.copy(order="C")
        _subtract_one(gradient, y_true)
        return gradient

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ignore_class": None}


def _at(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The element of each row, on the last axis, that its label names."""
    flat = rows.reshape(-1, rows.shape[-1])
    return flat[np.arange(len(flat)), labels.reshape(-1)].reshape(labels.shape)


def _subtract_one(rows: np.ndarray, labels: np.ndarray) -> None:
    """Subtract one there, in place; rows are C-contiguous."""
    flat = rows.reshape(-1, rows.shape[-1])
    flat[np.arange(len(flat)), labels.reshape(-1)] -= 1


def _values(loss: Loss, y_true: Any, y_pred: Any) -> np.ndarray:
    y_pred = floating(y_pred, f"loss {loss.name!r}: y_pred")
    return loss.call(loss.match(y_true, y_pred), y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> np.ndarray:
    """One value per sample; see `MeanSquaredError`."""
    return _values(MeanSquaredError(), y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> np.ndarray:
    """One value per sample; see `MeanAbsoluteError`."""
    return _values(MeanAbsoluteError(), y_true, y_pred)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0
) -> np.ndarray:
    """One value per sample; see `BinaryCrossentropy`."""
    return _values(BinaryCrossentropy(from_logits, label_smoothing), y_true, y_pred)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0
) -> np.ndarray:
    """One value per sample; see `CategoricalCrossentropy`."""
    return _values(CategoricalCrossentropy(from_logits, label_smoothing), y_true, y_pred)


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> np.ndarray:
    """One value per sample; see `SparseCategoricalCrossentropy`."""
    return _values(SparseCategoricalCrossentropy(from_logits), y_true, y_pred)


_registry: Registry[Loss] = Registry("loss", Loss, "keras.losses")
_registry.add(MeanSquaredError, "mse", "MSE", function=mean_squared_error)
_registry.add(MeanAbsoluteError, "mae", "MAE", function=mean_absolute_error)
_registry.add(BinaryCrossentropy, "bce", "BCE", function=binary_crossentropy)
_registry.add(CategoricalCrossentropy, function=categorical_crossentropy)
_registry.add(SparseCategoricalCrossentropy, function=sparse_categorical_crossentropy)

get = _registry.get
serialize = _registry.serialize
