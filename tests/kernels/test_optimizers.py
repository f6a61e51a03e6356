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


def adam(s, g, t, lr, beta_1, beta_2, epsilon):
    s["m"] += (1 - beta_1) * (g - s["m"])
    s["v"] += (1 - beta_2) * (g**2 - s["v"])
    v = s["v"]
    if "v_hat" in s:
        v = s["v_hat"][...] = np.maximum(s["v_hat"], v)
    s["param"] -= lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * s["m"] / (np.sqrt(v) + epsilon)


def nadam(s, g, t, lr, beta_1, beta_2, epsilon, slot_share, grad_share):
    s["m"] += (1 - beta_1) * (g - s["m"])
    s["v"] += (1 - beta_2) * (g**2 - s["v"])
    step = slot_share * s["m"] + grad_share * g
    s["param"] -= lr * step / (np.sqrt(s["v"] / (1 - beta_2**t)) + epsilon)


def adamax(s, g, t, lr, beta_1, beta_2, epsilon):
    s["m"] += (1 - beta_1) * (g - s["m"])
    s["u"][...] = np.maximum(beta_2 * s["u"], np.abs(g))
    s["param"] -= lr * s["m"] / ((1 - beta_1**t) * (s["u"] + epsilon))


def rmsprop(s, g, t, lr, rho, momentum, epsilon):
    s["v"] += (1 - rho) * (g**2 - s["v"])
    variance = s["v"]
    if "average" in s:
        s["average"] += (1 - rho) * (g - s["average"])
        variance = variance - s["average"] ** 2
    increment = lr * g / np.sqrt(variance + epsilon)
    if "momentum" in s:
        s["momentum"] *= momentum
        s["momentum"] += increment
        increment = s["momentum"]
    s["param"] -= increment


def sgd(s, g, t, lr, momentum, nesterov):
    if "momentum" not in s:
        s["param"] -= lr * g
        return
    s["momentum"] *= momentum
    s["momentum"] -= lr * g
    s["param"] += momentum * s["momentum"] - lr * g if nesterov else s["momentum"]


def adagrad(s, g, t, lr, epsilon):
    s["a"] += g**2
    s["param"] -= lr * g / np.sqrt(s["a"] + epsilon)


def adadelta(s, g, t, lr, rho, epsilon):
    s["a"] += (1 - rho) * (g**2 - s["a"])
    change = np.sqrt(s["b"] + epsilon) * g / np.sqrt(s["a"] + epsilon)
    s["b"] += (1 - rho) * (change**2 - s["b"])
    s["param"] -= lr * change


def lion(s, g, t, lr, beta_1, beta_2):
    s["param"] -= lr * np.sign(beta_1 * s["m"] + (1 - beta_1) * g)
    s["m"] += (1 - beta_2) * (g - s["m"])


MOMENTS = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-7}
RMS = {"rho": 0.9, "momentum": 0.8, "epsilon": 1e-3}
# formula, the core's slots in its order (None: not wanted), numbers
CASES = {
    "sgd": (sgd, [None], {"momentum": 0.0, "nesterov": False}),
    "sgd_momentum": (sgd, ["momentum"], {"momentum": 0.9, "nesterov": False}),
    "sgd_nesterov": (sgd, ["momentum"], {"momentum": 0.9, "nesterov": True}),
    "rmsprop": (rmsprop, ["v"], RMS),
    "rmsprop_momentum": (rmsprop, ["v", "momentum", None], RMS),
    "rmsprop_centered": (rmsprop, ["v", None, "average"], RMS),
    "rmsprop_both": (rmsprop, ["v", "momentum", "average"], RMS),
    "adam": (adam, ["m", "v", None], MOMENTS),
    "adam_amsgrad": (adam, ["m", "v", "v_hat"], MOMENTS),
    "nadam": (nadam, ["m", "v"], {**MOMENTS, "slot_share": 0.7, "grad_share": 0.6}),
    "adamax": (adamax, ["m", "u"], MOMENTS),
    "adagrad": (adagrad, ["a"], {"epsilon": 1e-7}),
    "adadelta": (adadelta, ["a", "b"], {"rho": 0.9, "epsilon": 1e-3}),
    "lion": (lion, ["m"], {"beta_1": 0.9, "beta_2": 0.95}),
}
LEARNING_RATE = 0.01


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("name", CASES)
def test_rules(name, weight_decay, dtype, rng):
    rule, (formula, slots, numbers) = name.split("_")[0], CASES[name]

    def update(s, grad, step):
        _kernels.optimizer_update(
            rule, [s["param"]], [grad], [[s.get(slot) for slot in slots]],
            learning_rate=LEARNING_RATE, weight_decays=[weight_decay], step=step, **numbers,
        )  # fmt: skip

    def exactly(s, grad, step):
        s["param"] *= 1 - LEARNING_RATE * weight_decay
        formula(s, grad, step, LEARNING_RATE, **numbers)

    check([slot for slot in slots if slot], update, exactly, dtype, rng)


