"""11228 news of Reuters of 1987, on 46 topics, as numbers of words."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.datasets import _store

_DIGEST = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_WORDS_DIGEST = "4d44cc38712099c9e383dc6e5f11a921"


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Any:
    """`(x_train, y_train), (x_test, y_test)`: x arrays of lists of numbers, of any lengths; y of topics, 0 to 45.

    test_split: the share of the second pair. The other arguments are those of `imdb.load_data`.
    """
    files = _store.arrays(path, "reuters.npz", _DIGEST)
    x, y = _store.shuffled(files["x"], files["y"], rng=np.random.RandomState(seed))
    texts, y = _store.numbered(x, y, start_char, index_from, maxlen)
    x = _store.frequent(texts, num_words, skip_top, oov_char)
    first = int(len(x) * (1 - test_split))
    return (x[:first], y[:first]), (x[first:], y[first:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """Word -> number, counted from 1: `index_from` comes on top of it."""
    return _store.word_index(path, "reuters_word_index.json", _WORDS_DIGEST)
