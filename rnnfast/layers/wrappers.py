"""Layers that hold a layer: TimeDistributed applies it to every time step."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.by_name import deserialize, serialize
from rnnfast.layers.core import Dense
from rnnfast.layers.lowered import NoLoweringError


class Wrapper(Layer):
    """Base of layers that hold another one: its weights are theirs, and so is the dtype of its input.

    layer: any layer, else TypeError.
    """

    def __init__(self, layer: Layer, **options: Any) -> None:
        super().__init__(**options)
        if not isinstance(layer, Layer):
            raise TypeError(f"{self.label}: layer must be a layer, got {layer!r} of type {type(layer).__name__}")
        self.layer = layer

    def create_variables(self, input_shape: Shape) -> None:
        self.layer.build(input_shape)

    def cast(self, x: Any) -> np.ndarray:
        return self.layer.cast(x)

    @property
    def sublayers(self) -> list[Layer]:
        return [self.layer]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Wrapper:
        return cls(**{**config, "layer": deserialize(config["layer"])})


class TimeDistributed(Wrapper):
    """Apply `layer` to every time step: x (batch, time, ...), y (batch, time, ...), the same weights at each step.

    Time is folded into the batch, so the layer runs once; in training a layer in which rows meet, such as
    BatchNormalization, runs step by step, so that only rows of one step meet, as in Keras. mask: (batch, time), for
    later layers and for a layer that takes one of (batch,); or (batch, time, ...), for a layer over a time axis of its
    own: a step then is real for later layers where anything in it is.

    >>> import numpy as np
    >>> from rnnfast.layers import Dense, TimeDistributed
    >>> TimeDistributed(Dense(2))(np.ones((4, 5, 3))).shape
    (4, 5, 2)
    """

    min_rank = 3
    axes = "(batch, time, ...)"

    def __init__(self, layer: Layer, **options: Any) -> None:
        super().__init__(layer, **options)
        if layer.stateful:
            raise ValueError(f"{self.label}: {layer.label} is stateful; every step of a batch is a row of its own here")
        if layer.penalizes_outputs:
            raise ValueError(
                f"{self.label}: activity_regularizer of {layer.label} has no effect inside TimeDistributed, in Keras "
                "neither; leave it out"
            )

    def create_variables(self, input_shape: Shape) -> None:
        self.layer.build(_without_time(input_shape))

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        self.layer.check_shape(_without_time(shape))

    def check_values(self, x: np.ndarray) -> None:
        self.layer.check_values(x)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        mask = self.check_mask(mask, x.shape[:2])
        apart = training and x.shape[1] > 1 and self.layer.mixes_rows
        parts = [slice(t, t + 1) for t in range(x.shape[1])] if apart else [slice(None)]
        outputs, caches = [], []
        for part in parts:
            y, cache = self._forward(x[:, part], None if mask is None else mask[:, part], training)
            outputs.append(y)
            caches.append(cache)
        return outputs[0] if len(parts) == 1 else np.concatenate(outputs, axis=1), (x.shape, parts, caches)

    def _forward(self, x: np.ndarray, mask: np.ndarray | None, training: bool) -> tuple[np.ndarray, Any]:
        options = {} if mask is None else self._mask_of_rows(mask, x.ndim)
        y, cache = self.layer.forward(x.reshape(-1, *x.shape[2:]), training=training, **options)
        if not isinstance(y, np.ndarray):
            raise ValueError(f"{self.label}: {self.layer.label} must have one output")
        return y.reshape(*x.shape[:2], *y.shape[1:]), cache

    def check_mask(self, mask: Any, shape: tuple[int, ...]) -> np.ndarray | None:
        """A mask of steps, or of what steps are made of: its shape begins with `shape`, (batch, time)."""
        given = np.shape(mask)
        if mask is not None and given[:2] != shape:
            raise ValueError(
                f"{self.label}: The `mask` passed to the `TimeDistributed` layer has a shape {given}, "
                f"expected one that begins with {shape}"
            )
        return super().check_mask(mask, given)

    def _mask_of_rows(self, mask: np.ndarray, rank: int) -> dict[str, Any]:
        rows = mask.reshape(-1, *mask.shape[2:])
        # A mask of whole steps says nothing to a layer over a time axis of its own.
        own_rank = rank - 1 if self.layer.runs_own_call else self.layer.rank
        over_time = (own_rank or self.layer.min_rank) >= 3
        return {} if over_time and rows.ndim == 1 else {"mask": rows}

    def compute_mask(self, x: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray | None:
        """Which steps are real: those that have something real in them."""
        if mask is None or mask.ndim == 2:
            return mask
        return np.asarray(mask.reshape(*mask.shape[:2], -1).any(axis=2))

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return self._backward(self.layer.backward, dy, cache, need_dx)

    def carry_state(self, carried: bool) -> None:
        """Nothing to do: every step is a row of its own for the layer inside."""

    @property
    def output_activation(self) -> str | None:
        return self.layer.output_activation

    def backward_logits(self, dz: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return self._backward(self.layer.backward_logits, dz, cache, need_dx)

    def _backward(self, inner: Any, dy: np.ndarray, cache: Any, need_dx: bool) -> np.ndarray | None:
        shape, parts, caches = cache
        made = [
            inner(dy[:, part].reshape(-1, *dy.shape[2:]), kept, need_dx=need_dx)
            for part, kept in zip(parts, caches, strict=True)
        ]
        if made[0] is None:
            return None
        steps = [dx.reshape(shape[0], shape[1] // len(parts), *shape[2:]) for dx in made]
        return steps[0] if len(parts) == 1 else np.concatenate(steps, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        inner = self.layer.compute_output_shape(_without_time(input_shape))
        return (inner[0], input_shape[1], *inner[1:])

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        if isinstance(self.layer, Dense):
            return self.layer.lower(program, value)  # looks at the last axis alone: packed steps may stay so
        y = self.layer.lower(program, program.time_distributed_begin(value, self.name))
        if isinstance(y, list):
            raise NoLoweringError(f"{self.label}: {self.layer.label} must have one output")
        return program.time_distributed_end(y, self.name)


def _without_time(shape: Shape) -> Shape:
    return (shape[0], *shape[2:])
