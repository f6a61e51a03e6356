"""Rescaling and Normalization: data brought to a scale that networks like."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from rnnfast import _arguments, initializers
from rnnfast.layers.axes import AxisLayer, given_axes
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.lowered import NoLoweringError
from rnnfast.layers.traced import operator
from rnnfast.variable import Variable

# Keras' backend.epsilon(): the smallest standard deviation that Normalization divides by.
_SMALLEST_DEVIATION = 1e-7


@operator("scale")
class Rescaling(Layer):
    """`y = scale * x + offset`. x of any shape; scale and offset: numbers, or arrays that are broadcast to x.

    y has the shape of x. A mask is passed on.

    >>> from rnnfast.layers import Rescaling
    >>> Rescaling(1 / 4, offset=-1.0)([[0, 8]])
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.scale, self.offset = scale, offset

    def __setattr__(self, name: str, value: Any) -> None:
        """Numbers are arrays, whenever they are set."""
        if name in ("scale", "offset"):
            value = _arguments.numeric(f"{self.label}: {name}", value).astype(np.float64)
        super().__setattr__(name, value)

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        for argument, value in (("scale", self.scale), ("offset", self.offset)):
            fits = value.ndim <= len(shape) and all(
                n in (1, size) or size is None for n, size in zip(value.shape[::-1], shape[::-1], strict=False)
            )
            if not fits:
                raise ValueError(
                    f"{self.label}: {argument} of shape {value.shape} cannot be broadcast to input of shape {shape}"
                )

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return x * self.scale.astype(x.dtype) + self.offset.astype(x.dtype), None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy * self.scale.astype(dy.dtype)

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        features = (self.input_shape or (None,))[-1]
        if features is None or self.scale.size not in (1, features) or self.offset.size not in (1, features):
            raise NoLoweringError(f"{self.label}: the inference engine scales a last axis of known size only")
        scale, offset = (np.broadcast_to(v.ravel(), (features,)) for v in (self.scale, self.offset))
        return program.scale(value, None, scale, offset, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale.tolist(), "offset": self.offset.tolist()}


