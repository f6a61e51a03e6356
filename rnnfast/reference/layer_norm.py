"""Layer normalisation (Ba, Kiros and Hinton 2016) inside a recurrent cell.

``gamma_x N(x W) + gamma_h N(h_{t-1} U) + b`` in place of ``x W + h_{t-1} U + b``, and for an LSTM ``gamma_c N(c) +
beta_c`` in place of ``c`` where h is made of it. ``N`` is over the last axis: all gates that one product computes.
"""

from typing import NamedTuple

import numpy as np

from rnnfast.reference.activations import Array


class LayerNorm(NamedTuple):
    """Weights by the names under which their gradients are given."""

    epsilon: float
    kernel_gamma: Array  # (gates * units,)
    recurrent_gamma: Array  # (gates * units,)
    cell_gamma: Array | None = None  # LSTM: (units,)
    cell_beta: Array | None = None


def normalized(v: Array, epsilon: float) -> Array:
    """``(v - mean) / sqrt(variance + epsilon)`` over the last axis."""
    return (v - v.mean(-1, keepdims=True)) / np.sqrt(v.var(-1, keepdims=True) + epsilon)


def normalized_backward(v: Array, d: Array, epsilon: float) -> Array:
    """The gradient of ``v`` from ``d``, that of ``normalized(v)``."""
    normal = normalized(v, epsilon)
    centred = d - d.mean(-1, keepdims=True) - normal * (d * normal).mean(-1, keepdims=True)
    return centred / np.sqrt(v.var(-1, keepdims=True) + epsilon)
