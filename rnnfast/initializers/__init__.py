"""Initial values of weights, with Keras' names, formulas and defaults.

An initializer is called with a shape and a dtype and gives an array. With `seed=None` the seed is drawn from the
global generator (`rnnfast.utils.set_random_seed`) when the initializer is made, so one instance always gives the same
values for the same shape, as in Keras. shape: a tuple of sizes; dtype: "float32" (default) or "float64". Arguments are
checked when the initializer is made: ValueError and TypeError name them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast._registry import Registry
from rnnfast.initializers.base import Initializer
from rnnfast.initializers.constants import Constant, Identity, Ones, Zeros
from rnnfast.initializers.distributions import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from rnnfast.initializers.functions import FunctionInitializer
from rnnfast.initializers.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

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
    """An initializer from a name, a class, an instance, a serialized dictionary, an array: the value itself, or any
    callable that takes `(shape, dtype=...)`."""
    if isinstance(identifier, np.ndarray) and identifier.ndim > 0:
        return Constant(identifier)
    return _registry.get(identifier)


is_own = _registry.is_own
serialize = _registry.serialize
deserialize = _registry.deserialize
