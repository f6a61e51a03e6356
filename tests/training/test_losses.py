"""Losses and metrics: known values, gradients by finite differences, masks and weights, bad input."""

import numpy as np
import pytest
from numeric import assert_close, finite_difference

import rnnfast
from rnnfast import activations, layers, losses, metrics

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 3, 5))
PROBABILITIES = activations.softmax(LOGITS)
LABELS = RNG.integers(0, 5, (4, 3))
ONE_HOT = np.eye(5)[LABELS]
BINARY = RNG.integers(0, 2, (4, 3, 5)).astype(float)
POSITIVE = RNG.uniform(0.1, 3, (4, 3, 5))
LABELS_OF_COLUMNS = RNG.integers(0, 3, (4, 5))
IGNORED = np.where(RNG.random((4, 3)) < 0.3, -7, LABELS)
WEIGHTS = RNG.uniform(0.5, 2, (4, 3))

CASES = [
    (losses.MeanSquaredError(), ONE_HOT, LOGITS),
    (losses.MeanAbsoluteError(), ONE_HOT, LOGITS),
    (losses.BinaryCrossentropy(), BINARY, PROBABILITIES),
    (losses.BinaryCrossentropy(label_smoothing=0.2), BINARY, PROBABILITIES),
    (losses.BinaryCrossentropy(from_logits=True), BINARY, LOGITS),
    (losses.CategoricalCrossentropy(), ONE_HOT, PROBABILITIES),
    (losses.CategoricalCrossentropy(), BINARY, 2.5 * PROBABILITIES),
    (losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), ONE_HOT, LOGITS),
    (losses.SparseCategoricalCrossentropy(), LABELS, PROBABILITIES),
    (losses.SparseCategoricalCrossentropy(), LABELS[..., None], 2.5 * PROBABILITIES),
    (losses.SparseCategoricalCrossentropy(from_logits=True), LABELS, LOGITS),
    (losses.SparseCategoricalCrossentropy(ignore_class=-7), IGNORED, PROBABILITIES),
    (losses.SparseCategoricalCrossentropy(True, ignore_class=-7), IGNORED, LOGITS),
    (losses.BinaryCrossentropy(axis=1), BINARY, PROBABILITIES),
    (losses.CategoricalCrossentropy(axis=0, label_smoothing=0.1), BINARY, 2.5 * PROBABILITIES),
    (losses.CategoricalCrossentropy(True, axis=-2), BINARY, LOGITS),
    (losses.SparseCategoricalCrossentropy(True, axis=1), LABELS_OF_COLUMNS, LOGITS),
    (losses.SparseCategoricalCrossentropy(ignore_class=1, axis=1), LABELS_OF_COLUMNS[:, None], PROBABILITIES),
    (losses.BinaryFocalCrossentropy(axis=0), BINARY, PROBABILITIES),
    (losses.CategoricalFocalCrossentropy(from_logits=True, axis=1), BINARY, LOGITS),
    (losses.MeanAbsolutePercentageError(), POSITIVE, LOGITS),
    (losses.MeanSquaredLogarithmicError(), POSITIVE, LOGITS),
    (losses.Huber(delta=0.7), ONE_HOT, LOGITS),
    (losses.LogCosh(), ONE_HOT, 3 * LOGITS),
    (losses.CosineSimilarity(), POSITIVE, LOGITS),
    (losses.CosineSimilarity(axis=1), POSITIVE, LOGITS),
    (losses.Poisson(), POSITIVE, PROBABILITIES),
    (losses.KLDivergence(), PROBABILITIES[::-1], PROBABILITIES),
    (losses.Hinge(), BINARY, LOGITS),
    (losses.SquaredHinge(), 2 * BINARY - 1, LOGITS),
    (losses.CategoricalHinge(), ONE_HOT, LOGITS),
    (losses.CategoricalHinge(), ONE_HOT, -np.abs(LOGITS) * (1 - np.roll(ONE_HOT, 1, -1))),  # two largest of others
    (losses.BinaryFocalCrossentropy(), BINARY, PROBABILITIES),
    (losses.BinaryFocalCrossentropy(True, 0.3, 1.5, True, 0.1), BINARY, LOGITS),
    (losses.CategoricalFocalCrossentropy(), ONE_HOT, 2.5 * PROBABILITIES),
    (losses.CategoricalFocalCrossentropy(0.4, 1.5, True, 0.1), ONE_HOT, LOGITS),
]


REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum"]


@pytest.mark.parametrize(("loss", "y_true", "y_pred"), CASES)
def test_gradients(loss, y_true, y_pred):
    y_pred = y_pred.copy()
    expected = finite_difference(lambda: loss(y_true, y_pred), y_pred)
    assert_close(loss.slope(y_true, y_pred).gradient, expected, 1e-6, loss.name)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignored", [None, -7])
def test_gradients_of_reductions(reduction, ignored):
    loss, y_pred = losses.SparseCategoricalCrossentropy(True, ignored, reduction), LOGITS.copy()
    y_true = LABELS if ignored is None else IGNORED
    weights, mask = RNG.uniform(0.5, 2, (4, 3)), np.arange(12).reshape(4, 3) % 4 != 1
    for given in ((None, None), (weights, None), (None, mask), (weights[:, 0], mask)):
        expected = finite_difference(lambda: loss(y_true, y_pred, *given), y_pred)  # noqa: B023
        slope = loss.slope(y_true, y_pred, *given)
        assert slope.value == loss(y_true, y_pred, *given) and not slope.at_logits
        assert_close(slope.gradient, expected, 1e-6, reduction)


def test_no_reduction():
    values = losses.MeanSquaredError(reduction=None)(np.zeros((2, 3, 1)), np.full((2, 3, 1), 2.0), [1.0, 0.5])
    assert values.tolist() == [[4.0] * 3, [2.0] * 3]
    with pytest.raises(ValueError, match="no number to minimise"):
        losses.MeanSquaredError(reduction="none").slope(np.zeros((2, 1)), np.ones((2, 1)))


@pytest.mark.parametrize("name", [n for n in losses._registry.names() if n[0].isupper()])
def test_configurations(name):
    loss = losses.get({"class_name": name, "config": {"reduction": "sum", "name": "own"}})
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    assert (again.reduction, again.name) == ("sum", "own")


@pytest.mark.parametrize(
    ("loss", "y_true", "activation"),
    [
        (losses.BinaryCrossentropy(label_smoothing=0.1), BINARY, activations.sigmoid),
        (losses.CategoricalCrossentropy(), BINARY, activations.softmax),
        (losses.SparseCategoricalCrossentropy(), LABELS, activations.softmax),
        (losses.SparseCategoricalCrossentropy(ignore_class=-7), IGNORED, activations.softmax),
    ],
)
def test_gradients_through_the_output_activation(loss, y_true, activation):
    logits = LOGITS.copy()
    y_pred = activation(logits)
    expected = finite_difference(lambda: loss(y_true, activation(logits), WEIGHTS) * 12, logits)
    slope = loss.slope(y_true, y_pred, WEIGHTS, None, activation.name)
    assert slope.at_logits
    assert_close(slope.gradient * 12, expected, 1e-6, loss.name)
    each = loss.logit_gradient(loss.match(y_true, y_pred), y_pred) * WEIGHTS[..., None]
    counted = loss.value_mask(loss.match(y_true, y_pred), (4, 3), None)
    assert_close(each * (1 if counted is None else 12 / counted.sum()), expected, 1e-6, loss.name)


def test_a_wrong_and_certain_prediction_still_learns():
    logits = np.float32([[60.0, -60.0]])
    loss = losses.SparseCategoricalCrossentropy()
    y_pred = activations.softmax(logits)
    assert loss([1], y_pred) == pytest.approx(-np.log(1e-7), rel=1e-6)
    np.testing.assert_array_equal(loss.logit_gradient(np.array([1]), y_pred), [[1.0, -1.0]])
    assert not loss.gradient(np.array([1]), y_pred)[0, 1]  # the clipped formula alone would stand still


