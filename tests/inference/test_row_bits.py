"""A row's result has the same bits whatever its batch, its place in it, and the number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric import assert_same_bits

import rnnfast
from rnnfast.layers import GRU, LSTM, Bidirectional, Dense, Input


def test_every_graph_row_by_row(graph):
    model, make = graph
    engine = rnnfast.InferenceModel(model, threads=1)
    x = make(19)
    wanted = engine(x)
    for rows in ([18, 3, 7], [11], list(range(17, -1, -1))):
        assert_same_bits(engine(x[rows]), wanted[rows], f"rows {rows}")


@pytest.mark.parametrize("cell", [LSTM, GRU])
def test_threads_and_large_batches(rng, cell):
    # Enough work for two threads, and blocks of rows that are not all of one size.
    model = rnnfast.Sequential([Input((12, 24)), Bidirectional(cell(40, return_sequences=True)), cell(33), Dense(5)])
    x = rng.standard_normal((205, 12, 24)).astype(np.float32)
    wanted = rnnfast.InferenceModel(model, threads=1)(x)
    for threads in (2, 3, 8):
        assert_same_bits(rnnfast.InferenceModel(model, threads=threads)(x), wanted, f"{threads} threads")
    one = rnnfast.InferenceModel(model)
    for i in (0, 63, 64, 204):
        assert_same_bits(one(x[i : i + 1]), wanted[i : i + 1], f"row {i}")


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_split_of_any_batch(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10)))
    units, batch = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    model = rnnfast.Sequential([Input((4, 3)), LSTM(units)])
    engine = rnnfast.InferenceModel(model)
    x = rng.standard_normal((batch, 4, 3)).astype(np.float32)
    cut = data.draw(st.integers(0, batch))
    assert_same_bits(np.concatenate([engine(x[:cut]), engine(x[cut:])]), engine(x), f"{cut} of {batch}")
