"""Cross-entropies: binary, of one-hot labels, of class numbers. Probabilities are clipped to [1e-7, 1 - 1e-7]."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels, activations
from rnnfast.losses.base import EPSILON, Loss, NamedLoss, mean_over_last, per_sample, spread


class CrossEntropy(NamedLoss):
    """What the cross-entropies share. from_logits: y_pred has not been through sigmoid or softmax.

    axis: that of y_pred which one value is computed from, in place of the last. What a subclass defines takes it last.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        if not _arguments.is_whole(axis):
            raise ValueError(f"{type(self).__name__}: axis must be an integer, got {axis!r}")
        self.axis = int(axis)
        if not 0.0 <= _arguments.number(f"{type(self).__name__}: label_smoothing", label_smoothing) <= 1.0:
            raise ValueError(f"{type(self).__name__}: label_smoothing must lie in [0, 1], got {label_smoothing!r}")
        self.from_logits = bool(from_logits)
        self.label_smoothing = float(label_smoothing)

    def prepared(self, y_true: Any, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.axis == -1:
            return super().prepared(y_true, y_pred)
        if not -y_pred.ndim <= self.axis < y_pred.ndim:
            raise ValueError(f"loss {self.name!r}: axis={self.axis} does not fit predictions of shape {y_pred.shape}")
        y_true = _arguments.numeric(f"loss {self.name!r}: y_true", y_true)
        moved = y_true if y_true.ndim != y_pred.ndim else np.moveaxis(y_true, self.axis, -1)
        return super().prepared(moved, np.moveaxis(y_pred, self.axis, -1))

    def axes_of_a_value(self, rank: int) -> list[int]:
        return [self.axis % rank]

    def restored(self, gradient: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.moveaxis(gradient, -1, self.axis))

    def sees_through(self, activation: str | None) -> bool:
        return super().sees_through(activation) and not self.from_logits and self.axis == -1

    def get_config(self) -> dict[str, Any]:
        config = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, "axis": self.axis}
        return {**super().get_config(), **config}


