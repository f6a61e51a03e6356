"""The mask that a layer computes, as a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.layers.base import Layer


class MaskOf(Layer):
    """What `compute_mask` of a layer gives, called on the output of another: programs hand it on as `mask=`.

    dropped: how many last axes of the input the mask does not have.
    """

    def __init__(self, layer: Layer, dropped: int) -> None:
        super().__init__(name=f"{layer.name}_mask", dtype=layer.dtype)
        self.masking = layer
        self.dropped = dropped

    @property
    def sublayers(self) -> list[Any]:
        return []  # whoever holds the layer has its weights

    def cast(self, x: Any) -> np.ndarray:
        return self.masking.cast(x)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return self.masking.compute_mask(x), None

    def backward(self, dy: Any, cache: Any, *, need_dx: bool = True) -> None:
        """None: nothing is learnt through a mask."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape[: len(input_shape) - self.dropped])
