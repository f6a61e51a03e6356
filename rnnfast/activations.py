"""Activations by name: what layers accept as `activation=` and `recurrent_activation=`.

Each name in this module is an `Activation`: a description that kernels understand, that can also be called on an array.
The definitions are Keras 3's, element by element but for the last two:

    linear x; tanh; sigmoid 1 / (1 + exp(-x)); exponential exp(x); softplus log(1 + exp(x)); softsign x / (1 + |x|);
    relu max(x, 0); relu6 relu up to 6; leaky_relu x, below 0 alpha x; log_sigmoid log(sigmoid(x));
    elu x, below 0 alpha (exp(x) - 1); celu x, below 0 alpha (exp(x / alpha) - 1); selu 1.0507 elu(x), alpha 1.6733;
    gelu x P(x), P the normal distribution; silu (swish) x sigmoid(x); mish x tanh(softplus(x));
    hard_sigmoid x / 6 + 1 / 2 within 0 and 1; hard_silu (hard_swish) x hard_sigmoid(x); hard_tanh x within -1 and 1;
    softmax exp(x) / sum(exp(x)) over the last axis; log_softmax its logarithm

A callable of your own is an activation, too: see `FunctionActivation`.

>>> import numpy as np, rnnfast
>>> rnnfast.activations.relu(np.array([-1.0, 2.0]))
array([0., 2.])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnnfast import _arguments, _custom_objects
from rnnfast._custom_objects import CustomObjectScope
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

    def __call__(self, x: Any) -> Any:
        """Apply to an array of any shape; float64 stays float64, everything else is computed in float32. Of the output
        of a layer it makes that of an Activation layer."""
        from rnnfast import _kernels

        if hasattr(x, "activated_by"):
            return x.activated_by(self)
        return _kernels.activation_forward(self, _floats(f"activation {self.name!r}: x", x))

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The layers' way: x as it is. linear gives x itself."""
        from rnnfast import _kernels

        return x if self.id == linear.id else _kernels.activation_forward(self, x)

    def backward(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """The gradient of x, where y = forward(x). linear gives dy itself."""
        from rnnfast import _kernels

        return dy if self.id == linear.id else _kernels.activation_backward(self, x, y, dy)


class FunctionActivation:
    """A callable of the user's own, NumPy array to array of the same shape, as an activation.

    To be trained it needs an attribute `gradient`, a function of the same x that gives dy/dx, element by element, in
    the shape of x: there is no automatic differentiation. Without it a layer can predict, and training raises a
    TypeError. An instance of a class with `__call__` and `gradient` does as well, and with `get_config` can be saved.

    where: the layer and the argument, for messages.

    >>> import numpy as np, rnnfast
    >>> def cube(x):
    ...     return x**3
    >>> cube.gradient = lambda x: 3 * x**2
    >>> rnnfast.layers.Activation(cube)(np.array([1.0, -2.0]))
    array([ 1., -8.], dtype=float32)
    """

    name = None  # no name of Keras', whatever the function is called
    elementwise = True  # in a recurrent layer: as `gradient` is anyhow

    def __init__(self, function: Callable[[np.ndarray], Any], where: str = "activation") -> None:
        self.function = function
        self.where = where
        self.label = f"{where} {getattr(function, '__name__', type(function).__name__)}"

    def __call__(self, x: Any) -> np.ndarray:
        """Apply to an array of any shape; float64 stays float64, everything else is handed over in float32."""
        return self.forward(_floats(f"{self.label}: x", x))

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self._checked("its value", self.function, x)

    def backward(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """The gradient of x. TypeError: the function has none."""
        if self.untrainable is not None:
            raise TypeError(self.untrainable)
        return dy * self._checked("its gradient", self.function.gradient, x)  # type: ignore[attr-defined]

    @property
    def untrainable(self) -> str | None:
        """Why training is not possible, or None."""
        if callable(getattr(self.function, "gradient", None)):
            return None
        return (
            f"{self.label} can predict and not be trained: there is no automatic differentiation; give it an attribute "
            "gradient, a function of x that gives dy/dx as an array of the shape of x"
        )

    def _checked(self, what: str, function: Callable[[np.ndarray], Any], x: np.ndarray) -> np.ndarray:
        seen = x.view()
        seen.flags.writeable = False  # backward needs x as it was, and it may be the caller's
        given = _arguments.numeric(f"{self.label}: {what}", function(seen))
        if given.shape != x.shape:
            raise ValueError(f"{self.label}: {what} must have the shape {x.shape} of x, got {given.shape}")
        return given.astype(x.dtype, copy=bool(np.may_share_memory(given, x)))


def _floats(what: str, x: Any) -> np.ndarray:
    array = _arguments.numeric(what, x)
    return array.astype(np.float64 if array.dtype == np.float64 else np.float32)


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


AnyActivation = Activation | FunctionActivation


def get(identifier: Any) -> AnyActivation:
    """The `Activation` of a name, of a member of this module, of a layer such as LeakyReLU, of a serialized one, or
    linear for None; of any other callable, or a class of such, a `FunctionActivation`.

    ValueError: an unknown name (the message lists the valid ones); TypeError: anything else.

    >>> get("tanh").name
    'tanh'
    """
    if identifier is None:
        return linear
    if isinstance(identifier, (Activation, FunctionActivation)):
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
    if activation == _BY_NAME[activation.name]:
        return activation.name
    return {"name": activation.name, "alpha": activation.alpha, "beta": activation.beta}


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> AnyActivation:
    """The activation of what `serialize` gives, here or in Keras. custom_objects: functions of the user's own, by name.

    >>> deserialize({"class_name": "function", "config": "relu", "registered_name": "function"}).name
    'relu'
    """
    with CustomObjectScope(custom_objects):
        return get(config)
