"""Windows over time: which steps Conv1D and pooling layers look at for each output step."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

from rnnfast import _arguments
from rnnfast.layers.base import Layer, Shape


class Windows(NamedTuple):
    """`size` steps, `dilation` apart, for every `stride`-th step. padding: "valid" (windows inside the sequence),
    "same" (ceil(time / stride) of them, centred), "causal" (as many, none looks ahead).
    """

    size: int
    stride: int
    dilation: int
    padding: str

    @property
    def span(self) -> int:
        return self.dilation * (self.size - 1) + 1

    @property
    def mix_time(self) -> bool:
        """Whether they are other than each step on its own."""
        return self.size > 1 or self.stride > 1

    def count(self, time: int) -> int:
        """Number of windows, zero or less where the sequence is too short."""
        return (time - (self.span if self.padding == "valid" else 1)) // self.stride + 1

    def pads(self, time: int) -> tuple[int, int]:
        """Steps put before and after the sequence."""
        if self.padding == "valid":
            return 0, 0
        missing = max(0, (self.count(time) - 1) * self.stride + self.span - time)
        before = self.span - 1 if self.padding == "causal" else missing // 2
        return before, max(0, missing - before)

    def of(self, x: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """The windows of x (batch, time, features): a read-only view (batch, count, size, features) of padded x."""
        before, after = self.pads(x.shape[1])
        if before or after:
            x = np.pad(x, ((0, 0), (before, after), (0, 0)), constant_values=fill)
        batch, step, feature = x.strides
        shape = (x.shape[0], (x.shape[1] - self.span) // self.stride + 1, self.size, x.shape[2])
        strides = (batch, step * self.stride, step * self.dilation, feature)
        return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)

    def backward(self, d_windows: np.ndarray, time: int) -> np.ndarray:
        """The transpose of `of`: every step gets the sum over the windows that hold it."""
        before, after = self.pads(time)
        batch, count, _, features = d_windows.shape
        padded = np.zeros((batch, before + time + after, features), d_windows.dtype)
        reach = (count - 1) * self.stride + 1
        for k in range(self.size):
            begin = k * self.dilation
            padded[:, begin : begin + reach : self.stride] += d_windows[:, :, k]
        return padded[:, before : before + time]

    def check(self, layer: Layer, shape: tuple[int | None, ...]) -> None:
        time = shape[1]
        if time is not None and self.count(time) < 1:
            raise ValueError(f"{layer.label}: a window spans {self.span} steps, got input of shape {shape}")


class Windowed(Layer):
    """Base of the layers that look at windows of time, `windows`; their parts are attributes under Keras' names."""

    rank = 3
    axes = "(batch, time, features)"
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    data_format = "channels_last"
    windows: Windows

    @property
    def strides(self) -> tuple[int]:
        return (self.windows.stride,)

    @strides.setter
    def strides(self, value: Any) -> None:
        self._set_windows(stride=one_size(self, "strides", value))

    @property
    def padding(self) -> str:
        return self.windows.padding

    @padding.setter
    def padding(self, value: Any) -> None:
        self._set_windows(padding=padding_name(self, value, self.paddings))

    def _set_windows(self, **changes: Any) -> None:
        self.windows = self.checked(self.windows._replace(**changes))

    def checked(self, windows: Windows) -> Windows:
        """ValueError: windows that the layer does not have."""
        return windows

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        self.windows.check(self, shape)

    @property
    def mixes_time(self) -> bool:
        return self.windows.mix_time


def one_size(layer: Layer, argument: str, value: Any, least: int = 1) -> int:
    """An integer, or Keras' tuple of one."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    return _arguments.whole_number(f"{layer.label}: {argument}", value, least)


def padding_name(layer: Layer, value: Any, valid: tuple[str, ...]) -> str:
    name = value.lower() if isinstance(value, str) else value
    if name not in valid:
        raise ValueError(f"{layer.label}: padding must be one of {', '.join(map(repr, valid))}, got {value!r}")
    return name


def check_channels_last(layer: Layer, data_format: Any) -> None:
    if data_format not in (None, "channels_last"):
        raise ValueError(f"{layer.label}: data_format must be None or 'channels_last', got {data_format!r}")
