"""Layers that add, drop or repeat time steps: ZeroPadding1D, Cropping1D, UpSampling1D."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.windows import check_channels_last


class _Steps(Layer):
    """x (batch, time, features), y (batch, new_time, features). A mask ends here."""

    rank = 3
    axes = "(batch, time, features)"

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        after = None if shape[1] is None else self.new_time(shape[1])
        if after is not None and after < 1:
            raise ValueError(f"{self.label}: no time step would be left of input of shape {shape}")

    def new_time(self, time: int) -> int:
        raise TypeError(f"{self.label} does not define new_time(time)")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        time = input_shape[1]
        return (input_shape[0], None if time is None else self.new_time(time), input_shape[2])

    def pair(self, argument: str, value: Any) -> tuple[int, int]:
        """One number of steps for both ends, or one for each."""
        values = [value, value] if _arguments.is_whole(value) else value
        if not isinstance(values, (list, tuple)) or len(values) != 2:
            raise ValueError(f"{self.label}: {argument} must be an integer or a pair of integers, got {value!r}")
        first, last = (_arguments.whole_number(f"{self.label}: {argument}", n, least=0) for n in values)
        return first, last


class ZeroPadding1D(_Steps):
    """Put zeros before and after the sequence: `padding` steps at both ends, or (before, after).

    x (batch, time, features), y (batch, before + time + after, features). A mask ends here.

    >>> from rnnfast.layers import ZeroPadding1D
    >>> ZeroPadding1D((1, 2))([[[5.0]]]).ravel()
    array([0., 5., 0., 0.], dtype=float32)
    """

    def __init__(self, padding: Any = 1, data_format: Any = None, **options: Any) -> None:
        super().__init__(**options)
        check_channels_last(self, data_format)
        self.padding = self.pair("padding", padding)

    @property
    def mixes_time(self) -> bool:
        return any(self.padding)

    def new_time(self, time: int) -> int:
        return time + sum(self.padding)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return np.pad(x, ((0, 0), self.padding, (0, 0))), None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy[:, self.padding[0] : dy.shape[1] - self.padding[1]]

    def lower(self, program: Any, value: Any) -> Any:
        return program.pad_steps(value, *self.padding, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": list(self.padding), "data_format": "channels_last"}


class Cropping1D(_Steps):
    """Drop steps from the start and the end of the sequence: `cropping` at both ends, or (before, after).

    x (batch, time, features), y (batch, time - before - after, features). A mask ends here. ValueError: no step stays.

    >>> from rnnfast.layers import Cropping1D
    >>> Cropping1D((0, 1))([[[5.0], [6.0]]]).ravel()
    array([5.], dtype=float32)
    """

    def __init__(self, cropping: Any = (1, 1), **options: Any) -> None:
        super().__init__(**options)
        self.cropping = self.pair("cropping", cropping)

    @property
    def mixes_time(self) -> bool:
        return any(self.cropping)

    def new_time(self, time: int) -> int:
        return time - sum(self.cropping)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return x[:, self.cropping[0] : x.shape[1] - self.cropping[1]], None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return np.pad(dy, ((0, 0), self.cropping, (0, 0)))

    def lower(self, program: Any, value: Any) -> Any:
        return program.pad_steps(value, *(-n for n in self.cropping), self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": list(self.cropping)}


class UpSampling1D(_Steps):
    """Every time step `size` times in a row: x (batch, time, features), y (batch, size * time, features).

    A mask ends here.

    >>> from rnnfast.layers import UpSampling1D
    >>> UpSampling1D(2)([[[5.0], [6.0]]]).ravel()
    array([5., 5., 6., 6.], dtype=float32)
    """

    def __init__(self, size: int = 2, **options: Any) -> None:
        super().__init__(**options)
        self.size = self.positive("size", size)

    def new_time(self, time: int) -> int:
        return time * self.size

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return np.repeat(x, self.size, axis=1), None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy.reshape(dy.shape[0], -1, self.size, dy.shape[2]).sum(axis=2)

    def lower(self, program: Any, value: Any) -> Any:
        return program.repeat_steps(value, self.size, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}
