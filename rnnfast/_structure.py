"""Nested lists and dictionaries of arrays or tensors, in Keras' order: keys of a dictionary sorted.

Everything else is a leaf; so are tuples, which are shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def flatten(structure: Any) -> list[Any]:
    """The leaves, in order."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, list):
        return [leaf for item in structure for leaf in flatten(item)]
    return [structure]


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """The same structure, with `function(leaf)` in place of each leaf. Leaves are visited in the order of `flatten`."""
    if isinstance(structure, dict):
        mapped = {key: map_leaves(function, structure[key]) for key in sorted(structure)}
        return {key: mapped[key] for key in structure}
    if isinstance(structure, list):
        return [map_leaves(function, item) for item in structure]
    return function(structure)


def pack(structure: Any, leaves: list[Any]) -> Any:
    """`structure` with other leaves, given in the order of `flatten`."""
    rest: Iterator[Any] = iter(leaves)
    return map_leaves(lambda _: next(rest), structure)


def listed(structure: Any) -> Any:
    """What a caller wrote with tuples, with lists."""
    if isinstance(structure, dict):
        return {key: listed(value) for key, value in structure.items()}
    return [listed(item) for item in structure] if isinstance(structure, (list, tuple)) else structure
