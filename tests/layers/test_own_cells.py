"""RNN over cells of a user's own: step by step, with a warning, trained through their own passes."""

import warnings

import numpy as np
import pytest
from layer_gradients import check
from numeric import assert_close
from own_cells import CALLS, MASK, CallOnly, Residual, Trainable, X, flat

import rnnfast
from rnnfast import layers

OPTIONS = [{}, {"go_backwards": True, "return_sequences": True}, {"zero_output_for_mask": True}]

pytestmark = pytest.mark.filterwarnings("ignore:.*step by step:UserWarning")


@pytest.mark.parametrize(
    "options", [{}, {"go_backwards": True, "return_sequences": True}, {"zero_output_for_mask": True}]
)
@pytest.mark.parametrize("call", CALLS, ids=["plain", "mask", "lengths"])
def test_outputs_are_those_of_the_kernels(options, call):
    """SimpleRNN without bias and activation is the same cell."""
    own = layers.RNN(CallOnly(4), return_state=True, **options)
    same = layers.SimpleRNN(4, activation="linear", use_bias=False, return_state=True, **options)
    own.build(X.shape)
    same.build(X.shape)
    same.set_weights([v.value for v in own.weights])
    for actual, expected in zip(own(X, **call), same(X, **call), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
        assert actual.dtype == np.float32


def test_the_slow_path_says_so_once():
    layer = layers.RNN([layers.LSTMCell(3), CallOnly(4)], name="slow")
    with pytest.warns(UserWarning, match=r"layer 'slow' \(RNN\): cell CallOnly .* step by step") as caught:
        layer(X)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(X)
        layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)])(X)


@pytest.mark.parametrize(
    "options", [{}, {"go_backwards": True, "return_sequences": True}, {"zero_output_for_mask": True}]
)
@pytest.mark.parametrize("call", CALLS, ids=["plain", "mask", "lengths"])
@pytest.mark.parametrize("cell", [lambda: Trainable(3), lambda: [Trainable(2), layers.GRUCell(2, dtype="float64")]])
def test_gradients(cell, options, call):
    check(layers.RNN(cell(), dtype="float64", **options), X, **call)


@pytest.mark.parametrize("call", CALLS, ids=["plain", "mask", "lengths"])
def test_gradients_of_a_cell_made_of_cells(call):
    """Its output alone: `check` knows no nested outputs."""
    check(layers.RNN(Residual(3, dtype="float64"), return_sequences=True), X, **call)