def binary_labels(loss: CrossEntropy, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
    """Matched labels 0 and 1, moved towards one half by the label smoothing."""
    return Loss.match(loss, y_true, y_pred) * (1 - loss.label_smoothing) + loss.label_smoothing / 2


def binary_entropy(y_true: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The cross-entropy of each element, for probabilities inside 0 and 1."""
    return -(y_true * np.log(p) + (1 - y_true) * np.log1p(-p))


def one_hot_labels(loss: CrossEntropy, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
    """Matched one-hot labels, moved towards equal shares by the label smoothing. ValueError for class numbers."""
    shape = np.shape(y_true)
    if shape != y_pred.shape and shape in (y_pred.shape[:-1], (*y_pred.shape[:-1], 1)):
        raise ValueError(
            f"loss {loss.name!r}: expected one-hot y_true of shape {y_pred.shape}, got {shape}; "
            "for class numbers use 'sparse_categorical_crossentropy'"
        )
    # Keras counts the last axis as it came, which is here the one before where the classes have been moved behind it.
    count = y_pred.shape[-1 if loss.axis in (-1, y_pred.ndim - 1) else -2]
    return Loss.match(loss, y_true, y_pred) * (1 - loss.label_smoothing) + loss.label_smoothing / count


class BinaryCrossentropy(CrossEntropy):
    """Mean over the last axis of `-(y log p + (1 - y) log(1 - p))`, p = y_pred or, `from_logits`, its sigmoid.

    label_smoothing s: y becomes `y (1 - s) + s / 2`.

    >>> from rnnfast.losses import BinaryCrossentropy
    >>> round(BinaryCrossentropy()([[1.0], [0.0]], [[0.5], [0.5]]), 4)  # log(2)
    0.6931
    """

    default_name = "binary_crossentropy"
    logits_activation = "sigmoid"

    match = binary_labels

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            values = np.maximum(y_pred, 0) - y_pred * y_true + np.log1p(np.exp(-np.abs(y_pred)))
        else:
            values = binary_entropy(y_true, np.clip(y_pred, EPSILON, 1 - EPSILON))
        return mean_over_last(values)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            return self.logit_gradient(y_true, activations.sigmoid(y_pred))
        p = np.clip(y_pred, EPSILON, 1 - EPSILON)
        return np.where(p == y_pred, (p - y_true) / (p * (1 - p)), 0) / y_pred.dtype.type(y_pred.shape[-1])

    def logit_gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return (y_pred - y_true) / y_pred.shape[-1]


def _log_probabilities(y_pred: np.ndarray, from_logits: bool) -> np.ndarray:
    """log p over the last axis: of softmax(y_pred), or of y_pred brought to sum one and clipped."""
    if from_logits:
        return activations.log_softmax(y_pred)
    return np.log(np.clip(y_pred / y_pred.sum(axis=-1, keepdims=True), EPSILON, 1 - EPSILON))


def inside(p: np.ndarray) -> np.ndarray:
    """Where clipping leaves probabilities as they are."""
    return (p >= EPSILON) & (p <= 1 - EPSILON)


def through_sum(dp: np.ndarray, p: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Gradient by y_pred, given the one by `p = y_pred / total`, total being the sum over the last axis."""
    return (dp - (dp * p).sum(axis=-1, keepdims=True)) / total


def _through_normalization(d_log_p: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Gradient by y_pred of a function of `_log_probabilities(y_pred, False)`, given the one by the logs."""
    total = y_pred.sum(axis=-1, keepdims=True)
    p = y_pred / total
    kept = inside(p)
    return through_sum(np.where(kept, d_log_p / np.where(kept, p, 1), 0), p, total)


class CategoricalCrossentropy(CrossEntropy):
    """`-sum(y log p)` over the last axis, y one-hot, p = y_pred (brought to sum one) or, `from_logits`, its softmax.

    label_smoothing s over C classes: y becomes `y (1 - s) + s / C`. As in Keras, C is the size of the last axis also
    where the classes are on another `axis`.

    >>> from rnnfast.losses import CategoricalCrossentropy
    >>> round(CategoricalCrossentropy()([[0.0, 1.0]], [[0.75, 0.25]]), 4)  # log(4)
    1.3863
    """

    default_name = "categorical_crossentropy"
    logits_activation = "softmax"

    match = one_hot_labels

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return -(y_true * _log_probabilities(y_pred, self.from_logits)).sum(axis=-1)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            return self.logit_gradient(y_true, activations.softmax(y_pred))
        return _through_normalization(-y_true, y_pred)

    def logit_gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return y_pred * y_true.sum(axis=-1, keepdims=True) - y_true


_IGNORED = -1  # a matched label that does not count; as an index it is the last class, which is not used


class SparseCategoricalCrossentropy(CrossEntropy):
    """`-log p[y]`, y the number of the class, shape y_pred.shape[:-1] with or without a last axis of size 1.

    p as in `CategoricalCrossentropy`. ignore_class: a label, of any value, whose samples do not count: the mean is that
    of the others. ValueError: y out of range.

    >>> from rnnfast.losses import SparseCategoricalCrossentropy
    >>> round(SparseCategoricalCrossentropy()([1], [[0.75, 0.25]]), 4)  # log(4)
    1.3863
    """

    default_name = "sparse_categorical_crossentropy"
    logits_activation = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        if ignore_class is not None and not _arguments.is_whole(ignore_class):
            raise TypeError(
                f"SparseCategoricalCrossentropy: ignore_class must be None or an integer, got {ignore_class!r}"
            )
        super().__init__(from_logits, axis=axis, reduction=reduction, name=name)
        self.ignore_class = None if ignore_class is None else int(ignore_class)

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
        if self.ignore_class is not None:
            ignored = y_true == self.ignore_class
            labels, bad = np.where(ignored, _IGNORED, labels), bad & ~ignored
        if bad.any():
            raise ValueError(
                f"loss {self.name!r}: class {y_true[bad][0]} in y_true is out of range: expected an integer from 0 to "
                f"{classes - 1}"
            )
        return labels

    def value_mask(self, y_true: np.ndarray, shape: tuple[int, ...], mask: np.ndarray | None) -> np.ndarray | None:
        if self.ignore_class is None:
            return mask
        counted = self.counted(y_true)
        return counted if mask is None else counted & (spread(mask, shape, f"loss {self.name!r}: mask") != 0)

    def counted(self, y_true: np.ndarray) -> np.ndarray:
        """Where the matched labels are not of the class that is ignored."""
        return y_true != _IGNORED

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            values = -_at(activations.log_softmax(y_pred), y_true)
        else:
            values = -np.log(np.clip(_at(y_pred, y_true) / y_pred.sum(axis=-1), EPSILON, 1 - EPSILON))
        return values if self.ignore_class is None else np.where(y_true == _IGNORED, 0, values)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            return self.logit_gradient(y_true, activations.softmax(y_pred))
        d_log_p = np.zeros(y_pred.shape, y_pred.dtype)
        _put_at(d_log_p, y_true, -1)
        return self._of_counted(_through_normalization(d_log_p, y_pred), y_true)

    def logit_gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return self._scaled_logit_gradient(y_true, y_pred, 1)

    def scaled_gradient(self, y_true: np.ndarray, y_pred: np.ndarray, at_logits: bool, scale: Any) -> np.ndarray:
        if not (at_logits or self.from_logits):
            return super().scaled_gradient(y_true, y_pred, at_logits, scale)
        p = y_pred if at_logits else activations.softmax(y_pred)
        return self._scaled_logit_gradient(y_true, p, scale)

    def _scaled_logit_gradient(self, y_true: np.ndarray, p: np.ndarray, scale: Any) -> np.ndarray:
        """In one pass over all classes: with many of them passes are what training's loss costs."""
        factors = np.asarray(scale, p.dtype)
        gradient = np.multiply(p, factors, out=_kernels.empty(p.shape, p.dtype))
        _put_at(gradient, y_true, (_at(p, y_true) - 1) * (factors[..., 0] if factors.ndim else factors))
        return self._of_counted(gradient, y_true)

    def _of_counted(self, gradient: np.ndarray, y_true: np.ndarray) -> np.ndarray:
        if self.ignore_class is not None:
            gradient[y_true == _IGNORED] = 0
        return gradient

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | {"ignore_class": self.ignore_class}
        del config["label_smoothing"]
        return config


def _at(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The element of each row, on the last axis, that its label names."""
    flat = rows.reshape(-1, rows.shape[-1])
    return flat[np.arange(len(flat)), labels.reshape(-1)].reshape(labels.shape)


def _put_at(rows: np.ndarray, labels: np.ndarray, values: Any) -> None:
    """Write values there, in place; rows are C-contiguous."""
    flat = rows.reshape(-1, rows.shape[-1])
    flat[np.arange(len(flat)), labels.reshape(-1)] = np.reshape(values, -1)


binary_crossentropy = per_sample(BinaryCrossentropy)
categorical_crossentropy = per_sample(CategoricalCrossentropy)
sparse_categorical_crossentropy = per_sample(SparseCategoricalCrossentropy)
