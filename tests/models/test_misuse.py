"""Models put together, changed, copied and called in ways that nobody meant."""

import copy
import pickle

import numpy as np
import pytest
from numeric import assert_close

import rnnfast
from rnnfast import layers, optimizers

X = np.random.default_rng(0).normal(size=(8, 5, 3)).astype("float32")
Y = np.ones((8, 2), "float32")


def compiled():
    model = rnnfast.Sequential([layers.Input((5, 3)), layers.LSTM(3), layers.Dense(2)])
    model.compile("adam", "mse")
    return model


def test_a_model_in_itself():
    a, b = rnnfast.Sequential(), rnnfast.Sequential()
    a.add(b)
    for inner in (a, layers.TimeDistributed(a)):
        for outer in (a, b):
            with pytest.raises(ValueError, match="cannot be a layer of itself"):
                outer.add(inner)


@pytest.mark.parametrize("given", [5, "x", {}, layers.GRU(3), object()])
def test_layers_that_are_no_list(given):
    with pytest.raises(TypeError, match="layers must be a list of layers"):
        rnnfast.Sequential(given)


def test_predictions_follow_changes_inside_a_nested_model():
    inner = rnnfast.Sequential([layers.Input((5, 3)), layers.GRU(3, return_sequences=True)])
    model = rnnfast.Sequential([layers.Input((5, 3)), inner])
    model.predict(X)
    inner.add(layers.Activation("relu"))
    assert_close(model.predict(X), model(X), 1e-6, "predictions")
    for _ in range(2):
        inner.pop()
    for _ in range(5):  # a new layer may get the address of the old one
        inner.add(layers.GRU(3, return_sequences=True))
        assert_close(model.predict(X), model(X), 1e-6, "predictions")
        inner.pop()


def test_a_nested_float64_model_is_not_cut():
    inner = rnnfast.Sequential([layers.Input((5, 3)), layers.GRU(3, dtype="float64")])
    model = rnnfast.Sequential([layers.Input((5, 3)), inner])
    assert model.predict(X).dtype == np.float64
    np.testing.assert_array_equal(model.predict(X), inner.predict(X))


@pytest.mark.parametrize(
    "how", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["deepcopy", "pickle"]
)
@pytest.mark.parametrize("used", [False, True])
def test_copies_stand_alone(how, used):
    model = compiled()
    if used:
        model.fit(X, Y, verbose=0)
        model.predict(X)
    other = how(model)
    before = model.predict(X)
    np.testing.assert_array_equal(other.predict(X), before)
    other.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.predict(X), before)
    assert_close(other.predict(X), other(X), 1e-6, "predictions of the copy")


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "lamb", optimizers.AdamW(use_ema=True)], ids=str)
def test_a_pickle_out_of_band_is_copied_when_it_is_written_to(optimizer):
    model = compiled()
    model.compile(optimizer, "mse", metrics=["mae", "auc"])
    model.fit(X, Y, verbose=0)
    buffers = []
    data = pickle.dumps(model, protocol=5, buffer_callback=buffers.append)
    owned = [bytes(buffer.raw()) for buffer in buffers]  # nobody can write to these
    other = pickle.loads(data, buffers=owned)
    weights = other.weights
    assert not any(v._storage.flags.writeable for v in weights)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    for one in (model, other):
        one.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    assert all(v.storage.flags.writeable for v in weights)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    assert [bytes(buffer.raw()) for buffer in buffers] != owned  # the model's own, where these have come from
    again = pickle.loads(data, buffers=owned)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_engines_and_streams_are_not_pickled():
    engine = rnnfast.InferenceModel(rnnfast.Sequential([layers.Input((None, 3)), layers.GRU(3)]))
    for thing in (engine, engine.stream()):
        with pytest.raises(TypeError, match="cannot pickle"):
            pickle.dumps(thing)


def test_an_optimizer_of_another_model():
    optimizer = optimizers.Adam()
    first, second = compiled(), compiled()
    for model in (first, second):
        model.compile(optimizer, "mse")
    first.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="compile the model again, with a new optimizer"):
        second.fit(X, Y, verbose=0)


@pytest.mark.parametrize("config", [None, 5, "x", {}, {"layers": 3}])
def test_configs_that_are_none(config):
    with pytest.raises(ValueError, match="from_config: expected a dictionary with a list 'layers'"):
        rnnfast.Sequential.from_config(config)


@pytest.mark.parametrize("index", ["x", 1.5, [], 2, -3])
def test_get_layer_by_a_wrong_index(index):
    with pytest.raises(ValueError, match="it has 2 layers, got index"):
        compiled().get_layer(index=index)


@pytest.mark.parametrize("line_length", [0, -1, 1.5, "x", np.ones(3)])
def test_summary_of_a_wrong_width(line_length):
    with pytest.raises(ValueError, match="line_length must be a positive integer"):
        compiled().summary(line_length)


@pytest.mark.parametrize("x", [None, 5, "x", object()])
def test_predict_on_batch_of_nothing(x):
    with pytest.raises((TypeError, ValueError), match="predict_on_batch: x"):
        compiled().predict_on_batch(x)
