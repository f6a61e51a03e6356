"""The command line's choice of cases, modes and precisions, as versus.py and roofline.py understand it."""

from __future__ import annotations

import argparse
from pathlib import Path

from .case import MODES, PUBLIC_CASES, Case, load_cases
from .terms import PRECISIONS

Selection = list[tuple[Case, str]]  # cases, and a mode of each


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cases", type=Path, default=PUBLIC_CASES, metavar="FILE", help="cases to read")
    parser.add_argument("--case", nargs="+", metavar="NAME", help="only these cases")
    parser.add_argument("--mode", nargs="+", choices=MODES, default=list(MODES), help="only these modes")
    parser.add_argument(
        "--precision", nargs="+", choices=PRECISIONS, default=["float32"], help="rnnfast's precision (default float32)"
    )


def selected(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> Selection:
    """What the options choose; ends the program with an error that names the known cases if one is unknown."""
    cases = load_cases(arguments.cases)
    known = [case.name for case in cases]
    for name in arguments.case or []:
        if name not in known:
            parser.error(f"--case {name}: expected one of {', '.join(known)}")
    return [
        (case, mode)
        for case in cases
        if not arguments.case or case.name in arguments.case
        for mode in case.modes
        if mode in arguments.mode
    ]


def in_precision(work: Selection, precision: str) -> Selection:
    """Those of the modes that exist in that precision: training is in float32."""
    return [(case, mode) for case, mode in work if precision == "float32" or mode != "train"]
