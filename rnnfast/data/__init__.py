"""Data for `fit`, `evaluate` and `predict`: whatever a caller has becomes checked batches of arrays."""

from __future__ import annotations

from typing import Any

from rnnfast._absent import stand_in


def __getattr__(name: str) -> Any:
    """Of a program that says `import rnnfast as tf`, and asks for `tf.data.Dataset`."""
    return getattr(stand_in("rnnfast", "data"), name)
