"""Functions of the user's own as initializers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.initializers.base import Initializer


class FunctionInitializer(Initializer):
    """A function of the user's own, or any callable, `function(shape, dtype=dtype)`, as an initializer.

    TypeError, when it is called: one that cannot be called so.

    >>> import numpy as np, rnnfast
    >>> rnnfast.initializers.get(lambda shape, dtype=None: np.full(shape, 0.5, dtype))((2,))
    array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        name = getattr(self.function, "__name__", type(self.function).__name__)
        _arguments.taken_by(f"initializer {name}", self.function, "(shape, dtype=None)", shape, dtype=dtype)
        return self.function(shape, dtype=dtype)
