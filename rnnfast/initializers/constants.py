"""Values that are given: constants, and the identity."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.initializers.base import Initializer

# What values given as an array may be made of, in a configuration.
_DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


class Constant(Initializer):
    """Every element is `value`, or the whole is: an array of the weight's shape, such as a table of embeddings.

    >>> import numpy as np
    >>> from rnnfast.initializers import Constant
    >>> Constant(np.eye(2))((2, 2))
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value: float | np.ndarray
        if isinstance(value, np.ndarray) and value.ndim > 0:
            self.value = np.array(_arguments.numeric("Constant: value", value))
        else:
            self.value = self.number("value", value)

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        if isinstance(self.value, np.ndarray) and self.value.shape != tuple(shape):
            raise ValueError(f"Constant: value has shape {self.value.shape}, the weight {tuple(shape)}")
        return np.full(shape, self.value, dtype)

    def get_config(self) -> dict[str, Any]:
        if not isinstance(self.value, np.ndarray):
            return {"value": self.value}
        config = {"value": self.value.tolist(), "dtype": self.value.dtype.name}
        return {"value": {"class_name": "__numpy__", "config": config}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        value = config.get("value")
        if isinstance(value, dict) and value.get("class_name") in ("__numpy__", "__tensor__"):
            held = value.get("config")
            if not isinstance(held, dict) or held.get("dtype") not in _DTYPES:
                raise ValueError(f"Constant: value: expected an array of {', '.join(_DTYPES)}, got {held!r}")
            return cls(_arguments.numeric("Constant: value", held.get("value")).astype(held["dtype"]))
        return super().from_config(config)


class Zeros(Initializer):
    """All zeros.

    >>> from rnnfast.initializers import Zeros
    >>> Zeros()((2,))
    array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """All ones.

    >>> from rnnfast.initializers import Ones
    >>> Ones()((2,), "float64")
    array([1., 1.])
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        return np.ones(shape, dtype)


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, zero elsewhere.

    ValueError: a shape that is no matrix.

    >>> from rnnfast.initializers import Identity
    >>> Identity(gain=2.0)((2, 2))
    array([[2., 0.],
           [0., 2.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = self.number("gain", gain)

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"Identity: shape must have rank 2, got {shape}")
        return (self.gain * np.eye(*shape)).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}
