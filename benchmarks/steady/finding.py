"""What a part of steadiness.py has found."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """A ratio of times that should not pass a bound, and what is wrong with the answers ("": nothing)."""

    bound: str  # its name, a key of steadiness.BOUNDS
    what: str
    ratio: float
    detail: str
    fault: str = ""
