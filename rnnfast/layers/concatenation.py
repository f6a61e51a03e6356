"""Concatenate: inputs laid one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.layers.base import Shape
from rnnfast.layers.merging import Merge, shapes_text


class Concatenate(Merge):
    """The inputs one after the other along `axis`, on which alone they may differ; not the batch axis.

    On the time axis (1) masks are laid one after the other, too, an input without one being real at every step.

    >>> import numpy as np
    >>> from rnnfast.layers import Concatenate
    >>> Concatenate()([np.ones((2, 5, 3)), np.ones((2, 5, 4))]).shape
    (2, 5, 7)
    """

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        if not _arguments.is_whole(axis) or axis == 0:
            raise ValueError(f"{self.label}: axis must be an integer other than 0, the batch axis, got {axis!r}")
        self.axis = int(axis)

    @property
    def mixes_time(self) -> bool:
        shapes: Any = self.input_shape
        return shapes is not None and self.axis % len(shapes[0]) == 1

    def compute_output_shape(self, input_shape: Any) -> Shape:
        rank = len(input_shape[0])
        axis = self.axis % rank if -rank <= self.axis < rank else 0
        sizes: list[int | None] = []
        for at, column in enumerate(zip(*input_shape, strict=False)):
            known = set(column) - {None}
            if at != axis and len(known) > 1:
                break
            together = None if None in column else sum(column)
            sizes.append(together if at == axis else next(iter(known), None))
        if axis == 0 or len(sizes) < rank or any(len(s) != rank for s in input_shape):
            raise ValueError(f"{self.label}: cannot concatenate shapes {shapes_text(input_shape)} on axis {self.axis}")
        return tuple(sizes)

    def forward(self, x: Any, *, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        return np.concatenate(x, axis=self.axis), [a.shape[self.axis] for a in x]

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> Any:
        return np.split(dy, np.cumsum(cache[:-1]), axis=self.axis) if need_dx else None

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        masks = self.mask_list(x, mask)
        rank = max((m.ndim for m in masks if m is not None), default=0)
        if self.axis % x[0].ndim != 1 or rank < 2:
            return super().compute_mask(x, mask)
        every = [np.ones(a.shape[:rank], bool) if m is None else m for m, a in zip(masks, x, strict=True)]
        return np.concatenate(every, axis=1)

    def lower(self, program: Any, value: Any) -> Any:
        shapes: Any = self.input_shape
        return program.concat(value, self.axis % len(shapes[0]) - 1, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def concatenate(inputs: Any, axis: int = -1, **options: Any) -> Any:
    """`Concatenate(axis, **options)(inputs)`."""
    return Concatenate(axis=axis, **options)(inputs)
