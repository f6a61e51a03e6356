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


def signs(rng, shape):
    return 2 * zeros_and_ones(rng, shape) - 1


def labels_or_none(rng, shape):
    return rng.integers(-1, CLASSES, shape)


# name -> (loss of a namespace, activation of the output layer, targets)
LOSSES = {
    "mse": (lambda n: "mse", "linear", real_targets),
    "mae": (lambda n: n.losses.MeanAbsoluteError(), "linear", real_targets),
    "mape": (lambda n: "mape", "linear", real_targets),
    "msle": (lambda n: "msle", "softplus", soft_targets),
    "huber": (lambda n: n.losses.Huber(delta=0.4), "linear", real_targets),
    "huber_sum": (lambda n: n.losses.Huber(reduction="sum"), "linear", real_targets),
    "log_cosh": (lambda n: "log_cosh", "linear", real_targets),
    "cosine": (lambda n: n.losses.CosineSimilarity(), "linear", real_targets),
    "cosine_of_columns": (lambda n: n.losses.CosineSimilarity(axis=1), "linear", real_targets),
    "poisson": (lambda n: "poisson", "softplus", soft_targets),
    "kl_divergence": (lambda n: "kl_divergence", "softmax", soft_targets),
    "hinge": (lambda n: "hinge", "tanh", zeros_and_ones),
    "hinge_of_signs": (lambda n: "hinge", "tanh", signs),
    "squared_hinge": (lambda n: "squared_hinge", "tanh", zeros_and_ones),
    "categorical_hinge": (lambda n: "categorical_hinge", "linear", one_hot),
    "binary_smoothed": (lambda n: n.losses.BinaryCrossentropy(label_smoothing=0.2), "sigmoid", zeros_and_ones),
    "binary_focal": (lambda n: n.losses.BinaryFocalCrossentropy(), "sigmoid", zeros_and_ones),
    "binary_focal_balanced": (
        lambda n: n.losses.BinaryFocalCrossentropy(True, alpha=0.4, gamma=1.5, from_logits=True, label_smoothing=0.1),
        "linear",
        zeros_and_ones,
    ),
    "categorical_focal": (lambda n: n.losses.CategoricalFocalCrossentropy(), "softmax", one_hot),
    "categorical_focal_logits": (
        lambda n: n.losses.CategoricalFocalCrossentropy(alpha=0.5, gamma=1.0, from_logits=True, label_smoothing=0.1),
        "linear",
        one_hot,
    ),
    "sparse_ignored": (lambda n: n.losses.SparseCategoricalCrossentropy(ignore_class=2), "softmax", labels),
    "sparse_ignored_logits": (
        lambda n: n.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1),
        "linear",
        labels_or_none,
    ),
    "mean_squared_error_class": (lambda n: n.losses.MeanSquaredError(), "tanh", real_targets),
    "binary": (lambda n: "binary_crossentropy", "sigmoid", zeros_and_ones),
    "binary_soft": (lambda n: n.losses.BinaryCrossentropy(), "sigmoid", soft_targets),
    "binary_at_the_clip": (lambda n: "binary_crossentropy", "hard_sigmoid", zeros_and_ones),
    "binary_logits": (lambda n: n.losses.BinaryCrossentropy(from_logits=True), "linear", zeros_and_ones),
    "categorical": (lambda n: "categorical_crossentropy", "softmax", one_hot),
    "categorical_normalizes": (lambda n: "categorical_crossentropy", "softplus", one_hot),
    "categorical_logits": (lambda n: n.losses.CategoricalCrossentropy(from_logits=True), "linear", one_hot),
    "sparse": (lambda n: "sparse_categorical_crossentropy", "softmax", labels),
    "sparse_column": (lambda n: "sparse_categorical_crossentropy", "softmax", column_of_labels),
    "sparse_normalizes": (lambda n: "sparse_categorical_crossentropy", "sigmoid", labels),
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
    sparse = (labels, column_of_labels, labels_or_none)
    metrics = ["accuracy"] if targets in sparse else ["accuracy", "mse", "mae"]
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


@pytest.mark.parametrize("reduction", ["sum", "mean", "mean_with_sample_weight", "none", None])
@pytest.mark.parametrize("ignored", [None, 1])
def test_reductions(keras, same_output, reduction, ignored):
    rng = np.random.default_rng(6)
    y_true, y_pred = rng.integers(0, CLASSES, 7), rng.normal(size=(7, CLASSES)).astype("float32")
    for weights in (None, rng.uniform(0.5, 2, 7).astype("float32")):
        values = [
            n.losses.SparseCategoricalCrossentropy(True, ignored, reduction)(y_true, y_pred, weights)
            for n in (keras, rnnfast)
        ]
        same_output(values[1], np.asarray(values[0]), f"{reduction}")


