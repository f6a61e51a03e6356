"""Where the data lies, and what is common to texts whose words are numbered by how frequent they are."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from rnnfast.utils.downloads import get_file

_FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def arrays(path: str, name: str, digest: str) -> dict[str, np.ndarray]:
    """The arrays of a file. Lists of words are pickled in it: it is read only since the digest says what it holds."""
    found = get_file(path, origin=_FOLDER + name, file_hash=digest)
    with np.load(found, allow_pickle=True) as file:
        return {key: file[key] for key in file.files}


def word_index(path: str, name: str, digest: str) -> dict[str, int]:
    with open(get_file(path, origin=_FOLDER + name, file_hash=digest), encoding="utf-8") as file:
        return dict(json.load(file))


def shuffled(*same_rows: np.ndarray, rng: np.random.RandomState) -> list[np.ndarray]:
    order = np.arange(len(same_rows[0]))
    rng.shuffle(order)
    return [array[order] for array in same_rows]


def numbered(
    texts: Any, labels: Any, start_char: int | None, index_from: int, maxlen: int | None
) -> tuple[list[list[int]], np.ndarray]:
    """Texts with the number of the start before them, and those of words moved up by `index_from`; those of `maxlen`
    words and more are left out."""
    start = [] if start_char is None else [start_char]
    moved = [start + [word + (index_from or 0) for word in text] for text in texts]
    if not maxlen:
        return moved, np.asarray(labels)
    kept = [i for i, text in enumerate(moved) if len(text) < maxlen]
    if not kept:
        raise ValueError(f"load_data: no text has fewer than maxlen={maxlen} words")
    return [moved[i] for i in kept], np.asarray(labels)[kept]


def frequent(texts: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None) -> np.ndarray:
    """The texts with `oov_char` for numbers outside of `skip_top` to `num_words`, or without these if it is None."""
    end = num_words or max(max(text) for text in texts)
    known = [[word if skip_top <= word < end else oov_char for word in text] for text in texts]
    kept = [[word for word in text if word is not None] for text in known]
    made = np.empty(len(kept), dtype=object)
    made[:] = kept
    return made
