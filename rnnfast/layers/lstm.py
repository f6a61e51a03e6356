"""LSTM: long short-term memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import activations
from rnnfast.layers.base import Shape
from rnnfast.layers.recurrent import Recurrent


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with Keras 3's arguments and defaults.

        i, f, o = recurrent_activation(x_t W + h_{t-1} U + b), each by its own quarter
        g       = activation(likewise)
        c_t     = f * c_{t-1} + i * g
        h_t     = o * activation(c_t)

    Weights, gates in the order i f g o: kernel W (features, 4 units), recurrent_kernel U (units, 4 units), bias b
    (4 units,), with the forget part starting at one (`unit_forget_bias`). `peephole=True` adds peephole (3, units) for
    i, f, o: i and f see also c_{t-1}, o sees c_t, each times its weight (Gers and Schmidhuber 2000); it starts at
    zero. States: h, c. See `Recurrent` for shapes, call arguments, dropout and what is refused.

    `zoneout=(c, h)`, rates in [0, 1], or one number for both (Krueger et al. 2017): in training every element of the
    state keeps its value of the step before with that probability, drawn per step; h_t above is computed from the new
    c_t, before its zoneout. In inference a state is the expectation, rate * before + (1 - rate) * new. Not together
    with `peephole` or `projection_size`.

    `projection_size=P` (Sak et al. 2014, PyTorch's proj_size): h_t = (o * activation(c_t)) R, with a further weight,
    projection_kernel R (units, P), which starts as `kernel_initializer` says. Then h, and so the output, has P
    features, U is (P, 4 units), and c keeps its units.

    `layer_norm=True` (Ba, Kiros and Hinton 2016, arXiv 1607.06450): with N(v) = (v - mean) / sqrt(variance + epsilon)
    over a row v, and epsilon `layer_norm_epsilon`, 1e-3 by default,

        x_t W + h_{t-1} U + b     becomes     N(x_t W) * kernel_gamma + N(h_{t-1} U) * recurrent_gamma + b
        o * activation(c_t)       becomes     o * activation(N(c_t) * cell_gamma + cell_beta)

    Its weights come last, in this order: kernel_gamma and recurrent_gamma (4 units,), cell_gamma and cell_beta
    (units,); gammas start at one, cell_beta at zero. Not together with `recurrent_dropout`.

    >>> import numpy as np
    >>> from rnnfast.layers import LSTM
    >>> LSTM(4, return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    cell = "lstm"
    gates = 4
    state_count = 2

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        *,
        peephole: bool = False,
        zoneout: Any = 0.0,
        projection_size: int | None = None,
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
        self.projection_size = None if projection_size is None else self.positive("projection_size", projection_size)
        for argument, value in (("peephole", peephole), ("projection_size", projection_size)):
            if value and any(self.zoneout):
                raise ValueError(f"{self.label}: {argument}={value!r} and zoneout={zoneout!r} cannot be combined")
        self.unit_forget_bias = bool(unit_forget_bias)
        self.use_peephole = bool(peephole)
        self.check_own_activations()

    def create_variables(self, input_shape: Shape) -> None:
        super().create_variables(input_shape)
        if self.bias is not None and self.unit_forget_bias:
            bias = np.array(self.bias.value)
            bias[self.units : 2 * self.units] = 1.0
            self.bias.assign(bias)
        if self.projection_size is not None:
            shape = (self.units, self.projection_size)
            self.projection_kernel = self.add_weight("projection_kernel", shape, self.kernel_initializer)
        if self.use_peephole:
            self.peephole = self.add_weight("peephole", (3, self.units), "zeros")
        if self.layer_norm:
            self.add_norm_weights(cell_state=True)

    @property
    def state_size(self) -> list[Any]:
        return [self.output_size, self.units]

    @property
    def output_size(self) -> int:
        return self.units if self.projection_size is None else self.projection_size

    def option_costs(self) -> dict[str, str]:
        costs = super().option_costs()
        if self.use_peephole:
            costs["peephole"] = "three multiply-adds per unit and step"
        if self.projection_size is not None:
            costs["projection_size"] = "per step a second product, after that of the gates"
        return costs

    def cell_config(self) -> dict[str, Any]:
        return {
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
        }

    def own_config(self) -> dict[str, Any]:
        config = super().own_config()
        if self.projection_size is not None:
            config["projection_size"] = self.projection_size
        return {**config, "peephole": True} if self.use_peephole else config
