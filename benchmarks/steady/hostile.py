"""Denormal numbers, NaN and infinity in the input: the same speed, and NaN only where arithmetic takes it.

The bias is zero and the states start at zero, so that denormal inputs make denormal gates and states, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from contest import rnnfast_side
from contest.case import Case
from contest.terms import Terms

import rnnfast
from rnnfast import reference

from .finding import Finding
from .turns import in_turns

_CELLS = {"rnn": "simple_rnn", "lstm": "lstm", "gru": "gru"}
_ALL = ("float32", "bfloat16", "int8")
_PRECISIONS = {"infer": _ALL, "stream": _ALL, "train": ("float32",)}
_TOLERANCE = 1e-5
_BAD_STEP = 3  # from here on every second row has what is not finite


def _denormal(x: np.ndarray) -> np.ndarray:
    return x * np.float32(1e-39)


def _some_denormal(x: np.ndarray) -> np.ndarray:
    return np.where(np.arange(x.size).reshape(x.shape) % 2 == 0, x, _denormal(x))


def _with(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def put(x: np.ndarray) -> np.ndarray:
        x = x.copy()
        x[::2, _BAD_STEP:, 0] = value
        return x

    return put


HOSTILE = {
    "denormal": _denormal,
    "half denormal": _some_denormal,
    "NaN": _with(np.nan),
    "infinity": _with(np.inf),
}


def _model(case: Case) -> rnnfast.Sequential:
    layers = rnnfast_side.recurrent_layers(case)
    return rnnfast.Sequential([rnnfast.layers.Input((None, case.inputs)), *layers])


class _Answer(NamedTuple):
    y: np.ndarray  # of a stream: all steps
    dx: np.ndarray | None = None  # in training


def _run(case: Case, model: rnnfast.Sequential, mode: str, precision: str, x: np.ndarray) -> Callable[[], _Answer]:
    """A call that gives the answer to x."""
    if mode == "train":
        layer = model.layers[0]
        dy = np.ones((case.batch, case.steps, case.units), np.float32)

        def train() -> _Answer:
            for variable in layer.weights:
                variable.grad = None
            y, tape = layer.forward(x, training=True)
            return _Answer(y, layer.backward(dy, tape, need_dx=True))

        return train
    engine = rnnfast_side.engine_of(model, Terms(precision=precision))
    if mode == "infer":
        return lambda: _Answer(engine(x))
    steps = [np.ascontiguousarray(x[:, t]) for t in range(case.steps)]
    stream = engine.stream(case.batch)

    def walk() -> _Answer:
        stream.reset()
        return _Answer(np.stack([stream.step(step) for step in steps], axis=1))

    return walk


def _fault(
    case: Case, model: rnnfast.Sequential, precision: str, normal: _Answer, x: np.ndarray, answer: _Answer
) -> str:
    """What is wrong with the answer to hostile input x; normal: that to normal input."""
    y, dx = answer
    bad = ~np.isfinite(x).all(axis=-1)  # (batch, steps)
    if bad.any():
        untouched = ~np.logical_or.accumulate(bad, axis=1)
        if not np.array_equal(y[untouched], normal.y[untouched]):
            return "what is not finite changes other rows, or steps before it"
        rows = ~bad.any(axis=1)
        if dx is not None and normal.dx is not None and not np.array_equal(dx[rows], normal.dx[rows]):
            return "what is not finite changes the gradients of other rows"
    if precision != "float32":  # int8 has a rule of its own for rows that are not finite
        return ""
    weights = [array.astype(np.float64) for array in model.get_weights()]
    with np.errstate(all="ignore"):
        wanted = reference.rnn_forward(_CELLS[case.cell], x.astype(np.float64), *weights, return_sequences=True)[0]
    if not np.array_equal(np.isnan(y), np.isnan(wanted)):
        return "NaN elsewhere than in the reference"
    return "" if np.nanmax(np.abs(y - wanted), initial=0) < _TOLERANCE else "not the reference's answer"


def findings(seconds: float, small: bool) -> Iterator[Finding]:
    """Each kind of hostile input beside normal input; `seconds` for all kinds of one model in one mode."""
    rnnfast.set_num_threads(1)
    for cell in _CELLS:
        for batch in (8,) if small else (1, 8, 32):
            case = Case("hostile", cell, 1, False, 32, 16 if small else 96, 20, batch, ())
            model = _model(case)
            normal = np.random.default_rng(0).standard_normal((case.batch, case.steps, case.inputs), dtype=np.float32)
            inputs = [normal, *(make(normal) for make in HOSTILE.values())]
            for mode, precisions in _PRECISIONS.items():
                for precision in precisions:
                    runs = [_run(case, model, mode, precision, x) for x in inputs]
                    plain, *answers = [run() for run in runs]
                    base, *times = [float(np.median(samples)) for samples in in_turns(runs, seconds)]
                    for kind, x, answer, time in zip(HOSTILE, inputs[1:], answers, times, strict=True):
                        yield Finding(
                            "hostile",
                            f"{cell} {mode} {precision}, {batch} rows, {kind}",
                            time / base,
                            f"{1e6 * base:.1f} us with normal input, {1e6 * time:.1f} us",
                            _fault(case, model, precision, plain, x, answer),
                        )
