"""Metrics against Keras': results over several batches with and without weights, configurations, names."""

import numpy as np
import pytest

import rnnfast

SAMPLES, CLASSES = 23, 6


def scores(rng, shape):
    return rng.uniform(0, 1, (*shape, CLASSES)).astype("float32")


def probabilities(rng, shape):
    p = scores(rng, shape) + 0.05
    return p / p.sum(axis=-1, keepdims=True)


def real(rng, shape):
    return rng.normal(size=(*shape, CLASSES)).astype("float32")


def ids(rng, shape):
    return rng.integers(0, CLASSES, (*shape, CLASSES)).astype("float32")


def one_hot(rng, shape):
    return np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, shape)]


def binary(rng, shape):
    return rng.integers(0, 2, (*shape, CLASSES)).astype("float32")


def labels(rng, shape):
    return rng.integers(0, CLASSES, shape)


# (class, arguments, targets, predictions)
CASES = [
    ("MeanSquaredError", {}, real, real),
    ("RootMeanSquaredError", {}, real, real),
    ("MeanAbsoluteError", {}, real, real),
    ("MeanAbsolutePercentageError", {}, real, real),
    ("MeanSquaredLogarithmicError", {}, scores, scores),
    ("LogCoshError", {}, real, real),
    ("CosineSimilarity", {}, real, real),
    ("KLDivergence", {}, probabilities, probabilities),
    ("Poisson", {}, scores, scores),
    ("Hinge", {}, binary, real),
    ("SquaredHinge", {}, binary, real),
    ("CategoricalHinge", {}, one_hot, real),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, binary, scores),
    ("BinaryCrossentropy", {"from_logits": True}, binary, real),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, one_hot, probabilities),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, labels, real),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, labels, probabilities),
    ("Accuracy", {}, ids, ids),
    ("BinaryAccuracy", {"threshold": 0.3}, binary, scores),
    ("CategoricalAccuracy", {}, one_hot, scores),
    ("SparseCategoricalAccuracy", {}, labels, scores),
    ("TopKCategoricalAccuracy", {"k": 2}, one_hot, scores),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, labels, scores),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, labels, ids),
    ("TruePositives", {}, binary, scores),
    ("FalsePositives", {"thresholds": [0.7, 0.2]}, binary, scores),
    ("TrueNegatives", {"thresholds": [0.1, 0.4, 0.8]}, binary, scores),
    ("FalseNegatives", {"thresholds": 0.9}, binary, scores),
    ("Precision", {}, binary, scores),
    ("Precision", {"thresholds": [0.25, 0.75], "class_id": 2}, binary, scores),
    ("Precision", {"top_k": 2}, binary, scores),
    ("Recall", {"thresholds": 0.6}, binary, scores),
    ("Recall", {"top_k": 3, "class_id": 1}, binary, scores),
    ("SensitivityAtSpecificity", {"specificity": 0.6}, binary, scores),
    ("SpecificityAtSensitivity", {"sensitivity": 0.4, "num_thresholds": 50}, binary, scores),
    ("PrecisionAtRecall", {"recall": 0.5, "class_id": 3}, binary, scores),
    ("RecallAtPrecision", {"precision": 0.55}, binary, scores),
    ("AUC", {}, binary, scores),
    ("AUC", {"curve": "PR"}, binary, scores),
    ("AUC", {"curve": "PR", "summation_method": "majoring", "num_thresholds": 30}, binary, scores),
    ("AUC", {"summation_method": "minoring", "thresholds": [0.1, 0.7, 0.3]}, binary, scores),
    ("AUC", {"from_logits": True}, binary, real),
    ("AUC", {"label_weights": [1.0, 2.0, 0.5, 1.0, 0.0, 3.0]}, binary, scores),
    ("AUC", {"multi_label": True}, binary, scores),
    ("AUC", {"multi_label": True, "curve": "PR", "label_weights": [1, 2, 0.5, 1, 0, 3.0]}, binary, scores),
    ("F1Score", {}, binary, scores),
    ("F1Score", {"average": "weighted", "threshold": 0.4}, binary, scores),
    ("FBetaScore", {"average": "micro", "beta": 2.0}, one_hot, scores),
    ("FBetaScore", {"average": "macro", "beta": 0.5, "threshold": 0.5}, binary, scores),
    ("R2Score", {}, real, real),
    ("R2Score", {"class_aggregation": None}, real, real),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, real, real),
]
SAMPLES_ONLY = ("F1Score", "FBetaScore", "R2Score")


