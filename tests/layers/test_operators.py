"""What numbers and indices do to the outputs of layers: Rescaling and Slice."""

import numpy as np
import pytest

import rnnfast
from rnnfast import layers, ops

X = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")

OPERATIONS = {
    "times": lambda x: 3 * x * 2.0,
    "plus": lambda x: 1 + x + 2,
    "minus": lambda x: 1.0 - x - 0.5,
    "over": lambda x: -x / 4,
    "numpy": lambda x: np.float32(2) * (np.float64(1) - (np.int64(3) + x)) - np.float32(0.5),
    "last": lambda x: x[:, -1],
    "part": lambda x: x[:, 1:4, ::2],
    "axis": lambda x: x[:, 0, None],
    "dots": lambda x: x[..., -1:],
    "add": lambda x: ops.add(x, ops.multiply(x, x)) - x,
    "extremes": lambda x: ops.maximum(ops.minimum(x, x * 2), -x),
    "side_by_side": lambda x: ops.concatenate([x, x * 2], axis=-1),
    "activations": lambda x: ops.relu(rnnfast.activations.tanh(x)),
    "over_last_axis": lambda x: ops.glu(ops.sparsemax(x)),
    "softmax": lambda x: ops.softmax(x, axis=1),
}


class Own(rnnfast.Model):
    def __init__(self, operation):
        super().__init__()
        self.rnn = layers.GRU(6, return_sequences=True)
        self.operation = operation

    def call(self, x):
        return self.operation(self.rnn(x))


@pytest.mark.parametrize("name", OPERATIONS)
def test_it_is_what_arrays_do(name):
    """In a functional model, in the `call` of a model, and of a layer; predicted and trained."""
    operation = OPERATIONS[name]
    rnn = layers.GRU(6, return_sequences=True)
    inputs = layers.Input((5, 4))
    model = rnnfast.Model(inputs, operation(rnn(inputs)))
    expected = operation(rnn(X))
    assert model.output_shape == (None, *expected.shape[1:])
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, atol=1e-6)

    own = Own(operation)
    own.build((None, 5, 4))
    own.set_weights(rnn.get_weights())
    np.testing.assert_allclose(own.predict(X, verbose=0), expected, atol=1e-6)
    target = np.random.default_rng(1).normal(size=expected.shape)
    losses = []
    for one in (model, own):
        one.compile(rnnfast.optimizers.SGD(0.01), "mse")
        losses.append(one.fit(X, target, epochs=2, shuffle=False, verbose=0).history["loss"])
    assert losses[0] == losses[1] and losses[0][1] < losses[0][0]


def test_sizes_that_are_not_known():
    x = layers.Input((None, 3))
    assert x[:, -1].shape == (None, 3) and x[:, 1:].shape == (None, None, 3) and x[:, :, 1:].shape == (None, None, 2)
    with pytest.raises(ValueError, match="index 4 is out of bounds"):
        x[:, :, 4]
    with pytest.raises(TypeError, match="must take the batch axis whole"):
        x[1:]
    for key in (np.array([True, False]), [0, 2, 1], "...", 1.0):  # three numbers are no slice
        with pytest.raises(TypeError, match=r"key takes integers, slices, None and \.\.\., got"):
            x[:, key]


def test_a_slice_is_described_in_json():
    layer = layers.Slice(np.s_[:, -2:, ..., None])
    config = layer.get_config()
    assert config["key"] == [[None, None, None], [-2, None, None], "...", None]
    assert np.array_equal(layers.Slice.from_config(config)(X), X[:, -2:, ..., None])
    inputs = layers.Input((5, 4))
    model = rnnfast.Model(inputs, inputs[:, np.int64(1) : np.int32(4), np.int8(2)])
    again = rnnfast.models.model_from_json(model.to_json())
    assert np.array_equal(again.predict(X, verbose=0), X[:, 1:4, 2])


def test_files_keep_it(tmp_path):
    pytest.importorskip("h5py", reason="model files need h5py (pip install '.[keras]')")
    inputs = layers.Input((5, 4))
    model = rnnfast.Model(inputs, layers.LSTM(3, return_sequences=True)(inputs)[:, -2:] * 2.0 + 1)
    model.save(tmp_path / "model.keras")
    again = rnnfast.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x[:, [0, 2, 1]],
        lambda x: x[np.array([1, 0])],
        lambda x: x[:2] * x[0, 0, 0],
        lambda x: x % 2 + 5 // x - x // 2 + 2.0**x,
        lambda x: +x * ((x > 0) & ~(x > 1) | (x < -1)),
        lambda x: np.ones(4, "float32") / x,
    ],
)
def test_what_no_layer_does_can_be_predicted_by_a_layer_of_ones_own(operation):
    class Computing(layers.Layer):
        def call(self, x):
            return operation(x)

    model = rnnfast.Sequential([layers.Input((5, 4)), Computing()])
    np.testing.assert_array_equal(model.predict(X, verbose=0), operation(X))
    with pytest.raises(TypeError, match="not defined"):
        operation(layers.Input((5, 4)))
