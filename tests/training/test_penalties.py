"""Regularizers and constraints: formulas, gradients by finite differences, what training makes of them."""

import numpy as np
import pytest
from numeric import assert_close, assert_variable_gradients, finite_difference

import rnnfast
from rnnfast import constraints, layers, optimizers, regularizers

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(6, 4, 3)), RNG.normal(size=(6, 2))


class Quartic(regularizers.Regularizer):
    """A user's own."""

    def __call__(self, x):
        return float((x**4).sum())

    def gradient(self, x):
        return 4 * x**3


REGULARIZERS = {
    "l1": lambda: regularizers.L1(0.3),
    "l2": lambda: regularizers.L2(0.2),
    "l1_l2": lambda: regularizers.L1L2(0.1, 0.3),
    "rows": lambda: regularizers.OrthogonalRegularizer(0.5),
    "columns": lambda: regularizers.OrthogonalRegularizer(0.5, mode="columns"),
    "own": Quartic,
}


@pytest.mark.parametrize("name", REGULARIZERS)
def test_gradients(name):
    regularizer, x = REGULARIZERS[name](), RNG.normal(size=(5, 3))
    assert regularizer(x) > 0
    assert_close(regularizer.gradient(x), finite_difference(lambda: regularizer(x), x), 1e-8, name)
    assert regularizer.gradient(x.astype("float32")).dtype == np.float32


def test_formulas():
    x = np.array([[1.0, -2.0], [3.0, 0.5]])
    assert regularizers.L1(0.5)(x) == pytest.approx(0.5 * 6.5)
    assert regularizers.L2(0.5)(x) == pytest.approx(0.5 * 14.25)
    assert regularizers.L1L2(0.5, 2.0)(x) == pytest.approx(0.5 * 6.5 + 2.0 * 14.25)
    cosine = abs(3 - 1) / np.sqrt(5 * 9.25)
    assert regularizers.OrthogonalRegularizer(0.5)(x) == pytest.approx(0.5 * cosine)
    one = np.ones((1, 3))
    assert (
        regularizers.OrthogonalRegularizer()(one) == 0 and not regularizers.OrthogonalRegularizer().gradient(one).any()
    )


def penalized_layers(activity):
    """A penalty on every weight."""
    kernels = {"kernel_regularizer": regularizers.L2(0.03), "bias_regularizer": Quartic()}
    recurrent = {**kernels, "recurrent_regularizer": "orthogonal_regularizer", "activity_regularizer": activity}
    recurrent["dtype"] = "float64"
    return [
        layers.Input((4, 3), dtype="float64"),
        layers.Bidirectional(
            layers.LSTM(3, return_sequences=True, **recurrent), activity_regularizer=activity, dtype="float64"
        ),
        layers.RNN([layers.GRUCell(2, dtype="float64")], return_sequences=True, activity_regularizer=activity),
        layers.GRU(2, return_sequences=True, **recurrent),
        layers.SimpleRNN(3, **recurrent),
        layers.Dense(2, "sigmoid", activity_regularizer=activity, dtype="float64", **kernels),
    ]


def gradients_of_a_step(model, x, y):
    """What the optimizer gets in a training step, and the loss that it reports."""
    before = [w.copy() for w in model.get_weights()]
    model.compile(optimizers.SGD(1.0), "mse")
    value = model.train_on_batch(x, y)
    gradients = [old - new for old, new in zip(before, model.get_weights(), strict=True)]
    model.set_weights(before)
    return value, gradients


def check_step(model, x, y):
    value, gradients = gradients_of_a_step(model, x, y)
    assert value == pytest.approx(model.evaluate(x, y, batch_size=len(x), verbose=0), rel=1e-12)
    assert_variable_gradients(lambda: model.test_on_batch(x, y), model.trainable_weights, gradients)


@pytest.mark.parametrize("activity", [None, "l1", regularizers.L1L2(0.2, 0.3)], ids=["weights", "l1", "l1_l2"])
def test_a_step_follows_loss_and_penalties(activity):
    model = rnnfast.Sequential(penalized_layers(activity))
    # Not the initial ones: orthogonal rows lie where the penalty has a kink.
    model.set_weights([RNG.normal(size=w.shape) / 2 for w in model.get_weights()])
    check_step(model, X, Y)


def test_penalties_of_embeddings():
    rnnfast.utils.set_random_seed(2)
    tokens = RNG.integers(0, 5, (6, 4))
    model = rnnfast.Sequential(
        [
            layers.Embedding(5, 3, embeddings_regularizer="l1", activity_regularizer="l2", dtype="float64"),
            layers.SimpleRNN(2, dtype="float64"),
        ]
    )
    model.build((None, 4))
    check_step(model, tokens, Y)


def test_penalties_of_convolutions():
    penalty = {"kernel_regularizer": "l1", "bias_regularizer": Quartic(), "activity_regularizer": "l2"}
    conv = layers.Conv1D(4, 2, activation="tanh", bias_initializer="uniform", dtype="float64", **penalty)
    model = rnnfast.Sequential([conv, layers.SimpleRNN(2, dtype="float64")])
    model.build((None, 4, 3))
    check_step(model, X, Y)


def test_losses_are_those_of_the_last_call_and_of_what_is_trained():
    dense = layers.Dense(2, kernel_initializer="ones", kernel_regularizer="l2", activity_regularizer="l1")
    frozen = layers.Dense(2, kernel_regularizer="l2", trainable=False)
    model = rnnfast.Sequential([layers.Input((3,)), dense, frozen])
    assert model.losses == pytest.approx([0.06])
    for _ in range(2):
        model(np.ones((5, 3)))
        assert model.losses == pytest.approx([0.06, 0.06])  # of the output: 0.01 * 5 * 6 / 5


