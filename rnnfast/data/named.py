"""Values by name: a single one, a list in the order of the names, or a dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def in_order(what: str, value: Any, names: Sequence[str], *, partial: bool = False) -> list[Any]:
    """One entry per name. what: how messages name the value. partial: a dictionary may leave names out (None).

    A list of one array for one name is that array, as in Keras; any other list for one name is the value itself. Of
    a dictionary, keys that are no names are passed over where all names are there, as in Keras. ValueError otherwise.
    """
    if isinstance(value, Mapping):
        return _by_name(what, value, names, partial)
    if len(names) == 1:
        single = isinstance(value, (list, tuple)) and len(value) == 1 and getattr(value[0], "ndim", 0) > 0
        return [value[0] if single else value]
    if not isinstance(value, (list, tuple)) or len(value) != len(names):
        came = f"{len(value)} of them" if isinstance(value, (list, tuple)) else f"one {type(value).__name__}"
        raise ValueError(f"{what}: expected {len(names)}, a list or a dictionary for {_listed(names)}, got {came}")
    return list(value)


def _by_name(what: str, value: Mapping[str, Any], names: Sequence[str], partial: bool) -> list[Any]:
    missing = [name for name in names if name not in value]
    unknown = [name for name in value if name not in names]
    if (missing and not partial) or (unknown and partial):
        lacking = f"; {_listed(missing)} is missing" if missing and not partial else ""
        raise ValueError(f"{what}: expected a dictionary with {_listed(names)}, got {_listed(value)}{lacking}")
    return [value.get(name) for name in names]


def _listed(names: Any) -> str:
    return ", ".join(map(repr, names)) or "no names"
