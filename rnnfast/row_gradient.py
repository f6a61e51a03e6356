"""RowGradient: the gradient of a table of which a step has read few rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class RowGradient:
    """A gradient of `shape` whose row `rows[i]` is `values[i]`, and every other zero.

    rows: (n,), int64, each at most once. values: (n, *shape[1:]).

    >>> import numpy as np
    >>> from rnnfast.row_gradient import RowGradient
    >>> RowGradient(np.array([2, 0]), np.array([[1.0], [5.0]]), (3, 1)).to_array().ravel()
    array([5., 0., 1.])
    """

    rows: np.ndarray
    values: np.ndarray
    shape: tuple[int, ...]

    def to_array(self) -> np.ndarray:
        array = np.zeros(self.shape, self.values.dtype)
        array[self.rows] = self.values
        return array


def values_of(gradients: Iterable[np.ndarray | RowGradient]) -> list[np.ndarray]:
    """All of each gradient that is not zero throughout."""
    return [gradient.values if isinstance(gradient, RowGradient) else gradient for gradient in gradients]


def rows_of(gradients: Iterable[np.ndarray | RowGradient]) -> list[np.ndarray | None]:
    """The rows that each gradient is of; None: all."""
    return [gradient.rows if isinstance(gradient, RowGradient) else None for gradient in gradients]


def with_values(
    gradient: np.ndarray | RowGradient, change: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray | RowGradient:
    """The gradient with its values changed; `change` leaves zeros as they are."""
    if isinstance(gradient, RowGradient):
        return replace(gradient, values=change(gradient.values))
    return change(gradient)
