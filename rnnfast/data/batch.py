"""What a model works on in one go: arrays per input and per output, samples on their first axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Batch(NamedTuple):
    """x: one array per input of the model; y and sample_weight: one per output, None where there is none.

    share: how much of each sample this is; of a piece of its time steps their part of all.
    """

    x: list[np.ndarray]
    y: list[np.ndarray | None]
    sample_weight: list[np.ndarray | None]
    share: float = 1.0

    @property
    def rows(self) -> int:
        return len(self.x[0])

    def take(self, rows: Any) -> Batch:
        """The samples at an index array or slice."""
        return Batch([_rows(a, rows) for a in self.x], _take(self.y, rows), _take(self.sample_weight, rows))

    def named(self) -> list[tuple[str, np.ndarray]]:
        """The arrays that are there, with their names in messages: `x`, or `x[1]` where there are several."""
        kinds: dict[str, Sequence[np.ndarray | None]] = {"x": self.x, "y": self.y, "sample_weight": self.sample_weight}
        return [
            (kind if len(arrays) == 1 else f"{kind}[{i}]", array)
            for kind, arrays in kinds.items()
            for i, array in enumerate(arrays)
            if array is not None
        ]


def _take(arrays: list[np.ndarray | None], rows: Any) -> list[np.ndarray | None]:
    return [None if a is None else _rows(a, rows) for a in arrays]


def _rows(array: np.ndarray, rows: Any) -> np.ndarray:
    # `take` is several times as quick for a small batch, but copies all of an array first that is not contiguous.
    return array[rows] if isinstance(rows, slice) or not array.flags.carray else array.take(rows, axis=0)
