"""What every layer that runs over time shares: its options, the checks of what a call brings, and kept states."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments
from rnnfast.layers.base import Layer, Shape

# The arguments that a layer over time has, and the cell it runs has not.
SEQUENCE_OPTIONS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")


class RecurrentTape:
    """What the backward pass of a layer over time needs. `d_initial_state` is filled by it: one item per state."""

    def __init__(self, kernel_cache: Any) -> None:
        self.kernel_cache = kernel_cache
        self.d_initial_state: list[Any] | None = None


class OverTime(Layer):
    """Base of the layers over time: input (batch, time, features), output of the last step, or of every step with
    `return_sequences`; with `return_state` a list of that and the last states.

    Call arguments: `mask` (batch, time), bool, True = real step; `lengths` (batch,), the number of real steps of
    right-padded rows (not together with `mask`); `initial_state`, one array (batch, size) per state; `training`.

    `unroll` is accepted and has no effect.
    """

    rank: ClassVar[int | None] = 3
    axes = "(batch, time, features)"

    def __init__(
        self,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.unroll = bool(unroll)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self._stateful = bool(stateful)
        self._carried = False
        self._states: list[Any] | None = None

    @property
    def state_size(self) -> list[Any]:
        """The size of each state; of a stack of cells a list per cell that has several."""
        raise TypeError(f"{self.label} does not define state_size")

    @property
    def output_size(self) -> int:
        raise TypeError(f"{self.label} does not define output_size")

    def forward(
        self,
        x: np.ndarray,
        *,
        mask: Any = None,
        training: bool = False,
        initial_state: Any = None,
        lengths: Any = None,
    ) -> tuple[Any, Any]:
        """Output and what `backward` needs, from the call arguments."""
        raise TypeError(f"{self.label} does not define forward(x, mask, training, initial_state, lengths)")

    # Checks

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        if shape[1] == 0:
            raise ValueError(f"{self.label}: expected at least one time step, got input of shape {shape}")

    def check_steps(self, mask: Any, lengths: Any, batch: int, time: int) -> tuple[Any, Any]:
        """The mask and the lengths of a call, of which one may be given, as arrays."""
        mask = self.check_mask(mask, (batch, time))
        if mask is not None and lengths is not None:
            raise ValueError(f"{self.label}: give either mask or lengths, got both")
        return mask, self._check_lengths(lengths, batch, time)

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

    def check_states(self, states: Any, batch: int) -> list[Any]:
        """The states that a call starts from, nested as `state_size` is, as arrays of the layer's dtype."""
        if isinstance(states, np.ndarray) and states.ndim == 2:
            states = [states]
        return self._matched_states(states, self.state_size, batch)

    def _matched_states(self, states: Any, sizes: list[Any], batch: int) -> list[Any]:
        states = _arguments.items(f"{self.label}: initial_state", states, "a list of arrays")
        if len(states) != len(sizes):
            raise ValueError(f"{self.label}: initial_state must hold {len(sizes)} arrays, got {len(states)}")
        checked: list[Any] = []
        for state, size in zip(states, sizes, strict=True):
            if isinstance(size, (list, tuple)):
                checked.append(self._matched_states(state, list(size), batch))
                continue
            array = _arguments.numeric(f"{self.label}: initial_state", state)
            if array.shape != (batch, size):
                raise ValueError(f"{self.label}: initial_state must have shape {(batch, size)}, got {array.shape}")
            checked.append(np.ascontiguousarray(array, dtype=self.dtype))
        return checked

    def starting_state(self, initial_state: Any, batch: int) -> list[Any] | None:
        """What a call starts from: what it brings, else what the call before has left in a stateful layer, or None."""
        return self._kept_states(batch) if initial_state is None else self.check_states(initial_state, batch)

    # Shapes

    def compute_output_shape(self, input_shape: Shape) -> Any:
        batch, time = input_shape[:2]
        output = (batch, time, self.output_size) if self.return_sequences else (batch, self.output_size)
        return [output, *_state_shapes(batch, self.state_size)] if self.return_state else output

    @property
    def carries_mask(self) -> bool:
        return self.return_sequences

    # States

    @property
    def stateful(self) -> bool:
        return self._stateful

    def keep(self, states: list[Any]) -> None:
        """Remember the last states of a call, if the layer is stateful or they are carried."""
        if self._stateful or self._carried:
            self._states = copied(states)

    def _kept_states(self, batch: int) -> list[Any] | None:
        if self._states is None:
            return None
        rows = len(_first_leaf(self._states))
        if rows != batch:
            raise ValueError(
                f"{self.label}: it is stateful and holds states of {rows} rows, got {batch} rows; "
                "keep the batch size, or call reset_state() first"
            )
        return self._states

    def reset_state(self) -> None:
        """Start the next call of a stateful layer from zero states, at any batch size."""
        self._states = None

    def carry_state(self, carried: bool) -> None:
        if carried and self.go_backwards:
            raise ValueError(f"{self.label}: with go_backwards=True the first steps come last; no state can be carried")
        self._carried = carried
        if not self._stateful:
            self._states = None

    # Description

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self._stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }

    def replica(self, **changes: Any) -> OverTime:
        """A layer of the same configuration but for `changes`, with weights of its own."""
        return type(self).from_config({**self.get_config(), **changes})  # type: ignore[return-value]


def copied(states: Any) -> Any:
    return [copied(s) for s in states] if isinstance(states, (list, tuple)) else np.array(states)


def _first_leaf(states: Any) -> Any:
    return _first_leaf(states[0]) if isinstance(states, list) else states


def _state_shapes(batch: int | None, sizes: Any) -> list[Any]:
    return [_state_shapes(batch, s) if isinstance(s, (list, tuple)) else (batch, s) for s in sizes]
