"""Pooling over time: within windows, and over whole sequences."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.windows import Windowed, Windows, check_channels_last, one_size, padding_name


class _Pooling(Windowed):
    """x (batch, time, features), y (batch, new_time, features); a mask ends here."""

    mode: ClassVar[str]

    def __init__(
        self, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        check_channels_last(self, data_format)
        size = one_size(self, "pool_size", pool_size)
        stride = size if strides is None else one_size(self, "strides", strides)
        self.windows = Windows(size, stride, 1, padding_name(self, padding, self.paddings))

    @property
    def pool_size(self) -> tuple[int]:
        return (self.windows.size,)

    @pool_size.setter
    def pool_size(self, value: Any) -> None:
        self._set_windows(size=one_size(self, "pool_size", value))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        time = input_shape[1]
        return (input_shape[0], None if time is None else self.windows.count(time), input_shape[2])

    def lower(self, program: Any, value: Any) -> Any:
        return program.pool(value, self.mode, self.windows, self.name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": list(self.pool_size),
            "padding": self.padding,
            "strides": list(self.strides),
            "data_format": self.data_format,
        }


class MaxPooling1D(_Pooling):
    """The largest value of each feature in windows of `pool_size` steps, every `strides` steps (None: pool_size).

    x (batch, time, features), y (batch, new_time, features). padding: "valid", new_time = (time - pool_size) // strides
    + 1, or "same", ceil(time / strides). A mask ends here. ValueError: "valid" and fewer steps than pool_size.

    >>> import numpy as np
    >>> from rnnfast.layers import MaxPooling1D
    >>> MaxPooling1D(2)(np.array([[[1.0], [4.0], [2.0], [3.0]]])).ravel()
    array([4., 3.], dtype=float32)
    """

    mode = "max"

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", data_format: Any = None, **options: Any
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **options)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        windows = self.windows.of(x, fill=-np.inf)
        if not training:
            return windows.max(axis=2), None
        # The first of equals gets the gradient.
        where = windows.argmax(axis=2)[:, :, None]
        return np.take_along_axis(windows, where, axis=2)[:, :, 0], (where, x.shape[1])

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        where, time = cache
        if not need_dx:
            return None
        d_windows = np.zeros((*dy.shape[:2], self.windows.size, dy.shape[2]), dy.dtype)
        np.put_along_axis(d_windows, where, dy[:, :, None], axis=2)
        return self.windows.backward(d_windows, time)


class AveragePooling1D(_Pooling):
    """The mean of each feature over windows of `pool_size` steps, every `strides` steps (None: pool_size).

    x (batch, time, features), y (batch, new_time, features). padding: "valid", new_time = (time - pool_size) // strides
    + 1, or "same", ceil(time / strides), where steps outside the sequence do not count. A mask ends here. ValueError:
    "valid" and fewer steps than pool_size.

    >>> import numpy as np
    >>> from rnnfast.layers import AveragePooling1D
    >>> AveragePooling1D(2, padding="same")(np.array([[[1.0], [4.0], [2.0]]])).ravel()
    array([2.5, 2. ], dtype=float32)
    """

    mode = "average"

    def _counts(self, time: int, dtype: Any) -> np.ndarray:
        """Real steps of each window, (count, 1)."""
        return self.windows.of(np.ones((1, time, 1), dtype)).sum(axis=2)[0]

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return self.windows.of(x).sum(axis=2) / self._counts(x.shape[1], x.dtype), x.shape[1] if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        if not need_dx:
            return None
        share = (dy / self._counts(cache, dy.dtype))[:, :, None]
        return self.windows.backward(np.broadcast_to(share, (*dy.shape[:2], self.windows.size, dy.shape[2])), cache)


class _GlobalPooling(Layer):
    """x (batch, time, features), y (batch, features), or (batch, 1, features) with keepdims."""

    rank = 3
    axes = "(batch, time, features)"
    mode: ClassVar[str]

    def __init__(self, data_format: Any = None, keepdims: bool = False, **options: Any) -> None:
        super().__init__(**options)
        check_channels_last(self, data_format)
        self.keepdims = bool(keepdims)

    @property
    def mixes_time(self) -> bool:
        return True

    def _shaped(self, y: np.ndarray) -> np.ndarray:
        return y[:, None] if self.keepdims else y

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *((1,) if self.keepdims else ()), input_shape[2])

    def lower(self, program: Any, value: Any) -> Any:
        return program.global_pool(value, self.mode, self.keepdims, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": "channels_last", "keepdims": self.keepdims}


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each feature over time; of the real steps where there is a mask (NaN where a row has none).

    x (batch, time, features), y (batch, features), or (batch, 1, features) with keepdims. The mask ends here.

    >>> import numpy as np
    >>> from rnnfast.layers import GlobalAveragePooling1D
    >>> GlobalAveragePooling1D()(np.array([[[1.0], [2.0], [6.0]]]))
    array([[3.]], dtype=float32)
    """

    mode = "average"

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        real = self.check_mask(mask, x.shape[:2])
        if real is None:
            return self._shaped(x.mean(axis=1)), (x.shape, None, x.shape[1])
        count = real.sum(axis=1, keepdims=True).astype(x.dtype)
        with np.errstate(invalid="ignore"):
            y = np.where(real[..., None], x, x.dtype.type(0)).sum(axis=1) / count
        return self._shaped(y), (x.shape, real, count)

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        shape, real, count = cache
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (dy.reshape(shape[0], shape[2]) / count)[:, None]
        return np.broadcast_to(share, shape).copy() if real is None else np.where(real[..., None], share, 0)


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest value of each feature over time. It does not look at a mask, as in Keras; the mask ends here.

    x (batch, time, features), y (batch, features), or (batch, 1, features) with keepdims.

    >>> import numpy as np
    >>> from rnnfast.layers import GlobalMaxPooling1D
    >>> GlobalMaxPooling1D()(np.array([[[1.0], [7.0], [6.0]]]))
    array([[7.]], dtype=float32)
    """

    mode = "max"

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return self._shaped(x.max(axis=1)), x if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        if not need_dx:
            return None
        largest = cache == cache.max(axis=1, keepdims=True)
        # Equals share the gradient, as in Keras.
        return largest * (dy.reshape(len(dy), 1, -1) / largest.sum(axis=1, keepdims=True))
