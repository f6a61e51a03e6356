"""What a loss that is not finite leaves behind: the weights before the update that is to blame, or as they were."""

import copy
import pickle

import numpy as np
import pytest

import rnnfast
from rnnfast.layers import LSTM, Dense, Input
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
