"""25000 film reviews to train on and as many to test, good (1) or bad (0), as numbers of words."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.datasets import _store

_DIGEST = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
_WORDS_DIGEST = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Any:
    """`(x_train, y_train), (x_test, y_test)`: x arrays of lists of numbers, of any lengths; y of 0 and 1.

    Words are numbered from `index_from + 1`, the most frequent first. start_char: stands before every review.
    num_words, skip_top: numbers outside are given as `oov_char`, or left out if that is None. maxlen: longer reviews
    are left out. seed: of the order. path: the name of the file in the cache. ValueError: it cannot be downloaded.
    """
    files = _store.arrays(path, "imdb.npz", _DIGEST)
    rng = np.random.RandomState(seed)
    ordered = [_store.shuffled(files[f"x_{part}"], files[f"y_{part}"], rng=rng) for part in ("train", "test")]
    parts = [_store.numbered(x, y, start_char, index_from, maxlen) for x, y in ordered]
    (train, y_train), (test, y_test) = parts
    x = _store.frequent(train + test, num_words, skip_top, oov_char)
    return (x[: len(train)], y_train), (x[len(train) :], y_test)


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Word -> number, counted from 1: `index_from` comes on top of it."""
    return _store.word_index(path, "imdb_word_index.json", _WORDS_DIGEST)
