"""LSTM with a projected output: shapes, gradients, and where it runs."""

import numpy as np
import pytest
from layer_gradients import check

import rnnfast
from rnnfast import layers

X = np.random.default_rng(0).normal(size=(4, 4, 3))
MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], bool)


@pytest.mark.parametrize(
    "options", [{}, {"return_sequences": True, "go_backwards": True}, {"peephole": True, "return_state": True}], ids=str
)
def test_gradients(options):
    check(layers.LSTM(3, projection_size=2, dtype="float64", **options), X, mask=MASK)
    check(layers.LSTM(2, projection_size=4, dtype="float64", **options), X)


@pytest.mark.parametrize("merge_mode", ["concat", "sum"])
def test_bidirectional(merge_mode):
    layer = layers.LSTM(3, projection_size=2, return_sequences=True, dtype="float64")
    check(layers.Bidirectional(layer, merge_mode=merge_mode, dtype="float64"), X, mask=MASK)


def test_shapes_and_config():
    layer = layers.LSTM(5, projection_size=2, return_sequences=True, return_state=True)
    output, h, c = layer(X)
    assert output.shape == (4, 4, 2) and h.shape == (4, 2) and c.shape == (4, 5)
    assert [v.shape for v in layer.weights] == [(3, 20), (2, 20), (20,), (5, 2)]
    assert layer.compute_output_shape((4, 4, 3)) == [(4, 4, 2), (4, 2), (4, 5)]
    again = layers.LSTM.from_config(layer.get_config())
    assert again.get_config() == layer.get_config() and again.projection_size == 2
    assert "projection_size" not in layers.LSTM(5).get_config()
    resumed = layer(X[:, 2:], initial_state=layer(X[:, :2])[1:])[1]
    np.testing.assert_array_equal(resumed, h)


def test_models_learn():
    model = rnnfast.Sequential([layers.Input((4, 3)), layers.LSTM(5, projection_size=2), layers.Dense(1)])
    model.compile("adam", "mse")
    history = model.fit(X, X.sum((1, 2))[:, None], epochs=30, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_cell():
    cell = layers.LSTMCell(5, projection_size=2)
    output, (h, c) = cell(X[:, 0], cell.get_initial_state(4))
    assert output.shape == h.shape == (4, 2) and c.shape == (4, 5)


def test_errors():
    with pytest.raises(ValueError, match="projection_size must be a positive integer, got 0"):
        layers.LSTM(3, projection_size=0)
    with pytest.raises(TypeError, match="unknown argument 'projection_size'"):
        layers.GRU(3, projection_size=2)
