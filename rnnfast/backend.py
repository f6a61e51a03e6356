"""Keras' module of this name, as far as programs of recurrent models ask it.

>>> import rnnfast
>>> rnnfast.backend.floatx(), rnnfast.backend.epsilon()
('float32', 1e-07)
"""

from __future__ import annotations

from rnnfast._absent import absent_from
from rnnfast._registry import clear_session
from rnnfast.losses.base import EPSILON

__getattr__ = absent_from(__name__)

__all__ = ["clear_session", "epsilon", "floatx"]


def epsilon() -> float:
    """What losses keep probabilities away from 0 and 1 by."""
    return EPSILON


def floatx() -> str:
    """The dtype of layers that are given none."""
    return "float32"
