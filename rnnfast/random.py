"""Keras' module of this name: random arrays, by NumPy's generators; `set_seed` is TensorFlow's name for the one of all.

seed: an integer, the same numbers at every call; a `SeedGenerator`, which goes on; None, the stream that
`utils.set_random_seed` restarts. Not Keras' numbers. dtype: default float32.

>>> import rnnfast
>>> rnnfast.random.normal((2, 3), seed=0).shape
(2, 3)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast._absent import absent_from
from rnnfast.utils import draw_seed, global_generator
from rnnfast.utils import set_random_seed as set_seed

__getattr__ = absent_from(__name__)

__all__ = ["SeedGenerator", "normal", "randint", "set_seed", "shuffle", "uniform"]


class SeedGenerator:
    """A stream of random numbers of its own. seed: default drawn.

    >>> import rnnfast
    >>> seeds = rnnfast.random.SeedGenerator(7)
    >>> bool((rnnfast.random.uniform((4,), seed=seeds) != rnnfast.random.uniform((4,), seed=seeds)).any())
    True
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        self.name = name
        self.seed = draw_seed() if seed is None else _arguments.seed("SeedGenerator: seed", seed)
        self.generator = np.random.default_rng(self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        return cls(**config)


def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> np.ndarray:
    """Numbers of a normal distribution.

    >>> import rnnfast
    >>> rnnfast.random.normal((2,), mean=5.0, stddev=0.0).tolist()
    [5.0, 5.0]
    """
    return _generator(seed).normal(mean, stddev, shape).astype(dtype or "float32")


def uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> np.ndarray:
    """Numbers from `minval` to below `maxval`, each as likely.

    >>> import rnnfast
    >>> bool((rnnfast.random.uniform((9,), 2.0, 3.0) >= 2).all())
    True
    """
    return _generator(seed).uniform(minval, maxval, shape).astype(dtype or "float32")


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> np.ndarray:
    """Integers from `minval` to below `maxval`, each as likely.

    >>> import rnnfast
    >>> rnnfast.random.randint((3,), 4, 5).tolist()
    [4, 4, 4]
    """
    return _generator(seed).integers(minval, maxval, shape).astype(dtype)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> np.ndarray:
    """A copy of x in a new order along an axis.

    >>> import rnnfast
    >>> sorted(rnnfast.random.shuffle([1, 2, 3]).tolist())
    [1, 2, 3]
    """
    return _generator(seed).permutation(_arguments.numeric("shuffle: x", x), axis=axis)


def _generator(seed: Any) -> np.random.Generator:
    if isinstance(seed, SeedGenerator):
        return seed.generator
    given = _arguments.seed("random: seed", seed)
    return global_generator() if given is None else np.random.default_rng(given)
