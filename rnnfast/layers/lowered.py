"""How a call of a layer becomes nodes of the engine."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from rnnfast import _structure


class NoLoweringError(ValueError):
    """A layer, or one of its options, that the inference engine has no node for."""


def lower_call(layer: Any, program: Any, x: Any, options: dict[str, Any]) -> Any:
    """Describe a call to `program`. x, options: handles in place of values. ValueError: it takes no such argument."""
    if layer.runs_own_call:
        return layer.lower_calls(program, lambda inner, *call: lower_call(inner, program, *call), x, options)
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    unknown = [name for name in given if name not in inspect.signature(layer.lower).parameters]
    if unknown:
        raise ValueError(f"{layer.label}: the engine does not take its call argument {unknown[0]!r}")
    for name, value in given.items():
        if any(isinstance(leaf, np.ndarray) for leaf in _structure.flatten(value)):
            raise ValueError(f"{layer.label}: its call argument {name!r} holds arrays, not outputs")
    return layer.lower(program, x, **given)
