"""Dot: products of two inputs along an axis of each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.layers.base import Shape
from rnnfast.layers.merging import Merge

_EPSILON = 1e-7  # Keras' least length of what is normalized


class Dot(Merge):
    """Sum the products of two inputs over one axis of each, row by row of the batch.

    axes: that axis, or one for each input; not the batch axis. x1 (batch, a..., n), x2 (batch, n, b...) with axes (-1,
    1) give (batch, a..., b...), of vectors (batch, 1). normalize: divide both by their length along that axis first,
    which gives the cosine. A mask ends here.

    >>> import numpy as np
    >>> from rnnfast.layers import Dot
    >>> Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[11.]], dtype=float32)
    """

    most = 2
    axes: Any = None  # type: ignore[misc]  # Keras' name; what is said of axes in messages of other layers

    def __init__(self, axes: Any, normalize: bool = False, **options: Any) -> None:
        super().__init__(**options)
        pair = [axes, axes] if _arguments.is_whole(axes) else _arguments.items(f"{self.label}: axes", axes, "two axes")
        if len(pair) != 2 or not all(_arguments.is_whole(a) and a != 0 for a in pair):
            raise ValueError(f"{self.label}: axes must be one or two integers other than 0, the batch, got {axes!r}")
        self.axes = int(axes) if _arguments.is_whole(axes) else [int(a) for a in pair]
        self.normalize = bool(normalize)

    @property
    def mixes_time(self) -> bool:
        return True

    def _axes_of(self, shapes: Any) -> tuple[int, int]:
        axes = self.axes if isinstance(self.axes, list) else [self.axes] * 2
        places = [a % len(s) if -len(s) <= a < len(s) else 0 for a, s in zip(axes, shapes, strict=True)]
        sizes = {s[a] for a, s in zip(places, shapes, strict=True)} - {None}
        if 0 in places or len(sizes) > 1:
            texts = " and ".join(str(tuple(s)) for s in shapes)
            raise ValueError(f"{self.label}: axes {self.axes} of inputs of shapes {texts} do not meet")
        return places[0], places[1]

    def compute_output_shape(self, input_shape: Any) -> Shape:
        first, second = self._axes_of(input_shape)
        one, two = input_shape
        rest = (*one[1:first], *one[first + 1 :], *two[1:second], *two[second + 1 :])
        return (one[0], *(rest or (1,)))

    def forward(self, x: Any, *, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        axes = self._axes_of([a.shape for a in x])
        lengths = [_lengths(a, axis) if self.normalize else None for a, axis in zip(x, axes, strict=True)]
        units = [a if n is None else a / n for a, n in zip(x, lengths, strict=True)]
        moved = [np.moveaxis(a, axis, -1) for a, axis in zip(units, axes, strict=True)]
        rows = [m.reshape(len(m), math.prod(m.shape[1:-1]), m.shape[-1]) for m in moved]
        y = np.matmul(rows[0], rows[1].transpose(0, 2, 1))
        shape = self.compute_output_shape([a.shape for a in x])
        return y.reshape(shape), (axes, lengths, [m.shape for m in moved], rows) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> Any:
        if not need_dx:
            return None
        axes, lengths, shapes, rows = cache
        dz = dy.reshape(len(dy), rows[0].shape[1], rows[1].shape[1])
        gradients = []
        for i, d in enumerate((np.matmul(dz, rows[1]), np.matmul(dz.transpose(0, 2, 1), rows[0]))):
            if lengths[i] is not None:
                length = np.moveaxis(lengths[i], axes[i], -1).reshape(*d.shape[:-1], 1)
                # Along itself a vector of length 1 cannot move; one that is too short was only scaled.
                along = np.where(length > _EPSILON, (d * rows[i]).sum(axis=-1, keepdims=True), 0)
                d = ((d - along * rows[i]) / length).astype(d.dtype, copy=False)
            gradients.append(np.moveaxis(d.reshape(shapes[i]), -1, axes[i]))
        return gradients

    @property
    def carries_mask(self) -> bool:
        return False

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return None

    def lower(self, program: Any, value: Any) -> Any:
        shapes: Any = self.input_shape
        last = []
        for v, axis, shape in zip(value, self._axes_of(shapes), shapes, strict=True):
            order = [a - 1 for a in range(1, len(shape)) if a != axis] + [axis - 1]
            v = v if order == sorted(order) else program.permute(v, order, self.name)
            last.append(program.normalize(v, "unit", _EPSILON, None, None, self.name) if self.normalize else v)
        return program.dot(*last, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs: Any, axes: Any = -1, **options: Any) -> Any:
    """`Dot(axes, **options)(inputs)`."""
    return Dot(axes=axes, **options)(inputs)


def _lengths(x: np.ndarray, axis: int) -> np.ndarray:
    return np.maximum(np.sqrt((x * x).sum(axis=axis, keepdims=True)), x.dtype.type(_EPSILON))
