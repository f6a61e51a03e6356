"""Stateful models: predict goes on from call to call, on the engine as layer by layer."""

import numpy as np
import pytest
from numeric import assert_close

import rnnfast
from rnnfast import _structure, layers

RNG = np.random.default_rng(5)
ROWS, TIME, FEATURES = 4, 6, 3


def sequences(count=ROWS, masked=True):
    x = RNG.normal(size=(count, TIME, FEATURES)).astype("float32")
    if masked:  # to the right, to the left, in between, everywhere
        x[0, 4:], x[1, :2], x[2, 1::2], x[3, :] = 0, 0, 0, 0
    return x


def randomized(model):
    for variable in model.weights:
        variable.assign(RNG.normal(size=variable.shape, scale=0.4))
    return model


def sequential(*stack, dtype=None):
    return randomized(rnnfast.Sequential([layers.Input((None, FEATURES), dtype=dtype), *stack]))


def shared():
    """One stateful layer, called twice."""
    x = layers.Input((None, FEATURES))
    rnn = layers.GRU(FEATURES, stateful=True, return_sequences=True)
    return randomized(rnnfast.Model(x, rnn(rnn(x))))


def handed_over():
    """A layer that is told where to start, and whose last states another one starts from, and the model gives."""
    x, start = layers.Input((None, FEATURES)), layers.Input((2,))
    first, *states = layers.LSTM(2, stateful=True, return_state=True)(layers.Masking()(x), initial_state=[start, start])
    last = layers.LSTM(2, stateful=True, return_sequences=True)(x, initial_state=states)
    return randomized(rnnfast.Model([x, start], [first, states[0], states[1], last]))


class Own(rnnfast.Model):
    def __init__(self):
        super().__init__()
        self.rnn = layers.SimpleRNN(3, stateful=True, return_sequences=True)
        self.end = layers.LSTM(2, stateful=True)

    def call(self, x):
        return self.end(x + self.rnn(x))


def own():
    model = Own()
    model(np.zeros((ROWS, TIME, FEATURES), "float32"))
    model.reset_states()
    return randomized(model)


BUILT_IN = {
    "lstm": lambda: sequential(layers.LSTM(5, stateful=True, return_sequences=True), layers.Dense(2)),
    "gru": lambda: sequential(layers.Masking(), layers.GRU(5, stateful=True), layers.Dense(2)),
    "double": lambda: sequential(
        layers.SimpleRNN(4, stateful=True, go_backwards=True, dtype="float64"),
        layers.Dense(2, dtype="float64"),
        dtype="float64",
    ),
    "one of two": lambda: sequential(
        layers.Masking(), layers.GRU(4, return_sequences=True), layers.LSTM(3, stateful=True, projection_size=2)
    ),
    "bidirectional": lambda: sequential(
        layers.Masking(), layers.Bidirectional(layers.LSTM(3, stateful=True, return_sequences=True))
    ),
    "cells": lambda: sequential(
        layers.Masking(), layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], stateful=True, return_sequences=True)
    ),
    "nested": lambda: sequential(layers.Masking(), rnnfast.Sequential([layers.GRU(3, stateful=True)]), layers.Dense(2)),
    "normalised": lambda: sequential(layers.Masking(), layers.LSTM(4, stateful=True, layer_norm=True, zoneout=0.1)),
    "shared": shared,
    "handed over": handed_over,
    "own call": own,
}


def inputs(model):
    x = sequences().astype("float64" if model.output_dtypes[0] == "float64" else "float32")
    if isinstance(model, Own):
        x += 2  # it heeds no masks
    return [x, RNG.normal(size=(ROWS, 2)).astype("float32")] if len(model.input_names) == 2 else x


def parts_of(model):
    """All layers that keep states."""
    found = []
    for layer in model.sublayers:
        found += parts_of(layer) if not hasattr(layer, "states") else [layer] if layer.stateful else []
    return found


def same(actual, expected):
    actual, expected = _structure.flatten(actual), _structure.flatten(expected)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert a.dtype == e.dtype
        assert_close(a, e, 2e-6, "output")


@pytest.mark.parametrize("build", BUILT_IN.values(), ids=BUILT_IN)
def test_predict_goes_on_as_layers_do(build):
    model = build()
    assert model.stateful and model.explain().off_engine is None
    batches = [inputs(model) for _ in range(3)]
    expected, kept = [], []
    for x in batches:
        expected.append(model(x))
        kept.append([layer.states for layer in parts_of(model)])
    model.reset_states()
    for x, y, states in zip(batches, expected, kept, strict=True):
        same(model.predict_on_batch(x), y)
        same([layer.states for layer in parts_of(model)], states)
    model.reset_states()
    same(model.predict(batches[0], verbose=0), expected[0])


def test_pieces_make_the_whole():
    stateful = sequential(layers.LSTM(5, stateful=True), layers.Dense(2))
    plain = sequential(layers.LSTM(5), layers.Dense(2))
    plain.set_weights(stateful.get_weights())
    x = sequences(masked=False)
    for piece in (x[:, :1], x[:, 1:4], x[:, 4:]):
        y = stateful.predict_on_batch(piece)
    np.testing.assert_array_equal(y, plain.predict(x, verbose=0))
    assert_close(stateful(x), plain(np.concatenate([x, x], axis=1)), 2e-6, "layers go on from there")


def test_batches_of_32_rows_by_themselves():
    model = sequential(layers.GRU(5, stateful=True))
    x = sequences(64, masked=False)
    expected = [model(x[:32]), model(x[32:])]
    model.reset_states()
    assert_close(model.predict(x, verbose=0), np.concatenate(expected), 2e-6, "batches")
    assert model.layers[0].states[0].shape == (32, 5)


def test_another_number_of_rows():
    model = sequential(layers.GRU(5, stateful=True, name="kept"), layers.Dense(1))
    with pytest.raises(ValueError, match=r"'kept' \(GRU\): it is stateful and holds states of 3 rows, got 1 rows"):
        model.predict(sequences(7), batch_size=3, verbose=0)
    kept = model.layers[0].states[0].copy()
    with pytest.raises(ValueError, match="holds states of 3 rows, got 7"):
        model.predict_on_batch(sequences(7))
    np.testing.assert_array_equal(model.layers[0].states[0], kept)
    model.reset_states()
    assert model.predict_on_batch(sequences(7)).shape == (7, 1)


def test_evaluate_and_fit_go_on():
    def build():
        return sequential(layers.Masking(), layers.LSTM(3, stateful=True, return_sequences=True), layers.Dense(1))

    model, other = build(), build()
    other.set_weights(model.get_weights())
    x, y = sequences(), RNG.normal(size=(ROWS, TIME, 1))
    for one in (model, other):
        one.compile("sgd", "mse")
    model.predict_on_batch(x)
    other(x)
    assert_close(model.evaluate(x, y, verbose=0), other.evaluate(x, y, verbose=0), 1e-6, "evaluate")
    for one in (model, other):
        one.fit(x, y, shuffle=False, verbose=0)
    assert_close(model.predict_on_batch(x), other(x), 2e-6, "after fit")


def test_an_inference_model_starts_from_zeros():
    model = sequential(layers.LSTM(5, stateful=True), layers.Dense(2))
    engine, x = rnnfast.InferenceModel(model), sequences()
    first = engine(x)
    assert_close(first, model.predict_on_batch(x), 2e-6, "first")
    np.testing.assert_array_equal(engine(x), first)
    stream = engine.stream(ROWS)
    steps = [stream.step(x[:, t]) for t in range(TIME)]
    np.testing.assert_array_equal(steps[-1], first)
