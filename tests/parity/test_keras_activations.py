"""Activations and their derivatives against Keras, with the arguments that Keras gives them by default."""

import numpy as np
import pytest

import rnnfast
from rnnfast import _kernels as kernels
from rnnfast import activations

NAMES = [
    "tanh", "sigmoid", "hard_sigmoid", "relu", "linear", "softsign", "softplus", "elu", "selu", "gelu", "silu",
    "swish", "exponential", "leaky_relu", "relu6", "hard_tanh", "hard_silu", "hard_swish", "celu", "mish",
    "log_sigmoid", "hard_shrink", "soft_shrink", "tanh_shrink", "sparse_plus", "sparse_sigmoid", "squareplus",
    "softmax", "log_softmax",
]  # fmt: skip

# Off every kink (-3, -1, -0.5, 0, 0.5, 1, 3, 6), where two sides give two right derivatives.
TENSORS = {
    "middle": np.linspace(-12.03, 12.01, 171).reshape(19, 9),
    "small": np.linspace(-0.031, 0.029, 66).reshape(2, 33),
    "one_column": np.linspace(-5.03, 5.01, 17).reshape(17, 1),
    "rank_three": np.linspace(-40.03, 40.01, 102).reshape(2, 3, 17),
    "large": np.array([[-90.0, -40.0, 40.0, 80.0]]),
}


def keras_values_and_gradient(torch, function, values, draw):
    x = torch.tensor(values, requires_grad=True)
    expected = function(x)
    dy = draw(*expected.shape)
    (expected * torch.tensor(dy)).sum().backward()
    return expected.detach().numpy(), dy, x.grad.numpy()


@pytest.mark.filterwarnings("ignore:You are using a softmax")
@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize("name", NAMES)
def test_activation(keras, torch, draw, same_output, same_gradient, name, tensor):
    values = TENSORS[tensor].astype(np.float32)
    # Of tanh_shrink of small x float32 leaves little but rounding: in Keras' derivative, and in both values.
    given, moved = (values.astype(np.float64), values) if name == "tanh_shrink" else (values, 0)
    expected, dy, gradient = keras_values_and_gradient(torch, keras.activations.get(name), given, draw)
    activation = activations.get(name)
    y = kernels.activation_forward(activation, values)
    same_output(y - moved, expected - moved)
    same_gradient(kernels.activation_backward(activation, values, y, dy), gradient)


@pytest.mark.parametrize("name", ["glu", "sparsemax"])
def test_over_the_last_axis(keras, torch, draw, same_output, same_gradient, name):
    values = np.random.default_rng(8).normal(size=(3, 4, 6)).astype(np.float32)
    if name == "sparsemax":  # Keras 3.15 is right only where one element is left
        values[..., 2] += 9
    expected, dy, gradient = keras_values_and_gradient(torch, keras.activations.get(name), values, draw)
    activation = activations.get(name)
    y = activation.forward(values)
    same_output(y, expected)
    same_gradient(activation.backward(values, y, dy), gradient)


PARAMETERS = {
    "leaky_relu": {"negative_slope": 0.3},
    "elu": {"alpha": 0.7},
    "celu": {"alpha": 0.7},
    "hard_shrink": {"threshold": 1.7},
    "soft_shrink": {"threshold": 1.7},
    "threshold": {"threshold": -0.7, "default_value": 2.5},
    "squareplus": {"b": 2.5},
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(keras, torch, draw, same_output, same_gradient, name):
    values, given = TENSORS["middle"].astype(np.float32), PARAMETERS[name]
    function = getattr(keras.activations, name)
    expected, dy, gradient = keras_values_and_gradient(torch, lambda x: function(x, **given), values, draw)
    activation = getattr(activations, name)
    same_output(activation(values, **given), expected)
    np.testing.assert_array_equal(activation(values, *given.values()), activation(values, **given))
    changed = activation._replace(**dict(zip(("alpha", "beta"), given.values(), strict=False)))
    same_gradient(kernels.activation_backward(changed, values, changed.forward(values), dy), gradient)


ADDED = ["hard_shrink", "soft_shrink", "tanh_shrink", "sparse_plus", "sparse_sigmoid", "squareplus"]
X = np.random.default_rng(9).normal(size=(6, 5, 4)).astype(np.float32)


def stages(n, name):
    return [
        n.layers.Input((5, 4)),
        n.layers.LSTM(3, activation=name, return_sequences=True),
        n.layers.Activation(name),
        n.layers.RNN(n.layers.GRUCell(3, recurrent_activation=name)),
        n.layers.Dense(4, activation=name),
    ]


@pytest.mark.parametrize("to_keras", [True, False])
@pytest.mark.parametrize("name", [*ADDED, "glu"])
def test_files(keras, randomize, same_output, tmp_path, name, to_keras):
    pytest.importorskip("h5py", reason="h5py is not installed (pip install '.[keras]')")
    source, target = (rnnfast, keras) if to_keras else (keras, rnnfast)
    own = stages(source, name) if name in ADDED else [source.layers.Input((5, 4)), source.layers.Dense(4, name)]
    model = source.Sequential(own)
    randomize(model)
    model.save(tmp_path / "m.keras")
    loaded = target.models.load_model(tmp_path / "m.keras")
    same_output(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    loaded = target.models.model_from_json(model.to_json())
    model.save_weights(tmp_path / "m.weights.h5")
    loaded.load_weights(tmp_path / "m.weights.h5")
    same_output(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def test_training_behind_glu(twins, same_step):
    """Keras takes the output for twice as wide as it is, so there it can come last alone."""
    y = np.random.default_rng(10).normal(size=(6, 5, 2)).astype(np.float32)
    peer, fast = twins(lambda n: n.Sequential([n.layers.Input((5, 4)), n.layers.Dense(4, "glu")]))
    assert fast.output_shape == (None, 5, 2)
    same_step(peer, fast, X, y, "mse")
