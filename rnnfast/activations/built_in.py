"""Activations that the kernels have: the description of one, and all of them by name."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnfast import _arguments

# Keras' names of the parameters, in the order alpha, beta.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "leaky_relu": ("negative_slope",),
    "elu": ("alpha",),
    "celu": ("alpha",),
    "hard_shrink": ("threshold",),
    "soft_shrink": ("threshold",),
    "threshold": ("threshold", "default_value"),
    "squareplus": ("b",),
}
_FIRST_NOT_ELEMENTWISE = 100


class Activation(NamedTuple):
    """An activation as the kernels take it.

    name: Keras' name. id: `rnnfast::ActivationId`. alpha, beta: its parameters, `negative_slope` of leaky_relu (0.2),
    `alpha` of elu and celu (1), `threshold` of hard_shrink and soft_shrink (0.5), `b` of squareplus (4), `threshold`
    and `default_value` of threshold (0); unused by the others. Called on an array, it is applied to it, with other
    parameters where these are given, by position or by name, as Keras' functions take them.

    >>> from rnnfast.activations import leaky_relu, threshold
    >>> leaky_relu._replace(alpha=0.5)([-2.0, 2.0])
    array([-1.,  2.])
    >>> threshold([-2.0, 0.5, 2.0], 1.0, default_value=-3.0)
    array([-3., -3.,  2.])
    """

    name: str
    id: int
    alpha: float = 0.0
    beta: float = 0.0

    @property
    def elementwise(self) -> bool:
        """False for softmax and log_softmax, which look at the whole last axis."""
        return self.id < _FIRST_NOT_ELEMENTWISE

    def __call__(self, x: Any, *parameters: float, **named: float) -> Any:
        """Apply to an array of any shape; float64 stays float64, everything else is computed in float32. Of the output
        of a layer it makes that of an Activation layer."""
        from rnnfast import _kernels

        activation = self._with(parameters, named) if parameters or named else self
        if hasattr(x, "activated_by"):
            return x.activated_by(activation)
        return _kernels.activation_forward(activation, floats(f"activation {self.name!r}: x", x))

    def _with(self, parameters: tuple[float, ...], named: dict[str, float]) -> Activation:
        known = PARAMETERS.get(self.name, ())
        names = [*known[: len(parameters)], *named]
        if len(parameters) > len(known) or len(set(names)) < len(names) or not set(names) <= set(known):
            given = ", ".join([*map(repr, parameters), *(f"{name}={value!r}" for name, value in named.items())])
            raise TypeError(f"activation {self.name!r}: expected {', '.join(known) or 'no parameters'}, got {given}")
        values = dict(zip(known, (self.alpha, self.beta), strict=False))
        for name, value in zip(names, (*parameters, *named.values()), strict=True):
            values[name] = _arguments.number(f"activation {self.name!r}: {name}", value)
        return Activation(self.name, self.id, *values.values())

    def output_size(self, size: int | None) -> int | None:
        """The length of the last axis of y, from that of x."""
        return size

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The layers' way: x as it is. linear gives x itself."""
        from rnnfast import _kernels

        return x if self.id == linear.id else _kernels.activation_forward(self, x)

    def backward(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """The gradient of x, where y = forward(x). linear gives dy itself."""
        from rnnfast import _kernels

        return dy if self.id == linear.id else _kernels.activation_backward(self, x, y, dy)


def floats(what: str, x: Any) -> np.ndarray:
    """A copy in float64 if it is that, else in float32. TypeError: no numbers."""
    array = _arguments.numeric(what, x)
    return array.astype(np.float64 if array.dtype == np.float64 else np.float32)


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
hard_shrink = Activation("hard_shrink", 19, alpha=0.5)
soft_shrink = Activation("soft_shrink", 20, alpha=0.5)
tanh_shrink = Activation("tanh_shrink", 21)
threshold = Activation("threshold", 22)
sparse_plus = Activation("sparse_plus", 23)
sparse_sigmoid = Activation("sparse_sigmoid", 24)
squareplus = Activation("squareplus", 25, alpha=4.0)
softmax = Activation("softmax", _FIRST_NOT_ELEMENTWISE)
log_softmax = Activation("log_softmax", 101)
