"""Sizes that fit no vector and no tile: no cliffs beside sizes that do.

Two ratios for each model, each the worst over the row counts: its time over that of the neighbour whose units are
padded to whole vectors; and the time of a row over that of a row in the next smaller batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from contest import rnnfast_side
from contest.case import GATES, Case

import rnnfast
from rnnfast import _engine
from rnnfast._info import VECTOR_BITS

from .finding import Finding
from .turns import in_turns

UNITS = (17, 31, 33, 50, 100, 127, 129, 200, 300)
INPUTS = (1, 3, 10, 100)
ROWS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 17, 33)
_STEPS = 16


def padded(units: int) -> int:
    """`units` up to a whole number of vectors of the instruction set in use."""
    lanes = VECTOR_BITS[_engine.active_isa()] // 32  # floats in a vector
    return -(-units // lanes) * lanes


def _runs(cell: str, units: int, inputs: int, rows: tuple[int, ...], mode: str) -> list[Callable[[], object]]:
    """A call for each number of rows."""
    case = Case("sizes", cell, 1, False, inputs, units, _STEPS, max(rows), ())
    layers = rnnfast_side.recurrent_layers(case)
    model = rnnfast.Sequential([rnnfast.layers.Input((None, inputs)), *layers])
    x = np.random.default_rng(0).standard_normal((max(rows), _STEPS, inputs), dtype=np.float32)
    if mode == "infer":
        engine = rnnfast.InferenceModel(model, threads=1)
        return [partial(engine, x[:count].copy()) for count in rows]
    (layer,) = layers

    def train(part: np.ndarray, dy: np.ndarray) -> None:
        for variable in layer.weights:
            variable.grad = None
        _, tape = layer.forward(part, training=True)
        layer.backward(dy, tape, need_dx=True)

    dy = np.ones((max(rows), _STEPS, units), np.float32)
    return [partial(train, x[:count].copy(), dy[:count].copy()) for count in rows]


def _multiply_adds(cell: str, units: int, inputs: int, rows: int) -> int:
    return rows * _STEPS * GATES[cell] * units * (inputs + units)


def findings(seconds: float, small: bool, cells: list[str], modes: list[str]) -> Iterator[Finding]:
    """Models of all sizes beside their neighbours; `seconds` for one model with all its row counts."""
    rnnfast.set_num_threads(1)
    rows = ROWS[:3] if small else ROWS
    models = [(units, inputs) for units in UNITS for inputs in INPUTS]
    for cell in cells:
        for mode in modes:
            for units, inputs in models[:1] if small else models:
                odd = _runs(cell, units, inputs, rows, mode)
                whole = _runs(cell, padded(units), inputs, rows, mode)
                times = [float(np.median(samples)) for samples in in_turns([*odd, *whole], seconds)]
                mine, theirs = np.array(times).reshape(2, len(rows))
                name = f"{cell} {mode}, {units} units, {inputs} inputs"
                worst = int(np.argmax(mine / theirs))
                cost = 1e12 * mine[worst] / _multiply_adds(cell, units, inputs, rows[worst])
                yield Finding(
                    "vectors",
                    name,
                    float(mine[worst] / theirs[worst]),
                    f"{rows[worst]} rows: {1e6 * mine[worst]:.1f} us, {padded(units)} units "
                    f"{1e6 * theirs[worst]:.1f} us; {cost:.1f} ps per multiply-add",
                )
                each = mine / np.array(rows)
                steps = each[1:] / each[:-1]
                worst = int(np.argmax(steps))
                yield Finding(
                    "rows",
                    name,
                    float(steps[worst]),
                    f"a row of {rows[worst]}: {1e6 * each[worst]:.1f} us, of {rows[worst + 1]}: "
                    f"{1e6 * each[worst + 1]:.1f} us",
                )
