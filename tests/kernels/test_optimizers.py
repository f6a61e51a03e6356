"""Optimizer updates against Keras' formulas in NumPy, over several steps."""

import numpy as np
import pytest
from numeric import assert_close
from rnn_cases import normal

from rnnfast import _kernels

SIZES = (0, 1, 7, 16, 33, 1000, 40_003)
STEPS = 5
TOLERANCE = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 1e-13}


def check(names, update, formula, dtype, rng):
    """Run ``update`` in ``dtype`` and ``formula`` in float64 on the same slots (zeros at first) and gradients."""
    for size in SIZES:
        slots = {name: np.zeros(size, dtype) for name in names}
        slots["param"] = normal(rng, size, dtype)
        exact = {name: slot.astype(np.float64) for name, slot in slots.items()}
        for step in range(1, STEPS + 1):
            grad = normal(rng, size, dtype)
            kept = grad.copy()
            update(slots, grad, step)
            np.testing.assert_array_equal(grad, kept)
            formula(exact, grad.astype(np.float64), step)
        for name, slot in slots.items():
            assert_close(slot, exact[name], TOLERANCE[dtype], f"{name} of size {size}")


def test_adam(dtype, rng):
    learning_rate, beta_1, beta_2, epsilon = 0.01, 0.9, 0.999, 1e-7

    def update(s, grad, step):
        _kernels.adam_update(s["param"], grad, s["m"], s["v"], learning_rate, beta_1, beta_2, epsilon, step)

    def formula(s, grad, step):
        s["m"] += (1 - beta_1) * (grad - s["m"])
        s["v"] += (1 - beta_2) * (grad**2 - s["v"])
        rate = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        s["param"] -= rate * s["m"] / (np.sqrt(s["v"]) + epsilon)

    check(("m", "v"), update, formula, dtype, rng)


@pytest.mark.parametrize("momentum", [0.0, 0.8])
@pytest.mark.parametrize("centered", [False, True])
def test_rmsprop(momentum, centered, dtype, rng):
    learning_rate, rho, epsilon = 0.01, 0.9, 1e-7
    slots = ["velocity"] + ["momentum"] * (momentum > 0) + ["average"] * centered

    def update(s, grad, step):
        _kernels.rmsprop_update(
            s["param"], grad, s["velocity"], s.get("momentum"), s.get("average"), learning_rate, rho, momentum, epsilon
        )

    def formula(s, grad, step):
        s["velocity"] += (1 - rho) * (grad**2 - s["velocity"])
        variance = s["velocity"]
        if centered:
            s["average"] += (1 - rho) * (grad - s["average"])
            variance = variance - s["average"] ** 2
        increment = learning_rate * grad / np.sqrt(variance + epsilon)
        if momentum > 0:
            s["momentum"] *= momentum
            s["momentum"] += increment
            increment = s["momentum"]
        s["param"] -= increment

    check(slots, update, formula, dtype, rng)


@pytest.mark.parametrize("momentum, nesterov", [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd(momentum, nesterov, dtype, rng):
    learning_rate = 0.05

    def update(s, grad, step):
        _kernels.sgd_update(s["param"], grad, s.get("momentum"), learning_rate, momentum, nesterov)

    def formula(s, grad, step):
        if momentum == 0:
            s["param"] -= learning_rate * grad
            return
        s["momentum"] *= momentum
        s["momentum"] -= learning_rate * grad
        s["param"] += momentum * s["momentum"] - learning_rate * grad if nesterov else s["momentum"]

    check(["momentum"] if momentum else [], update, formula, dtype, rng)


@pytest.mark.parametrize("rule", ["adam", "rmsprop", "sgd"])
def test_before_receives_what_the_parameters_were(rule, dtype, rng):
    update = {
        "adam": lambda p, g, s, **k: _kernels.adam_update(p, g, s[0], s[1], 0.1, 0.9, 0.99, 1e-7, 1, **k),
        "rmsprop": lambda p, g, s, **k: _kernels.rmsprop_update(p, g, *s, 0.1, 0.9, 0.5, 1e-7, **k),
        "sgd": lambda p, g, s, **k: _kernels.sgd_update(p, g, s[0], 0.1, 0.9, True, **k),
    }[rule]
    for size in SIZES:
        old, grad = normal(rng, size, dtype), normal(rng, size, dtype)
        slots = [np.zeros(size, dtype) for _ in range(3)]
        plain, kept, before = old.copy(), old.copy(), np.full(size, 7, dtype)
        update(plain, grad, [s.copy() for s in slots])
        update(kept, grad, slots, before=before)
        np.testing.assert_array_equal(before, old)
        np.testing.assert_array_equal(kept, plain)
        assert size == 0 or not np.array_equal(kept, old)


def test_all_finite(dtype, rng):
    for size in SIZES:
        x = normal(rng, size, dtype)
        assert _kernels.all_finite(x)
        for place in {0, size // 2, size - 1} if size else ():
            for bad in (np.nan, np.inf, -np.inf):
                y = x.copy()
                y[place] = bad
                assert not _kernels.all_finite(y), (size, place, bad)
    largest = np.full((3, 40), np.finfo(dtype).max, dtype)
    assert _kernels.all_finite(largest) and _kernels.all_finite(largest.T[::2])
    with pytest.raises(TypeError):
        _kernels.all_finite(np.zeros(3, int))


def test_errors(dtype):
    def arrays(count, size=4):
        return [np.zeros(size, dtype) for _ in range(count)]

    numbers = (0.1, 0.9, 0.99, 1e-7, 1)
    param, grad, m, v = arrays(4)
    readonly = np.zeros(4, dtype)
    readonly.flags.writeable = False
    other = np.zeros(4, np.float32 if dtype == np.float64 else np.float64)
    for bad in (
        (param, grad[:3], m, v),
        (param, grad, m[:3], v),
        (param, grad, m, None),
        (param, grad, None, v),
        (param, other, m, v),
        (param, grad, m, other),
        (readonly, grad, m, v),
        (param, grad, readonly, v),
        (np.zeros(8, dtype)[::2], grad, m, v),
        (param.astype(int), grad.astype(int), m.astype(int), v.astype(int)),
    ):
        with pytest.raises((ValueError, TypeError)):
            _kernels.adam_update(*bad, *numbers)
    with pytest.raises((ValueError, TypeError)):
        _kernels.rmsprop_update(param, grad, None, None, None, 0.1, 0.9, 0.0, 1e-7)
    with pytest.raises((ValueError, TypeError)):  # momentum needs its slot
        _kernels.rmsprop_update(param, grad, v, None, None, 0.1, 0.9, 0.5, 1e-7)
    with pytest.raises((ValueError, TypeError)):
        _kernels.sgd_update(param, grad[:3], None, 0.1, 0.0, False)
    for before in (m[:3], readonly, other):
        with pytest.raises((ValueError, TypeError)):
            _kernels.sgd_update(param, grad, None, 0.1, 0.0, False, before=before)
