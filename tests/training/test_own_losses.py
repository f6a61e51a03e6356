"""Losses of the user's own: functions and subclasses, their reductions, weights and masks, and what is refused."""

import numpy as np
import pytest
from numeric import assert_close, finite_difference
from own_losses import (
    CallAlone,
    LabelsOfClasses,
    Pinball,
    kept_axis,
    no_gradient,
    one_number,
    over_time,
    per_element,
    per_sample,
)
from own_metrics import per_row, two_numbers

import rnnfast
from rnnfast import layers, losses, metrics

RNG = np.random.default_rng(0)
TRUE, PRED = RNG.normal(size=(4, 3, 5)), RNG.normal(size=(4, 3, 5))
WEIGHTS, OF_STEPS = RNG.uniform(0.5, 2, 4), RNG.uniform(0.5, 2, (4, 3))
MASK = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0]], bool)
CASES = [
    (per_sample, TRUE),
    (kept_axis, TRUE),
    (per_element, TRUE),
    (one_number, TRUE),
    (over_time, TRUE),
    (Pinball(0.8), TRUE),
    (LabelsOfClasses(), RNG.integers(0, 5, (4, 3))),
]
GIVEN = [(None, None), (WEIGHTS, None), (OF_STEPS, None), (None, MASK), (WEIGHTS[:, None], MASK)]


def made(loss, reduction):
    if isinstance(loss, losses.Loss):
        return type(loss)(reduction=reduction)
    return losses.FunctionLoss(loss, reduction)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
@pytest.mark.parametrize(("loss", "y_true"), CASES, ids=str)
def test_gradients(loss, y_true, reduction):
    loss, y_pred = made(loss, reduction), PRED.copy()
    for given in GIVEN if loss.name != "over_time" else GIVEN[:2]:
        expected = finite_difference(lambda: loss(y_true, y_pred, *given), y_pred)  # noqa: B023
        slope = loss.slope(y_true, y_pred, *given)
        assert slope.value == pytest.approx(loss(y_true, y_pred, *given), rel=1e-14) and not slope.at_logits
        assert_close(slope.gradient, expected, 1e-6, f"{loss.name} {reduction}")


def test_values():
    """The mean of whatever it gives; a number for all is multiplied by the mean weight."""
    by_hand = (PRED - TRUE) ** 4
    for loss in (per_sample, kept_axis):
        assert losses.get(loss)(TRUE, PRED, WEIGHTS) == pytest.approx((by_hand.mean(-1) * WEIGHTS[:, None]).mean())
        assert losses.get(loss)(TRUE, PRED, None, MASK) == pytest.approx(by_hand.mean(-1)[MASK].mean())
    assert losses.get(per_element)(TRUE, PRED) == pytest.approx(np.log(np.cosh(PRED - TRUE)).mean())
    rms = np.sqrt(np.mean((PRED - TRUE) ** 2))
    assert losses.get(one_number)(TRUE, PRED, WEIGHTS) == pytest.approx(rms * WEIGHTS.mean())
    assert losses.get(one_number)(TRUE, PRED, None, MASK) == pytest.approx(rms)
    assert losses.FunctionLoss(per_sample, None)(TRUE, PRED).shape == (4, 3)


@pytest.mark.parametrize(
    ("labels", "predictions", "seen"),
    [
        ((4,), (4, 1), [(4, 1), (4, 1)]),
        ((4, 1), (4,), [(4, 1), (4, 1)]),
        ((4, 3), (4, 3, 1), [(4, 3), (4, 3)]),
        ((4, 3, 1), (4, 3), [(4, 3), (4, 3)]),
        ((4,), (4, 5), [(4,), (4, 5)]),
    ],
)
def test_a_function_sees_what_keras_shows_it(labels, predictions, seen):
    def look(y_true, y_pred):
        assert [y_true.shape, y_pred.shape] == seen and y_true.dtype == y_pred.dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            y_pred[:] = 0
        return y_pred.sum()

    look.gradient = lambda y_true, y_pred: np.ones_like(y_pred)
    y_true, y_pred = np.zeros(labels, int), np.ones(predictions, np.float32)
    assert losses.get(look)(y_true, y_pred) == y_pred.sum()
    assert losses.get(look).slope(y_true, y_pred).gradient.shape == predictions


def model_of(loss, **options):
    model = rnnfast.Sequential([layers.Input((3, 2)), layers.GRU(4, return_sequences=True), layers.Dense(5)])
    model.compile(rnnfast.optimizers.Adam(0.05), loss, **options)
    return model


X = RNG.normal(size=(4, 3, 2)).astype(np.float32)