def names(case):
    return f"{case[0]}-{'-'.join(map(str, case[1].values()))}"


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES, ids=names)
def test_results(keras, same_output, case, weighted):
    name, arguments, targets, predictions = case
    rng = np.random.default_rng(1)
    peer, fast = (getattr(n.metrics, name)(**arguments) for n in (keras, rnnfast))
    for batch in (SAMPLES, 5):  # the second one is smaller: means of batches are not enough
        y_true, y_pred = targets(rng, (batch,)), predictions(rng, (batch,))
        weights = rng.uniform(0.2, 2, batch).astype("float32") if weighted else None
        for metric in (peer, fast):
            metric.update_state(y_true, y_pred, sample_weight=weights)
        same_output(fast.result(), np.asarray(peer.result()), name)
    fast.reset_state()
    y_true, y_pred = targets(rng, (SAMPLES,)), predictions(rng, (SAMPLES,))
    same_output(fast(y_true, y_pred), np.asarray(type(peer)(**arguments)(y_true, y_pred)), f"{name} begun anew")


@pytest.mark.parametrize(
    "case", [c for c in CASES if c[0] not in SAMPLES_ONLY and "multi_label" not in c[1]], ids=names
)
def test_results_of_sequences(keras, same_output, case):
    name, arguments, targets, predictions = case
    if "class_id" in arguments or "label_weights" in arguments:
        pytest.skip("Keras' own broadcasting of weights needs samples alone")
    rng = np.random.default_rng(2)
    y_true, y_pred = targets(rng, (SAMPLES, 4)), predictions(rng, (SAMPLES, 4))
    results = [np.asarray(getattr(n.metrics, name)(**arguments)(y_true, y_pred)) for n in (keras, rnnfast)]
    same_output(results[1], results[0], name)


@pytest.mark.parametrize("case", CASES, ids=names)
def test_configurations_go_both_ways(keras, same_output, case):
    name, arguments, targets, predictions = case
    rng = np.random.default_rng(3)
    y_true, y_pred = targets(rng, (SAMPLES,)), predictions(rng, (SAMPLES,))
    expected = getattr(rnnfast.metrics, name)(**arguments)(y_true, y_pred)
    here = keras.metrics.deserialize(rnnfast.metrics.serialize(getattr(rnnfast.metrics, name)(**arguments)))
    same_output(np.asarray(here(y_true, y_pred)), expected, f"{name} that Keras made")
    if name != "CosineSimilarity":
        there = keras.metrics.serialize(getattr(keras.metrics, name)(**arguments))
        if "label_weights" not in arguments:  # Keras writes a tensor there
            same_output(rnnfast.metrics.deserialize(there)(y_true, y_pred), expected, f"{name} that Keras wrote")


@pytest.mark.parametrize("values", [[1.0, 4.0, 2.5], [[1.0, 2.0], [5.0, 3.0]]])
@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_numbers(keras, same_output, name, values):
    for weights in (None, [0.5, 2.0, 1.0][: len(values)]):
        peer, fast = (getattr(n.metrics, name)() for n in (keras, rnnfast))
        for metric in (peer, fast):
            metric.update_state(values, sample_weight=weights)
            metric.update_state(7.0)
        same_output(fast.result(), np.asarray(peer.result()), name)


