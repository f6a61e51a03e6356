"""`rnnfast.keras`: Keras' paths lead to the same objects, and nothing is loaded before it is used."""

import importlib
import sys

import numpy as np
import pytest
from process import run_python

import rnnfast

ROOMS = ["activations", "callbacks", "initializers", "layers", "losses", "metrics", "models", "optimizers", "utils"]
ROOMS += ["backend", "constraints", "preprocessing", "regularizers", "saving"]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_two_names_and_is_one_module(room):
    module = importlib.import_module(f"rnnfast.{room}")
    assert importlib.import_module(f"rnnfast.keras.{room}") is module
    assert getattr(rnnfast.keras, room) is module
    assert module.__name__ == module.__spec__.name == f"rnnfast.{room}"


def test_modules_of_a_room():
    from rnnfast.keras.losses.hinge import Hinge

    assert Hinge is rnnfast.losses.Hinge
    assert sys.modules["rnnfast.keras.losses.hinge"] is sys.modules["rnnfast.losses.hinge"]


def test_a_program_written_for_keras():
    from rnnfast.keras.layers import LSTM, Dense

    import rnnfast as tf
    from rnnfast.keras import Input, Sequential

    model = Sequential([Input((5, 3)), LSTM(4), Dense(1)])
    model.compile(tf.keras.optimizers.Adam(), tf.keras.losses.Huber(), metrics=[tf.keras.metrics.MeanAbsoluteError()])
    stop = tf.keras.callbacks.EarlyStopping("loss")
    history = model.fit(np.ones((4, 5, 3)), np.zeros(4), epochs=2, verbose=0, callbacks=[stop])
    assert set(history.history) == {"loss", "mean_absolute_error"}
    assert tf.keras.Sequential is Sequential and tf.keras.Layer is tf.layers.Layer


def test_what_is_not_there():
    with pytest.raises(ModuleNotFoundError, match=r"rnnfast\.keras\.nonsense"):
        importlib.import_module("rnnfast.keras.nonsense")
    with pytest.raises(ModuleNotFoundError, match=r"rnnfast\.keras\._kernels"):
        importlib.import_module("rnnfast.keras._kernels")
    with pytest.raises(AttributeError, match="nonsense"):
        rnnfast.keras.nonsense  # noqa: B018
    assert not hasattr(rnnfast.keras, "_kernels") and "layers" in dir(rnnfast.keras)


def test_it_loads_nothing_by_itself():
    code = "import sys, rnnfast.keras; print([m for m in sys.modules if m in ('numpy', 'rnnfast.layers')])"
    assert run_python(code)[1] == "[]"
