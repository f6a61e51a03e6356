"""What SimpleRNN, LSTM and GRU share: arguments, weights, states, masks, and the two calls into the kernels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, _kernels, activations, constraints, initializers, regularizers
from rnnfast._warnings import warn_caller
from rnnfast.activations import AnyActivation
from rnnfast.layers import own_recurrence
from rnnfast.layers.activated import Activated
from rnnfast.layers.base import Shape
from rnnfast.layers.indexed_rows import IndexedRows
from rnnfast.layers.over_time import OverTime, RecurrentTape
from rnnfast.layers.recurrent_noise import RecurrentNoise
from rnnfast.variable import Variable


class Recurrent(Activated, OverTime):
    """Base of the recurrent layers: input (batch, time, features), output (batch, units), or (batch, time, units) with
    `return_sequences`; with `return_state` a list of that and the last states, each (batch, units).

    Call arguments: `mask` (batch, time), bool, True = real step; `lengths` (batch,), the number of real steps of
    right-padded rows (costs in proportion to them; not together with `mask`); `initial_state`, one array (batch, units)
    per state; `training`.

    `dropout` and `recurrent_dropout`, rates in [0, 1), act in training as in Keras 3 (Gal and Ghahramani 2016): parts
    of x, and of h_{t-1} where a product reads it, become zero, the others are divided by 1 - rate. They are drawn once
    per call and stay the same at every step. With `dropout` alone all gates see the same x; with `recurrent_dropout`
    every gate draws its own, of x and of h_{t-1}. `seed`: None draws one from the global generator.

    `go_backwards`, `stateful` and `zero_output_for_mask`: see `OverTime`. `use_bias=False` leaves the bias out.
    `kernel_`, `recurrent_` and `bias_initializer`, `_regularizer` and `_constraint`: see `initializers`,
    `regularizers` and `constraints`; `activity_regularizer`: of the output, and of the last states where they are
    given out. `unroll`, `implementation` and `use_cudnn` are accepted and have no effect.

    `activation` and `recurrent_activation` may be functions of your own (`activations.FunctionActivation`): the layer
    then runs step by step, in Python, which a UserWarning says once, and takes no option that Keras does not have.
    """

    passes_in_core = True
    activation_arguments = ("activation", "recurrent_activation")
    need_elementwise = True
    recurrent_activation: AnyActivation
    cell: ClassVar[str]
    gates: ClassVar[int]
    state_count: ClassVar[int] = 1
    reset_after: bool = True  # read by the kernels for GRU only

    def __init__(
        self,
        units: int,
        *,
        activation: Any,
        recurrent_activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        use_cudnn: Any = "auto",
        implementation: Any = None,
        input_dim: int | None = None,
        input_length: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if input_dim is not None or input_length is not None:
            self.warn_old("input_dim" if input_dim is not None else "input_length", "start with rnnfast.layers.Input")
            if input_dim is not None:
                self.given_input_shape = _arguments.sizes(
                    f"{self.label}: (batch, input_length, input_dim)", (None, input_length, input_dim)
                )
        self.units = self.positive("units", units)
        self.activation = activation
        self.recurrent_activation = recurrent_activation
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = self.regularizer("kernel_regularizer", kernel_regularizer)
        self.recurrent_regularizer = self.regularizer("recurrent_regularizer", recurrent_regularizer)
        self.bias_regularizer = self.regularizer("bias_regularizer", bias_regularizer)
        self.kernel_constraint = self.constraint("kernel_constraint", kernel_constraint)
        self.recurrent_constraint = self.constraint("recurrent_constraint", recurrent_constraint)
        self.bias_constraint = self.constraint("bias_constraint", bias_constraint)
        self.seed = _arguments.seed(f"{self.label}: seed", seed)
        rates = self.rate("dropout", dropout), self.rate("recurrent_dropout", recurrent_dropout)
        self.noise = RecurrentNoise(*rates, self.gates, self.seed)
        self.kernel: Variable
        self.recurrent_kernel: Variable
        self.bias: Variable | None = None
        self.peephole: Variable | None = None
        self.projection_kernel: Variable | None = None
        self.layer_norm = False
        self.layer_norm_epsilon = 1e-3
        self.norm_weights: dict[str, Variable] = {}  # of layer normalisation, by name

    @property
    def dropout(self) -> float:
        return self.noise.dropout

    @dropout.setter
    def dropout(self, value: Any) -> None:
        self.noise.dropout = self.rate("dropout", value)

    @property
    def recurrent_dropout(self) -> float:
        return self.noise.recurrent_dropout

    @recurrent_dropout.setter
    def recurrent_dropout(self, value: Any) -> None:
        self.noise.recurrent_dropout = self.rate("recurrent_dropout", value)

    def rate(self, argument: str, value: Any, *, most: float | None = None) -> float:
        """Check a probability: below 1, or at most `most`."""
        number = _arguments.number(f"{self.label}: {argument}", value)
        if not 0 <= number < 1 and number != most:
            bounds = "from 0 up to, not including, 1" if most is None else f"from 0 to {most:g}"
            raise ValueError(f"{self.label}: {argument} must be a number {bounds}, got {value!r}")
        return number

    @property
    def zoneout(self) -> tuple[float, ...]:
        """Of the layers that have it, the rate for each state, h last; set as one for all or one for each."""
        return self.noise.zoneout[::-1]

    @zoneout.setter
    def zoneout(self, value: Any) -> None:
        rates = tuple(value) if isinstance(value, (tuple, list)) else (value,) * self.state_count
        if len(rates) != self.state_count:
            raise ValueError(f"{self.label}: zoneout must hold {self.state_count} rates, got {value!r}")
        self.noise.use_zoneout(tuple(self.rate("zoneout", rate, most=1.0) for rate in rates[::-1]))

    def set_layer_norm(self, layer_norm: Any, epsilon: Any) -> None:
        """Take the arguments of the layers that have them."""
        self.layer_norm = bool(layer_norm)
        self.layer_norm_epsilon = _arguments.number(f"{self.label}: layer_norm_epsilon", epsilon)
        if not 0 < self.layer_norm_epsilon < np.inf:
            raise ValueError(f"{self.label}: layer_norm_epsilon must be a positive number, got {epsilon!r}")
        if self.layer_norm and self.recurrent_dropout:
            raise ValueError(
                f"{self.label}: layer_norm={layer_norm!r} and recurrent_dropout={self.recurrent_dropout} cannot be "
                "combined: a row of all gates is normalised, and dropout would need a product for each"
            )

    def check_own_activations(self) -> None:
        """ValueError: a function of the user's own beside an option that the core alone has."""
        for activation in self.own_activations:
            for option in self.own_config():
                raise ValueError(
                    f"{activation.label} is a function of your own, which cannot be combined with {option}"
                )

    # Weights

    def create_variables(self, input_shape: Shape) -> None:
        if self.own_activations:
            warn_caller(
                f"{self.own_activations[0].label} is a function of your own: the layer runs step by step, in Python, "
                "which is much slower than with a built-in activation",
            )
        features = input_shape[2]
        if features is None:
            raise ValueError(f"{self.label}: the number of features must be known, got input shape {input_shape}")
        width = self.gates * self.units
        self.kernel = self.add_weight(
            "kernel", (features, width), self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", (self.output_size, width), self.recurrent_initializer,
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", self.bias_shape(), self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

    def add_norm_weights(self, cell_state: bool) -> None:
        """The weights of layer normalisation, last of all: the gains of all gates, and those of an LSTM's c."""
        width = self.gates * self.units
        shapes = {"kernel_gamma": width, "recurrent_gamma": width}
        if cell_state:
            shapes |= {"cell_gamma": self.units, "cell_beta": self.units}
        for name, size in shapes.items():
            self.norm_weights[name] = self.add_weight(name, (size,), "zeros" if name == "cell_beta" else "ones")

    def _norm_arrays(self) -> dict[str, np.ndarray] | None:
        return {name: variable.value for name, variable in self.norm_weights.items()} if self.layer_norm else None

    def _projection_array(self) -> np.ndarray | None:
        return None if self.projection_kernel is None else self.projection_kernel.value

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _weight_arrays(self) -> tuple[Any, Any, Any, Any]:
        bias = None if self.bias is None else self.bias.value
        peephole = None if self.peephole is None else self.peephole.value
        return self.kernel.value, self.recurrent_kernel.value, bias, peephole

    # Checks

    def expected_features(self) -> int | None:
        return self.kernel.shape[0] if self.built else None

    # The two passes

    def cast(self, x: Any) -> Any:
        return x.astype(self.dtype) if isinstance(x, IndexedRows) else super().cast(x)

    @property
    def takes_indexed_rows(self) -> bool:
        """Not with dropout of the input, which differs from row to row of a batch."""
        return self.dropout == 0 and self.runs_as(Recurrent) and not self.own_activations

    @property
    def _passes(self) -> Any:
        """What has `rnn_forward` and `rnn_backward` for these activations."""
        return own_recurrence if self.own_activations else _kernels

    def forward(
        self,
        x: Any,
        *,
        mask: Any = None,
        training: bool = False,
        initial_state: Any = None,
        lengths: Any = None,
    ) -> tuple[Any, Any]:
        batch, time = x.shape[:2]
        mask, lengths = self.check_steps(mask, lengths, batch, time)
        if training:
            noise = self.noise.draw(batch, time, x.shape[2], self.output_size, self.dtype)
        else:
            noise = self.noise.in_inference()
        factors = noise.input_factors
        x, index = (x.rows, x.index) if isinstance(x, IndexedRows) else (x, None)
        output, states, cache = self._passes.rnn_forward(
            self.cell,
            x if factors is None else np.multiply(x, factors, out=_kernels.empty_like(x)),
            *self._weight_arrays(),
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            reset_after=self.reset_after,
            initial_state=self.starting_state(initial_state, batch),
            mask=mask,
            lengths=lengths,
            go_backwards=self.go_backwards,
            zero_output_for_mask=self.zero_output_for_mask,
            return_sequences=self.return_sequences,
            projection=self._projection_array(),
            training=training,
            index=index,
            x_factors=noise.x_factors,
            h_factors=noise.h_factors,
            zoneout=noise.zoneout,
            layer_norm=self._norm_arrays(),
            layer_norm_epsilon=self.layer_norm_epsilon,
        )
        self.keep(states)
        outputs = [output, *states] if self.return_state else [output]
        self.penalize(outputs)
        penalized = outputs if self.activity_regularizer is not None else None
        tape = RecurrentTape((cache, factors), penalized) if training else None
        return outputs if self.return_state else output, tape

    def backward(self, dy: Any, cache: RecurrentTape, *, need_dx: bool = True) -> np.ndarray | None:
        """dy: the gradient of the output; with `return_state` a list, with None where a part has no gradient."""
        kernel_cache, factors = cache.kernel_cache
        d_output, *d_states = self.penalized(dy if self.return_state else [dy], cache.outputs)
        dx, dkernel, drecurrent, dbias, dpeephole, cache.d_initial_state = self._passes.rnn_backward(
            kernel_cache, d_output, d_states or None, need_dx=need_dx
        )
        self.kernel.add_grad(dkernel)
        self.recurrent_kernel.add_grad(drecurrent)
        if self.bias is not None and dbias is not None:
            self.bias.add_grad(dbias)
        if self.peephole is not None and dpeephole is not None:
            self.peephole.add_grad(dpeephole)
        if self.projection_kernel is not None:
            self.projection_kernel.add_grad(kernel_cache.option_gradients["projection"])
        for name, variable in self.norm_weights.items():
            variable.add_grad(kernel_cache.option_gradients[name])
        return dx if dx is None or factors is None else np.multiply(dx, factors, out=dx)

    @property
    def state_size(self) -> list[Any]:
        return [self.units] * self.state_count

    @property
    def output_size(self) -> int:
        return self.units

    # Description

    def option_costs(self) -> dict[str, str]:
        costs = {**self.noise.costs(), **super().option_costs()}
        usual = (activations.tanh,) if self.gates == 1 else (activations.tanh, activations.sigmoid)
        if self.own_activations:
            costs["activation"] = "a call of Python per step: the one thing that leaves the fast path"
        elif (self.activation, self.recurrent_activation)[: len(usual)] != usual:
            costs["activation"] = "per vector of units a switch to it, where the usual gate math is inlined"
        if self.stateful:
            costs["stateful"] = "per call a copy of the last states"
        return costs

    def lower_run(
        self, program: Any, value: Any, start: list[Any], return_state: bool, *, heed_mask: bool
    ) -> list[Any]:
        self.check_lowering()
        kernel, recurrent_kernel, bias, peephole = self._weight_arrays()
        made = program.rnn(
            value, self.cell, kernel, recurrent_kernel, bias, peephole,
            self.activation, self.recurrent_activation, self.reset_after,
            self.go_backwards, self.return_sequences, self.zero_output_for_mask, self.name,
            projection=self._projection_array(), initial_state=start, return_state=return_state,
            zoneout=self.noise.in_inference().zoneout or [],
            layer_norm=self._norm_arrays(), layer_norm_epsilon=self.layer_norm_epsilon, heed_mask=heed_mask,
        )  # fmt: skip
        return made if return_state else [made]

    def cell_config(self) -> dict[str, Any]:
        """The arguments that only this kind of cell has."""
        return {}

    def own_config(self) -> dict[str, Any]:
        """Options that Keras does not have: its configs have those that are in use alone."""
        config: dict[str, Any] = {"zoneout": list(self.zoneout)} if any(self.zoneout) else {}
        if self.layer_norm:
            config |= {"layer_norm": True, "layer_norm_epsilon": self.layer_norm_epsilon}
        return config

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
            **self.cell_config(),
            **self.own_config(),
        }
