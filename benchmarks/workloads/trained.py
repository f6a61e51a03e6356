"""Models that rnnfast itself has trained for a short while, each beside data that it has not seen.

Digits and film reviews are split into folds: as many models are trained, each on all folds but one, so that every row
is held out once. The seeds are fixed, and training gives the same bits at any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

import rnnfast
from rnnfast.layers import LSTM, Bidirectional, Dense, Dropout, Embedding, Input

from . import data

_FOLDS = 5
_BATCH = 32
_CHARACTERS_PER_ROW = 100
_HELD_OUT_TEXT = 5  # one row in so many, at the end


class Trained(NamedTuple):
    """A model, and held-out data: x, and classes y (rows,) or (rows, steps)."""

    model: rnnfast.Sequential
    x: np.ndarray
    y: np.ndarray


class Options(NamedTuple):
    folder: Path | None  # with the texts
    rows: int | None  # of the data; None: all
    epochs: int | None  # None: as many as the task takes


class Subject(NamedTuple):
    """What is trained: a line about it, and the models, trained as they are asked for."""

    about: str
    models: Iterator[Trained]


def _fit(layers: list, x: np.ndarray, y: np.ndarray, epochs: int, learning_rate: float) -> rnnfast.Sequential:
    """The learning rate falls to a tenth for the last quarter of the epochs, so that the weights settle."""
    rnnfast.utils.set_random_seed(0)
    model = rnnfast.Sequential(layers)
    optimizer = rnnfast.optimizers.Adam(learning_rate, global_clipnorm=1.0)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
    last = epochs // 4
    model.fit(x, y, batch_size=_BATCH, epochs=epochs - last, verbose=0)
    if last:
        model.optimizer.learning_rate /= 10
        model.fit(x, y, batch_size=_BATCH, epochs=last, verbose=0)
    return model


def _folds(
    make: Callable[[], list], x: np.ndarray, y: np.ndarray, epochs: int, learning_rate: float
) -> Iterator[Trained]:
    for fold in range(_FOLDS):
        held_out = np.arange(len(x)) % _FOLDS == fold
        yield Trained(_fit(make(), x[~held_out], y[~held_out], epochs, learning_rate), x[held_out], y[held_out])


def digits(options: Options) -> Subject:
    """scikit-learn's scans of digits, read row by row."""
    from sklearn import datasets

    scans = datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(scans.target))[: options.rows]
    x, y = (scans.images[order] / 16).astype(np.float32), scans.target[order].astype(np.int32)

    def make() -> list:
        return [Input((8, 8)), LSTM(128), Dropout(0.4), Dense(10, activation="softmax")]

    about = f"{len(x)} digits, each held out once of {_FOLDS} models, LSTM 128"
    return Subject(about, _folds(make, x, y, options.epochs or 30, 2e-3))


def reviews(options: Options) -> Subject:
    """Film reviews, good or bad."""
    vocabulary, steps = 5_000, 200
    x, y, source = data.reviews(options.folder, vocabulary, steps, options.rows or data.REVIEW_COUNT)

    def make() -> list:
        return [
            Input((steps,), dtype="int32"),
            Embedding(vocabulary, 64, mask_zero=True),
            Dropout(0.5),
            Bidirectional(LSTM(64)),
            Dropout(0.5),
            Dense(2, activation="softmax"),
        ]

    about = f"{len(x)} film reviews ({source}), each held out once of {_FOLDS} models, bidirectional LSTM 64"
    return Subject(about, _folds(make, x, y, options.epochs or 16, 1e-3))


def characters(options: Options) -> Subject:
    """A text, character by character; its end is held out."""
    text, count, source = data.characters(options.folder)
    rows = (len(text) - 1) // _CHARACTERS_PER_ROW
    if options.rows is not None:
        rows = min(rows, options.rows)
    x, y = (
        part[: rows * _CHARACTERS_PER_ROW].reshape(rows, _CHARACTERS_PER_ROW) for part in (text, text[1:])
    )  # the next character is the class
    seen = rows - rows // _HELD_OUT_TEXT

    def train() -> Iterator[Trained]:
        layers = [
            Input((_CHARACTERS_PER_ROW,), dtype="int32"),
            Embedding(count, 64),
            LSTM(256, return_sequences=True),
            LSTM(256, return_sequences=True),
            Dense(count, activation="softmax"),
        ]
        yield Trained(_fit(layers, x[:seen], y[:seen], options.epochs or 4, 2e-3), x[seen:], y[seen:])

    return Subject(f"the last {y[seen:].size} characters of {source}, LSTM 256 twice", train())
