"""Losses and metrics against Keras: values, gradients through a model, and what `accuracy` means for each loss."""

import numpy as np
import pytest

import rnnfast

SAMPLES, FEATURES, CLASSES = 21, 4, 5


def one_hot(rng, shape):
    return np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, shape)]


def labels(rng, shape):
    return rng.integers(0, CLASSES, shape)


def column_of_labels(rng, shape):
    return labels(rng, shape)[..., None]


def zeros_and_ones(rng, shape):
    return rng.integers(0, 2, (*shape, CLASSES)).astype(np.float32)


def soft_targets(rng, shape):
    return rng.uniform(0, 1, (*shape, CLASSES)).astype(np.float32)


def real_targets(rng, shape):
    return rng.normal(0, 1, (*shape, CLASSES)).astype(np.float32)


# name -> (loss of a namespace, activation of the output layer, targets)
LOSSES = {
    "mse": (lambda n: "mse", "linear", real_targets),
    "mae": (lambda n: n.losses.MeanAbsoluteError(), "linear", real_targets),
    "mean_squared_error_class": (lambda n: n.losses.MeanSquaredError(), "tanh", real_targets),
    "binary": (lambda n: "binary_crossentropy", "sigmoid", zeros_and_ones),
    "binary_soft": (lambda n: n.losses.BinaryCrossentropy(), "sigmoid", soft_targets),
    "binary_at_the_clip": (lambda n: "binary_crossentropy", "hard_sigmoid", zeros_and_ones),
    "binary_logits": (lambda n: n.losses.BinaryCrossentropy(from_logits=True), "linear", zeros_and_ones),
    "categorical": (lambda n: "categorical_crossentropy", "softmax", one_hot),
    "categorical_normalises": (lambda n: "categorical_crossentropy", "softplus", one_hot),
    "categorical_logits": (lambda n: n.losses.CategoricalCrossentropy(from_logits=True), "linear", one_hot),
    "sparse": (lambda n: "sparse_categorical_crossentropy", "softmax", labels),
    "sparse_column": (lambda n: "sparse_categorical_crossentropy", "softmax", column_of_labels),
    "sparse_normalises": (lambda n: "sparse_categorical_crossentropy", "sigmoid", labels),
    "sparse_logits": (lambda n: n.losses.SparseCategoricalCrossentropy(from_logits=True), "linear", labels),
}


def dense_model(activation):
    return lambda n: n.Sequential([n.layers.Input((FEATURES,)), n.layers.Dense(CLASSES, activation=activation)])


def sequence_model(activation):
    return lambda n: n.Sequential(
        [
            n.layers.Input((3, FEATURES)),
            n.layers.GRU(6, return_sequences=True),
            n.layers.TimeDistributed(n.layers.Dense(CLASSES, activation=activation)),
        ]
    )


@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_rows(twins, same_step, name):
    loss, activation, targets = LOSSES[name]
    rng = np.random.default_rng(1)
    # Large inputs, so that probabilities come near 0 and 1 too.
    x = (4 * rng.normal(size=(SAMPLES, FEATURES))).astype(np.float32)
    same_step(*twins(dense_model(activation)), x, targets(rng, (SAMPLES,)), loss)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_sequences(twins, same_step, name):
    loss, activation, targets = LOSSES[name]
    rng = np.random.default_rng(2)
    x = rng.normal(size=(SAMPLES, 3, FEATURES)).astype(np.float32)
    same_step(*twins(sequence_model(activation)), x, targets(rng, (SAMPLES, 3)), loss)


@pytest.mark.parametrize("model", [dense_model, sequence_model])
@pytest.mark.parametrize("name", LOSSES)
def test_metrics(keras, twins, same_output, model, name):
    loss, activation, targets = LOSSES[name]
    rng = np.random.default_rng(3)
    peer, fast = twins(model(activation))
    shape = (SAMPLES,) if model is dense_model else (SAMPLES, 3)
    x = rng.normal(size=(*shape, FEATURES)).astype(np.float32)
    y = targets(rng, shape)
    metrics = ["accuracy"] if targets in (labels, column_of_labels) else ["accuracy", "mse", "mae"]
    results = []
    for namespace, m in ((keras, peer), (rnnfast, fast)):
        m.compile("sgd", loss(namespace), metrics=metrics)
        # A last batch that is smaller: its part in the mean is smaller too.
        results.append(m.evaluate(x, y, batch_size=8, verbose=0, return_dict=True))
    assert set(results[1]) == set(results[0])
    for key, expected in results[0].items():
        same_output(results[1][key], expected, key)


def test_accuracy_of_one_column_of_probabilities(twins, same_output):
    rng = np.random.default_rng(4)
    peer, fast = twins(lambda n: n.Sequential([n.layers.Input((FEATURES,)), n.layers.Dense(1, activation="sigmoid")]))
    x = rng.normal(size=(SAMPLES, FEATURES)).astype(np.float32)
    y = rng.integers(0, 2, SAMPLES)
    results = []
    for model in (peer, fast):
        model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
        results.append(model.evaluate(x, y, batch_size=8, verbose=0))
    same_output(results[1], results[0], "loss and accuracy")


def test_masked_steps_do_not_count_in_the_loss(twins, same_step):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(SAMPLES, 3, FEATURES)).astype(np.float32)
    x[::2, 1:] = 0
    x[1::4, 0] = 0
    peer, fast = twins(
        lambda n: n.Sequential(
            [
                n.layers.Input((3, FEATURES)),
                n.layers.Masking(),
                n.layers.LSTM(6, return_sequences=True),
                n.layers.TimeDistributed(n.layers.Dense(CLASSES, activation="softmax")),
            ]
        )
    )
    same_step(peer, fast, x, labels(rng, (SAMPLES, 3)), "sparse_categorical_crossentropy")
