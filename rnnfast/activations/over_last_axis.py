"""Activations over the last axis that the kernels do not have: they run in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnnfast import _arguments
from rnnfast.activations.built_in import floats, sigmoid


class OverLastAxis(NamedTuple):
    """An activation as a pair of functions.

    name: Keras' name. value: x -> y. slope: (x, y, dy) -> the gradient of x. halves: the last axis of y is half as long
    as that of x, which must be even (ValueError).

    >>> from rnnfast.activations import glu, sparsemax
    >>> glu([[1.0, 2.0, 0.0, 0.0]])
    array([[0.5, 1. ]])
    >>> sparsemax([1.0, 0.5, -1.0])
    array([0.75, 0.25, 0.  ])
    """

    name: str
    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    halves: bool = False

    @property
    def elementwise(self) -> bool:
        return False

    def __call__(self, x: Any, axis: int = -1) -> Any:
        """Apply to an array of one axis or more, along the last or another; float64 stays float64, everything else is
        computed in float32. Of the output of a layer it makes that of an Activation layer, along the last axis."""
        if hasattr(x, "activated_by"):
            if axis not in (-1, x.ndim - 1):
                raise ValueError(
                    f"activation {self.name!r}: of the output of a layer it takes the last axis, got {axis}"
                )
            return x.activated_by(self)
        array = floats(f"activation {self.name!r}: x", x)
        if not _arguments.is_whole(axis) or not -array.ndim <= axis < array.ndim:
            raise ValueError(f"activation {self.name!r}: x of shape {array.shape} has no axis {axis!r}")
        array = np.moveaxis(array, axis, -1)
        self.output_size(array.shape[-1])
        return np.moveaxis(self.forward(array), -1, axis)

    def output_size(self, size: int | None) -> int | None:
        """The length of the last axis of y, from that of x."""
        if not self.halves or size is None:
            return size
        if size % 2:
            raise ValueError(f"activation {self.name!r}: expected a last axis of even size, got {size}")
        return size // 2

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self.value(x)

    def backward(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """The gradient of x, where y = forward(x)."""
        return self.slope(x, y, dy)


def _glu(x: np.ndarray) -> np.ndarray:
    value, gate = np.split(x, 2, axis=-1)
    return value * sigmoid.forward(gate)


def _glu_slope(x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    gate = sigmoid.forward(np.split(x, 2, axis=-1)[1])
    return np.concatenate([dy * gate, dy * y * (1 - gate)], axis=-1)


def _sparsemax(x: np.ndarray) -> np.ndarray:
    """What is left of x above the height at which that adds up to one (Martins, Astudillo 2016; arXiv 1602.02068)."""
    x = x - x.max(axis=-1, keepdims=True)
    falling = -np.sort(-x, axis=-1)
    above = falling.cumsum(axis=-1) - 1
    counts = np.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    last = (counts * falling > above).sum(axis=-1, keepdims=True) - 1
    last = np.maximum(last, 0)  # NaN is above nothing, and stays in its row
    return np.maximum(x - np.take_along_axis(above / counts, last, axis=-1), 0)


def _sparsemax_slope(x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    left = y > 0
    mean = (dy * left).sum(axis=-1, keepdims=True) / left.sum(axis=-1, keepdims=True, dtype=dy.dtype)
    return np.where(left, dy - mean, dy.dtype.type(0))


glu = OverLastAxis("glu", _glu, _glu_slope, halves=True)
sparsemax = OverLastAxis("sparsemax", _sparsemax, _sparsemax_slope)
