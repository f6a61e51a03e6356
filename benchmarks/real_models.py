"""Whole models at work, rnnfast beside its peers: answers checked, turns taken.

    python benchmarks/real_models.py --data FOLDER                   all of them; FOLDER as below
    python benchmarks/real_models.py --workload reviews --rows 512   a quarter of an epoch

reviews     an epoch of text classification: Embedding, bidirectional LSTM, Dense; everybody's texts are padded alike
char_lm     a character language model of two LSTM layers: trained, and writing
denoiser    many streams over one GRU model, fed at a steady rate: latency of a step, median and tails

FOLDER may hold review_polarity.tar.gz and tinyshakespeare.txt; text of the same statistics is generated in place of
what is missing. docs/benchmarks.md says more.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from contest import machine, report
from contest.case import Case
from contest.referee import SLICE, DisagreementError, Timing, run
from contest.seat import PEERS, Seat, Task, missing_packages, take_seats
from contest.terms import Terms
from workloads import data, reviews
from workloads.service import ServiceTask
from workloads.text import TOLERANCE, TextTask

_LONG_TURN = 0.3  # seconds; a service has to settle, and its tail is rare


class Figure(NamedTuple):
    """A number that a workload is about."""

    title: str
    of: Callable[[Timing], float]
    digits: int
    more_is_better: bool = False

    def ratio(self, ours: Timing, theirs: Timing) -> float:
        """Above 1, ours is better."""
        return self.of(ours) / self.of(theirs) if self.more_is_better else self.of(theirs) / self.of(ours)


_EPOCH = (Figure("seconds per epoch", lambda timing: timing.median / 1e6, 2),)
_LATENCY = (
    Figure("latency p50, us", lambda timing: timing.median, 1),
    Figure("latency p99, us", lambda timing: timing.p99, 1),
    Figure("latency p99.9, us", lambda timing: timing.p999, 1),
)


def _tokens_per_second(tokens: int) -> tuple[Figure]:
    """tokens: of one run"""
    return (Figure("tokens per second", lambda timing: tokens * 1e6 / timing.median, 0, more_is_better=True),)


class Workload(NamedTuple):
    task: Task
    mode: str
    figures: tuple[Figure, ...]
    about: str
    turn: float = SLICE
    tolerance: float | None = None  # that of the precision


def _reviews(options: argparse.Namespace) -> list[Workload]:
    task, about = reviews.task(options.data, options.rows)
    return [Workload(task, "train", _EPOCH, about, tolerance=TOLERANCE)]


def _char_lm(options: argparse.Namespace) -> list[Workload]:
    steps, batch = 100, 64
    text, count, source = data.characters(options.data)
    rows = min(options.rows, (len(text) - 1) // steps) // batch * batch or batch
    x, y = (part[: rows * steps].reshape(rows, steps) for part in (text, text[1:]))
    stack = Case("char_lm", "lstm", 2, False, 64, 256, steps, batch, ())
    task = TextTask("char_lm", stack, count, True, count, x, y)
    about = f"{source}, LSTM 256 twice"
    return [
        Workload(
            task, "train", _tokens_per_second(x.size), f"{about}, batch {batch}, {steps} steps, Adam",
            tolerance=TOLERANCE,
        ),
        Workload(task, "write", _tokens_per_second(1), f"{about}, one character at a time, each fed from the last"),
    ]  # fmt: skip


def _denoiser(options: argparse.Namespace) -> list[Workload]:
    case = Case("denoiser", "gru", 3, False, 128, 128, 1, 1, ("stream",))
    task = ServiceTask("denoiser", case, options.streams, options.rate)
    about = f"{options.streams} streams over GRU 128 three times, {options.rate:g} steps per second, one server"
    return [Workload(task, "serve", _LATENCY, about, turn=_LONG_TURN)]


WORKLOADS = {"reviews": _reviews, "char_lm": _char_lm, "denoiser": _denoiser}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_folder_argument(parser)
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), help="only these")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=["torch", "onnxruntime", "tensorflow"])
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of every contestant (default 1)")
    parser.add_argument("--rows", type=int, default=2000, help="reviews, and rows of 100 characters (default 2000)")
    parser.add_argument("--streams", type=int, default=200, help="of the denoiser (default 200)")
    parser.add_argument("--rate", type=float, default=6250.0, help="its steps per second in all (default 6250)")
    parser.add_argument("--seconds", type=float, default=10.0, help="measuring time of each (default 10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here, for performance.py")
    arguments = parser.parse_args()
    for name in ("threads", "rows", "streams", "rate"):
        if not getattr(arguments, name) > 0:
            parser.error(f"--{name} {getattr(arguments, name)}: expected more than 0")
    return arguments


def _rows(workload: Workload, seats: list[Seat], seconds: float) -> list[dict]:
    """A row for each figure of the workload; none if nobody can be compared with."""
    outcome = run(workload.task, workload.mode, seats, seconds, workload.turn, workload.tolerance)
    if outcome is None:
        print(f"{workload.task.name}, {workload.mode}: nobody to compare with")
        return []
    ours = outcome.timings[outcome.leader]
    return [
        {
            "workload": workload.task.name,
            "mode": workload.mode,
            "about": workload.about,
            "figure": figure.title,
            "digits": figure.digits,
            "values": {label: figure.of(timing) for label, timing in outcome.timings.items()},
            "ratios": {
                label: figure.ratio(ours, timing)
                for label, timing in outcome.timings.items()
                if label != outcome.leader
            },
            "variants": {label: timing.variant for label, timing in outcome.timings.items()},
        }
        for figure in workload.figures
    ]


def main() -> int:
    options = _arguments()
    if missing := missing_packages("rnnfast"):
        print(f"real_models.py: {missing[0]} is not installed: pip install .", file=sys.stderr)
        return 1
    workloads = [workload for name in options.workload for workload in WORKLOADS[name](options)]
    rows: list[dict] = []
    try:
        terms = [Terms(options.threads)]
        with take_seats(*((name, terms, name) for name in ("rnnfast", *options.peers))) as seats:
            versions = {seat.label: seat.version for seat in seats}
            for workload in workloads:
                print(f"{workload.task.name}, {workload.mode}: {workload.about}", flush=True)
                rows += _rows(workload, seats, options.seconds)
    except DisagreementError as error:
        print(f"real_models.py: answers differ: {error}", file=sys.stderr)
        return 1
    print(f"\nWhole models, {options.threads} thread(s), float32\n{report.workload_table(rows, list(versions))}")
    if options.json:
        section = {"threads": options.threads, "versions": versions, "rows": rows}
        options.json.write_text(json.dumps({"machine": machine.describe(), "workloads": [section]}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
