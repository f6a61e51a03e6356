"""One seed for everything that draws random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments

_generator = np.random.default_rng()


def set_random_seed(seed: int) -> None:
    """Make everything that follows repeatable: initial weights, shuffling and dropout.

    seed: a non-negative integer. Python's and NumPy's own global generators are left alone.

    >>> import rnnfast
    >>> rnnfast.utils.set_random_seed(0)
    """
    global _generator
    _generator = np.random.default_rng(_arguments.whole_number("set_random_seed: seed", seed, least=0))


def draw_seed() -> int:
    """A fresh seed from the global generator, for an object that was given none."""
    return int(_generator.integers(2**63))


def global_generator() -> np.random.Generator:
    """The generator that `set_random_seed` restarts."""
    return _generator


def global_stream() -> dict[str, Any]:
    """Where the generator stands: numbers and texts that `set_global_stream` takes, in this process or another."""
    return dict(_generator.bit_generator.state)


def set_global_stream(state: dict[str, Any]) -> None:
    _generator.bit_generator.state = state
