"""Variables of three ranks, and gradients of theirs that differ from step to step."""

import numpy as np

from rnnfast.variable import Variable

SHAPES = [(3, 2), (5,), ()]


def variables(dtype="float64"):
    rng = np.random.default_rng(0)
    return [Variable(rng.normal(size=s).astype(dtype), name=f"v{i}") for i, s in enumerate(SHAPES)]


def gradients(step):
    rng = np.random.default_rng(step + 1)
    return [rng.normal(size=s) for s in SHAPES]
