"""Narrow weights and the precision of float32 products, as InferenceModel offers them."""

import numpy as np
import pytest
from inference_graphs import GRAPHS

import rnnfast
from rnnfast import _engine
from rnnfast.layers import GRU, LSTM, Bidirectional, Dense, Embedding, Input

BATCH, TIME = 9, 6
ALLOWED = {"bfloat16": 0.05, "int8": 0.15}


@pytest.fixture
def rng():
    rnnfast.utils.set_random_seed(4)  # of the weights: int8 may be anywhere near its bound
    return np.random.default_rng(4)


@pytest.fixture(autouse=True)
def highest():
    yield
    rnnfast.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("dtype", ALLOWED)
@pytest.mark.parametrize("name", GRAPHS)
def test_near_float32(name, dtype, rng):
    make_input, layers, causal = GRAPHS[name]
    model = rnnfast.Sequential(layers())
    x = make_input(rng, BATCH, TIME)
    exact = rnnfast.InferenceModel(model)(x)
    engine = rnnfast.InferenceModel(model, dtype=dtype)
    y = engine(x)
    assert y.dtype == np.float32 and y.shape == exact.shape
    assert np.abs(y - exact).max() <= ALLOWED[dtype] * max(1, np.abs(exact).max())
    np.testing.assert_array_equal(engine(x[2:3]), y[2:3])
    if causal:
        stream = engine.stream(BATCH)
        for t in range(TIME):
            last = stream.step(x[:, t])
        whole = y[:, -1] if y.ndim == 3 else y
        np.testing.assert_array_equal(last, whole)


def test_weights_take_less_memory():
    model = rnnfast.Sequential([Input((None, 64)), LSTM(64, return_sequences=True), GRU(64), Dense(64)])
    size = {
        dtype: sum(row["weight_bytes"] for row in rnnfast.InferenceModel(model, dtype=dtype).explain().rows)
        for dtype in ("float32", "bfloat16", "int8")
    }
    assert size["bfloat16"] < 0.56 * size["float32"]
    assert size["int8"] < 0.33 * size["float32"]


def test_explain_names_the_instructions():
    model = rnnfast.Sequential([Input((None, 4)), Bidirectional(LSTM(3))])
    for dtype in ALLOWED:
        told = rnnfast.InferenceModel(model, dtype=dtype).explain()
        assert dtype in told.products and "asked for by dtype" in told.products
        assert told.products in str(told)


def test_matmul_precision(rng):
    model = rnnfast.Sequential([Input((None, 20)), LSTM(30)])
    x = rng.standard_normal((4, 5, 20))
    exact = rnnfast.InferenceModel(model)
    assert rnnfast.get_float32_matmul_precision() == "highest"
    for precision, allowed in (("high", 1e-4), ("medium", 0.05)):
        rnnfast.set_float32_matmul_precision(precision)
        assert rnnfast.get_float32_matmul_precision() == precision
        engine = rnnfast.InferenceModel(model)
        assert np.abs(engine(x) - exact(x)).max() < allowed
        np.testing.assert_array_equal(model.predict(x, verbose=0), engine(x))
        rnnfast.set_float32_matmul_precision("highest")
        np.testing.assert_array_equal(model.predict(x, verbose=0), exact(x))
        assert rnnfast.InferenceModel(model, dtype="float64").explain().products.endswith("(float64)")
    rnnfast.set_float32_matmul_precision("medium")
    bf16 = rnnfast.InferenceModel(model, dtype="bfloat16")
    same = np.array_equal(rnnfast.InferenceModel(model)(x), bf16(x))
    assert same == ("bfloat16" in _engine.fast_formats())


def test_throughput_is_as_exact(rng):
    model = rnnfast.Sequential([Input((None, 20)), LSTM(30)])
    x = rng.standard_normal((4, 5, 20))
    exact = rnnfast.InferenceModel(model, dtype="float64")(x)
    quick = rnnfast.InferenceModel(model, optimize_for="throughput")
    assert np.abs(quick(x) - exact).max() < 2e-6


def test_tokens_stay_whole(rng):
    model = rnnfast.Sequential([Input((None,), dtype="int32"), Embedding(300, 8), GRU(5)])
    for dtype in ALLOWED:
        engine = rnnfast.InferenceModel(model, dtype=dtype)
        a, b = engine(np.array([[298, 3]])), engine(np.array([[299, 3]]))
        assert not np.array_equal(a, b)


def test_refused():
    model = rnnfast.Sequential([Input((None, 4)), LSTM(3)])
    with pytest.raises(ValueError, match="dtype must be 'float32', 'float64', 'bfloat16' or 'int8', got 'int4'"):
        rnnfast.InferenceModel(model, dtype="int4")
    with pytest.raises(ValueError, match=r"unknown optimize_for 'speed'.*latency, throughput"):
        rnnfast.InferenceModel(model, optimize_for="speed")
    with pytest.raises(ValueError, match=r"unknown float32 matmul precision 'hi'.*Did you mean 'high'"):
        rnnfast.set_float32_matmul_precision("hi")
    with pytest.raises(ValueError, match="dtype must be 'float32' or 'float64'"):
        LSTM(3, dtype="bfloat16")
