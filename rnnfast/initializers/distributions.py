"""Values drawn from one distribution whatever the shape, and orthogonal matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnfast.initializers.base import Random

# Standard deviation of a standard normal cut off at two standard deviations.
TRUNCATED_STDDEV = 0.87962566103423978


class RandomNormal(Random):
    """Normal with `mean` and `stddev`.

    >>> from rnnfast.initializers import RandomNormal
    >>> round(float(RandomNormal(mean=3.0, seed=0)((100, 100)).mean()), 2)
    3.0
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = self.number("mean", mean), self.number("stddev", stddev)
        if self.stddev < 0:
            raise ValueError(f"{type(self).__name__}: stddev must not be negative, got {stddev}")

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        generator = self.generator()
        return self.drawn(shape, dtype, lambda n: generator.normal(self.mean, self.stddev, n))

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """Normal with `mean` and `stddev`; values beyond two standard deviations are drawn again.

    >>> from rnnfast.initializers import TruncatedNormal
    >>> bool(abs(TruncatedNormal(stddev=0.1, seed=0)((100, 100))).max() <= 0.2)
    True
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        generator = self.generator()
        return self.drawn(shape, dtype, lambda n: self.mean + self.stddev * truncated(generator, n))


class RandomUniform(Random):
    """Uniform in `[minval, maxval)`.

    >>> from rnnfast.initializers import RandomUniform
    >>> bool(abs(RandomUniform(-1.0, 1.0, seed=0)((100, 100))).max() <= 1)
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = self.number("minval", minval), self.number("maxval", maxval)

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        generator = self.generator()
        return self.drawn(shape, dtype, lambda n: generator.uniform(self.minval, self.maxval, n))

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


class Orthogonal(Random):
    """Rows or columns orthonormal, times `gain` (Saxe et al. 2014). The default of recurrent kernels.

    >>> import numpy as np
    >>> from rnnfast.initializers import Orthogonal
    >>> u = Orthogonal(seed=0)((4, 4))
    >>> bool(np.allclose(u @ u.T, np.eye(4), atol=1e-6))
    True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = self.number("gain", gain)

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: shape must have rank 2 or more, got {shape}")
        rows, cols = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(self.generator().normal(size=(max(rows, cols), min(rows, cols))))
        # The signs of r's diagonal make the distribution uniform over orthogonal matrices.
        q = q * np.sign(np.diag(r))
        return (self.gain * (q.T if rows < cols else q)).reshape(shape).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, **super().get_config()}


def truncated(generator: np.random.Generator, size: int) -> np.ndarray:
    """Standard normal; values beyond two standard deviations are drawn again."""
    values = generator.standard_normal(size)
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = generator.standard_normal(int(outside.sum()))
    return values
