"""TimeDistributed: a layer applied to every time step."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.layers.base import Layer, Shape
from rnnfast.variable import Variable


class TimeDistributed(Layer):
    """Apply `layer` to every time step: x (batch, time, ...), y (batch, time, ...), the same weights at each step.

    Time is folded into the batch, so the layer runs once. The mask of the steps is passed on to later layers.

    >>> import numpy as np
    >>> from rnnfast.layers import Dense, TimeDistributed
    >>> TimeDistributed(Dense(2))(np.ones((4, 5, 3))).shape
    (4, 5, 2)
    """

    min_rank = 3
    axes = "(batch, time, ...)"

    def __init__(self, layer: Layer, **options: Any) -> None:
        super().__init__(**options)
        if not isinstance(layer, Layer):
            raise TypeError(f"{self.label}: layer must be a layer, got {layer!r} of type {type(layer).__name__}")
        if layer.stateful:
            raise ValueError(f"{self.label}: {layer.label} is stateful; every step of a batch is a row of its own here")
        if layer.penalizes_outputs:
            raise ValueError(
                f"{self.label}: activity_regularizer of {layer.label} has no effect inside TimeDistributed, in Keras "
                "neither; leave it out"
            )
        self.layer = layer

    @property
    def sublayers(self) -> list[Layer]:
        return [self.layer]

    def create_variables(self, input_shape: Shape) -> None:
        self.layer.build(_without_time(input_shape))

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        self.layer.check_shape(_without_time(shape))

    def check_values(self, x: np.ndarray) -> None:
        self.layer.check_values(x)

    def cast(self, x: Any) -> np.ndarray:
        return self.layer.cast(x)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        y, cache = self.layer.forward(x.reshape(-1, *x.shape[2:]), training=training)
        if not isinstance(y, np.ndarray):
            raise ValueError(f"{self.label}: {self.layer.label} must have one output")
        return y.reshape(*x.shape[:2], *y.shape[1:]), (x.shape, cache)

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return self._backward(self.layer.backward, dy, cache, need_dx)

    @property
    def output_activation(self) -> str | None:
        return self.layer.output_activation

    def backward_logits(self, dz: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return self._backward(self.layer.backward_logits, dz, cache, need_dx)

    def _backward(self, inner: Any, dy: np.ndarray, cache: Any, need_dx: bool) -> np.ndarray | None:
        shape, inner_cache = cache
        dx = inner(dy.reshape(-1, *dy.shape[2:]), inner_cache, need_dx=need_dx)
        return None if dx is None else dx.reshape(shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        inner = self.layer.compute_output_shape(_without_time(input_shape))
        return (inner[0], input_shape[1], *inner[1:])

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        step = program.time_distributed_begin(value, self.name)
        return program.time_distributed_end(self.layer.lower(program, step), self.name)

    @property
    def weights(self) -> list[Variable]:
        return self.layer.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        return self.layer.trainable_weights if self.trainable else []

    def get_config(self) -> dict[str, Any]:
        from rnnfast.layers import serialize

        return {**super().get_config(), "layer": serialize(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> TimeDistributed:
        from rnnfast.layers import deserialize

        return cls(**{**config, "layer": deserialize(config["layer"])})


def _without_time(shape: Shape) -> Shape:
    return (shape[0], *shape[2:])
