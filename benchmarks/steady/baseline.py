"""rnnfast beside the float32 NumPy reference: never slower, and the answers agree, on whatever instruction set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from contest import reference_side, rnnfast_side
from contest.case import Case, load_cases
from contest.referee import DisagreementError, check_agreement
from contest.terms import PRECISIONS, Terms

from .finding import Finding
from .turns import in_turns

_ODD = [
    Case(f"odd_{cell}_{batch}", cell, 1, False, 3, 33, 20, batch, ("infer", "train"))
    for cell in ("rnn", "lstm", "gru")
    for batch in (1, 5)
]


def _fault(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> str:
    try:
        check_agreement("beside the reference", theirs, ours, PRECISIONS["float32"].tolerance)
    except DisagreementError as error:
        return str(error)
    return ""


def findings(seconds: float, small: bool) -> Iterator[Finding]:
    """The public cases that the reference can do (one layer, one direction), and some of odd sizes."""
    terms = Terms()
    for case in _ODD[:1] if small else [*load_cases(), *_ODD]:
        for mode in case.modes:
            for theirs in reference_side.works(case, mode, terms):
                (ours,) = rnnfast_side.works(case, mode, terms)
                fault = _fault(ours.answer(), theirs.answer())
                mine, reference = (float(np.median(t)) for t in in_turns([ours.run, theirs.run], seconds))
                yield Finding(
                    "baseline",
                    f"{case.name} {mode}",
                    mine / reference,
                    f"{1e6 * mine:.1f} us, NumPy {1e6 * reference:.1f} us",
                    fault,
                )
