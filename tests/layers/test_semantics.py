"""What layers mean: Keras' masks, states, directions, shapes and casts."""

import pickle

import numpy as np
import pytest
from numeric import assert_close

from rnnfast import layers

CELLS = [layers.SimpleRNN, layers.LSTM, layers.GRU]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 6, 2)).astype("float32")
MASK = np.array([[0, 1, 0, 1, 1, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]], bool)


@pytest.mark.parametrize("cell", CELLS)
def test_masked_steps_are_skipped_and_repeat_the_output(cell):
    layer = cell(4, return_sequences=True)
    y = layer(X, mask=MASK)
    alone = layer(X[:1, MASK[0]])
    assert_close(y[0, [1, 3, 4]], alone[0], 1e-6, "real steps")
    assert not y[0, 0].any() and not y[2].any()
    np.testing.assert_array_equal(y[0, 2], y[0, 1])
    np.testing.assert_array_equal(y[0, 5], y[0, 4])


@pytest.mark.parametrize("cell", CELLS)
def test_zero_output_for_mask(cell):
    layer = cell(4, return_sequences=True)
    zeroed = cell(4, return_sequences=True, zero_output_for_mask=True)
    zeroed.build(X.shape)
    expected = layer(X, mask=MASK)
    zeroed.set_weights(layer.get_weights())
    np.testing.assert_array_equal(zeroed(X, mask=MASK), np.where(MASK[..., None], expected, 0))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("go_backwards", [False, True])
def test_lengths_are_a_right_padded_mask(cell, go_backwards):
    layer = cell(4, return_sequences=True, return_state=True, go_backwards=go_backwards)
    lengths = np.array([2, 6, 0])
    masked = layer(X, mask=np.arange(6) < lengths[:, None])
    for a, b in zip(layer(X, lengths=lengths), masked, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cell", CELLS)
def test_states_go_in_and_out(cell):
    layer = cell(4, return_state=True)
    whole = layer(X)
    first = layer(X[:, :2])
    second = layer(X[:, 2:], initial_state=first[1:])
    assert len(whole) == 1 + layer.state_count
    for a, b in zip(second, whole, strict=True):
        assert_close(a, b, 1e-6, "continued")
    np.testing.assert_array_equal(whole[0], whole[1])


@pytest.mark.parametrize("cell", CELLS)
def test_go_backwards_reads_the_reversed_sequence(cell):
    layer = cell(4, return_sequences=True, go_backwards=True)
    y = layer(X)
    forward = cell(4, return_sequences=True)
    forward.build(X.shape)
    forward.set_weights(layer.get_weights())
    assert_close(y, forward(X[:, ::-1]), 1e-6, "reversed")


@pytest.mark.parametrize("cell", CELLS)
def test_stateful_continues_until_it_is_reset(cell):
    layer, plain = cell(4, stateful=True), cell(4)
    first = layer(X[:, :3])
    second = layer(X[:, 3:])
    plain.build(X.shape)
    plain.set_weights(layer.get_weights())
    assert_close(second, plain(X), 1e-6, "continued")
    with pytest.raises(ValueError, match=r"stateful.*3 rows, got 2"):
        layer(X[:2])
    layer.reset_state()
    np.testing.assert_array_equal(layer(X[:, :3]), first)
    layer.reset_states()
    assert layer(X[:2]).shape == (2, 4)


def test_bidirectional_is_two_layers():
    layer = layers.Bidirectional(layers.GRU(3, return_sequences=True))
    y = layer(X, mask=MASK)
    forward, backward = layer.forward_layer, layer.backward_layer
    assert forward.zero_output_for_mask and backward.zero_output_for_mask and backward.go_backwards
    assert (forward.name, backward.name) == ("forward_" + forward.name[8:], "backward_" + forward.name[8:])
    np.testing.assert_array_equal(y[..., :3], forward(X, mask=MASK))
    np.testing.assert_array_equal(y[..., 3:], backward(X, mask=MASK)[:, ::-1])
    assert not y[~MASK].any()


def test_bidirectional_states():
    layer = layers.Bidirectional(layers.LSTM(3, return_state=True), merge_mode="sum")
    out, *states = layer(X)
    assert out.shape == (3, 3) and len(states) == 4
    np.testing.assert_array_equal(out, states[0] + states[2])
    states = layer(X[:, :3])[1:]
    expected = layer.forward_layer(X[:, 3:], initial_state=states[:2])[0]
    expected = expected + layer.backward_layer(X[:, 3:], initial_state=states[2:])[0]
    assert_close(layer(X[:, 3:], initial_state=states)[0], expected, 1e-6, "initial states")


def test_time_distributed_applies_the_layer_to_each_step():
    layer = layers.TimeDistributed(layers.LSTM(3))
    x = RNG.normal(size=(2, 4, 5, 3)).astype("float32")
    y = layer(x)
    assert y.shape == (2, 4, 3)
    for t in range(4):
        assert_close(y[:, t], layer.layer(x[:, t]), 1e-6, f"step {t}")


def test_masks_travel():
    embedding = layers.Embedding(9, 2, mask_zero=True)
    tokens = np.array([[1, 0, 3]])
    np.testing.assert_array_equal(embedding.compute_mask(tokens), [[True, False, True]])
    assert layers.Embedding(9, 2).compute_mask(tokens) is None
    masking = layers.Masking(mask_value=-1)
    np.testing.assert_array_equal(masking.compute_mask(np.float32([[[-1, -1], [-1, 0]]])), [[False, True]])
    np.testing.assert_array_equal(masking([[[-1, -1], [-1, 0]]]), [[[0, 0], [-1, 0]]])
    mask = np.ones((1, 3), bool)
    carrying = [layers.Dense(2), layers.Dropout(0.1), layers.Activation("tanh"), layers.GRU(2, return_sequences=True)]
    for layer in carrying:
        assert layer.compute_mask(X, mask) is mask
    for layer in (layers.GRU(2), layers.Flatten(), layers.RepeatVector(2)):
        assert layer.compute_mask(X, mask) is None


def test_shapes():
    shape = (None, 6, 2)
    cases = [
        (layers.LSTM(4), (None, 4)),
        (layers.LSTM(4, return_sequences=True), (None, 6, 4)),
        (layers.LSTM(4, return_state=True), [(None, 4)] * 3),
        (layers.Bidirectional(layers.GRU(4)), (None, 8)),
        (layers.Bidirectional(layers.GRU(4), merge_mode="sum"), (None, 4)),
        (layers.Bidirectional(layers.GRU(4), merge_mode=None), [(None, 4), (None, 4)]),
        (layers.Dense(5), (None, 6, 5)),
        (layers.Flatten(), (None, 12)),
        (layers.Embedding(3, 5), (None, 6, 2, 5)),
        (layers.TimeDistributed(layers.Dense(5)), (None, 6, 5)),
    ]
    for layer, expected in cases:
        assert layer.compute_output_shape(shape) == expected, layer
        y = layer(np.ones((4, 6, 2)))
        got = [part.shape for part in y] if isinstance(y, list) else y.shape
        assert got == ([(4, *s[1:]) for s in expected] if isinstance(expected, list) else (4, *expected[1:])), layer


@pytest.mark.parametrize("given", ["int64", "uint8", "bool", "float64", "float16"])
def test_numbers_are_cast_to_the_layers_dtype(given):
    layer = layers.LSTM(2)
    x = np.ones((1, 3, 2), given)
    y = layer(x)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, layer(x.astype("float32")))
    assert layers.LSTM(2, dtype="float64")(x).dtype == np.float64
    assert layers.Embedding(4, 2)(np.ones((1, 3), given)).shape == (1, 3, 2)


