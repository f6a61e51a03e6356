"""GRU: the gated recurrent unit."""

from __future__ import annotations

from typing import Any

from rnnfast import activations
from rnnfast.layers.base import Shape
from rnnfast.layers.recurrent import Recurrent


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014), with Keras 3's arguments and defaults.

        z, r = recurrent_activation(x_t W + h_{t-1} U + b), each by its own third
        hh   = activation(x_t W_h + b_h + r * (h_{t-1} U_h + b_hh))     reset_after=True, the default
        hh   = activation(x_t W_h + b_h + (r * h_{t-1}) U_h)            reset_after=False
        h_t  = z * h_{t-1} + (1 - z) * hh

    Weights, gates in the order z r h: kernel W (features, 3 units), recurrent_kernel U (units, 3 units), bias
    (2, 3 units), input row then recurrent row, or (3 units,) with `reset_after=False`. See `Recurrent`
    for shapes, call arguments, dropout and what is refused. With `recurrent_dropout` z and r see their own dropped
    h_{t-1}, the candidate its own, under `reset_after=False` that of r * h_{t-1}; z * h_{t-1} takes it whole.

    `zoneout`, a rate in [0, 1] (Krueger et al. 2017): in training every element of h keeps its value of the step before
    with that probability, drawn per step; in inference h is the expectation, rate * h_{t-1} + (1 - rate) * h_t.

    `layer_norm=True` (Ba, Kiros and Hinton 2016, arXiv 1607.06450): x_t W becomes N(x_t W) * kernel_gamma, h_{t-1} U
    likewise with recurrent_gamma, where N(v) = (v - mean) / sqrt(variance + epsilon) over all three gates, and epsilon
    is `layer_norm_epsilon`, 1e-3 by default. With `reset_after=False` z and r are normalised together, and
    (r * h_{t-1}) U_h by itself. Its weights come last: kernel_gamma and recurrent_gamma (3 units,), which start at one.
    Not together with `recurrent_dropout`.

    >>> import numpy as np
    >>> from rnnfast.layers import GRU
    >>> GRU(4, return_state=True)(np.ones((2, 5, 3)))[1].shape
    (2, 4)
    """

    cell = "gru"
    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        *,
        zoneout: Any = 0.0,
        layer_norm: bool = False,
        layer_norm_epsilon: float = 1e-3,
        **options: Any,
    ) -> None:
        super().__init__(
            units, activation=activation, recurrent_activation=recurrent_activation, use_bias=use_bias,
            kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint, bias_constraint=bias_constraint, dropout=dropout,
            recurrent_dropout=recurrent_dropout, seed=seed, return_sequences=return_sequences,
            return_state=return_state, go_backwards=go_backwards, stateful=stateful, unroll=unroll, **options,
        )  # fmt: skip
        self.zoneout = zoneout
        self.set_layer_norm(layer_norm, layer_norm_epsilon)
        self.reset_after = bool(reset_after)
        self.check_own_activations()

    def create_variables(self, input_shape: Shape) -> None:
        super().create_variables(input_shape)
        if self.layer_norm:
            self.add_norm_weights(cell_state=False)

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def option_costs(self) -> dict[str, str]:
        costs = super().option_costs()
        if not self.reset_after:
            costs["reset_after"] = "per step two products: that of the candidate waits for the reset gate"
        return costs

    def cell_config(self) -> dict[str, Any]:
        return {
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "reset_after": self.reset_after,
        }
