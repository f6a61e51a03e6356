"""Bad input gives one clear error before any work."""

import re
import warnings

import numpy as np
import pytest

import rnnfast
from rnnfast.layers import GRU, LSTM, Dense, Embedding, Input, Layer, TimeDistributed


@pytest.fixture
def engine():
    return rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 3)), LSTM(4)]))


@pytest.mark.parametrize(
    "shape, message",
    [
        ((2, 3), "expected input of shape (batch, any, 3), got (batch, 3)"),
        ((2, 5, 4), "expected input of shape (batch, any, 3), got (batch, 5, 4)"),
        ((2, 5, 3, 1), "expected input of shape (batch, any, 3), got (batch, 5, 3, 1)"),
        ((2, 0, 3), "input has no elements along axis 1: got shape (batch, 0, 3)"),
        ((), "input has no batch axis"),
    ],
)
def test_wrong_shape(engine, shape, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        engine(np.zeros(shape))
    with pytest.raises(ValueError, match=re.escape(message)):
        engine.predict(np.zeros(shape), batch_size=1)


def test_fixed_time_steps():
    engine = rnnfast.InferenceModel(rnnfast.Sequential([Input((8, 3)), LSTM(4)]))
    with pytest.raises(ValueError, match=re.escape("expected input of shape (batch, 8, 3), got (batch, 7, 3)")):
        engine(np.zeros((2, 7, 3)))


@pytest.mark.parametrize("x", [np.zeros((2, 5, 3), complex), [[["a"] * 3]], np.full((2, 5, 3), None)])
def test_not_numeric(engine, x):
    with pytest.raises(TypeError, match="input must be numeric, got dtype"):
        engine(x)


def test_inputs_by_name():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    two = rnnfast.InferenceModel(rnnfast.Model([a, b], rnnfast.layers.subtract([a, b])))
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(two({"b": x, "a": 3 * x}), two([3 * x, x]))
    for wrong in ({"a": x}, [x], x):
        with pytest.raises(ValueError, match="'a', 'b'"):
            two(wrong)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"b": np.zeros((2, 5, 4))}, ValueError, "expected input 'b' of shape (batch, any, 3), got (batch, 5, 4)"),
        ({"a": np.zeros((2, 4))}, ValueError, "expected input 'a' of shape (batch, 3), got (batch, 4)"),
        ({"b": np.zeros((2, 0, 3))}, ValueError, "input 'b' has no elements along axis 1"),
        ({"b": np.zeros((1, 5, 3))}, ValueError, "inputs have different batch sizes: input '"),
        ({"a": np.zeros((2, 3), complex)}, TypeError, "input 'a' must be numeric, got dtype complex128"),
        ({"b": [[["x"] * 3]] * 2}, TypeError, "input 'b' must be numeric"),
        ({"b": 1.0}, ValueError, "input 'b' has no batch axis"),
        ({"b": None}, ValueError, "expected a dictionary with 'a', 'b', got 'a'; 'b' is missing"),
    ],
)
def test_errors_name_the_input_of_several(change, kind, message):
    a, b = Input((3,), name="a"), Input((None, 3), name="b")
    engine = rnnfast.InferenceModel(rnnfast.Model([a, b], rnnfast.layers.add([a, LSTM(3)(b)])))
    x = {"a": np.zeros((2, 3)), "b": np.zeros((2, 5, 3)), **change}
    x = {name: array for name, array in x.items() if array is not None}
    for call in (engine, lambda x: engine.predict(x, batch_size=1), lambda x: engine.predict(x)):
        with pytest.raises(kind, match=re.escape(message)):
            call(x)


@pytest.mark.parametrize("bad", [-1, 10, 2**40])
def test_token_out_of_range(bad):
    engine = rnnfast.InferenceModel(rnnfast.Sequential([Input((None,)), Embedding(10, 4), LSTM(4)]))
    x = np.ones((4, 5), np.int64)
    x[2, 3] = x[3, 0] = bad
    with pytest.raises(ValueError, match=rf"token {bad} at \(2, 3\) is out of range: expected 0 <= token < 10"):
        engine(x)


