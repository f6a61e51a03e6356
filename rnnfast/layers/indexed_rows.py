"""IndexedRows: what an Embedding hands to a recurrent layer, which does its products once for each different token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnfast import _kernels
from rnnfast.layers.base import Layer


@dataclass(frozen=True)
class IndexedRows:
    """An array x (batch, time, features) as the rows that occur in it: `x[b, t] = rows[index[b, t]]`.

    rows: (n, features), floats. index: (batch, time), int32. The gradient of x is that of `rows`: for each the sum over
    its places. Only a layer whose `takes_indexed_rows` is True ever sees one.

    >>> import numpy as np
    >>> from rnnfast.layers.indexed_rows import IndexedRows
    >>> IndexedRows(np.ones((2, 3)), np.array([[0, 1, 0, 0]], "int32")).shape
    (1, 4, 3)
    """

    rows: np.ndarray
    index: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array that it stands for."""
        return (*self.index.shape, self.rows.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.rows.dtype

    def astype(self, dtype: Any) -> IndexedRows:
        return IndexedRows(self.rows.astype(dtype, copy=False), self.index)


class Gather(Layer):
    """IndexedRows as the array that they stand for: what a tape puts before the layers that do not take them."""

    @property
    def takes_indexed_rows(self) -> bool:
        return True

    @property
    def carries_mask(self) -> bool:
        return True

    def cast(self, x: Any) -> Any:
        return x

    def forward(self, x: Any, *, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        return _kernels.embedding_forward(x.rows, x.index), (x.index, len(x.rows)) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        index, count = cache
        return _kernels.embedding_backward(index, np.ascontiguousarray(dy), count) if need_dx else None
