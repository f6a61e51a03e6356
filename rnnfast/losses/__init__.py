"""Losses: a number per batch, and its gradient by hand.

A loss compares `y_true` and `y_pred` over the last axis and gives one value per sample (per time step, for sequences);
`loss(y_true, y_pred)` reduces them, by default to their mean, with Keras' weights and masks. Names, arguments and
formulas are Keras 3's. A loss of your own derives from `Loss`. Every class has a function, in snake case, that gives
one value per sample.

y_true and y_pred: (samples, ..., n), where not said otherwise, anything numeric; their ranks may differ by a last axis
of size 1. All is computed in the dtype of y_pred. ValueError: shapes that do not match; TypeError: no numbers.

>>> import numpy as np, rnnfast
>>> float(rnnfast.losses.MeanSquaredError()(np.zeros((2, 1)), np.ones((2, 1))))
1.0
>>> rnnfast.losses.huber(np.zeros((2, 1)), np.array([[1.0], [3.0]]))
array([0.5, 2.5])
"""

from __future__ import annotations

from rnnfast._absent import absent_from
from rnnfast._registry import Registry
from rnnfast.losses.base import Loss, Slope, floating, spread
from rnnfast.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from rnnfast.losses.ctc import CTC, ctc
from rnnfast.losses.divergence import KLDivergence, Poisson, kl_divergence, poisson
from rnnfast.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
)
from rnnfast.losses.hinge import CategoricalHinge, Hinge, SquaredHinge, categorical_hinge, hinge, squared_hinge
from rnnfast.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)

_registry: Registry[Loss] = Registry(
    "loss", Loss, "keras.losses",
    reason="; a function has no gradient here: derive a class from rnnfast.losses.Loss with call and gradient",
)  # fmt: skip
_registry.add(MeanSquaredError, "mse", "MSE", function=mean_squared_error)
_registry.add(MeanAbsoluteError, "mae", "MAE", function=mean_absolute_error)
_registry.add(MeanAbsolutePercentageError, "mape", "MAPE", function=mean_absolute_percentage_error)
_registry.add(MeanSquaredLogarithmicError, "msle", "MSLE", function=mean_squared_logarithmic_error)
_registry.add(Huber, "huber_loss", function=huber)
_registry.add(LogCosh, "logcosh", function=log_cosh)
_registry.add(CosineSimilarity, function=cosine_similarity)
_registry.add(BinaryCrossentropy, "bce", "BCE", function=binary_crossentropy)
_registry.add(BinaryFocalCrossentropy, function=binary_focal_crossentropy)
_registry.add(CategoricalCrossentropy, function=categorical_crossentropy)
_registry.add(CategoricalFocalCrossentropy, function=categorical_focal_crossentropy)
_registry.add(SparseCategoricalCrossentropy, function=sparse_categorical_crossentropy)
_registry.add(CTC, function=ctc)
_registry.add(KLDivergence, "kld", "KLD", "kullback_leibler_divergence", function=kl_divergence)
_registry.add(Poisson, function=poisson)
_registry.add(Hinge, function=hinge)
_registry.add(SquaredHinge, function=squared_hinge)
_registry.add(CategoricalHinge, function=categorical_hinge)

MSE = mse = mean_squared_error
MAE = mae = mean_absolute_error
MAPE = mape = mean_absolute_percentage_error
MSLE = msle = mean_squared_logarithmic_error
BCE = bce = binary_crossentropy
KLD = kld = kl_divergence

get = _registry.get
serialize = _registry.serialize
deserialize = _registry.deserialize

__getattr__ = absent_from(__name__)

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "Slope",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "floating",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "spread",
    "squared_hinge",
]
