"""What an InferenceModel answers, against the layers and the reference."""

import numpy as np
import pytest
from numeric import assert_close, assert_same_bits
from rnn_cases import KINDS

import rnnfast
from rnnfast import layers, reference
from rnnfast.layers import GRU, LSTM, Dense, Input, Masking, SimpleRNN

CELLS = {
    "simple_rnn": lambda **options: SimpleRNN(19, **options),
    "lstm": lambda **options: LSTM(19, **options),
    "lstm_peephole": lambda **options: LSTM(19, peephole=True, **options),
    "gru": lambda **options: GRU(19, **options),
    "gru_reset_before": lambda **options: GRU(19, reset_after=False, **options),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_the_layers(graph, dtype):
    model, make = graph
    tolerance = {"float32": 5e-6, "float64": 1e-12}[dtype]
    for batch in (1, 2, 9):
        x = make(batch)
        wanted = model(x)
        if dtype == "float64":
            wanted = in_float64(model)(x)
        got = rnnfast.InferenceModel(model, dtype=dtype)(x)
        assert got.dtype == dtype
        assert_close(got, wanted, tolerance, f"batch {batch}")


def in_float64(model):
    """The same layers and weights in float64."""
    config = [{**layer.get_config(), "dtype": "float64"} for layer in model.layers]
    copies = [type(layer).from_config(c) for layer, c in zip(model.layers, widen(config), strict=True)]
    copy = rnnfast.Sequential([Input(model.input_shape[1:], dtype=model.input_dtype), *copies])
    copy.set_weights(model.get_weights())
    return copy


def widen(config):
    """A layer's configuration with float64 wherever a nested layer has a dtype."""
    if isinstance(config, dict):
        return {key: "float64" if key == "dtype" else widen(value) for key, value in config.items()}
    return [widen(value) for value in config] if isinstance(config, list) else config


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_equals_the_reference(rng, kind, go_backwards, masked):
    layer = CELLS[kind](return_sequences=True, go_backwards=go_backwards)
    model = rnnfast.Sequential([Input((None, 13)), *([Masking()] if masked else []), layer])
    model.set_weights([w + 0.3 * rng.standard_normal(w.shape) * (w.ndim == 1) for w in model.get_weights()])
    x = rng.standard_normal((10, 21, 13)).astype(np.float32)
    mask = None
    if masked:
        mask = rng.random((10, 21)) < 0.6
        mask[4] = False
        x[~mask] = 0
    weights = [w.astype(np.float64) for w in model.get_weights()]
    peephole = weights.pop() if kind == "lstm_peephole" else None
    cell, options = KINDS[kind]
    wanted, _, _ = reference.rnn_forward(
        cell, x.astype(np.float64), *weights, peephole,
        mask=mask, go_backwards=go_backwards, return_sequences=True, **options,
    )  # fmt: skip
    assert_close(rnnfast.InferenceModel(model)(x), wanted, 5e-6, kind)


@pytest.mark.parametrize("batch, time", [(0, 6), (1, 1), (3, 1), (1, 6), (200, 2)])
def test_batch_and_time_of_any_size(rng, batch, time):
    model = rnnfast.Sequential([Input((None, 4)), LSTM(5, return_sequences=True), Dense(3)])
    x = rng.standard_normal((batch, time, 4))
    got = rnnfast.InferenceModel(model)(x)
    assert got.shape == (batch, time, 3)
    assert_close(got, model(x), 5e-6, "output")


def test_all_steps_masked(rng):
    model = rnnfast.Sequential([Input((None, 4)), Masking(), LSTM(5, return_sequences=True), GRU(3)])
    assert_same_bits(rnnfast.InferenceModel(model)(np.zeros((6, 7, 4))), np.zeros((6, 3), np.float32), "output")


def test_non_finite_values_stay_in_their_row(classifier):
    model, x = classifier
    engine = rnnfast.InferenceModel(model)
    wanted = engine(x)
    x[5, 2, 3], x[9, 1, 1] = np.nan, np.inf
    got = engine(x)
    others = [i for i in range(len(x)) if i not in (5, 9)]
    assert_same_bits(got[others], wanted[others], "other rows")
    assert np.isnan(got[5]).all()


def test_is_a_snapshot(classifier):
    model, x = classifier
    engine = rnnfast.InferenceModel(model)
    before = engine(x)
    model.set_weights([w + 1 for w in model.get_weights()])
    assert_same_bits(engine(x), before, "after a change of the weights")
    assert np.abs(rnnfast.InferenceModel(model)(x) - before).max() > 1e-3


def test_predict_in_batches(classifier):
    model, x = classifier
    engine = rnnfast.InferenceModel(model)
    for batch_size in (None, 1, 10, 37, 1000):
        assert_same_bits(engine.predict(x, batch_size=batch_size), engine(x), f"batch_size={batch_size}")


def test_any_numeric_input_and_any_strides(classifier):
    model, x = classifier
    engine = rnnfast.InferenceModel(model)
    whole = np.round(4 * x)
    wanted = engine(whole)
    for cast in (whole.astype(np.int32), whole.astype(np.float64), np.asfortranarray(whole), whole.tolist()):
        assert_same_bits(engine(cast), wanted, type(cast).__name__)
    wide = np.zeros((37, 16, 9), np.float32)
    wide[:, ::2, 1:] = whole
    assert_same_bits(engine(wide[:, ::2, 1:]), wanted, "strided")
    assert_same_bits(engine((np.frombuffer(b"x" + whole.tobytes(), np.uint8)[1:]).view(np.float32).reshape(x.shape)),
                     wanted, "unaligned")  # fmt: skip
    assert_same_bits(engine(x > 0), engine((x > 0).astype(np.float32)), "bool")


def test_shapes_of_the_model(classifier):
    engine = rnnfast.InferenceModel(classifier[0])
    assert engine.input_shape == (None, 8, 8)
    assert engine.output_shape == (None, 10)


@pytest.mark.parametrize(
    "layer", [layers.MaxPooling1D(2), layers.MaxPooling1D(3, padding="same"), layers.GlobalMaxPooling1D()]
)
def test_largest_steps_keep_what_is_not_a_number(rng, layer):
    x = np.where(rng.random((5, 4, 3)) < 0.3, np.nan, rng.standard_normal((5, 4, 3))).astype(np.float32)
    model = rnnfast.Sequential([Input((4, 3)), layer])
    assert np.array_equal(model.predict(x, verbose=0), layer(x), equal_nan=True)
    assert np.array_equal(np.isnan(layer(x)), layer(np.isnan(x)) == 1)


@pytest.mark.parametrize(("cls", "sign"), [(layers.Maximum, 1), (layers.Minimum, -1)])
@pytest.mark.parametrize("shapes", [[(4, 3)] * 2, [(4, 3)] * 3, [(4, 3), (1, 3)]])
def test_choices_keep_what_is_not_a_number(rng, cls, sign, shapes):
    xs = [np.where(rng.random((5, *s)) < 0.3, np.nan, rng.standard_normal((5, *s))).astype(np.float32) for s in shapes]
    ends = [Input(s) for s in shapes]
    model = rnnfast.Model(ends, cls()(ends))
    assert np.array_equal(model.predict(xs, verbose=0), model(xs), equal_nan=True)
    assert np.array_equal(np.isnan(model(xs)), cls()([sign * np.isnan(x) for x in xs]) == sign)
