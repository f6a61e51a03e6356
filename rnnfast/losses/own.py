"""Functions of the user's own as losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast._registry import object_name
from rnnfast.losses.base import Loss


class FunctionLoss(Loss):
    """A function of the user's own, or any callable, `function(y_true, y_pred)`, as a loss.

    It gives one value per sample, per sample and step, or per element, or one number for all. To be trained with it
    needs an attribute `gradient`, a function of the same arguments that gives the derivative of each value by its part
    of y_pred, in the shape of y_pred: there is no automatic differentiation. Without it a model can be evaluated, and
    training raises a TypeError. As in Keras, a last axis of size 1 that y_true or y_pred alone has is taken off, or
    added to labels of shape (samples,).

    name: default that of the function. reduction: see `Loss`. TypeError: it does not take two arguments.

    >>> import numpy as np, rnnfast
    >>> def quartic(y_true, y_pred):
    ...     return np.mean((y_pred - y_true) ** 4, axis=-1)
    >>> quartic.gradient = lambda y_true, y_pred: 4 * (y_pred - y_true) ** 3 / y_pred.shape[-1]
    >>> rnnfast.losses.get(quartic)([[0.0, 0.0]], [[1.0, 2.0]])
    8.5
    """

    def __init__(
        self, function: Callable[..., Any], reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        super().__init__(name or object_name(function), reduction)
        self.function: Any = function
        _arguments.taken_by(f"loss {self.name!r}", function, "(y_true, y_pred)", None, None)

    def prepared(self, y_true: Any, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y_true = _arguments.numeric(f"loss {self.name!r}: y_true", y_true).astype(y_pred.dtype, copy=False)
        if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
            return (y_true, y_pred[:, None]) if y_pred.ndim == 1 else (y_true[..., 0], y_pred)
        if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
            return (y_true[:, None], y_pred) if y_true.ndim == 1 else (y_true, y_pred[..., 0])
        return y_true, y_pred

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return self.function(y_true, y_pred)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.untrainable is not None:
            raise TypeError(self.untrainable)
        return self.function.gradient(y_true, y_pred)

    @property
    def untrainable(self) -> str | None:
        if callable(getattr(self.function, "gradient", None)):
            return None
        return (
            f"loss {self.name!r} can be evaluated and not be trained with: there is no automatic differentiation; give "
            "it an attribute gradient, a function of (y_true, y_pred) that gives the derivative of each of its values "
            "by y_pred, as an array of the shape of y_pred"
        )
