"""Data beside Keras: its utilities, PyTorch's DataLoader, and how arguments of fit weigh."""

import numpy as np
import pytest

import rnnfast

RNG = np.random.default_rng(7)
X, Y, W = RNG.normal(size=(22, 4, 3)).astype("float32"), RNG.integers(0, 3, 22), RNG.uniform(0.2, 2, 22)
STEPS = RNG.normal(size=(22, 4, 2)).astype("float32")


def classifier(namespace):
    layers = namespace.layers
    return namespace.Sequential(
        [layers.Input((4, 3), name="rows"), layers.GRU(5), layers.Dense(3, activation="softmax", name="out")]
    )


def tagger(namespace):
    layers = namespace.layers
    return namespace.Sequential([layers.Input((None, 3)), layers.LSTM(4, return_sequences=True), layers.Dense(2)])


class Both:
    """The data sets of one kind in both packages."""

    def __init__(self, keras):
        self.keras = keras

    def batches(self, namespace, *arrays):
        class Batches(namespace.utils.PyDataset):
            def __len__(self):
                return 3

            def __getitem__(self, index):
                return tuple(a[index * 8 : index * 8 + 8] for a in arrays)

        return Batches()


def same_logs(actual, expected):
    assert sorted(actual) == sorted(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(actual[name], values, rtol=2e-5, err_msg=name)


@pytest.mark.parametrize(
    "options",
    [
        {"sample_weight": W},
        {"class_weight": {0: 0.5, 2: 3.0}},
        {"validation_split": 0.3},
        {"validation_data": (X[:9], Y[:9], W[:9]), "validation_freq": 2},
        {"validation_data": (X[:9], Y[:9]), "validation_batch_size": 4, "validation_steps": 2},
        {"steps_per_epoch": 2},
        {"steps_per_epoch": 5, "batch_size": None},
        {"initial_epoch": 2},
    ],
    ids=lambda options: "-".join(options),
)
def test_fit_on_arrays(keras, twins, same_output, options):
    peer, fast = twins(classifier)
    logs = []
    for namespace, model in ((keras, peer), (rnnfast, fast)):
        model.compile(
            namespace.optimizers.SGD(0.5), "sparse_categorical_crossentropy", metrics=["accuracy"],
            weighted_metrics=["sparse_categorical_crossentropy"], loss_weights=[0.7],
        )  # fmt: skip
        given = {"batch_size": 8, "epochs": 4, "shuffle": False, "verbose": 0, **options}
        logs.append(model.fit(X, Y, **given).history)
    same_logs(logs[1], logs[0])
    for i, (a, b) in enumerate(zip(fast.get_weights(), peer.get_weights(), strict=True)):
        same_output(a, b, f"weight {i}")
    expected, actual = (m.evaluate(X, Y, batch_size=8, steps=2, verbose=0) for m in (peer, fast))
    np.testing.assert_allclose(actual, expected, rtol=2e-5)


@pytest.mark.parametrize("weights", [None, W[:, None], RNG.uniform(0, 1, (22, 4))], ids=["none", "samples", "steps"])
@pytest.mark.parametrize("kind", ["dataset", "generator", "loader"])
def test_fit_on_batches(keras, torch, twins, same_output, kind, weights):
    peer, fast = twins(tagger)
    arrays = (X, STEPS) if weights is None else (X, STEPS, weights.astype("float32"))
    logs = []
    for namespace, model in ((keras, peer), (rnnfast, fast)):
        steps = {}
        if kind == "dataset":
            data = Both(keras).batches(namespace, *arrays)
        elif kind == "loader":
            tensors = torch.utils.data.TensorDataset(*map(torch.as_tensor, arrays))
            data = torch.utils.data.DataLoader(tensors, batch_size=8)
        else:
            data = (tuple(a[i : i + 8] for a in arrays) for _ in range(3) for i in (0, 8, 16))
            steps = {"steps_per_epoch": 3}
        model.compile(namespace.optimizers.SGD(0.5), "mse", metrics=["mae"], weighted_metrics=["mae"])
        logs.append(model.fit(data, epochs=3, shuffle=False, verbose=0, **steps).history)
    same_logs(logs[1], logs[0])
    for i, (a, b) in enumerate(zip(fast.get_weights(), peer.get_weights(), strict=True)):
        same_output(a, b, f"weight {i}")


def test_batches_with_a_gradient_and_of_x_alone(torch):
    model = classifier(rnnfast)
    outputs = model.predict(X)
    tensor = torch.tensor(X, requires_grad=True)
    np.testing.assert_array_equal(model.predict(tensor), outputs)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X)), batch_size=5)
    np.testing.assert_array_equal(model.predict(loader), outputs)


@pytest.mark.parametrize(
    "options", [{}, {"maxlen": 2, "truncating": "post"}, {"maxlen": 5, "padding": "post", "value": 3}]
)
def test_pad_sequences(keras, options):
    rows = [[1], [2, 3], [4, 5, 6], []]
    expected, actual = (n.utils.pad_sequences(rows, **options) for n in (keras, rnnfast))
    np.testing.assert_array_equal(actual, expected)
    assert actual.dtype == expected.dtype


@pytest.mark.parametrize("labels", [[0, 2, 1], [[0], [2]], [[0, 1], [1, 3]]])
def test_to_categorical(keras, labels):
    expected, actual = (n.utils.to_categorical(labels, 4) for n in (keras, rnnfast))
    np.testing.assert_array_equal(actual, expected)
