"""Initial values of weights, with Keras' names, formulas and defaults.

An initializer is called with a shape and a dtype and gives an array. With `seed=None` the seed is drawn from the
global generator (`rnnfast.utils.set_random_seed`) when the initializer is made, so one instance always gives the same
values for the same shape, as in Keras.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _arguments, utils
from rnnfast._registry import Registry

# What values given as an array may be made of, in a configuration.
_DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")

# Standard deviation of a standard normal cut off at two standard deviations.
_TRUNCATED_STDDEV = 0.87962566103423978


class Initializer:
    """Base class: override `__call__(shape, dtype)`; `get_config` gives the constructor's arguments."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        raise TypeError(f"{type(self).__name__} does not define __call__(shape, dtype)")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        known = {k: v for k, v in config.items() if not (k in ("dtype", "input_axes", "output_axes") and v is None)}
        return cls(**known)


class FunctionInitializer(Initializer):
    """A function of the user's own, or any callable, `function(shape, dtype=dtype)`, as an initializer."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        return self.function(shape, dtype=dtype)


class _Random(Initializer):
    def __init__(self, seed: int | None = None) -> None:
        self.seed = _arguments.seed(f"{type(self).__name__}: seed", seed)
        self._seed = utils.draw_seed() if self.seed is None else self.seed

    def _generator(self) -> np.random.Generator:
        return np.random.default_rng(self._seed)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


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
            self.value = _number(self, "value", value)

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
    """All zeros."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        return np.ones(shape, dtype)


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, zero elsewhere."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = _number(self, "gain", gain)

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"Identity: shape must have rank 2, got {shape}")
        return (self.gain * np.eye(*shape)).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class RandomNormal(_Random):
    """Normal with `mean` and `stddev`."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = _number(self, "mean", mean), _number(self, "stddev", stddev)
        if self.stddev < 0:
            raise ValueError(f"{type(self).__name__}: stddev must not be negative, got {stddev}")

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        return self._generator().normal(self.mean, self.stddev, shape).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """Normal with `mean` and `stddev`; values beyond two standard deviations are drawn again."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        return (self.mean + self.stddev * _truncated(self._generator(), shape)).astype(dtype)


class RandomUniform(_Random):
    """Uniform in `[minval, maxval)`."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = _number(self, "minval", minval), _number(self, "maxval", maxval)

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        return self._generator().uniform(self.minval, self.maxval, shape).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


class VarianceScaling(_Random):
    """Variance `scale / n`, n the fan in, the fan out or their mean (Glorot and Bengio 2010; He et al. 2015).

    input_axes, output_axes: the axes of the weight whose sizes make the fans; default the last two, times all before
    them. distribution: "truncated_normal" (default, also "normal"), "untruncated_normal" or "uniform".
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
        if _number(self, "scale", scale) <= 0:
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
        generator = self._generator()
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return generator.uniform(-limit, limit, shape).astype(dtype)
        if self.distribution == "untruncated_normal":
            return generator.normal(0.0, math.sqrt(variance), shape).astype(dtype)
        return (math.sqrt(variance) / _TRUNCATED_STDDEV * _truncated(generator, shape)).astype(dtype)

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
    """Uniform within `sqrt(6 / (fan_in + fan_out))`. The default of kernels."""

    _arguments = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Preset):
    """Truncated normal, variance `2 / (fan_in + fan_out)`."""

    _arguments = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Preset):
    """Uniform within `sqrt(6 / fan_in)`."""

    _arguments = (2.0, "fan_in", "uniform")


class HeNormal(_Preset):
    """Truncated normal, variance `2 / fan_in`."""

    _arguments = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Preset):
    """Uniform within `sqrt(3 / fan_in)`."""

    _arguments = (1.0, "fan_in", "uniform")


class LecunNormal(_Preset):
    """Truncated normal, variance `1 / fan_in`."""

    _arguments = (1.0, "fan_in", "truncated_normal")


class Orthogonal(_Random):
    """Rows or columns orthonormal, times `gain` (Saxe et al. 2014). The default of recurrent kernels."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = _number(self, "gain", gain)

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: shape must have rank 2 or more, got {shape}")
        rows, cols = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(self._generator().normal(size=(max(rows, cols), min(rows, cols))))
        # The signs of r's diagonal make the distribution uniform over orthogonal matrices.
        q = q * np.sign(np.diag(r))
        return (self.gain * (q.T if rows < cols else q)).reshape(shape).astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, **super().get_config()}


def _number(owner: Initializer, argument: str, value: Any) -> float:
    return _arguments.number(f"{type(owner).__name__}: {argument}", value)


def _axes(owner: Initializer, input_axes: Any, output_axes: Any) -> tuple[list[int] | None, list[int] | None]:
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


def _truncated(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = generator.standard_normal(shape)
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = generator.standard_normal(int(outside.sum()))
    return values


_registry: Registry[Initializer] = Registry(
    "initializer", Initializer, "keras.initializers", of_function=FunctionInitializer
)
for _cls in (
    Constant, Zeros, Ones, RandomNormal, TruncatedNormal, RandomUniform, VarianceScaling,
    GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal,
):  # fmt: skip
    _registry.add(_cls)
_registry.add(Identity, "IdentityInitializer", "eye")
_registry.add(Orthogonal, "OrthogonalInitializer")
_registry.add(Zeros, "zero")
_registry.add(Ones, "one")
_registry.add(RandomNormal, "normal")
_registry.add(RandomUniform, "uniform")

# Keras' other names.
constant, zeros, ones, identity, orthogonal = Constant, Zeros, Ones, Identity, Orthogonal
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal, lecun_uniform, lecun_normal = HeUniform, HeNormal, LecunUniform, LecunNormal


def get(identifier: Any) -> Initializer:
    """An initializer from a name, a class, an instance, a serialised dictionary, an array: the value itself, or any
    callable that takes `(shape, dtype=...)`.

    >>> import numpy as np
    >>> get(lambda shape, dtype=None: np.full(shape, 0.5, dtype))((2,))
    array([0.5, 0.5], dtype=float32)
    """
    if isinstance(identifier, np.ndarray) and identifier.ndim > 0:
        return Constant(identifier)
    return _registry.get(identifier)


is_own = _registry.is_own
serialize = _registry.serialize
deserialize = _registry.deserialize
