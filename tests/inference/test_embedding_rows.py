"""Recurrent layers behind an embedding multiply each different row once, or have done so before: the bits are those of
the layers themselves, whatever the batch, its tokens, the format of the weights and the threads."""

import numpy as np
import pytest
from numeric import assert_same_bits

import rnnfast
from rnnfast.layers import GRU, LSTM, Bidirectional, Dense, Embedding, Input, SimpleRNN, TimeDistributed

READERS = {
    "simple_rnn": lambda: [SimpleRNN(20)],
    "lstm": lambda: [LSTM(20, return_sequences=True)],
    "gru": lambda: [GRU(20, return_sequences=True), GRU(9)],
    "gru reset before": lambda: [GRU(20, reset_after=False)],
    "bidirectional": lambda: [Bidirectional(LSTM(20, return_sequences=True)), SimpleRNN(3)],
}
SMALL, LARGE = 30, 6000  # tables whose products are held, and are not


def engine_of(vocabulary, readers, mask_zero=False, **options):
    model = rnnfast.Sequential(
        [Input((None,), dtype="int32"), Embedding(vocabulary, 40, mask_zero=mask_zero), *readers]
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.3, v.shape) for v in model.weights])
    return model, rnnfast.InferenceModel(model, threads=1, **options)


@pytest.mark.parametrize("mask_zero", [False, True])
@pytest.mark.parametrize("vocabulary", [SMALL, LARGE])
@pytest.mark.parametrize("readers", READERS.values(), ids=list(READERS))
def test_bits_of_the_layers(readers, vocabulary, mask_zero, rng):
    model, engine = engine_of(vocabulary, readers(), mask_zero)
    few = rng.integers(0, 25, (17, 11))
    many = rng.integers(0, vocabulary, (17, 11))
    for tokens in (few, many, few[:, ::-1] * (rng.random((17, 11)) < 0.7)):
        wanted = model(tokens)
        assert_same_bits(engine(tokens), wanted, "batch")
        for rows in ([3], [16, 0, 3], [5] * 9):
            assert_same_bits(engine(tokens[rows]), wanted[rows], f"rows {rows}")


@pytest.mark.parametrize("vocabulary", [SMALL, LARGE])
@pytest.mark.parametrize("weights", ["bfloat16", "int8"])
def test_narrow_weights(vocabulary, weights, rng):
    _, engine = engine_of(vocabulary, [Bidirectional(LSTM(36)), Dense(3)], dtype=weights)
    few = rng.integers(0, 25, (21, 13))
    wanted = engine(few)
    for i in (0, 20):
        # A row by itself, of which hardly two tokens are the same, is looked up and multiplied step by step.
        assert_same_bits(engine(few[i : i + 1]), wanted[i : i + 1], f"row {i}")


@pytest.mark.parametrize("vocabulary", [SMALL, LARGE])
@pytest.mark.parametrize("cell", [LSTM, GRU])
def test_threads_share_units(cell, vocabulary, rng):
    model, _ = engine_of(vocabulary, [Bidirectional(cell(256)), Dense(3)])
    tokens = rng.integers(0, 20, (2, 60))
    wanted = rnnfast.InferenceModel(model, threads=1)(tokens)
    for threads in (2, 4):
        assert_same_bits(rnnfast.InferenceModel(model, threads=threads)(tokens), wanted, f"{threads} threads")


@pytest.mark.parametrize("vocabulary", [SMALL, LARGE])
@pytest.mark.parametrize("batch", [1, 12])
def test_stream(vocabulary, batch, rng):
    _, engine = engine_of(vocabulary, [LSTM(20, return_sequences=True), Dense(3)], mask_zero=True)
    tokens = rng.integers(0, 6, (batch, 9))
    stream = engine.stream(batch)
    steps = [stream.step(tokens[:, t]).copy() for t in range(9)]
    assert_same_bits(np.stack(steps, axis=1), engine(tokens), "stream")


def test_inside_time_distributed(rng):
    model = rnnfast.Sequential(
        [Input((None, 8), dtype="int32"), TimeDistributed(Embedding(LARGE, 6)), TimeDistributed(LSTM(5)), LSTM(4)]
    )
    tokens = rng.integers(0, 9, (3, 4, 8))
    assert_same_bits(rnnfast.InferenceModel(model)(tokens), model(tokens), "time_distributed")


def test_explained(rng):
    _, small = engine_of(SMALL, [LSTM(20)])
    _, large = engine_of(LARGE, [LSTM(20)])
    assert "every token are held" in str(small.explain())
    assert "every token are held" not in str(large.explain())
