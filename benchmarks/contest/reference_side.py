"""rnnfast.reference: the plain NumPy cells in float32, the baseline. One layer, one direction, no streams."""

from __future__ import annotations

import numpy as np

from rnnfast import reference

from . import case as cases
from .case import Case
from .terms import Terms
from .work import Work

_CELLS = {"rnn": "simple_rnn", "lstm": "lstm", "gru": "gru"}


def version() -> str:
    return f"NumPy {np.__version__}"


def _forward(case: Case, x: np.ndarray, weights: cases.Weights) -> tuple:
    return reference.rnn_forward(_CELLS[case.cell], x, *weights, return_sequences=True)


def _infer(case: Case) -> list[Work]:
    weights = cases.weights(case)[0][0]
    x = cases.inputs(case, "infer")

    def run() -> np.ndarray:
        return _forward(case, x, weights)[0]

    return [Work(run, lambda: {"output": run()})]


def _train(case: Case) -> list[Work]:
    weights = cases.weights(case)[0][0]
    x = cases.inputs(case, "train")
    dy = cases.output_gradient(case)

    def run() -> dict[str, np.ndarray]:
        y, _, cache = _forward(case, x, weights)
        _, *gradients = reference.rnn_backward(cache, dy)
        return {"output": y, **dict(zip(cases.gradient_names(case), gradients, strict=False))}

    return [Work(run, run)]


_MODES = {"infer": _infer, "train": _train}


def works(case: Case, mode: str, terms: Terms) -> list[Work]:
    """The reference's way of doing the case, in float32. NumPy's threads are set by the environment."""
    if case.layers > 1 or case.bidirectional or mode not in _MODES or terms.precision != "float32":
        return []
    return _MODES[mode](case)