def test_ctc(keras, torch, same_output, same_gradient):
    rng = np.random.default_rng(7)
    time, classes, lengths = 12, 6, np.array([5, 3, 0, 1])
    labels = rng.integers(1, classes, (4, 5)) * (np.arange(5) < lengths[:, None])
    labels[0, 1] = labels[0, 0]
    x = rng.normal(size=(4, time, classes)).astype("float32")
    loss = rnnfast.losses.CTC()
    peer = torch.tensor(x, requires_grad=True)
    log_p = torch.log_softmax(peer, dim=-1).transpose(0, 1)
    values = torch.nn.functional.ctc_loss(
        log_p, torch.tensor(labels), torch.full((4,), time), torch.tensor(lengths), reduction="none"
    )
    values.mean().backward()
    same_output(rnnfast.losses.ctc(labels, x), values.detach().numpy(), "loss")
    same_gradient(loss.slope(labels, x).gradient, peer.grad.numpy(), "gradient")
    same_output(loss(labels, x), np.asarray(keras.losses.CTC()(labels, x)), "loss of Keras")


@pytest.mark.parametrize("blank", [0, 3])
def test_ctc_decode(keras, same_output, blank):
    rng = np.random.default_rng(8)
    x, lengths = rng.normal(size=(3, 6, 4)).astype("float32") * 2, np.array([6, 5, 3])
    for merge in (True, False):
        options = {"merge_repeated": merge, "mask_index": blank}
        expected = keras.ops.ctc_decode(x, lengths, **options)
        paths, scores = rnnfast.utils.ctc_decode(x, lengths, **options)
        np.testing.assert_array_equal(paths, np.asarray(expected[0]))
        same_output(scores, np.asarray(expected[1]), "scores")
    options = {"strategy": "beam_search", "beam_width": 60, "top_paths": 3, "mask_index": blank}
    expected = keras.ops.ctc_decode(x, lengths, **options)
    paths, scores = rnnfast.utils.ctc_decode(x, lengths, **options)
    np.testing.assert_array_equal(paths, np.asarray(expected[0]))
    same_output(scores, np.asarray(expected[1]), "scores of the search")


ALONG_AN_AXIS = {
    "binary": (lambda n, **o: n.losses.BinaryCrossentropy(**o), None, zeros_and_ones),
    "categorical": (lambda n, **o: n.losses.CategoricalCrossentropy(**o), "CategoricalCrossentropy", zeros_and_ones),
    "sparse": (lambda n, **o: n.losses.SparseCategoricalCrossentropy(**o), "SparseCategoricalCrossentropy", None),
    "binary_focal": (lambda n, **o: n.losses.BinaryFocalCrossentropy(**o), None, zeros_and_ones),
    "categorical_focal": (lambda n, **o: n.losses.CategoricalFocalCrossentropy(**o), None, zeros_and_ones),
}


@pytest.mark.parametrize("smoothing", [None, 0.3])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("name", ALONG_AN_AXIS)
def test_other_axes(keras, torch, same_output, same_gradient, name, from_logits, smoothing):
    """Values, gradients, and the metric of the name, with the classes on axis 1 of (samples, classes, time)."""
    loss, metric, targets = ALONG_AN_AXIS[name]
    rng = np.random.default_rng(9)
    logits = rng.normal(size=(SAMPLES, 3, CLASSES)).astype(np.float32)
    y_pred = logits if from_logits else (0.1 + np.abs(logits)) / (0.3 + np.abs(logits).sum(axis=1, keepdims=True))
    y_true = rng.integers(0, 3, (SAMPLES, CLASSES)) if targets is None else targets(rng, (SAMPLES, 3))
    options = {"from_logits": from_logits, "axis": 1}
    if smoothing is not None and targets is not None:
        options["label_smoothing"] = smoothing  # over as many classes as the last axis has, in Keras on any axis
    peer = torch.tensor(y_pred, requires_grad=True)
    value = loss(keras, **options)(torch.tensor(y_true), peer)
    value.backward()
    slope = loss(rnnfast, **options).slope(y_true, y_pred)
    same_output(slope.value, value.item())
    same_gradient(slope.gradient, peer.grad.numpy())
    assert rnnfast.losses.deserialize(rnnfast.losses.serialize(loss(rnnfast, **options))).axis == 1
    if metric is not None:  # Keras' binary one has no axis
        measured = [getattr(n.metrics, metric)(**options)(y_true, y_pred) for n in (keras, rnnfast)]
        same_output(measured[1], float(measured[0]), metric)
