"""fit called with arguments of a wrong kind, labels that are none, and losses that overflow."""

import numpy as np
import pytest

import rnnfast
from rnnfast import layers, optimizers
from rnnfast.callbacks import Callback

X = np.random.default_rng(0).normal(size=(8, 5, 3)).astype("float32")
Y = np.ones((8, 2), "float32")


def compiled(loss="mse", **options):
    model = rnnfast.Sequential([layers.Input((5, 3)), layers.GRU(3), layers.Dense(2, **options)])
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize("value", [None, 1.5, "x", [], np.ones(3), -1, True])
@pytest.mark.parametrize("argument", ["epochs", "initial_epoch", "validation_freq"])
def test_counts(argument, value):
    with pytest.raises(ValueError, match=f"fit: {argument} must be a"):
        compiled().fit(X, Y, verbose=0, **{argument: value})


@pytest.mark.parametrize("split", ["x", [], {}, True, float("nan"), 1.0, -0.5])
def test_validation_split(split):
    with pytest.raises(ValueError, match="validation_split must"):
        compiled().fit(X, Y, validation_split=split, verbose=0)


@pytest.mark.parametrize("callbacks", [5, "x", {}, Callback, [Callback], [None]])
def test_callbacks(callbacks):
    with pytest.raises(TypeError, match="callbacks must be"):
        compiled().fit(X, Y, callbacks=callbacks, verbose=0)


@pytest.mark.parametrize("weights", [{0: "a"}, {0: None}, {0: np.nan}, {"0": 5}, {0: [1]}])
def test_class_weights(weights):
    model = compiled("sparse_categorical_crossentropy", activation="softmax")
    with pytest.raises((TypeError, ValueError), match="fit: class_weight"):
        model.fit(X, np.zeros(8), class_weight=weights, verbose=0)


@pytest.mark.parametrize("label", [np.nan, np.inf, -1, 0.5, 2, 2.0**70])
def test_labels_that_are_no_classes(label):
    model = compiled("sparse_categorical_crossentropy", activation="softmax")
    y = np.array([0, 1, 0, 1, 0, 1, 0, label])
    with pytest.raises(ValueError, match="in y_true is out of range: expected an integer from 0 to 1") as error:
        model.fit(X, y, verbose=0)
    assert f"class {y[-1]} in" in str(error.value)


def test_a_loss_that_overflows_before_the_first_update():
    model = compiled()
    before = model.get_weights()
    with (
        np.errstate(over="ignore"),
        pytest.raises(optimizers.NonFiniteError, match=r"batch 1: the loss is inf before the first update"),
    ):
        model.fit(X, 1e30 * Y, verbose=0)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("hook", [name for name in dir(Callback) if name.startswith("on_") and "predict" not in name])
@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_a_callback_that_raises_leaves_a_model_that_works(hook, verbose, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    model, callback = compiled(), type("Stop", (Callback,), {hook: stop})()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=4, validation_split=0.5, verbose=verbose, callbacks=[callback])
    model.fit(X, Y, verbose=0)
    np.testing.assert_allclose(model.predict(X), model(X), rtol=1e-5, atol=1e-6)
