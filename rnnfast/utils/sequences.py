"""Sequences of different lengths, and class numbers, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences of any lengths as one array (samples, time, ...).

    Args:
        sequences: a list of sequences of numbers, or of arrays (length, ...) that differ on the first axis alone.
        maxlen: the number of steps; default the longest length.
        dtype: of the result.
        padding: "pre" (default) puts `value` before a sequence that is too short, "post" after it.
        truncating: "pre" (default) cuts a sequence that is too long at its beginning, "post" at its end.
        value: default 0.

    Raises:
        TypeError: no list of sequences. ValueError: sequences whose further axes differ, an unknown `padding`.

    Example:
        >>> from rnnfast.utils import pad_sequences
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2, padding="post").tolist()
        [[1, 0], [2, 3], [5, 6]]
    """
    for argument, given in (("padding", padding), ("truncating", truncating)):
        if given not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {argument} must be 'pre' or 'post', got {given!r}")
    listed = _arguments.items("pad_sequences: sequences", sequences, "a list of sequences")
    rows = [
        np.asarray(_arguments.items(f"pad_sequences: sequence {i}", row, "a list or an array"), dtype=dtype)
        for i, row in enumerate(listed)
    ]
    shape = next((row.shape[1:] for row in rows if len(row)), ())
    for i, row in enumerate(rows):
        if len(row) and row.shape[1:] != shape:
            raise ValueError(f"pad_sequences: sequence {i} has steps of shape {row.shape[1:]}, those before it {shape}")
    if maxlen is None:
        maxlen = max((len(row) for row in rows), default=0)
    else:
        maxlen = _arguments.whole_number("pad_sequences: maxlen", maxlen)
    padded = np.full((len(rows), maxlen, *shape), value, dtype=dtype)
    for place, row in zip(padded, rows, strict=True):
        kept = row[:maxlen] if truncating == "post" else row[max(0, len(row) - maxlen) :]
        if len(kept):
            place[: len(kept) if padding == "post" else None][-len(kept) :] = kept
    return padded


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Class numbers of any shape as one-hot rows, float64, on a new last axis; a last axis of size 1 is dropped.

    Args:
        x: integers from 0 to `num_classes - 1`.
        num_classes: default the largest number and one.

    Raises:
        ValueError: a number out of range, or none at all without `num_classes`. TypeError: no numbers.

    Example:
        >>> from rnnfast.utils import to_categorical
        >>> to_categorical([2, 0]).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    given = _arguments.numeric("to_categorical: x", x)
    labels = given.astype(np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if num_classes is None and labels.size == 0:
        raise ValueError("to_categorical: x is empty; give num_classes")
    count = int(labels.max()) + 1 if num_classes is None else num_classes
    count = _arguments.whole_number("to_categorical: num_classes", count)
    bad = (labels < 0) | (labels >= count)
    if bad.any():
        raise ValueError(f"to_categorical: class {labels[bad][0]} is out of range: expected 0 to {count - 1}")
    rows = np.zeros((*labels.shape, count))
    np.put_along_axis(rows, labels[..., None], 1.0, axis=-1)
    return rows


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """x divided by its norm of this order along `axis`; vectors of zeros stay as they are.

    >>> from rnnfast.utils import normalize
    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    array = _arguments.numeric("normalize: x", x)
    _arguments.whole_number("normalize: order", order)
    norms = np.atleast_1d(np.linalg.norm(array, order, axis))
    norms[norms == 0] = 1
    return array / np.expand_dims(norms, axis)
