"""Every layer's backward pass against finite differences of its forward pass, in float64."""

import numpy as np
import pytest
from layer_gradients import check
from numeric import assert_close, finite_difference, projected

from rnnfast import layers

CELLS = [layers.SimpleRNN, layers.LSTM, layers.GRU]
MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], bool)
X = np.random.default_rng(0).normal(size=(4, 4, 3))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"return_sequences": True},
        {"return_state": True, "return_sequences": True},
        {"go_backwards": True, "return_sequences": True},
        {"zero_output_for_mask": True},
        {"use_bias": False, "activation": "softsign"},
    ],
    ids=str,
)
@pytest.mark.parametrize("call", [{}, {"mask": MASK}, {"lengths": [4, 1, 3, 0]}], ids=["plain", "mask", "lengths"])
def test_recurrent(cell, options, call):
    check(cell(3, dtype="float64", **options), X, **call)


@pytest.mark.parametrize(
    "layer",
    [
        layers.LSTM(3, dtype="float64", peephole=True),
        layers.LSTM(2, dtype="float64", activation="elu", recurrent_activation="softsign"),
        layers.GRU(3, dtype="float64", reset_after=False, return_sequences=True),
        layers.GRU(3, dtype="float64", recurrent_activation="tanh"),
    ],
)
def test_recurrent_variants(layer):
    check(layer, X, mask=MASK)


@pytest.mark.parametrize("cell", CELLS)
def test_initial_state(cell):
    layer = cell(3, dtype="float64")
    states = [np.random.default_rng(i).normal(size=(4, 3)) for i in range(layer.state_count)]
    tape = check(layer, X, mask=MASK, initial_state=states)
    dy = np.random.default_rng(2).normal(size=(4, 3))
    _, tape = layer.forward(X, training=True, initial_state=states)
    layer.backward(dy, tape, need_dx=False)
    for state, gradient in zip(states, tape.d_initial_state, strict=True):
        expected = finite_difference(lambda: projected(dy, layer.forward(X, initial_state=states)[0]), state)
        assert_close(gradient, expected, 1e-6, f"{layer}: initial state")


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "ave", "mul", None])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_bidirectional(merge_mode, return_sequences):
    layer = layers.LSTM(2, dtype="float64", return_sequences=return_sequences)
    check(layers.Bidirectional(layer, merge_mode=merge_mode, dtype="float64"), X, mask=MASK)


def test_bidirectional_with_states_and_own_backward_layer():
    backward = layers.GRU(3, dtype="float64", go_backwards=True, return_state=True, return_sequences=True)
    forward = layers.LSTM(2, dtype="float64", return_state=True, return_sequences=True)
    check(layers.Bidirectional(forward, backward_layer=backward, dtype="float64"), X, mask=MASK)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(2, dtype="float64"),
        layers.Dense(2, dtype="float64", activation="tanh", use_bias=False),
        layers.Dense(4, dtype="float64", activation="softmax"),
        layers.Dense(4, dtype="float64", activation="log_softmax"),
        layers.Activation("gelu", dtype="float64"),
        layers.Activation("softmax", dtype="float64"),
        layers.Flatten(dtype="float64"),
        layers.Masking(dtype="float64"),
        layers.TimeDistributed(layers.Dense(2, dtype="float64", activation="sigmoid")),
    ],
    ids=lambda layer: f"{type(layer).__name__}-{layer.name}",
)
def test_other_layers(layer):
    x = X.copy()
    if isinstance(layer, layers.Masking):
        x[1, 2] = 0.0
        x[1, 2, 0] = 1.0
    check(layer, x)


def test_repeat_vector():
    check(layers.RepeatVector(3, dtype="float64"), X[:, 0])


def test_time_distributed_recurrent():
    inner = layers.GRU(2, dtype="float64")
    check(layers.TimeDistributed(inner), np.random.default_rng(3).normal(size=(2, 3, 4, 2)))


def test_embedding():
    layer = layers.Embedding(6, 3, dtype="float64")
    check(layer, [[1, 2, 2], [0, 5, 1]])
    assert not layer.embeddings.grad[3:5].any()


def test_backward_logits_is_backward_without_the_activation():
    layer = layers.TimeDistributed(layers.Dense(3, activation="softmax", dtype="float64"))
    y, cache = layer.forward(layer.prepare(X), training=True)
    dy = np.random.default_rng(4).normal(size=y.shape)
    through = layer.backward(dy, cache)
    kernel_gradient, layer.layer.kernel.grad, layer.layer.bias.grad = layer.layer.kernel.grad, None, None
    dz = y * (dy - (dy * y).sum(-1, keepdims=True))
    assert_close(layer.backward_logits(dz, cache), through, 1e-12, "dx")
    assert_close(layer.layer.kernel.grad, kernel_gradient, 1e-12, "dkernel")


def test_a_layer_used_twice_adds_its_gradients():
    layer = layers.LSTM(2, dtype="float64")
    x = layer.prepare(X)
    gradients = []
    for rows in (slice(0, 1), slice(1, 4)):
        y, cache = layer.forward(x[rows], training=True)
        layer.backward(np.ones_like(y), cache, need_dx=False)
        gradients.append([v.grad for v in layer.weights])
    for variable in layer.weights:
        variable.grad = None
    y, cache = layer.forward(x, training=True)
    assert layer.backward(np.ones_like(y), cache, need_dx=False) is None
    for variable, twice in zip(layer.weights, gradients[1], strict=True):
        assert_close(twice, variable.grad, 1e-12, variable.path)


def test_dropout_passes_the_gradient_where_it_passed_the_value():
    layer = layers.Dropout(0.4, seed=3, dtype="float64")
    x = np.ones((50, 40))
    y, cache = layer.forward(x, training=True)
    assert set(np.unique(y.round(12))) == {0.0, round(1 / 0.6, 12)}
    assert abs((y == 0).mean() - 0.4) < 0.03
    np.testing.assert_array_equal(layer.backward(np.full_like(x, 2.0), cache), 2 * y)
    assert layer(x) is not None and (layer(x) == x).all()
