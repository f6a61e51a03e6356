"""What weights are held to after every update, with Keras' names, formulas and defaults.

A constraint is called with the value of a weight and gives the value that takes its place.

>>> import numpy as np
>>> from rnnfast.constraints import NonNeg
>>> NonNeg()(np.array([-1.0, 2.0]))
array([0., 2.])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast._registry import Registry

_EPSILON = 1e-7  # added to norms before they divide, as in Keras


class Constraint:
    """Base class: override `__call__(w)`, and `get_config`, the constructor's arguments.

    >>> from rnnfast.constraints import Constraint
    >>> class Small(Constraint):
    ...     def __call__(self, w):
    ...         return w.clip(-0.1, 0.1)
    """

    def __call__(self, w: np.ndarray) -> np.ndarray:
        raise TypeError(f"{type(self).__name__} does not define __call__(w)")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        return cls(**config)

    def _number(self, argument: str, value: Any) -> Any:
        _arguments.number(f"{type(self).__name__}: {argument}", value)
        return value


class FunctionConstraint(Constraint):
    """A function of the user's own, or any callable, `function(w)`, as a constraint.

    >>> import numpy as np
    >>> from rnnfast.constraints import FunctionConstraint
    >>> FunctionConstraint(np.abs)(np.array([-1.0, 2.0]))
    array([1., 2.])
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, w: np.ndarray) -> np.ndarray:
        return self.function(w)


class NonNeg(Constraint):
    """Negative weights become zero.

    >>> import numpy as np
    >>> from rnnfast.constraints import NonNeg
    >>> NonNeg()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def __call__(self, w: np.ndarray) -> np.ndarray:
        return np.maximum(w, 0)


class _Norm(Constraint):
    """Of the vectors along `axis`, an axis or several; a weight of fewer axes is a ValueError."""

    def __init__(self, axis: Any = 0) -> None:
        several = isinstance(axis, (list, tuple))
        axes = list(axis) if several else [axis]
        if not axes or not all(map(_arguments.is_whole, axes)):
            raise ValueError(f"{type(self).__name__}: axis must be an integer or several, got {axis!r}")
        self.axis = axes if several else axis

    def _norms(self, w: np.ndarray) -> np.ndarray:
        axes = tuple(self.axis) if isinstance(self.axis, list) else (self.axis,)
        if not all(-w.ndim <= axis < w.ndim for axis in axes):
            raise ValueError(f"{type(self).__name__}: axis={self.axis} does not fit a weight of shape {w.shape}")
        return np.sqrt(np.square(w).sum(axis=axes, keepdims=True))

    def _scaled(self, w: np.ndarray, norms: np.ndarray, wanted: Any) -> np.ndarray:
        return w * (wanted / (w.dtype.type(_EPSILON) + norms))


class MaxNorm(_Norm):
    """The vectors along `axis` are shortened to `max_value` where they are longer.

    >>> import numpy as np
    >>> from rnnfast.constraints import MaxNorm
    >>> MaxNorm(1.0)(np.array([[3.0], [4.0]])).round(3)
    array([[0.6],
           [0.8]])
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        super().__init__(axis)
        self.max_value = self._number("max_value", max_value)

    def __call__(self, w: np.ndarray) -> np.ndarray:
        norms = self._norms(w)
        return self._scaled(w, norms, np.clip(norms, 0, self.max_value))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class UnitNorm(_Norm):
    """The vectors along `axis` are brought to length one.

    >>> import numpy as np
    >>> from rnnfast.constraints import UnitNorm
    >>> UnitNorm()(np.array([[3.0], [4.0]])).round(3)
    array([[0.6],
           [0.8]])
    """

    def __call__(self, w: np.ndarray) -> np.ndarray:
        return self._scaled(w, self._norms(w), 1)

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(_Norm):
    """The vectors along `axis` are brought to a length between `min_value` and `max_value`, by the share `rate` of the
    way.

    >>> import numpy as np
    >>> from rnnfast.constraints import MinMaxNorm
    >>> MinMaxNorm(1.0, 2.0)(np.array([[0.3], [0.4]])).round(3)
    array([[0.6],
           [0.8]])
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        super().__init__(axis)
        self.min_value = self._number("min_value", min_value)
        self.max_value = self._number("max_value", max_value)
        self.rate = self._number("rate", rate)

    def __call__(self, w: np.ndarray) -> np.ndarray:
        norms = self._norms(w)
        wanted = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return self._scaled(w, norms, wanted)

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm  # Keras' other names

_registry: Registry[Constraint] = Registry(
    "constraint", Constraint, "keras.constraints", of_function=FunctionConstraint
)
for _cls in (MaxNorm, NonNeg, UnitNorm, MinMaxNorm):
    _registry.add(_cls)


def get(identifier: Any) -> Constraint | None:
    """A constraint from a name, a class, an instance, a serialized dictionary, any callable that takes a weight and
    gives what it becomes, or None for none.

    >>> import numpy as np
    >>> get(np.abs)(np.array([-1.0, 2.0]))
    array([1., 2.])
    """
    return None if identifier is None else _registry.get(identifier)


def serialize(constraint: Constraint | None) -> dict[str, Any] | None:
    """Keras' serialized form; None stays None."""
    return None if constraint is None else _registry.serialize(constraint)


deserialize = _registry.deserialize
