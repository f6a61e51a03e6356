"""Activations as layers with parameters: ReLU, LeakyReLU, PReLU, ELU, Softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels, activations, constraints, initializers, regularizers
from rnnfast.layers.axes import AxisLayer, given_axes
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.lowered import NoLoweringError
from rnnfast.variable import Variable


class _ActivationLayer(Layer):
    """x and y of the same, any, shape; a mask is passed on."""

    passes_in_core = True

    @property
    def function(self) -> Any:
        """The kernels' activation for these arguments, None where there is none."""
        raise TypeError(f"{self.label} does not define function")

    def not_negative(self, argument: str, value: Any) -> float:
        number = _arguments.number(f"{self.label}: {argument}", value)
        if number < 0:
            raise ValueError(f"{self.label}: {argument} must not be negative, got {value!r}")
        return number

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        y = _kernels.activation_forward(self.function, x)
        return y, (x, y) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        x, y = cache
        return _kernels.activation_backward(self.function, x, y, dy) if need_dx else None

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        return program.activation(value, self.function, self.name)


class LeakyReLU(_ActivationLayer):
    """`y = x` where x > 0, else `negative_slope * x`. Any shape; a mask is passed on.

    ValueError: a negative slope that is itself negative.

    >>> from rnnfast.layers import LeakyReLU
    >>> LeakyReLU(0.5)([[-2.0, 2.0]])
    array([[-1.,  2.]], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.3, **options: Any) -> None:
        alpha = options.pop("alpha", None)
        super().__init__(**options)
        if alpha is not None:
            self.warn_old("alpha", "use negative_slope instead")
            negative_slope = alpha
        self.negative_slope = self.not_negative("negative_slope", negative_slope)

    @property
    def function(self) -> activations.Activation:
        return activations.leaky_relu._replace(alpha=self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(_ActivationLayer):
    """`y = x` where x > 0, else `alpha * (exp(x) - 1)` (Clevert et al. 2015). Any shape; a mask is passed on.

    >>> from rnnfast.layers import ELU
    >>> ELU()([[-100.0, 2.0]])
    array([[-1.,  2.]], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.alpha = _arguments.number(f"{self.label}: alpha", alpha)

    @property
    def function(self) -> activations.Activation:
        return activations.elu._replace(alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class ReLU(_ActivationLayer):
    """`y = min(x, max_value)` where x > threshold, else `negative_slope * (x - threshold)`; max_value None: no bound.

    Any shape; a mask is passed on. ValueError: a negative argument.

    >>> from rnnfast.layers import ReLU
    >>> ReLU(max_value=1.0)([[-2.0, 0.5, 2.0]])
    array([[0. , 0.5, 1. ]], dtype=float32)
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.max_value = None if max_value is None else self.not_negative("max_value", max_value)
        self.negative_slope = self.not_negative("negative_slope", negative_slope)
        self.threshold = self.not_negative("threshold", threshold)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        # Asked this way round, NaN stays NaN.
        low = x <= x.dtype.type(self.threshold)
        below = (x - x.dtype.type(self.threshold)) * x.dtype.type(self.negative_slope) if self.negative_slope else 0
        above = x if self.max_value is None else np.minimum(x, x.dtype.type(self.max_value))
        return np.where(low, below, above).astype(x.dtype, copy=False), (x, low) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        x, low = cache
        if not need_dx:
            return None
        free = 1.0 if self.max_value is None else x <= x.dtype.type(self.max_value)
        return dy * np.where(low, self.negative_slope, free).astype(dy.dtype)

    @property
    def function(self) -> activations.Activation | None:
        if self.threshold or self.max_value not in (None, 6.0) or (self.max_value and self.negative_slope):
            return None
        if self.negative_slope:
            return activations.leaky_relu._replace(alpha=self.negative_slope)
        return activations.relu6 if self.max_value else activations.relu

    def lower(self, program: Any, value: Any) -> Any:
        if self.function is None:
            slopes = [self.negative_slope] if self.negative_slope else None
            most = np.inf if self.max_value is None else self.max_value
            return program.rectify(value, self.threshold, most, slopes, self.name)
        return super().lower(program, value)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class PReLU(Layer):
    """`y = x` where x > 0, else `alpha * x` with learned alpha (He et al. 2015). x and y of the same shape.

    shared_axes: axes (the batch is 0) along which one alpha serves all places. Weight: alpha, the shape of a sample, 1
    along shared axes. A mask is passed on. ValueError: an axis that is not shared is of unknown size.

    >>> from rnnfast.layers import PReLU
    >>> PReLU(alpha_initializer="ones")([[-2.0, 2.0]])
    array([[-2.,  2.]], dtype=float32)
    """

    min_rank = 2

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = self.regularizer("alpha_regularizer", alpha_regularizer)
        self.alpha_constraint = self.constraint("alpha_constraint", alpha_constraint)
        self.shared_axes = None if shared_axes is None else given_axes(f"{self.label}: shared_axes", shared_axes)
        self.alpha: Variable

    def create_variables(self, input_shape: Shape) -> None:
        shared = self.shared_axes or []
        if any(not 1 <= axis < len(input_shape) for axis in shared):
            raise ValueError(f"{self.label}: shared_axes={shared} do not fit input of shape {input_shape}")
        sizes = [1 if axis in shared else n for axis, n in enumerate(input_shape)][1:]
        known = tuple(n for n in sizes if n is not None)
        if len(known) < len(sizes):
            raise ValueError(
                f"{self.label}: an axis of unknown size must stand in shared_axes={self.shared_axes}, got input of "
                f"shape {input_shape}"
            )
        self.alpha = self.add_weight(
            "alpha", known, self.alpha_initializer,
            regularizer=self.alpha_regularizer, constraint=self.alpha_constraint,
        )  # fmt: skip

    @property
    def mixes_time(self) -> bool:
        return 1 not in (self.shared_axes or [])

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        if self.built:
            wanted = self.alpha.shape
            fits = len(shape) == len(wanted) + 1 and all(
                n is None or n == size or axis in (self.shared_axes or [])
                for axis, (n, size) in enumerate(zip(shape[1:], wanted, strict=True), 1)
            )
            if not fits:
                raise ValueError(f"{self.label}: expected input of shape {self.input_shape}, got {shape}")

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return np.where(x > 0, x, self.alpha.value * x), x if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        positive = cache > 0
        axes = (0, *(self.shared_axes or []))
        self.alpha.add_grad(np.where(positive, 0, dy * cache).sum(axis=axes).reshape(self.alpha.shape))
        return np.where(positive, dy, dy * self.alpha.value) if need_dx else None

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        sizes: Any = (self.input_shape or ())[1:]
        shared = [axis for axis, n in enumerate(self.alpha.shape) if n == 1 and sizes[axis] != 1]
        first = next((axis for axis in range(len(sizes)) if axis not in shared), len(sizes))
        if None in sizes[first:]:
            raise NoLoweringError(f"{self.label}: the engine needs the sizes behind axis {first + 1}, got {sizes}")
        slopes = np.broadcast_to(self.alpha.value.reshape(self.alpha.shape[first:]), sizes[first:])
        return program.rectify(value, 0.0, np.inf, slopes.ravel(), self.name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


class Softmax(AxisLayer):
    """`y = exp(x) / sum(exp(x))`, the sum along `axis` (default: the last). x and y of the same, any, shape.

    A mask that is broadcast to x leaves its False places out: they are zero. It is passed on.

    >>> from rnnfast.layers import Softmax
    >>> Softmax()([[1.0, 1.0]])
    array([[0.5, 0.5]], dtype=float32)
    """

    needs_sizes = False

    def __init__(self, axis: Any = -1, **options: Any) -> None:
        super().__init__(**options)
        axes = given_axes(f"{self.label}: axis", axis)
        self.axis = axes if isinstance(axis, (list, tuple)) else axes[0]

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        real = self._broadcast(mask, x.shape)
        if real is None and self.is_last(x.ndim):
            y = _kernels.activation_forward(activations.softmax, x)
        else:
            axes = self.resolved(x.ndim)
            # Keras' number for a masked score: a row without a real place divides evenly before it is set to zero.
            shown = x if real is None else np.where(real, x, x.dtype.type(-1e9))
            e = np.exp(shown - shown.max(axis=axes, keepdims=True))
            y = e / e.sum(axis=axes, keepdims=True)
            y = y if real is None else np.where(real, y, x.dtype.type(0))
        return y, y if training else None

    def _broadcast(self, mask: Any, shape: tuple[int, ...]) -> np.ndarray | None:
        if mask is None:
            return None
        array = _arguments.numeric(f"{self.label}: mask", mask).astype(bool, copy=False)
        if array.ndim > len(shape) or any(
            n not in (1, size) for n, size in zip(array.shape[::-1], shape[::-1], strict=False)
        ):
            raise ValueError(f"{self.label}: mask of shape {array.shape} cannot be broadcast to input of shape {shape}")
        return array

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        y = cache
        return y * (dy - (dy * y).sum(axis=self.resolved(y.ndim), keepdims=True)) if need_dx else None

    @property
    def carries_mask(self) -> bool:
        return True

    @property
    def output_activation(self) -> str | None:
        return "softmax" if self.built and self.is_last(len(self.input_shape or ())) else None

    def backward_logits(self, dz: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dz if need_dx else None

    def lower(self, program: Any, value: Any) -> Any:
        if program.masked(value):
            raise NoLoweringError(f"{self.label}: the engine takes values without a mask only")
        return self.lower_along(
            program, value, lambda v: program.activation(v, activations.softmax, self.name), takes_any_size=True
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
