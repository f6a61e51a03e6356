"""Activations of the user's own in configurations and files: Keras' forms, found again by name."""

import numpy as np
import pytest
from own_activations import Bent, wave

import rnnfast
from rnnfast import activations, layers, saving
from rnnfast.models import clone_model

pytestmark = pytest.mark.filterwarnings("ignore:.*step by step:UserWarning")

X = np.random.default_rng(7).normal(size=(4, 5, 3)).astype(np.float32)
OWN = {"wave": wave, "Bent": Bent}


def relu(x):
    return np.maximum(x, 0) + 0.1 * x


def build():
    return rnnfast.Sequential(
        [
            layers.Input((5, 3)),
            layers.Conv1D(3, 2, activation=Bent(0.7)),
            layers.Bidirectional(
                layers.LSTM(2, activation=wave, recurrent_activation="hard_sigmoid", return_sequences=True)
            ),
            layers.RNN(
                [layers.GRUCell(3, activation=Bent(0.3)), layers.SimpleRNNCell(2, "relu")], return_sequences=True
            ),
            layers.TimeDistributed(layers.Dense(2, relu)),
            layers.Activation(wave),
        ]
    )


def test_files(tmp_path):
    model = build()
    own = {**OWN, "relu": relu}
    model.save(tmp_path / "m.keras")
    made = rnnfast.load_model(tmp_path / "m.keras", own)
    np.testing.assert_array_equal(made.predict(X, verbose=0), model.predict(X, verbose=0))
    assert made.layers[0].activation.function.slope == 0.7
    assert made.layers[3].layer.activation.function is relu
    assert made.get_config() == model.get_config()
    for name in own:
        with pytest.raises(ValueError, match=f"activation: {name} is custom, .*custom_objects"):
            rnnfast.load_model(tmp_path / "m.keras", {n: thing for n, thing in own.items() if n != name})


def test_copies():
    model = build()
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(X, verbose=0), model.predict(X, verbose=0))
    again = rnnfast.Sequential.from_config(model.get_config(), {**OWN, "relu": relu})
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    both = layers.Bidirectional(layers.GRU(2, activation=lambda x: x))  # without a name that a file could have
    assert both.forward_layer.activation.function is both.backward_layer.activation.function


def test_forms():
    form = activations.serialize(activations.get(Bent(0.4)))
    assert form == {
        "module": Bent.__module__,
        "class_name": "Bent",
        "config": {"slope": 0.4},
        "registered_name": "Bent",
    }
    assert activations.deserialize(form, {"Bent": Bent}).function.slope == 0.4
    form = saving.serialize_keras_object(activations.get(wave))
    assert form["class_name"] == "function" and form["config"] == "wave"
    keras_form = {**form, "module": "builtins", "registered_name": "function"}
    for one in (form, keras_form, "wave"):
        assert activations.deserialize(one, OWN).function is wave
        with pytest.raises(ValueError, match="wave"):
            activations.deserialize(one)


def test_a_built_in_name():
    """A bare name, which is what Keras writes for a function of its own or of that name, means the built-in one; a form
    that names a module, or a package, does not."""
    assert activations.deserialize("relu", {"relu": relu}) is activations.relu
    form = activations.serialize(activations.get(relu))
    assert activations.deserialize(form, {"relu": relu}).function is relu
    packaged = {"module": "builtins", "class_name": "function", "config": "mine>relu", "registered_name": "function"}
    for unknown in (form, packaged):
        with pytest.raises(ValueError, match="relu is custom"):
            activations.deserialize(unknown)
    with saving.custom_object_scope({"mine>relu": relu}):
        assert activations.deserialize(packaged).function is relu


def test_what_no_file_can_name(tmp_path):
    model = rnnfast.Sequential([layers.Input((3,)), layers.Dense(2, lambda x: x, name="d")])
    with pytest.raises(ValueError, match=r"save: layer 'd' .* holds a lambda, which a file cannot name"):
        model.save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())
