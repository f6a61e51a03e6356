"""Models with classes and functions of the user's own: files name them, and find them again."""

import functools

import numpy as np
import pytest
from own_cells import Residual
from own_parts import OWN, Cubed, Halving, Pair, Quartic, Scale, Steps, Worst, halved, largest, stairs

import rnnfast
from rnnfast import layers, optimizers

RNG = np.random.default_rng(6)
X, Y = RNG.normal(size=(6, 5, 4)).astype(np.float32), RNG.normal(size=(6, 2)).astype(np.float32)


def own_everywhere():
    options = {"kernel_initializer": stairs, "kernel_constraint": halved, "recurrent_regularizer": Quartic()}
    return rnnfast.Sequential(
        [
            layers.Input((5, 4)),
            Scale(0.25),
            layers.Bidirectional(layers.LSTM(3, bias_initializer=Steps(0.01), return_sequences=True, **options)),
            layers.TimeDistributed(layers.Dense(4, activity_regularizer=None, bias_constraint=halved)),
            layers.GRU(2, activity_regularizer=Quartic(), **options),
        ]
    )


def train(model):
    return model.fit(X, Y, epochs=2, batch_size=3, shuffle=False, verbose=0).history


def test_a_model_of_ones_own_parts_trains_on_after_loading(tmp_path):
    model = own_everywhere()
    model.compile(optimizers.SGD(Halving()), Cubed(), metrics=[largest, Worst(name="worst")])
    train(model)
    model.save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras", custom_objects=OWN)
    assert loaded.get_config() == model.get_config()
    for actual, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert train(loaded) == train(model)


@pytest.mark.parametrize("make", [lambda: [Pair(3)], lambda: [layers.TimeDistributed(layers.Dense(3)), Pair(2)]])
def test_layers_made_of_layers(tmp_path, make):
    """Each weight lies where Keras keeps it: under the name of the attribute that holds the layer."""
    import h5py

    model = rnnfast.Sequential([layers.Input((5, 4)), *make()])
    pair = model.layers[-1]
    for layer in (pair, pair.first, pair.second):
        for variable in layer.weights:
            variable.assign(RNG.normal(size=variable.shape))
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5") as file:
        assert {f"layers/pair/{part}/vars" for part in ("first/cell", "second")} <= set(_groups(file))
        np.testing.assert_array_equal(file["layers/pair/vars/0"], pair.shift)
    loaded = rnnfast.load_model(tmp_path / "m.keras", custom_objects=OWN)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def _groups(file):
    found = []
    file.visit(found.append)
    return found


def test_cells_of_ones_own(tmp_path):
    with pytest.warns(UserWarning, match="step by step"):
        model = rnnfast.Sequential(
            [
                layers.Input((5, 4)),
                layers.RNN(Residual(4), return_sequences=True),
                layers.Bidirectional(layers.RNN([layers.GRUCell(4), Residual(4)])),
            ]
        )
        model.save(tmp_path / "m.keras")
        loaded = rnnfast.load_model(tmp_path / "m.keras", custom_objects=OWN)
        again = rnnfast.Sequential.from_config(model.get_config(), OWN)
    assert again.get_config() == loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def test_functional_models_and_models_within(tmp_path):
    x = rnnfast.Input((5, 4))
    inner = rnnfast.Sequential([layers.Input((5, 4)), Scale(0.5), layers.GRU(4)])
    model = rnnfast.Model(x, layers.Dense(2, kernel_initializer=Steps(0.1))(inner(Scale()(x))))
    model.save(tmp_path / "m.keras")
    with rnnfast.utils.custom_object_scope(OWN):
        loaded = rnnfast.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    assert rnnfast.Model.from_config(model.get_config(), OWN).get_config() == model.get_config()


def test_what_is_not_named_is_refused(tmp_path):
    model = own_everywhere()
    model.compile("sgd", Cubed())
    model.save(tmp_path / "m.keras")
    for missing in ("Scale", "stairs", "Steps", "Quartic", "halved"):
        with pytest.raises(ValueError, match=rf"m\.keras.*{missing}"):
            rnnfast.load_model(tmp_path / "m.keras", {name: own for name, own in OWN.items() if name != missing})
    with pytest.warns(UserWarning, match=r"(?s)Cubed is custom.*custom_objects.*not compiled"):
        loaded = rnnfast.load_model(tmp_path / "m.keras", {n: own for n, own in OWN.items() if n != "Cubed"})
    assert not loaded.compiled
    with pytest.raises(ValueError, match="expected a layer"):
        rnnfast.load_model(tmp_path / "m.keras", {**OWN, "Scale": stairs})


class Nameless:
    """A callable that no file can name."""

    def __call__(self, w):
        return w


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"kernel_initializer": lambda shape, dtype=None: np.ones(shape, dtype)}, "a lambda"),
        ({"bias_constraint": lambda w: w}, "a lambda"),
        ({"bias_constraint": functools.partial(np.clip, a_min=0, a_max=1)}, "a partial without a name"),
        ({"bias_constraint": Nameless()}, "a Nameless without a name"),
    ],
)
def test_what_has_no_name_is_not_saved(tmp_path, options, what):
    model = rnnfast.Sequential([layers.Input((5, 4)), layers.LSTM(2, **options)])
    with pytest.raises(ValueError, match=rf"save: .*lstm.*holds {what}, which"):
        model.save(tmp_path / "m.keras")


def test_masks_as_values_are_not_saved(tmp_path):
    tokens = layers.Input((5,), dtype="int32")
    words = layers.Embedding(9, 3)
    masked = layers.GRU(2)(words(tokens), mask=layers.Embedding(9, 3, mask_zero=True).compute_mask(tokens))
    with pytest.raises(ValueError, match=r"save: .*_mask.* compute_mask gives; save_weights"):
        rnnfast.Model(tokens, masked).save(tmp_path / "m.keras")


class Furthest:
    """A metric as a callable object."""

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, y_true, y_pred):
        return self.scale * np.abs(y_true - y_pred).max(axis=-1)


def test_a_metric_that_is_an_instance(tmp_path):
    model = rnnfast.Sequential([layers.Input((5, 4)), layers.GRU(2)])
    for metric in (Furthest(2.0), functools.partial(largest)):
        model.compile("sgd", "mse", metrics=[metric])
        with pytest.raises(ValueError, match=r"save: .*compiled with a (Furthest|partial) without a name.*get_config"):
            model.save(tmp_path / "m.keras")
        assert not list(tmp_path.iterdir())
    kept = type("Kept", (Furthest,), {"get_config": lambda self: {"scale": self.scale}})
    model.compile("sgd", "mse", metrics=[kept(3.0)])
    model.save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras", {"Kept": kept})
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
