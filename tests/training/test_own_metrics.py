"""Metrics of the user's own that are written wrongly: what is wrong is said, and training is as without them."""

import numpy as np
import pytest

import rnnfast
from rnnfast import layers, metrics

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 5, 3)).astype(np.float32), RNG.normal(size=(8, 2)).astype(np.float32)


def fit(*measured):
    rnnfast.utils.set_random_seed(0)
    model = rnnfast.Sequential([layers.Input((5, 3)), layers.GRU(4), layers.Dense(2, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=list(measured))
    return model.fit(X, Y, epochs=3, verbose=0).history


def giving(result):
    class Given(metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            pass

        def result(self):
            return result

    return Given(name="given")


class WithoutSuper(metrics.Metric):
    def __init__(self):
        self.name = "without"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.MeanMetricWrapper(lambda a, b: None, name="f"), "metric 'f': what it gives must be numeric"),
        (lambda: metrics.MeanMetricWrapper(lambda a, b: a * 1j, name="f"), "metric 'f': what it gives must be numeric"),
        (lambda: giving(None), "metric 'given': its result must be numeric, got None"),
        (lambda: giving("1"), "metric 'given': its result must be numeric, got '1'"),
        (lambda: giving({"one": 1.0, "two": None}), "metric 'given': its result must be numeric, got None"),
        (WithoutSuper, r"WithoutSuper: __init__ must call super\(\).__init__\(\)"),
        (lambda: giving(0.0).add_weight("total"), "metric 'given': a variable's shape must be integers, got 'total'"),
        (lambda: giving(0.0).add_weight((2, None)), r"a variable's shape must be integers, got \(2, None\)"),
    ],
)
def test_errors(make, message):
    with pytest.raises(TypeError, match=message):
        fit(make())


def test_names_that_are_numbers():
    assert fit(giving({1: 2.0}))["1"] == [2.0] * 3


def test_what_training_needs_cannot_be_written_to():
    class Spoiling(metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            y_pred *= 0

    for spoiling in (lambda y_true, y_pred: np.multiply(y_pred, 0, out=y_pred), Spoiling()):
        with pytest.raises(ValueError, match="read-only"):
            fit(spoiling)
