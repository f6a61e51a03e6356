"""Models of one's own that are called with other arguments than x: text that is written letter by letter."""

import numpy as np
import pytest

import rnnfast
from rnnfast import layers

TOKENS = np.random.default_rng(0).integers(0, 9, (4, 6))


class Writer(rnnfast.Model):
    def __init__(self, cell):
        super().__init__()
        self.embedding = layers.Embedding(9, 5)
        self.rnn = getattr(layers, cell)(7, return_sequences=True, return_state=True)
        self.dense = layers.Dense(9)

    def call(self, inputs, states=None, return_state=False, training=False):
        x = self.embedding(inputs, training=training)
        if states is None:
            states = self.rnn.get_initial_state(inputs.shape[0])
        x, *states = self.rnn(x, initial_state=states, training=training)
        x = self.dense(x, training=training)
        return (x, states) if return_state else x


@pytest.mark.parametrize("cell", ["GRU", "LSTM", "SimpleRNN"])
def test_step_by_step_it_is_what_it_is_at_once(cell):
    model = Writer(cell)
    model.compile("adam", rnnfast.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(TOKENS[:, :-1], TOKENS[:, 1:], epochs=2, verbose=0)
    expected = model.predict(TOKENS, verbose=0)
    states, given = None, []
    for t in range(6):
        logits, states = model(inputs=TOKENS[:, t : t + 1], states=states, return_state=True)
        given.append(logits)
    np.testing.assert_allclose(np.concatenate(given, axis=1), expected, atol=1e-6)
    again, _ = model(TOKENS, None, True)  # by position
    np.testing.assert_allclose(again, expected, atol=1e-6)


def test_what_it_does_not_take():
    with pytest.raises(TypeError, match=r"unknown call argument 'more'; it takes inputs, states, return_state"):
        Writer("GRU")(TOKENS, more=1)


def test_the_start_of_a_batch_of_unknown_size():
    layer = layers.LSTM(3)
    assert layer.get_initial_state(None) is None
    assert [state.shape for state in layer.get_initial_state(2)] == [(2, 3), (2, 3)]
