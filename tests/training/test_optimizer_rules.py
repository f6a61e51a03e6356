"""Optimizers: update rules against their formulas."""

import numpy as np
import pytest
from numeric import assert_close
from three_variables import gradients, variables

from rnnfast import optimizers
from rnnfast.variable import Variable


def sgd(w, g, s, t, lr=0.1, momentum=0.9, nesterov=False):
    s["m"] = momentum * s.get("m", 0) - lr * g
    return w + (momentum * s["m"] - lr * g if nesterov else s["m"])


def rmsprop(w, g, s, t, lr=0.01, rho=0.9, momentum=0.5, epsilon=1e-7, centered=True):
    s["v"] = rho * s.get("v", 0) + (1 - rho) * g * g
    s["a"] = rho * s.get("a", 0) + (1 - rho) * g
    step = lr * g / np.sqrt(s["v"] - (s["a"] ** 2 if centered else 0) + epsilon)
    s["m"] = momentum * s.get("m", 0) + step
    return w - s["m"]


def ftrl(w, g, s, t, lr=0.1, l1=0.05, l2=0.1, shrinkage=0.2, beta=0.3):
    old = s.get("n", 0.1)
    s["n"] = old + g * g
    s["z"] = s.get("z", 0) + g + 2 * shrinkage * w - (np.sqrt(s["n"]) - np.sqrt(old)) / lr * w
    return -np.sign(s["z"]) * np.maximum(np.abs(s["z"]) - l1, 0) / ((beta + np.sqrt(s["n"])) / lr + 2 * l2)


def lamb(w, g, s, t, lr=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    s["m"] = beta_1 * s.get("m", 0) + (1 - beta_1) * g
    s["v"] = beta_2 * s.get("v", 0) + (1 - beta_2) * g * g
    u = s["m"] / (1 - beta_1**t) / (np.sqrt(s["v"] / (1 - beta_2**t)) + epsilon)
    return w - lr * np.sqrt((w * w).sum() / (u * u).sum()) * u


def adam(w, g, s, t, lr=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    s["m"] = beta_1 * s.get("m", 0) + (1 - beta_1) * g
    s["v"] = beta_2 * s.get("v", 0) + (1 - beta_2) * g * g
    return w - lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * s["m"] / (np.sqrt(s["v"]) + epsilon)


def adafactor(w, g, s, t, lr=0.6):  # from the third step on above the bound of t^-0.5
    share, squares = t**-0.8, g * g + 1e-30
    if w.ndim == 2:
        for name, axis in (("r", 1), ("c", 0)):
            s[name] = (1 - share) * s.get(name, 0) + share * squares.mean(axis=axis)
        s["v"] = np.outer(s["r"], s["c"]) / s["r"].mean()
    else:
        s["v"] = (1 - share) * s.get("v", 0) + share * squares
    u = g / np.sqrt(s["v"])
    size = max(1e-3, np.sqrt((w * w).mean())) * min(lr, t**-0.5)
    return w - size * u / max(1, np.sqrt((u * u).mean()))


def muon(w, g, s, t, lr=0.1):
    """With as many iterations as it takes, and numbers that bring singular values to 1: U V' of U S V'."""
    if w.ndim != 2:
        return adam(w, g, s, t, lr=lr)
    s["m"] = 0.95 * s.get("m", 0) + g
    u, _, v = np.linalg.svd(g + 0.95 * s["m"], full_matrices=False)
    return w - lr * 0.2 * np.sqrt(max(w.shape)) * u @ v


EXACT = {"muon_a": 15 / 8, "muon_b": -10 / 8, "muon_c": 3 / 8, "ns_steps": 40, "weight_decay": None}

RULES = [
    (lambda: optimizers.SGD(0.1), lambda *a: sgd(*a, momentum=0.0)),
    (lambda: optimizers.SGD(0.1, momentum=0.9), sgd),
    (lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True), lambda *a: sgd(*a, nesterov=True)),
    (lambda: optimizers.RMSprop(0.01), lambda *a: rmsprop(*a, momentum=0.0, centered=False)),
    (lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True), rmsprop),
    (lambda: optimizers.Adam(0.01), adam),
    (lambda: optimizers.Ftrl(0.1, -0.5, 0.1, 0.05, 0.1, 0.2, 0.3), ftrl),
    (lambda: optimizers.Lamb(0.1), lamb),
    (lambda: optimizers.Adafactor(0.6), adafactor),
    (lambda: optimizers.Muon(0.1, adam_weight_decay=None, **EXACT), muon),
]


@pytest.mark.parametrize(("make", "rule"), RULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rules(make, rule, dtype):
    optimizer, weights = make(), variables(dtype)
    expected, slots = [v.numpy().astype("float64") for v in weights], [{} for _ in weights]
    for step in range(4):
        for i, (variable, gradient) in enumerate(zip(weights, gradients(step), strict=True)):
            variable.grad = gradient.astype(dtype)
            expected[i] = rule(expected[i], gradient.astype(dtype).astype("float64"), slots[i], step + 1)
        optimizer.apply(weights)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for variable, value in zip(weights, expected, strict=True):
        assert_close(variable.numpy(), value, tolerance, f"{optimizer.name} {variable.name}")
        assert variable.version == 4
    assert optimizer.iterations == 4


def test_muon_leaves_vectors_embeddings_and_what_is_excluded_to_adam():
    def by_adam(path, shape=(3, 2), **options):
        return optimizers.Muon(**options).by_adam(Variable(np.ones(shape), name="v", path=path))

    assert not by_adam("lstm/kernel") and by_adam("lstm/bias", (4,)) and by_adam("conv1d/kernel", (2, 3, 4))
    assert by_adam("MyEmbedding/table") and not by_adam("MyEmbedding/table", exclude_embeddings=False)
    assert by_adam("lstm_2/kernel", exclude_layers=["dense", "lstm_[0-9]"]) and not by_adam(
        "lstm_x", exclude_layers=["lstm_[0-9]"]
    )


def test_lamb_stays_where_nothing_pulls():
    weights = variables()
    before = [v.numpy().copy() for v in weights]
    for variable in weights:
        variable.grad = np.zeros(variable.shape)
    optimizers.Lamb(0.1).apply(weights)
    for variable, old in zip(weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)
