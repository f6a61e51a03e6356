"""Truncated back-propagation: states go on from piece to piece, gradients do not."""

import numpy as np
import pytest
from numeric import assert_close
from two_heads import TwoHeads

import rnnfast
from rnnfast import layers, optimizers
from rnnfast.callbacks import Callback

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(6, 10, 3)), RNG.normal(size=(6, 10, 2))
X[4:, 7:] = 0  # masked


def tagger(stateful=False, **options):
    options |= {"dtype": "float64"}
    rnnfast.utils.set_random_seed(1)
    model = rnnfast.Sequential(
        [
            layers.Masking(dtype="float64"),
            layers.LSTM(4, return_sequences=True, stateful=stateful, **options),
            layers.RNN([layers.GRUCell(3, dtype="float64")], return_sequences=True, stateful=stateful, **options),
            layers.Dense(2, dtype="float64"),
        ]
    )
    model.build((None, None, 3))
    model.compile(optimizers.Adam(0.05), "mse")
    return model


def test_one_piece_is_all_of_back_propagation():
    whole, pieces = tagger(), tagger()
    whole.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    pieces.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0, tbptt=10)
    for a, b in zip(whole.get_weights(), pieces.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("weights", [None, RNG.uniform(0.5, 2, 6), RNG.uniform(0, 1, (6, 10))])
def test_pieces_are_those_of_a_stateful_model(weights):
    by_hand, model = tagger(stateful=True), tagger()
    for _ in range(2):
        for rows in (slice(0, 4), slice(4, 6)):
            for steps in (slice(0, 4), slice(4, 8), slice(8, 10)):
                w = None if weights is None else weights[rows] if weights.ndim == 1 else weights[rows, steps]
                by_hand.train_on_batch(X[rows, steps], Y[rows, steps], sample_weight=w)
            by_hand.reset_states()
    model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0, sample_weight=weights, tbptt=4)
    assert model.optimizer.iterations == 12
    for a, b in zip(by_hand.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_carried_out_of_training():
    model = tagger()
    model.fit(X, Y, verbose=0, tbptt=3, validation_data=(X, Y))
    np.testing.assert_array_equal(model(X), model(X))
    assert_close(model.predict(X), model(X), 1e-12, "predict")
    assert model.history.history["val_loss"][0] == pytest.approx(model.evaluate(X, Y, verbose=0))


def test_a_stateful_model_goes_on_from_batch_to_batch():
    model, other = tagger(stateful=True), tagger(stateful=True)
    model.fit(X, Y, verbose=0, shuffle=False, tbptt=5)
    for start in (0, 5):
        other.train_on_batch(X[:, start : start + 5], Y[:, start : start + 5])
    np.testing.assert_array_equal(model(X), other(X))


def test_a_callback_that_raises_leaves_no_states():
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    class Weight(layers.Dense):
        def backward(self, dy, cache, *, need_dx=True):
            raise KeyboardInterrupt

    model = tagger()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0, tbptt=4, callbacks=[Stop()])
    np.testing.assert_array_equal(model(X), model(X))
    model.add(Weight(2, dtype="float64"))
    model.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0, tbptt=4)
    np.testing.assert_array_equal(model(X), model(X))


@pytest.mark.parametrize(
    ("stack", "y", "message"),
    [
        ([layers.GRU(2)], Y[:, 0], r"every output must have the 10 time steps .*has shape \(6, 2\)"),
        ([layers.GRU(2), layers.RepeatVector(4)], Y[:, :4], r"has shape \(6, 4, 2\)"),
        ([layers.Bidirectional(layers.GRU(1, return_sequences=True))], Y, "'backward_gru.*go_backwards=True"),
        ([layers.GRU(2, return_sequences=True, go_backwards=True)], Y, "go_backwards=True the first steps come last"),
        ([layers.Flatten(), layers.RepeatVector(10), layers.Dense(2)], Y, r"piece of 5 .*'dense.*\(6, 10, 2\)"),
        ([layers.Reshape((10, -1)), layers.Dense(2)], Y, "piece of 5 time steps: layer 'reshape"),
    ],
)
def test_models_that_cannot_be_trained_in_pieces(stack, y, message):
    model = rnnfast.Sequential(stack)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=f"fit: .*{message}"):
        model.fit(X, y, verbose=0, tbptt=5)


@pytest.mark.parametrize("tbptt", [0, -1, 2.5, "x", True])
def test_lengths_that_are_none(tbptt):
    with pytest.raises(ValueError, match="fit: tbptt must be a positive integer"):
        tagger().fit(X, Y, verbose=0, tbptt=tbptt)


def test_inputs_of_different_lengths():
    model = TwoHeads()
    model.compile("sgd", {"right": "mse"})
    with pytest.raises(ValueError, match=r"fit: tbptt: every input must have 5 steps on axis 1, 'b' has shape"):
        model.fit([X[:, :5], X[:, :4, :2]], [None, Y[:, :4, :1]], verbose=0, tbptt=2)
