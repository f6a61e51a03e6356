"""Values whose variance follows from the shape of the weight."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.initializers.base import Random
from rnnfast.initializers.distributions import TRUNCATED_STDDEV, truncated


class VarianceScaling(Random):
    """Variance `scale / n`, n the fan in, the fan out or their mean (Glorot and Bengio 2010; He et al. 2015).

    input_axes, output_axes: the axes of the weight whose sizes make the fans; default the last two, times all before
    them. distribution: "truncated_normal" (default, also "normal"), "untruncated_normal" or "uniform".

    >>> from rnnfast.initializers import VarianceScaling
    >>> round(float(VarianceScaling(2.0, "fan_out", "uniform", seed=0)((50, 200)).std()), 2)  # sqrt(2 / 200)
    0.1
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Any = None,
        output_axes: Any = None,
    ) -> None:
        super().__init__(seed)
        self.input_axes, self.output_axes = _axes(self, input_axes, output_axes)
        if isinstance(distribution, str):
            distribution = {"normal": "truncated_normal"}.get(distribution.lower(), distribution.lower())
        if self.number("scale", scale) <= 0:
            raise ValueError(f"VarianceScaling: scale must be positive, got {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"VarianceScaling: mode must be 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}")
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                "VarianceScaling: distribution must be 'truncated_normal', 'untruncated_normal' or 'uniform', "
                f"got {distribution!r}"
            )
        self.scale, self.mode, self.distribution = float(scale), mode, distribution

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        fan_in, fan_out = _fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        generator = self.generator()
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return self.drawn(shape, dtype, lambda n: generator.uniform(-limit, limit, n))
        deviation = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return self.drawn(shape, dtype, lambda n: generator.normal(0.0, deviation, n))
        return self.drawn(shape, dtype, lambda n: deviation / TRUNCATED_STDDEV * truncated(generator, n))

    def get_config(self) -> dict[str, Any]:
        own = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {**own, **super().get_config(), **self._axes_config()}

    def _axes_config(self) -> dict[str, Any]:
        # Older versions of Keras 3 do not know them.
        axes = {"input_axes": self.input_axes, "output_axes": self.output_axes}
        return {} if self.input_axes is None else axes


class _Preset(VarianceScaling):
    """A `VarianceScaling` of given scale, mode and distribution."""

    _arguments: tuple[float, str, str]

    def __init__(self, seed: int | None = None, input_axes: Any = None, output_axes: Any = None) -> None:
        super().__init__(*self._arguments, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed, **self._axes_config()}


class GlorotUniform(_Preset):
    """Uniform within `sqrt(6 / (fan_in + fan_out))`. The default of kernels.

    >>> from rnnfast.initializers import GlorotUniform
    >>> bool(abs(GlorotUniform(seed=0)((2, 4))).max() <= 1)
    True
    """

    _arguments = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Preset):
    """Truncated normal, variance `2 / (fan_in + fan_out)`.

    >>> from rnnfast.initializers import GlorotNormal
    >>> round(float(GlorotNormal(seed=0)((100, 100)).std()), 2)
    0.1
    """

    _arguments = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Preset):
    """Uniform within `sqrt(6 / fan_in)`.

    >>> from rnnfast.initializers import HeUniform
    >>> bool(abs(HeUniform(seed=0)((6, 4))).max() <= 1)
    True
    """

    _arguments = (2.0, "fan_in", "uniform")


class HeNormal(_Preset):
    """Truncated normal, variance `2 / fan_in`.

    >>> from rnnfast.initializers import HeNormal
    >>> round(float(HeNormal(seed=0)((200, 100)).std()), 2)
    0.1
    """

    _arguments = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Preset):
    """Uniform within `sqrt(3 / fan_in)`.

    >>> from rnnfast.initializers import LecunUniform
    >>> bool(abs(LecunUniform(seed=0)((3, 4))).max() <= 1)
    True
    """

    _arguments = (1.0, "fan_in", "uniform")


class LecunNormal(_Preset):
    """Truncated normal, variance `1 / fan_in`.

    >>> from rnnfast.initializers import LecunNormal
    >>> round(float(LecunNormal(seed=0)((100, 100)).std()), 2)
    0.1
    """

    _arguments = (1.0, "fan_in", "truncated_normal")


def _axes(owner: Random, input_axes: Any, output_axes: Any) -> tuple[list[int] | None, list[int] | None]:
    """Both or none, as lists."""
    label = type(owner).__name__
    if input_axes is None and output_axes is None:
        return None, None
    if input_axes is None or output_axes is None:
        raise ValueError(f"{label}: give both input_axes and output_axes, got {input_axes!r} and {output_axes!r}")
    checked = []
    for argument, value in (("input_axes", input_axes), ("output_axes", output_axes)):
        axes = _arguments.items(f"{label}: {argument}", value, "a list of axes")
        if not all(map(_arguments.is_whole, axes)):
            raise ValueError(f"{label}: {argument} must hold integers, got {value!r}")
        checked.append([int(axis) for axis in axes])
    return checked[0], checked[1]


def _fans(
    shape: tuple[int, ...], input_axes: list[int] | None = None, output_axes: list[int] | None = None
) -> tuple[float, float]:
    if input_axes is not None and output_axes is not None:
        if not all(-len(shape) <= axis < len(shape) for axis in (*input_axes, *output_axes)):
            raise ValueError(f"input_axes={input_axes}, output_axes={output_axes} do not fit a weight of shape {shape}")
        return tuple(float(math.prod(shape[a] for a in axes)) for axes in (input_axes, output_axes))  # type: ignore[return-value]
    if len(shape) < 2:
        size = float(math.prod(shape))
        return size, size
    field = math.prod(shape[:-2])
    return float(shape[-2] * field), float(shape[-1] * field)
