"""Peers to compare with: real Keras (on its torch backend) and real PyTorch. Without them these tests skip."""

import os
import warnings

import numpy as np
import pytest

import rnnfast

# Read by Keras when it is first imported.
os.environ.setdefault("KERAS_BACKEND", "torch")

OUTPUT_TOLERANCE = 1e-5  # outputs and states, of the tensor's largest magnitude
GRADIENT_TOLERANCE = 5e-5


@pytest.fixture(scope="session")
def torch():
    module = pytest.importorskip("torch", reason="PyTorch is not installed (pip install '.[peers]')")
    module.set_num_threads(1)
    return module


@pytest.fixture(scope="session")
def keras(torch):
    module = pytest.importorskip("keras", reason="Keras is not installed (pip install '.[peers]')")
    if module.backend.backend() != "torch":
        pytest.skip(f"these tests drive Keras on its torch backend, not on {module.backend.backend()}")
    return module


@pytest.fixture(autouse=True)
def quiet():
    """Keras' own use of NumPy on torch tensors."""
    warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword", DeprecationWarning)


@pytest.fixture
def draw():
    """draw(*shape): the next values N(0, 0.3), float32, the same in every run."""
    rng = np.random.default_rng(20)
    return lambda *shape: rng.normal(0, 0.3, shape).astype(np.float32)


@pytest.fixture
def randomize(draw):
    """randomize(keras_or_rnnfast_object): give every weight, biases too, a random value; returns the values."""

    def randomize(holder):
        values = [draw(*np.shape(weight)) for weight in holder.get_weights()]
        holder.set_weights(values)
        return values

    return randomize


def _close(actual, expected, tolerance, what):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, what
    if expected.size:
        scale = max(float(np.abs(expected).max()), 1e-6)
        error = float(np.abs(actual.astype(np.float64) - expected).max())
        assert error <= tolerance * scale, f"{what}: error {error / scale:.2e} of the largest magnitude {scale:.3g}"


@pytest.fixture(scope="session")
def same_output():
    """same_output(actual, expected, what): agree as outputs and states must."""
    return lambda actual, expected, what="output": _close(actual, expected, OUTPUT_TOLERANCE, what)


@pytest.fixture(scope="session")
def same_gradient():
    """same_gradient(actual, expected, what): agree as gradients must."""
    return lambda actual, expected, what="gradient": _close(actual, expected, GRADIENT_TOLERANCE, what)


@pytest.fixture
def twins(keras, randomize):
    """twins(build): the models that build(namespace) makes in Keras and in rnnfast, with the same random weights."""

    def twins(build):
        peer, fast = build(keras), build(rnnfast)
        values = randomize(peer)
        assert [np.shape(w) for w in fast.get_weights()] == [v.shape for v in values]
        fast.set_weights(values)
        return peer, fast

    return twins


@pytest.fixture
def same_step(keras, same_gradient):
    """same_step(peer, fast, x, y, loss): one step of gradient descent moves both alike, and from the same loss.

    The step is long, so that what the weights move by is the gradient and not the rounding of the sum.
    """

    def same_step(peer, fast, x, y, loss, **fit_options):
        moves, losses = [], []
        for namespace, model in ((keras, peer), (rnnfast, fast)):
            model.compile(namespace.optimizers.SGD(64.0), loss(namespace) if callable(loss) else loss)
            before = [np.array(w) for w in model.get_weights()]
            rows = len(y[0] if isinstance(y, list) else y)
            history = model.fit(x, y, batch_size=rows, epochs=1, shuffle=False, verbose=0, **fit_options)
            moves.append([b - np.asarray(w) for b, w in zip(before, model.get_weights(), strict=True)])
            losses.append(history.history["loss"][0])
        same_gradient(losses[1], losses[0], "loss")
        for i, (actual, expected) in enumerate(zip(moves[1], moves[0], strict=True)):
            same_gradient(actual, expected, f"gradient of weight {i}")

    return same_step
