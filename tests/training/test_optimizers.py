"""Optimizers: clipping, state, bad input."""

import numpy as np
import pytest
from numeric import assert_close
from three_variables import gradients, variables

from rnnfast import optimizers
from rnnfast.optimizers import schedules
from rnnfast.variable import Variable


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


ALL = {
    "sgd": lambda: optimizers.SGD(0.01, momentum=0.9),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adam": lambda: optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "nadam": lambda: optimizers.Nadam(0.01),
    "adamax": lambda: optimizers.Adamax(0.01),
    "adagrad": lambda: optimizers.Adagrad(0.01),
    "adadelta": lambda: optimizers.Adadelta(0.5),
    "lion": lambda: optimizers.Lion(0.01),
    "ftrl": lambda: optimizers.Ftrl(0.1, l2_regularization_strength=0.1),
    "lamb": lambda: optimizers.Lamb(0.01),
    "adafactor": lambda: optimizers.Adafactor(0.05, clip_threshold=0.8),
    "muon": lambda: optimizers.Muon(0.02, exclude_layers=["output"], gradient_accumulation_steps=2),
    "accumulating": lambda: optimizers.SGD(0.01, gradient_accumulation_steps=2),
    "averaging": lambda: optimizers.SGD(0.01, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2),
    "on_a_schedule": lambda: optimizers.SGD(schedules.InverseTimeDecay(0.1, 2, 0.5)),
}


@pytest.mark.parametrize("name", ALL)
def test_configuration_round_trip(name):
    optimizer = ALL[name]()
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is type(optimizer) and again.get_config() == optimizer.get_config()


@pytest.mark.parametrize("name", ALL)
def test_state_round_trip(name):
    a, b = variables(), variables()
    one, two = ALL[name](), ALL[name]()
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


def test_the_state_of_another_rule_is_refused():
    weights = variables()
    for kind, other in ((optimizers.Adam, optimizers.SGD), (optimizers.Nadam, optimizers.Lamb)):
        one, two = kind(0.1), other(0.1, use_ema=True)
        for variable, gradient in zip(weights, gradients(0), strict=True):
            variable.grad = gradient
        two.apply(weights)
        with pytest.raises(ValueError, match=r"keeps \('.*'\), and the state is of \['average"):
            one.set_state(two.get_state(), weights)
        one.set_state(kind(0.1).get_state(), weights)


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


def step(optimizer, weights, gradients):
    for variable, gradient in zip(weights, gradients, strict=True):
        variable.grad = gradient
    optimizer.apply(weights)


def test_accumulated_gradients_count_as_their_mean():
    many, one = variables(), variables()
    accumulating = optimizers.Adam(0.1, gradient_accumulation_steps=3, clipnorm=0.5)
    plain = optimizers.Adam(0.1, clipnorm=0.5)
    for update in range(2):
        batches = [gradients(3 * update + i) for i in range(3)]
        for i, batch in enumerate(batches):
            before = [v.numpy().copy() for v in many]
            step(accumulating, many, batch)
            moved = [not np.array_equal(old, v.numpy()) for old, v in zip(before, many, strict=True)]
            assert all(moved) if i == 2 else not any(moved)
        step(plain, one, [np.mean(g, axis=0) for g in zip(*batches, strict=True)])
    assert (accumulating.batches, accumulating.iterations, plain.iterations) == (6, 2, 2)
    for a, b in zip(many, one, strict=True):
        assert_close(a.numpy(), b.numpy(), 1e-12, a.name)


def test_a_batch_that_only_adds_its_gradient_leaves_the_update_before_it_to_be_undone():
    weights = variables()
    optimizer = optimizers.SGD(0.1, gradient_accumulation_steps=2)
    start = [v.numpy().copy() for v in weights]
    assert not optimizer.undo()
    for i in range(3):
        step(optimizer, weights, gradients(i))
        assert i > 0 or not optimizer.undo()  # the first batch has updated nothing
    assert optimizer.undo()
    for variable, old in zip(weights, start, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


@pytest.mark.parametrize("name", ALL)
def test_a_variable_without_a_gradient_stays_as_it_is(name):
    """And so do its slots; the others move as if it was not there, and an update can be undone all the same."""
    weights, others = variables(), variables()[1:]
    optimizer, plain = ALL[name](), ALL[name]()
    for i in range(4):
        optimizer_before = optimizer.get_state()
        before = [v.numpy().copy() for v in weights]
        step(plain, others, gradients(i)[1:])
        step(optimizer, weights, [None, *gradients(i)[1:]])
        np.testing.assert_array_equal(weights[0].numpy(), before[0])
        for slot in set(optimizer.state_slots) - {"average"} if i else ():
            np.testing.assert_array_equal(optimizer.get_state()[slot][0], optimizer_before[slot][0])
        for variable, other in zip(weights[1:], others, strict=True):
            np.testing.assert_array_equal(variable.numpy(), other.numpy())
    assert optimizer.undo()
    if not optimizer.gradient_accumulation_steps:
        for variable, old in zip(weights[1:], before[1:], strict=True):
            np.testing.assert_array_equal(variable.numpy(), old)
    step(optimizer, weights, [None] * 3)  # nothing to do
    assert not optimizer.undo() or optimizer.gradient_accumulation_steps


def test_averages_replace_the_weights():
    weights, followed = variables(), variables()
    averaging, plain = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.75), optimizers.SGD(0.1)
    averages = None
    for i in range(4):
        for optimizer, those in ((averaging, weights), (plain, followed)):
            step(optimizer, those, gradients(i))
        now = [v.numpy().copy() for v in followed]
        averages = now if averages is None else [0.75 * a + 0.25 * w for a, w in zip(averages, now, strict=True)]
        for variable, value in zip(weights, now, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)
    averaging.finalize_variable_values(weights)
    for variable, value in zip(weights, averages, strict=True):
        assert_close(variable.numpy(), value, 1e-12, variable.name)


