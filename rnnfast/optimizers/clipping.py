"""Gradients cut down to a limit: by element, by array, or all together."""

from __future__ import annotations

import math

import numpy as np

from rnnfast.row_gradient import RowGradient, values_of, with_values


def clip(
    gradients: list[np.ndarray | RowGradient],
    clipnorm: float | None,
    clipvalue: float | None,
    global_clipnorm: float | None,
) -> list[np.ndarray | RowGradient]:
    """The gradients within the one limit that is given: the norm of each, each element, or the norm of all."""
    if clipvalue is not None:
        limit = clipvalue
        return [with_values(g, lambda values: np.clip(values, -limit, limit)) for g in gradients]
    if clipnorm is not None:
        return [_times(g, _scale(clipnorm, _norm(g))) for g in gradients]
    if global_clipnorm is not None:
        scale = _scale(global_clipnorm, math.hypot(*map(_norm, gradients)))
        return [_times(g, scale) for g in gradients]
    return gradients


def _times(gradient: np.ndarray | RowGradient, scale: float) -> np.ndarray | RowGradient:
    return with_values(gradient, lambda values: values * scale)


def _norm(gradient: np.ndarray | RowGradient) -> float:
    return math.sqrt(float(np.square(values_of([gradient])[0], dtype=np.float64).sum()))


def _scale(limit: float, norm: float) -> float:
    return limit / max(norm, limit)