def test_known_values():
    assert losses.MeanSquaredError()([[1.0, 2.0]], [[3.0, 2.0]]) == 2.0
    assert losses.MeanAbsoluteError()([[1.0, 2.0]], [[3.0, 1.0]]) == 1.5
    assert losses.BinaryCrossentropy()([[1.0], [0.0]], [[0.5], [0.5]]) == pytest.approx(np.log(2))
    assert losses.CategoricalCrossentropy()([[0, 1]], [[0.5, 1.5]]) == pytest.approx(-np.log(0.75))
    assert losses.SparseCategoricalCrossentropy()([1], np.array([[0.25, 0.75]])) == pytest.approx(-np.log(0.75))
    extreme = losses.BinaryCrossentropy(from_logits=True)([[1.0, 0.0]], np.array([[-1000.0, -1000.0]]))
    assert extreme == 500.0
    assert losses.mean_squared_error(np.zeros((2, 3)), np.ones((2, 3))).tolist() == [1.0, 1.0]


def test_masks_and_weights():
    loss = losses.MeanSquaredError()
    y_true, y_pred = np.zeros((2, 3, 1)), np.arange(6.0).reshape(2, 3, 1)
    mask = np.array([[1, 1, 0], [0, 0, 1]], bool)
    assert loss(y_true, y_pred, mask=mask) == pytest.approx((0 + 1 + 25) / 3)
    assert loss(y_true, y_pred, sample_weight=[1, 2]) == pytest.approx((0 + 1 + 4 + 2 * (9 + 16 + 25)) / 6)
    assert loss(y_true, y_pred, sample_weight=[1, 2], mask=mask) == pytest.approx((0 + 1 + 2 * 25) / 3)
    assert loss(y_true, y_pred, sample_weight=mask) == pytest.approx((0 + 1 + 25) / 6)
    assert loss(y_true, y_pred, mask=np.zeros((2, 3), bool)) == 0.0
    metric = metrics.MeanSquaredError()
    metric.update_state(y_true, y_pred, mask=mask)
    assert metric.result() == pytest.approx(26 / 3)
    metric.update_state(y_true, y_pred, sample_weight=[0, 1])
    assert metric.result() == pytest.approx((26 + 50) / 6)


@pytest.mark.parametrize("identifier", ["mse", "mean_squared_error", "MeanSquaredError", losses.MeanSquaredError,
                                        losses.MeanSquaredError(), losses.mean_squared_error])  # fmt: skip
def test_identifiers(identifier):
    assert isinstance(losses.get(identifier), losses.MeanSquaredError)
    copy = losses.get(losses.serialize(losses.get(identifier)))
    assert copy.get_config() == {"name": "mean_squared_error", "reduction": "sum_over_batch_size"}


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: losses.get("binary_crosentropy"), ValueError, "Did you mean 'binary_crossentropy'"),
        (lambda: losses.get(lambda a, b: a), TypeError, "loss must be a name"),
        (lambda: losses.MeanSquaredError(reduction="max"), ValueError, "reduction"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2.0), ValueError, "label_smoothing"),
        (lambda: losses.CategoricalCrossentropy(axis=0.5), ValueError, "axis must be an integer"),
        (lambda: losses.CategoricalCrossentropy(axis=3)(ONE_HOT, PROBABILITIES), ValueError, "axis=3 does not fit"),
        (lambda: losses.SparseCategoricalCrossentropy(ignore_class=0.5), TypeError, "ignore_class"),
        (lambda: losses.MeanSquaredError()(np.ones((2, 3)), np.ones((2, 2))), ValueError, r"\(2, 2\), got \(2, 3\)"),
        (lambda: losses.MeanSquaredError()(["a"], np.ones((1, 1))), TypeError, "numeric"),
        (lambda: losses.CategoricalCrossentropy()([1], PROBABILITIES[:1, 0]), ValueError, "one-hot.*sparse_"),
        (lambda: losses.SparseCategoricalCrossentropy()([5], PROBABILITIES[:1, 0]), ValueError, "class 5.*0 to 4"),
        (lambda: losses.SparseCategoricalCrossentropy()(ONE_HOT, PROBABILITIES), ValueError, r"\(4, 3\)"),
        (lambda: losses.MeanSquaredError()([[1.0]], [[1.0]], sample_weight=[1, 2]), ValueError, "sample_weight"),
        (lambda: metrics.get("acuracy"), ValueError, "Did you mean 'accuracy'"),
        (lambda: metrics.get(3), TypeError, "metric must be"),
        (lambda: metrics.BinaryAccuracy()(np.ones((2, 2)), np.ones((2, 3))), ValueError, r"\(2, 3\)"),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_accuracies():
    assert metrics.BinaryAccuracy()([1, 0, 1], np.array([[0.6], [0.6], [0.4]])) == pytest.approx(1 / 3)
    assert metrics.BinaryAccuracy(threshold=0.3)([[1, 0]], [[0.4, 0.4]]) == 0.5
    assert metrics.CategoricalAccuracy()([[0, 1], [1, 0]], [[0.4, 0.6], [0.4, 0.6]]) == 0.5
    assert metrics.SparseCategoricalAccuracy()([[1], [0]], [[0.4, 0.6], [0.4, 0.6]]) == 0.5
    assert metrics.Accuracy()([[1.0], [2.0]], [[1.0], [3.0]]) == 0.5
    chosen = [metrics.choose_accuracy("acc", *shapes) for shapes in (((8,), (8, 1)), ((8,), (8, 3)), ((8, 3), (8, 3)))]
    assert [type(m).__name__ for m in chosen] == [
        "BinaryAccuracy", "SparseCategoricalAccuracy", "CategoricalAccuracy"
    ]  # fmt: skip
    assert metrics.get("mse").name == "mse" and metrics.get(metrics.MeanSquaredError).name == "mean_squared_error"
    own = metrics.get(lambda t, p: np.abs(t - p).max(axis=-1))
    assert own([[1.0, 2.0]], [[1.0, 5.0]]) == 3.0


