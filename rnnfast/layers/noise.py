"""Layers that disturb values in training and pass them on in inference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnfast import _arguments, utils
from rnnfast.layers.base import Layer, Shape


class _Noise(Layer):
    """Values of any shape go through unchanged in inference; masks always do. seed: of the layer's own generator."""

    def __init__(self, seed: int | None, **options: Any) -> None:
        super().__init__(**options)
        self.seed = _arguments.seed(f"{self.label}: seed", seed)
        self._generator = np.random.default_rng(utils.draw_seed() if seed is None else seed)

    def fraction(self, argument: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 <= value <= 1:
            raise ValueError(f"{self.label}: {argument} must be a number between 0 and 1, got {value!r}")
        return float(value)

    def normal(self, x: np.ndarray) -> np.ndarray:
        """Standard normal values in the shape and dtype of x."""
        return self._generator.standard_normal(x.shape, dtype=x.dtype)

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        return value

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


class Dropout(_Noise):
    """In training, set each element to zero with probability `rate` and divide the rest by `1 - rate`.

    noise_shape: axes of size 1 share one draw; None takes the input's size. seed: None draws one from the global
    generator. Input and output have the same, any, shape. A mask is passed on.

    >>> from rnnfast.layers import Dropout
    >>> Dropout(0.5)([[1.0, 1.0, 1.0]])
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed, **options)
        self.rate = self.fraction("rate", rate)
        self.noise_shape = None if noise_shape is None else _arguments.sizes(f"{self.label}: noise_shape", noise_shape)

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        noise = shape if self.noise_shape is None else self.noise_shape
        if len(noise) != len(shape) or any(
            None not in (wanted, n) and wanted not in (1, n) for wanted, n in zip(noise, shape, strict=True)
        ):
            raise ValueError(f"{self.label}: noise_shape {self.noise_shape} does not fit input of shape {shape}")

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        if not training or self.rate == 0.0:
            return x, None
        noise_shape = self.noise_shape or (None,) * x.ndim
        shape = tuple(n if wanted is None else wanted for n, wanted in zip(x.shape, noise_shape, strict=True))
        kept = self._generator.random(shape, dtype=np.float32) >= self.rate
        scale = kept * x.dtype.type(0.0 if self.rate == 1.0 else 1.0 / (1.0 - self.rate))
        return x * scale, scale

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy if cache is None else dy * cache

    def get_config(self) -> dict[str, Any]:
        noise_shape = None if self.noise_shape is None else list(self.noise_shape)
        return {**super().get_config(), "rate": self.rate, "noise_shape": noise_shape}


class SpatialDropout1D(Dropout):
    """Dropout of whole features: in training each feature of a sample is kept at all time steps, or zero at all.

    x and y (batch, time, features). rate, seed: as Dropout takes them. Tompson et al. 2014. A mask is passed on.

    >>> import numpy as np
    >>> from rnnfast.layers import SpatialDropout1D
    >>> SpatialDropout1D(0.5)(np.ones((1, 2, 2))).shape
    (1, 2, 2)
    """

    rank = 3
    axes = "(batch, time, features)"

    def __init__(self, rate: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(rate, (None, 1, None), seed, **options)

    def get_config(self) -> dict[str, Any]:
        # Keras' own takes nothing else.
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}


class GaussianNoise(_Noise):
    """In training, add normal noise with standard deviation `stddev`, between 0 and 1, to each element.

    seed: None draws one from the global generator. Input and output have the same, any, shape. A mask is passed on.

    >>> from rnnfast.layers import GaussianNoise
    >>> GaussianNoise(0.5)([[1.0, 2.0]])
    array([[1., 2.]], dtype=float32)
    """

    def __init__(self, stddev: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed, **options)
        self.stddev = self.fraction("stddev", stddev)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return (x + self.normal(x) * x.dtype.type(self.stddev) if training and self.stddev > 0 else x), None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(_Noise):
    """In training, multiply each element by a normal value with mean 1 and standard deviation sqrt(rate / (1 - rate)).

    Srivastava et al. 2014. rate: from 0 up to, not including, 1. seed: None draws one from the global generator. Input
    and output have the same, any, shape. A mask is passed on.

    >>> from rnnfast.layers import GaussianDropout
    >>> GaussianDropout(0.5)([[1.0, 2.0]])
    array([[1., 2.]], dtype=float32)
    """

    def __init__(self, rate: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed, **options)
        self.rate = self.fraction("rate", rate)
        if self.rate == 1.0:
            raise ValueError(f"{self.label}: rate must be less than 1, where the noise has no bound, got {rate!r}")

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        if not training or self.rate == 0.0:
            return x, None
        factor = 1 + self.normal(x) * x.dtype.type(math.sqrt(self.rate / (1 - self.rate)))
        return x * factor, factor

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy if cache is None else dy * cache

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}
