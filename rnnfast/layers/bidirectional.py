"""Bidirectional: a recurrent layer run over time in both directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.by_name import deserialize, serialize
from rnnfast.layers.over_time import OverTime

MERGE_MODES = ("concat", "sum", "ave", "mul", None)


class Bidirectional(Layer):
    """Run a recurrent layer forwards and a copy of it backwards, and merge the two outputs.

    layer: a recurrent layer; it serves as a pattern, both directions get weights of their own. merge_mode: "concat"
    (default, on the last axis), "sum", "ave", "mul", or None for a list of both outputs. backward_layer: None makes it
    from `layer`; a given one must differ in `go_backwards` and agree in `stateful`, `return_sequences` and
    `return_state`. With `return_sequences` the backward outputs are put in the order of the input, and outputs at
    masked steps are zero, as in Keras. With `return_state` a list: the merged output, the forward states, the backward
    states. Call arguments are those of the layer; `initial_state` holds the forward states, then the backward ones.
    activity_regularizer: the penalty in training of all that it gives out, beside those of the two layers.

    >>> import numpy as np
    >>> from rnnfast.layers import Bidirectional, LSTM
    >>> Bidirectional(LSTM(4))(np.ones((2, 5, 3))).shape
    (2, 8)
    """

    min_rank = 3
    axes = "(batch, time, ...)"

    def __init__(
        self,
        layer: OverTime,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: OverTime | None = None,
        activity_regularizer: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.activity_regularizer = self.regularizer("activity_regularizer", activity_regularizer)
        if not isinstance(layer, OverTime):
            raise TypeError(f"{self.label}: layer must be a recurrent layer, got {layer!r}")
        if backward_layer is not None and not isinstance(backward_layer, OverTime):
            raise TypeError(f"{self.label}: backward_layer must be a recurrent layer, got {backward_layer!r}")
        if merge_mode not in MERGE_MODES:
            raise ValueError(f"{self.label}: merge_mode must be one of {MERGE_MODES}, got {merge_mode!r}")
        self.merge_mode = merge_mode
        self.forward_layer = _copy(layer, "forward_")
        self.backward_layer = _copy(layer, "backward_", go_backwards=True) if backward_layer is None else backward_layer
        self._check_pair()
        for direction in self._directions:
            direction.zero_output_for_mask = direction.return_sequences
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.given_input_shape = self.given_input_shape or layer.given_input_shape
        self._initial_weights = weights

    @property
    def _directions(self) -> tuple[OverTime, OverTime]:
        return self.forward_layer, self.backward_layer

    def _check_pair(self) -> None:
        forward, backward = self._directions
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                f"{self.label}: the two layers must differ in go_backwards, both have {forward.go_backwards}"
            )
        for option in ("stateful", "return_sequences", "return_state"):
            if getattr(forward, option) != getattr(backward, option):
                raise ValueError(
                    f"{self.label}: forward and backward layer must agree in {option}, "
                    f"got {getattr(forward, option)} and {getattr(backward, option)}"
                )
        if self.merge_mode in ("sum", "ave", "mul") and forward.output_size != backward.output_size:
            raise ValueError(
                f"{self.label}: merge_mode={self.merge_mode!r} needs layers of the same units, "
                f"got {forward.output_size} and {backward.output_size}"
            )

    @property
    def sublayers(self) -> list[Layer]:
        return list(self._directions)

    def create_variables(self, input_shape: Shape) -> None:
        for direction in self._directions:
            direction.build(input_shape)
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        self.forward_layer.check_shape(shape)

    def cast(self, x: Any) -> np.ndarray:
        return self.forward_layer.cast(x)

    # The two passes

    @property
    def takes_indexed_rows(self) -> bool:
        return self.runs_as(Bidirectional) and all(direction.takes_indexed_rows for direction in self._directions)

    def forward(
        self,
        x: Any,
        *,
        mask: Any = None,
        training: bool = False,
        initial_state: Any = None,
        lengths: Any = None,
    ) -> tuple[Any, Any]:
        outputs, states, caches = [], [], []
        for direction, start in zip(self._directions, self._starts(initial_state), strict=True):
            y, cache = direction.forward(x, mask=mask, training=training, initial_state=start, lengths=lengths)
            if self.return_state:
                y, *last = y
                states += last
            outputs.append(y)
            caches.append(cache)
        outputs[1] = self._reverse(outputs[1])
        merged = self._merge(*outputs)
        if self.return_state:
            merged = [*(merged if self.merge_mode is None else [merged]), *states]
        self.penalize(merged)
        return merged, (outputs, caches, merged) if training else None

    def backward(self, dy: Any, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        """dy: the gradient of the output; a list, None where a part has no gradient, where the output is one."""
        outputs, caches, merged = cache
        dy = self.penalized(dy, merged)
        d_states: list[Any] = []
        if self.return_state:
            count = 2 if self.merge_mode is None else 1
            dy, d_states = (dy[:2] if count == 2 else dy[0]), list(dy[count:])
        d_outputs = [None, None] if dy is None else self._split(dy, *outputs)
        if d_outputs[1] is not None:
            d_outputs[1] = self._reverse(d_outputs[1])
        half = len(self.forward_layer.state_size)
        halves = (d_states[:half], d_states[half:])
        dx = None
        for direction, d_output, d_state, tape in zip(self._directions, d_outputs, halves, caches, strict=True):
            part = direction.backward([d_output, *d_state] if self.return_state else d_output, tape, need_dx=need_dx)
            dx = part if dx is None else dx + part
        return dx

    def _starts(self, initial_state: Any) -> list[Any]:
        """The states that each direction starts from, or None for each."""
        if initial_state is None:
            return [None, None]
        half = len(self.forward_layer.state_size)
        wanted = half + len(self.backward_layer.state_size)
        states = _arguments.items(f"{self.label}: initial_state", initial_state, "a list of arrays")
        if len(states) != wanted:
            raise ValueError(f"{self.label}: initial_state must hold {wanted} arrays, got {len(states)}")
        return [states[:half], states[half:]]

    def _reverse(self, y: np.ndarray) -> np.ndarray:
        return y[:, ::-1] if self.return_sequences else y

    def _merge(self, forward: np.ndarray, backward: np.ndarray) -> Any:
        if self.merge_mode == "concat":
            return self._concatenate(forward, backward)
        if self.merge_mode == "sum":
            return forward + backward
        if self.merge_mode == "ave":
            return (forward + backward) / 2
        if self.merge_mode == "mul":
            return forward * backward
        return [forward, backward]

    def _concatenate(self, forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
        if not self.return_sequences:
            return np.concatenate([forward, backward], axis=-1)
        # In the order of time, as the directions' outputs are: whole rows are copied, and the next layer copies none.
        batch, time, units = forward.shape
        merged = _kernels.empty((time, batch, units + backward.shape[2]), forward.dtype).transpose(1, 0, 2)
        merged[..., :units], merged[..., units:] = forward, backward
        return merged

    def _split(self, dy: Any, forward: np.ndarray, backward: np.ndarray) -> list[Any]:
        if self.merge_mode == "concat":
            units = forward.shape[-1]
            return [dy[..., :units], dy[..., units:]]
        if self.merge_mode == "sum":
            return [dy, dy]
        if self.merge_mode == "ave":
            return [dy / 2, dy / 2]
        if self.merge_mode == "mul":
            return [dy * backward, dy * forward]
        return list(dy)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        shapes = [direction.compute_output_shape(input_shape) for direction in self._directions]
        states: list[Any] = []
        if self.return_state:
            states = [*shapes[0][1:], *shapes[1][1:]]
            shapes = [shapes[0][0], shapes[1][0]]
        if self.merge_mode == "concat":
            shapes = [(*shapes[0][:-1], shapes[0][-1] + shapes[1][-1])]
        elif self.merge_mode is not None:
            shapes = shapes[:1]
        return [*shapes, *states] if len(shapes) + len(states) > 1 else shapes[0]

    @property
    def carries_mask(self) -> bool:
        return self.return_sequences

    def compute_mask(self, x: np.ndarray, mask: Any = None) -> Any:
        parts = [direction.compute_mask(x, mask) for direction in self._directions]
        if not self.return_state:
            return parts if self.merge_mode is None else parts[0]
        outputs = [part[0] for part in parts]
        return [*(outputs if self.merge_mode is None else outputs[:1]), *parts[0][1:], *parts[1][1:]]

    def build_call(self, shape: Any, options: dict[str, Any]) -> None:
        super().build_call(shape, options)
        for direction, start in zip(self._directions, self._starts(options.get("initial_state")), strict=True):
            direction.build_call(shape, {"initial_state": start})

    def option_gradient(self, option: str, cache: Any) -> Any:
        if option != "initial_state":
            return super().option_gradient(option, cache)
        return [d for tape in cache[1] for d in tape.d_initial_state]

    # States, weights, description

    @property
    def stateful(self) -> bool:
        return self.forward_layer.stateful

    def reset_state(self) -> None:
        for direction in self._directions:
            direction.reset_state()

    @property
    def mixes_time(self) -> bool:
        return True

    def lower(self, program: Any, value: Any, initial_state: Any = None) -> Any:
        outputs: list[Any] = []
        states: list[Any] = []
        for direction, start in zip(self._directions, self._starts(initial_state), strict=True):
            made = direction.lower(program, value, start)
            output, *last = made if self.return_state else [made]
            outputs.append(output)
            states += last
        if self.return_sequences:
            outputs[1] = program.reverse(outputs[1], self.name)
        if self.merge_mode is not None:
            outputs = [program.merge(outputs, self.merge_mode, self.name)]
        return outputs + states if len(outputs) + len(states) > 1 else outputs[0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize(self.forward_layer),
            "backward_layer": serialize(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Bidirectional:
        layers = {key: deserialize(config[key]) for key in ("layer", "backward_layer") if config.get(key) is not None}
        return cls(**{**config, **layers})


def _copy(layer: OverTime, prefix: str, **changes: Any) -> OverTime:
    return layer.replica(name=prefix + layer.name.removeprefix(prefix), **changes)
