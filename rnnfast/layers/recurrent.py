"""What SimpleRNN, LSTM and GRU share: arguments, weights, states, masks, and the two calls into the kernels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, _kernels, activations, initializers
from rnnfast.layers.base import NoLoweringError, Shape
from rnnfast.layers.indexed_rows import IndexedRows
from rnnfast.layers.over_time import OverTime, RecurrentTape
from rnnfast.variable import Variable


class Recurrent(OverTime):
    """Base of the recurrent layers: input (batch, time, features), output (batch, units), or (batch, time, units) with
    `return_sequences`; with `return_state` a list of that and the last states, each (batch, units).

    Call arguments: `mask` (batch, time), bool, True = real step; `lengths` (batch,), the number of real steps of
    right-padded rows (costs in proportion to them; not together with `mask`); `initial_state`, one array (batch, units)
    per state; `training`.

    `unroll`, `implementation` and `use_cudnn` are accepted and have no effect. `dropout`, `recurrent_dropout`,
    regularizers and constraints other than their default are a ValueError.
    """

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
        activity_regularizer: Any,
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
        self.refuse(
            kernel_regularizer=kernel_regularizer, recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint, dropout=dropout, recurrent_dropout=recurrent_dropout,
        )  # fmt: skip
        self.units = self.positive("units", units)
        self.activation = activations.get_recurrent(activation, self.label, "activation")
        self.recurrent_activation = activations.get_recurrent(recurrent_activation, self.label, "recurrent_activation")
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.seed = _arguments.seed(f"{self.label}: seed", seed)
        self.kernel: Variable
        self.recurrent_kernel: Variable
        self.bias: Variable | None = None
        self.peephole: Variable | None = None

    # Weights

    def create_variables(self, input_shape: Shape) -> None:
        features = input_shape[2]
        if features is None:
            raise ValueError(f"{self.label}: the number of features must be known, got input shape {input_shape}")
        width = self.gates * self.units
        self.kernel = self.add_weight("kernel", (features, width), self.kernel_initializer)
        self.recurrent_kernel = self.add_weight("recurrent_kernel", (self.units, width), self.recurrent_initializer)
        if self.use_bias:
            self.bias = self.add_weight("bias", self.bias_shape(), self.bias_initializer)

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
        """Not with a user's own passes, which expect arrays."""
        return type(self).forward is Recurrent.forward and type(self).backward is Recurrent.backward

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
        x, index = (x.rows, x.index) if isinstance(x, IndexedRows) else (x, None)
        output, states, cache = _kernels.rnn_forward(
            self.cell,
            x,
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
            training=training,
            index=index,
        )
        self.keep(states)
        return [output, *states] if self.return_state else output, RecurrentTape(cache) if training else None

    def backward(self, dy: Any, cache: RecurrentTape, *, need_dx: bool = True) -> np.ndarray | None:
        """dy: the gradient of the output; with `return_state` a list, with None where a part has no gradient."""
        d_output, *d_states = dy if self.return_state else (dy,)
        dx, dkernel, drecurrent, dbias, dpeephole, cache.d_initial_state = _kernels.rnn_backward(
            cache.kernel_cache, d_output, d_states or None, need_dx=need_dx
        )
        self.kernel.add_grad(dkernel)
        self.recurrent_kernel.add_grad(drecurrent)
        if self.bias is not None and dbias is not None:
            self.bias.add_grad(dbias)
        if self.peephole is not None and dpeephole is not None:
            self.peephole.add_grad(dpeephole)
        return dx

    @property
    def state_size(self) -> list[Any]:
        return [self.units] * self.state_count

    @property
    def output_size(self) -> int:
        return self.units

    # Description

    def lower(self, program: Any, value: Any) -> Any:
        if self.return_state:
            raise NoLoweringError(f"{self.label}: return_state=True has several outputs; the engine takes one")
        kernel, recurrent_kernel, bias, peephole = self._weight_arrays()
        return program.rnn(
            value, self.cell, kernel, recurrent_kernel, bias, peephole,
            self.activation, self.recurrent_activation, self.reset_after,
            self.go_backwards, self.return_sequences, self.zero_output_for_mask, self.name,
        )  # fmt: skip

    def cell_config(self) -> dict[str, Any]:
        """The arguments that only this kind of cell has."""
        return {}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": None,
            "recurrent_regularizer": None,
            "bias_regularizer": None,
            "activity_regularizer": None,
            "kernel_constraint": None,
            "recurrent_constraint": None,
            "bias_constraint": None,
            "dropout": 0.0,
            "recurrent_dropout": 0.0,
            "seed": self.seed,
            **self.cell_config(),
        }
