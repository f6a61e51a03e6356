"""What a layer or a model of the user's own is made of: the layers that it holds as attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rnnfast.layers.weighted import Weighted

# Attributes that are the package's, and hold no layer by which the user means a part.
_NO_PARTS = {"nodes", "_variables", "_constructed_with"}


def attributes(owner: Any) -> list[tuple[str, Any]]:
    """(name, value) of the attributes that hold layers: one, or a list, tuple or dictionary of them."""
    return [(name, value) for name, value in vars(owner).items() if name not in _NO_PARTS and any(_layers(value))]


def held_layers(owner: Any) -> list[Any]:
    """The layers in its attributes, in the order in which these were set, each once."""
    found = {id(layer): layer for _, value in attributes(owner) for layer in _layers(value)}
    return list(found.values())


def members(container: Any) -> list[Any]:
    """What a list, a tuple or a dictionary holds; of anything else nothing."""
    if isinstance(container, dict):
        return list(container.values())
    return list(container) if isinstance(container, (list, tuple)) else []


def _layers(value: Any) -> Iterator[Any]:
    if isinstance(value, Weighted):  # which only layers are
        yield value
    else:
        for item in members(value):
            yield from _layers(item)