def test_nested_states():
    layer = layers.RNN(Residual(3), return_state=True)
    output, (h, c), total = layer(X, mask=MASK)
    np.testing.assert_allclose(total[:, 0], np.where(MASK[..., None], X, 0).sum((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(output[0], X[0, -1] + h[0], rtol=1e-6)
    assert layer.compute_output_shape(X.shape) == [(4, 3), [(4, 3), (4, 3)], (4, 1)]
    again = layer(X[:, 2:], mask=MASK[:, 2:], initial_state=layer(X[:, :2], mask=MASK[:, :2])[1:])
    for actual, expected in zip(flat(again), flat([output, [h, c], total]), strict=True):
        np.testing.assert_allclose(actual[0], expected[0], rtol=1e-5)


def test_stateful():
    layer = layers.RNN(Residual(3), stateful=True, return_state=True)
    whole = layers.RNN(layer.cell, return_state=True)(X)
    layer(X[:, :2])
    for actual, expected in zip(flat(layer(X[:, 2:])), flat(whole), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="holds states of 4 rows, got 2 rows"):
        layer(X[:2])
    layer.reset_state()
    layer(X[:2])


def test_training_a_cell_with_call_alone_names_the_two_methods():
    model = rnnfast.Sequential([layers.RNN(CallOnly(3)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.predict(X, verbose=0)
    before = model.get_weights()
    with pytest.raises(TypeError, match=r"CallOnly can predict .* forward\(inputs, states, training\).*backward"):
        model.fit(X, np.ones((4, 1)), verbose=0)
    for actual, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_fit_trains_a_cell_with_both_passes():
    rnnfast.utils.set_random_seed(0)
    model = rnnfast.Sequential([layers.RNN([Trainable(3), layers.GRUCell(4)]), layers.Dense(1)])
    model.compile(rnnfast.optimizers.Adam(0.02), "mse")
    losses = model.fit(X, X.sum((1, 2))[:, None], epochs=60, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 3


def test_a_cell_that_asks_is_told_whether_it_trains():
    class Told(CallOnly):
        def call(self, inputs, states, training=False):
            output, states = super().call(inputs, states)
            return (0 * output if training else output), states

    layer = layers.RNN(Told(3))
    assert layer(X).any() and not layer(X, training=True).any()


def test_a_cell_starts_where_it_says():
    class Started(CallOnly):
        def get_initial_state(self, batch_size):
            return np.full((batch_size, self.units), 0.5)

    layer = layers.RNN(Started(3))
    np.testing.assert_allclose(layer(X), layer(X, initial_state=np.full((4, 3), 0.5)), rtol=1e-6)
    assert np.abs(layer(X) - layer(X, initial_state=np.zeros((4, 3)))).max() > 1e-3


def test_round_trip_needs_the_classes():
    layer = layers.RNN([Residual(3), layers.GRUCell(2)])
    config = layer.get_config()
    assert config["cell"]["config"]["cells"][0]["registered_name"] == "Residual"
    again = layers.RNN.from_config(config, custom_objects={"Residual": Residual})
    assert again.get_config() == config
    with pytest.raises(ValueError, match=r"Residual is custom.*custom_objects"):
        layers.RNN.from_config(config)
    with pytest.raises(TypeError, match="cell CallOnly cannot be written down: it has no get_config"):
        layers.RNN(CallOnly(3)).get_config()


def test_both_directions_of_cells_with_own_parts():
    def halves(shape, dtype=None):
        return np.full(shape, 0.5, dtype)

    def quarters(shape, dtype=None):
        return np.full(shape, 0.25, dtype)

    quarters.__name__ = "halves"  # names do not matter: functions are handed on
    cells = [layers.GRUCell(2, kernel_initializer=halves), layers.GRUCell(3, kernel_initializer=quarters), Residual(3)]
    both = layers.Bidirectional(layers.RNN(cells))
    both.build((None, 5, 4))
    for direction in (both.forward_layer, both.backward_layer):
        first, second, _ = direction.cell.cells
        assert first is not cells[0] and np.all(first.kernel.value == 0.5) and np.all(second.kernel.value == 0.25)
    one = layers.Bidirectional(layers.RNN(layers.LSTMCell(2, bias_constraint=lambda w: w)))
    assert one.forward_layer.cell.bias_constraint is one.backward_layer.cell.bias_constraint
    with pytest.raises(TypeError, match="cell CallOnly cannot be written down: it has no get_config"):
        layers.Bidirectional(layers.RNN(CallOnly(3)))


def test_both_directions_of_an_own_cell():
    layer = layers.Bidirectional(layers.RNN(Residual(3, dtype="float64"), return_sequences=True), dtype="float64")
    check(layer, X, mask=MASK)


def test_no_cell():
    for wrong, missing in ((object(), "call"), (layers.Dense(2), "state_size")):
        with pytest.raises(ValueError, match=f"a cell has a '{missing}'"):
            layers.RNN(wrong)
        with pytest.raises(ValueError, match=f"a cell has a '{missing}'"):
            layers.StackedRNNCells([layers.LSTMCell(2), wrong])
    with pytest.raises(ValueError, match="expected at least one cell"):
        layers.RNN([])
    cell = CallOnly(3)
    cell.state_size = "3"
    with pytest.raises(ValueError, match="state_size of a cell must be an integer or a list of integers, got '3'"):
        layers.RNN(cell)


def test_a_changed_step_of_a_built_in_cell_is_used():
    class Doubled(layers.LSTMCell):
        def forward(self, inputs, states, training=False):
            output, states, cache = super().forward(inputs, states, training)
            return 2 * output, states, cache

    cell = Doubled(3)
    actual = layers.RNN(cell, return_sequences=True)(X)
    plain = layers.LSTM(3, return_sequences=True)
    plain.build(X.shape)
    plain.set_weights(cell.get_weights())
    assert_close(actual, 2 * plain(X), 1e-6, "doubled")


def test_nan_in_masked_steps_reaches_nothing():
    x = np.where(MASK[..., None], X, np.nan)
    cell = Trainable(3)
    layer = layers.RNN(cell)
    y, tape = layer.forward(layer.prepare(x), mask=MASK, training=True)
    dx = layer.backward(np.ones_like(y), tape)
    assert np.isfinite(y).all() and np.isfinite(dx).all()
    assert all(np.isfinite(v.grad).all() for v in cell.weights)
