"""The classification of film reviews: Embedding, a bidirectional LSTM, Dense; everybody's texts are padded alike."""

from __future__ import annotations

from pathlib import Path

from contest.case import Case

from . import data
from .text import TextTask

_VOCABULARY, _STEPS, _BATCH = 10_000, 200, 32


def task(folder: Path | None, rows: int) -> tuple[TextTask, str]:
    """The task on so many reviews at most, and what it is about."""
    x, y, source = data.reviews(folder, _VOCABULARY, _STEPS, rows)
    stack = Case("reviews", "lstm", 1, True, 64, 64, _STEPS, _BATCH, ())
    about = f"{len(x)} film reviews of {_STEPS} tokens ({source}), bidirectional LSTM 64, batch {_BATCH}, Adam"
    return TextTask("reviews", stack, _VOCABULARY, False, 2, x, y), about
