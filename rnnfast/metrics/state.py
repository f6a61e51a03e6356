"""What a metric of the user's own keeps between batches, as Keras' metrics keep it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from rnnfast.variable import Variable


class MetricVariable(NDArrayOperatorsMixin, Variable):
    """A number, or an array of them, that a metric adds to; in arithmetic it is its value.

    >>> import numpy as np
    >>> from rnnfast.metrics.state import MetricVariable
    >>> total = MetricVariable(np.zeros(()), name="total")
    >>> total.assign_add(3.0)
    >>> float(total / 2)
    1.5
    """

    __hash__ = Variable.__hash__  # the mixin compares values

    def assign_add(self, value: Any) -> None:
        self.assign(self.value + np.asarray(value))

    def assign_sub(self, value: Any) -> None:
        self.assign(self.value - np.asarray(value))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        values = (part.value if isinstance(part, MetricVariable) else part for part in inputs)
        return getattr(ufunc, method)(*values, **options)

    def __float__(self) -> float:
        return float(self.value)
