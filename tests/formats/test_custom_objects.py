"""Classes and functions of the user's own: configurations and files name them, and find them again."""

import functools

import numpy as np
import pytest
from own_cells import Residual

import rnnfast
from rnnfast import initializers, layers, losses, metrics, optimizers, regularizers, saving
from rnnfast.formats import layer_config
from rnnfast.models import clone_model

RNG = np.random.default_rng(6)
X, Y = RNG.normal(size=(6, 5, 4)).astype(np.float32), RNG.normal(size=(6, 2)).astype(np.float32)


class Scale(layers.Layer):
    """As Keras' guides write a layer, and with the backward pass that it needs here."""

    def __init__(self, offset=0.0, **options):
        super().__init__(**options)
        self.offset = offset

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer=stairs, name="scale")

    def call(self, x):
        return x * self.scale + self.offset

    def forward(self, x, *, mask=None, training=False):
        return self.call(x), x

    def backward(self, dy, cache, *, need_dx=True):
        self.scale.add_grad((dy * cache).sum(axis=(0, 1)))
        return dy * self.scale.value

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}


class Pair(layers.Layer):
    """Made of layers, and a weight of its own."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
        self.second = layers.Dense(units)
        self.first = layers.LSTM(units, return_sequences=True)

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build((*input_shape[:-1], self.units))
        self.shift = self.add_weight(shape=self.units, initializer="normal")

    def call(self, x):
        return self.second(self.first(x)) + self.shift


class Cubed(losses.Loss):
    def call(self, y_true, y_pred):
        return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)

    def gradient(self, y_true, y_pred):
        return 3 * (y_pred - y_true) * np.abs(y_pred - y_true) / y_pred.shape[-1]


class Halving(optimizers.schedules.LearningRateSchedule):
    def __init__(self, start=0.1):
        self.start = start

    def __call__(self, step):
        return self.start / 2**step

    def get_config(self):
        return {"start": self.start}


class Quartic(regularizers.Regularizer):
    def __call__(self, x):
        return float((x**4).sum())

    def gradient(self, x):
        return 4 * x**3


class Steps:
    """A callable that is no Initializer, with arguments."""

    def __init__(self, step):
        self.step = step

    def __call__(self, shape, dtype=None):
        return np.arange(np.prod(shape)).reshape(shape).astype(dtype) * self.step

    def get_config(self):
        return {"step": self.step}


def stairs(shape, dtype=None):
    return np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape).astype(dtype)


class Nameless:
    """A callable that no file can name."""

    def __call__(self, w):
        return w


def halved(w):
    return w / 2


def largest(y_true, y_pred):
    return np.abs(y_true - y_pred).max(axis=-1)


class Worst(metrics.Metric):
    def reset_state(self):
        self.error = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.error = max(self.error, float(np.abs(np.subtract(y_true, y_pred)).max()))

    def result(self):
        return self.error


OWN = {cls.__name__: cls for cls in (Scale, Pair, Cubed, Halving, Quartic, Steps, Residual, Worst)}
OWN |= {function.__name__: function for function in (stairs, halved, largest)}


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
    expected = model.predict(X, verbose=0)
    copy = clone_model(model)
    copy.set_weights(model.get_weights())
    for made in (rnnfast.load_model(tmp_path / "m.keras", own), copy):
        np.testing.assert_array_equal(made.predict(X, verbose=0), expected)
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


def test_forms_of_keras():
    """What Keras writes for classes and functions: of a program itself, of a module, its own, and of old versions."""
    zeros = {"class_name": "Zeros", "config": {}}
    for parts in ({}, {"module": "keras.initializers", "registered_name": None}, {"registered_name": "Zeros"}):
        assert type(initializers.deserialize({**zeros, **parts})) is initializers.Zeros
    for module in (None, "__main__", "mine.keras", "kerasic"):
        with pytest.raises(ValueError, match="Zeros is custom"):
            initializers.deserialize({**zeros, "module": module, "registered_name": "Zeros"})
    with pytest.raises(ValueError, match="zeros is custom"):  # Keras' own are classes
        initializers.deserialize({"module": "builtins", "class_name": "function", "config": "zeros"})
    assert type(losses.deserialize({"module": "builtins", "class_name": "function", "config": "huber"})) is losses.Huber
    accuracy = metrics.deserialize({"module": "builtins", "class_name": "function", "config": "binary_accuracy"})
    assert type(accuracy) is metrics.BinaryAccuracy
    relu = {"class_name": "function", "config": "relu"}
    dense = layers.serialize(layers.Dense(2))
    for parts in ({}, {"module": "builtins", "registered_name": "function"}, {"module": "keras.activations"}):
        dense["config"]["activation"] = {**relu, **parts}
        entry = layer_config.layer_from_config(dense, "here")
        assert entry.activation is rnnfast.activations.relu
    dense["config"]["activation"] = {**relu, "module": "mine", "registered_name": "relu"}
    with pytest.raises(ValueError, match="activation: relu is custom"):
        layer_config.layer_from_config(dense, "here")


def test_what_is_no_function():
    with saving.custom_object_scope({"stairs": layers.Dense}), pytest.raises(TypeError, match="'stairs' must be a fun"):
        initializers.deserialize(initializers.serialize(initializers.get(stairs)))
    with pytest.raises(ValueError, match="stairs is custom"):
        initializers.deserialize({"module": "builtins", "class_name": "function", "config": "stairs"})
    for nothing in (3, functools.partial(stairs)):
        with pytest.raises(TypeError, match="a class or a function with a name, got"):
            rnnfast.utils.register_keras_serializable()(nothing)


@pytest.fixture
def registered():
    known = dict(rnnfast.utils.get_custom_objects())
    yield rnnfast.utils.register_keras_serializable("mine")
    rnnfast.utils.get_custom_objects().clear()
    rnnfast.utils.get_custom_objects().update(known)


def test_registered(tmp_path, registered):
    @registered
    class Twice(initializers.Constant):
        pass

    assert rnnfast.utils.get_registered_name(Twice) == "mine>Twice"
    assert rnnfast.utils.get_registered_object("mine>Twice") is Twice
    assert saving.get_custom_objects()["mine>Twice"] is Twice
    model = rnnfast.Sequential([layers.Input((3,)), layers.Dense(2, kernel_initializer=Twice(2.0))])
    assert model.get_config()["layers"][1]["config"]["kernel_initializer"]["registered_name"] == "mine>Twice"
    model.save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras")
    assert type(loaded.layers[0].kernel_initializer) is Twice
    rnnfast.utils.get_custom_objects().clear()
    with pytest.raises(ValueError, match="mine>Twice is custom"):
        rnnfast.load_model(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="get_config"):
        registered(type("Bare", (), {}))


def test_scopes_end():
    config = layers.serialize(Scale(0.5, name="s"))
    with rnnfast.utils.custom_object_scope({"Scale": Quartic}), saving.custom_object_scope({"Scale": Scale}):
        assert layers.deserialize(config).offset == 0.5
    assert layers.deserialize(config, {"Scale": Scale}).get_config() == config["config"]
    with pytest.raises(ValueError, match="Scale"):
        layers.deserialize(config)
    with pytest.raises(TypeError, match="custom_objects"), saving.custom_object_scope([Scale]):
        pass


def test_objects_in_configurations():
    for thing in (
        Scale(0.5),
        layers.GRU(3),
        initializers.Zeros(),
        Halving(0.3),
        losses.Huber(),
        metrics.AUC(),
        Cubed(),
    ):
        form = saving.serialize_keras_object({"held": [thing, 3, "x", None]})
        back = saving.deserialize_keras_object(form, OWN)["held"]
        assert type(back[0]) is type(thing) and back[1:] == [3, "x", None]
        assert back[0].get_config() == thing.get_config()
    assert saving.deserialize_keras_object(saving.serialize_keras_object(stairs), OWN) is stairs
    assert saving.serialize_keras_object(rnnfast.activations.relu) == "relu"
    with pytest.raises(ValueError, match="Scale is custom"):
        saving.deserialize_keras_object(saving.serialize_keras_object(Scale()))
    with pytest.raises(TypeError, match="configuration"):
        saving.serialize_keras_object(object())


def test_functions_by_name():
    with saving.custom_object_scope(OWN):
        np.testing.assert_array_equal(initializers.get("stairs")((3,)), [0.5, 1.0, 1.5])
        assert metrics.get("largest").name == "largest"
        assert type(losses.get("Cubed")) is Cubed
        assert losses.deserialize("mse").name == "mean_squared_error"
    with pytest.raises(ValueError, match="unknown initializer"):
        initializers.get("stairs")
