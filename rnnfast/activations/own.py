"""Functions of the user's own as activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.activations.built_in import floats


class FunctionActivation:
    """A callable of the user's own, NumPy array to array of the same shape, as an activation.

    To be trained it needs an attribute `gradient`, a function of the same x that gives dy/dx, element by element, in
    the shape of x: there is no automatic differentiation. Without it a layer can predict, and training raises a
    TypeError. An instance of a class with `__call__` and `gradient` does as well, and with `get_config` can be saved.

    where: the layer and the argument, for messages.

    >>> import numpy as np, rnnfast
    >>> def cube(x):
    ...     return x**3
    >>> cube.gradient = lambda x: 3 * x**2
    >>> rnnfast.layers.Activation(cube)(np.array([1.0, -2.0]))
    array([ 1., -8.], dtype=float32)
    """

    name = None  # no name of Keras', whatever the function is called
    elementwise = True  # in a recurrent layer: as `gradient` is anyhow

    def __init__(self, function: Callable[[np.ndarray], Any], where: str = "activation") -> None:
        self.function = function
        self.where = where
        self.label = f"{where} {getattr(function, '__name__', type(function).__name__)}"

    def __call__(self, x: Any) -> np.ndarray:
        """Apply to an array of any shape; float64 stays float64, everything else is handed over in float32."""
        return self.forward(floats(f"{self.label}: x", x))

    def output_size(self, size: int | None) -> int | None:
        return size

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self._checked("its value", self.function, x)

    def backward(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """The gradient of x. TypeError: the function has none."""
        if self.untrainable is not None:
            raise TypeError(self.untrainable)
        return dy * self._checked("its gradient", self.function.gradient, x)  # type: ignore[attr-defined]

    @property
    def untrainable(self) -> str | None:
        """Why training is not possible, or None."""
        if callable(getattr(self.function, "gradient", None)):
            return None
        return (
            f"{self.label} can predict and not be trained: there is no automatic differentiation; give it an attribute "
            "gradient, a function of x that gives dy/dx as an array of the shape of x"
        )

    def _checked(self, what: str, function: Callable[[np.ndarray], Any], x: np.ndarray) -> np.ndarray:
        seen = _arguments.unwritable(x)  # backward needs x as it was, and it may be the caller's
        given = _arguments.numeric(f"{self.label}: {what}", function(seen))
        if given.shape != x.shape:
            raise ValueError(f"{self.label}: {what} must have the shape {x.shape} of x, got {given.shape}")
        return given.astype(x.dtype, copy=bool(np.may_share_memory(given, x)))
