"""The texts of the workloads, as the examples read them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

# One reader for each file: that of the examples.
sys.path.append(str(Path(__file__).parents[2] / "examples"))
import example_data
from example_data import REVIEW_COUNT, REVIEWS, SHAKESPEARE, reviews

__all__ = ["REVIEWS", "REVIEW_COUNT", "SHAKESPEARE", "add_folder_argument", "characters", "reviews"]

_FOLDER_VARIABLE = "RNNFAST_BENCHMARK_DATA"


def add_folder_argument(parser: argparse.ArgumentParser) -> None:
    """--data, the folder that may hold the texts: a Path or None."""
    folder = os.environ.get(_FOLDER_VARIABLE)
    parser.add_argument(
        "--data", type=Path, default=Path(folder) if folder else None, metavar="FOLDER",
        help=f"the texts (default: the environment variable {_FOLDER_VARIABLE})",
    )  # fmt: skip


def characters(folder: Path | None) -> tuple[np.ndarray, int, str]:
    """One long text as numbers (int32), how many different characters there are, and where it is from."""
    text, symbols, source = example_data.characters(folder)
    return text, len(symbols), source
