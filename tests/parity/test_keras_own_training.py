"""Losses, metrics and optimizers of the user's own beside real Keras, which derives by itself: a few steps of fit."""

import numpy as np
import pytest
from own_losses import Pinball, one_number, per_element, per_sample
from own_metrics import largest_error, per_row, root_of_mean, two_numbers
from own_optimizers import momentum_and_scale

import rnnfast

RNG = np.random.default_rng(51)
X = RNG.normal(size=(8, 5, 4)).astype(np.float32)
PADDED = X.copy()
PADDED[1, 3:] = PADDED[2, :2] = PADDED[5, 1:] = 0
Y, LABELS = RNG.normal(size=(8, 5, 3)).astype(np.float32), RNG.integers(0, 2, 8)
WEIGHTS = RNG.uniform(0.5, 2, 8).astype(np.float32)


def of_keras(n):
    """The losses of `own_losses` in Keras' operations."""
    mean, square = n.ops.mean, n.ops.square

    class KerasPinball(n.losses.Loss):
        def call(self, y_true, y_pred):
            d = y_true - y_pred
            return mean(n.ops.maximum(0.3 * d, -0.7 * d), axis=-1)

    return {
        "per_sample": lambda t, p: mean(square(square(p - t)), axis=-1),
        "per_element": lambda t, p: n.ops.log(n.ops.cosh(p - t)),
        "one_number": lambda t, p: n.ops.sqrt(mean(square(p - t))),
        "Pinball": KerasPinball(),
    }


OURS = {"per_sample": per_sample, "per_element": per_element, "one_number": one_number, "Pinball": Pinball(0.3)}


def sequences(n, masked):
    first = [n.layers.Masking()] if masked else []
    last = n.layers.Dense(3)
    return n.Sequential([n.layers.Input((5, 4)), *first, n.layers.GRU(6, return_sequences=True), last])


def last_steps(n):
    return n.Sequential([n.layers.Input((5, 4)), n.layers.LSTM(6), n.layers.Dense(1)])


def fitted(keras, peer, fast, name, x, y, **options):
    """Loss by loss over some epochs of some batches."""
    histories = []
    for n, model, loss in ((keras, peer, of_keras(keras)[name]), (rnnfast, fast, OURS[name])):
        model.compile(n.optimizers.SGD(0.1), loss)
        kwargs = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0, **options}
        history = model.fit(x, y, **kwargs).history["loss"]
        histories.append([*history, model.evaluate(x, y, verbose=0)])
    return histories


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", OURS)
def test_fit(keras, twins, same_gradient, name, masked, weighted):
    if name in ("per_element", "one_number") and (masked or weighted):
        pytest.skip("Keras does not lay weights of steps out over such values")
    peer, fast = twins(lambda n: sequences(n, masked))
    options = {"sample_weight": np.outer(WEIGHTS, WEIGHTS[:5])} if weighted else {}
    expected, actual = fitted(keras, peer, fast, name, PADDED if masked else X, Y, **options)
    same_gradient(actual, expected, "losses")
    for ours, theirs in zip(fast.get_weights(), peer.get_weights(), strict=True):
        same_gradient(ours, theirs, "weights")


@pytest.mark.parametrize("name", ["per_sample", "per_element", "one_number"])
def test_labels_of_one_axis_and_class_weights(keras, twins, same_gradient, name):
    peer, fast = twins(last_steps)
    options = {"class_weight": {0: 0.5, 1: 2.0}} if name == "per_sample" else {}
    expected, actual = fitted(keras, peer, fast, name, X, LABELS, **options)
    same_gradient(actual, expected, "losses")
    for ours, theirs in zip(fast.get_weights(), peer.get_weights(), strict=True):
        same_gradient(ours, theirs, "weights")


METRICS = {
    "function": lambda n, ops: largest_error(ops),
    "one_number": lambda n, ops: root_of_mean(ops),
    "lambda": lambda n, ops: lambda t, p: abs(t - p),
    "variables": per_row,
    "dictionary": two_numbers,
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", METRICS)
def test_metrics(keras, twins, same_gradient, name, masked, weighted):
    if name == "one_number" and (masked or weighted):
        pytest.skip("Keras does not lay weights of steps out over one number")
    if masked and weighted:
        pytest.skip("Keras' loss writes to the weights that its metrics then see")
    peer, fast = twins(lambda n: sequences(n, masked))
    options = {"sample_weight": np.outer(WEIGHTS, WEIGHTS[:5])} if weighted else {}
    logs = []
    for n, ops, model in ((keras, keras.ops, peer), (rnnfast, np, fast)):
        metrics = {"weighted_metrics" if weighted else "metrics": [METRICS[name](n, ops)]}
        model.compile(n.optimizers.SGD(0.1), "mse", **metrics)
        kwargs = {"batch_size": 4, "verbose": 0, **options}
        history = model.fit(PADDED if masked else X, Y, epochs=2, shuffle=False, **kwargs).history
        measured = model.evaluate(PADDED if masked else X, Y, return_dict=True, **kwargs)
        logs.append({key: [*history[key], measured[key]] for key in sorted(history)})
    assert list(logs[0]) == list(logs[1]) and len(logs[0]) > 1
    for key, expected in logs[0].items():
        same_gradient(logs[1][key], np.array(expected, float), key)


@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1, "clipnorm": 0.5, "use_ema": True}], ids=str)
def test_optimizers(keras, twins, same_gradient, options):
    peer, fast = twins(lambda n: sequences(n, False))
    losses = []
    for n, ops, model in ((keras, keras.ops, peer), (rnnfast, np, fast)):
        model.compile(momentum_and_scale(n, ops)(0.05, **options), "mse")
        losses.append(model.fit(X, Y, epochs=3, batch_size=4, shuffle=False, verbose=0).history["loss"])
    same_gradient(losses[1], losses[0], "losses")
    for ours, theirs in zip(fast.get_weights(), peer.get_weights(), strict=True):
        same_gradient(ours, theirs, "weights")
