"""Functions of the user's own as initializers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast.initializers.base import Initializer


class FunctionInitializer(Initializer):
    """A function of the user's own, or any callable, `function(shape, dtype=dtype)`, as an initializer.

    >>> import numpy as np, rnnfast
    >>> rnnfast.initializers.get(lambda shape, dtype=None: np.full(shape, 0.5, dtype))((2,))
    array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        return self.function(shape, dtype=dtype)