def test_names(keras):
    known = {name for name in keras.src.metrics.ALL_OBJECTS_DICT if not name.endswith(("IoU", "_iou", "io_u", "iou"))}
    others = {"ConcordanceCorrelation", "PearsonCorrelation", "concordance_correlation", "pearson_correlation"}
    bases = {"Metric", "metric", "MeanMetricWrapper", "mean_metric_wrapper"}
    assert known - set(rnnfast.metrics._registry.names()) <= others | bases
    for name in ("mse", "auc", "precision", "cosine_similarity", "top_k_categorical_accuracy"):
        assert rnnfast.metrics.get(name).name == name


@pytest.mark.parametrize("masked", [False, True])
def test_in_fit(keras, twins, same_output, masked):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(20, 5, 3)).astype("float32")
    if masked:
        x[::2, 3:] = 0
    y = rng.integers(0, 2, (20, 5, 1)).astype("float32")

    def build(n):
        layers = [n.layers.Input((5, 3)), *([n.layers.Masking()] if masked else [])]
        last = n.layers.TimeDistributed(n.layers.Dense(1, activation="sigmoid"))
        return n.Sequential([*layers, n.layers.LSTM(4, return_sequences=True), last])

    results = []
    models = twins(build)
    for n, model in zip((keras, rnnfast), models, strict=True):
        followed = [n.metrics.AUC(name="auc"), n.metrics.Precision(name="p"), "mse", n.metrics.RootMeanSquaredError()]
        model.compile("sgd", "binary_crossentropy", metrics=followed)
        results.append(model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True))
    assert set(results[0]) == set(results[1])
    for key, expected in results[0].items():
        same_output(results[1][key], expected, key)


def compiled(n, optimizer="adam"):
    model = n.Sequential([n.layers.Input((4, 3)), n.layers.GRU(5), n.layers.Dense(CLASSES, activation="softmax")])
    followed = [n.metrics.AUC(curve="PR"), n.metrics.Recall(top_k=2), n.metrics.F1Score(average="macro"), "mse"]
    model.compile(optimizer, n.losses.CategoricalFocalCrossentropy(gamma=1.0, label_smoothing=0.1), metrics=followed)
    return model


def test_weights_files_go_both_ways(keras, twins, same_gradient, tmp_path):
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(9, 4, 3)).astype("float32"), one_hot(rng, (9,))

    def with_momentum(n):
        return compiled(n, n.optimizers.SGD(0.1, momentum=0.9))

    peer, fast = twins(with_momentum)
    others = with_momentum(keras), with_momentum(rnnfast)
    for model in (peer, fast):
        model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    peer.save_weights(tmp_path / "theirs.weights.h5")
    fast.save_weights(tmp_path / "ours.weights.h5")
    others[0].optimizer.build(others[0].trainable_variables)  # Keras has no place for its state before
    others[0].load_weights(tmp_path / "ours.weights.h5")
    others[1].load_weights(tmp_path / "theirs.weights.h5")
    for model in (peer, fast, *others):  # the optimizers go on, too
        model.fit(x, y, epochs=1, shuffle=False, verbose=0)
    for one, other in ((others[0], fast), (others[1], peer)):
        for actual, expected in zip(one.get_weights(), other.get_weights(), strict=True):
            same_gradient(actual, expected, "weights after one more epoch")


def test_files_carry_losses_and_metrics(keras, twins, same_output, tmp_path):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(9, 4, 3)).astype("float32"), one_hot(rng, (9,))
    peer, fast = twins(compiled)
    expected = peer.evaluate(x, y, verbose=0)
    peer.save(tmp_path / "theirs.keras")
    fast.save(tmp_path / "ours.keras")
    same_output(rnnfast.load_model(tmp_path / "theirs.keras").evaluate(x, y, verbose=0), expected, "their file here")
    same_output(keras.saving.load_model(tmp_path / "ours.keras").evaluate(x, y, verbose=0), expected, "our file there")