@pytest.mark.parametrize(("loss", "y_true"), CASES, ids=str)
def test_fit(loss, y_true):
    rnnfast.utils.set_random_seed(1)
    model = model_of(loss)
    history = model.fit(X, y_true, epochs=25, verbose=0, sample_weight=WEIGHTS).history["loss"]
    assert history[-1] < history[0]
    assert model.evaluate(X, y_true, verbose=0, sample_weight=WEIGHTS) < history[0]


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (no_gradient, "loss 'no_gradient' can be evaluated and not be trained with: .* attribute gradient"),
        (lambda t, p: np.abs(p - t), "loss 'lambda' can be evaluated"),
        (CallAlone(name="alone"), r"loss 'alone' .*define gradient\(self, y_true, y_pred\) in CallAlone"),
        (CallAlone, r"define gradient\(self, y_true, y_pred\) in CallAlone"),
    ],
)
def test_without_a_derivative_it_is_measured_and_not_trained_with(loss, message):
    model = model_of(loss, metrics=[no_gradient])
    value, followed = model.evaluate(X, TRUE, verbose=0)
    error = model.predict(X, verbose=0) - TRUE
    assert followed == pytest.approx(np.abs(error).mean(), rel=1e-5)
    power = 2 if "alone" in message or "CallAlone" in message else 1
    assert value == pytest.approx((np.abs(error) ** power).mean(), rel=1e-5)
    before, steps = model.get_weights(), []
    watch = rnnfast.callbacks.LambdaCallback(on_train_begin=lambda logs=None: steps.append(0))
    for train in (
        lambda: model.fit(X, TRUE, verbose=0, callbacks=[watch]),
        lambda: model.train_on_batch(X, TRUE),
    ):
        with pytest.raises(TypeError, match=message):
            train()
    assert not steps
    for actual, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_a_built_in_loss_with_another_call_has_lost_its_derivative():
    class Other(losses.BinaryCrossentropy):
        def call(self, y_true, y_pred):
            return np.mean(np.abs(y_true - y_pred), axis=-1)

    assert "define gradient(self, y_true, y_pred) in Other" in Other().untrainable
    assert not Other().sees_through("sigmoid") and losses.BinaryCrossentropy().sees_through("sigmoid")

    class Whole(Other):
        def gradient(self, y_true, y_pred):
            return np.sign(y_pred - y_true) / y_pred.shape[-1]

    assert Whole().untrainable is None and not Whole().sees_through("sigmoid")
    for name in losses._registry.names():
        assert losses.get(name).untrainable is None


def test_several_outputs():
    x = layers.Input((3, 2))
    h = layers.GRU(4, return_sequences=True)(x)
    outputs = [layers.Dense(5, name="a")(h), layers.Dense(5, name="b")(h)]
    model = rnnfast.Model(x, outputs)
    model.compile("sgd", {"a": per_sample, "b": Pinball(0.4)}, loss_weights={"a": 0.5, "b": 2.0})
    logs = model.evaluate(X, [TRUE, -TRUE], verbose=0, return_dict=True)
    a, b = model.predict(X, verbose=0)
    expected = {"a_loss": per_sample(TRUE, a).mean(), "b_loss": Pinball(0.4)(-TRUE, b)}
    expected["loss"] = 0.5 * expected["a_loss"] + 2 * expected["b_loss"]
    assert logs == pytest.approx(expected, rel=1e-5)
    weights = {"a": WEIGHTS, "b": OF_STEPS}
    before = [v.numpy().copy() for v in model.trainable_weights]
    history = model.fit(X, [TRUE, -TRUE], sample_weight=weights, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert all(np.abs(v.numpy() - b).max() > 0 for v, b in zip(model.trainable_weights, before, strict=True))


def test_masks_and_class_weights_reach_it():
    x = X.copy()
    x[0, 2] = x[1, 1:] = 0
    model = rnnfast.Sequential([layers.Masking(), layers.LSTM(2, return_sequences=True)])
    model.compile("sgd", per_sample)
    mask = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [1, 1, 1]], bool)
    expected = per_sample(TRUE[..., :2], model(x))[mask].mean()
    assert model.evaluate(x, TRUE[..., :2], verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.train_on_batch(x, TRUE[..., :2]) == pytest.approx(expected, rel=1e-5)
    model.compile("sgd", over_time)
    for call in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=r"loss 'over_time': mask must have shape \(4,\)"):
            call(x, TRUE[..., :2])
    model = rnnfast.Sequential([layers.GRU(1)])
    model.compile("sgd", per_sample)
    y = np.array([0, 1, 1, 0])
    expected = (per_sample(y[:, None], model.predict(X, verbose=0)) * np.where(y, 3, 1)).mean()
    assert model.train_on_batch(X, y, class_weight={0: 1.0, 1: 3.0}) == pytest.approx(expected, rel=1e-5)


def with_gradient(function, gradient):
    function.gradient = gradient
    return function


