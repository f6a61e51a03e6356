"""clone_model: the same graph, layers and weights of its own."""

import numpy as np
import pytest

import rnnfast
from rnnfast import initializers, layers, losses
from rnnfast.models import clone_model

X = np.random.default_rng(9).normal(size=(4, 5, 3)).astype(np.float32)


class Own(layers.Layer):
    def call(self, x):
        return x * 2


def sequential():
    return rnnfast.Sequential([layers.Input((5, 3), name="x"), layers.LSTM(4), Own(), layers.Dense(2)], name="s")


def functional():
    """A shared layer, a model inside, two inputs in a dictionary, states handed over."""
    x, more = layers.Input((5, 3), name="x"), layers.Input((5, 3), name="more")
    shared = layers.GRU(4, return_sequences=True, return_state=True)
    a, state = shared(x)
    b, _ = shared(more, initial_state=state)
    inner = rnnfast.Sequential([layers.Input((5, 4)), layers.LSTM(3), layers.Dense(2)], name="inner")
    return rnnfast.Model({"x": x, "more": more}, [inner(layers.add([a, b])), layers.Dense(1)(state)])


def data(model):
    return {"x": X, "more": X[::-1]} if isinstance(model.input, dict) else X


def assert_computes_the_same(model, copy, x):
    copy.set_weights(model.get_weights())
    for actual, expected in zip(copy.predict(x, verbose=0), model.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("make", [sequential, functional])
@pytest.mark.parametrize("recursive", [False, True])
def test_clones(make, recursive):
    model = make()
    model.compile("sgd", "mse")
    copy = clone_model(model, recursive=recursive)
    assert copy.get_config() == model.get_config() and copy.get_compile_config() == model.get_compile_config()
    assert not set(map(id, model.weights)) & set(map(id, copy.weights))
    assert not np.array_equal(copy.get_weights()[0], model.get_weights()[0])
    assert_computes_the_same(model, copy, data(model))


def test_what_takes_the_place_of_a_layer():
    seen = []

    def wider(layer):
        seen.append(layer.name)
        config = layer.get_config()
        return type(layer).from_config({**config, "units": 6} if isinstance(layer, layers.LSTM) else config)

    copy = clone_model(sequential(), clone_function=wider)
    assert copy.layers[0].units == 6 and len(seen) == 3
    model = functional()
    seen.clear()
    assert clone_model(model, clone_function=wider).get_layer("inner").layers[0].units == 3
    assert len(seen) == len(set(seen)) == 4
    assert clone_model(model, clone_function=wider, recursive=True).get_layer("inner").layers[0].units == 6


def test_what_stands_before_a_call():
    def call(layer, x, **options):
        return layer(layers.Activation("tanh")(x) if isinstance(layer, layers.Dense) else x, **options)

    model = functional()
    copy = clone_model(model, call_function=call)
    copy.set_weights(model.get_weights())
    _, state = copy.predict(data(model), verbose=0)
    before = rnnfast.Model(model.input, model.layers[-1].input)
    expected = layers.Dense(1)
    expected.build((None, 4))
    expected.set_weights(model.layers[-1].get_weights())
    np.testing.assert_allclose(state, expected(np.tanh(before.predict(data(model), verbose=0))), rtol=1e-6, atol=1e-6)


def test_on_given_inputs():
    longer = layers.Input((9, 3))
    assert clone_model(sequential(), input_tensors=longer).input_shape == (None, 9, 3)
    a, b = layers.Input((None, 3)), layers.Input((None, 3))
    model = functional()
    copy = clone_model(model, {"x": a, "more": b})
    assert copy.input["x"] is a
    copy.set_weights(model.get_weights())
    expected = model.predict(data(model), verbose=0)
    np.testing.assert_array_equal(copy.predict(data(model), verbose=0)[0], expected[0])
    projected = layers.Dense(3)(longer)
    assert clone_model(sequential(), [projected]).input_shape == (None, 9, 3)


def test_models_of_ones_own_and_unbuilt_ones():
    class Mine(rnnfast.Model):
        def __init__(self, units, **options):
            super().__init__(**options)
            self.units = units
            self.rnn = layers.LSTM(units)

        def call(self, x):
            return self.rnn(x)

        def get_config(self):
            return {"units": self.units, "name": self.name}

    model = Mine(4)
    copy = clone_model(model)
    assert type(copy) is Mine and copy.rnn.units == 4 and copy.rnn is not model.rnn
    with pytest.raises(ValueError, match="clone_function"):
        clone_model(model, clone_function=lambda layer: layer)
    unbuilt = clone_model(rnnfast.Sequential([layers.LSTM(4)]))
    assert not unbuilt.built and unbuilt.predict(X, verbose=0).shape == (4, 4)


def test_parts_of_ones_own():
    class Cubed(losses.Loss):
        def call(self, y_true, y_pred):
            return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)

    class Rising(initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return np.arange(np.prod(shape), dtype=dtype).reshape(shape)

    def halves(shape, dtype=None):
        return np.full(shape, 0.5, dtype)

    def worst(y_true, y_pred):
        return np.abs(y_true - y_pred).max(axis=-1)

    inner = layers.LSTM(3, kernel_initializer=halves, bias_initializer=Rising(), bias_constraint=lambda w: w)
    model = rnnfast.Sequential(
        [layers.Input((5, 3)), layers.Bidirectional(inner), layers.Dense(2, bias_initializer=halves)]
    )
    model.compile("sgd", Cubed(), metrics=[worst])
    copy = clone_model(model)
    assert copy.get_config() == model.get_config() and copy.get_compile_config() == model.get_compile_config()
    assert copy.layers[1].bias_initializer.function is halves and type(copy.loss) is Cubed
    assert_computes_the_same(model, copy, X)


def test_what_cannot_be_told_apart():
    options = {"kernel_initializer": lambda shape, dtype: 0, "bias_initializer": lambda shape, dtype: 1}
    model = rnnfast.Sequential([layers.Dense(2, name="two", **options)])
    with pytest.raises(ValueError, match=r"clone_model: layer 'two'.*<lambda>.*give each its own"):
        clone_model(model)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (lambda: (layers.LSTM(3),), TypeError, "expected a model"),
        (lambda: (sequential(), X), TypeError, "symbolic"),
        (lambda: (sequential(), [layers.Input((5, 3)), layers.Input((5, 3))]), ValueError, "one input"),
        (lambda: (functional(), [layers.Input((5, 3)), layers.Input((5, 3))]), ValueError, "structure"),
        (lambda: (sequential(), None, None, lambda layer, x: x), ValueError, "functional models"),
        (lambda: (sequential(), None, lambda layer: 3), TypeError, "must give a layer for layer 'lstm.*got 3"),
        (lambda: (functional(), None, lambda layer: None), TypeError, "must give a layer for .*got None"),
    ],
)
def test_errors(arguments, error, words):
    with pytest.raises(error, match=words):
        clone_model(*arguments())
