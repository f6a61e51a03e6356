"""Activations by name: what layers accept as `activation=` and `recurrent_activation=`.

Each name in this module is an `Activation`, a description that kernels understand, or an `OverLastAxis`, and can be
called on an array, too. The definitions are Keras 3's, element by element but for the last four:

    linear x; tanh; sigmoid 1 / (1 + exp(-x)); exponential exp(x); softplus log(1 + exp(x)); softsign x / (1 + |x|);
    relu max(x, 0); relu6 relu up to 6; leaky_relu x, below 0 alpha x; log_sigmoid log(sigmoid(x));
    elu x, below 0 alpha (exp(x) - 1); celu x, below 0 alpha (exp(x / alpha) - 1); selu 1.0507 elu(x), alpha 1.6733;
    gelu x P(x), P the normal distribution; silu (swish) x sigmoid(x); mish x tanh(softplus(x));
    hard_sigmoid x / 6 + 1 / 2 within 0 and 1; hard_silu (hard_swish) x hard_sigmoid(x); hard_tanh x within -1 and 1;
    hard_shrink x, 0 within -alpha and alpha; soft_shrink x moved towards 0 by alpha; tanh_shrink x - tanh(x);
    threshold x, where it is not above alpha beta; squareplus (x + sqrt(x^2 + alpha)) / 2;
    sparse_plus (x + 1)^2 / 4 within -1 and 1, 0 below, x above; sparse_sigmoid (x + 1) / 2 within 0 and 1;
    softmax exp(x) / sum(exp(x)) over the last axis; log_softmax its logarithm; sparsemax the nearest probabilities;
    glu the first half of the last axis times the sigmoid of the second

A callable of your own is an activation, too: see `FunctionActivation`.

>>> import numpy as np, rnnfast
>>> rnnfast.activations.relu(np.array([-1.0, 2.0]))
array([0., 2.])
"""

from __future__ import annotations

from typing import Any

from rnnfast import _custom_objects
from rnnfast._custom_objects import CustomObjectScope
from rnnfast._registry import unknown_name
from rnnfast.activations.built_in import (
    Activation,
    celu,
    elu,
    exponential,
    gelu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    swish,
    tanh,
    tanh_shrink,
    threshold,
)
from rnnfast.activations.over_last_axis import OverLastAxis, glu, sparsemax
from rnnfast.activations.own import FunctionActivation

__all__ = [
    "Activation",
    "AnyActivation",
    "FunctionActivation",
    "OverLastAxis",
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "get_recurrent",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

AnyActivation = Activation | OverLastAxis | FunctionActivation

_BY_NAME: dict[str, Activation | OverLastAxis] = {
    name: value for name, value in vars().items() if isinstance(value, (Activation, OverLastAxis))
}


def get(identifier: Any) -> AnyActivation:
    """The `Activation` of a name, of a member of this module, of a layer such as LeakyReLU, of a serialized one, or
    linear for None; of any other callable, or a class of such, a `FunctionActivation`.

    ValueError: an unknown name (the message lists the valid ones); TypeError: anything else.

    >>> get("tanh").name
    'tanh'
    """
    if identifier is None:
        return linear
    if isinstance(identifier, AnyActivation):
        return identifier
    if isinstance(identifier, dict):
        return _of_config(identifier)
    if isinstance(identifier, str):
        return _of_name(identifier)
    if isinstance(of_layer := getattr(identifier, "function", None), Activation):
        return of_layer  # a layer that is nothing but an activation
    if callable(identifier):
        return FunctionActivation(identifier() if isinstance(identifier, type) else identifier)
    raise TypeError(
        f"activation must be a name, a member of rnnfast.activations, or a function, got {identifier!r} of type "
        f"{type(identifier).__name__}"
    )


def _of_name(name: str) -> AnyActivation:
    """A built-in one, whatever the names of the user's own, as in Keras."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    own = _custom_objects.find(name)
    if own is None:
        raise unknown_name("activation", name, _BY_NAME)
    return get(own)


def _of_config(config: dict[str, Any]) -> AnyActivation:
    if "name" in config and "class_name" not in config:
        named = get(config["name"])
        if isinstance(named, Activation):
            alpha, beta = config.get("alpha", named.alpha), config.get("beta", named.beta)
            return named._replace(alpha=float(alpha), beta=float(beta))
    own = _custom_objects.find(config)
    if own is not None:
        return get(_custom_objects.make(own, config))
    called = config.get("config")
    if _custom_objects.is_custom(config) or config.get("class_name") != "function" or called not in _BY_NAME:
        raise ValueError(_custom_objects.advice(config))
    return _BY_NAME[called]


def get_recurrent(identifier: Any) -> AnyActivation:
    """`get`, for a recurrent layer's argument: element-wise activations only."""
    activation = get(identifier)
    if not activation.elementwise:
        valid = sorted(name for name, a in _BY_NAME.items() if a.elementwise)
        raise ValueError(
            f"{activation.name!r} is not possible: it couples all units of a step, and a recurrent cell needs an "
            f"element-wise activation. Valid names: {', '.join(valid)}"
        )
    return activation


def serialize(activation: AnyActivation) -> str | dict[str, Any]:
    """The name, or a dictionary when the parameters are not the name's defaults, or for a function of the user's own
    (Keras' form)."""
    if isinstance(activation, FunctionActivation):
        return _custom_objects.to_config(activation.function)
    if isinstance(activation, OverLastAxis) or activation == _BY_NAME[activation.name]:
        return activation.name
    return {"name": activation.name, "alpha": activation.alpha, "beta": activation.beta}


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> AnyActivation:
    """The activation of what `serialize` gives, here or in Keras. custom_objects: functions of the user's own, by name.

    >>> deserialize({"class_name": "function", "config": "relu", "registered_name": "function"}).name
    'relu'
    """
    with CustomObjectScope(custom_objects):
        return get(config)