@pytest.mark.parametrize(
    ("loss", "y_true"),
    [
        (losses.BinaryCrossentropy(axis=1), BINARY),
        (losses.CategoricalCrossentropy(axis=-2), BINARY),
        (losses.SparseCategoricalCrossentropy(axis=1), LABELS_OF_COLUMNS),
        (losses.CategoricalFocalCrossentropy(axis=1), BINARY),
        (losses.CosineSimilarity(axis=1), POSITIVE),
    ],
)
@pytest.mark.parametrize("over", ["mask", "sample_weight"])
def test_what_is_per_step_is_refused_where_values_are_not(loss, y_true, over):
    """Whether there are as many classes as steps or not."""
    for steps in (3, 5):
        y_pred = PROBABILITIES if steps == 3 else np.ones((4, 5, 5)) / 5
        y = y_true if steps == 3 else np.zeros((4, 5, 5) if np.ndim(y_true) == 3 else (4, 5))
        for given in (np.ones((4, steps), bool), np.ones((4, steps, 1), bool)):
            message = rf"loss '{loss.name}': expected no {over} over axis 1, .* shape \(4, {steps}"
            with pytest.raises(ValueError, match=message):
                loss(y, y_pred, **{over: given})
            with pytest.raises(ValueError, match=message):
                loss.slope(y, y_pred, **{over: given})
    assert np.isfinite(loss(y_true, PROBABILITIES, np.ones(4)))  # per sample
    assert np.isfinite(loss(y_true, PROBABILITIES, np.ones((4, 5))))  # per value


def test_metrics_refuse_them_too():
    metric = metrics.CategoricalCrossentropy(axis=1)
    with pytest.raises(ValueError, match="metric 'categorical_crossentropy': expected no mask over axis 1"):
        metric.update_state(BINARY, PROBABILITIES, mask=np.ones((4, 3), bool))


def test_a_mask_does_not_reach_a_loss_over_time():
    model = rnnfast.Sequential([layers.Masking(), layers.GRU(7, return_sequences=True)])
    model.compile("sgd", losses.CategoricalCrossentropy(from_logits=True, axis=1))
    x, y = np.ones((2, 7, 3)), np.eye(7)[np.zeros((2, 7), int)]
    for call in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match="loss 'categorical_crossentropy': expected no mask over axis 1"):
            call(x, y)