def test_a_rule_of_ones_own_has_every_option():
    class Half(optimizers.Optimizer):
        slot_names = ("sum",)

        def update(self, parameters, gradients, sum):
            sum += gradients
            parameters -= self.learning_rate * sum / 2

    weights = variables()
    start = [v.numpy().copy() for v in weights]
    optimizer = Half(0.1, weight_decay=0.5, clipvalue=0.2)
    optimizer.exclude_from_weight_decay([weights[1]], ["v2"])
    step(optimizer, weights, gradients(0))
    for i, (variable, old, gradient) in enumerate(zip(weights, start, gradients(0), strict=True)):
        kept = old * (1 - 0.1 * 0.5) if i == 0 else old
        assert_close(variable.numpy(), kept - 0.1 * np.clip(gradient, -0.2, 0.2) / 2, 1e-12, variable.name)
    with pytest.raises(ValueError, match="before the first update"):
        optimizer.exclude_from_weight_decay(var_names=["v"])


def test_an_update_that_returns_new_weights_is_refused():
    class New(optimizers.Optimizer):
        def update(self, parameters, gradients):
            return parameters - gradients

    weights = variables()
    before = [v.numpy().copy() for v in weights]
    with pytest.raises(TypeError, match="New: update must change parameters in place and return None, got ndarray"):
        step(New(0.1), weights, gradients(0))
    for variable, old in zip(weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


def test_learning_rates_that_follow_something():
    optimizer = optimizers.SGD(schedules.PiecewiseConstantDecay([1], [0.5, 0.25]))
    weights, rates = variables(), []
    for i in range(4):
        rates.append(optimizer.learning_rate)
        step(optimizer, weights, gradients(i))
    assert rates == [0.5, 0.5, 0.25, 0.25]
    with pytest.raises(TypeError, match="follows it"):
        optimizer.learning_rate = 0.1
    rate = [0.5]
    called = optimizers.SGD(lambda: rate[0])
    assert called.learning_rate == 0.5
    rate[0] = 0.125
    assert called.learning_rate == 0.125
    with pytest.raises(ValueError, match="function has no serialized form"):
        called.get_config()


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
        (lambda: optimizers.Lion(beta_1=1.5), ValueError, "beta_1"),
        (lambda: optimizers.Lamb(epsilon=0), ValueError, "epsilon"),
        (lambda: optimizers.Adafactor(clip_threshold=0), ValueError, "clip_threshold must be a number above 0"),
        (lambda: optimizers.Muon(ns_steps=-1), ValueError, "Muon: ns_steps"),
        (lambda: optimizers.Muon(exclude_layers=3), TypeError, "Muon: exclude_layers"),
        (lambda: optimizers.Muon(exclude_layers=["("]), ValueError, r"regular expressions, got '\('"),
        (lambda: optimizers.Muon(exclude_layers=[3]), ValueError, "regular expressions, got 3"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), ValueError, "learning_rate_power must not be above 0"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1), ValueError, "l1_regularization_strength must not be"),
        (lambda: optimizers.AdamW(weight_decay=None), ValueError, "use Adam for none"),
        (lambda: optimizers.Adam(weight_decay=-0.1), ValueError, "weight_decay must not be negative"),
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1.0), ValueError, "must not be negative"),
        (lambda: optimizers.Adam(use_ema=True, ema_momentum=1.5), ValueError, "ema_momentum"),
        (lambda: optimizers.Adam(ema_overwrite_frequency=-1), ValueError, "ema_overwrite_frequency"),
        (lambda: optimizers.Adam(gradient_accumulation_steps=1), ValueError, "at least 2, got 1"),
        (lambda: optimizers.RMSprop(epsilon=0.0), ValueError, "epsilon"),
        (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), ValueError, "one of clipnorm"),
        (lambda: optimizers.SGD(clipnorm=-1.0), ValueError, "clipnorm must be a number above"),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_ftrl_waits_while_the_learning_rate_is_zero():
    optimizer, weights = optimizers.Ftrl(schedules.PiecewiseConstantDecay([0], [0.0, 0.1])), variables()
    before = [v.numpy().copy() for v in weights]
    step(optimizer, weights, gradients(0))
    for variable, old in zip(weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)
    step(optimizer, weights, gradients(1))
    assert all(
        np.isfinite(v.numpy()).all() and (v.numpy() != old).all() for v, old in zip(weights, before, strict=True)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ftrl_of_a_feature_that_is_always_zero(dtype):
    optimizer = optimizers.Ftrl(0.1, initial_accumulator_value=0)
    (v,) = [Variable(np.array([0.5, 0.5, 0.5], dtype), name="v")]
    for _ in range(2):
        v.grad = np.array([0, 1, 1e-30], dtype)
        optimizer.apply([v])
        assert v.value[0] == 0 and np.isfinite(v.value).all() and v.value[1] != 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adafactor_takes_gradients_whose_squares_are_no_numbers(dtype):
    moved, optimizer = variables(dtype), optimizers.Adafactor(0.1)
    for step in range(3):
        for variable, gradient in zip(moved, gradients(step), strict=True):
            variable.grad = (gradient * (np.finfo(dtype).max / 64)).astype(dtype)
        before = [v.value.copy() for v in moved]
        optimizer.apply(moved)
        for variable, old in zip(moved, before, strict=True):
            assert np.isfinite(variable.value).all() and (variable.value != old).all()
