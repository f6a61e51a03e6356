"""Classes and functions of the user's own that have names of built-in ones, and do something else."""

import numpy as np
import pytest

import rnnfast
from rnnfast import initializers, layers, losses, optimizers
from rnnfast.models import clone_model


def named_as_built_in():
    """Classes and functions of one's own with names of built-in ones, that do something else."""

    class Dense(layers.Dense):
        def forward(self, x, *, mask=None, training=False):
            y, cache = super().forward(x, mask=mask, training=training)
            return 3 * y, cache

    class GRUCell(layers.GRUCell):
        pass

    class Ones(initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return np.full(shape, 7, dtype)

    class MeanSquaredError(losses.Loss):
        def call(self, y_true, y_pred):
            return 5 + np.abs(y_true - y_pred).mean(axis=-1)

        def gradient(self, y_true, y_pred):
            return np.sign(y_pred - y_true) / y_pred.shape[-1]

    class Adam(optimizers.SGD):
        pass

    def ones(shape, dtype=None):
        return np.full(shape, 2, dtype)

    return {own.__name__: own for own in (Dense, GRUCell, Ones, MeanSquaredError, Adam, ones)}


def test_names_of_built_in_ones(tmp_path):
    own = named_as_built_in()
    weights = {"kernel_initializer": own["ones"], "bias_initializer": own["Ones"]()}
    cells = [own["GRUCell"](3), layers.GRUCell(2)]
    model = rnnfast.Sequential(
        [layers.Input((5, 4)), layers.RNN(cells), own["Dense"](3), layers.Dense(2, **weights), layers.Dense(2)]
    )
    model.compile(own["Adam"](0.1), own["MeanSquaredError"](), metrics=["mae"])
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(6).normal(size=(6, 5, 4)).astype(np.float32)
    expected = model.predict(x, verbose=0)
    copy = clone_model(model)
    copy.set_weights(model.get_weights())
    for made in (rnnfast.load_model(tmp_path / "m.keras", own), copy):
        np.testing.assert_array_equal(made.predict(x, verbose=0), expected)
        assert [type(part) for part in made.layers[0].cell.cells] == [own["GRUCell"], layers.GRUCell]
        assert [type(layer) for layer in made.layers[1:]] == [own["Dense"], layers.Dense, layers.Dense]
        assert type(made.optimizer) is own["Adam"] and type(made.loss) is own["MeanSquaredError"]
        np.testing.assert_array_equal(made.layers[2].kernel_initializer((2,)), [2, 2])
        np.testing.assert_array_equal(made.layers[2].bias_initializer((2,)), [7, 7])
    for name in ("Dense", "GRUCell", "Ones", "ones"):
        with pytest.raises(ValueError, match=f"{name} is custom.*custom_objects"):
            rnnfast.load_model(tmp_path / "m.keras", {n: thing for n, thing in own.items() if n != name})
        with pytest.raises(ValueError, match=f"{name} is custom.*custom_objects"):
            rnnfast.Sequential.from_config(model.get_config(), {n: o for n, o in own.items() if n != name})
    for name in ("Adam", "MeanSquaredError"):
        with pytest.warns(UserWarning, match=f"{name} is custom.*not compiled"):
            rnnfast.load_model(tmp_path / "m.keras", {n: thing for n, thing in own.items() if n != name})
