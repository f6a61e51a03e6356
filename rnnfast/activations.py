"""Activations by name: what layers accept as `activation=` and `recurrent_activation=`.

Each name in this module is an `Activation`: a description that kernels understand, that can also be called on an array.
The definitions are Keras 3's, element by element but for the last two:

    linear x; tanh; sigmoid 1 / (1 + exp(-x)); exponential exp(x); softplus log(1 + exp(x)); softsign x / (1 + |x|);
    relu max(x, 0); relu6 relu up to 6; leaky_relu x, below 0 alpha x; log_sigmoid log(sigmoid(x));
    elu x, below 0 alpha (exp(x) - 1); celu x, below 0 alpha (exp(x / alpha) - 1); selu 1.0507 elu(x), alpha 1.6733;
    gelu x P(x), P the normal distribution; silu (swish) x sigmoid(x); mish x tanh(softplus(x));
    hard_sigmoid x / 6 + 1 / 2 within 0 and 1; hard_silu (hard_swish) x hard_sigmoid(x); hard_tanh x within -1 and 1;
    softmax exp(x) / sum(exp(x)) over the last axis; log_softmax its logarithm

>>> import numpy as np, rnnfast
>>> rnnfast.activations.relu(np.array([-1.0, 2.0]))
array([0., 2.])
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnfast import _arguments
from rnnfast._registry import unknown_name


class Activation(NamedTuple):
    """An activation as the kernels take it.

    name: Keras' name. id: `rnnfast::ActivationId`. alpha: `negative_slope` of leaky_relu (0.2), `alpha` of elu and celu
    (1); unused by the others. beta: unused by the built-in ones. Called on an array, it is applied to it.

    >>> from rnnfast.activations import leaky_relu
    >>> leaky_relu._replace(alpha=0.5)([-2.0, 2.0])
    array([-1.,  2.])
    """

    name: str
    id: int
    alpha: float = 0.0
    beta: float = 0.0

    @property
    def elementwise(self) -> bool:
        """False for softmax and log_softmax, which look at the whole last axis."""
        return self.id < _FIRST_NOT_ELEMENTWISE

    def __call__(self, x: Any) -> np.ndarray:
        """Apply to an array of any shape; float64 stays float64, everything else is computed in float32."""
        from rnnfast import _kernels

        array = _arguments.numeric(f"activation {self.name!r}: x", x)
        return _kernels.activation_forward(self, array.astype(np.float64 if array.dtype == np.float64 else np.float32))


_FIRST_NOT_ELEMENTWISE = 100

# Ids follow src_c/rnnfast.h.
linear = Activation("linear", 0)
tanh = Activation("tanh", 1)
sigmoid = Activation("sigmoid", 2)
hard_sigmoid = Activation("hard_sigmoid", 3)
relu = Activation("relu", 4)
softsign = Activation("softsign", 5)
softplus = Activation("softplus", 6)
elu = Activation("elu", 7, alpha=1.0)
selu = Activation("selu", 8)
gelu = Activation("gelu", 9)
silu = swish = Activation("silu", 10)
exponential = Activation("exponential", 11)
leaky_relu = Activation("leaky_relu", 12, alpha=0.2)
relu6 = Activation("relu6", 13)
hard_tanh = Activation("hard_tanh", 14)
hard_silu = hard_swish = Activation("hard_silu", 15)
celu = Activation("celu", 16, alpha=1.0)
mish = Activation("mish", 17)
log_sigmoid = Activation("log_sigmoid", 18)
softmax = Activation("softmax", 100)
log_softmax = Activation("log_softmax", 101)

_BY_NAME: dict[str, Activation] = {name: value for name, value in vars().items() if isinstance(value, Activation)}


def get(identifier: Any) -> Activation:
    """The `Activation` of a name, of a member of this module, of a layer such as LeakyReLU, of a serialized one, or
    linear for None.

    ValueError: an unknown name (the message lists the valid ones); TypeError: anything else.

    >>> get("tanh").name
    'tanh'
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    if isinstance(identifier, dict) and "name" in identifier:
        named = get(identifier["name"])
        alpha, beta = identifier.get("alpha", named.alpha), identifier.get("beta", named.beta)
        return named._replace(alpha=float(alpha), beta=float(beta))
    if isinstance(of_layer := getattr(identifier, "function", None), Activation):
        return of_layer  # a layer that is nothing but an activation
    if not isinstance(identifier, str):
        own = "; a function has no derivative here: derive a layer from rnnfast.layers.Layer with forward and backward"
        raise TypeError(
            f"activation must be a name or a member of rnnfast.activations, got {identifier!r}"
            + (own if callable(identifier) else "")
        )
    if identifier not in _BY_NAME:
        raise unknown_name("activation", identifier, _BY_NAME)
    return _BY_NAME[identifier]


def get_recurrent(identifier: Any, layer: str, argument: str) -> Activation:
    """`get`, for a recurrent layer's argument: element-wise activations only."""
    try:
        activation = get(identifier)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{layer}: {argument}: {error}") from None
    if not activation.elementwise:
        valid = sorted(name for name, a in _BY_NAME.items() if a.elementwise)
        raise ValueError(
            f"{layer}: {argument}={activation.name!r} is not possible: it couples all units of a step, and a recurrent "
            f"cell needs an element-wise activation. Valid names: {', '.join(valid)}"
        )
    return activation


def serialize(activation: Activation) -> str | dict[str, Any]:
    """The name, or a dictionary when the parameters are not the name's defaults."""
    if activation == _BY_NAME[activation.name]:
        return activation.name
    return {"name": activation.name, "alpha": activation.alpha, "beta": activation.beta}
