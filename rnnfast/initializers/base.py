"""What every initializer has, and what every random one does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _arguments, utils

_PART = 1 << 16  # values drawn at a time


class Initializer:
    """Base class: override `__call__(shape, dtype)`; `get_config` gives the constructor's arguments.

    >>> import numpy as np
    >>> from rnnfast.initializers import Initializer
    >>> class Counting(Initializer):
    ...     def __call__(self, shape, dtype="float32"):
    ...         return np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    >>> Counting()((2, 2))
    array([[0., 1.],
           [2., 3.]], dtype=float32)
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        raise TypeError(f"{type(self).__name__} does not define __call__(shape, dtype)")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        known = {k: v for k, v in config.items() if not (k in ("dtype", "input_axes", "output_axes") and v is None)}
        return cls(**known)

    def number(self, argument: str, value: Any) -> float:
        """Check an argument that is a number."""
        return _arguments.number(f"{type(self).__name__}: {argument}", value)


class Random(Initializer):
    """Base of what is drawn at random: from `seed`, or one of the global generator's."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = _arguments.seed(f"{type(self).__name__}: seed", seed)
        self._seed = utils.draw_seed() if self.seed is None else self.seed

    def generator(self) -> np.random.Generator:
        return np.random.default_rng(self._seed)

    @staticmethod
    def drawn(shape: tuple[int, ...], dtype: Any, draw: Callable[[int], np.ndarray]) -> np.ndarray:
        """Values that `draw(n)` gives in float64. Some at a time: of a large table they would take twice its memory."""
        values = np.empty(math.prod(shape), dtype)
        for first in range(0, values.size, _PART):
            part = values[first : first + _PART]
            part[...] = draw(part.size)
        return values.reshape(shape)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}
