"""What the options of recurrent layers cost: a training step with each over that of the plain layer, in turns.

    python benchmarks/options.py
    python benchmarks/options.py --cell lstm --option dropout "both dropouts" --seconds 4
    python benchmarks/options.py --cell gru --units 64 --features 16 --batch 256 --steps 20

A step is forward, backward with the gradients of input and weights, penalties, an update by SGD, constraints. One
process and one thread; all layers of a cell take turns, one step each. A ratio of medians above the bound fails: exit
status 1. docs/benchmarks.md says more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

if os.environ.get("OMP_NUM_THREADS") != "1":  # BLAS reads its number of threads once, when NumPy loads it
    one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **one})

import numpy as np
from contest import machine, report
from steady.turns import in_turns

import rnnfast
from rnnfast import regularizers
from rnnfast.regularizers import OrthogonalRegularizer

BOUND = 1.3  # times the plain layer's step
CELLS = {"rnn": rnnfast.layers.SimpleRNN, "lstm": rnnfast.layers.LSTM, "gru": rnnfast.layers.GRU}
_FEATURES, _UNITS, _STEPS, _BATCH = 128, 128, 100, 32


class Option(NamedTuple):
    """One line of the table: the layer's arguments, or those of its call, and the cells that have them."""

    name: str
    arguments: dict[str, Any]
    cells: tuple[str, ...] = tuple(CELLS)
    call: Callable[[int, int], dict[str, np.ndarray]] = lambda batch, steps: {}


def _everywhere(kind: str, value: Any, *, bias: bool = True) -> dict[str, Any]:
    """An option that the kernels have, and the bias where it is of use there."""
    return {f"{weight}_{kind}": value for weight in ("kernel", "recurrent", "bias")[: 3 if bias else 2]}


def _every_step(batch: int, steps: int) -> dict[str, np.ndarray]:
    return {"mask": np.ones((batch, steps), bool)}


def _ragged(batch: int, steps: int) -> dict[str, np.ndarray]:
    return {"mask": np.arange(steps) < np.linspace(steps / 2, steps, batch).astype(int)[:, None]}


def table(units: int) -> tuple[Option, ...]:
    """The options, one by one and several at once, of layers with so many units."""
    single = (
        Option("dropout", {"dropout": 0.3}),
        Option("recurrent_dropout", {"recurrent_dropout": 0.3}),
        Option("both dropouts", {"dropout": 0.3, "recurrent_dropout": 0.3}),
        Option("mask, every step", {}, call=_every_step),
        Option("mask, ragged", {}, call=_ragged),
        Option("l2", _everywhere("regularizer", "l2")),
        Option("orthogonal", _everywhere("regularizer", OrthogonalRegularizer(), bias=False)),
        Option("max_norm", _everywhere("constraint", "max_norm")),
        Option("activity, l2", {"activity_regularizer": "l2"}),
        Option("peephole", {"peephole": True}, ("lstm",)),
        Option("projection_size", {"projection_size": units // 2}, ("lstm",)),
        Option("zoneout", {"zoneout": 0.1}, ("lstm", "gru")),
        Option("layer_norm", {"layer_norm": True}, ("lstm", "gru")),
        Option("reset_after=False", {"reset_after": False}, ("gru",)),
    )
    joined = (
        ("both dropouts", "mask, every step", "l2", "max_norm"),
        ("zoneout", "layer_norm"),
        ("peephole", "layer_norm"),
        ("both dropouts", "projection_size"),
    )
    by_name = {option.name: option for option in single}
    return (*single, *(_together([by_name[name] for name in names]) for names in joined))


def _together(options: list[Option]) -> Option:
    """All of them at once, for the cells that have all."""
    arguments = {name: value for option in options for name, value in option.arguments.items()}
    cells = tuple(cell for cell in CELLS if all(cell in option.cells for option in options))

    def call(batch: int, steps: int) -> dict[str, np.ndarray]:
        return {name: value for option in options for name, value in option.call(batch, steps).items()}

    return Option("together: " + ", ".join(option.name for option in options), arguments, cells, call)


OPTIONS = table(_UNITS)
PLAIN = Option("plain", {})


def training_step(
    cell: str, option: Option, batch: int, steps: int, units: int = _UNITS, features: int = _FEATURES
) -> Callable[[], None]:
    """The step of one layer, whose weights it changes next to nothing."""
    rnnfast.utils.set_random_seed(0)  # the same weights for all
    layer = CELLS[cell](units, return_sequences=True, seed=0, **option.arguments)
    layer.build((batch, steps, features))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, steps, features), dtype=np.float32)
    dy = rng.standard_normal((batch, steps, layer.output_size), dtype=np.float32)
    optimizer = rnnfast.optimizers.SGD(1e-8)
    variables = layer.trainable_weights
    call = option.call(batch, steps)

    def run() -> None:
        for variable in variables:
            variable.grad = None
        layer.clear_losses()
        _, tape = layer.forward(x, training=True, **call)
        sum(layer.losses)
        layer.backward(dy, tape)
        regularizers.add_gradients(variables)
        optimizer.apply(variables)

    return run


