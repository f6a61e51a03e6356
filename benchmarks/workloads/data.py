"""Real text where it is at hand, else generated text of the same statistics."""

from __future__ import annotations

import argparse
import os
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np

REVIEWS = "review_polarity.tar.gz"  # Pang and Lee's 2000 film reviews, a text file each
SHAKESPEARE = "tinyshakespeare.txt"
REVIEW_COUNT = 2000

_FOLDER_VARIABLE = "RNNFAST_BENCHMARK_DATA"
_PADDING, _UNKNOWN = 0, 1  # tokens; words begin behind them
_LOG_LENGTH = (6.4, 0.45)  # mean and deviation of the logarithm of a real review's number of words
_CHARACTERS = 65  # in Shakespeare's text
_CHARACTER_COUNT = 1_100_000


def add_folder_argument(parser: argparse.ArgumentParser) -> None:
    """--data, the folder that may hold the texts: a Path or None."""
    folder = os.environ.get(_FOLDER_VARIABLE)
    parser.add_argument(
        "--data", type=Path, default=Path(folder) if folder else None, metavar="FOLDER",
        help=f"the texts (default: the environment variable {_FOLDER_VARIABLE})",
    )  # fmt: skip


def _frequencies(count: int) -> np.ndarray:
    """Zipf's law: the probability of the n-th most frequent of `count` words or characters."""
    weights = 1 / np.arange(1, count + 1)
    return weights / weights.sum()


def _real_reviews(archive: Path, vocabulary: int) -> tuple[list[list[int]], list[int]]:
    texts, labels = [], []
    with tarfile.open(archive) as files:
        for member in sorted(files.getmembers(), key=lambda member: Path(member.name).name):  # good and bad mixed
            content = files.extractfile(member) if member.name.endswith(".txt") else None
            if content is not None:
                texts.append(content.read().decode("latin-1").split())
                labels.append(int("/pos/" in member.name))
    counts = Counter(word for text in texts for word in text)
    numbers = {word: n for n, (word, _) in enumerate(counts.most_common(vocabulary - 2), start=2)}
    return [[numbers.get(word, _UNKNOWN) for word in text] for text in texts], labels


def _generated_reviews(vocabulary: int) -> tuple[list[list[int]], list[int]]:
    rng = np.random.default_rng(0)
    lengths = np.exp(rng.normal(*_LOG_LENGTH, size=REVIEW_COUNT)).astype(int) + 1
    frequencies = _frequencies(vocabulary - 2)
    texts = [(2 + rng.choice(vocabulary - 2, size=length, p=frequencies)).tolist() for length in lengths]
    return texts, rng.integers(0, 2, size=REVIEW_COUNT).tolist()


def reviews(folder: Path | None, vocabulary: int, steps: int, count: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Tokens (count, steps) int32, cut or padded behind with zeros, labels (count,) int32, and where they are from.

    At most the 2000 reviews that there are.
    """
    archive = folder / REVIEWS if folder else None
    if archive and archive.is_file():
        (texts, labels), source = _real_reviews(archive, vocabulary), REVIEWS
    else:
        (texts, labels), source = _generated_reviews(vocabulary), "generated text"
    count = min(count, len(texts))
    tokens = np.full((count, steps), _PADDING, np.int32)
    for row, text in zip(tokens, texts, strict=False):
        row[: len(text)] = text[:steps]
    return tokens, np.array(labels[:count], np.int32), source


def characters(folder: Path | None) -> tuple[np.ndarray, int, str]:
    """One long text as numbers (int32), how many different characters there are, and where it is from."""
    file = folder / SHAKESPEARE if folder else None
    if file and file.is_file():
        symbols, text = np.unique(list(file.read_text()), return_inverse=True)
        return text.astype(np.int32), len(symbols), SHAKESPEARE
    text = np.random.default_rng(0).choice(_CHARACTERS, size=_CHARACTER_COUNT, p=_frequencies(_CHARACTERS))
    return text.astype(np.int32), _CHARACTERS, "generated text"
