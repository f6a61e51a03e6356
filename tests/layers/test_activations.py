"""Built-in activations in layers: gradients, shapes, the engine."""

import copy
import pickle

import numpy as np
import pytest
from layer_gradients import check
from numeric import assert_close, finite_difference

import rnnfast
from rnnfast import activations, layers
from rnnfast.activations.built_in import PARAMETERS

X = np.random.default_rng(0).normal(size=(4, 5, 6))
ADDED = ["hard_shrink", "soft_shrink", "tanh_shrink", "threshold", "sparse_plus", "sparse_sigmoid", "squareplus"]
OVER_LAST_AXIS = ["glu", "sparsemax"]
CHANGED = activations.threshold._replace(alpha=-0.35, beta=-0.35)


@pytest.mark.parametrize("name", [*ADDED, CHANGED], ids=str)
def test_gradients(name):
    for layer in (
        layers.Activation(name, dtype="float64"),
        layers.Dense(4, name, dtype="float64"),
        layers.LSTM(3, name, name, dtype="float64", return_sequences=True),
        layers.RNN(layers.GRUCell(3, name, dtype="float64")),
    ):
        check(layer, X)


@pytest.mark.parametrize("name", OVER_LAST_AXIS)
def test_gradients_over_the_last_axis(name):
    for layer in (
        layers.Activation(name, dtype="float64"),
        layers.Dense(4, name, dtype="float64"),
        layers.Conv1D(4, 2, activation=name, padding="causal", dtype="float64"),
        layers.TimeDistributed(layers.Dense(6, name, dtype="float64")),
    ):
        check(layer, X)


def nearest_probabilities(z):
    """By bisection for the height above which it adds up to one."""
    low, high = z.max() - 1, z.max()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(z - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(z - low, 0)


def test_sparsemax_is_the_nearest_point_of_the_simplex():
    x = X * np.geomspace(0.1, 5, 5)[:, None]
    y = activations.sparsemax(x)
    assert_close(y, np.apply_along_axis(nearest_probabilities, -1, x), 1e-12, "sparsemax")
    assert {1, 6} <= set((y > 0).sum(axis=-1).ravel())  # one that is left, and all
    assert_close(activations.sparsemax(1e4 + x), y, 1e-10, "whatever is added to all")
    assert_close(activations.sparsemax([[2.0, 2.0, 2.0]]), np.full((1, 3), 1 / 3), 1e-6, "of equals")
    x[1, 2, 3] = np.nan
    bad = np.isnan(activations.sparsemax(x)).any(axis=-1)
    assert bad.sum() == 1 and bad[1, 2]


@pytest.mark.parametrize("name", OVER_LAST_AXIS)
def test_the_engine_leaves_them_to_the_layers(name):
    model = rnnfast.Sequential([layers.Input((5, 6)), layers.GRU(4), layers.Dense(4, name, name="d"), layers.Dense(3)])
    x = X.astype(np.float32)
    np.testing.assert_allclose(model.predict(x, verbose=0), model(x), rtol=1e-5, atol=1e-6)
    assert model.output_shape == (None, 3) and model.layers[-1].kernel.shape[0] == (2 if name == "glu" else 4)
    with pytest.raises(layers.NoLoweringError, match=rf"layer 'd' \(Dense\): the engine does not have .*'{name}'"):
        rnnfast.InferenceModel(model)
    assert [row["runs_on"] for row in model.explain().rows] == ["C++", "Python", "C++"]
    model.compile("adam", "mse")
    assert np.isfinite(model.fit(x, x[:, 0, :3], verbose=0).history["loss"]).all()


@pytest.mark.parametrize("name", ADDED)
def test_the_engine_has_the_others(name):
    model = rnnfast.Sequential([layers.Input((5, 6)), layers.LSTM(4, name), layers.Dense(4, name)])
    x = X.astype(np.float32)
    np.testing.assert_allclose(rnnfast.InferenceModel(model)(x), model(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_of_a_call(name):
    activation, alpha = getattr(activations, name), PARAMETERS[name][0]
    np.testing.assert_array_equal(activation(X, 1.25), activation._replace(alpha=1.25)(X))
    np.testing.assert_array_equal(activation(X, **{alpha: 1.25}), activation(X, 1.25))
    with pytest.raises(TypeError, match=f"activation '{name}': expected {alpha}.*, got 1.25, {alpha}=2"):
        activation(X, 1.25, **{alpha: 2})
    with pytest.raises(ValueError, match=f"activation '{name}': {alpha} must be a number, got 'x'"):
        activation(X, "x")
    with pytest.raises(TypeError, match="'tanh': expected no parameters, got slope=1"):
        activations.tanh(X, slope=1)


@pytest.mark.parametrize("name", OVER_LAST_AXIS)
def test_along_another_axis(name):
    """As Keras' functions take it."""
    function = getattr(activations, name)
    assert getattr(rnnfast.ops, name)(X, axis=-1).tobytes() == function(X).tobytes()
    x = X[:, :4]
    np.testing.assert_array_equal(function(x, axis=1), np.swapaxes(function(np.swapaxes(x, 1, 2)), 1, 2))
    for bad, axis in ((1.0, -1), (X, 3), (X, 1.5)):
        with pytest.raises(ValueError, match="has no axis"):
            function(bad, axis)
    with pytest.raises(ValueError, match="it takes the last axis, got 1"):
        function(layers.Input((4, 6)), axis=1)


def test_glu_needs_an_even_axis():
    for make in (
        lambda: layers.Dense(3, "glu", name="odd")(X),
        lambda: layers.Conv1D(3, 2, activation="glu", name="odd").build((None, 5, 6)),
        lambda: layers.Activation("glu", name="odd")(X[..., :5]),
        lambda: layers.Activation("glu", name="odd")(layers.Input((5,))),
    ):
        with pytest.raises(ValueError, match=r"layer 'odd' .*activation 'glu': expected a last axis of even size, got"):
            make()
    with pytest.raises(ValueError, match="expected a last axis of even size, got 5"):
        activations.glu(X[..., :5])
    for name in OVER_LAST_AXIS:
        with pytest.raises(ValueError, match=f"'{name}' is not possible: it couples all units"):
            layers.GRU(2, activation=name)


@pytest.mark.parametrize("name", [*ADDED, *OVER_LAST_AXIS])
def test_copies(name):
    """By Keras' name in configurations, and equal to itself in whatever copies it."""
    activation = activations.get(name)
    for made in (
        copy.deepcopy(activation),
        pickle.loads(pickle.dumps(activation)),
        activations.deserialize({"class_name": "function", "config": name, "registered_name": "function"}),
        layers.Dense.from_config(layers.Dense(2, name).get_config()).activation,
    ):
        assert made == activation
    assert activations.serialize(activation) == name


def test_derivative_of_glu_by_differences():
    x = X[0].copy()
    dy = np.cos(np.arange(15.0)).reshape(5, 3)
    expected = finite_difference(lambda: float((activations.glu.forward(x) * dy).sum()), x)
    assert_close(activations.glu.backward(x, activations.glu.forward(x), dy), expected, 1e-8, "glu")