@pytest.mark.parametrize("name", CASES)
def test_before_receives_what_the_parameters_were(name, dtype, rng):
    rule, (_, names, numbers) = name.split("_")[0], CASES[name]
    for size in SIZES:
        old, grad = normal(rng, size, dtype), normal(rng, size, dtype)
        plain, kept, before = old.copy(), old.copy(), np.full(size, 7, dtype)
        for param, option in ((plain, None), (kept, before)):
            slots = [None if slot is None else np.zeros(size, dtype) for slot in names]
            _kernels.optimizer_update(
                rule, [param], [grad], [slots], before=[option], learning_rate=0.1, weight_decays=[0.1], **numbers
            )
        np.testing.assert_array_equal(before, old)
        np.testing.assert_array_equal(kept, plain)
        assert size == 0 or not np.array_equal(kept, old)


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_of_some_rows_alone(name, dtype, rng):
    """The same bits as with the whole gradient, over steps that read different rows, in tables of several parts."""
    rule, (_, names, numbers) = name.split("_")[0], CASES[name]
    for count, width in ((1, 1), (9, 5), (41, 1000), (7000, 7)):
        param = normal(rng, (count, width), dtype).reshape(-1)
        whole, some = ([param.copy(), np.zeros_like(param)] for _ in range(2))
        slots = [[None if slot is None else np.zeros_like(param) for slot in names] for _ in range(2)]
        for step in range(1, 4):
            rows = rng.permutation(count)[: count // step // 2]
            table = np.zeros((count, width), dtype)
            table[rows] = normal(rng, (len(rows), width), dtype)
            options = {"learning_rate": 0.1, "weight_decays": [0.1], "step": step, **numbers}
            _kernels.optimizer_update(rule, [whole[0]], [table.reshape(-1)], [slots[0]], before=[whole[1]], **options)
            _kernels.optimizer_update(
                rule, [some[0]], [table[rows]], [slots[1]], rows=[rows], before=[some[1]], **options
            )
            for expected, got in zip([*whole, *slots[0]], [*some, *slots[1]], strict=True):
                np.testing.assert_array_equal(got, expected)


def test_lion_stands_still_where_there_is_no_direction(dtype):
    param, grad, m = np.ones(5, dtype), np.zeros(5, dtype), np.zeros(5, dtype)
    _kernels.optimizer_update("lion", [param], [grad], [[m]], learning_rate=0.1, beta_1=0.9)
    np.testing.assert_array_equal(param, np.ones(5))


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
    def refuse(rule, param, grad, slots, **options):
        with pytest.raises((ValueError, TypeError)):
            _kernels.optimizer_update(rule, [param], [grad], [slots], learning_rate=0.1, **options)

    param, grad, m, v, hat = (np.zeros(4, dtype) for _ in range(5))
    readonly = np.zeros(4, dtype)
    readonly.flags.writeable = False
    other = np.zeros(4, np.float32 if dtype == np.float64 else np.float64)
    for bad in (
        (param, grad[:3], [m, v]),
        (param, grad, [m[:3], v]),
        (param, grad, [m, None]),
        (param, grad, [None, v]),
        (param, grad, [m]),
        (param, grad, [m, v, hat, m]),
        (param, grad, [m, v, hat[:3]]),
        (param, other, [m, v]),
        (param, grad, [m, other]),
        (readonly, grad, [m, v]),
        (param, grad, [readonly, v]),
        (np.zeros(8, dtype)[::2], grad, [m, v]),
        (param.astype(int), grad.astype(int), [m.astype(int), v.astype(int)]),
    ):
        refuse("adam", *bad)
    refuse("adam", param, grad, [m, v], step=0)
    refuse("adma", param, grad, [m, v])
    refuse("rmsprop", param, grad, [None, None, None])
    refuse("sgd", param, grad[:3], [None])
    for before in (m[:3], readonly, other):
        refuse("sgd", param, grad, [], before=[before])


def test_errors_of_rows(dtype):
    def refuse(error, message, grad, rows):
        with pytest.raises(error, match=message):
            _kernels.optimizer_update("sgd", [np.zeros(12, dtype)], [grad], [[None]], rows=[rows], learning_rate=0.1)

    two = np.zeros((2, 3), dtype)
    refuse(ValueError, "rows: expected values from 0 to 3, got 4", two, np.array([0, 4]))
    refuse(ValueError, "rows: expected values from 0 to 3, got -1", two, np.array([-1, 0]))
    refuse(TypeError, "rows: expected an integer array", two, np.array([0.0, 1.0]))
    refuse(ValueError, "grad: expected shape", two, np.array([0, 1, 2]))
    refuse(ValueError, "grad: expected rows of a table of 12", np.zeros((2, 5), dtype), np.array([0, 1]))
    refuse(ValueError, "grad: expected rows of a table of 12", np.zeros(6, dtype), np.array([0, 1]))
