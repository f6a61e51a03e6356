"""pad_sequences and to_categorical."""

import numpy as np
import pytest

from rnnfast.utils import normalize, pad_sequences, to_categorical

ROWS = [[1], [2, 3], [4, 5, 6], []]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6], [0, 0, 0]]),
        ({"value": -1, "padding": "post"}, [[1, -1, -1], [2, 3, -1], [4, 5, 6], [-1, -1, -1]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6], [0, 0]]),
        ({"maxlen": 2, "truncating": "post", "padding": "post"}, [[1, 0], [2, 3], [4, 5], [0, 0]]),
        ({"dtype": "float64", "value": 0.5}, [[0.5, 0.5, 1], [0.5, 2, 3], [4, 5, 6], [0.5] * 3]),
        ({"maxlen": 4}, [[0, 0, 0, 1], [0, 0, 2, 3], [0, 4, 5, 6], [0] * 4]),
    ],
)  # fmt: skip
def test_padding(options, expected):
    padded = pad_sequences(ROWS, **options)
    assert padded.dtype == np.dtype(options.get("dtype", "int32"))
    np.testing.assert_array_equal(padded, expected)


def test_padding_of_steps_with_features():
    rows = [np.arange(2.0 * n).reshape(n, 2) for n in (3, 0, 1)]
    padded = pad_sequences(rows, dtype="float32")
    assert padded.shape == (3, 3, 2) and padded.dtype == np.float32
    np.testing.assert_array_equal(padded[0], rows[0])
    np.testing.assert_array_equal(padded[2], [[0, 0], [0, 0], [0, 1]])
    assert pad_sequences([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((5,), TypeError, "pad_sequences: sequences must be a list of sequences"),
        (([1, 2],), TypeError, "sequence 0 must be a list"),
        (([[[1, 2]], [[1]]],), ValueError, r"sequence 1 has steps of shape \(1,\), those before it \(2,\)"),
        ((ROWS, 0), ValueError, "maxlen must be a positive integer"),
        ((ROWS, 2, "int32", "both"), ValueError, "padding must be 'pre' or 'post', got 'both'"),
        ((ROWS, 2, "int32", "pre", 3), ValueError, "truncating must be 'pre' or 'post', got 3"),
    ],
)
def test_what_cannot_be_padded(arguments, kind, message):
    with pytest.raises(kind, match=message):
        pad_sequences(*arguments)


def test_one_hot_rows():
    labels = np.array([[2, 0, 1], [1, 1, 0]])
    rows = to_categorical(labels)
    assert rows.shape == (2, 3, 3)
    np.testing.assert_array_equal(rows.argmax(-1), labels)
    np.testing.assert_array_equal(rows.sum(-1), 1.0)
    np.testing.assert_array_equal(to_categorical([[2], [0]], 4), [[0, 0, 1, 0], [1, 0, 0, 0]])
    assert to_categorical(np.zeros(0), 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (([0, 3], 3), ValueError, "class 3 is out of range: expected 0 to 2"),
        (([-1, 1],), ValueError, "class -1 is out of range"),
        (([],), ValueError, "x is empty; give num_classes"),
        (([0], 0), ValueError, "num_classes must be a positive integer"),
        ((["a"],), TypeError, "to_categorical: x must be numeric"),
    ],
)
def test_what_has_no_one_hot_rows(arguments, kind, message):
    with pytest.raises(kind, match=message):
        to_categorical(*arguments)


def test_normalize():
    x = np.random.default_rng(4).normal(size=(3, 4, 2))
    x[1, 2] = 0
    for axis in (-1, 1):
        for order in (1, 2):
            y = normalize(x, axis, order)
            norms = np.linalg.norm(y, order, axis)
            np.testing.assert_allclose(norms, (np.linalg.norm(x, order, axis) > 0).astype(float))
    assert not normalize(x)[1, 2].any()
