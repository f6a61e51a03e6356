"""Models of several inputs and outputs: what belongs to which, names in logs, gradients of the sum of losses."""

import numpy as np
import pytest
from numeric import assert_variable_gradients
from two_heads import TwoHeads

import rnnfast
from rnnfast import losses, metrics, optimizers

RNG = np.random.default_rng(5)
A, B = RNG.normal(size=(12, 5, 3)), RNG.normal(size=(12, 4, 2))
B[3:6, 2:] = 0  # masked
B[7] = 0  # not one real step
CLASS, STEPS = RNG.integers(0, 3, 12), RNG.normal(size=(12, 4, 1))
LOSSES = {"left": "sparse_categorical_crossentropy", "right": "mse"}


def heads(loss=LOSSES, optimizer="sgd", **options):
    rnnfast.utils.set_random_seed(3)
    model = TwoHeads()
    for variable in model.weights:
        variable.assign(RNG.normal(0, 0.6, variable.shape))
    model.compile(optimizer, loss, **options)
    return model


def separately(model):
    """The outputs' losses, each by itself."""
    left, right = model.predict([A, B])
    real = (B != 0).any(-1)
    return (
        losses.SparseCategoricalCrossentropy()(CLASS, left),
        losses.MeanSquaredError()(STEPS, right, mask=real),
    )


@pytest.mark.parametrize("weights", [None, {"right": 0.5}, [1.0, 0.5]])
@pytest.mark.parametrize("loss", [LOSSES, list(LOSSES.values()), [losses.SparseCategoricalCrossentropy(), "mse"]])
def test_losses_are_summed_with_their_weights(loss, weights):
    model = heads(loss, loss_weights=weights)
    left, right = separately(model)
    logs = model.evaluate({"a": A, "b": B}, {"left": CLASS, "right": STEPS}, batch_size=12, return_dict=True, verbose=0)
    assert list(logs) == ["loss", "left_loss", "right_loss"]
    assert logs["left_loss"] == pytest.approx(left) and logs["right_loss"] == pytest.approx(right)
    assert logs["loss"] == pytest.approx(left + (1.0 if weights is None else 0.5) * right)


@pytest.mark.parametrize("sample_weight", [None, RNG.uniform(0.5, 2, 12), {"right": RNG.uniform(0, 1, (12, 4))}])
def test_gradients_of_the_sum(sample_weight):
    model = heads(optimizer=optimizers.SGD(1.0), loss_weights={"left": 0.7})
    given = [A, B], [CLASS, STEPS], sample_weight
    before = model.get_weights()
    model.train_on_batch(*given)
    steps = [old - v.numpy() for old, v in zip(before, model.weights, strict=True)]
    model.set_weights(before)
    assert_variable_gradients(lambda: model.test_on_batch(*given)[0], model.weights, steps)


def test_names_and_order_of_metrics():
    model = heads(metrics={"left": ["accuracy", "accuracy"], "right": "mae"}, weighted_metrics=[None, ["mae"]])
    weight = RNG.uniform(0, 1, 12)
    history = model.fit([A, B], [CLASS, STEPS], sample_weight=weight, validation_split=0.25, epochs=2, verbose=0)
    names = ["loss", "left_loss", "right_loss", "left_accuracy", "left_accuracy_1", "right_mae", "right_weighted_mae"]
    assert list(history.history) == names + [f"val_{name}" for name in names]
    values = model.evaluate([A, B], [CLASS, STEPS], sample_weight=weight, verbose=0)
    logs = model.test_on_batch([A, B], [CLASS, STEPS], sample_weight=weight, return_dict=True)
    assert values == pytest.approx(list(logs.values()))
    left, right = model.predict((A, B))
    real = (B != 0).any(-1)
    error = np.abs(right - STEPS)[..., 0]
    assert logs["left_accuracy"] == logs["left_accuracy_1"] == (left.argmax(-1) == CLASS).mean()
    assert logs["right_mae"] == pytest.approx(error[real].mean())
    assert logs["right_weighted_mae"] == pytest.approx(np.average(error, weights=real * weight[:, None]))


def test_an_output_without_a_loss_needs_no_labels_and_teaches_nothing():
    model = heads({"left": "sparse_categorical_crossentropy"})
    before = model.right.get_weights()
    for labels in ({"left": CLASS}, [CLASS, None], [CLASS]):
        model.fit([A, B], labels, verbose=0)
        assert list(model.history.history) == ["loss"]
    for old, new in zip(before, model.right.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    only_metric = heads({"left": "sparse_categorical_crossentropy"}, metrics={"right": "mae"})
    with pytest.raises(ValueError, match="fit: y is missing for output 'right'"):
        only_metric.fit([A, B], [CLASS], verbose=0)


def test_outputs_come_in_their_order():
    model = heads()
    left, right = model.predict({"b": B, "a": A, "unused": A}, batch_size=5)
    np.testing.assert_array_equal(left, model.left(A))
    np.testing.assert_array_equal(right, model.right(B))
    for one, two in zip(model.predict_on_batch([A, B]), (left, right), strict=True):
        np.testing.assert_array_equal(one, two)
    assert [part.shape for part in model.predict([A[:0], B[:0]])] == [(0, 3), (0, 4, 1)]


def test_compile_config_round_trip():
    model = heads(loss_weights=[1.0, 0.3], metrics={"left": ["accuracy", metrics.MeanSquaredError()]})
    config = model.get_compile_config()
    other = TwoHeads()
    other.compile_from_config(config)
    assert other.get_compile_config() == config and config["loss_weights"] == [1.0, 0.3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.fit(A, [CLASS, STEPS]), "fit: x: expected 2, a list or a dictionary for 'a', 'b', got one"),
        (lambda m: m.fit([A], [CLASS, STEPS]), "fit: x: expected 2, .*got 1 of them"),
        (lambda m: m.fit({"a": A}, [CLASS, STEPS]), "fit: x: expected a dictionary with 'a', 'b', got 'a'"),
        (lambda m: m.fit([A, B[:5]], [CLASS, STEPS]), r"as many samples each, got \[12, 5\]"),
        (lambda m: m.fit([A, B], {"lift": CLASS}), "fit: y: expected a dictionary with 'left', 'right', got 'lift'"),
        (lambda m: m.fit([A, B], [CLASS, STEPS[:5]]), r"x has 12 samples, y has shape \(5, 4, 1\)"),
        (lambda m: m.fit([A, B], [CLASS, STEPS], class_weight={0: 2.0}), "class_weight is for models of one output"),
        (lambda m: m.fit([A, B], [CLASS + 3, STEPS]), "out of range"),
        (lambda m: m.compile("sgd", {"middle": "mse"}), "loss names 'middle'; the model's outputs are 'left', 'right'"),
        (lambda m: m.compile("sgd", ["mse"]), r"loss must have one entry per output \('left', 'right'\), got 1"),
        (lambda m: m.compile("sgd", "mse", metrics=["mae"]), "metrics must be a dictionary by output name or a list"),
        (lambda m: m.compile("sgd", "mse", loss_weights={"left": "x"}), "loss_weights must be a number"),
        (lambda m: (m.compile("sgd", [None, None]), m.fit([A, B], [CLASS, STEPS])), "without a loss"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(heads())
