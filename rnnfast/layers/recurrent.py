"""What SimpleRNN, LSTM and GRU share: arguments, weights, states, masks, and the two calls into the kernels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, _kernels, activations, initializers
from rnnfast.layers.base import Layer, NoLoweringError, Shape
from rnnfast.layers.indexed_rows import IndexedRows
from rnnfast.variable import Variable


class RecurrentTape:
    """What a recurrent layer's backward pass needs. `d_initial_state` is filled by it: one array per state."""

    def __init__(self, kernel_cache: Any) -> None:
        self.kernel_cache = kernel_cache
        self.d_initial_state: list[np.ndarray] | None = None


class Recurrent(Layer):
    """Base of the recurrent layers: input (batch, time, features), output (batch, units), or (batch, time, units) with
    `return_sequences`; with `return_state` a list of that and the last states, each (batch, units).

    Call arguments: `mask` (batch, time), bool, True = real step; `lengths` (batch,), the number of real steps of
    right-padded rows (costs in proportion to them; not together with `mask`); `initial_state`, one array (batch, units)
    per state; `training`.

    `unroll`, `implementation` and `use_cudnn` are accepted and have no effect. `dropout`, `recurrent_dropout`,
    regularizers and constraints other than their default are a ValueError.
    """

    rank = 3
    axes = "(batch, time, features)"
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
        return_sequences: bool,
        return_state: bool,
        go_backwards: bool,
        stateful: bool,
        unroll: bool,
        zero_output_for_mask: bool = False,
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
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.unroll = bool(unroll)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self._stateful = bool(stateful)
        self._states: list[np.ndarray] | None = None
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

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        if shape[1] == 0:
            raise ValueError(f"{self.label}: expected at least one time step, got input of shape {shape}")

    def _check_lengths(self, lengths: Any, batch: int, time: int) -> np.ndarray | None:
        if lengths is None:
            return None
        array = _arguments.numeric(f"{self.label}: lengths", lengths)
        if array.dtype.kind not in "iu":
            raise TypeError(f"{self.label}: lengths must be integers, got dtype {array.dtype}")
        if array.shape != (batch,):
            raise ValueError(f"{self.label}: lengths must have shape {(batch,)}, got {array.shape}")
        if array.size and (array.min() < 0 or array.max() > time):
            raise ValueError(f"{self.label}: lengths must lie between 0 and {time}, got {array.min()} to {array.max()}")
        return array.astype(np.int64, copy=False)

    def _check_states(self, states: Any, batch: int) -> list[np.ndarray]:
        if isinstance(states, np.ndarray) and states.ndim == 2:
            states = [states]
        states = _arguments.items(f"{self.label}: initial_state", states, "a list of arrays")
        if len(states) != self.state_count:
            raise ValueError(f"{self.label}: initial_state must hold {self.state_count} arrays, got {len(states)}")
        checked = []
        for state in states:
            array = _arguments.numeric(f"{self.label}: initial_state", state)
            if array.shape != (batch, self.units):
                raise ValueError(
                    f"{self.label}: initial_state must have shape {(batch, self.units)}, got {array.shape}"
                )
            checked.append(np.ascontiguousarray(array, dtype=self.dtype))
        return checked

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
        mask = self.check_mask(mask, (batch, time))
        if mask is not None and lengths is not None:
            raise ValueError(f"{self.label}: give either mask or lengths, got both")
        lengths = self._check_lengths(lengths, batch, time)
        if initial_state is not None:
            initial_state = self._check_states(initial_state, batch)
        elif self._states is not None:
            initial_state = self._kept_states(batch)
        x, index = (x.rows, x.index) if isinstance(x, IndexedRows) else (x, None)
        output, states, cache = _kernels.rnn_forward(
            self.cell,
            x,
            *self._weight_arrays(),
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            reset_after=self.reset_after,
            initial_state=initial_state,
            mask=mask,
            lengths=lengths,
            go_backwards=self.go_backwards,
            zero_output_for_mask=self.zero_output_for_mask,
            return_sequences=self.return_sequences,
            training=training,
            index=index,
        )
        if self._stateful:
            self._states = [np.array(s) for s in states]
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

    def compute_output_shape(self, input_shape: Shape) -> Any:
        batch, time = input_shape[:2]
        output = (batch, time, self.units) if self.return_sequences else (batch, self.units)
        return [output, *[(batch, self.units)] * self.state_count] if self.return_state else output

    @property
    def carries_mask(self) -> bool:
        return self.return_sequences

    # States

    @property
    def stateful(self) -> bool:
        return self._stateful

    def _kept_states(self, batch: int) -> list[np.ndarray] | None:
        if self._states is not None and len(self._states[0]) != batch:
            raise ValueError(
                f"{self.label}: it is stateful and holds states of {len(self._states[0])} rows, got {batch} rows; "
                "keep the batch size, or call reset_state() first"
            )
        return self._states

    def reset_state(self) -> None:
        """Start the next call of a stateful layer from zero states, at any batch size."""
        self._states = None

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
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self._stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
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
