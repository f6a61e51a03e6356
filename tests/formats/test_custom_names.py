"""Names of classes and functions of the user's own in configurations: forms, scopes, registered ones."""

import functools

import numpy as np
import pytest
from own_parts import OWN, Cubed, Halving, Quartic, Scale, stairs

import rnnfast
from rnnfast import initializers, layers, losses, metrics, saving
from rnnfast.formats import layer_config


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
