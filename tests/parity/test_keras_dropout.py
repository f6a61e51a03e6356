"""Dropout inside recurrent layers against Keras, in training, with the factors that Keras' cells are given."""

import numpy as np
import pytest

import rnnfast

BATCH, TIME, FEATURES, UNITS = 5, 6, 3, 4
RATE = 0.4
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}


def outcomes(layer, generator, x, dy, mask):
    """Output and gradients of an rnnfast layer that draws from `generator`."""
    layer.noise.generator = np.random.default_rng(generator)
    y, tape = layer.forward(layer.prepare(x), training=True, mask=mask)
    dx = layer.backward(dy, tape)
    return [y, dx, *(v.grad for v in layer.weights)]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("rates", [(RATE, 0.0), (0.0, RATE), (RATE, RATE)], ids=str)
@pytest.mark.parametrize(
    ("name", "options"),
    [("SimpleRNN", {}), ("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False}), ("LSTM", {"go_backwards": True})],
)
def test_training(keras, torch, draw, same_output, same_gradient, name, options, rates, masked):
    dropout, recurrent_dropout = rates
    options = {**options, "return_sequences": True, "dropout": dropout, "recurrent_dropout": recurrent_dropout}
    theirs, ours = getattr(keras.layers, name)(UNITS, **options), getattr(rnnfast.layers, name)(UNITS, **options)
    shape = (BATCH, TIME, FEATURES)
    theirs.build(shape)
    ours.build(shape)
    weights = [draw(*w.shape) for w in theirs.weights]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    x, dy = draw(*shape), draw(BATCH, TIME, UNITS)
    mask = np.array([[1, 1, 0, 1, 0, 1]] * (BATCH - 1) + [[0] * TIME], bool) if masked else None

    ours.noise.generator = np.random.default_rng(3)
    drawn = ours.noise.draw(BATCH, TIME, FEATURES, UNITS, "float32")
    inputs = drawn.x_factors if drawn.input_factors is None else drawn.input_factors[:, 0][None]
    given = {"_dropout_mask": inputs, "_recurrent_dropout_mask": drawn.h_factors}
    for attribute, factors in given.items():
        if factors is not None:
            parts = [torch.tensor(part) for part in factors]
            setattr(theirs.cell, attribute, parts if getattr(theirs.cell, "dropout_mask_count", None) else parts[0])

    x_tensor = torch.tensor(x, requires_grad=True)
    y = theirs(x_tensor, mask=None if mask is None else torch.tensor(mask), training=True)
    (y * torch.tensor(dy)).sum().backward()
    expected = [y.detach().numpy(), x_tensor.grad.numpy(), *(w.value.grad.numpy() for w in theirs.trainable_weights)]
    actual = outcomes(ours, 3, x, dy, mask)
    same_output(actual[0], expected[0])
    for number, (gradient, theirs_gradient) in enumerate(zip(actual[1:], expected[1:], strict=True)):
        same_gradient(gradient, theirs_gradient, f"gradient {number}")


@pytest.mark.parametrize("name", GATES)
def test_files(keras, tmp_path, name):
    options = {"dropout": 0.25, "recurrent_dropout": 0.125, "seed": 7}
    model = rnnfast.Sequential(
        [rnnfast.layers.Input((TIME, FEATURES)), getattr(rnnfast.layers, name)(UNITS, **options)]
    )
    model.save(tmp_path / "ours.keras")
    theirs = keras.models.load_model(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    back = rnnfast.load_model(tmp_path / "theirs.keras")
    for layer in (theirs.layers[0], back.layers[-1]):
        config = layer.get_config()
        assert config["dropout"] == 0.25 and config["recurrent_dropout"] == 0.125
        # Keras' SimpleRNN leaves its seed out of its configuration.
        assert config.get("seed") == (None if name == "SimpleRNN" else 7)
