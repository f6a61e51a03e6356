"""Activations and their derivatives against Keras, with the arguments that Keras gives them by default."""

import numpy as np
import pytest

from rnnfast import _kernels as kernels
from rnnfast import activations

NAMES = [
    "tanh", "sigmoid", "hard_sigmoid", "relu", "linear", "softsign", "softplus", "elu", "selu", "gelu", "silu",
    "swish", "exponential", "leaky_relu", "relu6", "hard_tanh", "hard_silu", "hard_swish", "celu", "mish",
    "log_sigmoid", "softmax", "log_softmax",
]  # fmt: skip

# Off every kink (-3, -1, 0, 1, 3, 6), where two sides give two right derivatives.
TENSORS = {
    "middle": np.linspace(-12.03, 12.01, 171).reshape(19, 9),
    "small": np.linspace(-0.031, 0.029, 66).reshape(2, 33),
    "one_column": np.linspace(-5.03, 5.01, 17).reshape(17, 1),
    "rank_three": np.linspace(-40.03, 40.01, 102).reshape(2, 3, 17),
    "large": np.array([[-90.0, -40.0, 40.0, 80.0]]),
}


@pytest.mark.filterwarnings("ignore:You are using a softmax")
@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize("name", NAMES)
def test_activation(keras, torch, draw, same_output, same_gradient, name, tensor):
    values = TENSORS[tensor].astype(np.float32)
    x = torch.tensor(values, requires_grad=True)
    expected = keras.activations.get(name)(x)
    dy = draw(*values.shape)
    (expected * torch.tensor(dy)).sum().backward()

    activation = activations.get(name)
    y = kernels.activation_forward(activation, values)
    same_output(y, expected.detach().numpy())
    same_gradient(kernels.activation_backward(activation, values, y, dy), x.grad.numpy())