class Normalization(AxisLayer):
    """`y = (x - mean) / sqrt(variance)` for each place along `axis` (default: the last; None: one for all data).

    mean and variance are given, numbers or arrays along `axis`, or measured by `adapt`; with neither they are 0 and 1.
    A standard deviation below 1e-7 counts as that. invert: `y = x * sqrt(variance) + mean` instead. x and y have the
    same shape. Weights, unless mean and variance are given: mean and variance (sizes of `axis`) and count (), not
    trainable. A mask is passed on.

    ValueError: only one of mean and variance, or they do not fit `axis`.

    >>> import numpy as np
    >>> from rnnfast.layers import Normalization
    >>> layer = Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> layer(np.array([[2.0, 40.0]]))
    array([[0., 2.]], dtype=float32)
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        nothing = axis is None or (isinstance(axis, (list, tuple)) and len(axis) == 0)
        self.axis = [] if nothing else given_axes(f"{self.label}: axis", axis)
        self.invert = bool(invert)
        if (mean is None) != (variance is None):
            raise ValueError(f"{self.label}: mean and variance must both be given, got {mean!r} and {variance!r}")
        self.input_mean, self.input_variance = (
            None if v is None else _arguments.numeric(f"{self.label}: {argument}", v).astype(np.float64)
            for argument, v in (("mean", mean), ("variance", variance))
        )
        if self.input_mean is not None and self.input_variance is not None:
            given, other = self.input_mean.shape, self.input_variance.shape
            if given != other:
                raise ValueError(f"{self.label}: mean and variance must have one shape, got {given} and {other}")
            if len(given) > len(self.along):
                raise ValueError(f"{self.label}: mean and variance of shape {given} exceed axis={self.along}")
        self._zeros, self._ones = initializers.get("zeros"), initializers.get("ones")
        self.adapt_mean: Variable | None = None
        self.adapt_variance: Variable | None = None

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        if 0 in self.resolved(len(shape)):
            raise ValueError(f"{self.label}: axis={self.along} names the batch of input of shape {shape}")
        sizes, given = self.sizes_along(shape), () if self.input_mean is None else self.input_mean.shape
        if any(n not in (1, size) for n, size in zip(given[::-1], sizes[::-1], strict=False)):
            raise ValueError(f"{self.label}: mean and variance of shape {given} do not fit input of shape {shape}")

    def create_variables(self, input_shape: Shape) -> None:
        if self.input_mean is None:
            sizes = self.sizes_along(input_shape)
            self.adapt_mean = self.add_weight("mean", sizes, self._zeros, trainable=False)
            self.adapt_variance = self.add_weight("variance", sizes, self._ones, trainable=False)
            # Keras keeps it in files, and counts nothing with it.
            self.add_weight("count", (), self._zeros, dtype="int32", trainable=False)

    def adapt(self, data: Any) -> None:
        """Measure mean and variance of data, which forgets those of before.

        data: an array (samples, ...), or an iterable of such arrays (batches); of tuples the first entry counts.
        ValueError: no data, batches whose shapes do not fit, or mean and variance were given; TypeError: not numeric.

        >>> from rnnfast.layers import Normalization
        >>> layer = Normalization(axis=None)
        >>> layer.adapt(batch for batch in ([[1.0], [2.0]], [[3.0]]))
        >>> float(layer.mean)
        2.0
        """
        if self.input_mean is not None:
            raise ValueError(f"{self.label}: adapt: mean and variance were given to the layer")
        total, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in self._batches(data):
            others = self.others(batch.ndim)
            count = math.prod(batch.shape[axis] for axis in others)
            if count == 0:
                continue
            new_mean = batch.mean(axis=others, dtype=np.float64)
            new_variance = batch.var(axis=others, dtype=np.float64)
            # Chan, Golub and LeVeque 1979: the statistics of two parts make those of the whole.
            share = count / (total + count)
            away = new_mean - mean
            variance = variance * (1 - share) + new_variance * share + np.square(away) * share * (1 - share)
            mean = mean + away * share
            total += count
        if total == 0 or self.adapt_mean is None or self.adapt_variance is None:
            raise ValueError(f"{self.label}: adapt: data holds no values")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _batches(self, data: Any) -> Iterable[np.ndarray]:
        if hasattr(data, "__array__"):
            batches: Iterable[Any] = [data]
        elif isinstance(data, Iterable) and not isinstance(data, (str, bytes, dict)):
            batches = data
        else:
            raise TypeError(
                f"{self.label}: adapt: data must be an array or an iterable of arrays, got {type(data).__name__}"
            )
        for batch in batches:
            array = _arguments.numeric(f"{self.label}: adapt: data", batch[0] if isinstance(batch, tuple) else batch)
            if self.built:
                self.check_shape(array.shape)
            else:
                self.build(array.shape)
            yield array

    @property
    def mean(self) -> np.ndarray:
        """Mean along `axis`, as given or measured."""
        return self._statistic(self.input_mean, self.adapt_mean)

    @property
    def variance(self) -> np.ndarray:
        """Variance along `axis`, as given or measured."""
        return self._statistic(self.input_variance, self.adapt_variance)

    def _statistic(self, given: np.ndarray | None, measured: Variable | None) -> np.ndarray:
        if given is not None:
            return np.broadcast_to(given, self.sizes_along(self.input_shape or ())) if self.built else given
        if measured is None:
            raise ValueError(f"{self.label} is not built yet: call it on data, adapt(data) or build(input_shape)")
        return measured.value

    def _shift_and_scale(self, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation in a dtype."""
        deviation = np.maximum(np.sqrt(self.variance.astype(np.float64)), _SMALLEST_DEVIATION)
        return self.mean.astype(dtype), deviation.astype(dtype)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        mean, deviation = (self.spread(v, x.ndim) for v in self._shift_and_scale(x.dtype))
        return x * deviation + mean if self.invert else (x - mean) / deviation, None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        deviation = self.spread(self._shift_and_scale(dy.dtype)[1], dy.ndim)
        return dy * deviation if self.invert else dy / deviation

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        shape = self.input_shape or (None,)
        features = shape[-1]
        if features is None or (self.along and not self.is_last(len(shape))):
            raise NoLoweringError(f"{self.label}: the inference engine scales a last axis of known size only")
        mean, deviation = (np.broadcast_to(v, (features,)) for v in self._shift_and_scale(np.float64))
        if self.invert:
            return program.scale(value, None, deviation, mean, self.name)
        return program.scale(value, mean, 1 / deviation, None, self.name)

    def get_config(self) -> dict[str, Any]:
        mean, variance = (None if v is None else v.tolist() for v in (self.input_mean, self.input_variance))
        return {
            **super().get_config(), "axis": self.axis, "invert": self.invert, "mean": mean, "variance": variance,
        }  # fmt: skip
