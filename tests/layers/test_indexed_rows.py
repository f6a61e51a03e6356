"""Embedding and the recurrent layer behind it, with products once per different token: forward the same bits, backward
the gradients of finite differences."""

import numpy as np
import pytest
from numeric import assert_close, assert_variable_gradients, projected

import rnnfast
from rnnfast import _kernels, layers
from rnnfast.layers.indexed_rows import IndexedRows
from rnnfast.layers.tape import Tape, TapedTensor

CELLS = [layers.SimpleRNN, layers.LSTM, layers.GRU]
READERS = {
    "simple_rnn": lambda **o: layers.SimpleRNN(5, **o),
    "lstm": lambda **o: layers.LSTM(5, peephole=True, **o),
    "gru": lambda **o: layers.GRU(5, **o),
    "gru reset before": lambda **o: layers.GRU(5, reset_after=False, **o),
    "projection": lambda **o: layers.LSTM(5, projection_size=3, **o),
    "backwards": lambda **o: layers.LSTM(5, go_backwards=True, **o),
    "bidirectional": lambda **o: layers.Bidirectional(layers.LSTM(5, **o), dtype=o["dtype"]),
    "two cells": lambda **o: layers.Bidirectional(
        layers.LSTM(5, **o), backward_layer=layers.GRU(4, go_backwards=True, **o), dtype=o["dtype"]
    ),
}
TOKENS = {
    "repeated": np.random.default_rng(0).integers(0, 7, (3, 9)),
    "one only": np.full((3, 9), 4),
    "all different": np.random.default_rng(0).permutation(27).reshape(3, 9),
    "one row": np.array([[1, 0, 2, 2, 1, 2]]),
}


def model_of(reader, dtype, mask_zero, vocabulary=30):
    model = rnnfast.Sequential([layers.Embedding(vocabulary, 6, mask_zero=mask_zero, dtype=dtype), reader])
    model.build((None, None))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0.0, 0.5, v.shape) for v in model.weights])
    return model


def gathered(model, tokens):
    """Output and gradients with the ordinary array between the two layers."""
    embedding, reader = model.layers
    x, cache = embedding.forward(tokens, training=True)
    y, tape = reader.forward(x, mask=embedding.compute_mask(tokens), training=True)
    return y, (cache, tape)


