"""Optimizers of the user's own in Keras' form, `build` and `update_step`."""

import copy

import numpy as np
import pytest
from own_optimizers import momentum_and_scale

import rnnfast
from rnnfast import layers
from rnnfast.variable import Variable

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 5, 3)).astype(np.float32), RNG.normal(size=(8, 2)).astype(np.float32)
Scaled = momentum_and_scale(rnnfast, np)


def model_with(optimizer):
    rnnfast.utils.set_random_seed(2)
    model = rnnfast.Sequential([layers.Input((5, 3)), layers.GRU(4), layers.Dense(2)])
    model.compile(optimizer, "mse")
    return model


def fit(model, epochs=3):
    return model.fit(X, Y, epochs=epochs, batch_size=4, shuffle=False, verbose=0).history["loss"]


def test_the_rule():
    variable = Variable(RNG.normal(size=(3, 2)), name="w")
    optimizer = Scaled(0.1, clipvalue=0.7, weight_decay=0.2)
    expected, speed, size = variable.numpy().copy(), 0.0, 1.0
    for _ in range(3):
        variable.grad = RNG.normal(size=(3, 2))
        gradient = np.clip(variable.grad, -0.7, 0.7)
        expected *= 1 - 0.1 * 0.2
        speed, size = 0.8 * speed + gradient, size + 0.1 * (gradient**2 - size)
        expected -= 0.1 * (speed / np.sqrt(size) + 0.01 * expected)
        optimizer.apply([variable])
        np.testing.assert_allclose(variable, expected, rtol=1e-12)
    assert variable.version == 3 and optimizer.iterations == 3
    np.testing.assert_allclose(optimizer.get_state()["speed"][0], speed, rtol=1e-12)


def test_state_travels(tmp_path):
    """What it keeps is in copies, backups and files: training goes on as if nothing had been."""
    pytest.importorskip("h5py", reason="model files need h5py (pip install '.[keras]')")
    model = model_with(Scaled(0.02))
    losses = fit(model)
    assert losses[-1] < losses[0]
    model.save(tmp_path / "m.keras")
    again = rnnfast.load_model(tmp_path / "m.keras", {"Scaled": Scaled})
    assert again.optimizer.momentum == 0.8
    own = copy.deepcopy(model.optimizer)
    assert own.speeds[0].storage is own._slots[0]["speed"]
    restored = Scaled(0.02)
    restored.set_state(model.optimizer.get_state(), model.trainable_weights)
    for i, slot in enumerate(model.optimizer.get_state()["size"]):
        np.testing.assert_array_equal(restored.sizes[i], slot)
    assert fit(again) == fit(model)


def test_slots_of_one_name_and_of_several():
    class Three(rnnfast.optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.first = self.add_optimizer_variables(variables, "sum")
            self.second = [self.add_variable_from_reference(v, "sum", "ones") for v in variables]
            self.both = self.add_optimizer_variables(variables, ["low", "high"], ["zeros", "ones"])

        def update_step(self, gradient, variable, learning_rate):
            index = self._get_variable_index(variable)
            self.assign_add(self.first[index], gradient)
            self.assign_add(self.second[index], gradient)
            self.assign_sub(self.both[0][index], gradient)
            self.assign_sub(variable, learning_rate * (self.first[index] + self.second[index]))

    one, two = Variable(np.zeros(2), name="a"), Variable(np.zeros(2), name="a")
    optimizer, again = Three(0.1), Three(0.1)
    for variable, tried in ((one, optimizer), (two, again)):
        variable.grad = np.array([1.0, 2.0])
        tried.apply([variable])
    for _ in range(2):  # every build has the same names
        again.set_state(optimizer.get_state(), [two])
    state = again.get_state()
    assert list(state) == ["iterations", "sum", "sum_1", "low", "high"]
    assert [state[name][0].tolist() for name in ("sum", "sum_1", "low")] == [[1, 2], [2, 3], [-1, -2]]
    for variable, tried in ((one, optimizer), (two, again)):
        tried.apply([variable])
    assert one.value.tolist() == two.value.tolist() == pytest.approx([-0.8, -1.4])


def test_misuse():
    class Other(Scaled):
        def update_step(self, gradient, variable, learning_rate):
            self._get_variable_index(Variable(np.zeros(2), name="none"))

    with pytest.raises(ValueError, match=r"Other: .*'none'.* is none of the variables that it was built for"):
        fit(model_with(Other()))

    class Giving(Scaled):
        def update_step(self, gradient, variable, learning_rate):
            return variable - learning_rate * gradient

    with pytest.raises(TypeError, match=r"Giving: update_step has written nothing .* self.assign\(variable, value\)"):
        fit(model_with(Giving()))

    class Empty(rnnfast.optimizers.Optimizer):
        pass

    with pytest.raises(TypeError, match=r"Empty does not define update\(parameters, gradients"):
        fit(model_with(Empty(0.1)))


@pytest.mark.parametrize("kind", [rnnfast.optimizers.SGD, rnnfast.optimizers.Adam])
def test_a_built_in_one_with_another_rule(kind):
    """In either form the rule that is run is the subclass', also on the rows of a table."""

    class Signs(kind):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, learning_rate * np.sign(gradient))

    class FlatSigns(kind):
        def update(self, parameters, gradients, **slots):
            parameters -= self.learning_rate * np.sign(gradients)

    tokens = RNG.integers(0, 9, (8, 5))
    for optimizer in (Signs(0.5), FlatSigns(0.5)):
        rnnfast.utils.set_random_seed(3)
        model = rnnfast.Sequential([layers.Input((5,)), layers.Embedding(40, 3), layers.GRU(2)])
        model.compile(optimizer, "mse")
        before = model.get_weights()
        model.train_on_batch(tokens, Y)
        for old, variable in zip(before, model.weights, strict=True):
            np.testing.assert_allclose(variable.value - old, -0.5 * np.sign(variable.grad), atol=1e-6)
        assert not np.sign(model.weights[0].grad)[9:].any() and np.sign(model.weights[0].grad)[:9].any()
