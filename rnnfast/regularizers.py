"""Penalties on weights and outputs, with Keras' names, formulas and defaults.

A regularizer is called with an array and gives a number, which training adds to the loss; `gradient` gives what
training adds to the gradient. Of weights the penalty is that of the array; of a layer's outputs
(`activity_regularizer`) it is divided by the batch size.

>>> import rnnfast
>>> layer = rnnfast.layers.Dense(2, kernel_initializer="ones", kernel_regularizer=rnnfast.regularizers.L2(0.1))
>>> layer.build((None, 3))
>>> [round(penalty, 3) for penalty in layer.losses]
[0.6]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels
from rnnfast._registry import Registry
from rnnfast.variable import Variable


class Regularizer:
    """Base class: override `__call__(x)`, the penalty of an array, `gradient(x)`, an array of the same shape, and
    `get_config`, the constructor's arguments.

    >>> import numpy as np
    >>> from rnnfast.regularizers import Regularizer
    >>> class Quartic(Regularizer):
    ...     def __call__(self, x):
    ...         return float((x**4).sum())
    ...     def gradient(self, x):
    ...         return 4 * x**3
    >>> Quartic()(np.array([1.0, 2.0]))
    17.0
    """

    def __call__(self, x: np.ndarray) -> float:
        raise TypeError(f"{type(self).__name__} does not define __call__(x)")

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """The derivative of the penalty by each element of x."""
        raise TypeError(f"{type(self).__name__} does not define gradient(x)")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        return cls(**config)

    def _factor(self, argument: str, value: Any) -> float:
        if _arguments.number(f"{type(self).__name__}: {argument}", value) < 0:
            raise ValueError(f"{type(self).__name__}: {argument} must not be negative, got {value!r}")
        return float(value)


class FunctionRegularizer(Regularizer):
    """A callable of the user's own that has a `gradient`, as a regularizer.

    TypeError: it has none; there is no automatic differentiation, so it must be written out, too.

    >>> import numpy as np
    >>> from rnnfast.regularizers import FunctionRegularizer
    >>> def quartic(x):
    ...     return float((x**4).sum())
    >>> quartic.gradient = lambda x: 4 * x**3
    >>> FunctionRegularizer(quartic)(np.array([1.0, 2.0]))
    17.0
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(getattr(function, "gradient", None)):
            raise TypeError(
                "regularizer must be a subclass of rnnfast.regularizers.Regularizer that defines __call__(x) and "
                f"gradient(x), or a callable with such a gradient, got {function!r}"
            )
        self.function: Any = function

    def __call__(self, x: np.ndarray) -> float:
        return self.function(x)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        return self.function.gradient(x)


class L1L2(Regularizer):
    """`l1 sum |x| + l2 sum x^2`.

    >>> import numpy as np
    >>> from rnnfast.regularizers import L1L2
    >>> L1L2(l1=1.0, l2=0.5)(np.array([-2.0, 4.0]))
    16.0
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = self._factor("l1", 0.0 if l1 is None else l1)
        self.l2 = self._factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, x: np.ndarray) -> float:
        space = _kernels.empty_like(x)
        penalty = self.l1 * float(np.abs(x, out=space).sum(dtype=np.float64)) if self.l1 else 0.0
        return penalty + (self.l2 * float(np.square(x, out=space).sum(dtype=np.float64)) if self.l2 else 0.0)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        gradient = np.multiply(x, x.dtype.type(2 * self.l2), out=_kernels.empty_like(x))
        return gradient + x.dtype.type(self.l1) * np.sign(x) if self.l1 else gradient

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(L1L2):
    """`l1 sum |x|`.

    >>> import numpy as np
    >>> from rnnfast.regularizers import L1
    >>> L1(0.5)(np.array([-2.0, 4.0]))
    3.0
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(L1L2):
    """`l2 sum x^2`.

    >>> import numpy as np
    >>> from rnnfast.regularizers import L2
    >>> L2(0.5)(np.array([-2.0, 4.0]))
    10.0
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean absolute cosine between the rows of a matrix, or its columns (`mode`), over all pairs.

    >>> import numpy as np
    >>> from rnnfast.regularizers import OrthogonalRegularizer
    >>> OrthogonalRegularizer(1.0)(np.eye(3))
    0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = self._factor("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: mode must be 'rows' or 'columns', got {mode!r}")
        self.mode = mode

    def _unit_rows(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The vectors as rows of length one, their lengths, and the cosines between different ones."""
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer: expected an array of rank 2, got shape {x.shape}")
        rows = np.asarray(x if self.mode == "rows" else x.T, np.result_type(x, np.float32))
        norms = np.maximum(np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None], 1e-7)
        unit = rows / norms
        cosines = unit @ unit.T
        np.fill_diagonal(cosines, 0.0)
        return unit, norms, cosines

    def _per_pair(self, size: int) -> float:
        return self.factor / (size * (size - 1)) if size > 1 else 0.0  # every pair stands twice in the matrix

    def __call__(self, x: np.ndarray) -> float:
        cosines = self._unit_rows(x)[2]
        return self._per_pair(len(cosines)) * float(np.abs(cosines).sum(dtype=np.float64))

    def gradient(self, x: np.ndarray) -> np.ndarray:
        unit, norms, cosines = self._unit_rows(x)
        gradient = np.sign(cosines) @ unit  # by the unit rows, of which the part along them goes
        unit *= np.einsum("ij,ij->i", gradient, unit)[:, None]
        gradient -= unit
        gradient *= 2 * self._per_pair(len(cosines)) / norms
        return (gradient if self.mode == "rows" else gradient.T).astype(x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer  # Keras' other names

_registry: Registry[Regularizer] = Registry(
    "regularizer", Regularizer, "keras.regularizers", of_function=FunctionRegularizer
)
_registry.add(L1)
_registry.add(L2)
_registry.add(L1L2, "l1_l2")
_registry.add(OrthogonalRegularizer)


def get(identifier: Any) -> Regularizer | None:
    """A regularizer from a name, a class, an instance, a serialized dictionary, a callable that has a `gradient`, or
    None for none.

    TypeError: a function without one, for there is no automatic differentiation.
    """
    if identifier is None:
        return None
    regularizer = _registry.get(identifier)
    for method in ("__call__", "gradient"):
        if getattr(type(regularizer), method) is getattr(Regularizer, method):
            raise TypeError(f"regularizer {type(regularizer).__name__} does not define {method}(x)")
    return regularizer


def serialize(regularizer: Regularizer | None) -> dict[str, Any] | None:
    """Keras' serialized form; None stays None."""
    return None if regularizer is None else _registry.serialize(regularizer)


deserialize = _registry.deserialize


def penalties(variables: Iterable[Variable]) -> list[float]:
    """What their regularizers say of the variables that have one."""
    return [float(v.regularizer(v.value)) for v in variables if v.regularizer is not None]


def add_gradients(variables: Iterable[Variable]) -> None:
    """Add the gradients of the penalties to those that the backward pass left."""
    for variable in variables:
        if variable.regularizer is not None:
            variable.add_grad(gradient_at(variable.regularizer, variable.value, variable.path))


def gradient_at(regularizer: Regularizer, x: np.ndarray, what: str) -> np.ndarray:
    """The gradient, checked: a subclass of a user's may have given something else. what: for the message."""
    gradient = _arguments.numeric(f"{type(regularizer).__name__}: gradient", regularizer.gradient(x))
    if gradient.shape != x.shape:
        raise ValueError(
            f"{type(regularizer).__name__}: gradient must have the shape {x.shape} of {what}, got {gradient.shape}"
        )
    return gradient.astype(x.dtype, copy=False)
