"""Nested states: arrays, or sizes, in lists of lists, as cells have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def each(function: Callable[..., Any], states: Any, *others: Any) -> Any:
    """The same lists, with `function` of each item and of what stands in its place in `others`, or of None there."""
    if not isinstance(states, (list, tuple)):
        return function(states, *others)
    spread = [[None] * len(states) if other is None else other for other in others]
    return [each(function, *items) for items in zip(states, *spread, strict=True)]


def first(states: Any) -> Any:
    """The first item, however deep."""
    return first(states[0]) if isinstance(states, (list, tuple)) else states


def zeros(sizes: Any, batch: int, dtype: str) -> Any:
    """An array (batch, size) per size."""
    return each(lambda size: np.zeros((batch, size), dtype), sizes)


def choose(real: np.ndarray, new: Any, old: Any) -> Any:
    """`new` in the rows that are real, `old`, or zero where that is None, in the others."""

    def rows(n: Any, o: Any) -> np.ndarray:
        n = np.asarray(n)
        return np.where(real.reshape(-1, *[1] * (n.ndim - 1)), n, n.dtype.type(0) if o is None else o)

    return each(rows, new, old)
