"""rnnfast beside its peers on this machine: the same weights and input, answers checked, turns taken.

    python benchmarks/versus.py                                   every case against every installed peer, one thread
    python benchmarks/versus.py --case vad_stream --mode stream   one of them
    python benchmarks/versus.py --precision high bfloat16 int8    the other precisions
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
from pathlib import Path

from contest import machine, report, selection
from contest.case import Case
from contest.referee import DisagreementError, Outcome, run
from contest.report import Section
from contest.seat import PEERS, Seat, missing_packages, take_seats
from contest.selection import Selection, in_precision, selected
from contest.summary import summary
from contest.terms import Terms, peer_terms

_SCALING_BATCH = 32  # cases of at least this batch are asked to scale with threads
_OPTIMIZE_FOR = ("latency", "throughput")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    selection.add_options(parser)
    parser.add_argument(
        "--threads", nargs="+", type=int, default=[1], metavar="N", help="threads of every contestant (default 1)"
    )
    parser.add_argument(
        "--optimize-for", nargs="+", choices=_OPTIMIZE_FOR, default=["latency"],
        help="what rnnfast's models are built for; of both, the quicker counts (default latency)",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=6.0, help="measuring time per case and mode (default 6)")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), help="peers; none: no such table")
    parser.add_argument("--reference", action="store_true", help="also rnnfast against the float32 NumPy reference")
    parser.add_argument("--scaling", action="store_true", help="also N threads (2 if N is 1) against one, batch >= 32")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here, for performance.py")
    return parser


def _section(kind: str, title: str, work: Selection, seats: list[Seat], seconds: float) -> Section:
    """Run and print a table, with a line on standard error as each case is done."""
    outcomes: list[Outcome] = []
    for case, mode in work:
        outcome = run(case, mode, seats, seconds)
        if outcome is None:
            print(f"{case.name}, {mode}: nobody to compare with")
        else:
            outcomes.append(outcome)
            print(f"{case.name}, {mode}: {outcome.ratio():.2f}", file=sys.stderr, flush=True)
    terms = seats[0].terms[0]
    section = Section(kind, terms.precision, terms.threads, {seat.label: seat.version for seat in seats}, outcomes)
    if outcomes:
        print(f"{title}\n{report.table(outcomes, section.labels)}", end="\n\n")
    return section


def _peers(arguments: argparse.Namespace, work: Selection, threads: int, precision: str) -> Section:
    ours = [Terms(threads, precision, optimize_for) for optimize_for in arguments.optimize_for]
    theirs = [(name, peer_terms(ours[0]), name) for name in arguments.peers]
    with take_seats(("rnnfast", ours, "rnnfast"), *theirs) as seats:
        title = f"\nAgainst peers: microseconds per call, {threads} thread(s), {precision}"
        section = _section("peers", title, in_precision(work, precision), seats, arguments.seconds)
    print("\n".join(summary(section.outcomes, precision, machine.cache_bytes(2))), end="\n\n")
    return section


def _reference(arguments: argparse.Namespace) -> Section:
    cases = [
        Case(f"{cell} H=128 batch {batch}", cell, 1, False, 128, 128, 100, batch, ("infer", "train"))
        for batch in (32, 1)
        for cell in ("lstm", "gru", "rnn")
    ]
    with take_seats(("rnnfast", [Terms()], "rnnfast"), ("reference", [Terms()], "reference")) as seats:
        work = [(case, mode) for case in cases for mode in case.modes if mode in arguments.mode]
        title = "\nAgainst the float32 NumPy reference, 1 thread"
        return _section("reference", title, work, seats, arguments.seconds)


def _scaling(arguments: argparse.Namespace, work: Selection) -> Section:
    threads = max(2, *arguments.threads)
    with take_seats(("rnnfast", [Terms(threads)], f"{threads} threads"), ("rnnfast", [Terms()], "1 thread")) as seats:
        work = [(case, mode) for case, mode in work if case.batch >= _SCALING_BATCH]
        return _section("scaling", "\nrnnfast with more threads", work, seats, arguments.seconds)


def _sections(arguments: argparse.Namespace, work: Selection) -> Iterator[Section]:
    if arguments.peers:
        for threads in arguments.threads:
            for precision in arguments.precision:
                yield _peers(arguments, work, threads, precision)
    if arguments.reference:
        yield _reference(arguments)
    if arguments.scaling:
        yield _scaling(arguments, work)


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    if min(arguments.threads) < 1:
        parser.error(f"--threads {min(arguments.threads)}: expected at least 1")
    work = selected(parser, arguments)
    if missing := missing_packages("rnnfast"):
        print(f"versus.py: {missing[0]} is not installed: pip install .", file=sys.stderr)
        return 1
    print(f"{platform.machine()}, {platform.platform()}, Python {platform.python_version()}")
    try:
        sections = list(_sections(arguments, work))
    except DisagreementError as error:
        print(f"versus.py: answers differ: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        figures = {"machine": machine.describe(), "sections": [report.section_to_json(each) for each in sections]}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
