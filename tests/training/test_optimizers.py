"""Optimizers: update rules against their formulas, clipping, state, bad input."""

import numpy as np
import pytest
from numeric import assert_close

from rnnfast import optimizers
from rnnfast.variable import Variable

SHAPES = [(3, 2), (5,), ()]


def variables(dtype="float64"):
    rng = np.random.default_rng(0)
    return [Variable(rng.normal(size=s).astype(dtype), name=f"v{i}") for i, s in enumerate(SHAPES)]


def gradients(step):
    rng = np.random.default_rng(step + 1)
    return [rng.normal(size=s) for s in SHAPES]


def sgd(w, g, s, t, lr=0.1, momentum=0.9, nesterov=False):
    s["m"] = momentum * s.get("m", 0) - lr * g
    return w + (momentum * s["m"] - lr * g if nesterov else s["m"])


def rmsprop(w, g, s, t, lr=0.01, rho=0.9, momentum=0.5, epsilon=1e-7, centered=True):
    s["v"] = rho * s.get("v", 0) + (1 - rho) * g * g
    s["a"] = rho * s.get("a", 0) + (1 - rho) * g
    step = lr * g / np.sqrt(s["v"] - (s["a"] ** 2 if centered else 0) + epsilon)
    s["m"] = momentum * s.get("m", 0) + step
    return w - s["m"]


def adam(w, g, s, t, lr=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    s["m"] = beta_1 * s.get("m", 0) + (1 - beta_1) * g
    s["v"] = beta_2 * s.get("v", 0) + (1 - beta_2) * g * g
    return w - lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * s["m"] / (np.sqrt(s["v"]) + epsilon)


RULES = [
    (lambda: optimizers.SGD(0.1), lambda *a: sgd(*a, momentum=0.0)),
    (lambda: optimizers.SGD(0.1, momentum=0.9), sgd),
    (lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True), lambda *a: sgd(*a, nesterov=True)),
    (lambda: optimizers.RMSprop(0.01), lambda *a: rmsprop(*a, momentum=0.0, centered=False)),
    (lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True), rmsprop),
    (lambda: optimizers.Adam(0.01), adam),
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


def norm(arrays):
    return np.sqrt(sum((a**2).sum() for a in arrays))


@pytest.mark.parametrize("kind", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clipping(kind):
    limit = 0.5
    expected = {
        "clipnorm": lambda gs: [g * limit / max(norm([g]), limit) for g in gs],
        "clipvalue": lambda gs: [np.clip(g, -limit, limit) for g in gs],
        "global_clipnorm": lambda gs: [g * limit / max(norm(gs), limit) for g in gs],
    }[kind](gradients(0))
    weights = variables()
    before = [v.numpy().copy() for v in weights]
    for variable, gradient in zip(weights, gradients(0), strict=True):
        variable.grad = gradient
    optimizers.SGD(1.0, **{kind: limit}).apply(weights)
    for variable, old, gradient in zip(weights, before, expected, strict=True):
        assert_close(old - variable.numpy(), gradient, 1e-12, kind)


def test_two_dtypes_a_missing_gradient_and_a_second_optimizer():
    weights = [*variables("float32"), *variables("float64")]
    first, second = optimizers.SGD(1.0), optimizers.SGD(1.0)
    for optimizer in (first, second, first):
        before = [v.numpy().copy() for v in weights]
        for variable in weights:
            variable.grad = np.ones(variable.shape, variable.dtype)
        weights[0].grad = None
        optimizer.apply(weights)
        np.testing.assert_array_equal(weights[0].numpy(), before[0])
        for variable, old in zip(weights[1:], before[1:], strict=True):
            assert_close(variable.numpy(), old - 1, 1e-6, variable.name)


def test_state_round_trip():
    a, b = variables(), variables()
    one, two = optimizers.Adam(0.01), optimizers.Adam(0.01)
    for step in range(5):
        if step == 2:
            two.set_state(one.get_state(), b)
            for va, vb in zip(a, b, strict=True):
                vb.assign(va)
        for pair in (a, b):
            for variable, gradient in zip(pair, gradients(step), strict=True):
                variable.grad = gradient
        one.apply(a)
        if step >= 2:
            two.apply(b)
    for va, vb in zip(a, b, strict=True):
        np.testing.assert_array_equal(va.numpy(), vb.numpy())


def test_a_gradient_that_is_not_finite_changes_nothing():
    weights = variables()
    optimizer = optimizers.Adam()
    for bad in (np.nan, np.inf):
        before = [v.numpy().copy() for v in weights]
        for variable, gradient in zip(weights, gradients(0), strict=True):
            variable.grad = gradient
        weights[1].grad[3] = bad
        with pytest.raises(ValueError, match="not finite"):
            optimizer.apply(weights)
        for variable, old in zip(weights, before, strict=True):
            np.testing.assert_array_equal(variable.numpy(), old)
    large = [Variable(np.zeros(4, "float32"), name="v")]
    large[0].grad = np.full(4, 3e38, "float32")  # finite, with a sum that is not
    optimizers.SGD(1e-37).apply(large)
    assert_close(large[0].numpy(), np.full(4, -30.0), 1e-5, "large")


def test_undo():
    weights = variables()
    optimizer = optimizers.Adam()
    optimizer.undo()
    for step in range(2):
        before = [v.numpy().copy() for v in weights]
        for variable, gradient in zip(weights, gradients(step), strict=True):
            variable.grad = gradient
        optimizer.apply(weights)
    optimizer.undo()
    for variable, old in zip(weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


@pytest.mark.parametrize("identifier", ["sgd", "SGD", optimizers.SGD, optimizers.SGD()])
def test_identifiers(identifier):
    optimizer = optimizers.get(identifier)
    assert isinstance(optimizer, optimizers.SGD)
    assert optimizers.get(optimizers.serialize(optimizer)).get_config() == optimizer.get_config()


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: optimizers.get("adm"), ValueError, "unknown optimizer 'adm'. Did you mean 'adam'"),
        (lambda: optimizers.get(3), TypeError, "optimizer must be a name"),
        (lambda: optimizers.SGD(learning_rate=-1.0), ValueError, "learning_rate must not be negative"),
        (lambda: optimizers.SGD(learning_rate="fast"), ValueError, "learning_rate must be a number"),
        (lambda: optimizers.SGD(momentum=2.0), ValueError, "momentum"),
        (lambda: optimizers.Adam(beta_1=1.0), ValueError, "beta_1"),
        (lambda: optimizers.Adam(amsgrad=True), ValueError, "amsgrad"),
        (lambda: optimizers.Adam(weight_decay=0.1), ValueError, "weight_decay=0.1"),
        (lambda: optimizers.RMSprop(epsilon=0.0), ValueError, "epsilon"),
        (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), ValueError, "one of clipnorm"),
        (lambda: optimizers.SGD(clipnorm=-1.0), ValueError, "clipnorm must be a number above"),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
