"""Slice: what `x[:, -1]` is on the output of a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.traced import operator

_ANY = (10007, 10009)  # sizes that stand for one that is not known


@operator("[]")
class Slice(Layer):
    """A part of the input, `y = x[key]`, which an index of the output of a layer calls. A mask ends here.

    key: as NumPy has it, of integers, slices, None and `...`; the batch axis is taken whole, `:`. In configurations it
    is a list, in which a slice is a list [start, stop, step]. ValueError: a key of something else, or that the input
    does not have.

    >>> import numpy as np
    >>> from rnnfast.layers import GRU, Input, Slice
    >>> Slice(np.s_[:, -1])([[[1.0], [2.0]]])
    array([[2.]], dtype=float32)
    >>> GRU(4, return_sequences=True)(Input((None, 3)))[:, -1].shape
    (None, 4)
    """

    def __init__(self, key: Any, **options: Any) -> None:
        super().__init__(**options)
        if isinstance(key, list):
            key = tuple(_from_config(entry) for entry in key)
        self.key = tuple(self._entry(entry) for entry in (key if isinstance(key, tuple) else (key,)))
        if self.key[:1] not in ((slice(None),), (Ellipsis,)):
            raise ValueError(f"{self.label}: key must take the batch axis whole, as in x[:, -1], got {key!r}")

    def _entry(self, entry: Any) -> Any:
        parts = (entry.start, entry.stop, entry.step) if isinstance(entry, slice) else (entry,)
        if any(part is not None and part is not Ellipsis and not _arguments.is_whole(part) for part in parts):
            raise ValueError(f"{self.label}: key takes integers, slices, None and ..., got {entry!r}")
        plain = [part if part is None or part is Ellipsis else int(part) for part in parts]
        return slice(*plain) if isinstance(entry, slice) else plain[0]

    @property
    def mixes_time(self) -> bool:
        return True

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        self.compute_output_shape(shape)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return self._of(x), x.shape

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        if not need_dx:
            return None
        dx = np.zeros(cache, dy.dtype)
        dx[self.key] = dy
        return dx

    def _of(self, x: np.ndarray) -> np.ndarray:
        try:
            return x[self.key]
        except IndexError as error:
            raise ValueError(f"{self.label}: input of shape {x.shape}: {error}") from None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        tried = [
            self._of(np.broadcast_to(np.float32(0), [size if n is None else n for n in input_shape])).shape
            for size in _ANY
        ]
        if len(tried[0]) == 0 or tried[0][0] != (_ANY[0] if input_shape[0] is None else input_shape[0]):
            raise ValueError(f"{self.label}: key must take the batch axis whole, got {self.key}")
        return tuple(a if a == b else None for a, b in zip(*tried, strict=True))

    def get_config(self) -> dict[str, Any]:
        def plain(entry: Any) -> Any:
            if isinstance(entry, slice):
                return [entry.start, entry.stop, entry.step]
            return "..." if entry is Ellipsis else entry

        return {**super().get_config(), "key": [plain(entry) for entry in self.key]}


def _from_config(entry: Any) -> Any:
    if isinstance(entry, list) and len(entry) == 3:
        return slice(*entry)
    return Ellipsis if entry == "..." else entry
