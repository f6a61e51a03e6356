"""Training from the same start: losses and weights follow Keras' for every optimizer, rule and way of clipping."""

import numpy as np
import pytest

import rnnfast

SAMPLES, TIME, FEATURES, CLASSES = 24, 5, 3, 4

OPTIMIZERS = {
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "momentum": ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    "nesterov": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.005}),
    "rmsprop_momentum": ("RMSprop", {"learning_rate": 0.002, "rho": 0.8, "momentum": 0.7}),
    "rmsprop_centered": ("RMSprop", {"learning_rate": 0.002, "centered": True, "epsilon": 1e-4}),
    "adam": ("Adam", {"learning_rate": 0.01}),
    "adam_betas": ("Adam", {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
}
CLIPPING = {"none": {}, "clipnorm": {"clipnorm": 0.05}, "clipvalue": {"clipvalue": 0.01},
            "global_clipnorm": {"global_clipnorm": 0.1}}  # fmt: skip


def build(n):
    return n.Sequential(
        [
            n.layers.Input((TIME, FEATURES)),
            n.layers.LSTM(6, return_sequences=True),
            n.layers.GRU(5),
            n.layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def follow(keras, twins, same_output, make_optimizer, epochs=3):
    """Train both on the same batches in the same order; compare the loss of every epoch and the final weights."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(SAMPLES, TIME, FEATURES)).astype(np.float32)
    y = rng.integers(0, CLASSES, SAMPLES)
    peer, fast = twins(build)
    start = [np.array(w) for w in fast.get_weights()]
    losses = []
    for namespace, model in ((keras, peer), (rnnfast, fast)):
        model.compile(make_optimizer(namespace), "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0).history
        losses.append(history["loss"])
    same_output(losses[1], losses[0], "losses")
    for i, (actual, expected, before) in enumerate(zip(fast.get_weights(), peer.get_weights(), start, strict=True)):
        # How far a weight has come, not where it is: a wrong rule must not hide behind a large start.
        way, error = np.abs(expected - before).max(), np.abs(actual - expected).max()
        assert error <= 1e-3 * way, f"weight {i}: off by {error:.2e} after a way of {way:.2e}"


@pytest.mark.parametrize("clipping", CLIPPING)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training(keras, twins, same_output, name, clipping):
    class_name, options = OPTIMIZERS[name]
    follow(
        keras, twins, same_output,
        lambda n: getattr(n.optimizers, class_name)(**options, **CLIPPING[clipping]),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
def test_defaults_by_name(keras, twins, same_output, name):
    follow(keras, twins, same_output, lambda n: name)
