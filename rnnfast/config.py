"""Keras' module of this name, as far as there is something to set.

>>> import rnnfast
>>> rnnfast.config.floatx(), rnnfast.config.epsilon()
('float32', 1e-07)
"""

from __future__ import annotations

from rnnfast._absent import absent_from
from rnnfast.losses.base import EPSILON

__getattr__ = absent_from(__name__)

__all__ = [
    "backend",
    "disable_traceback_filtering",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_floatx",
]


def backend() -> str:
    """What stands for Keras' backend.

    >>> import rnnfast
    >>> rnnfast.config.backend()
    'rnnfast'
    """
    return "rnnfast"


def epsilon() -> float:
    """What losses keep probabilities away from 0 and 1 by."""
    return EPSILON


def floatx() -> str:
    """The dtype of layers that are given none."""
    return "float32"


def set_floatx(value: str) -> None:
    """Accepts "float32", which layers without a dtype have. ValueError: another."""
    if value != "float32":
        raise ValueError(f"set_floatx: layers without a dtype are float32, got {value!r}; give each layer dtype=")


def image_data_format() -> str:
    """Where sequences have their features: last."""
    return "channels_last"


def enable_traceback_filtering() -> None:
    """Accepted; tracebacks are as they are."""


def disable_traceback_filtering() -> None:
    """Accepted; tracebacks are as they are."""
