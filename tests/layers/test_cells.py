"""RNN over the built-in cells: the layers of their names, bit for bit; stacks; one step; description."""

import copy

import numpy as np
import pytest
from layer_gradients import check
from numeric import assert_close, assert_same_bits
from own_cells import CALLS, MASK, X, flat

from rnnfast import InferenceModel, Sequential, layers

OPTIONS = [{}, {"go_backwards": True}, {"return_sequences": True, "zero_output_for_mask": True}]
CELLS = [(layers.SimpleRNNCell, layers.SimpleRNN), (layers.LSTMCell, layers.LSTM), (layers.GRUCell, layers.GRU)]


def randomize(layer, seed=1):
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.weights])


@pytest.mark.parametrize(("cell", "layer"), CELLS)
@pytest.mark.parametrize(
    "options", [{}, {"go_backwards": True}, {"return_sequences": True}, {"stateful": True}], ids=str
)
@pytest.mark.parametrize("call", CALLS, ids=["plain", "mask", "lengths"])
def test_a_cell_over_time_is_the_layer_of_its_name(cell, layer, options, call):
    if "stateful" not in options:
        options = {**options, "zero_output_for_mask": True}
    made, named = layers.RNN(cell(4), return_state=True, **options), layer(4, return_state=True, **options)
    made.build(X.shape)
    named.build(X.shape)
    randomize(made)
    named.set_weights(made.get_weights())
    for _ in range(2):  # what a stateful one has kept, too
        for actual, expected in zip(flat(made(X, **call)), flat(named(X, **call)), strict=True):
            assert_same_bits(actual, expected, f"{cell.__name__} over time")


def stack(**options):
    cells = [
        layers.LSTMCell(4, dtype="float64"),
        layers.GRUCell(3, dtype="float64"),
        layers.SimpleRNNCell(2, dtype="float64"),
    ]
    return layers.RNN(cells, **options)


@pytest.mark.parametrize(
    "options", [{}, {"go_backwards": True}, {"return_sequences": True, "zero_output_for_mask": True}]
)
@pytest.mark.parametrize("call", CALLS, ids=["plain", "mask", "lengths"])
def test_a_stack_runs_as_its_cells_do_step_by_step(options, call):
    fast = stack(return_state=True, **options)
    fast.build(X.shape)
    randomize(fast)

    class Steps:
        """The stack as a cell that RNN knows nothing of."""

        state_size, output_size = fast.cell.state_size, fast.cell.output_size
        call = staticmethod(lambda inputs, states: fast.cell.call(inputs, states))
        get_initial_state = staticmethod(lambda batch_size: fast.cell.get_initial_state(batch_size))

    with pytest.warns(UserWarning, match="Steps.*step by step"):
        slow = layers.RNN(Steps(), return_state=True, dtype="float64", **options)
        expected = slow(X, **call)
    actual = fast(X, **call)
    for a, e in zip(flat(actual), flat(expected), strict=True):
        assert_close(a, e, 1e-12, "stack") if e.any() else np.testing.assert_array_equal(a, e)


def test_states_of_a_stack_are_nested_and_can_be_given_back():
    layer = stack(return_state=True)
    output, lstm, gru, simple = layer(X)
    assert [a.shape for a in (output, *lstm, gru, simple)] == [(4, 2), (4, 4), (4, 4), (4, 3), (4, 2)]
    assert layer.compute_output_shape(X.shape) == [(4, 2), [(4, 4), (4, 4)], (4, 3), (4, 2)]
    halves = layer(X[:, 3:], initial_state=layer(X[:, :3])[1:])
    for whole, half in zip(flat([output, lstm, gru, simple]), flat(halves), strict=True):
        assert_close(half, whole, 1e-12, "in two calls")
    with pytest.raises(ValueError, match="initial_state must hold 3 arrays, got 1"):
        layer(X, initial_state=[gru])
    with pytest.raises(ValueError, match=r"initial_state must have shape \(4, 3\), got \(4, 4\)"):
        layer(X, initial_state=[lstm, lstm[0], simple])


@pytest.mark.parametrize("options", [{}, {"go_backwards": True, "return_sequences": True}], ids=str)
@pytest.mark.parametrize("call", CALLS, ids=["plain", "mask", "lengths"])
def test_gradients_of_a_stack(options, call):
    cells = [layers.GRUCell(2, dtype="float64"), layers.LSTMCell(3, dtype="float64")]
    check(layers.RNN(cells, **options), X, **call)


def test_gradients_of_stacked_states():
    layer = stack()
    x = layer.prepare(X)
    randomize(layer)
    start = [[s + 0.1 for s in layer.cell.get_initial_state(4)[0]], np.full((4, 3), 0.2), np.full((4, 2), -0.3)]
    dy = np.random.default_rng(2).normal(size=(4, 2))
    _, tape = layer.forward(x, training=True, initial_state=start)
    layer.backward(dy, tape, need_dx=False)
    step = 1e-6
    for i, (state, gradient) in enumerate(zip(flat(start), flat(tape.d_initial_state), strict=True)):
        state[1, 1] += step
        above = (dy * layer.forward(x, initial_state=start)[0]).sum()
        state[1, 1] -= 2 * step
        below = (dy * layer.forward(x, initial_state=start)[0]).sum()
        state[1, 1] += step
        assert gradient[1, 1] == pytest.approx((above - below) / (2 * step), rel=1e-6), i


