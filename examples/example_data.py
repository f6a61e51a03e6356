"""The data of the examples: read from a folder where it is, else generated with the same shape.

The real files are Pang and Lee's film reviews (review_polarity.tar.gz), Shakespeare's plays (tinyshakespeare.txt),
hourly air of Beijing (pollution.csv, UCI) and the daily minimum temperature of Melbourne (daily-min-temperatures.csv).
"""

from __future__ import annotations

import csv
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np

REVIEWS = "review_polarity.tar.gz"
SHAKESPEARE = "tinyshakespeare.txt"
POLLUTION = "pollution.csv"
TEMPERATURES = "daily-min-temperatures.csv"
REVIEW_COUNT = 2000

PADDING, UNKNOWN = 0, 1  # tokens; words begin behind them

_LOG_LENGTH = (6.4, 0.45)  # mean and deviation of the logarithm of a real review's number of words
_CHARACTERS = 65  # in Shakespeare's text
_CHARACTER_COUNT = 1_100_000
_HOURS = 24 * 365
_DAYS = 3650


def _file(folder: Path | str | None, name: str) -> Path | None:
    path = Path(folder) / name if folder else None
    return path if path and path.is_file() else None


def _frequencies(count: int) -> np.ndarray:
    """Zipf's law: the probability of the n-th most frequent of `count` words or characters."""
    weights = 1 / np.arange(1, count + 1)
    return weights / weights.sum()


# Text


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
    return [[numbers.get(word, UNKNOWN) for word in text] for text in texts], labels


def _generated_reviews(vocabulary: int) -> tuple[list[list[int]], list[int]]:
    rng = np.random.default_rng(0)
    lengths = np.exp(rng.normal(*_LOG_LENGTH, size=REVIEW_COUNT)).astype(int) + 1
    frequencies = _frequencies(vocabulary - 2)
    texts = [(2 + rng.choice(vocabulary - 2, size=length, p=frequencies)).tolist() for length in lengths]
    return texts, rng.integers(0, 2, size=REVIEW_COUNT).tolist()


def reviews(
    folder: Path | str | None, vocabulary: int, steps: int, count: int = REVIEW_COUNT
) -> tuple[np.ndarray, np.ndarray, str]:
    """Tokens (count, steps) int32, cut or padded behind with zeros, labels (count,) int32, and where they are from.

    At most the 2000 reviews that there are.
    """
    archive = _file(folder, REVIEWS)
    texts, labels = _real_reviews(archive, vocabulary) if archive else _generated_reviews(vocabulary)
    count = min(count, len(texts))
    tokens = np.full((count, steps), PADDING, np.int32)
    for row, text in zip(tokens, texts, strict=False):
        row[: len(text)] = text[:steps]
    return tokens, np.array(labels[:count], np.int32), REVIEWS if archive else "generated text"


def characters(folder: Path | str | None) -> tuple[np.ndarray, list[str], str]:
    """One long text as numbers (int32), the character of each number, and where it is from."""
    if file := _file(folder, SHAKESPEARE):
        symbols, text = np.unique(list(file.read_text()), return_inverse=True)
        return text.astype(np.int32), symbols.tolist(), SHAKESPEARE
    text = np.random.default_rng(0).choice(_CHARACTERS, size=_CHARACTER_COUNT, p=_frequencies(_CHARACTERS))
    return text.astype(np.int32), [chr(ord(" ") + i) for i in range(_CHARACTERS)], "generated text"


# Series


def pollution(folder: Path | str | None) -> tuple[np.ndarray, list[str], str]:
    """Hours (n, 8) float32, the names of the columns, and where they are from.

    Columns: PM2.5 (ug/m3), dew point and temperature (C), pressure (hPa), wind speed (m/s), snow and rain (h), and the
    wind direction as a number. PM2.5 begins after the first day, which has none; later gaps repeat the hour before.
    """
    names = ["pm2.5", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir", "cbwd"]
    file = _file(folder, POLLUTION)
    if not file:
        rng = np.random.default_rng(0)
        hours = np.arange(_HOURS)
        day = np.sin(2 * np.pi * hours[:, None] / 24 + np.arange(8))
        drift = np.cumsum(rng.normal(size=(_HOURS, 8)), axis=0)
        return (drift * 0.2 + 2 * day + 50).astype(np.float32), names, "generated series"
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    winds = {wind: i for i, wind in enumerate(sorted({row["cbwd"] for row in rows}))}
    table = np.array(
        [[row[name] if row[name] != "NA" else "nan" for name in names[:-1]] + [winds[row["cbwd"]]] for row in rows],
        np.float32,
    )
    first = int(np.argmax(~np.isnan(table[:, 0])))
    table = table[first:]
    known = np.maximum.accumulate(np.where(np.isnan(table[:, 0]), 0, np.arange(len(table))))
    table[:, 0] = table[known, 0]
    return table, names, POLLUTION


def temperatures(folder: Path | str | None) -> tuple[np.ndarray, str]:
    """Degrees Celsius (days,) float32, and where they are from."""
    file = _file(folder, TEMPERATURES)
    if not file:
        rng = np.random.default_rng(0)
        days = np.arange(_DAYS)
        series = 11 + 4 * np.cos(2 * np.pi * days / 365.25) + rng.normal(0, 2.5, _DAYS)
        return series.astype(np.float32), "generated series"
    with file.open(newline="") as lines:
        return np.array([row["Temp"].lstrip("?") for row in csv.DictReader(lines)], np.float32), TEMPERATURES
