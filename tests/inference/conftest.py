"""Fixtures of the inference tests."""

import numpy as np
import pytest
from inference_graphs import GRAPHS, STREAMS, build

from rnnfast.layers import GRU, LSTM, Dense, Input


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(params=GRAPHS)
def graph(request, rng):
    """A model of every graph, and a function that makes inputs for it."""
    make, layers, _ = GRAPHS[request.param]
    return build(layers(), rng), lambda batch, time=6: make(rng, batch, time)


@pytest.fixture(params=STREAMS)
def causal(request, rng):
    make, layers, _ = GRAPHS[request.param]
    return build(layers(), rng), lambda batch, time=6: make(rng, batch, time)


@pytest.fixture
def classifier(rng):
    """A small model and an input for it."""
    model = build([Input((8, 8)), LSTM(16, return_sequences=True), GRU(12), Dense(10, "softmax")], rng)
    return model, rng.standard_normal((37, 8, 8)).astype(np.float32)
