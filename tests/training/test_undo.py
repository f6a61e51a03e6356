"""What a loss that is not finite leaves behind: the weights before the update that is to blame, or as they were."""

import copy
import pickle

import numpy as np
import pytest

import rnnfast
from rnnfast.layers import (
    GRU,
    LSTM,
    RNN,
    BatchNormalization,
    Bidirectional,
    Dense,
    GRUCell,
    Input,
    LSTMCell,
    TimeDistributed,
)
from rnnfast.losses import MeanSquaredError
from rnnfast.optimizers import NonFiniteError, Optimizer

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(8, 4, 3)).astype("f4"), RNG.normal(size=(8, 1)).astype("f4")
TOO_LARGE = np.full((8, 1), 1e30, "f4")


class Plain(Optimizer):
    """A user's own rule."""

    def update(self, parameters, gradients, **slots):
        parameters -= self.learning_rate * gradients


def trained(optimizer="adam"):
    model = rnnfast.Sequential([Input((4, 3)), LSTM(5), Dense(1)])
    model.compile(optimizer, "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    return model


def explode(model):
    with pytest.raises(NonFiniteError) as error:
        model.train_on_batch(X, TOO_LARGE)
    return str(error.value)


def saved(model, folder):
    model.save(folder / "model.keras")
    return rnnfast.load_model(folder / "model.keras")


@pytest.mark.parametrize(
    "copied",
    [saved, lambda model, _: pickle.loads(pickle.dumps(model)), lambda model, _: copy.deepcopy(model)],
    ids=["saved", "pickled", "copied"],
)
def test_another_process_has_nothing_to_undo(copied, tmp_path):
    model = copied(trained(), tmp_path)
    before = model.get_weights()
    assert "unchanged" in explode(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_weights_set_since_are_kept():
    model = trained()
    chosen = [np.full_like(w, 0.25) for w in model.get_weights()]
    model.set_weights(chosen)
    assert "unchanged" in explode(model)
    for old, new in zip(chosen, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", Plain(0.01)], ids=["sgd", "rmsprop", "adam", "own"])
def test_the_last_update_is_undone(optimizer):
    model = trained(optimizer)
    before = model.get_weights()
    model.train_on_batch(X, Y)
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert "has been undone" in explode(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


class Steep(MeanSquaredError):
    """Its derivative is not finite at a label of 1000, where its value is."""

    def gradient(self, y_true, y_pred):
        return np.where(y_true == 1000, np.inf, super().gradient(y_true, y_pred))


def with_memory():
    model = rnnfast.Sequential(
        [
            Input(batch_shape=(8, 4, 3)),
            TimeDistributed(BatchNormalization()),
            GRU(3, return_sequences=True, stateful=True),
            Bidirectional(LSTM(2, return_sequences=True, stateful=True)),
            RNN([LSTMCell(2), GRUCell(2)], stateful=True),
            BatchNormalization(),
            Dense(1),
        ]
    )
    model.compile(Plain(0.0), Steep())
    return model


@pytest.mark.parametrize("steps", [0, 2], ids=["fresh", "used"])
@pytest.mark.parametrize(
    ("x", "y"),
    [(X * np.nan, Y), (X, Y * np.nan), (X, TOO_LARGE), (X, np.full((8, 1), 1000, "f4"))],
    ids=["x", "y", "loss", "gradient"],
)
def test_states_and_moving_averages_are_those_of_before_the_refused_batch(x, y, steps):
    model, other = with_memory(), with_memory()
    other.set_weights(model.get_weights())
    for one in (model, other):
        for _ in range(steps):
            one.train_on_batch(X, Y)
    with pytest.raises(NonFiniteError), np.errstate(all="ignore"):
        model.fit(x, y, batch_size=8, verbose=0)
    for old, new in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    np.testing.assert_array_equal(model(X), other(X))


def test_a_piece_that_is_refused_leaves_the_states_of_the_one_before():
    def stateful():
        rnnfast.utils.set_random_seed(1)
        model = rnnfast.Sequential([Input(batch_shape=(8, None, 3)), GRU(2, return_sequences=True, stateful=True)])
        model.compile("sgd", "mse")
        return model

    model, other = stateful(), stateful()
    y = X[..., :2]
    broken = np.where(np.arange(4)[:, None] < 2, X, np.nan)
    with pytest.raises(NonFiniteError):
        model.fit(broken, y, batch_size=8, shuffle=False, verbose=0, tbptt=2)
    other.train_on_batch(X[:, :2], y[:, :2])
    np.testing.assert_array_equal(model.layers[-1].states[0], other.layers[-1].states[0])