@pytest.mark.parametrize(("cell", "layer"), CELLS)
def test_one_step(cell, layer):
    step, over_time = cell(4), layer(4, return_state=True)
    rng = np.random.default_rng(5)
    states = [rng.normal(size=(4, 4)) for _ in step.get_initial_state(4)]
    output, after = step(X[:, 0], states)
    over_time.build(X.shape)
    over_time.set_weights(step.get_weights())
    for actual, expected in zip([output, *after], over_time(X[:, :1], initial_state=states), strict=True):
        assert_same_bits(actual, expected, "one step")


@pytest.mark.parametrize(("cell", "layer"), CELLS)
def test_arguments_are_those_of_the_layer(cell, layer):
    made = cell(4, "softsign", use_bias=False, name="mine", dtype="float64", trainable=False)
    assert (made.units, made.activation.name, made.use_bias, made.dtype) == (4, "softsign", False, "float64")
    again = cell.from_config(made.get_config())
    assert again.get_config() == made.get_config() and not again.trainable
    assert not {"return_sequences", "stateful", "activity_regularizer"} & set(made.get_config())
    for argument in ("return_sequences", "stateful", "zero_output_for_mask"):
        with pytest.raises(TypeError, match=f"{cell.__name__}: unknown argument '{argument}'"):
            cell(4, **{argument: True})
    with pytest.raises(TypeError, match="give what follows seed by name"):
        cell(4, *["zeros"] * 17)
    with pytest.raises(ValueError, match="units must be a positive integer"):
        cell(0)
    with pytest.raises(AttributeError, match="no_such"):
        made.no_such  # noqa: B018


def test_description_of_a_stack():
    layer = layers.RNN([layers.LSTMCell(4), layers.StackedRNNCells([layers.GRUCell(3), layers.GRUCell(2)])], name="all")
    again = layers.deserialize(layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    layer(X)
    again(X)
    again.set_weights(layer.get_weights())
    assert_same_bits(again(X), layer(X), "after the round trip")
    layer.cell.cells[0].trainable = False
    assert len(layer.trainable_weights) == 6 and len(layer.non_trainable_weights) == 3


def test_cells_of_another_dtype_are_refused():
    with pytest.raises(ValueError, match=r"dtype is float32, that of its cell .*LSTMCell.* float64"):
        layers.RNN(layers.LSTMCell(3, dtype="float64"), dtype="float32")
    assert layers.RNN([layers.LSTMCell(3, dtype="float64")])(X).dtype == np.float64


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("cells", [1, 2])
def test_the_engine_runs_built_in_cells(go_backwards, cells):
    inner = [layers.LSTMCell(4), layers.GRUCell(3)][:cells]
    model = Sequential([layers.Masking(), layers.RNN(inner, go_backwards=go_backwards), layers.Dense(2)])
    x = np.where(MASK[..., None], X, 0.0).astype(np.float32)
    expected = model(x)
    assert_close(model.predict(x, verbose=0), expected, 1e-6, "predict")

    class Recorder:
        def __init__(self):
            self.cells = []

        def masked(self, value):
            return True

        def rnn(self, value, cell, *rest, **options):
            self.cells.append((cell, rest[7], rest[8]))  # go_backwards, return_sequences
            return value

    recorder = Recorder()
    if cells == 2 and go_backwards:
        with pytest.raises(layers.NoLoweringError, match="the mask of a stack that goes backwards"):
            model.layers[1].lower(recorder, 0)
        return
    model.layers[1].lower(recorder, 0)
    assert recorder.cells == [("lstm", go_backwards, cells == 2), ("gru", False, False)][:cells]


def test_bidirectional_over_a_stack():
    layer = layers.RNN([layers.LSTMCell(3, dtype="float64"), layers.GRUCell(2, dtype="float64")], return_sequences=True)
    check(layers.Bidirectional(layer, dtype="float64"), X, mask=MASK)
    both = layers.Bidirectional(layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_state=True))
    shapes = [(4, 4), (4, 3), (4, 3), (4, 2), (4, 3), (4, 3), (4, 2)]
    assert [a.shape for a in flat(both(X))] == flat(both.compute_output_shape(X.shape)) == shapes
    again = layers.Bidirectional.from_config(both.get_config())
    assert again.get_config() == both.get_config()


def test_served_and_streamed():
    cells = [layers.LSTMCell(4), layers.GRUCell(3)]
    model = Sequential([layers.Input((None, 3)), layers.RNN(cells, return_sequences=True), layers.Dense(2)])
    served = InferenceModel(model)
    expected = model(X)
    assert_close(served.predict(X), expected, 1e-6, "served")
    stream = served.stream(batch_size=4)
    for t in range(X.shape[1]):
        assert_close(stream.step(X[:, t]), expected[:, t], 1e-6, f"step {t}")


def test_what_a_call_starts_from():
    layer = layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)])
    start = layer.get_initial_state(batch_size=2)
    assert [a.shape for a in flat(start)] == [(2, 4), (2, 4), (2, 3)] and not any(a.any() for a in flat(start))
    assert [a.shape for a in layers.LSTM(5).get_initial_state(3)] == [(3, 5), (3, 5)]


def test_a_copy_has_weights_of_its_own():
    layer = layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)])
    before = layer(X)
    twin = copy.deepcopy(layer)
    twin.set_weights([2 * w for w in layer.get_weights()])
    assert_same_bits(layer(X), before, "the original")
    layer.set_weights(twin.get_weights())
    assert_same_bits(twin(X), layer(X), "the copy")
    assert np.abs(twin(X) - before).max() > 1e-3
