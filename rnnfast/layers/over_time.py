"""What every layer that runs over time shares: its options, the checks of what a call brings, and kept states."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, _structure, initializers
from rnnfast.layers import states
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.carried import CarryingProgram
from rnnfast.layers.lowered import NoLoweringError

# The arguments that a layer over time has, and the cell it runs has not.
SEQUENCE_OPTIONS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")

_HANDED_ON = ("_initializer", "_regularizer", "_constraint", "activation")


class RecurrentTape:
    """What the backward pass of a layer over time needs. `d_initial_state` is filled by it: one item per state.

    outputs: what the layer gave out, where their penalty is asked for.
    """

    def __init__(self, kernel_cache: Any, outputs: Any = None) -> None:
        self.kernel_cache = kernel_cache
        self.outputs = outputs
        self.d_initial_state: list[Any] | None = None


class OverTime(Layer):
    """Base of the layers over time: input (batch, time, features), output of the last step, or of every step with
    `return_sequences`; with `return_state` a list of that and the last states.

    Call arguments: `mask` (batch, time), bool, True = real step; `lengths` (batch,), the number of real steps of
    right-padded rows (not together with `mask`); `initial_state`, one array (batch, size) per state; `training`.

    `go_backwards`: from the last step to the first, outputs in that order. `stateful`: a call starts from the states
    that the one before has left, until `reset_state()`. `zero_output_for_mask`: the output of a masked step is zero;
    else it is that of the step before. `activity_regularizer`: the penalty of the output in training, and of the last
    states where they are given out. `unroll` is accepted and has no effect.
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
        activity_regularizer: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.activity_regularizer = self.regularizer("activity_regularizer", activity_regularizer)
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

    def get_initial_state(self, batch_size: int | None) -> list[Any] | None:
        """What a call starts from where nothing else is said: zeros, an array (batch_size, size) per state. None, which
        means the same as `initial_state`, for a size that is not known, as of the batch of a symbolic tensor."""
        if batch_size is None:
            return None
        return states.zeros(self.state_size, batch_size, self.dtype)

    # Checks

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        if shape[1] == 0:
            raise ValueError(f"{self.label}: expected at least one time step, got input of shape {shape}")

    def build_call(self, shape: Any, options: dict[str, Any]) -> None:
        super().build_call(shape, options)
        given = options.get("initial_state")
        if given is not None:
            given = [given] if isinstance(given, tuple) else given
            wanted = states.each(lambda size: (shape[0], size), self.state_size)
            if not _same_sizes(_structure.flatten(given), _structure.flatten(wanted)):
                raise ValueError(f"{self.label}: initial_state must have shapes {wanted}, got {given}")

    def check_steps(self, mask: Any, lengths: Any, batch: int, time: int) -> tuple[Any, Any]:
        """The mask and the lengths of a call, of which one may be given, as arrays."""
        if mask is None and lengths is None:
            return None, None
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

    def check_states(self, given: Any, batch: int) -> list[Any]:
        """The states that a call starts from, nested as `state_size` is, as arrays of the layer's dtype."""
        if isinstance(given, np.ndarray) and given.ndim == 2:
            given = [given]
        return self._matched_states(given, self.state_size, batch)

    def _matched_states(self, given: Any, sizes: list[Any], batch: int) -> list[Any]:
        given = _arguments.items(f"{self.label}: initial_state", given, "a list of arrays")
        if len(given) != len(sizes):
            raise ValueError(f"{self.label}: initial_state must hold {len(sizes)} arrays, got {len(given)}")
        checked: list[Any] = []
        for state, size in zip(given, sizes, strict=True):
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
        if self._carried and initial_state is not None:
            raise ValueError(f"{self.label}: with truncated back-propagation it cannot be given an initial_state")
        return self.kept_states(batch) if initial_state is None else self.check_states(initial_state, batch)

    # Shapes

    def compute_output_shape(self, input_shape: Shape) -> Any:
        batch, time = input_shape[:2]
        output = (batch, time, self.output_size) if self.return_sequences else (batch, self.output_size)
        return [output, *states.each(lambda size: (batch, size), self.state_size)] if self.return_state else output

    @property
    def carries_mask(self) -> bool:
        return self.return_sequences

    def compute_mask(self, x: np.ndarray, mask: Any = None) -> Any:
        passed = super().compute_mask(x, mask)
        return [passed, *_structure.map_leaves(lambda _: None, self.state_size)] if self.return_state else passed

    def option_gradient(self, option: str, cache: Any) -> Any:
        return cache.d_initial_state if option == "initial_state" else super().option_gradient(option, cache)

    # States

    @property
    def stateful(self) -> bool:
        return self._stateful

    @stateful.setter
    def stateful(self, value: Any) -> None:
        self._stateful = bool(value)
        self._states = self._states if self._stateful else None

    @property
    def states(self) -> list[Any] | None:
        """What a stateful layer starts its next call from, nested as `state_size`; None: zeros."""
        return self._states

    def keep(self, last: list[Any]) -> None:
        """Remember the last states of a call, if the layer is stateful or they are carried."""
        if self._stateful or self._carried:
            self._states = states.each(np.array, last)

    def kept_states(self, batch: int) -> list[Any] | None:
        """`states`, for a call of so many rows. ValueError: they are of another number."""
        if self._states is None:
            return None
        rows = len(states.first(self._states))
        if rows != batch:
            raise ValueError(
                f"{self.label}: it is stateful and holds states of {rows} rows, got {batch} rows; "
                "keep the batch size, or call reset_state() first"
            )
        return self._states

    def reset_state(self) -> None:
        """Start the next call of a stateful layer from zero states, at any batch size."""
        self._states = None

    def memories(self) -> list[Callable[[], None]]:
        return [*super().memories(), partial(setattr, self, "_states", self._states)]  # arrays that nobody writes to

    def carry_state(self, carried: bool) -> None:
        if carried and self.go_backwards:
            raise ValueError(f"{self.label}: with go_backwards=True the first steps come last; no state can be carried")
        self._carried = carried
        if not self._stateful:
            self._states = None

    # Description

    def lower(self, program: Any, value: Any, initial_state: Any = None) -> Any:
        """Gives the handle of the output, or with `return_state` a flat list of it and those of the last states.

        A stateful layer goes on from call to call where the program carries states, and else starts from zeros.
        """
        carries = self._stateful and isinstance(program, CarryingProgram)
        goes_on = carries and initial_state is None
        start = program.start_of(self) if goes_on else initial_state
        start = [] if start is None else _structure.flatten(start)
        output, *last = self.lower_run(program, value, start, carries or self.return_state, heed_mask=goes_on)
        if carries:
            program.leave(self, last)
        return [output, *last] if self.return_state else output

    def lower_run(
        self, program: Any, value: Any, start: list[Any], return_state: bool, *, heed_mask: bool
    ) -> list[Any]:
        """`lower` from the states `start`, none for zeros: the output and, with `return_state`, the last states.

        heed_mask: the value's mask counts, also beside states to start from.
        """
        raise NoLoweringError(f"{self.label} cannot be run by the inference engine")

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
        config = self.get_config()
        return type(self).from_config({**config, **handed_on(self, config), **changes})  # type: ignore[return-value]


def handed_on(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
    """What a copy of a layer, or a cell, takes over as it is: one of the user's own could not be made again from its
    configuration."""
    held = {key: getattr(layer, key) for key in config if key.endswith(_HANDED_ON) and hasattr(layer, key)}
    return {k: v for k, v in held.items() if not k.endswith("_initializer") or initializers.is_own(v)}


def _same_sizes(given: list[Any], wanted: list[Any]) -> bool:
    """Whether shapes agree behind the batch axis, and on it where it is known."""
    return len(given) == len(wanted) and all(
        isinstance(g, tuple) and len(g) == len(w) and g[1:] == w[1:] and (None in (g[0], w[0]) or g[0] == w[0])
        for g, w in zip(given, wanted, strict=True)
    )
