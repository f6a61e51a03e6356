"""Keras' module of this name, as far as programs of recurrent models ask it.

>>> import rnnfast
>>> rnnfast.backend.floatx(), rnnfast.backend.epsilon()
('float32', 1e-07)
"""

from __future__ import annotations

from rnnfast._absent import absent_from
from rnnfast._registry import clear_session
from rnnfast.config import backend, epsilon, floatx, image_data_format, set_floatx

__getattr__ = absent_from(__name__)

__all__ = ["backend", "clear_session", "epsilon", "floatx", "image_data_format", "set_floatx"]
