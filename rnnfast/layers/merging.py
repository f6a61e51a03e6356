"""Layers of several inputs that are combined element by element, and what all layers of several inputs share.

>>> import numpy as np
>>> from rnnfast.layers import Add
>>> Add()([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])])
array([[11., 22.]], dtype=float32)
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.traced import operator

Arrays = list[np.ndarray]
Masks = list[np.ndarray | None]


class Merge(Layer):
    """Base of the layers that take a list of arrays, (batch, ...) each, and give one.

    Sizes must agree, or be 1; an input of fewer axes gets axes of size 1 behind the batch axis. Masks: the output is
    masked where all inputs are, and not at all if one input has no mask. `backward` gives a list of gradients.
    """

    engine_mode: ClassVar[str]  # how the engine calls it
    heeds_masks: ClassVar[bool] = False  # whether values at masked steps are left out
    most: ClassVar[int | None] = None  # number of inputs

    def build(self, input_shape: Any) -> None:
        self.check_shape(input_shape)
        self.input_shape = [(None, *shape[1:]) for shape in input_shape]  # type: ignore[assignment]
        self.built = True

    def check_shape(self, shape: Any) -> None:
        listed = isinstance(shape, (list, tuple)) and len(shape) > 0 and isinstance(shape[0], (list, tuple))
        if not listed or (self.most is not None and len(shape) != self.most):
            count = "at least 1 input" if self.most is None else f"exactly {self.most} inputs"
            raise ValueError(f"{self.label}: expected a list of {count}, got input of shape {shape}")
        if len({s[0] for s in shape if len(s)} - {None}) > 1:
            raise ValueError(f"{self.label}: inputs must have one batch size, got shapes {shapes_text(shape)}")
        self.compute_output_shape(shape)

    def cast(self, x: Any) -> Any:
        arrays = _arguments.items(f"{self.label}: input", x, "a list of arrays")
        return [self.numeric(array).astype(self.dtype, copy=False) for array in arrays]

    @property
    def mixes_time(self) -> bool:
        """Whether one time step of an input meets all of another's."""
        times = [shape[1:2] for shape in _aligned(self.input_shape)] if self.input_shape is not None else []
        return (1,) in times and any(time != (1,) for time in times)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        aligned = _aligned(input_shape)
        sizes = []
        for axis in range(1, len(aligned[0])):
            known = {s[axis] for s in aligned} - {1}
            if len(known - {None}) > 1:
                raise ValueError(f"{self.label}: cannot merge inputs of shapes {shapes_text(input_shape)}")
            sizes.append(1 if not known else next(iter(known)) if len(known) == 1 else None)
        return (next((s[0] for s in aligned if s[0] is not None), None), *sizes)

    def forward(self, x: Any, *, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        rank = max(array.ndim for array in x)
        aligned = [a.reshape(len(a), *(1,) * (rank - a.ndim), *a.shape[1:]) for a in x]
        masks = zip(self.mask_list(x, mask), x, aligned, strict=True)
        y, cache = self._merge(aligned, [None if m is None else _spread(m, a.ndim, to.shape) for m, a, to in masks])
        return y, ([a.shape for a in x], aligned, cache) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> Any:
        shapes, aligned, inner = cache
        if not need_dx:
            return None
        return [
            _unbroadcast(self._share(dy, i, aligned, inner), aligned[i].shape).reshape(shape)
            for i, shape in enumerate(shapes)
        ]

    def _merge(self, x: Arrays, masks: Masks) -> tuple[np.ndarray, Any]:
        """The output for arrays of one rank, and what `_share` needs."""
        raise NotImplementedError

    def _share(self, dy: np.ndarray, i: int, x: Arrays, cache: Any) -> np.ndarray:
        """The gradient of input i, which may still have the shape of the output."""
        raise NotImplementedError

    def mask_list(self, x: Any, mask: Any) -> list[Any]:
        if mask is None:
            return [None] * len(x)
        masks = _arguments.items(f"{self.label}: mask", mask, "a list with a mask, or None, for each input")
        if len(masks) != len(x):
            raise ValueError(f"{self.label}: mask must have an entry for each of {len(x)} inputs, got {len(masks)}")
        return [self.check_mask(m, a.shape[: np.ndim(m) or 2]) for m, a in zip(masks, x, strict=True)]

    @property
    def carries_mask(self) -> bool:
        return True

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        masks = self.mask_list(x, mask)
        if any(m is None for m in masks):
            return None
        try:
            return _fold(np.logical_or, masks)
        except ValueError:
            shapes = shapes_text([m.shape for m in masks])
            raise ValueError(f"{self.label}: expected masks of one shape, got {shapes}") from None

    def lower(self, program: Any, value: Any) -> Any:
        return program.merge(value, self.engine_mode, self.name, self.heeds_masks)


@operator("+")
class Add(Merge):
    """The sum of the inputs.

    >>> import numpy as np
    >>> from rnnfast.layers import Add
    >>> Add()([np.array([[1.0, 4.0]]), np.array([[2.0, 3.0]])])
    array([[3., 7.]], dtype=float32)
    """

    engine_mode = "sum"

    def _merge(self, x: Arrays, masks: Masks) -> tuple[np.ndarray, Any]:
        return _fold(np.add, x), None

    def _share(self, dy: np.ndarray, i: int, x: Arrays, cache: Any) -> np.ndarray:
        return dy


@operator("-")
class Subtract(Merge):
    """The first input minus the second.

    >>> import numpy as np
    >>> from rnnfast.layers import Subtract
    >>> Subtract()([np.array([[1.0, 4.0]]), np.array([[2.0, 3.0]])])
    array([[-1.,  1.]], dtype=float32)
    """

    engine_mode = "sub"
    most = 2

    def _merge(self, x: Arrays, masks: Masks) -> tuple[np.ndarray, Any]:
        return x[0] - x[1], None

    def _share(self, dy: np.ndarray, i: int, x: Arrays, cache: Any) -> np.ndarray:
        return -dy if i else dy


class Average(Merge):
    """The mean of the inputs.

    >>> import numpy as np
    >>> from rnnfast.layers import Average
    >>> Average()([np.array([[1.0, 4.0]]), np.array([[2.0, 3.0]])])
    array([[1.5, 3.5]], dtype=float32)
    """

    engine_mode = "ave"

    def _merge(self, x: Arrays, masks: Masks) -> tuple[np.ndarray, Any]:
        return _fold(np.add, x) / x[0].dtype.type(len(x)), None

    def _share(self, dy: np.ndarray, i: int, x: Arrays, cache: Any) -> np.ndarray:
        return dy / dy.dtype.type(len(x))


@operator("*")
class Multiply(Merge):
    """The product of the inputs. A masked step counts as 1; where all inputs are masked the output is zero.

    >>> import numpy as np
    >>> from rnnfast.layers import Multiply
    >>> Multiply()([np.array([[1.0, 4.0]]), np.array([[2.0, 3.0]])])
    array([[ 2., 12.]], dtype=float32)
    """

    engine_mode = "mul"
    heeds_masks = True

    def _merge(self, x: Arrays, masks: Masks) -> tuple[np.ndarray, Any]:
        one = x[0].dtype.type(1)
        factors = [a if m is None else np.where(m, a, one) for a, m in zip(x, masks, strict=True)]
        y = _fold(np.multiply, factors)
        real = None if any(m is None for m in masks) else _fold(np.logical_or, masks)
        return (y if real is None else np.where(real, y, y.dtype.type(0))), (factors, masks)

    def _share(self, dy: np.ndarray, i: int, x: Arrays, cache: Any) -> np.ndarray:
        factors, masks = cache
        dx = _fold(np.multiply, [dy, *factors[:i], *factors[i + 1 :]])
        return dx if masks[i] is None else np.where(masks[i], dx, dx.dtype.type(0))


class _Choice(Merge):
    """Element by element one of the inputs, the first of equals, and NaN where one of them is; masked steps are passed
    over where others are not."""

    heeds_masks = True
    keeps: ClassVar[Any]  # of two values: the first

    def _merge(self, x: Arrays, masks: Masks) -> tuple[np.ndarray, Any]:
        y, real = x[0], masks[0]
        chosen = np.zeros(y.shape, np.intp)
        for i in range(1, len(x)):
            taken: Any = ~(self.keeps(y, x[i]) | np.isnan(y))
            if real is not None:
                taken = taken | ~real
            if masks[i] is not None:
                taken = taken & masks[i]
            y, chosen = np.where(taken, x[i], y), np.where(taken, i, chosen)
            real = None if real is None or masks[i] is None else real | masks[i]
        return y, chosen

    def _share(self, dy: np.ndarray, i: int, x: Arrays, cache: Any) -> np.ndarray:
        return np.where(cache == i, dy, dy.dtype.type(0))


class Maximum(_Choice):
    """The greatest of the inputs.

    >>> import numpy as np
    >>> from rnnfast.layers import Maximum
    >>> Maximum()([np.array([[1.0, 4.0]]), np.array([[2.0, 3.0]])])
    array([[2., 4.]], dtype=float32)
    """

    engine_mode = "max"
    keeps = np.greater_equal


class Minimum(_Choice):
    """The least of the inputs.

    >>> import numpy as np
    >>> from rnnfast.layers import Minimum
    >>> Minimum()([np.array([[1.0, 4.0]]), np.array([[2.0, 3.0]])])
    array([[1., 3.]], dtype=float32)
    """

    engine_mode = "min"
    keeps = np.less_equal


def _aligned(shapes: Any) -> list[Shape]:
    """Shapes of one rank: those of fewer axes get axes of size 1 behind the batch axis."""
    rank = max(map(len, shapes))
    return [(s[0], *(1,) * (rank - len(s)), *s[1:]) for s in shapes]


def _fold(function: Any, arrays: Any) -> Any:
    result = arrays[0]
    for array in arrays[1:]:
        result = function(result, array)
    return result


def _spread(mask: np.ndarray, rank: int, shape: tuple[int, ...]) -> np.ndarray:
    """A mask over the first axes of an input of `rank` as one of the elements of the input aligned to `shape`."""
    behind = (1,) * (rank - mask.ndim)
    return np.broadcast_to(mask.reshape(len(mask), *(1,) * (len(shape) - rank), *mask.shape[1:], *behind), shape)


def _unbroadcast(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Summed over the axes along which an input of this shape was repeated."""
    axes = tuple(axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis] != 1)
    return gradient.sum(axis=axes, keepdims=True) if axes else gradient


def shapes_text(shapes: Any) -> str:
    return ", ".join(str(tuple(shape)) for shape in shapes)


def add(inputs: Any, **options: Any) -> Any:
    """`Add(**options)(inputs)`."""
    return Add(**options)(inputs)


def subtract(inputs: Any, **options: Any) -> Any:
    """`Subtract(**options)(inputs)`."""
    return Subtract(**options)(inputs)


def multiply(inputs: Any, **options: Any) -> Any:
    """`Multiply(**options)(inputs)`."""
    return Multiply(**options)(inputs)


def average(inputs: Any, **options: Any) -> Any:
    """`Average(**options)(inputs)`."""
    return Average(**options)(inputs)


def maximum(inputs: Any, **options: Any) -> Any:
    """`Maximum(**options)(inputs)`."""
    return Maximum(**options)(inputs)


def minimum(inputs: Any, **options: Any) -> Any:
    """`Minimum(**options)(inputs)`."""
    return Minimum(**options)(inputs)
