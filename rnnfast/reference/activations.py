"""Activations, Keras 3's definitions, with their derivatives.

Element-wise ones are pairs ``value(x, alpha, beta)`` and ``derivative(x, y, alpha, beta)``, where y is the value: a
derivative uses whichever of the two reads better. ``alpha`` is the negative slope of ``leaky_relu``, the scale of
``elu`` and ``celu``, the threshold of those that have one and what ``squareplus`` adds to x^2; ``beta`` is what
``threshold`` puts in the place of the others. All others ignore them.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

_erf = np.vectorize(math.erf, otypes=[float])


class Elementwise(NamedTuple):
    value: Callable[[Array, float, float], Array]
    derivative: Callable[[Array, Array, float, float], Array]
    defaults: tuple[float, float] = (0.0, 0.0)


def sigmoid(x: Array) -> Array:
    """``1 / (1 + e^-x)``. The overflow of ``e^-x`` to infinity gives the right limit, 0."""
    with np.errstate(over="ignore"):
        y: Array = 1.0 / (1.0 + np.exp(-x))
    return y


def hard_sigmoid(x: Array) -> Array:
    return np.clip(x / 6.0 + 0.5, 0.0, 1.0)


def softplus(x: Array) -> Array:
    """``log(1 + e^x)``"""
    return np.logaddexp(x, np.zeros_like(x))


def exp_below_zero(x: Array) -> Array:
    """``e^x`` for x < 0 and 1 elsewhere: no overflow on the side that is not used."""
    return np.exp(np.minimum(x, 0.0))


def elu(x: Array, alpha: float, _: float = 0.0) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def normal_cdf(x: Array) -> Array:
    cdf: Array = 0.5 * (1.0 + _erf(x / math.sqrt(2.0)))
    return cdf


def normal_pdf(x: Array) -> Array:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def hard_sigmoid_derivative(x: Array) -> Array:
    return (np.abs(x) < 3) / 6.0


def silu_derivative(x: Array) -> Array:
    s = sigmoid(x)
    return s * (1.0 + x * (1.0 - s))


def mish_derivative(x: Array) -> Array:
    t = np.tanh(softplus(x))
    return t + x * (1.0 - t * t) * sigmoid(x)


ELEMENTWISE: dict[str, Elementwise] = {
    "linear": Elementwise(lambda x, *_: x, lambda x, y, *_: np.ones_like(x)),
    "tanh": Elementwise(lambda x, *_: np.tanh(x), lambda x, y, *_: 1.0 - y * y),
    "sigmoid": Elementwise(lambda x, *_: sigmoid(x), lambda x, y, *_: y * (1.0 - y)),
    "hard_sigmoid": Elementwise(lambda x, *_: hard_sigmoid(x), lambda x, y, *_: hard_sigmoid_derivative(x)),
    "relu": Elementwise(lambda x, *_: np.maximum(x, 0.0), lambda x, y, *_: x > 0),
    "softsign": Elementwise(lambda x, *_: x / (1.0 + np.abs(x)), lambda x, y, *_: 1.0 / (1.0 + np.abs(x)) ** 2),
    "softplus": Elementwise(lambda x, *_: softplus(x), lambda x, y, *_: sigmoid(x)),
    "elu": Elementwise(elu, lambda x, y, alpha, _: np.where(x > 0, 1.0, alpha * exp_below_zero(x)), (1.0, 0.0)),
    "selu": Elementwise(
        lambda x, *_: SELU_SCALE * elu(x, SELU_ALPHA),
        lambda x, y, *_: SELU_SCALE * np.where(x > 0, 1.0, SELU_ALPHA * exp_below_zero(x)),
    ),
    "gelu": Elementwise(lambda x, *_: x * normal_cdf(x), lambda x, y, *_: normal_cdf(x) + x * normal_pdf(x)),
    "silu": Elementwise(lambda x, *_: x * sigmoid(x), lambda x, y, *_: silu_derivative(x)),
    "exponential": Elementwise(lambda x, *_: np.exp(x), lambda x, y, *_: y),
    "leaky_relu": Elementwise(
        lambda x, slope, _: np.where(x > 0, x, slope * x),
        lambda x, y, slope, _: np.where(x > 0, 1.0, slope),
        (0.2, 0.0),
    ),
    "relu6": Elementwise(lambda x, *_: np.clip(x, 0.0, 6.0), lambda x, y, *_: (x > 0) & (x < 6)),
    "hard_tanh": Elementwise(lambda x, *_: np.clip(x, -1.0, 1.0), lambda x, y, *_: np.abs(x) < 1),
    "hard_silu": Elementwise(
        lambda x, *_: x * hard_sigmoid(x), lambda x, y, *_: hard_sigmoid(x) + x * hard_sigmoid_derivative(x)
    ),
    "celu": Elementwise(
        lambda x, alpha, _: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0) / alpha)),
        lambda x, y, alpha, _: np.where(x > 0, 1.0, exp_below_zero(x / alpha)),
        (1.0, 0.0),
    ),
    "mish": Elementwise(lambda x, *_: x * np.tanh(softplus(x)), lambda x, y, *_: mish_derivative(x)),
    "log_sigmoid": Elementwise(lambda x, *_: -softplus(-x), lambda x, y, *_: sigmoid(-x)),
    "hard_shrink": Elementwise(
        lambda x, width, _: np.where(np.abs(x) <= width, 0.0, x), lambda x, y, width, _: np.abs(x) > width, (0.5, 0.0)
    ),
    "soft_shrink": Elementwise(
        lambda x, width, _: x - np.clip(x, -width, width), lambda x, y, width, _: np.abs(x) > width, (0.5, 0.0)
    ),
    "tanh_shrink": Elementwise(lambda x, *_: x - np.tanh(x), lambda x, y, *_: np.tanh(x) ** 2),
    "threshold": Elementwise(
        lambda x, above, otherwise: np.where(x <= above, otherwise, x), lambda x, y, above, _: x > above
    ),
    "sparse_plus": Elementwise(
        lambda x, *_: np.where(x < 1, (np.maximum(x, -1.0) + 1) ** 2 / 4, x),
        lambda x, y, *_: np.clip((x + 1) / 2, 0.0, 1.0),
    ),
    "sparse_sigmoid": Elementwise(lambda x, *_: np.clip((x + 1) / 2, 0.0, 1.0), lambda x, y, *_: (np.abs(x) < 1) / 2.0),
    "squareplus": Elementwise(
        lambda x, b, _: (x + np.sqrt(x * x + b)) / 2, lambda x, y, b, _: (1 + x / np.sqrt(x * x + b)) / 2, (4.0, 0.0)
    ),
}


def softmax(x: Array) -> Array:
    """``e^x_j / sum_k e^x_k`` over the last axis; subtracting the maximum first only avoids overflow."""
    e: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    y: Array = e / e.sum(axis=-1, keepdims=True)
    return y


def log_softmax(x: Array) -> Array:
    shifted: Array = x - x.max(axis=-1, keepdims=True)
    y: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return y


def softmax_backward(y: Array, dy: Array) -> Array:
    """``dx_j = y_j (dy_j - sum_k dy_k y_k)``"""
    dx: Array = y * (dy - (dy * y).sum(axis=-1, keepdims=True))
    return dx


def log_softmax_backward(y: Array, dy: Array) -> Array:
    """``dx_j = dy_j - e^y_j sum_k dy_k``"""
    dx: Array = dy - np.exp(y) * dy.sum(axis=-1, keepdims=True)
    return dx


def activate(activation: Any, x: Array) -> Array:
    """``y = act(x)``, shape and dtype of ``x``.

    ``activation`` is a name of ``ELEMENTWISE``, ``"softmax"`` or ``"log_softmax"`` (over the last axis), or an object
    with attributes ``name``, ``alpha`` and ``beta`` such as ``rnnfast.activations.Activation``. Raises ValueError for
    an unknown name.

    >>> import numpy as np
    >>> activate("relu", np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    name, parameters = _name_and_parameters(activation)
    if name == "softmax":
        return softmax(x)
    if name == "log_softmax":
        return log_softmax(x)
    y: Array = ELEMENTWISE[name].value(x, *parameters).astype(x.dtype, copy=False)
    return y


def activate_backward(activation: Any, x: Array, y: Array, dy: Array) -> Array:
    """``dx = dy * act'(x)`` for the input ``x`` and output ``y`` of ``activate``; all of one shape.

    >>> import numpy as np
    >>> activate_backward("relu", np.array([-1.0, 2.0]), np.array([0.0, 2.0]), np.array([5.0, 7.0]))
    array([0., 7.])
    """
    name, parameters = _name_and_parameters(activation)
    if name == "softmax":
        return softmax_backward(y, dy)
    if name == "log_softmax":
        return log_softmax_backward(y, dy)
    dx: Array = dy * ELEMENTWISE[name].derivative(x, y, *parameters).astype(x.dtype, copy=False)
    return dx


def _name_and_parameters(activation: Any) -> tuple[str, tuple[float, float]]:
    name = activation if isinstance(activation, str) else activation.name
    if name in ("softmax", "log_softmax"):
        return name, (0.0, 0.0)
    if name not in ELEMENTWISE:
        raise ValueError(f"unknown activation {name!r}; known: {', '.join(ELEMENTWISE)}, softmax, log_softmax")
    return name, ELEMENTWISE[name].defaults if isinstance(activation, str) else (activation.alpha, activation.beta)