def test_a_layer_that_several_hold_counts_once_for_each_call():
    inner = rnnfast.Sequential([layers.Input((4, 3)), layers.Dense(2, activity_regularizer=regularizers.L2(0.5))])
    outer, x = rnnfast.Sequential([layers.Input((4, 3)), inner]), layers.Input((4, 3))
    model = rnnfast.Model(x, layers.Add()([outer(x), inner(x)]))
    model(X)
    assert_close(np.array(model.losses), [0.5 * (inner(X) ** 2).sum() / len(X)] * 2, 1e-6, "losses")


def test_states_are_outputs():
    layer = layers.LSTM(2, return_state=True, activity_regularizer=regularizers.L2(1.0), dtype="float64")
    outputs = layer(X)
    assert layer.losses == pytest.approx([float((y**2).sum()) / len(X) for y in outputs])
    cache = layer.forward(X, training=True)[1]
    layer.backward([None] * 3, cache)
    assert_variable_gradients(lambda: sum(float((y**2).sum()) / len(X) for y in layer(X)), [layer.kernel])


def test_a_gradient_of_another_shape_is_refused():
    class Scalar(Quartic):
        def gradient(self, x):
            return 1.0

    model = rnnfast.Sequential([layers.Input((3,)), layers.Dense(2, kernel_regularizer=Scalar())])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"Scalar: gradient must have the shape \(3, 2\) of .*kernel, got \(\)"):
        model.train_on_batch(X[:, 0], Y)


CONSTRAINTS = {
    "max_norm": lambda w: np.linalg.norm(w, axis=0).max() <= 0.5,
    "non_neg": lambda w: w.min() >= 0,
    "unit_norm": lambda w: np.allclose(np.linalg.norm(w, axis=0), 1, atol=1e-5),
    "min_max_norm": lambda w: np.linalg.norm(w, axis=0).min() >= 0.2 and np.linalg.norm(w, axis=0).max() <= 0.4,
}
LIMITS = {"max_norm": constraints.MaxNorm(0.5), "min_max_norm": constraints.MinMaxNorm(0.2001, 0.4)}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_weights_are_held_after_every_update(name):
    rnnfast.utils.set_random_seed(3)
    constraint, holds = LIMITS.get(name, name), CONSTRAINTS[name]
    model = rnnfast.Sequential(
        [
            layers.LSTM(3, kernel_constraint=constraint, recurrent_constraint=constraint, return_sequences=True),
            layers.GRU(2, bias_constraint="non_neg"),
            layers.Dense(2, kernel_constraint=constraint, bias_constraint="non_neg"),
        ]
    )
    model.compile(optimizers.SGD(0.5), "mse")
    for _ in range(3):
        model.train_on_batch(X, Y)
        lstm, gru, dense = model.layers
        assert all(holds(v.numpy()) for v in (lstm.kernel, lstm.recurrent_kernel, dense.kernel))
        assert gru.bias.numpy().min() >= 0 and dense.bias.numpy().min() >= 0
    assert model.optimizer.undo()


def test_a_constraint_of_ones_own_and_bidirectional():
    class Small(constraints.Constraint):
        def __call__(self, w):
            return w.clip(-0.01, 0.01)

    both = layers.Bidirectional(layers.GRU(2, kernel_constraint=Small(), kernel_regularizer=Quartic()))
    model = rnnfast.Sequential([layers.Input((4, 3)), both])
    model.compile("sgd", "mse")
    model.train_on_batch(X, RNG.normal(size=(6, 4)))
    assert all(np.abs(d.kernel.numpy()).max() <= 0.01 for d in (both.forward_layer, both.backward_layer))
    assert len(model.losses) == 2


@pytest.mark.parametrize(
    ("room", "identifier"),
    [
        (regularizers, "L2"), (regularizers, "l1_l2"), (regularizers, "l1l2"), (regularizers, regularizers.l1),
        (regularizers, regularizers.orthogonal_regularizer(0.1, "columns")), (constraints, "MaxNorm"),
        (constraints, "unit_norm"), (constraints, None),
        (constraints, constraints.min_max_norm(0.1, 0.2, 0.5, axis=[0, 1])),
    ],
)  # fmt: skip
def test_identifiers(room, identifier):
    found = room.get(identifier)
    again = room.get(room.serialize(found))
    assert type(again) is type(found)
    assert found is None or again.get_config() == found.get_config()


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: regularizers.get("l3"), ValueError, "unknown regularizer 'l3'"),
        (lambda: regularizers.L2(-1.0), ValueError, "L2: l2 must not be negative"),
        (lambda: regularizers.L1("x"), ValueError, "L1: l1 must be a number"),
        (lambda: regularizers.OrthogonalRegularizer(mode="diagonal"), ValueError, "'rows' or 'columns'"),
        (lambda: regularizers.OrthogonalRegularizer()(np.ones(3)), ValueError, "rank 2"),
        (lambda: constraints.MaxNorm("x"), ValueError, "MaxNorm: max_value must be a number"),
        (lambda: constraints.UnitNorm(axis=1.5), ValueError, "UnitNorm: axis must be an integer"),
        (lambda: constraints.UnitNorm(axis=1)(np.ones(3)), ValueError, r"axis=1 does not fit .* \(3,\)"),
        (lambda: constraints.get(3), TypeError, "constraint must be a name"),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