@pytest.mark.parametrize("cell", CELLS)
def test_an_empty_batch_gives_an_empty_result(cell):
    assert cell(4)(np.zeros((0, 5, 2))).shape == (0, 4)
    assert cell(4, return_sequences=True)(np.zeros((0, 5, 2))).shape == (0, 5, 4)
    assert layers.Bidirectional(cell(4))(np.zeros((0, 5, 2))).shape == (0, 8)
    assert layers.Dense(3)(np.zeros((0, 5, 2))).shape == (0, 5, 3)
    assert layers.Embedding(5, 3)(np.zeros((0, 5))).shape == (0, 5, 3)


def test_peephole_weights():
    layer = layers.LSTM(3, peephole=True)
    layer.build((None, 5, 2))
    assert [v.name for v in layer.weights] == ["kernel", "recurrent_kernel", "bias", "peephole"]
    plain = layers.LSTM(3)
    plain.build((None, 5, 2))
    plain.set_weights(layer.get_weights()[:3])
    x = RNG.normal(size=(2, 5, 2))
    np.testing.assert_array_equal(layer(x), plain(x))  # zero peepholes
    layer.peephole.assign(np.ones((3, 3)))
    assert np.abs(layer(x) - plain(x)).max() > 1e-3


def test_initial_biases():
    layer = layers.LSTM(2)
    layer.build((None, 3, 1))
    np.testing.assert_array_equal(layer.bias.numpy(), [0, 0, 1, 1, 0, 0, 0, 0])
    assert not layers.LSTM(2, unit_forget_bias=False).weights
    gru = layers.GRU(2)
    gru.build((None, 3, 1))
    assert gru.bias.shape == (2, 6)
    before = layers.GRU(2, reset_after=False)
    before.build((None, 3, 1))
    assert before.bias.shape == (6,)
    np.testing.assert_allclose(gru.recurrent_kernel.numpy() @ gru.recurrent_kernel.numpy().T, np.eye(2), atol=1e-6)


def test_variables_have_one_writer():
    layer = layers.Dense(2)
    layer.build((None, 3))
    with pytest.raises(ValueError, match="read-only"):
        layer.kernel.numpy()[0, 0] = 1.0
    version = layer.kernel.version
    layer.kernel.assign(np.ones((3, 2)))
    assert layer.kernel.version == version + 1
    copies = layer.get_weights()
    copies[0][:] = 5.0
    assert (layer.kernel.numpy() == 1).all()
    with pytest.raises(ValueError, match=r"\(3, 2\), got \(2, 3\)"):
        layer.set_weights([np.ones((2, 3)), np.ones(2)])
    assert layer.kernel.version == version + 1


def test_a_variable_is_stored_once_and_shows_its_own_value():
    layer = layers.Dense(100)
    layer.build((None, 50))
    shown = layer.kernel.value
    with pytest.raises(ValueError, match="WRITEABLE"):
        shown.setflags(write=True)
    again = pickle.loads(pickle.dumps(layer.kernel))
    assert len(pickle.dumps(layer.kernel)) < 1.1 * shown.nbytes
    again.assign(np.ones((50, 100)))
    assert (again.value == 1).all() and not (shown == 1).any()
    layer.kernel.assign(np.zeros((50, 100)))
    assert (shown == 0).all() and (again.value == 1).all()


def test_dropout_is_repeatable_by_seed():
    x = np.ones((4, 50))
    a, b = layers.Dropout(0.5, seed=1), layers.Dropout(0.5, seed=1)
    np.testing.assert_array_equal(a(x, training=True), b(x, training=True))
    shared = layers.Dropout(0.5, noise_shape=(None, 1), seed=0)(np.ones((20, 5)), training=True)
    assert (shared == shared[:, :1]).all()
    assert not layers.Dropout(1.0)(x, training=True).any()
