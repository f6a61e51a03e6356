"""A table's gradient by the rows that a batch read: training ends where the whole gradient would have led it."""

import numpy as np
import pytest
from numeric import assert_close

import rnnfast
from rnnfast import layers, optimizers
from rnnfast.row_gradient import RowGradient

TOKENS = np.random.default_rng(0).integers(1, 12, (16, 14))
TARGETS = np.random.default_rng(1).normal(size=(16, 2))
BATCH = 8


def trained(optimizer, *, twice=False, **embedding):
    x = layers.Input((None,), dtype="int64")
    table = layers.Embedding(300, 6, dtype="float64", **embedding)
    read = layers.GRU(4, dtype="float64")
    y = read(table(x))
    if twice:
        y = layers.Add()([y, layers.GRU(4, go_backwards=True, dtype="float64")(table(x))])
    model = rnnfast.Model(x, layers.Dense(2, dtype="float64")(y))
    rng = np.random.default_rng(2)
    model.set_weights([rng.normal(0.0, 0.5, v.shape) for v in model.weights])
    model.compile(optimizer, "mse")
    history = model.fit(TOKENS, TARGETS, batch_size=BATCH, epochs=3, shuffle=False, verbose=0)
    return model, [np.array(history.history["loss"]), *model.get_weights()]


@pytest.mark.parametrize(
    "options",
    [{}, {"clipvalue": 1e-3}, {"clipnorm": 0.01}, {"global_clipnorm": 0.01}, {"weight_decay": 0.1}, {"use_ema": True},
     {"gradient_accumulation_steps": 2}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("optimizer", [optimizers.SGD, optimizers.Adam])
def test_as_with_the_whole_gradient(optimizer, options, monkeypatch):
    _, by_rows = trained(optimizer(0.05, **options))
    monkeypatch.setattr(optimizer, "takes_rows", False)
    _, whole = trained(optimizer(0.05, **options))
    for got, expected in zip(by_rows, whole, strict=True):
        if "norm" in str(options):  # the squares are added up in another order
            assert_close(got, expected, 1e-12, "loss and weights")
        else:
            np.testing.assert_array_equal(got, expected)


def test_rows_reach_the_optimizer_and_an_array_the_reader():
    model, _ = trained("adam")
    table = model.layers[1].embeddings
    assert isinstance(table.gradient, RowGradient)
    assert isinstance(table.grad, np.ndarray)
    read = np.unique(TOKENS[BATCH:])  # of the last batch
    assert table.grad.shape == (300, 6)
    assert np.abs(table.grad[read]).min() > 0
    assert not np.delete(table.grad, read, axis=0).any()


@pytest.mark.parametrize("options", [{"twice": True}, {"embeddings_regularizer": "l2"}], ids=str)
def test_several_contributions_are_one_array(options):
    model, _ = trained("adam", **options)
    assert isinstance(model.layers[1].embeddings.gradient, np.ndarray)


def test_a_rule_of_ones_own_sees_the_whole_gradient():
    shapes = []

    class Plain(optimizers.Optimizer):
        def update(self, parameters, gradients):
            shapes.append((parameters.shape, gradients.shape))
            parameters -= self.learning_rate * gradients

    _, own = trained(Plain(0.05))
    assert shapes and all(parameters == gradients for parameters, gradients in shapes)
    _, ours = trained(optimizers.SGD(0.05))
    for got, expected in zip(own, ours, strict=True):
        assert_close(got, expected, 1e-12, "loss and weights")


def test_infinite_rows_are_refused():
    model, _ = trained("adam")
    table = model.layers[1].embeddings
    before = table.numpy().copy()
    for variable in model.weights:
        variable.grad = None
    table.add_grad(RowGradient(np.array([3]), np.full((1, 6), np.inf), (300, 6)))
    with pytest.raises(ValueError, match="not finite"):
        model.optimizer.apply(model.trainable_weights)
    np.testing.assert_array_equal(table.numpy(), before)
