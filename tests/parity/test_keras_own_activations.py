"""Activations of the user's own beside real Keras: values, gradients, and files in both directions."""

import numpy as np
import pytest
from own_activations import wave

import rnnfast

pytestmark = pytest.mark.filterwarnings("ignore:.*step by step:UserWarning")

X = np.random.default_rng(41).normal(size=(6, 5, 4)).astype(np.float32)
Y = np.random.default_rng(42).normal(size=(6, 2)).astype(np.float32)


def wave_of(n, name="wave"):
    """The same function for both: Keras derives it by itself."""

    def in_keras(x):
        return n.ops.sin(x) + x / 4

    if n is rnnfast:
        return wave
    in_keras.__name__ = name
    return in_keras


STAGES = {
    "dense": lambda n, f: [n.layers.LSTM(3), n.layers.Dense(4, f)],
    "conv": lambda n, f: [n.layers.Conv1D(3, 2, activation=f), n.layers.Activation(f), n.layers.GRU(2)],
    "simple_rnn": lambda n, f: [n.layers.SimpleRNN(3, f)],
    "lstm": lambda n, f: [n.layers.LSTM(3, f, return_sequences=True), n.layers.LSTM(2, recurrent_activation=f)],
    "gru": lambda n, f: [n.layers.GRU(3, f, return_sequences=True), n.layers.GRU(2, f, f, reset_after=False)],
    "masked": lambda n, f: [n.layers.Masking(), n.layers.Bidirectional(n.layers.GRU(3, f))],
    "cells": lambda n, f: [n.layers.RNN([n.layers.LSTMCell(3, f), n.layers.GRUCell(2, recurrent_activation=f)])],
}


def build(n, name, f):
    # Keras' Bidirectional makes its second layer from a configuration.
    with n.utils.custom_object_scope({"wave": f}):
        return n.Sequential([n.layers.Input((5, 4)), *STAGES[name](n, f), n.layers.Dense(2)])


@pytest.mark.parametrize("name", STAGES)
def test_values_and_gradients(twins, same_output, same_step, name):
    x = X.copy()
    if name == "masked":
        x[2, 3:] = x[4, :2] = 0
    peer, fast = twins(lambda n: build(n, name, wave_of(n)))
    same_output(fast.predict(x, verbose=0), peer.predict(x, verbose=0))
    same_step(peer, fast, x, Y, "mse")


@pytest.mark.parametrize("to_keras", [True, False])
@pytest.mark.parametrize("name", ["dense", "lstm", "cells"])
def test_files(keras, randomize, same_output, tmp_path, name, to_keras):
    pytest.importorskip("h5py", reason="h5py is not installed (pip install '.[keras]')")
    source, target = (rnnfast, keras) if to_keras else (keras, rnnfast)
    model = build(source, name, wave_of(source))
    randomize(model)
    model.save(tmp_path / "m.keras")
    loaded = target.models.load_model(tmp_path / "m.keras", custom_objects={"wave": wave_of(target)})
    same_output(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    if not to_keras:
        with pytest.raises(ValueError, match="wave is custom"):
            rnnfast.load_model(tmp_path / "m.keras")


def test_names_of_built_in_functions(keras, randomize, same_output, tmp_path):
    """What Keras writes for a function of that name cannot be told from the built-in one, but for a package."""
    pytest.importorskip("h5py", reason="h5py is not installed (pip install '.[keras]')")

    def model_with(activation, metric):
        model = keras.Sequential([keras.layers.Input((5, 4)), keras.layers.GRU(3), keras.layers.Dense(2, activation)])
        model.compile("sgd", "mse", metrics=[metric])
        randomize(model)
        model.save(tmp_path / "m.keras")
        return model

    def twice(y_true, y_pred):
        return 2 * keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

    twice.__name__ = "mean_absolute_error"
    model_with(wave_of(keras, "relu"), twice)
    for n in (keras, rnnfast):
        loaded = n.models.load_model(tmp_path / "m.keras")
        there = n.activations.relu
        assert loaded.layers[-1].activation == there
        same_output(loaded.layers[-1].activation(X[0]), np.maximum(X[0], 0))

    packaged = keras.saving.register_keras_serializable("own_parity", name="relu")(wave_of(keras, "relu"))
    metric = keras.saving.register_keras_serializable("own_parity", name="mean_absolute_error")(twice)
    model = model_with(packaged, metric)
    with pytest.raises(ValueError, match="own_parity>relu is custom"):
        rnnfast.load_model(tmp_path / "m.keras")
    own = {"own_parity>relu": wave}
    with pytest.warns(UserWarning, match="own_parity>mean_absolute_error is custom|'own_parity>mean_absolute_error'"):
        loaded = rnnfast.load_model(tmp_path / "m.keras", own)
    assert loaded.layers[-1].activation.function is wave
    same_output(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    own["own_parity>mean_absolute_error"] = lambda y_true, y_pred: 2 * np.abs(y_true - y_pred).mean(axis=-1)
    loaded = rnnfast.load_model(tmp_path / "m.keras", own)
    same_output(loaded.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0))


def test_all_names_are_known(keras):
    names = {name for name in dir(keras.activations) if callable(getattr(keras.activations, name))}
    for name in names - {"get", "serialize", "deserialize"}:
        assert rnnfast.activations.serialize(rnnfast.activations.get(name)) in (name, name.replace("swish", "silu"))
