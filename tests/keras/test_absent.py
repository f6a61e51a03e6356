"""Names of Keras' that are not here: they can be imported, and say why."""

import importlib

import numpy as np
import pytest

import rnnfast
from rnnfast import _absent, keras, layers


@pytest.mark.parametrize("module", sorted(_absent._ABSENT))
def test_no_name_is_there_after_all(module):
    """What is built leaves the list; no name stands in it twice."""
    groups = [name for names, _ in _absent._ABSENT[module] for name in names.split()]
    assert len(groups) == len(set(groups))
    if module in ("Layer", "Model"):
        assert not set(dir({"Layer": layers.Layer, "Model": rnnfast.Model}[module])) & set(groups)
    else:
        package = {"tensorflow": "rnnfast", "keras": "rnnfast.keras"}.get(module, f"rnnfast.{module}")
        room = importlib.import_module(package)
        known = set(rnnfast.__all__ if module in ("keras", "tensorflow") else room.__all__)
        assert not [name for name in known if _absent.reason(module, name)]
        for name in groups:
            assert module == "tensorflow" or f"{module}.{name} is not supported: " in repr(getattr(room, name))


@pytest.mark.parametrize(
    "name", ["Conv2D", "Conv3DTranspose", "GlobalMaxPool2D", "ConvLSTM3D", "RandomFlip", "RandomGaussianBlur", "MixUp"]
)
def test_layers_of_images(name):
    with pytest.raises(ValueError, match=rf"layers\.{name} is not supported: it .* images"):
        getattr(layers, name)(3)


def test_they_can_be_imported_and_not_used():
    from rnnfast.keras.layers import LSTM, Conv2D
    from rnnfast.keras.utils import plot_model

    model = keras.Sequential([layers.Input((4, 2)), LSTM(3)])
    assert not isinstance(model.layers[0], Conv2D)
    with pytest.raises(ValueError, match=r"layers\.Conv2D is not supported: it works on images"):
        Conv2D(8, 3)
    with pytest.raises(ValueError, match=r"utils.plot_model is not supported: .*summary"):
        plot_model(model, to_file="model.png")


def test_modules():
    with pytest.raises(AttributeError, match=r"keras\.applications is not supported"):
        keras.applications.VGG16  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match=r"rnnfast\.keras\.applications is not supported: models of images"):
        importlib.import_module("rnnfast.keras.applications.vgg16")
    with pytest.raises(ModuleNotFoundError, match=r"np_utils is not supported: to_categorical and normalize"):
        importlib.import_module("rnnfast.keras.utils.np_utils")


def test_stars():
    names: dict = {}
    exec("from rnnfast.keras import *", names)
    assert names["layers"] is layers and names["Model"] is rnnfast.Model and "sys" not in names


def test_tensorflow():
    tf = rnnfast
    with pytest.raises(ValueError, match=r"config\.list_physical_devices is not supported: there is one device"):
        tf.config.list_physical_devices("GPU")
    with pytest.raises(ValueError, match=r"backend\.set_value is not supported: .* assign\(value\)"):
        tf.keras.backend.set_value(rnnfast.optimizers.Adam().learning_rate, 0.1)
    with pytest.raises(AttributeError, match=r"there are no pipelines of tf\.data"):
        tf.data.Dataset  # noqa: B018
    with pytest.raises(ValueError, match=r"tensorflow\.constant is not supported: values are NumPy arrays"):
        tf.constant([1.0])
    with pytest.raises(ValueError, match="leave the decorator out"):
        tf.function(lambda x: x)


def test_methods():
    model = keras.Sequential([layers.Input((4, 2)), layers.GRU(3)])
    with pytest.raises(AttributeError, match=r"'predict_classes': use predict\(x\).argmax"):
        model.predict_classes(np.ones((1, 4, 2)))
    with pytest.raises(AttributeError, match="'add_loss': a penalty needs a gradient"):
        model.layers[0].add_loss(1.0)
    assert not hasattr(model.layers[0], "fit_generator") and not hasattr(model, "nonsense")


def test_configurations():
    with pytest.raises(ValueError, match="layer MultiHeadAttention is not supported: rnnfast is about recurrent"):
        layers.deserialize({"class_name": "MultiHeadAttention", "config": {}})


@pytest.mark.parametrize("step", ["train_step", "compute_loss"])
def test_steps_of_ones_own(step):
    class Own(rnnfast.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    setattr(Own, step, lambda self, data: {})
    model = Own()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=f"{step} of its own is not called: there is no automatic differentiation"):
        model.fit(np.ones((2, 3)), np.ones(2), verbose=0)