def test_not_a_token():
    engine = rnnfast.InferenceModel(rnnfast.Sequential([Input((None,)), Embedding(10, 4), LSTM(4)]))
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="out of range"):
        engine(np.array([[np.nan]]))


def test_construction():
    model = rnnfast.Sequential([Input((None, 3)), LSTM(4)])
    with pytest.raises(TypeError, match="expected a model or a path, got LSTM"):
        rnnfast.InferenceModel(LSTM(4))
    with pytest.raises(ValueError, match="is not built"):
        rnnfast.InferenceModel(rnnfast.Sequential([LSTM(4)]))
    with pytest.raises(ValueError, match="dtype must be 'float32', 'float64', 'bfloat16' or 'int8', got 'float16'"):
        rnnfast.InferenceModel(model, dtype="float16")
    for threads in (0, -1, 1.5, True, 10**6, 2**70):
        with pytest.raises(ValueError, match="threads must be None or an integer from 1 to"):
            rnnfast.InferenceModel(model, threads=threads)
    for batch_size in (0, True, 2.5, 2**70):
        with pytest.raises(ValueError, match="batch_size must be a positive integer"):
            rnnfast.InferenceModel(model).predict(np.zeros((1, 2, 3)), batch_size=batch_size)
        with pytest.raises(ValueError, match="batch_size must be a positive integer"):
            rnnfast.InferenceModel(model).stream(batch_size)
    for dtype in (np.float64, np.dtype("float64")):
        assert rnnfast.InferenceModel(model, dtype=dtype).dtype == "float64"
    for dtype in (None, [], 5):
        with pytest.raises(ValueError, match="dtype must be 'float32', 'float64', 'bfloat16' or 'int8'"):
            rnnfast.InferenceModel(model, dtype=dtype)


def test_masked_arrays(engine):
    x = np.ma.masked_array(np.ones((2, 5, 3)), True)
    for call in (engine, lambda x: engine.predict(x, batch_size=1), lambda x: engine.stream().step(x[0, 0])):
        with pytest.raises(TypeError, match=r"masked array.*filled"):
            call(x)
        with pytest.raises(TypeError, match=r"masked array.*filled"):
            call(x.astype(np.float32))
    for call in (engine, lambda x: engine.predict(x, batch_size=1)):
        for listed in (list(x), tuple(x), [list(row) for row in x]):
            with pytest.raises(TypeError, match=r"masked array.*filled"):
                call(listed)


def test_warnings_that_are_errors_reach_the_caller(engine):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="overflow"):
            engine(np.full((1, 2, 3), 1e300))


class Doubled(Layer):
    """A layer of the user's own, that the engine has no node for."""

    def forward(self, x, *, mask=None, training=False):
        return 2 * x, None


def test_a_layer_without_lowering_is_named():
    model = rnnfast.Sequential([Input((None, 3)), GRU(4), Doubled(name="twice")])
    with pytest.raises(ValueError, match=r"layer 'twice' .* cannot be run by the inference engine"):
        rnnfast.InferenceModel(model)


def test_a_missing_file(tmp_path):
    with pytest.raises((ValueError, FileNotFoundError), match=r"absent\.keras"):
        rnnfast.InferenceModel(tmp_path / "absent.keras")


def test_tokens_inside_time_distributed(rng):
    model = rnnfast.Sequential([Input((None, 4)), TimeDistributed(Embedding(6, 3)), TimeDistributed(GRU(2)), Dense(1)])
    engine = rnnfast.InferenceModel(model)
    x = rng.integers(0, 6, (3, 5, 4))
    np.testing.assert_allclose(engine(x), model(x), rtol=1e-5, atol=1e-6)
    x[1, 2, 3] = 6
    with pytest.raises(ValueError, match=r"token 6 at \(1, 2, 3\) is out of range"):
        engine(x)
