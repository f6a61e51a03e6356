"""Regularizers and constraints: formulas, and training from the same start, follow Keras'."""

import numpy as np
import pytest

import rnnfast

RNG = np.random.default_rng(11)
SAMPLES, TIME, FEATURES = 12, 4, 3

REGULARIZERS = {
    "l1": lambda n: n.regularizers.L1(0.02),
    "l2": lambda n: n.regularizers.l2(0.03),
    "l1_l2": lambda n: n.regularizers.L1L2(0.02, 0.01),
    "rows": lambda n: n.regularizers.OrthogonalRegularizer(0.5),
    "columns": lambda n: n.regularizers.orthogonal_regularizer(0.5, mode="columns"),
}
CONSTRAINTS = {
    "max_norm": lambda n: n.constraints.MaxNorm(0.6),
    "max_norm_rows": lambda n: n.constraints.max_norm(0.6, axis=1),
    "non_neg": lambda n: n.constraints.NonNeg(),
    "unit_norm": lambda n: n.constraints.UnitNorm(),
    "min_max_norm": lambda n: n.constraints.MinMaxNorm(0.3, 0.8, rate=0.7),
}


@pytest.mark.parametrize("name", REGULARIZERS)
def test_penalties(keras, name):
    x = RNG.normal(size=(5, 4)).astype(np.float32)
    peer, fast = (REGULARIZERS[name](n) for n in (keras, rnnfast))
    np.testing.assert_allclose(fast(x), float(peer(keras.ops.convert_to_tensor(x))), rtol=1e-5)
    assert rnnfast.regularizers.serialize(fast)["config"] == pytest.approx(fast.get_config())
    for key, value in peer.get_config().items():
        assert fast.get_config()[key] == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints(keras, name):
    w = RNG.normal(size=(5, 4)).astype(np.float32)
    peer, fast = (CONSTRAINTS[name](n) for n in (keras, rnnfast))
    np.testing.assert_allclose(fast(w), keras.ops.convert_to_numpy(peer(w)), rtol=1e-5, atol=1e-7)
    assert fast.get_config() == peer.get_config()


def held_twice(n):
    """A model with penalties, and another that holds it."""
    inner = n.Sequential([
        n.layers.Input((TIME, FEATURES)),
        n.layers.GRU(FEATURES, return_sequences=True, kernel_regularizer="l2", activity_regularizer="l2"),
    ])  # fmt: skip
    return [inner, n.Sequential([n.layers.Input((TIME, FEATURES)), inner]), n.layers.LSTM(3)]


STACKS = {
    "kernels": lambda n: [
        n.layers.LSTM(
            4, return_sequences=True, kernel_regularizer=n.regularizers.L2(0.05),
            recurrent_regularizer=n.regularizers.L1(0.02), bias_regularizer="l2",
        ),
        n.layers.GRU(3, kernel_regularizer="l1", bias_regularizer=n.regularizers.L1L2(0.01, 0.1)),
    ],
    "outputs": lambda n: [
        # Not a SimpleRNN: Keras drops its activity_regularizer.
        n.layers.GRU(4, return_sequences=True, activity_regularizer=n.regularizers.L2(0.1)),
        n.layers.Bidirectional(n.layers.LSTM(3, activity_regularizer=n.regularizers.L1(0.05))),
        n.layers.Dense(3, "tanh", activity_regularizer=n.regularizers.L1L2(0.1, 0.1)),
    ],
    "outputs_of_wrappers": lambda n: [
        n.layers.Bidirectional(
            n.layers.GRU(3, return_sequences=True, activity_regularizer=n.regularizers.L2(0.2)),
            activity_regularizer=n.regularizers.L1(0.1),
        ),
        n.layers.RNN(
            [n.layers.LSTMCell(4), n.layers.SimpleRNNCell(3)], return_sequences=True,
            activity_regularizer=n.regularizers.L2(0.3),
        ),
        n.layers.RNN(n.layers.GRUCell(3), activity_regularizer=n.regularizers.L1(0.1)),
    ],
    "convolution": lambda n: [
        n.layers.Conv1D(
            4, 2, activation="tanh", kernel_regularizer="l2", kernel_constraint=n.constraints.MaxNorm(0.5),
            activity_regularizer=n.regularizers.L1(0.1),
        ),
        n.layers.GRU(3),
    ],
    "frozen": lambda n: [
        n.layers.LSTM(4, kernel_regularizer=n.regularizers.L2(0.5), trainable=False),
        n.layers.Dense(3, kernel_regularizer=n.regularizers.L2(0.1)),
    ],
    "held_twice": held_twice,
    "orthogonal": lambda n: [n.layers.GRU(4, kernel_regularizer=n.regularizers.OrthogonalRegularizer(0.3))],
    "constraints": lambda n: [
        n.layers.LSTM(4, kernel_constraint=n.constraints.MaxNorm(0.7), recurrent_constraint="unit_norm"),
        n.layers.Dense(3, kernel_constraint="non_neg", bias_constraint=n.constraints.MinMaxNorm(0.1, 0.5, 0.8)),
    ],
}  # fmt: skip
OPTIMIZERS = {
    "sgd": lambda n: n.optimizers.SGD(0.1),
    "accumulating": lambda n: n.optimizers.SGD(0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.5),
}


def build(n, name):
    return n.Sequential(
        [n.layers.Input((TIME, FEATURES)), *STACKS[name](n), n.layers.Dense(1, "sigmoid", bias_regularizer="l2")]
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", STACKS)
def test_training(keras, twins, same_output, name, optimizer):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(SAMPLES, TIME, FEATURES)).astype(np.float32)
    y = rng.integers(0, 2, (SAMPLES, 1))
    peer, fast = twins(lambda n: build(n, name))
    losses, measured = [], []
    for namespace, model in ((keras, peer), (rnnfast, fast)):
        model.compile(OPTIMIZERS[optimizer](namespace), "binary_crossentropy")
        losses.append(model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0).history["loss"])
        measured.append(model.evaluate(x, y, batch_size=5, verbose=0))
    same_output(losses[1], losses[0], "losses")
    same_output(measured[1], measured[0], "evaluate")
    for i, (actual, expected) in enumerate(zip(fast.get_weights(), peer.get_weights(), strict=True)):
        same_output(actual, expected, f"weight {i}")


@pytest.mark.parametrize("to_keras", [True, False])
@pytest.mark.parametrize("name", [name for name in STACKS if name != "held_twice"])  # Keras cannot read its file
def test_files(keras, same_output, tmp_path, name, to_keras):
    """What was saved in one trains on in the other as it does here."""
    source, load = (rnnfast, keras.models.load_model) if to_keras else (keras, rnnfast.load_model)
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(8, TIME, FEATURES)).astype(np.float32), rng.integers(0, 2, (8, 1))
    model = build(source, name)
    model.compile(source.optimizers.SGD(0.1), "binary_crossentropy")
    model.save(tmp_path / "m.keras")
    moved = load(tmp_path / "m.keras")
    here, there = (m.fit(x, y, epochs=2, shuffle=False, verbose=0).history["loss"] for m in (model, moved))
    same_output(there, here, "losses")
