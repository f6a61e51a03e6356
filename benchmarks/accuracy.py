"""What a narrower format costs a trained model: accuracy and perplexity on held-out data in every precision.

    python benchmarks/accuracy.py --data FOLDER                   all of it: trains for some minutes
    python benchmarks/accuracy.py --workload digits --precision int8

The table has, for every precision, what the model is judged by on data that it was not trained on, how far that is from
float32, how many answers have another likeliest class than in float32, and the error of the probabilities against the
same model in float64. Where a bound is missed it says so and ends with 1. FOLDER as in real_models.py.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from workloads import data, trained

import rnnfast


class Setting(NamedTuple):
    """A way of asking for a precision."""

    dtype: str = "float32"
    matmul_precision: str = "highest"
    optimize_for: str = "latency"

    def engine(self, model: rnnfast.Sequential) -> rnnfast.InferenceModel:
        before = rnnfast.get_float32_matmul_precision()
        rnnfast.set_float32_matmul_precision(self.matmul_precision)  # read when the engine is built
        try:
            return rnnfast.InferenceModel(model, dtype=self.dtype, optimize_for=self.optimize_for)
        finally:
            rnnfast.set_float32_matmul_precision(before)


_EXACT = Setting("float64")
_PLAIN = "float32"
SETTINGS = {
    _PLAIN: Setting(),
    "throughput": Setting(optimize_for="throughput"),
    "high": Setting(matmul_precision="high"),
    "bfloat16": Setting("bfloat16"),
    "int8": Setting("int8"),
}

# How far from float32 each may be.
BOUNDS = {
    "accuracy": {"throughput": 0.1, "high": 0.1, "bfloat16": 0.1, "int8": 0.5},  # percentage points, either way
    "perplexity": {"throughput": 0.5, "high": 0.5, "bfloat16": 0.5, "int8": 2.0},  # per cent, either way
}
ERROR_BOUNDS = {"throughput": 1.0}  # root mean square against float64, over that of float32


class Tally(NamedTuple):
    """Sums over held-out answers; those of several models add up."""

    answers: int = 0
    right: int = 0
    surprise: float = 0.0  # minus the logarithm of the right answer's probability
    flips: int = 0  # likeliest class other than in float32
    square_error: float = 0.0  # of all probabilities, against float64
    probabilities: int = 0

    def __add__(self, other: Tally) -> Tally:  # type: ignore[override]
        return Tally(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def error(self) -> float:
        return (self.square_error / self.probabilities) ** 0.5


def tally(probabilities: np.ndarray, plain: np.ndarray, exact: np.ndarray, y: np.ndarray) -> Tally:
    """probabilities, and those in float32 and in float64: (..., classes); y (...,) the right classes."""
    likeliest = probabilities.argmax(axis=-1)
    chosen = np.take_along_axis(probabilities, y[..., None], axis=-1).astype(np.float64)
    return Tally(
        answers=y.size,
        right=int((likeliest == y).sum()),
        surprise=float(-np.log(chosen).sum()),
        flips=int((likeliest != plain.argmax(axis=-1)).sum()),
        square_error=float(np.square(probabilities - exact).sum()),
        probabilities=probabilities.size,
    )


def accuracy(of: Tally) -> float:
    return 100 * of.right / of.answers


def perplexity(of: Tally) -> float:
    return float(np.exp(of.surprise / of.answers))


class Workload(NamedTuple):
    subject: Callable[[trained.Options], trained.Subject]
    measure: str  # a key of BOUNDS

    def value(self, of: Tally) -> float:
        return accuracy(of) if self.measure == "accuracy" else perplexity(of)

    def change(self, of: Tally, plain: Tally) -> float:
        """In the unit of BOUNDS."""
        step = self.value(of) - self.value(plain)
        return step if self.measure == "accuracy" else 100 * step / self.value(plain)


WORKLOADS = {
    "digits": Workload(trained.digits, "accuracy"),
    "reviews": Workload(trained.reviews, "accuracy"),
    "characters": Workload(trained.characters, "perplexity"),
}


def judge(models: list[trained.Trained], settings: dict[str, Setting]) -> dict[str, Tally]:
    """The tally of each setting over all models."""
    sums = {name: Tally() for name in settings}
    for model, x, y in models:
        plain, exact = (setting.engine(model).predict(x, batch_size=500) for setting in (SETTINGS[_PLAIN], _EXACT))
        for name, setting in settings.items():
            sums[name] += tally(setting.engine(model).predict(x, batch_size=500), plain, exact, y)
    return sums


def misses(name: str, workload: Workload, of: Tally, plain: Tally) -> list[str]:
    """The bounds that a precision does not keep."""
    missed = []
    bound = BOUNDS[workload.measure].get(name)
    if bound is not None and abs(workload.change(of, plain)) > bound:
        missed.append(f"{workload.measure} more than {bound} away")
    factor = ERROR_BOUNDS.get(name)
    if factor is not None and of.error > factor * plain.error:
        missed.append(f"error above {factor} times that of {_PLAIN}")
    return missed


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_folder_argument(parser)
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), help="only these")
    parser.add_argument("--precision", nargs="+", choices=SETTINGS, default=list(SETTINGS), help="only these")
    parser.add_argument("--rows", type=int, metavar="N", help="of the data, a row of text being 100 characters")
    parser.add_argument("--epochs", type=int, metavar="N", help="of training (default: what the model needs)")
    arguments = parser.parse_args()
    for name, least in (("rows", 10), ("epochs", 1)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            parser.error(f"--{name} {value}: expected at least {least}")
    return arguments


def main() -> int:
    options = _arguments()
    if "digits" in options.workload and importlib.util.find_spec("sklearn") is None:
        print("accuracy.py: the digits come with scikit-learn, which is not installed", file=sys.stderr)
        return 1
    settings = {_PLAIN: SETTINGS[_PLAIN], **{name: SETTINGS[name] for name in options.precision}}
    missed = 0
    for workload in (WORKLOADS[name] for name in options.workload):
        subject = workload.subject(trained.Options(options.data, options.rows, options.epochs))
        print(f"{subject.about}", flush=True)
        sums = judge(list(subject.models), settings)
        unit = "points" if workload.measure == "accuracy" else "%"
        print(f"  {'precision':12} {workload.measure:>10} {'change, ' + unit:>15} {'flips':>13} {'error':>9}")
        for name, of in sums.items():
            value, change = workload.value(of), workload.change(of, sums[_PLAIN])
            wrong = misses(name, workload, of, sums[_PLAIN])
            flips = f"{of.flips}/{of.answers}"
            line = f"  {name:12} {value:10.4f} {change:+15.4f} {flips:>13} {of.error:9.1e}  {'; '.join(wrong)}"
            print(line.rstrip(), flush=True)
            missed += bool(wrong)
    return missed > 0


if __name__ == "__main__":
    raise SystemExit(main())