def measure(cell: str, options: list[Option], sizes: dict[str, int], seconds: float) -> list[dict[str, Any]]:
    """A row for each option that the cell has; sizes: as training_step takes them, seconds: of measuring each."""
    options = [option for option in options if cell in option.cells]
    runs = [training_step(cell, option, **sizes) for option in (PLAIN, *options)]
    plain, *others = in_turns(runs, seconds * len(runs))
    return [
        {
            "cell": cell,
            "option": option.name,
            "milliseconds": 1e3 * float(np.median(times)),
            "ratio": float(np.median(times) / np.median(plain)),
            "ratio_of_bests": min(times) / min(plain),
        }
        for option, times in zip(options, others, strict=True)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [option.name for option in OPTIONS]
    parser.add_argument("--cell", nargs="+", choices=CELLS, default=list(CELLS), help="only these")
    parser.add_argument("--option", nargs="+", choices=names, default=names, metavar="NAME", help="only these")
    parser.add_argument("--units", type=int, default=_UNITS, help=f"of the layer, 2 or more (default {_UNITS})")
    parser.add_argument("--features", type=int, default=_FEATURES, help=f"of the input (default {_FEATURES})")
    parser.add_argument("--batch", type=int, default=_BATCH, help=f"rows (default {_BATCH})")
    parser.add_argument("--steps", type=int, default=_STEPS, help=f"time steps (default {_STEPS})")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="default 1")
    parser.add_argument("--seconds", type=float, default=1.0, help="measuring time of each layer (default 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    given = parser.parse_args()
    for name in ("units", "features", "batch", "steps", "threads"):
        least = 2 if name == "units" else 1  # a projection has half of them
        if getattr(given, name) < least:
            parser.error(f"--{name} {getattr(given, name)}: expected at least {least}")
    rnnfast.set_num_threads(given.threads)
    options = [option for option in table(given.units) if option.name in given.option]
    sizes = {name: getattr(given, name) for name in ("batch", "steps", "units", "features")}
    rows = [row for cell in given.cell for row in measure(cell, options, sizes, given.seconds)]
    texts = [
        [row["cell"], row["option"], f"{row['milliseconds']:.2f}", f"{row['ratio']:.2f}",
         f"{row['ratio_of_bests']:.2f}", f"{BOUND}{' passed' if row['ratio'] > BOUND else ''}"]
        for row in rows
    ]  # fmt: skip
    print(f"{given.units} units, {given.features} features, {given.steps} steps, batch {given.batch}, float32")
    print(report.render(["cell", "option", "ms", "ratio", "ratio of bests", "at most"], texts, left=2))
    if given.json:
        terms = {"machine": machine.describe(), "bound": BOUND, "threads": given.threads, "sizes": sizes}
        given.json.write_text(json.dumps({**terms, "rows": rows}, indent=1) + "\n")
    return any(row["ratio"] > BOUND for row in rows)


if __name__ == "__main__":
    raise SystemExit(main())
