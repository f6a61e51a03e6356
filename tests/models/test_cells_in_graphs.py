"""RNN over stacks of cells in functional models: nested states from an encoder to a decoder."""

import numpy as np
import pytest

import rnnfast
from rnnfast import layers

RNG = np.random.default_rng(0)
SOURCE, TARGET = (RNG.normal(size=(4, steps, 3)).astype(np.float32) for steps in (5, 6))


def cells():
    return [layers.LSTMCell(4), layers.GRUCell(3)]


@pytest.fixture
def model():
    source, target = layers.Input((5, 3)), layers.Input((6, 3))
    _, *states = layers.RNN(cells(), return_state=True, name="encoder")(source)
    decoded = layers.RNN(cells(), return_sequences=True, name="decoder")(target, initial_state=states)
    model = rnnfast.Model([source, target], decoded)
    model.set_weights([RNG.normal(0, 0.5, w.shape) for w in model.weights])
    return model


def test_states_pass_from_one_to_the_other(model):
    _, *states = model.get_layer("encoder")(SOURCE)
    expected = model.get_layer("decoder")(TARGET, initial_state=states)
    np.testing.assert_allclose(model.predict([SOURCE, TARGET], verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_gradients_reach_the_encoder(model):
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit([SOURCE, TARGET], RNG.normal(size=(4, 6, 3)), verbose=0)
    assert all((w != b).any() for w, b in zip(model.get_weights(), before, strict=True))


def test_files(model, tmp_path):
    pytest.importorskip("h5py", reason="files need h5py")
    model.save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras")
    expected = model.predict([SOURCE, TARGET], verbose=0)
    np.testing.assert_array_equal(loaded.predict([SOURCE, TARGET], verbose=0), expected)


def test_a_frozen_layer_freezes_its_cells():
    cells = [layers.GRUCell(2), layers.LSTMCell(3)]
    layer = layers.RNN(cells)
    layer.build((None, 4, 2))
    layer.trainable = False
    assert not any(cell.trainable for cell in cells) and layer.trainable_weights == []
    layer.trainable = True
    assert len(layer.trainable_weights) == 6
