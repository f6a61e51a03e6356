"""compile: what it takes, its config, and what compile and fit refuse before any work."""

import numpy as np
import pytest
from sign_of_a_sum import SIGN, X, classifier, compiled

from rnnfast import losses, metrics, optimizers


@pytest.mark.parametrize(
    ("optimizer", "loss", "metric"),
    [
        ("adam", "sparse_categorical_crossentropy", "accuracy"),
        (optimizers.Adam, losses.SparseCategoricalCrossentropy, metrics.SparseCategoricalAccuracy),
        (optimizers.Adam(0.1), losses.SparseCategoricalCrossentropy(), metrics.SparseCategoricalAccuracy()),
        ("RMSprop", losses.sparse_categorical_crossentropy, lambda t, p: t == p.argmax(-1)),
    ],
)
def test_compile_takes_names_classes_and_instances(optimizer, loss, metric):
    model = compiled(optimizer, loss, metrics=metric)
    expected = (model.predict(X).argmax(1) == SIGN).mean()
    assert model.evaluate(X, SIGN, verbose=0)[1] == pytest.approx(expected)


def test_compile_config_round_trip():
    model = compiled(optimizers.SGD(0.3, clipnorm=1.0), "mse", metrics=["mae", metrics.BinaryAccuracy(threshold=0.2)])
    copy = classifier()
    assert copy.get_compile_config() is None
    copy.compile_from_config(model.get_compile_config())
    assert copy.get_compile_config() == model.get_compile_config()
    assert copy.optimizer.clipnorm == 1.0 and isinstance(copy.loss, losses.MeanSquaredError)


BAD = [
    (lambda m: classifier().fit(X, SIGN), ValueError, "fit: the model is not compiled"),
    (lambda m: classifier().evaluate(X, SIGN), ValueError, "evaluate: the model is not compiled"),
    (lambda m: classifier().train_on_batch(X, SIGN), ValueError, "train_on_batch: the model is not compiled"),
    (lambda m: m.fit(X), ValueError, "y is missing"),
    (lambda m: m.fit(X, SIGN[:5]), ValueError, r"x has 64 samples, y has shape \(5,\)"),
    (lambda m: m.fit(X[:0], SIGN[:0]), ValueError, "no samples"),
    (lambda m: m.fit(X[:, :, :2], SIGN), ValueError, r"\(64, 6, 2\)"),
    (lambda m: m.fit(X, SIGN + 1), ValueError, "class 2 in y_true is out of range"),
    (lambda m: m.fit(X, np.eye(2)[SIGN]), ValueError, r"y_true of shape \(64,\)"),
    (lambda m: m.fit(X, SIGN, batch_size=0), ValueError, "batch_size"),
    (lambda m: m.fit(X, SIGN, verbose=3), ValueError, "verbose"),
    (lambda m: m.fit(X, SIGN, validation_split=1.0), ValueError, "validation_split"),
    (lambda m: m.fit(X, SIGN, validation_data=X), ValueError, "validation_data"),
    (lambda m: m.fit(X, SIGN, validation_data=(X, SIGN + 5)), ValueError, "out of range"),
    (lambda m: m.fit(X, SIGN, sample_weight=[1.0]), ValueError, "sample_weight must have one entry per sample"),
    (lambda m: m.fit(X, SIGN, sample_weight=np.ones(64), class_weight={}), ValueError, "either sample_weight or"),
    (lambda m: m.fit(X, SIGN, class_weight=[1]), TypeError, "class_weight must be a dictionary"),
    (lambda m: m.fit(X, SIGN, callbacks=[3]), TypeError, "callbacks must be"),
    (lambda m: m.fit(X, SIGN, steps_per_epoch=0), ValueError, "fit: steps_per_epoch must be a positive integer"),
    (lambda m: m.fit(iter([X]), SIGN), ValueError, "fit: y must be left out where x gives batches"),
    (lambda m: m.fit(5, SIGN), TypeError, "fit: x must be an array"),
    (lambda m: m.compile("adamm"), ValueError, "'adam'"),
    (lambda m: m.compile("adam", "mze"), ValueError, "'mse'"),
    (lambda m: m.compile("adam", "mse", metrics=["accurate"]), ValueError, "unknown metric 'accurate'"),
    (
        lambda m: m.compile("adam", "mse", metrics={"a": "mse"}),
        ValueError,
        "metrics names 'a'; the model's",
    ),
    (lambda m: m.compile("adam", {"a": "mse"}), ValueError, "loss names 'a'; the model's outputs are"),
    (lambda m: m.compile("adam", ["mse", "mse"]), ValueError, "loss must have one entry per output"),
    (lambda m: m.compile("adam", "mse", loss_weights=[1, 2]), ValueError, "loss_weights must have one entry"),
    (lambda m: (m.compile("adam"), m.fit(X, SIGN)), ValueError, "without a loss"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_errors_come_before_any_work(call, kind, message):
    model = compiled()
    before = model.get_weights()
    with pytest.raises(kind, match=message):
        call(model)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