@pytest.mark.parametrize("tokens", TOKENS.values(), ids=list(TOKENS))
@pytest.mark.parametrize("mask_zero", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("reader", READERS.values(), ids=list(READERS))
def test_bits_are_those_of_the_array(reader, return_sequences, mask_zero, tokens):
    model = model_of(reader(return_sequences=return_sequences, dtype="float32"), "float32", mask_zero)
    expected, _ = gathered(model, tokens)
    for training in (False, True):
        assert np.array_equal(model.forward(tokens, training=training)[0], expected)
    assert np.array_equal(model.predict(tokens), expected)


@pytest.mark.parametrize("tokens", TOKENS.values(), ids=list(TOKENS))
@pytest.mark.parametrize("mask_zero", [False, True])
@pytest.mark.parametrize("reader", READERS.values(), ids=list(READERS))
def test_gradients(reader, mask_zero, tokens):
    model = model_of(reader(return_sequences=True, dtype="float64"), "float64", mask_zero)
    y, tape = model.forward(tokens, training=True)
    dy = np.random.default_rng(2).normal(size=y.shape)
    model.backward(dy, tape, need_dx=False)
    found = [v.grad for v in model.weights]

    _, (cache, tape) = gathered(model, tokens)
    for variable in model.weights:
        variable.grad = None
    embedding, reader = model.layers
    embedding.backward(reader.backward(dy, tape), cache)
    for variable, grad in zip(model.weights, found, strict=True):
        assert_close(grad, variable.grad, 1e-12, variable.path)


@pytest.mark.parametrize("reader", READERS.values(), ids=list(READERS))
def test_gradients_by_finite_differences(reader):
    tokens = TOKENS["repeated"][:, :4]
    model = model_of(reader(dtype="float64"), "float64", mask_zero=True, vocabulary=7)
    y, tape = model.forward(tokens, training=True)
    dy = np.random.default_rng(2).normal(size=y.shape)
    model.backward(dy, tape, need_dx=False)
    assert_variable_gradients(lambda: projected(dy, model(tokens)), model.weights)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(threads):
    tokens = np.random.default_rng(3).integers(0, 40, (48, 60))
    model = model_of(layers.Bidirectional(layers.LSTM(48)), "float32", mask_zero=True, vocabulary=40)

    def gradients():
        for variable in model.weights:
            variable.grad = None
        y, tape = model.forward(tokens, training=True)
        model.backward(np.ones_like(y), tape, need_dx=False)
        return [y, *(v.grad for v in model.weights)]

    before = rnnfast.get_num_threads()
    try:
        rnnfast.set_num_threads(1)
        alone = gradients()
        rnnfast.set_num_threads(threads)
        together = gradients()
    finally:
        rnnfast.set_num_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("cell", CELLS)
def test_stateful(cell):
    tokens = TOKENS["repeated"]
    whole = model_of(cell(4), "float32", False)
    parts = model_of(cell(4, stateful=True), "float32", False)
    expected = whole(tokens)
    parts(tokens[:, :5])
    assert np.array_equal(parts(tokens[:, 5:]), expected)


class Doubled(layers.LSTM):
    """A user's own layer: it does arithmetic on its input."""

    def forward(self, x, **options):
        return super().forward(2 * x, **options)


def handed_over(tokens, layer):
    """What a layer is handed by the embedding before it."""
    tape = Tape(training=False)
    start = TapedTensor(tape, layers.Embedding(30, 6).prepare(tokens), None, "input")
    rows = tape.call(layers.Embedding(30, 6), start, {})
    seen = []
    forward = layer.forward
    layer.forward = lambda x, **options: seen.append(x) or forward(x, **options)
    tape.call(layer, rows, {})
    return seen[0]


@pytest.mark.parametrize("reader", [layers.Dense(4), layers.Flatten(), Doubled(4)], ids=lambda r: type(r).__name__)
def test_other_layers_get_the_array(reader):
    tokens = TOKENS["one only"]
    assert isinstance(handed_over(tokens, reader), np.ndarray)
    model = rnnfast.Sequential([layers.Embedding(30, 6), reader])
    assert np.array_equal(model(tokens), reader(model.layers[0](tokens)))


class Shifted(layers.Embedding):
    """A user's own embedding: its rows depend on their place."""

    def forward(self, x, **options):
        y, cache = super().forward(x, **options)
        return y + np.arange(x.shape[1], dtype="f4")[:, None], cache


def test_own_embedding_gives_the_array():
    tokens, embedding, reader = TOKENS["one only"], Shifted(30, 6), layers.LSTM(4)
    assert np.array_equal(rnnfast.Sequential([embedding, reader])(tokens), reader(embedding(tokens)))


NOISES = {
    "recurrent dropout": lambda: layers.LSTM(5, recurrent_dropout=0.5, seed=3, dtype="float64"),
    "zoneout": lambda: layers.GRU(5, zoneout=0.4, seed=3, dtype="float64"),
    "dropout": lambda: layers.LSTM(5, dropout=0.5, seed=3, dtype="float64"),
    "both dropouts": lambda: layers.GRU(5, dropout=0.5, recurrent_dropout=0.5, seed=3, dtype="float64"),
}


@pytest.mark.parametrize("noisy", NOISES.values(), ids=list(NOISES))
def test_noise_of_training(noisy):
    tokens = TOKENS["repeated"]
    model, other = (model_of(noisy(), "float64", mask_zero=True) for _ in range(2))
    y, tape = model.forward(tokens, training=True)
    expected, (cache, reader_tape) = gathered(other, tokens)
    assert np.array_equal(y, expected)
    dy = np.random.default_rng(2).normal(size=y.shape)
    model.backward(dy, tape, need_dx=False)
    other.layers[0].backward(other.layers[1].backward(dy, reader_tape), cache)
    for variable, alike in zip(model.weights, other.weights, strict=True):
        assert_close(variable.grad, alike.grad, 1e-12, variable.path)


def test_penalty_counts_every_place():
    tokens = TOKENS["repeated"]
    embedding = layers.Embedding(30, 6, activity_regularizer="l2", dtype="float64")
    model = rnnfast.Sequential([embedding, layers.LSTM(5, dtype="float64")])
    model(tokens, training=True)
    assert sum(model.losses) == pytest.approx(0.01 * float((embedding(tokens) ** 2).sum()) / len(tokens))


def test_only_few_different_tokens_are_told_apart():
    handed = [type(handed_over(tokens, layers.LSTM(4))) for tokens in TOKENS.values()]
    assert handed == [IndexedRows, IndexedRows, np.ndarray, IndexedRows]


@pytest.mark.parametrize("mask_zero", [False, True])
def test_several_readers(mask_zero):
    """Some of one embedding's readers take its rows, others the array; and the model gives the array, too."""
    tokens = TOKENS["repeated"]
    x = layers.Input((None,), dtype="int64")
    rows = layers.Embedding(7, 5, mask_zero=mask_zero, dtype="float64")(x)
    ends = [
        layers.LSTM(4, dtype="float64")(rows),
        layers.GRU(4, return_sequences=True, dtype="float64")(rows),
        layers.Dense(3, dtype="float64")(rows),
        rows,
    ]
    model = rnnfast.Model(x, ends)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0.0, 0.5, v.shape) for v in model.weights])
    outputs, tape = model.forward(tokens, training=True)
    assert all(isinstance(y, np.ndarray) for y in outputs)
    dy = [rng.normal(size=y.shape) for y in outputs]
    model.backward(dy, tape, need_dx=False)
    assert_variable_gradients(lambda: projected(dy, model.forward(tokens)[0]), model.weights)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 1000])
def test_distinct_tokens(count):
    tokens = np.random.default_rng(count).choice([-(2**62), -3, 0, 7, 2**40, 2**62], (count, 3))
    found = _kernels.distinct_tokens(tokens)
    if 2 * len(np.unique(tokens)) > tokens.size:
        assert found is None
        return
    distinct, index = found
    first = np.sort(np.unique(tokens, return_index=True)[1])
    assert np.array_equal(distinct, tokens.ravel()[first])
    assert np.array_equal(distinct[index], tokens)


@pytest.mark.parametrize(
    "index", [np.zeros((2, 3), np.int64), np.zeros(3, np.int32), np.full((2, 3), 4, np.int32), [[0]]], ids=repr
)
def test_bad_index(index):
    x, kernel, recurrent = np.ones((4, 2), "f4"), np.ones((2, 3), "f4"), np.ones((3, 3), "f4")
    tanh = rnnfast.activations.get("tanh")
    with pytest.raises((TypeError, ValueError), match="index"):
        _kernels.rnn_forward(
            "simple_rnn", x, kernel, recurrent, None, None, activation=tanh, recurrent_activation=tanh, index=index
        )
