"""The command `rnnfast`: what runs on this machine, and a demonstration.

A mistake of the user's ends with one line on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

DEMO_MODULES = ("sklearn", "matplotlib", "h5py")


class UsageError(Exception):
    """Something that the user can put right; the message says how."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `rnnfast` with these arguments (default: those of the process) and give its exit code.

    >>> main(["info"])  # doctest: +SKIP
    0
    """
    parser = argument_parser()
    options = parser.parse_args(arguments)
    try:
        must_import("rnnfast._engine", "RNNFAST_ISA, where set, must name kernels of this machine")
        options.command(options)
    except UsageError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe has seen enough, as in `rnnfast info | head -1`
        sys.stderr.close()
        return 1
    return 0


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rnnfast", description="Recurrent neural networks on CPUs.")
    commands = parser.add_subparsers(required=True, metavar="command")

    info = commands.add_parser("info", help="what this machine offers, and which kernels and threads are used")
    info.add_argument("--json", action="store_true", help="print as JSON")
    info.set_defaults(command=run_info)

    show = commands.add_parser(
        "demo",
        help="train, save, serve and stream a classifier of handwritten digits",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    show.add_argument("--epochs", type=whole_number(1), default=40, help="passes over the training data")
    show.add_argument(
        "--output-dir", type=Path, default=Path("."), help="where digits.keras and rnnfast-demo.png are written"
    )
    show.add_argument("--seed", type=whole_number(0, 2**32 - 1), default=0, help="of everything that is random")
    show.set_defaults(command=run_demo)
    return parser


# The package is imported by the commands, for what goes wrong while it loads is for `main` to tell.


def run_info(options: argparse.Namespace) -> None:
    from rnnfast import _info

    facts = _info.facts()
    print(json.dumps(facts, indent=2) if options.json else _info.describe(facts))


def run_demo(options: argparse.Namespace) -> None:
    for module in DEMO_MODULES:
        must_import(module, 'pip install "rnnfast[demo]"')
    directory = options.output_dir
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output-dir: {error}") from None
    if not os.access(directory, os.W_OK):
        raise UsageError(f"--output-dir: {directory} is not writable")
    from rnnfast import demo

    demo.run(options.epochs, directory, options.seed)


def must_import(module: str, remedy: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"cannot import {module} ({error}); {remedy}") from None


def whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """An argparse type: an integer from `low` to `high`."""

    def parse(text: str) -> int:
        value = int(text)
        if value < low or (high is not None and value > high):
            limit = f"at least {low}" if high is None else f"from {low} to {high}"
            raise argparse.ArgumentTypeError(f"expected a whole number {limit}, got {text}")
        return value

    parse.__name__ = "whole number"  # argparse names the type where the text is no number at all
    return parse
