"""Products, column sums and embeddings against NumPy in float64."""

import numpy as np
import pytest
from numeric import assert_close, assert_same_bits
from rnn_cases import normal

from rnnfast import _kernels

TOLERANCE = {np.dtype(np.float32): 5e-6, np.dtype(np.float64): 1e-13}
SIZES = [
    (1, 1, 1), (1, 17, 33), (2, 16, 64), (3, 100, 5), (4, 1, 31), (5, 65, 16), (6, 3, 127), (7, 33, 48), (8, 128, 63),
    (9, 20, 1), (17, 2, 65), (33, 300, 100), (130, 65, 129), (1, 512, 700),
]  # m, k, n  # fmt: skip


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_matmul(transpose_a, transpose_b, dtype, rng):
    for m, k, n in SIZES:
        a, b, bias = normal(rng, (m, k), dtype), normal(rng, (k, n), dtype), normal(rng, n, dtype)
        stored_a = a.T.copy() if transpose_a else a
        stored_b = b.T.copy() if transpose_b else b
        for added in (None, bias):
            c = _kernels.matmul(stored_a, stored_b, bias=added, transpose_a=transpose_a, transpose_b=transpose_b)
            expected = a.astype(np.float64) @ b.astype(np.float64) + (0 if added is None else added)
            assert c.dtype == dtype
            assert_close(c, expected, TOLERANCE[dtype], f"({m}, {k}) x ({k}, {n})")


def test_matmul_of_views(dtype, rng):
    base_a, base_b = normal(rng, (24, 40), dtype), normal(rng, (40, 60), dtype)
    views_a = [base_a[:7, :20], base_a[::3, ::2], base_a[::-1, 19::-1], base_a[:20, :9].T[:, :20]]
    views_b = [base_b[:20, :30], base_b[::2, ::2], base_b[19::-1, ::-1], base_b[:30, :20].T]
    for a in views_a:
        for b in views_b:
            c = _kernels.matmul(a, b)
            assert_close(c, a.astype(np.float64) @ b.astype(np.float64), TOLERANCE[dtype], f"{a.strides} x {b.strides}")


def test_matmul_of_nothing(dtype):
    assert _kernels.matmul(np.zeros((0, 3), dtype), np.zeros((3, 4), dtype)).shape == (0, 4)
    assert _kernels.matmul(np.zeros((2, 3), dtype), np.zeros((3, 0), dtype)).shape == (2, 0)


def test_matmul_on_any_number_of_threads(dtype, rng, threads):
    for m, k, n in ((130, 65, 129), (500, 100, 400), (1, 512, 700), (64, 3000, 96)):
        a, b = normal(rng, (m, k), dtype), normal(rng, (k, n), dtype)
        results = []
        for count in (1, 2):
            threads(count)
            results.append(_kernels.matmul(a, b))
        assert_same_bits(results[1], results[0], f"({m}, {k}) x ({k}, {n})")


def test_matmul_errors(dtype):
    a, b = np.zeros((2, 3), dtype), np.zeros((3, 4), dtype)
    other = np.float32 if dtype == np.float64 else np.float64
    for bad_a, bad_b, options in (
        (a, np.zeros((4, 4), dtype), {}),
        (a, b, {"transpose_a": True}),
        (a, b, {"transpose_b": True}),
        (a, np.zeros(3, dtype), {}),
        (np.zeros((1, 2, 3), dtype), b, {}),
        (a, b.astype(other), {}),
        (a.astype(int), b.astype(int), {}),
        (a, b, {"bias": np.zeros(3, dtype)}),
        (a, b, {"bias": np.zeros(4, other)}),
    ):
        with pytest.raises((ValueError, TypeError)):
            _kernels.matmul(bad_a, bad_b, **options)


def test_column_sums(dtype, rng):
    for rows, cols in ((1, 1), (3, 17), (100, 33), (1000, 128), (0, 5)):
        x = normal(rng, (rows, cols), dtype)
        sums = _kernels.column_sums(x)
        assert sums.dtype == dtype
        assert_close(sums, x.astype(np.float64).sum(axis=0), TOLERANCE[dtype], f"{rows} x {cols}")
    np.testing.assert_array_equal(_kernels.column_sums(x[:, ::2]), np.zeros(3))
    with pytest.raises(ValueError):
        _kernels.column_sums(np.zeros(3, dtype))


@pytest.mark.parametrize("token_dtype", [np.int32, np.int64, np.uint8])
def test_embedding(dtype, rng, token_dtype):
    table = normal(rng, (11, 5), dtype)
    for shape in ((), (1,), (4, 3), (2, 3, 4), (0, 3)):
        tokens = rng.integers(0, 11, shape).astype(token_dtype)
        tokens = np.asarray(tokens)
        y = _kernels.embedding_forward(table, tokens)
        assert_same_bits(y, table[tokens], f"tokens {shape}")
        dy = normal(rng, (*shape, 5), dtype)
        expected = np.zeros((11, 5))
        np.add.at(expected, tokens, dy)
        assert_close(_kernels.embedding_backward(tokens, dy, 11), expected, TOLERANCE[dtype], f"tokens {shape}")


def test_embedding_backward_adds_in_order(dtype, rng):
    dy = normal(rng, (50, 3), dtype)
    expected = np.zeros(3, dtype)
    for row in dy:
        expected += row
    assert_same_bits(_kernels.embedding_backward(np.zeros(50, int), dy, 1)[0], expected, "50 times token 0")


def test_embedding_errors(dtype):
    table = np.zeros((4, 2), dtype)
    for tokens, found in (([[0, 4], [9, 1]], "4"), ([-1], "-1")):
        with pytest.raises(ValueError, match=found):
            _kernels.embedding_forward(table, np.array(tokens))
        with pytest.raises(ValueError, match=found):
            _kernels.embedding_backward(np.array(tokens), np.zeros((*np.shape(tokens), 2), dtype), 4)
    with pytest.raises(TypeError):
        _kernels.embedding_forward(table, np.array([0.0]))
    with pytest.raises(ValueError):
        _kernels.embedding_backward(np.array([0, 1]), np.zeros((3, 2), dtype), 4)
