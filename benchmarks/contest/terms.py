"""The terms on which a case is run: threads and precision, and what a precision asks of everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Precision(NamedTuple):
    """What one precision of rnnfast is compared with, and how."""

    peers: tuple[str, ...]  # the precisions in which peers may do the case; the quickest way of all counts
    tolerance: float  # largest difference between answers, relative to the largest magnitude of the array
    weight_bytes: int  # per weight, in inference


# float32 contestants differ by rounding alone. The bounds of bfloat16 and int8 are over twice the largest differences
# between peers in those precisions and in float32 that were seen on the public cases: 0.014 and 0.047. They only show
# that all did the same work; whether a precision keeps a trained model's accuracy is what accuracy.py asks.
PRECISIONS = {
    "float32": Precision(("float32",), 1e-4, 4),
    "high": Precision(("float32",), 1e-3, 4),
    "bfloat16": Precision(("bfloat16",), 4e-2, 2),
    "int8": Precision(("float32", "bfloat16", "int8"), 1e-1, 1),
}


@dataclass(frozen=True)
class Terms:
    """What a contestant is told beside the case. Training is in float32 whatever the precision."""

    threads: int = 1
    precision: str = "float32"
    optimize_for: str = "latency"  # rnnfast's choice of kernels; nobody else has one


def peer_terms(terms: Terms) -> list[Terms]:
    """The terms of a peer of rnnfast on `terms`: one for each precision in which it may do the case."""
    return [Terms(terms.threads, precision) for precision in PRECISIONS[terms.precision].peers]
