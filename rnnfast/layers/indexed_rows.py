"""IndexedRows: what an Embedding hands to a recurrent layer, which does its products once for each different token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


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

    def astype(self, dtype: Any) -> IndexedRows:
        return IndexedRows(self.rows.astype(dtype, copy=False), self.index)