@pytest.mark.parametrize(
    ("loss", "kind", "message"),
    [
        (lambda t, p: p[:2], ValueError, r"loss 'lambda': expected a number, or an array of shape \(4, 3, 5\) or"),
        (lambda t, p: "much", TypeError, "loss 'lambda': its value"),
        (lambda t, p: t @ p, ValueError, r"given y_true of shape \(4, 3, 5\) and y_pred of shape \(4, 3, 5\): .*"),
        (
            with_gradient(lambda t, p: p.mean(), lambda t, p: 1.0),
            ValueError,
            r"the shape \(4, 3, 5\) of y_pred, got \(",
        ),
        (with_gradient(lambda t, p: p.mean(), lambda t, p: None), TypeError, "loss 'lambda': gradient must be num"),
    ],
)
def test_what_it_gives_is_checked(loss, kind, message):
    loss = losses.get(loss)
    with pytest.raises(kind, match=message):
        loss.slope(TRUE, PRED)


def test_what_is_no_loss():
    with pytest.raises(TypeError, match=r"loss 'alone' must take \(y_true, y_pred\), but takes \(y_pred\)"):
        losses.FunctionLoss(lambda y_pred: 0, name="alone")
    with pytest.raises(TypeError, match="loss must be a name, an rnnfast Loss or its class, got 3 of type int"):
        losses.get(3)


def test_values_that_are_not_finite_name_the_loss():
    def broken(y_true, y_pred):
        return np.mean(y_pred - y_true, axis=-1) * np.nan

    broken.gradient = lambda y_true, y_pred: np.ones_like(y_pred)
    steep = with_gradient(lambda t, p: np.mean(p, axis=-1), lambda t, p: np.full(p.shape, np.inf))
    for loss, message in (
        (broken, "loss 'broken' gives nan for finite predictions"),
        (steep, "the gradient of loss 'lambda' is not finite"),
    ):
        model = model_of(loss)
        before = model.get_weights()
        with pytest.raises(rnnfast.optimizers.NonFiniteError, match=message):
            model.fit(X, TRUE, verbose=0)
        for actual, expected in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(actual, expected)


def test_configurations(tmp_path):
    pytest.importorskip("h5py", reason="model files need h5py (pip install '.[keras]')")
    for loss, known in ((per_sample, per_sample), (Pinball(0.7), Pinball)):
        model = model_of(loss)
        model.save(tmp_path / "m.keras")
        loaded = rnnfast.load_model(tmp_path / "m.keras", {known.__name__: known})
        assert loaded.evaluate(X, TRUE, verbose=0) == model.evaluate(X, TRUE, verbose=0)
        assert np.isfinite(loaded.fit(X, TRUE, verbose=0).history["loss"][0])
        with pytest.warns(UserWarning, match=f"{known.__name__} is custom"):
            assert not rnnfast.load_model(tmp_path / "m.keras").compiled
    model = model_of(lambda t, p: p.mean())
    with pytest.warns(UserWarning, match="compiled with a lambda"):
        model.save(tmp_path / "m.keras")


def test_metrics_with_variables():
    metric = per_row(rnnfast, np)
    assert metric(TRUE, PRED) == pytest.approx(np.square(TRUE - PRED).sum() / 4)
    metric.reset_state()
    assert [v.name for v in metric.variables] == ["total", "count"] and not any(map(float, metric.variables))
    assert metric(TRUE[:2], PRED[:2]) == pytest.approx(np.square(TRUE[:2] - PRED[:2]).sum() / 2)

    class Kept(metrics.Metric):
        def __init__(self):
            super().__init__(name="kept")
            self.best = self.add_variable(3, "ones", "float32")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.best.assign_sub(y_pred)

        def result(self):
            return 2 * self.best - self.best + np.exp(self.best) * (self.best > -np.inf)

    kept = Kept()
    assert kept.best.dtype == np.float32 and not kept.best.value.any()  # as reset_state leaves it
    np.testing.assert_allclose(kept(None, [1.0, 2.0, 3.0]), [np.exp(-v) - v for v in (1.0, 2.0, 3.0)], rtol=1e-6)
    assert kept.best in kept.variables


def test_metrics_in_logs():
    model = model_of("mse", metrics=[per_row(rnnfast, np), two_numbers(rnnfast, np)])
    logs = model.evaluate(X, TRUE, verbose=0, return_dict=True)
    predicted = model.predict(X, verbose=0)
    sums = sorted([predicted.sum(dtype=float), TRUE.sum()])
    assert logs["per_row"] == pytest.approx(np.square(TRUE - predicted).sum() / 4, rel=1e-5)
    assert [logs["larger"], logs["difference"]] == pytest.approx([sums[1], sums[1] - sums[0]], rel=1e-4)
    assert all(type(value) is float for value in logs.values())
    assert set(model.fit(X, TRUE, verbose=0).history) == set(logs)
