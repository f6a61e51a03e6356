"""Gradients cut down to a limit: by element, by array, or all together."""

from __future__ import annotations

import math

import numpy as np


def clip(
    gradients: list[np.ndarray], clipnorm: float | None, clipvalue: float | None, global_clipnorm: float | None
) -> list[np.ndarray]:
    """The gradients within the one limit that is given: the norm of each, each element, or the norm of all."""
    if clipvalue is not None:
        return [np.clip(g, -clipvalue, clipvalue) for g in gradients]
    if clipnorm is not None:
        return [g * _scale(clipnorm, _norm(g)) for g in gradients]
    if global_clipnorm is not None:
        scale = _scale(global_clipnorm, math.hypot(*map(_norm, gradients)))
        return [g * scale for g in gradients]
    return gradients


def _norm(array: np.ndarray) -> float:
    return math.sqrt(float(np.square(array, dtype=np.float64).sum()))


def _scale(limit: float, norm: float) -> float:
    return limit / max(norm, limit)
