"""TimeDistributed over masks and layers of every rank; layers of a user's own that define only `call`."""

import numpy as np
import pytest
from layer_gradients import check
from numeric import assert_close

import rnnfast
from rnnfast import layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 4, 5)).astype(np.float32)  # batch, sentences, words, features
WORDS = np.array([[[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], [[1, 1, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]]], bool)
SENTENCES = np.array([[1, 1, 0], [1, 1, 1]], bool)


@pytest.mark.parametrize("inner", [lambda: layers.LSTM(3), lambda: layers.Bidirectional(layers.GRU(2)),
                                   lambda: layers.RNN([layers.GRUCell(2), layers.LSTMCell(3)])])  # fmt: skip
def test_a_mask_of_words_reaches_the_layer_over_words(inner):
    layer = layers.TimeDistributed(inner())
    y = layer(X, mask=WORDS)
    for t in range(3):
        assert_close(y[:, t], layer.layer(X[:, t], mask=WORDS[:, t]), 1e-6, f"sentence {t}")
    np.testing.assert_array_equal(layer.compute_mask(X, WORDS), SENTENCES)
    assert_close(layer(X, mask=SENTENCES), layer(X), 0, "a mask of sentences says nothing about words")
    np.testing.assert_array_equal(layer.compute_mask(X, SENTENCES), SENTENCES)


def test_gradients_under_a_mask_of_words():
    check(layers.TimeDistributed(layers.GRU(2, dtype="float64")), X, mask=WORDS)


def test_rows_meet_within_a_step():
    """In training; the averages move once per step."""
    layer = layers.TimeDistributed(layers.BatchNormalization(momentum=0.5, dtype="float64"))
    alone = layers.BatchNormalization(momentum=0.5, dtype="float64")
    y = layer(X, training=True)
    for t in range(3):
        assert_close(y[:, t], alone(X[:, t], training=True), 1e-12, f"step {t}")
    for actual, expected in zip(layer.get_weights(), alone.get_weights(), strict=True):
        assert_close(actual, expected, 1e-12, "averages")
    assert_close(layer(X)[:, 1], alone(X[:, 1]), 1e-12, "in inference")
    frozen = layers.TimeDistributed(layers.BatchNormalization(trainable=False))
    assert_close(frozen(X, training=True), frozen(X), 0, "frozen")


def test_sentences_of_words():
    """Masks all the way, the same from layers and from `predict`."""
    tokens = RNG.integers(1, 9, (2, 3, 4)) * WORDS
    rnnfast.utils.set_random_seed(1)
    words = [layers.Embedding(9, 5, mask_zero=True), layers.TimeDistributed(layers.GRU(3)), layers.LSTM(2)]
    model = rnnfast.Sequential(words)
    expected = words[2](words[1](words[0](tokens), mask=WORDS), mask=SENTENCES)
    assert_close(model(tokens), expected, 1e-6, "call")
    assert_close(model.predict(tokens, verbose=0), expected, 1e-6, "predict")
    table = layers.Embedding(9, 5, mask_zero=True, weights=words[0].get_weights())
    again = rnnfast.Sequential([layers.Input((3, 4)), table, *words[1:]])
    assert_close(again.predict(tokens, verbose=0), expected, 1e-6, "predict, with given weights")


def test_numbers_of_sentences_of_words():
    x = np.where(WORDS[..., None], X, 0)
    model = rnnfast.Sequential([layers.Masking(), layers.TimeDistributed(layers.LSTM(3)), layers.GRU(2)])
    assert_close(model.predict(x, verbose=0), model(x), 1e-6, "predict")


def test_time_within_time():
    inner = layers.Dense(2, activation="tanh")
    layer = layers.TimeDistributed(layers.TimeDistributed(inner))
    assert_close(layer(X, mask=WORDS), inner(X), 1e-6, "dense")
    assert layer.compute_output_shape(X.shape) == (2, 3, 4, 2)


class Doubled(layers.Layer):
    """As Keras' users write a layer: build, call, and nothing else."""

    def __init__(self, factor, note=None, **options):
        super().__init__(**options)
        self.factor = factor

    def build(self, input_shape):
        self.shift = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="shift")
        super().build(input_shape)

    def call(self, inputs, mask=None):
        y = self.factor * inputs + self.shift.value
        return y if mask is None else y * mask[..., None]


def test_a_layer_with_call_alone_predicts():
    layer = Doubled(2.0, name="mine")
    np.testing.assert_allclose(layer(X), 2 * X + 1, rtol=1e-6)
    np.testing.assert_allclose(layers.TimeDistributed(layer)(X[:, :, 0], mask=SENTENCES)[0, 2], 0)
    model = rnnfast.Sequential([layers.Masking(), layer, layers.LSTM(2)])
    model.compile("sgd", "mse")
    np.testing.assert_allclose(model.predict(X[:, 0], verbose=0), model.layers[2](layer(X[:, 0])), rtol=1e-5)
    with pytest.raises(TypeError, match=r"layer 'mine' \(Doubled\) does not define backward"):
        model.fit(X[:, 0], np.ones((2, 2)), verbose=0)


def test_plain_arguments_are_written_down():
    layer = Doubled(3.0, note=object(), name="mine", dtype="float64")
    assert layer.get_config() == {"factor": 3.0, "name": "mine", "trainable": True, "dtype": "float64"}
    assert Doubled.from_config(layer.get_config()).factor == 3.0


def test_a_mask_of_other_steps():
    layer = layers.TimeDistributed(layers.Dense(2), name="steps")
    for shape in ((2, 4), (3, 3), (2,), (3, 2, 4)):
        with pytest.raises(ValueError, match=r"layer 'steps' .*has a shape .*, expected one that begins with \(2, 3\)"):
            layer(X, mask=np.ones(shape, bool))
