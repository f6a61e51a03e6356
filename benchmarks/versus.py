"""rnnfast beside its peers on this machine: the same weights and input, answers checked, turns taken.

    python benchmarks/versus.py                                   every case against every installed peer, one thread
    python benchmarks/versus.py --case vad_stream --mode stream   one of them
    python benchmarks/versus.py --peers --reference --scaling     against the NumPy reference, and threads against one

A ratio is the best peer's time over rnnfast's: above 1, rnnfast is faster. Figures of one run belong together; never
compare them with those of another run. docs/benchmarks.md says how it is measured.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contest import report
from contest.case import MODES, PUBLIC_CASES, Case, load_cases
from contest.referee import DisagreementError, Outcome, run
from contest.seat import PEERS, Seat, missing_packages

_SCALING_BATCH = 32  # cases of at least this batch are asked to scale with threads


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, default=PUBLIC_CASES, metavar="FILE", help="cases to read")
    parser.add_argument("--case", nargs="+", metavar="NAME", help="only these cases")
    parser.add_argument("--mode", nargs="+", choices=MODES, default=list(MODES), help="only these modes")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of every contestant (default 1)")
    parser.add_argument("--seconds", type=float, default=6.0, help="measuring time per case and mode (default 6)")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), help="peers; none: no such table")
    parser.add_argument("--reference", action="store_true", help="also rnnfast against the float32 NumPy reference")
    parser.add_argument("--scaling", action="store_true", help="also N threads (2 if N is 1) against one, batch >= 32")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    arguments = parser.parse_args()
    known = [case.name for case in load_cases(arguments.cases)]
    for name in arguments.case or []:
        if name not in known:
            parser.error(f"--case {name}: expected one of {', '.join(known)}")
    if arguments.threads < 1:
        parser.error(f"--threads {arguments.threads}: expected at least 1")
    return arguments


@contextmanager
def _seats(*wanted: tuple[str, int, str]) -> Iterator[list[Seat]]:
    """A seat for each (contestant, threads, label) whose packages are installed; the others are named."""
    seats: list[Seat] = []
    try:
        for contestant, threads, label in wanted:
            if missing := missing_packages(contestant):
                print(f"{contestant}: not installed ({', '.join(missing)})")
            else:
                seats.append(Seat(contestant, threads, label))
                print(f"{label}: {seats[-1].version}")
        yield seats
    finally:
        for seat in seats:
            seat.close()


def _table(title: str, work: list[tuple[Case, str]], seats: list[Seat], seconds: float) -> list[Outcome]:
    """Run and print a table, with a line on standard error as each case is done."""
    outcomes = []
    for case, mode in work:
        if sum(mode in seat.modes for seat in seats) > 1:
            outcomes.append(run(case, mode, seats, seconds))
            print(f"{case.name}, {mode}: {outcomes[-1].ratio():.2f}", file=sys.stderr, flush=True)
        else:
            print(f"{case.name}, {mode}: nobody to compare with")
    if outcomes:
        print(report.table(title, outcomes, [seat.label for seat in seats]), end="\n\n")
    return outcomes


def _peers(arguments: argparse.Namespace, work: list[tuple[Case, str]]) -> list[Outcome]:
    wanted = [(name, arguments.threads, name) for name in ("rnnfast", *arguments.peers)]
    with _seats(*wanted) as seats:
        title = f"\nAgainst peers: microseconds per call, {arguments.threads} thread(s), float32"
        outcomes = _table(title, work, seats, arguments.seconds)
    print("\n".join(report.summary(outcomes)), end="\n\n")
    return outcomes


def _reference(arguments: argparse.Namespace) -> list[Outcome]:
    cases = [
        Case(f"{cell} H=128 batch {batch}", cell, 1, False, 128, 128, 100, batch, ("infer", "train"))
        for batch in (32, 1)
        for cell in ("lstm", "gru", "rnn")
    ]
    with _seats(("rnnfast", 1, "rnnfast"), ("reference", 1, "reference")) as seats:
        work = [(case, mode) for case in cases for mode in case.modes if mode in arguments.mode]
        return _table("\nAgainst the float32 NumPy reference, 1 thread", work, seats, arguments.seconds)


def _scaling(arguments: argparse.Namespace, work: list[tuple[Case, str]]) -> list[Outcome]:
    threads = max(2, arguments.threads)
    with _seats(("rnnfast", threads, f"{threads} threads"), ("rnnfast", 1, "1 thread")) as seats:
        work = [(case, mode) for case, mode in work if case.batch >= _SCALING_BATCH]
        return _table("\nrnnfast with more threads", work, seats, arguments.seconds)


def main() -> int:
    arguments = _arguments()
    if missing := missing_packages("rnnfast"):
        print(f"versus.py: {missing[0]} is not installed: pip install .", file=sys.stderr)
        return 1
    work = [
        (case, mode)
        for case in load_cases(arguments.cases)
        if not arguments.case or case.name in arguments.case
        for mode in case.modes
        if mode in arguments.mode
    ]
    print(f"{platform.machine()}, {platform.platform()}, Python {platform.python_version()}")
    results: dict[str, list[Outcome]] = {}
    try:
        if arguments.peers:
            results["peers"] = _peers(arguments, work)
        if arguments.reference:
            results["reference"] = _reference(arguments)
        if arguments.scaling:
            results["scaling"] = _scaling(arguments, work)
    except DisagreementError as error:
        print(f"versus.py: answers differ: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        tables = {name: report.as_json(outcomes) for name, outcomes in results.items()}
        arguments.json.write_text(json.dumps({"threads": arguments.threads, **tables}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
