"""A learning rate as programs for Keras have it: a number that can be assigned to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Rate(float):
    """What `Optimizer.learning_rate` gives: a float, which stays what it is, and Keras' two ways to it.

    >>> import rnnfast
    >>> optimizer = rnnfast.optimizers.Adam(0.01)
    >>> optimizer.learning_rate.assign(optimizer.learning_rate / 2)
    >>> optimizer.learning_rate
    0.005
    """

    _assign: Callable[[Any], None]

    def __new__(cls, value: float, assign: Callable[[Any], None]) -> Rate:
        made = super().__new__(cls, value)
        made._assign = assign
        return made

    def assign(self, value: Any) -> None:
        """Set the optimizer's learning rate; as `optimizer.learning_rate = value`."""
        self._assign(value)

    def numpy(self) -> np.float64:
        return np.float64(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied or pickled it is a number."""
        return float, (float(self),)
