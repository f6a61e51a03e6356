"""Callbacks that decide by the logs, beside Keras': both are told the same numbers."""

import numpy as np
import pytest

import rnnfast

EPOCHS = 40


class Optimizer:
    learning_rate = 0.1


class Model:
    """What callbacks want of a model."""

    def __init__(self):
        self.optimizer, self.stop_training, self.metrics, self.restored = Optimizer(), False, [], None
        self.epoch = 0

    def get_weights(self):
        return [np.array(self.epoch)]

    def set_weights(self, weights):
        self.restored = int(weights[0])


def play(callback, numbers):
    """What the callback makes of a model in a run with these values of val_loss."""
    model, rates = Model(), []
    callback.set_model(model)
    callback.on_train_begin()
    for model.epoch, number in enumerate(numbers):
        callback.on_epoch_begin(model.epoch)
        callback.on_epoch_end(model.epoch, {"val_loss": float(number)})
        rates.append(round(float(model.optimizer.learning_rate), 12))
        if model.stop_training:
            break
    callback.on_train_end()
    return model.epoch, model.restored, rates


CASES = [
    *[("EarlyStopping", {"restore_best_weights": True, **o}) for o in (
        {}, {"patience": 3}, {"patience": 2, "min_delta": 0.1}, {"patience": 4, "baseline": 0.9},
        {"patience": 2, "start_from_epoch": 5}, {"patience": 3, "mode": "max"}, {"patience": 1, "baseline": -9.0},
    )],
    *[("ReduceLROnPlateau", o) for o in (
        {}, {"patience": 2}, {"patience": 1, "cooldown": 3, "factor": 0.5}, {"patience": 2, "min_lr": 0.02},
        {"patience": 2, "min_delta": 0.3, "mode": "max"}, {"patience": 0, "factor": 0.9},
    )],
    ("LearningRateScheduler", {"schedule": lambda epoch, rate: rate * 0.9 if epoch % 3 else rate}),
    ("LearningRateScheduler", {"schedule": lambda epoch: 0.1 / (1 + epoch)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CASES)])
def test_decisions(keras, name, options):
    for seed in range(8):
        numbers = np.random.default_rng(seed).normal(size=EPOCHS).cumsum() * 0.1 + 1
        played = [play(getattr(n.callbacks, name)(**options), numbers) for n in (keras, rnnfast)]
        assert played[1] == played[0]


def test_arguments(keras):
    """Every argument of Keras' callbacks is one here, with the same default."""
    import inspect

    for name in rnnfast.callbacks.__all__:
        if name in ("CallbackList", "Logs", "MonitorCallback", "ProgressBar", "ProgbarLogger"):
            continue
        theirs, ours = (inspect.signature(getattr(n.callbacks, name)).parameters for n in (keras, rnnfast))
        for argument, parameter in theirs.items():
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                assert ours[argument].default == parameter.default, (name, argument)
        assert [a for a in ours if a in theirs and a != "kwargs"] == [a for a in theirs if a != "kwargs"], name
