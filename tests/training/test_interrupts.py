"""Ctrl-C and errors during fit: nothing is left half done, and what was done is kept."""

import signal

import numpy as np
import pytest

import rnnfast
from rnnfast import layers
from rnnfast.callbacks import Callback
from rnnfast.models.interrupts import Uninterrupted
from rnnfast.optimizers import SGD

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(12, 4, 3)), RNG.normal(size=(12, 1))


class Interrupted(SGD):
    """Ctrl-C in the middle of the third update."""

    def update_all(self, *arguments):
        if self.iterations == 2:
            signal.raise_signal(signal.SIGINT)
        super().update_all(*arguments)


def compiled(optimizer):
    rnnfast.utils.set_random_seed(2)
    model = rnnfast.Sequential([layers.Input((4, 3)), layers.LSTM(3), layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def test_an_update_is_made_in_full():
    model, expected = compiled(Interrupted(0.1)), compiled(SGD(0.1))
    for _ in range(3):
        expected.train_on_batch(X[:6], Y[:6])
    calls = []

    class Record(Callback):
        def on_epoch_end(self, epoch, logs=None):
            calls.append(epoch)

        def on_train_end(self, logs=None):
            calls.append("end")

    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:6], Y[:6], epochs=9, shuffle=False, verbose=0, callbacks=[Record()])
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert calls == [0, 1] and model.history.epoch == [0, 1] and len(model.history.history["loss"]) == 2
    model.fit(X, Y, epochs=2, initial_epoch=1, verbose=0)  # and it goes on
    assert model.history.epoch == [1]


def test_a_handler_of_the_programs_own_is_called_afterwards():
    order = []
    before = signal.signal(signal.SIGINT, lambda *_: order.append("handler"))
    try:
        mine = signal.getsignal(signal.SIGINT)
        with Uninterrupted():
            signal.raise_signal(signal.SIGINT)
            order.append("block")
        assert order == ["block", "handler"] and signal.getsignal(signal.SIGINT) is mine
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with Uninterrupted():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_error_in_a_generator_keeps_what_was_learned():
    def batches():
        yield X[:4], Y[:4]
        raise OSError("the disk is gone")

    model, expected = compiled(SGD(0.1)), compiled(SGD(0.1))
    expected.train_on_batch(X[:4], Y[:4])
    with pytest.raises(OSError, match="the disk is gone"):
        model.fit(batches(), verbose=0)
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
